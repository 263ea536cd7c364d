"""Asking leave, and deciding it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import SignUp, SignUpState
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import at_once, state_of


def test_leave_waits_for_a_decision_and_its_asker_is_told(
    theme_day: None, phone: PhoneBook, secretary: Phone, database: Database
) -> None:
    gu, deputy = phone("古丽"), phone("陈刚")
    for one in (gu, deputy, secretary, phone("刘芳")):
        one.pushes()
    gu.script(("请假 下乡巡线", "请假已提交", "等待王建国、陈刚审批"))
    for one in (secretary, deputy):
        assert one.pushes()[0].startswith("古丽 请假：下乡巡线。回复 同意 1 或 不同意 1 理由")
    assert phone("刘芳").pushes() == []
    secretary.script(("请假审批", "古丽 请假：下乡巡线"), ("同意 1", "已同意古丽请假", "正在通知古丽"))
    assert "已批准" in gu.pushes()[0]
    deputy.script(("同意 1", "没有等待审批的第 1 条"), ("请假审批", "没有等待审批"))
    assert state_of(database, "古丽").state is SignUpState.LEAVE_GRANTED
    with database.read() as session:
        assert "同意请假" in session.scalars(select(AuditEntry.act)).all()


def test_a_refusal_needs_a_reason(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    gu, ming = phone("古丽"), phone("李明")
    gu("请假 下乡巡线")
    ming("请假 值班")
    gu.pushes()
    ming.pushes()
    secretary.script(
        ("请假审批", "同意 1｜古丽：下乡巡线", "同意 2｜李明：值班", "共 2 条"),
        ("不同意 2", "李明", "请发理由"),
        ("值班已调整", "没有同意李明请假", "还有 1 条"),
        ("不同意 1 任务可改期", "没有同意古丽请假", "没有其他"),
    )
    assert "值班已调整" in ming.pushes()[0]
    assert "任务可改期" in gu.pushes()[0]
    gu.script(("主题党日", "还没回复"), ("报名", "报名成功"))


def test_the_last_number_is_not_given_again(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("古丽")("请假 下乡巡线")
    secretary("同意 1")
    secretary.pushes()
    phone("李明")("请假 值班")
    assert "同意 2" in secretary.pushes()[0]
    secretary.script(("同意 1", "没有等待审批的第 1 条"))


def test_leave_without_a_reason_asks_for_it(theme_day: None, phone: PhoneBook) -> None:
    phone("古丽").script(("我要请假", "请发原因"), ("原因：孩子发烧", "请假已提交", "原因：孩子发烧"))
    phone("李明").script(("去不了", "请发原因"), ("。", "请写一下原因"), ("值班", "请假已提交"))


def test_leave_in_one_s_own_words_is_understood(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("家里有事去不了", "请假已提交", "家里有事去不了"))
    phone("古丽").script(("我不能参加", "请发原因"), ("孩子发烧", "请假已提交"))
    phone("李明").script(("参加不了，值班", "请假已提交", "原因：值班"))


def test_signing_up_withdraws_a_leave(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    gu = phone("古丽")
    gu.script(("请假 下乡", "请假已提交"), ("报名", "报名成功", "原来的请假已撤回"))
    secretary.script(("请假审批", "没有等待审批"), ("同意 1", "没有等待审批的第 1 条"))


def test_leave_withdraws_a_sign_up_and_can_be_taken_back(theme_day: None, phone: PhoneBook) -> None:
    gu, zhang = phone("古丽"), phone("张伟")
    gu.script(("报名", "已报名 1/12"), ("请假 下乡", "请假已提交"))
    zhang.script(("报名", "已报名 1/12"))
    gu.script(
        ("撤销", "请假已撤回"),
        ("请假 下乡", "请假已提交"),
        ("取消请假", "请假已撤回"),
        ("取消请假", "没有待撤回"),
    )


def test_after_the_start_leave_is_too_late(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    clock.jump(datetime(2026, 12, 4, 14, 31, tzinfo=SHANGHAI))
    phone("古丽").script(("请假 #1 堵车", "已经开始", "王建国"))


def test_nobody_decides_the_own_leave_while_others_can(
    theme_day: None, phone: PhoneBook, secretary: Phone
) -> None:
    deputy = phone("陈刚")
    deputy.pushes()
    secretary.script(("请假 开会", "等待陈刚审批"), ("同意 1", "自己的请假不能自己批", "陈刚"))
    assert "王建国 请假：开会" in deputy.pushes()[0]
    deputy.script(("同意 1", "已同意王建国请假"))


def test_the_only_one_in_charge_decides_the_own_leave_and_is_told_so(
    theme_day: None, secretary: Phone, database: Database
) -> None:
    with database.write() as session:
        boss = session.scalars(select(Member.id).where(Member.name == "王建国")).one()
        session.execute(
            update(Role)
            .where(Role.member_id != boss, Role.name != RoleName.GROUP_LEADER)
            .values(ends_on=datetime(2026, 1, 1).date())  # noqa: DTZ001
        )
    secretary.script(("请假 开会", "由您自己决定"), ("同意 1", "您自己的请假", "没有其他人可以审批"))


def test_a_member_may_not_decide(theme_day: None, phone: PhoneBook) -> None:
    phone("古丽")("请假 下乡")
    phone("张伟").script(
        ("同意 1", "需要支部书记或委员"),
        ("请假审批", "需要支部书记或委员"),
        ("谁没报名", "需要支部书记或委员"),
    )
    phone("马强").script(("同意 1", "没有等待审批的第 1 条"), ("谁请假", "没有等待审批"))


def test_an_unknown_number_or_name_is_refused(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(("同意", "没有等待审批"))
    phone("古丽")("请假 下乡")
    secretary.script(
        ("同意 7", "没有等待审批的第 7 条"),
        ("同意 张三", "没找到这个人的请假"),
        ("同意古丽", "已同意古丽请假"),
    )


def test_two_requests_at_once_get_two_numbers(theme_day: None, phone: PhoneBook, database: Database) -> None:
    at_once(
        *(lambda name=name: phone(name)("请假 值班") for name in ("张伟", "古丽", "李明", "孙磊", "周洁"))
    )
    with database.read() as session:
        numbers = session.scalars(select(SignUp.leave_no).where(SignUp.leave_no.is_not(None))).all()
    assert sorted(number or 0 for number in numbers) == [1, 2, 3, 4, 5]


def test_two_decisions_at_once_count_once(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("古丽")("请假 下乡")
    phone("古丽").pushes()
    deputy = phone("陈刚")
    answers: list[str] = []
    at_once(lambda: answers.append(secretary("同意 1")), lambda: answers.append(deputy("不同意 1 缺人")))
    assert sum("没有等待审批的第 1 条" in answer for answer in answers) == 1
    assert len(phone("古丽").pushes()) == 1
