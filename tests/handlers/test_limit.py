"""An activity with a limited number of places, and who waits for one."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUp, SignUpState
from bot.models.member import Member
from bot.services import attendance, record
from scheduler.reminders import remind
from scheduler.runner import Node
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import at_once

LINE = "发布志愿服务 12月4日14:30 河滨社区 限2人 主题:进社区查线路"


@pytest.fixture
def two_places(secretary: Phone, phone: PhoneBook) -> None:
    """Two places for twelve people; 张伟 and 古丽 have them, 李明 and 孙磊 wait."""
    secretary.script(
        (LINE, "志愿服务发布预览", "应到 12 人，限 2 人报名", "主题：进社区查线路\n", "地点：河滨社区\n"),
        ("确认", "正在发给 12 人"),
    )
    assert "限 2 人，先报先得" in phone("张伟").pushes()[0]
    for name, expected in (
        ("张伟", "已报名 1/2"),
        ("古丽", "已报名 2/2"),
        ("李明", "候补第 1 位"),
        ("孙磊", "候补第 2 位"),
    ):
        phone(name).script(("报名", expected))
        phone(name).pushes()


def states(database: Database, state: SignUpState) -> set[str]:
    with database.read() as session:
        names = select(Member.name).join(SignUp, SignUp.member_id == Member.id).where(SignUp.state == state)
        return set(session.scalars(names))


def test_who_comes_when_it_is_full_waits(
    two_places: None, phone: PhoneBook, secretary: Phone, database: Database
) -> None:
    phone("李明").script(
        ("报名", "名额已满（限 2 人），您排在候补第 1 位"), ("活动", "您在候补第 1 位"), ("我的", "候补")
    )
    secretary.script(
        ("谁没报名", "已报名 2", "候补 2（限 2 人）", "没回复 8 人"), ("活动", "限 2 人，候补 2")
    )
    assert states(database, SignUpState.WAITS) == {"李明", "孙磊"}


def test_who_steps_back_lets_the_first_in_and_tells_them(
    two_places: None, phone: PhoneBook, database: Database
) -> None:
    phone("张伟").script(("取消报名", "已取消报名"))
    (told,) = phone("李明").pushes()
    assert "有名额了，您已报名成功" in told
    assert phone("孙磊").pushes() == []
    phone("孙磊").script(("活动", "候补第 1 位"))
    assert states(database, SignUpState.SIGNED_UP) == {"古丽", "李明"}


def test_leave_frees_the_place_too(two_places: None, phone: PhoneBook, database: Database) -> None:
    phone("古丽").script(("请假 下乡巡线", "请假已提交"))
    assert "有名额了" in phone("李明").pushes()[0]
    assert states(database, SignUpState.SIGNED_UP) == {"张伟", "李明"}


def test_who_leaves_the_queue_lets_nobody_in(two_places: None, phone: PhoneBook, database: Database) -> None:
    phone("李明").script(("取消报名", "已退出候补"), ("取消报名", "还没有报名"))
    assert phone("孙磊").pushes() == []
    phone("孙磊").script(("报名", "候补第 1 位"))
    assert states(database, SignUpState.SIGNED_UP) == {"张伟", "古丽"}


def test_an_undone_place_in_the_queue_is_gone(secretary: Phone, phone: PhoneBook, database: Database) -> None:
    secretary.script((LINE.replace("限2人", "限1人"), "发布预览"), ("确认", "已发布"))
    phone("张伟")("报名")
    phone("李明").script(("报名", "候补第 1 位"), ("撤销", "报名已撤销"))
    assert states(database, SignUpState.WAITS) == set()


def test_more_places_let_the_queue_in(
    two_places: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.script(("修改活动 限3人", "限 3 人报名"), ("确认", "已修改"))
    assert "有名额了" in phone("李明").pushes()[0]
    secretary.script(("修改活动 不限人数", "应到 12 人"), ("确认", "已修改"))
    assert "有名额了" in phone("孙磊").pushes()[0]
    assert states(database, SignUpState.WAITS) == set()


def test_only_those_with_a_place_are_expected(
    two_places: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    clock.jump(datetime(2026, 12, 4, 14, 27, tzinfo=SHANGHAI))
    word = secretary("签到码").split("签到码：")[1].split("\n")[0]
    phone("张伟").script((f"签到 {word}", "签到成功"))
    secretary.script(("谁没签到", "应到 2 实到 1 请假 0 缺席 1", "没签到 1 人", "古丽"))
    phone("李明").script((f"签到 {word}", "签到成功"))
    for name in ("古丽", "周洁"):
        phone(name).pushes()
    secretary.script(("结束活动", "应到 3 实到 2 请假 0 缺席 1"), ("确认", "补学正在发给 1 人"))
    assert any("补学" in text for text in phone("古丽").pushes())
    assert phone("周洁").pushes() == []
    with database.read() as session:
        facts = record.activity(session, 1)
        assert (facts.counts, {one.name for one in facts.people}) == (
            attendance.counts(session, 1),
            {"张伟", "古丽", "李明"},
        )


def test_after_the_start_nobody_is_let_in(
    two_places: None, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    clock.jump(datetime(2026, 12, 4, 14, 31, tzinfo=SHANGHAI))
    phone("张伟").script(("取消报名", "还没有报名"), ("取消报名 #1", "已经开始"))
    assert states(database, SignUpState.WAITS) == {"李明", "孙磊"}


def test_a_full_activity_nudges_nobody(two_places: None, phone: PhoneBook, bot: App, clock: Clock) -> None:
    clock.jump(datetime(2026, 12, 3, 17, 0, tzinfo=SHANGHAI))
    phone("周洁").pushes()
    remind(Node(bot.database, {}, bot.settings, bot.clock, "one"), clock())
    assert phone("周洁").pushes() == []
    assert any("提醒" in text for text in phone("张伟").pushes())


def test_all_at_once_take_no_more_places_than_there_are(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.script((LINE.replace("限2人", "限 3 人"), "限 3 人报名"), ("确认", "已发布"))
    answers: list[str] = []
    phones = [phone(name) for name in ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁")]
    at_once(*(lambda one=one: answers.append(one("报名")) for one in phones))
    assert sum("报名成功" in answer for answer in answers) == 3
    assert sum("候补第" in answer for answer in answers) == 5
    with database.read() as session:
        taken = select(func.count()).where(SignUp.state == SignUpState.SIGNED_UP)
        assert session.scalar(taken) == 3
        assert session.scalars(select(Activity.capacity)).one() == 3


def test_all_who_step_back_at_once_let_as_many_in(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.script((LINE.replace("限2人", "限3人"), "限 3 人报名"), ("确认", "已发布"))
    for name in ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊"):
        phone(name)("报名")
    at_once(*(lambda one=one: one("取消报名") for one in (phone("张伟"), phone("古丽"), phone("刘芳"))))
    assert states(database, SignUpState.SIGNED_UP) == {"李明", "陈刚", "赵敏"}
    assert states(database, SignUpState.WAITS) == {"孙磊"}
