"""Whatever happens to points, in whatever order and by how many at once: balance = ledger, nothing counts twice, and a tampered row is found."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import Claim, ClaimKind, ClaimState, PointBalance, PointEntry
from bot.models.settlement import Settlement, SettlementState
from bot.services import claim as claims
from bot.services import point_rule, points, rule_change, settlement, settlement_period, verdict
from bot.services.permission import actor_of
from bot.services.rule_change import Wish

_facts = (f"together {n}" for n in itertools.count())
WHO = ("张伟", "古丽", "李明")
CODES = ("attend", "study", "model", "skill", "duty")
SLOW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

Act = tuple[str, int, int]
"""What is done, by or to whom, and a number that it may use as it likes."""
ACTS = st.tuples(
    st.sampled_from(
        (
            "award",
            "award",
            "again",
            "reverse",
            "correct",
            "claim",
            "appeal",
            "decide",
            "settle",
            "rule",
            "later",
        )
    ),
    st.integers(0, len(WHO) - 1),
    st.integers(0, 40),
)


def member(session: Session, name: str) -> Member:
    return session.scalars(select(Member).where(Member.name == name)).one()


def do(database: Database, act: Act, now: datetime) -> None:
    """One act in its own transaction, as a message is; what is refused is rolled back and no act."""
    try:
        with database.write() as session:
            _do(session, *act, now)
    except Refusal:
        return


def _do(session: Session, what: str, who: int, number: int, now: datetime) -> None:
    name = WHO[who]
    match what:
        case "award" | "again":
            fact = next(_facts) if what == "award" else f"one of a few {number % 4} {who}"
            code, one = CODES[number % len(CODES)], member(session, name)
            points.award(session, one.id, code, fact=fact, reason="做了", now=now, points=number % 5 + 1)
        case "reverse" | "correct":
            change(session, what, number, now)
        case "claim":
            claims.submit(session, member(session, name), f"带头抢修 {number}", now=now)
        case "appeal":
            appeal(session, name, number, now)
        case "decide":
            decide(session, number, now)
        case "settle":
            settle(session, now, number)
        case "rule":
            branch = session.get_one(Organisation, member(session, name).branch_id)
            wish = Wish("model", now.date() + timedelta(days=number + 1), points=number % 4 + 1)
            rule_change.change(session, branch, wish, by=member(session, "王建国"), now=now)


def change(session: Session, what: str, number: int, now: datetime) -> None:
    giver = member(session, "王建国").id
    entries = session.scalars(select(PointEntry).order_by(PointEntry.id.desc()).limit(15)).all()
    if not entries:
        return
    entry = entries[number % len(entries)]
    if what == "reverse":
        points.reverse(session, entry, reason="更正", giver_id=giver, now=now)
    else:
        points.correct(session, entry, number % 6, reason="更正", giver_id=giver, now=now)


def appeal(session: Session, name: str, number: int, now: datetime) -> None:
    who = member(session, name)
    own = session.scalars(select(PointEntry.id).where(PointEntry.member_id == who.id)).all()
    entry = own[number % len(own)] if own and number % 3 else None
    claims.appeal(session, who, entry, f"那天我在场 {number}", now=now)


def decide(session: Session, number: int, now: datetime) -> None:
    """The first case that a reviewer has: refused, or granted with an amount that the number says."""
    actor = actor_of(session, member(session, "王建国" if number % 2 else "陈刚"), on=now.date())
    waiting = verdict.waiting(session, actor, on=now.date())
    if not waiting:
        return
    one = waiting[number % len(waiting)]
    if number % 4 == 0:
        verdict.refuse(session, actor, one, "与台账不符", now=now)
    elif one.entry is not None:
        verdict.grant_appeal(session, actor, one, number % 6, now=now)
    else:
        rules = verdict.given_rules(session, actor, one, now.date())
        verdict.grant(session, actor, one, rules[number % len(rules)], number % 5 + 1, now=now)


def settle(session: Session, now: datetime, number: int) -> None:
    """A quarter's draft and notice, or the end of what is due."""
    due = settlement.due(session, now)
    if due:
        settlement.close(session, due[0], now)
        return
    by = member(session, "王建国")
    branch = session.get_one(Organisation, by.branch_id)
    one = settlement.draft(
        session, branch, settlement_period.last_ended("quarter", now.date()), by=by, now=now
    )
    if number % 3:
        settlement.publish(session, one, now=now)


