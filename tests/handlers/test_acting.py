"""切换支部: in charge of several branches, acting for one of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.notice import Notice
from bot.models.organisation import Organisation
from bot.services import organisation
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import appoint

TEMPORARY = "保电临时党支部"
LINE = "发布主题党日 12月4日14:30 变电站 主题:保电一线"


@pytest.fixture
def elsewhere(database: Database, clock: Clock) -> int:
    """A temporary branch with one member of its own, 临时工."""
    with database.write() as session:
        branch = organisation.ensure_path(session, f"示范供电公司党委/{TEMPORARY}")
        organisation.ensure_path(session, "别的公司党委/外部党支部")
        session.add(
            Member(
                name="临时工",
                account="linshi",
                branch_id=branch.id,
                status=MemberStatus.FULL,
                created_at=clock(),
            )
        )
        return branch.id


def branch_of_the_last(database: Database, table: type[Activity] | type[Notice]) -> str:
    with database.read() as session:
        return session.scalars(
            select(Organisation.name)
            .join(table, table.branch_id == Organisation.id)
            .order_by(table.id.desc())
            .limit(1)
        ).one()


def test_who_is_in_charge_of_another_branch_only_acts_for_it(
    elsewhere: int, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "孙磊", RoleName.SECRETARY, elsewhere)
    sun = phone("孙磊")
    sun.script((LINE, f"{TEMPORARY}主题党日发布预览", "应到 1 人"), ("确认", "已发布", "正在发给 1 人"))
    assert branch_of_the_last(database, Activity) == TEMPORARY
    sun.script(("谁没报名", "临时工"), ("支部信息", TEMPORARY), ("体检", "体检"))
    assert any("保电一线" in text for text in phone("linshi").pushes())
    assert not any("保电一线" in text for text in phone("张伟").pushes())


def test_who_is_in_charge_here_and_there_chooses(
    elsewhere: int, secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "王建国", RoleName.SECRETARY, elsewhere)
    secretary.script(
        ("切换支部", "现在代表检修党支部办事", f"1 {TEMPORARY}"),
        ("1", f"今天代表{TEMPORARY}办事"),
        (LINE, f"{TEMPORARY}主题党日发布预览", "应到 1 人"),
        ("确认", "正在发给 1 人"),
        ("通知 全体 明天提前进站", f"全体（{TEMPORARY}）", "1 人"),
        ("确认", "1 人"),
    )
    assert branch_of_the_last(database, Notice) == TEMPORARY
    secretary.script(
        ("切换支部 本支部", "已回到本支部"),
        (LINE, "主题党日发布预览", "应到 12 人"),
    )
    assert TEMPORARY not in secretary(LINE)


def test_a_dialogue_goes_on_for_the_branch_for_which_it_was_begun(
    elsewhere: int, secretary: Phone, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "王建国", RoleName.SECRETARY, elsewhere)
    secretary("切换支部 保电")
    secretary.script((LINE, TEMPORARY))
    secretary("切换支部 本支部")
    secretary.script(("继续", TEMPORARY), ("改到12月5日", TEMPORARY, "12月5日"), ("确认", "正在发给 1 人"))
    assert branch_of_the_last(database, Activity) == TEMPORARY


def test_the_choice_ends_with_the_day(
    elsewhere: int, secretary: Phone, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "王建国", RoleName.SECRETARY, elsewhere)
    secretary("切换支部 保电")
    clock.jump(datetime(2026, 11, 24, 0, 1, tzinfo=SHANGHAI))
    secretary.script((LINE, "应到 12 人"))


def test_the_choice_ends_with_the_role(
    elsewhere: int, secretary: Phone, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "王建国", RoleName.SECRETARY, elsewhere)
    secretary("切换支部 保电")
    with database.write() as session:
        role = session.scalars(select(Role).where(Role.organisation_id == elsewhere)).one()
        role.starts_on, role.ends_on = clock().date() - timedelta(days=9), clock().date() - timedelta(days=1)
    secretary.script((LINE, "应到 12 人"), ("切换支部 保电", "您没有其他支部的职务"))


def test_an_admin_acts_for_any_branch_below(
    elsewhere: int, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    with database.read() as session:
        above = session.scalars(select(Organisation.parent_id).where(Organisation.id == elsewhere)).one()
    assert above is not None
    appoint(database, clock, "周洁", RoleName.ADMIN, above)
    admin = phone("周洁")
    admin.script(
        ("切换支部 外部党支部", "没有找到您能代表的支部“外部党支部”"),
        ("切换支部 保电临时党支部", "今天代表"),
        (LINE, f"{TEMPORARY}主题党日发布预览"),
    )


def test_nobody_else_can(elsewhere: int, secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(("切换支部 保电临时党支部", "您没有其他支部的职务"))
    assert "需要" in phone("张伟")("切换支部 保电临时党支部")
