"""我的数据 and 清除 walk the schema: a new table or text about a member must be decided on, or these tests fail."""

from __future__ import annotations

import enum
from collections.abc import Callable
from datetime import date, datetime, time
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Date,
    DateTime,
    Enum,
    Float,
    Integer,
    LargeBinary,
    Table,
    Time,
    select,
    text,
)
from sqlalchemy.orm import Session

import bot.models  # noqa: F401  (completes the metadata)
from bot.clock import Clock
from bot.db import Base, Database, UtcDateTime
from bot.models.member import Member
from bot.services import personal_data
from tests.chat import PhoneBook

MARK, NUMBER = "只有本人知道的话", 900_001
STAYS = {
    "activity": "what was organised in office",
    "activity_duty": "who led and who wrote a meeting",
    "attendance": "who was there; the reason of a correction goes",
    "audit_entry": "kept by the database itself",
    "branch_cap": "what was decided in office",
    "branch_rule": "what was decided in office",
    "claim": "that there was a claim and how it ended; its words go",
    "duel": "the opponent's result as well",
    "exam": "what was organised in office",
    "freeze_period": "what was decided in office",
    "hazard": "what the law wants recorded (《安全生产法》第四十一条)",
    "hazard_photo": "photos of what the law wants recorded",
    "hazard_step": "what the law wants recorded",
    "key_task": "what the branch had to do, and who answered for it",
    "key_task_step": "what happened to a task; its words go",
    "minute_line": "minutes",
    "minute_photo": "photos of minutes",
    "notice": "what was sent in office",
    "own_material": "what was given to the branch to study",
    "point_balance": "the ledger",
    "point_entry": "the ledger, sealed",
    "question": "the branch's questions",
    "question_import": "the branch's questions",
    "receipt": "whom a notice reached",
    "role": "who held which post",
    "secondment": "where somebody was; the reason goes",
    "seminar_question": "answered ones are the record's and lose their asker",
    "series": "what was organised in office",
    "settlement": "what was settled in office",
    "settlement_result": "the result that was made public",
    "sign_up": "who was invited; reason and decision go",
    "status_change": "from when somebody was a member",
    "stopped_question": "what was decided in office",
    "transfer": "from where to where somebody went",
    "vote": "what was put to the vote in office",
    "voter": "who voted in the open",
}
"""Tables of which rows about a member are left after erasing, and why. All others about a member must be empty then."""
OF_THE_BRANCH = {
    "activity",
    "audit_entry",
    "branch_cap",
    "branch_rule",
    "duel",
    "exam",
    "freeze_period",
    "hazard",
    "hazard_photo",
    "hazard_step",
    "key_task",
    "minute_line",
    "minute_photo",
    "notice",
    "own_material",
    "question",
    "question_import",
    "seminar_question",
    "series",
    "settlement",
    "stopped_question",
    "vote",
}
"""What was written in these was written for the branch, and stays whole."""
WORDS_STAY = {
    "point_balance": {"chain", "dimension", "period"},
    "point_entry": {"chain", "dimension", "fact", "period", "reason", "rule"},
    "settlement_result": {"chain", "dimensions"},
    "sign_up": {"delegate"},
    "transfer": {"why"},
}
"""Which texts of the other rows are left. What a member wrote about himself must not be among them."""


def value(column: Column[Any]) -> object:
    """Something that the column takes; a text is the mark."""
    kind = column.type
    by_type: tuple[tuple[type[Any], Callable[[], object]], ...] = (
        (Enum, lambda: _first(kind)),
        (Boolean, lambda: False),
        (LargeBinary, MARK.encode),
        (JSON, lambda: {"text": MARK}),
        (UtcDateTime, lambda: datetime.fromisoformat("2026-11-01T00:00:00+00:00")),
        (DateTime, lambda: datetime.fromisoformat("2026-11-01T00:00:00+00:00")),
        (Date, lambda: date(2026, 11, 1)),
        (Time, lambda: time(9)),
        (Integer, lambda: 1),
        (Float, lambda: 1.0),
    )
    return next((make() for one, make in by_type if isinstance(kind, one)), MARK)


