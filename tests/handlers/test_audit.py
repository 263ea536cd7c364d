"""The log of acts: read by an admin, as 操作记录 or 记录 and a name, exported, and kept by the database itself."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import audit
from tests.chat import Phone, PhoneBook


@pytest.fixture
def admin(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """孙磊 is in charge of all branches."""
    with database.write() as session:
        top = session.scalars(select(Organisation).where(Organisation.name == "示范供电公司党委")).one()
        who = session.scalars(select(Member).where(Member.name == "孙磊")).one()
        today = clock().date()
        session.add(
            Role(member_id=who.id, name=RoleName.ADMIN, organisation_id=top.id, starts_on=today, ends_on=None)
        )
    return phone("孙磊")


def test_a_name_after_the_word_for_minutes_shows_an_admin_the_acts(
    admin: Phone, phone: PhoneBook, secretary: Phone
) -> None:
    secretary("任命 张伟 宣传委员")
    for said in ("记录 张伟", "操作记录 张伟", "记录 张伟 第1页"):
        admin.script(
            (said, "张伟的操作记录 第1页", "王建国 任命 张伟：宣传委员", "企业微信", "导出操作记录 张伟")
        )
    assert "没有正在开的活动" in admin("记录")
    assert "没有正在开的活动" in admin("记录 第2页")
    assert "操作记录" not in secretary("记录 张伟")
    assert "任命" not in phone("张伟")("记录 张伟")


def test_older_acts_come_page_by_page(admin: Phone, database: Database, clock: Clock) -> None:
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        for number in range(12):
            audit.record(session, actor=who, act=f"试办{number}", now=clock(), channel="wecom")
    admin.script(("记录 张伟", "试办11", "试办2", "回复 1"), ("1", "第2页", "试办1（", "试办0（"))


def test_the_log_is_exported_and_no_cell_is_a_formula(
    admin: Phone, bot: App, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        audit.record(
            session,
            actor=who,
            act="试办",
            now=clock(),
            channel="wecom",
            detail='=HYPERLINK("http://x","x")\x0b',
        )
        audit.record(session, actor=who, act="试办", now=clock(), channel="cli", detail="+1+1")
    for said in ("导出操作记录 张伟", "导出 操作记录 张伟", "导出操作记录"):
        answer = admin(said)
        link = re.search(r"/m/download/\S+", answer)
        assert link, answer
        client = composition.create_flask(bot).test_client()
        got = client.get(link[0])
        assert got.status_code == 200
        sheet = load_workbook(io.BytesIO(got.data)).active
        assert sheet is not None
        cells = {cell.value: cell.data_type for row in sheet.iter_rows() for cell in row}
        assert cells['=HYPERLINK("http://x","x")'] == "s"
        assert cells["+1+1"] == "s"
        assert {"张伟", "检修党支部", "企业微信", "命令行"} <= set(cells)
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.channel == "web")).all()
    assert acts == ["下载文件"] * 3
    clock.sleep(timedelta(minutes=11))
    assert client.get(link[0]).status_code == 410


def test_nobody_but_an_admin_exports_it(
    admin: Phone, bot: App, secretary: Phone, database: Database, clock: Clock
) -> None:
    assert "需要上级党委的管理员来办" in secretary("导出操作记录")
    link = re.search(r"/m/download/\S+", admin("导出操作记录"))
    assert link
    assert "没有找到您能查的" in admin("导出操作记录 某人")
    with database.write() as session:
        role = session.scalars(select(Role).where(Role.name == RoleName.ADMIN)).one()
        role.ends_on = clock().date() - timedelta(days=1)
    assert composition.create_flask(bot).test_client().get(link[0]).status_code == 403


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET detail = 'nothing happened'",
        "DELETE FROM audit_entry",
        "DELETE FROM audit_entry WHERE id = (SELECT min(id) FROM audit_entry)",
        "TRUNCATE audit_entry",
        "INSERT OR REPLACE INTO audit_entry SELECT id, at, actor_id, subject_id, branch_id, channel, act, 'x' FROM audit_entry",
    ],
)
def test_the_database_refuses_to_change_or_remove_an_act(
    secretary: Phone, database: Database, statement: str
) -> None:
    secretary("任命 张伟 宣传委员")
    before = acts(database)
    assert before
    with pytest.raises(DatabaseError), database.write() as session:
        session.execute(text(statement))
    assert acts(database) == before


def acts(database: Database) -> list[tuple[int, str]]:
    with database.read() as session:
        return [
            (key, detail)
            for key, detail in session.execute(
                select(AuditEntry.id, AuditEntry.detail).order_by(AuditEntry.id)
            )
        ]


def test_an_act_of_who_was_erased_keeps_the_name_and_nothing_else_of_the_person(
    admin: Phone, secretary: Phone, database: Database
) -> None:
    """Erasing somebody takes nothing from the log: it holds a name and an act, which the branch must be able to show."""
    secretary.script(("停用 张伟", "确认"), ("1", "已停用"))
    before = acts(database)
    secretary.script(("清除 张伟", "确认"), ("1", "已清除"))
    assert acts(database)[: len(before)] == before
    assert "王建国 停用 张伟" in admin("记录 张伟")
