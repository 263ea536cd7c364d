"""What the register says of a branch's quarter, and that nothing is earned before the rules are in force."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import event, select

from bot.clock import Clock
from bot.db import Database
from bot.models.hazard import Hazard, HazardState
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.services import hazard_report
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

Q4 = date(2026, 10, 1), date(2026, 12, 31)
END = datetime(2026, 12, 31, 23, 59, 59, tzinfo=SHANGHAI)


def add(
    database: Database, due: date | None, closed: datetime | None = None, state: HazardState | None = None
) -> int:
    """A hazard of 检修党支部; returns the branch."""
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        state = state or (HazardState.CLOSED if closed else HazardState.DISPATCHED)
        one = Hazard(
            branch_id=who.branch_id, reporter_id=who.id, text="渗油", place="", level="一般", state=state
        )
        one.at = datetime(2026, 9, 1, tzinfo=SHANGHAI)
        one.due_on, one.closed_at, one.closed_on = due, closed, closed.date() if closed else None
        session.add(one)
        return who.branch_id


def found(database: Database, branch: int, at: datetime = END) -> tuple[int, int] | None:
    with database.read() as session:
        return hazard_report.due_and_closed(session, [branch, 999], *Q4, at).get(branch)


def moment(month: int, day: int, hour: int = 9, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("due", "closed", "expected"),
    [
        (date(2026, 12, 10), None, (1, 0)),
        (date(2026, 12, 10), moment(12, 10, 23), (1, 1)),
        (date(2026, 12, 10), moment(12, 11, 1), (1, 0)),
        (date(2026, 12, 31), None, (1, 0)),
        (date(2026, 9, 30), None, None),
        (date(2026, 9, 30), moment(9, 30), None),
        (date(2026, 9, 30), moment(10, 8), None),
        (date(2027, 1, 5), None, None),
        (date(2027, 1, 5), moment(12, 30), None),
        (date(2026, 12, 30), moment(1, 3, year=2027), (1, 0)),
        (None, None, None),
    ],
)
def test_a_quarter_that_is_over(
    database: Database, due: date | None, closed: datetime | None, expected: tuple[int, int] | None
) -> None:
    assert found(database, add(database, due, closed)) == expected


def test_a_quarter_that_goes_on_counts_what_is_past_or_closed(database: Database) -> None:
    branch = add(database, date(2026, 12, 10))
    assert found(database, branch, moment(12, 10, 22)) is None
    assert found(database, branch, moment(12, 11, 0)) == (1, 0)
    add(database, date(2026, 12, 20), moment(12, 9))
    assert found(database, branch, moment(12, 10, 22)) == (1, 1)
    assert found(database, branch, moment(12, 8)) is None


@pytest.mark.parametrize("state", [HazardState.DISMISSED, HazardState.WITHDRAWN])
def test_what_was_none_does_not_count(database: Database, state: HazardState) -> None:
    assert found(database, add(database, date(2026, 12, 10), state=state)) is None


def test_one_query_for_many_branches(database: Database) -> None:
    branch = add(database, date(2026, 12, 10))
    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *args: seen.append(args[2]))
    with database.read() as session:
        found = hazard_report.due_and_closed(session, [branch, *range(100, 150)], *Q4, END)
        assert found == {branch: (1, 0)}
        assert hazard_report.due_and_closed(session, [], *Q4, END) == {}
    assert len([one for one in seen if "hazard" in one]) == 2


def test_before_the_rules_are_in_force_nothing_is_earned(
    phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    assert clock().date() + timedelta(days=1) < date(2026, 12, 1)
    phone("张伟")("隐患 2号主变渗油")
    secretary("派发 YH1 李明 3天")
    phone("李明")("整改 YH1 好了")
    secretary.script(("复查 YH1 通过", "已销号"))
    with database.read() as session:
        assert session.scalars(select(PointEntry)).all() == []