def _first(kind: Any) -> object:
    return next(iter(kind.enum_class)) if isinstance(kind.enum_class, enum.EnumMeta) else kind.enums[0]


def row(table: Table, member_id: int) -> dict[str, object]:
    """A row about the member in which every column is filled; other tables are referred to by the row made for them."""
    values: dict[str, object] = {}
    for column in table.c:
        target = next((key.column.table.name for key in column.foreign_keys), "")
        if target == "member":
            values[column.name] = member_id
        elif target:
            values[column.name] = None if target == table.name else NUMBER
        elif column.primary_key and isinstance(column.type, Integer):
            values[column.name] = NUMBER
        else:
            values[column.name] = value(column)
    return values


@pytest.fixture
def leaver(database: Database, clock: Clock) -> int:
    """张伟 left, with a row in every table there is; every text about him is the mark."""
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        who.active = False
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
        for table in Base.metadata.sorted_tables:
            if table.name != "member":
                session.execute(table.insert().values(row(table, who.id)))
        for column in Member.__table__.c:
            if column.name in ("account", "staff_no", "crew", "post", "phone", "binding_code"):
                setattr(who, column.name, MARK)
        return who.id


def about_members() -> set[str]:
    return {table.name for table, _ in personal_data._tables(1)}


def test_every_table_about_a_member_has_a_name_that_a_member_understands() -> None:
    assert about_members() - set(personal_data.LABELS) == set()
    assert set(personal_data.LABELS) - about_members() == set()


def test_a_member_is_shown_every_table_with_a_row_about_him(database: Database, leaver: int) -> None:
    with database.read() as session:
        assert {one.table for one in personal_data.kept(session, leaver)} == about_members()


def test_every_kind_can_be_read(database: Database, leaver: int, clock: Clock) -> None:
    with database.read() as session:
        for one in personal_data.kept(session, leaver):
            label, lines = personal_data.newest(session, leaver, one.label, clock())
            assert label == one.label
            assert len(lines) <= 5


def test_the_numbers_of_all_kinds_fit_into_one_answer(
    phone: PhoneBook, database: Database, leaver: int
) -> None:
    with database.write() as session:
        who = session.get_one(Member, leaver)
        who.active, who.account, who.phone = True, "zhangwei", None
    answer = phone("张伟")("我的数据")
    assert all(personal_data.LABELS[table] in answer for table in about_members()), answer
    assert len(answer.encode()) <= 2048


def test_after_erasing_only_what_was_decided_on_is_left(
    database: Database, leaver: int, clock: Clock
) -> None:
    with database.write() as session:
        personal_data.erase(session, session.get_one(Member, leaver), now=clock())
    with database.read() as session:
        left = {one.table for one in personal_data.kept(session, leaver)}
        assert left | {"seminar_question"} == set(STAYS)
        words = {name: marked(session, name) for name in (left | {"member"}) - OF_THE_BRANCH}
        assert {name: found for name, found in words.items() if found} == WORDS_STAY
        gone = about_members() - set(STAYS)
        assert {name for name in gone if marked(session, name)} == set()


def marked(session: Session, name: str) -> set[str]:
    """The columns of a table in which the mark still stands."""
    found: set[str] = set()
    for one in session.execute(select(Base.metadata.tables[name])).mappings():
        found |= {column for column, held in one.items() if MARK in str(held) or held == MARK.encode()}
    return found


def test_what_is_left_of_the_person_is_the_name(database: Database, leaver: int, clock: Clock) -> None:
    with database.write() as session:
        personal_data.erase(session, session.get_one(Member, leaver), now=clock())
    with database.read() as session:
        who = session.get_one(Member, leaver)
        assert who.name == "张伟"
        filled = {
            c.name
            for c in Member.__table__.c
            if isinstance(getattr(who, c.name), str) and getattr(who, c.name)
        }
    assert filled == {"name", "status"}
