"""The ledger: a fact earns once, caps hold, a correction is a row, and the balance is the sum of the ledger whatever happens."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member
from bot.models.points import PointBalance, PointEntry
from bot.services import point_account, point_rule, points
from bot.services.points import AlreadyReversed, IsAReversal, OverCap, WrongAmount
from content import ROOT, read_toml
from content import points as rules_file

_facts = (f"fact {n}" for n in itertools.count())


def id_of(session: Session, name: str) -> int:
    return session.scalars(select(Member.id).where(Member.name == name)).one()


def award(
    database: Database, clock: Clock, code: str = "attend", *, name: str = "张伟", **more: object
) -> points.Award:
    """One award with a fresh fact, in its own transaction."""
    with database.write() as session:
        facts = {"fact": next(_facts), "reason": "参加活动", "now": clock(), **more}
        return points.award(session, id_of(session, name), code, **facts)  # type: ignore[arg-type]


def ledger(database: Database, name: str = "张伟") -> list[int]:
    with database.read() as session:
        rows = (
            select(PointEntry.points)
            .join(Member, Member.id == PointEntry.member_id)
            .where(Member.name == name)
        )
        return list(session.scalars(rows.order_by(PointEntry.id)))


def total(database: Database, clock: Clock, name: str = "张伟") -> int:
    with database.read() as session:
        return point_account.standing(session, id_of(session, name), clock()).total


def consistent(database: Database) -> bool:
    with database.read() as session:
        return points.verify(session) == []


def test_the_same_fact_earns_once(database: Database, clock: Clock) -> None:
    first, second = (award(database, clock, fact="attendance 1 2") for _ in range(2))
    assert (first.points, second.points) == (2, 0)
    assert second.total == 2
    assert ledger(database) == [2]


def test_a_cap_cuts_the_last_award_and_stops_the_next(database: Database, clock: Clock) -> None:
    given_points = [award(database, clock, "skill", points=5).points for _ in range(4)]
    assert given_points == [5, 5, 2, 0]
    assert ledger(database) == [5, 5, 2]


def test_a_monthly_cap_begins_anew_with_the_month_of_the_branch(database: Database, clock: Clock) -> None:
    assert sum(award(database, clock, "study").points for _ in range(7)) == 5
    # 2026-11-30 16:30 UTC is already December in Shanghai.
    clock.jump(datetime(2026, 11, 30, 16, 30, tzinfo=UTC))
    assert award(database, clock, "study").points == 1


def test_what_is_taken_back_frees_the_cap_it_used_and_no_more(database: Database, clock: Clock) -> None:
    """A reversal next month must not add room to that month."""
    entries = [award(database, clock, "study").entry_id for _ in range(5)]
    reverse(database, clock, entries[0])
    assert award(database, clock, "study").points == 1
    assert award(database, clock, "study").points == 0
    clock.sleep(timedelta(days=10))
    reverse(database, clock, entries[1])
    assert sum(award(database, clock, "study").points for _ in range(7)) == 5


def reverse(database: Database, clock: Clock, entry_id: int | None) -> None:
    with database.write() as session:
        entry = session.get_one(PointEntry, entry_id)
        points.reverse(session, entry, reason="重复登记", giver_id=id_of(session, "王建国"), now=clock())


def test_a_reversal_counts_in_the_quarter_of_what_it_takes_back(database: Database, clock: Clock) -> None:
    entry = award(database, clock).entry_id
    clock.jump(clock().replace(year=2027, month=1, day=4))
    award(database, clock)
    reverse(database, clock, entry)
    assert total(database, clock) == 2
    with database.read() as session:
        rows = {(b.period, b.points) for b in session.scalars(select(PointBalance))}
    assert rows == {("2026Q4", 0), ("2027Q1", 2)}


def test_an_entry_is_taken_back_once_and_a_reversal_never(database: Database, clock: Clock) -> None:
    entry = award(database, clock).entry_id
    reverse(database, clock, entry)
    with pytest.raises(AlreadyReversed):
        reverse(database, clock, entry)
    with database.read() as session:
        reversal = session.scalars(select(PointEntry.id).where(PointEntry.reverses_id == entry)).one()
    with pytest.raises(IsAReversal):
        reverse(database, clock, reversal)
    assert ledger(database) == [2, -2]


def test_a_correction_is_a_reversing_row_and_a_new_one_in_the_old_quarter(
    database: Database, clock: Clock
) -> None:
    entry = award(database, clock, "model", points=1).entry_id
    clock.jump(clock().replace(year=2027, month=1, day=4))
    with database.write() as session:
        old = session.get_one(PointEntry, entry)
        reversal, new = points.correct(
            session, old, 4, reason="申诉同意", giver_id=id_of(session, "王建国"), now=clock()
        )
        assert reversal is not None
        assert new is not None
        assert (reversal.points, new.points, new.period, new.version, new.rule) == (
            -1,
            4,
            "2026Q4",
            1,
            "model",
        )
        assert points.live(session, old) == (new, True)
        assert points.live(session, reversal) == (new, True)
    assert total(database, clock) == 0
    assert consistent(database)


def test_a_correction_stays_within_the_rule(database: Database, clock: Clock) -> None:
    entry = award(database, clock).entry_id
    with database.write() as session, pytest.raises(WrongAmount):
        points.correct(session, session.get_one(PointEntry, entry), 3, reason="多给", giver_id=1, now=clock())


def test_a_person_gives_all_or_nothing(database: Database, clock: Clock) -> None:
    award(database, clock, "skill", points=10)
    with database.write() as session:
        who, giver = session.get_one(Member, id_of(session, "张伟")), id_of(session, "王建国")
        rule = point_rule.rules().rule("skill", clock().date())
        with pytest.raises(OverCap, match="最多计 12 分，张伟还可加 2 分"):
            points.give(session, giver, who, rule, 3, fact="given", reason="取证", now=clock())
    assert ledger(database) == [10]


def test_a_dimension_counts_up_to_its_cap_everywhere(database: Database, clock: Clock) -> None:
    for _ in range(5):
        award(database, clock, "model", points=4)
    last = award(database, clock, "volunteer", points=12)
    assert sum(ledger(database)) == 32
    assert last.total == total(database, clock) == 25
    with database.read() as session:
        assert point_account.standing(session, id_of(session, "张伟"), clock()).year == 25


def test_the_median_is_hidden_from_fewer_than_five(database: Database, clock: Clock) -> None:
    for name, amount in (("张伟", 5), ("古丽", 4), ("李明", 3)):
        award(database, clock, "model", name=name, points=amount)
    with database.write() as session:
        branch = session.scalars(select(Member.branch_id).where(Member.name == "张伟")).one()
        keep = ("张伟", "古丽", "李明", "孙磊", "马强")
        session.execute(update(Member).where(Member.name.not_in(keep)).values(active=False))
        assert point_account.branch_median(session, branch, clock()) == 3.0
        session.execute(update(Member).where(Member.name == "马强").values(active=False))
        assert point_account.branch_median(session, branch, clock()) is None


def test_a_changed_balance_is_found(database: Database, clock: Clock) -> None:
    award(database, clock)
    assert consistent(database)
    with database.write() as session:
        session.execute(update(PointBalance).values(points=PointBalance.points + 7))
        found = points.verify(session)
    assert [(one.ledger, one.balance) for one in found] == [(2, 9)]


def test_a_rule_change_leaves_the_past_alone(
    database: Database, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    award(database, clock)
    raw = read_toml(ROOT / "points.toml")
    old = next(rule for rule in raw["rule"] if rule["code"] == "attend")
    raw["rule"].append({**old, "version": 2, "points": 3, "valid_from": datetime(2026, 12, 1).date()})  # noqa: DTZ001
    old["valid_to"] = datetime(2026, 11, 30).date()  # noqa: DTZ001
    changed = rules_file.parse(raw)
    monkeypatch.setattr(point_rule, "rules", lambda: changed)
    clock.jump(clock().replace(month=12, day=1))
    assert award(database, clock).points == 3
    with database.read() as session:
        made = session.execute(select(PointEntry.version, PointEntry.points).order_by(PointEntry.id)).all()
        assert [tuple(row) for row in made] == [(1, 2), (2, 3)]
        lines, _ = point_account.page(session, id_of(session, "张伟"), 1)
        assert [rule.points for one in lines if (rule := point_rule.of_entry(session, one.entry))] == [3, 2]


ACTS = st.one_of(
    st.tuples(st.just("award"), st.sampled_from(("attend", "model", "study", "skill")), st.integers(1, 5)),
    st.tuples(st.just("again"), st.just("attend"), st.integers(0, 3)),
    st.tuples(st.just("reverse"), st.just(""), st.integers(0, 20)),
    st.tuples(st.just("correct"), st.just(""), st.integers(0, 20)),
    st.tuples(st.just("later"), st.just(""), st.integers(1, 60)),
)


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=st.lists(ACTS, max_size=14))
def test_any_sequence_of_awards_reversals_and_corrections_keeps_balance_and_ledger_equal(
    database: Database, clock: Clock, acts: list[tuple[str, str, int]]
) -> None:
    now = clock()
    for what, code, number in acts:
        now += timedelta(days=number if what == "later" else 0, minutes=1)
        with database.write() as session:
            _act(session, what, code, number, now)
            assert points.verify(session) == []
            assert _never_negative(session)


def _act(session: Session, what: str, code: str, number: int, now: datetime) -> None:
    who, giver = id_of(session, "张伟"), id_of(session, "王建国")
    if what == "award":
        points.award(session, who, code, fact=next(_facts), reason="做了", now=now, points=number)
    elif what == "again":
        points.award(session, who, code, fact=f"one of four {number}", reason="又来", now=now)
    elif what in ("reverse", "correct"):
        entries = session.scalars(select(PointEntry).order_by(PointEntry.id.desc()).limit(20)).all()
        if not entries:
            return
        entry = entries[number % len(entries)]
        try:
            if what == "reverse":
                points.reverse(session, entry, reason="更正", giver_id=giver, now=now)
            else:
                points.correct(session, entry, number % 6, reason="申诉", giver_id=giver, now=now)
        except (AlreadyReversed, IsAReversal, WrongAmount):
            return


def _never_negative(session: Session) -> bool:
    """No balance is negative: nothing is taken back twice."""
    return session.scalar(select(func.min(PointBalance.points))) in (None, *range(1000))


def at_once(count: int, act: Callable[[int], object]) -> list[object]:
    """Run ``act(0..count-1)`` in threads that start together; results in order."""
    results: list[object] = [None] * count
    gate = threading.Barrier(count)

    def run(number: int) -> None:
        gate.wait()
        try:
            results[number] = act(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_concurrent_awards_lose_nothing(database: Database, clock: Clock) -> None:
    names = ("张伟", "古丽", "李明", "孙磊")
    at_once(8, lambda n: [award(database, clock, "model", name=names[n % 4], points=1) for _ in range(5)])
    assert [total(database, clock, name) for name in names] == [10, 10, 10, 10]
    assert consistent(database)


def test_one_fact_at_once_from_many_sides_earns_once(database: Database, clock: Clock) -> None:
    done = at_once(8, lambda _: award(database, clock, fact="attendance 7 7").points)
    assert sorted(done, key=str) == [0] * 7 + [2]
    assert ledger(database) == [2]
    assert consistent(database)


def test_the_last_points_below_a_cap_are_given_once(database: Database, clock: Clock) -> None:
    award(database, clock, "skill", points=10)
    done = at_once(6, lambda _: award(database, clock, "skill", points=2).points)
    assert sum(one for one in done if isinstance(one, int)) == 2
    assert sum(ledger(database)) == 12
