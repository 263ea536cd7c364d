"""Enough people for a vote, live; who came late; and a name given with a leave, which carries no vote."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import SignUp
from bot.services.quorum import Quorum
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

LINE = "发布党员大会 12月8日15:00 三楼会议室 主题:审议工作报告"
BEGINS = datetime(2026, 12, 8, 15, 0, tzinfo=SHANGHAI)


@pytest.fixture
def meeting(secretary: Phone) -> None:
    secretary.script((LINE, "应到 12 人（有表决权 11 人）"), ("确认", "已发布"))


def arrive(secretary: Phone, phone: PhoneBook, *names: str) -> None:
    word = secretary("签到码").split("签到码：")[1].split("\n")[0]
    for name in names:
        phone(name).script((f"签到 {word}", "签到成功"))


def test_the_quorum_counts_those_with_a_vote_only(
    meeting: None, secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    clock.jump(BEGINS)
    arrive(secretary, phone, "李明", "张伟", "古丽", "刘芳", "陈刚", "赵敏")
    secretary.script(
        ("谁没签到", "应到 12 实到 6", "有表决权的正式党员实到 5/11，还差 1 人，不能表决"),
        ("活动详情 #1", "实到 5/11，还差 1 人"),
    )
    arrive(secretary, phone, "孙磊")
    secretary.script(
        ("谁没签到", "实到 6/11，已过半数，可以表决"), ("活动详情 #1", "实到 6/11，已过半数，可以表决")
    )
    secretary.script(("表决 同意年度工作报告", "已签到 6 人（至少 6 人，够）"))


def test_half_is_reached_before_it_is_passed() -> None:
    assert "已达半数，可以表决" in str(Quorum("支部委员", 2, 4, 2))
    assert "已过半数，可以表决" in str(Quorum("支部委员", 3, 4, 2))
    assert "还差 1 人，不能表决" in str(Quorum("支部委员", 1, 4, 2))
    assert not Quorum("支部委员", 0, 0, 0).reached


def test_a_kind_without_votes_shows_no_quorum(secretary: Phone, clock: Clock) -> None:
    secretary.script((LINE.replace("党员大会", "党课"), "应到 12 人"), ("确认", "已发布"))
    clock.jump(BEGINS)
    assert "表决" not in secretary("谁没签到")
    assert "表决" not in secretary("活动详情 #1")


def test_late_arrivals_are_named_to_those_in_charge(
    meeting: None, secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    clock.jump(BEGINS + timedelta(minutes=15))
    arrive(secretary, phone, "张伟")
    assert "迟到" not in secretary("活动详情 #1")
    clock.sleep(timedelta(minutes=5))
    arrive(secretary, phone, "古丽")
    secretary.script(
        ("补签 孙磊 现场手机没电", "已为孙磊补签"),
        ("活动详情 #1", "迟到 1 人（开始15分钟后签到）：古丽 15:20"),
    )
    assert "迟到" not in phone("古丽")("活动详情 #1")


# A name given with a leave


def test_a_delegate_is_only_a_name(
    meeting: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.pushes()
    phone("古丽").script(
        ("请假 出差 委托 李明", "原因：出差（委托李明）", "委托只记下姓名：表决要本人到会，选举不得委托")
    )
    assert "古丽 请假：出差（委托李明）。回复 同意 1" in secretary.pushes()[0]
    secretary.script(("请假审批", "出差（委托李明）"), ("同意 1", "已同意古丽请假"))
    with database.read() as session:
        row = session.scalars(select(SignUp).where(SignUp.delegate.is_not(None))).one()
        assert (row.delegate, row.reason) == ("李明", "出差")
    assert not any("委托" in text for text in phone("李明").pushes())


def test_asking_again_without_a_name_forgets_it(meeting: None, phone: PhoneBook, database: Database) -> None:
    phone("古丽").script(("请假 出差，委托李明同志", "委托李明"), ("请假 #1 值班", "原因：值班。"))
    with database.read() as session:
        assert session.scalars(select(SignUp).where(SignUp.delegate.is_not(None))).all() == []


def test_only_a_name_of_the_branch_is_taken(meeting: None, phone: PhoneBook) -> None:
    phone("古丽").script(
        ("请假 出差 委托 钱书记", "本支部名册里没有“钱书记”"),
        ("请假 出差 委托 古丽", "不能委托自己"),
        ("请假 受委托去开会", "请假已提交", "原因：受委托去开会。"),
    )


def test_a_theme_day_says_nothing_about_votes(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script((LINE.replace("党员大会", "主题党日"), "应到 12 人"), ("确认", "已发布"))
    answer = phone("古丽")("请假 出差 委托 李明")
    assert "委托李明" in answer
    assert "表决" not in answer