def proved(session: Session) -> None:
    """Balance = ledger and seals hold; no balance is negative; nothing is taken back, decided or corrected twice; finals stay as they are."""
    assert points.verify(session) == []
    assert (session.scalar(select(func.min(PointBalance.points))) or 0) >= 0
    for column in (PointEntry.reverses_id, PointEntry.fact):
        twice = select(column).where(column.is_not(None)).group_by(column).having(func.count() > 1)
        assert session.scalars(twice).all() == []
    granted = select(func.count()).where(Claim.state == ClaimState.GRANTED, Claim.kind == ClaimKind.CLAIM)
    paid = select(func.count()).where(PointEntry.fact.startswith("claim "))
    assert (session.scalar(paid) or 0) >= (session.scalar(granted) or 0)


def finals(session: Session) -> dict[tuple[int, int], tuple[int, int]]:
    done = session.scalars(select(Settlement.id).where(Settlement.state == SettlementState.FINAL)).all()
    return {
        (number, one.member_id): (one.total, one.through_id)
        for number in done
        for one in settlement.results(session, number)
    }


@SLOW
@given(acts=st.lists(ACTS, max_size=16), start=st.integers(0, 60))
def test_any_sequence_of_all_that_moves_points_keeps_balance_and_ledger_equal(
    database: Database, clock: Clock, acts: Sequence[Act], start: int
) -> None:
    now = clock() + timedelta(days=start)
    settled: dict[Any, Any] = {}
    for act in acts:
        now += timedelta(days=act[2] if act[0] == "later" else 0, minutes=1)
        do(database, act, now)
        with database.read() as session:
            proved(session)
            known = finals(session)
        assert known.items() >= settled.items(), "what is final does not change"
        settled = known


@settings(parent=SLOW, max_examples=5)
@given(sides=st.lists(st.lists(ACTS, min_size=3, max_size=8), min_size=3, max_size=4))
def test_several_at_once_keep_balance_and_ledger_equal(
    database: Database, clock: Clock, sides: list[list[Act]]
) -> None:
    """Each side is a thread with its own acts, each act its own transaction, on the same three members."""
    gate, broken = threading.Barrier(len(sides)), list[BaseException]()

    def run(acts: list[Act]) -> None:
        gate.wait()
        for n, act in enumerate(acts):
            try:
                do(database, act, clock() + timedelta(minutes=n))
            except Exception as error:
                broken.append(error)

    threads = [threading.Thread(target=run, args=(acts,)) for acts in sides]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    # The twin of a unique fact fails where the dispatcher would try once more; whatever failed has left nothing behind.
    assert all(type(error).__name__ == "IntegrityError" for error in broken), broken
    with database.read() as session:
        proved(session)
        for rule in point_rule.rules().rules:
            for name in WHO:
                kept = points.room(session, member(session, name).id, rule, clock())
                assert kept >= 0, f"{name} has more than the cap of {rule.name}"


CHANGES = st.tuples(
    st.sampled_from(("award", "correct", "reverse")), st.integers(0, len(WHO) - 1), st.integers(0, 40)
)
COLUMNS: dict[str, Any] = {
    "points": "points + 1",
    "reason": "'另一个理由'",
    "rule": "'other'",
    "version": "version + 1",
    "dimension": "'别的维度'",
    "period": "'2020Q1'",
    "day": "'2026-01-02'",
    "giver_id": "COALESCE(giver_id, 0) + 1",
    "fact": "'changed ' || fact",
    "chain": "'1-00'",
}


@SLOW
@given(
    column=st.sampled_from(sorted(COLUMNS)),
    acts=st.lists(CHANGES, max_size=8),
    which=st.integers(0, 100),
)
def test_whichever_row_and_column_is_changed_the_row_is_found(
    database: Database, clock: Clock, column: str, acts: list[Act], which: int
) -> None:
    for n, act in enumerate([("award", 0, 0), *acts]):
        do(database, act, clock() + timedelta(minutes=n))
    with database.write() as session:
        rows = session.scalars(select(PointEntry.id).order_by(PointEntry.id)).all()
        assert points.verify(session) == []
        chosen = rows[which % len(rows)]
        statement = f"UPDATE point_entry SET {column} = {COLUMNS[column]} WHERE id = :id"
        session.execute(text(statement), {"id": chosen})
        found = {one.entry_id for one in points.verify(session)}
        session.rollback()
    assert chosen in found
