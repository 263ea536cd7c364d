"""The meeting of a Party group: its leader decides leave and corrects check-ins, the secretary where there is none, and only there."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import update

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import SignUpState
from bot.models.member import Role, RoleName
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import state_of

BEGINS = datetime(2026, 12, 8, 15, 0, tzinfo=SHANGHAI)


@pytest.fixture
def leader(phone: PhoneBook) -> Phone:
    """阿不力孜 leads the third group, 孙磊 and 周洁 are in it."""
    return phone("阿不力孜")


@pytest.fixture
def meeting(leader: Phone, phone: PhoneBook) -> None:
    leader.script(("发布党小组会 12月8日15:00 班组会议室 主题:学安规", "应到 3 人"), ("确认", "已发布"))
    for name in ("阿不力孜", "孙磊", "王建国", "陈刚"):
        phone(name).pushes()


def test_leave_from_a_group_meeting_goes_to_its_leader(
    meeting: None, leader: Phone, phone: PhoneBook, secretary: Phone, database: Database
) -> None:
    phone("孙磊").script(("请假 抢修值班", "请假已提交", "等待阿不力孜审批"))
    assert leader.pushes()[0].startswith("孙磊 请假：抢修值班。回复 同意 1")
    assert secretary.pushes() == phone("陈刚").pushes() == []
    leader.script(("请假审批", "孙磊 请假：抢修值班"), ("同意 1", "已同意孙磊请假", "正在通知孙磊"))
    assert "审批人阿不力孜" in phone("孙磊").pushes()[0]
    assert state_of(database, "孙磊").state is SignUpState.LEAVE_GRANTED


def test_the_secretary_may_decide_for_the_leader(meeting: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("孙磊")("请假 抢修值班")
    secretary.script(("同意 1", "已同意孙磊请假"))


def test_the_leader_s_own_leave_goes_to_the_secretary(meeting: None, leader: Phone, secretary: Phone) -> None:
    leader.script(("请假 出差", "等待王建国、陈刚审批"), ("同意 1", "自己的请假不能自己批", "王建国"))
    assert secretary.pushes()[0].startswith("阿不力孜 请假：出差")


def test_without_a_leader_it_goes_to_the_secretary(
    meeting: None, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        gone = update(Role).where(Role.name == RoleName.GROUP_LEADER)
        session.execute(gone.values(ends_on=clock().date() - timedelta(days=1)))
    phone("孙磊").script(("请假 抢修值班", "等待王建国、陈刚审批"))
    assert secretary.pushes()[0].startswith("孙磊 请假：抢修值班")


def test_a_leader_decides_nothing_of_the_branch_and_of_another_group(
    meeting: None, leader: Phone, phone: PhoneBook, secretary: Phone
) -> None:
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:学宪法", "应到 12 人"), ("确认", "已发布"))
    phone("孙磊")("请假 #2 抢修")
    phone("周洁")("请假 #1 营业值班")
    other = phone("马强")
    assert [one for one in (*leader.pushes(), *other.pushes()) if "孙磊 请假" in one] == []
    leader.script(("请假审批", "周洁 请假：营业值班"), ("同意 1", "没有等待审批的第 1 条"))
    other.script(("请假审批", "没有等待审批"), ("同意 2", "没有等待审批的第 2 条"))


def test_the_leader_corrects_check_ins_of_the_own_group_s_meeting(
    meeting: None, leader: Phone, phone: PhoneBook, clock: Clock
) -> None:
    clock.jump(BEGINS)
    leader.script(
        ("补签 孙磊 手机没电", "已为孙磊补签", "应到 3 实到 1"),
        ("撤销", "已撤销孙磊的补签"),
        ("补签 张伟 手机没电", "没有找到“张伟”"),
    )
    phone("马强").script(("补签 李明 手机没电", "没有找到可以补签的活动"))
    phone("孙磊").script(("补签 孙磊 手机没电", "需要支部书记或委员"))


def test_the_leader_corrects_nothing_in_an_activity_of_the_branch(
    leader: Phone, secretary: Phone, clock: Clock
) -> None:
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:学宪法", "应到 12 人"), ("确认", "已发布"))
    clock.jump(datetime(2026, 12, 4, 14, 30, tzinfo=SHANGHAI))
    leader.script(("补签 孙磊 手机没电", "没有找到可以补签的活动"))


def test_who_comes_too_late_with_the_word_is_sent_to_the_leader(
    meeting: None, leader: Phone, phone: PhoneBook, clock: Clock
) -> None:
    clock.jump(BEGINS)
    leader.script(("结束活动", "要结束"), ("确认", "已结束"))
    assert "“学安规”已经结束，您在场的话，请联系阿不力孜补签" in phone("孙磊")("签到 青松明月")
    assert "请联系支部书记补签" in phone("张伟")("签到 青松明月")
