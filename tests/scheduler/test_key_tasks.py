"""Owners are reminded of their tasks three days before, on the day, then weekly; those in charge once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.key_task import KeyTask
from bot.models.member import Member
from bot.models.outbox import Outbox
from bot.services import key_task_report
from scheduler.key_tasks import remind
from scheduler.runner import Node
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

WEDNESDAY = "12月9日"


def mornings(node: Node, clock: Clock, first: date, last: date) -> None:
    """Live through the mornings of some days, each twice, because a job may come twice."""
    on = first
    while on <= last:
        clock.jump(datetime(on.year, on.month, on.day, 8, 45, tzinfo=SHANGHAI))
        remind(node, clock())
        remind(node, clock())
        on += timedelta(days=1)


def said(database: Database, name: str, word: str) -> list[tuple[str, str]]:
    """The day and the first task's line of what somebody was told."""
    with database.read() as session:
        rows = session.execute(
            select(Outbox.created_at, Outbox.body)
            .join(Member, Member.id == Outbox.member_id)
            .where(Member.name == name)
            .order_by(Outbox.id)
        ).all()
    return [
        (f"{at.astimezone(SHANGHAI):%m-%d}", body["text"].splitlines()[1])
        for at, body in rows
        if word in body["text"]
    ]


@pytest.fixture
def task(secretary: Phone) -> None:
    """张伟's task, due on a Wednesday."""
    secretary(f"新建任务 城西变检修 张伟 {WEDNESDAY}")
    secretary("确认")


def test_an_owner_is_reminded_before_on_the_day_and_weekly(
    task: None, node: Node, clock: Clock, database: Database
) -> None:
    mornings(node, clock, date(2026, 11, 24), date(2026, 12, 31))
    days = [day for day, _ in said(database, "张伟", "提醒")]
    # 6 December is a Sunday: three days before is said on the Monday.
    assert days == ["12-07", "12-09", "12-16", "12-23", "12-30"]
    chief = [day for day, _ in said(database, "王建国", "请过问")]
    assert chief == ["12-17"], "more than seven days, once"
    assert [day for day, _ in said(database, "陈刚", "请过问")] == ["12-17"]
    assert said(database, "刘芳", "请过问") == []


def test_what_is_due_on_a_day_off_is_said_on_the_next_working_day(
    secretary: Phone, node: Node, clock: Clock, database: Database
) -> None:
    secretary("新建任务 消缺 张伟 12月20日")
    secretary("确认")
    mornings(node, clock, date(2026, 12, 14), date(2026, 12, 25))
    assert [day for day, _ in said(database, "张伟", "提醒")] == ["12-17", "12-21"]


def test_several_tasks_are_one_message(
    secretary: Phone, node: Node, clock: Clock, database: Database
) -> None:
    lines = "\n".join(f"{n}号线消缺 张伟 12月9日" for n in "甲乙丙丁戊己")
    secretary(f"新建任务\n{lines}")
    secretary("确认")
    mornings(node, clock, date(2026, 12, 7), date(2026, 12, 8))
    [(_, first)] = said(database, "张伟", "提醒")
    assert first == "RW1 甲号线消缺，期限 12月9日(周三)"
    with database.read() as session:
        text = session.scalars(select(Outbox.body).order_by(Outbox.id.desc())).first()
    assert text is not None
    assert "还有 1 项" in text["text"]


def test_what_is_reported_done_or_called_off_is_not_reminded_of(
    task: None, secretary: Phone, phone: PhoneBook, node: Node, clock: Clock, database: Database
) -> None:
    phone("张伟")("完成任务 RW1")
    mornings(node, clock, date(2026, 12, 7), date(2026, 12, 31))
    secretary("退回任务 RW1 缺报告")
    secretary("取消任务 RW1 不做了")
    secretary("确认")
    mornings(node, clock, date(2027, 1, 4), date(2027, 1, 8))
    assert said(database, "张伟", "提醒") == []
    assert said(database, "王建国", "请过问") == []


def test_a_new_day_is_reminded_of_anew(
    task: None, secretary: Phone, node: Node, clock: Clock, database: Database
) -> None:
    mornings(node, clock, date(2026, 12, 7), date(2026, 12, 7))
    secretary("改任务 RW1 期限 12月18日")
    secretary("确认")
    mornings(node, clock, date(2026, 12, 8), date(2026, 12, 18))
    assert [day for day, _ in said(database, "张伟", "提醒")] == ["12-07", "12-15", "12-18"]


def test_a_freeze_period_puts_it_off(
    task: None, secretary: Phone, node: Node, clock: Clock, database: Database
) -> None:
    secretary("保电 12月6日到12月10日")
    secretary("确认")
    mornings(node, clock, date(2026, 12, 7), date(2026, 12, 14))
    assert [day for day, _ in said(database, "张伟", "提醒")] == ["12-11"]


def test_those_in_charge_hear_of_an_owner_who_left(
    task: None, node: Node, clock: Clock, database: Database
) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().active = False
    mornings(node, clock, date(2026, 11, 24), date(2026, 12, 17))
    assert said(database, "张伟", "提醒") == []
    assert said(database, "王建国", "请过问") == [("11-24", "RW1 城西变检修 张伟（已离开）")]


# The report ---------------------------------------------------------------------------------------------------------------


def counted(database: Database, at: datetime, *branches: int) -> dict[int, tuple[int, int]]:
    with database.read() as session:
        ids = branches or tuple(session.scalars(select(KeyTask.branch_id)))
        return key_task_report.due_and_done(session, ids, date(2026, 10, 1), date(2026, 12, 31), at)


def test_the_report_counts_what_was_due_and_what_was_done_in_time(
    secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    zhang = phone("张伟")
    lines = [
        "甲站消缺 张伟 12月9日",
        "乙站消缺 张伟 12月9日",
        "丙站消缺 张伟 12月31日",
        "丁站消缺 张伟 2027-01-05",
        "戊站消缺 张伟 12月9日",
    ]
    secretary("新建任务\n" + "\n".join(lines))
    secretary("确认")
    assert counted(database, clock()) == {}, "nothing is due yet"

    zhang("完成任务 RW3")
    assert counted(database, clock()) == {}, "it waits to be confirmed"
    secretary("确认任务 RW3")
    [branch] = counted(database, clock())
    assert counted(database, clock()) == {branch: (1, 1)}, "done before its day"
    secretary("取消任务 RW5 不做了")
    secretary("确认")

    clock.jump(datetime(2026, 12, 9, 22, tzinfo=SHANGHAI))
    zhang("完成任务 RW1")
    assert counted(database, clock()) == {branch: (1, 1)}, "the day is not over"
    clock.jump(datetime(2026, 12, 10, 9, tzinfo=SHANGHAI))
    assert counted(database, clock()) == {branch: (3, 1)}
    secretary("确认任务 RW1")
    zhang("完成任务 RW2")
    secretary("确认任务 RW2")
    assert counted(database, clock()) == {branch: (3, 2)}, "RW2 was late"
    end = datetime(2026, 12, 31, 23, 59, 59, tzinfo=SHANGHAI)
    assert counted(database, end) == {branch: (3, 2)}
    assert counted(database, end, branch + 1) == {}


def test_the_last_second_of_a_period_is_the_end_of_its_last_day(secretary: Phone, database: Database) -> None:
    secretary("新建任务 甲站消缺 张伟 12月31日")
    secretary("确认")
    end = datetime(2026, 12, 31, 23, 59, 59, tzinfo=SHANGHAI)
    assert list(counted(database, end).values()) == [(1, 0)]
    assert counted(database, end - timedelta(hours=1)) == {}
