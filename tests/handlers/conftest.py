"""What tests of several features about activities begin with."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import SignUp
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from tests.chat import Phone

COMMITTEE = "示范供电公司党委"
LINE = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"


@pytest.fixture
def theme_day(secretary: Phone) -> None:
    """A theme day on Friday 2026-12-04 14:30, notice out, nobody has answered."""
    secretary.script((LINE, "发布预览"), ("确认", "正在发给 12 人"))


@pytest.fixture
def second_day(theme_day: None, secretary: Phone) -> None:
    """Another one a week later."""
    secretary.script(("发布主题党日 12月11日14:30 二楼 主题:学安规", "发布预览"), ("确认", "正在发给 12 人"))


def state_of(database: Database, name: str) -> SignUp:
    with database.read() as session:
        return session.scalars(
            select(SignUp).join(Member, Member.id == SignUp.member_id).where(Member.name == name)
        ).one()


def at_once(*acts: object) -> None:
    """Run all of them at the same moment, each in a thread."""
    barrier = threading.Barrier(len(acts))

    def run(act: object) -> None:
        barrier.wait()
        assert callable(act)
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def appoint(database: Database, clock: Clock, name: str, role: RoleName, node: int | str) -> None:
    """Give somebody a role from today on, at a node that is named by its id or its name."""
    with database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == name)).one()
        if isinstance(node, str):
            node = session.scalars(select(Organisation.id).where(Organisation.name == node)).one()
        session.add(
            Role(member_id=who, name=role, organisation_id=node, starts_on=clock().date(), ends_on=None)
        )
