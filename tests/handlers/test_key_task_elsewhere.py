"""关键任务 of a branch other than the own one: in charge here and there, guests who own a task, somebody in charge above."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.course import Secondment
from bot.models.key_task import KeyTask
from bot.models.member import Member, RoleName
from bot.models.organisation import Organisation
from tests.chat import Phone, PhoneBook
from tests.handlers.conftest import appoint
from tests.handlers.test_acting import TEMPORARY, elsewhere

__all__ = ["elsewhere"]


def branch_of(database: Database, number: int) -> str:
    with database.read() as session:
        return session.get_one(Organisation, session.get_one(KeyTask, number).branch_id).name


@pytest.fixture
def guest(elsewhere: int, database: Database, clock: Clock) -> None:
    """古丽 is with the temporary branch for a month."""
    with database.write() as session:
        ids = {one.name: one.id for one in session.scalars(select(Member))}
        session.add(
            Secondment(
                member_id=ids["古丽"],
                to_id=elsewhere,
                starts_on=clock().date(),
                ends_on=clock().date() + timedelta(days=30),
                why="保电",
                by_id=ids["王建国"],
                at=clock(),
            )
        )


def test_who_is_in_charge_here_and_there_says_for_which(
    elsewhere: int, guest: None, secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "王建国", RoleName.SECRETARY, elsewhere)
    secretary.script(
        ("切换支部 保电", f"今天代表{TEMPORARY}办事"),
        ("新建任务 站内巡视 张伟 12月5日", "谁负责？"),
        ("古丽", f"{TEMPORARY}新建任务：站内巡视 张伟"),
        ("名称 站内巡视", f"{TEMPORARY}新建任务：站内巡视"),
        ("确认", "已新建 RW1"),
        ("任务", f"{TEMPORARY}任务 1 项"),
        ("切换支部 本支部", "已回到本支部"),
        ("任务", "本支部还没有正在做的关键任务"),
        ("任务 RW1", "负责人 古丽"),
    )
    assert branch_of(database, 1) == TEMPORARY
    guli = phone("古丽")
    guli.script(("我的任务", "RW1 站内巡视"), ("完成任务 RW1", "等王建国确认"))
    assert "古丽报任务 RW1" in secretary.pushes()[-1]
    phone("张伟").script(("任务 RW1", "没有找到任务 RW1"), ("任务", "没有正在做的关键任务"))
    phone("陈刚").script(("确认任务 RW1", "没有找到任务 RW1"))
    secretary.script(("确认任务", "回复 1 确认"), ("1", "已确认 RW1"))


def test_somebody_above_may_step_in(
    elsewhere: int, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary.script(("新建任务 城西变检修 张伟 12月20日", "1 确认"), ("确认", "RW1"))
    with database.read() as session:
        top = session.scalars(select(Organisation.parent_id).where(Organisation.id == elsewhere)).one()
    assert top is not None
    linshi = phone("linshi")
    linshi.script(("任务 RW1", "没有找到任务 RW1"))
    appoint(database, clock, "临时工", RoleName.ADMIN, top)
    linshi.script(
        ("任务 RW1", "负责人 张伟", "改任务 RW1"), ("改任务 RW1 期限 12月25日", "1 确认"), ("1", "已改 RW1"),
        ("改任务 RW1 负责人 临时工", "本支部没有叫“临时工”的人"),
    )  # fmt: skip
    phone("张伟")("完成任务 RW1")
    linshi.script(("确认任务", "RW1"), ("1", "已确认 RW1"))
    with database.read() as session:
        assert session.get_one(KeyTask, 1).due_on == date(2026, 12, 25)
