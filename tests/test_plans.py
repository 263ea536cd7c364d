"""Names are found by their beginning through their index, on both databases; and who watches the plans sees what reads too much."""

from __future__ import annotations

import pytest
from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from bot.app import App
from bot.db import Database, begins_with
from bot.models.member import Member
from bot.models.outbox import Outbox
from bot.models.points import PointEntry
from bot.services import outbox, points
from tests import plans

FACTS = (
    "attendance 12 1",
    "attendance 12 34 again 1",
    "attendance 120 1",
    "attendance 1 2",
    "attendance 12",
    "attendance-12 1",
)


@pytest.fixture
def facts(bot: App) -> None:
    """A ledger with names that are near to each other."""
    with bot.database.write() as session:
        for fact, member in zip(FACTS, session.scalars(select(Member.id).order_by(Member.id)), strict=False):
            points.award(session, member, "attend", fact=fact, reason="参加活动", now=bot.clock())


def test_a_name_is_found_by_its_beginning_and_no_other_is(database: Database, facts: None) -> None:
    with database.read() as session:
        found = set(
            session.scalars(select(PointEntry.fact).where(begins_with(PointEntry.fact, "attendance 12 ")))
        )
    assert found == {"attendance 12 1", "attendance 12 34 again 1"}


def test_pushes_are_withdrawn_by_the_beginning_of_their_key(bot: App) -> None:
    with bot.database.write() as session:
        member = session.scalars(select(Member.id).limit(1)).one()
        for key in ("exam 3", "exam 3 eve", "exam 30", "exam 31 eve"):
            outbox.push(session, [member], key, key=key, now=bot.clock())
        assert len(outbox.forget(session, "exam 3", now=bot.clock())) == 2
        left = sorted(session.scalars(select(Outbox.body)), key=str)
    assert [body["text"] for body in left] == ["exam 30", "exam 31 eve"]


@pytest.mark.parametrize(("table", "column"), [("outbox", "key"), ("point_entry", "fact")])
def test_postgresql_compares_names_byte_by_byte(database: Database, table: str, column: str) -> None:
    if database.sqlite:
        pytest.skip("SQLite always does")
    known = "SELECT collation_name FROM information_schema.columns WHERE table_name = :table AND column_name = :column"
    with database.read() as session:
        assert session.scalar(text(known), {"table": table, "column": column}) == "C"


def test_the_index_of_a_name_answers_for_its_beginning(database: Database) -> None:
    with database.read() as session:
        if database.sqlite:
            assert _steps(session, begins_with(PointEntry.fact, "attendance 12 "))[0].endswith(
                "(fact>? AND fact<?)"
            )
            return
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = session.scalars(
            text(
                "EXPLAIN SELECT * FROM point_entry WHERE fact >= 'attendance 12 ' AND fact < 'attendance 12!'"
            )
        ).all()
    assert any("Index Cond" in line and "fact" in line for line in plan), plan


def _steps(session: Session, *conditions: ColumnElement[bool]) -> list[str]:
    compiled = select(func.count()).select_from(PointEntry).where(*conditions).compile(session.connection())
    names = compiled.positiontup or []
    return plans.plan_of(session.connection(), str(compiled), [compiled.params[name] for name in names])


def _too_much(session: Session, *conditions: ColumnElement[bool]) -> bool:
    compiled = str(
        select(func.count()).select_from(PointEntry).where(*conditions).compile(session.connection())
    )
    return any(plans.reads_too_much(step, compiled) for step in _steps(session, *conditions))


def test_who_watches_the_plans_sees_a_whole_ledger_read(bot: App) -> None:
    if not bot.database.sqlite:
        pytest.skip("plans are watched on SQLite")
    one = (PointEntry.member_id == 1, PointEntry.rule == "attend")
    with bot.database.read() as session:
        assert _too_much(session, PointEntry.fact.startswith("attendance 12 "))
        assert _too_much(session, *one, PointEntry.reverses_id.is_(None)), (
            "a unique index, which leads to all that are no reversal"
        )
        assert not _too_much(session, *one)
        assert not _too_much(session, begins_with(PointEntry.fact, "attendance 12 "))
