"""战斗堡垒指数 of a branch: derived from what is recorded, explained part by part, never stored.

Each part is a share of what was to be done; from its target on it counts in full. A part for which nothing was to be done is left out, and the
others weigh more. Parts, weights and targets have versions (``content/branch_score.toml``); a quarter goes by the version of its last day.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from bot.services import cadence, hazard_report, key_task_report, settlement_period
from bot.services.cadence.facts import Facts
from bot.services.cadence.kept import kept
from bot.services.settlement_period import Period
from bot.times import DAY_ENDS, at_time, local
from content import branch_score as file
from content.branch_score import Part, Version

MOST_NAMED = 3
LEAST_WEIGHT = 50
"""Of 100: what the parts that count must weigh together, so that there is a sum."""


@lru_cache(maxsize=1)
def versions() -> tuple[Version, ...]:
    """The shipped versions, the latest first, read once."""
    return file.load()


def version_on(day: date) -> Version:
    """The version in force on a day; before the first one it is the first."""
    known = versions()
    return next((one for one in known if one.valid_from <= day), known[-1])


@dataclass(frozen=True, slots=True)
class Found:
    """``done`` of ``due``, and what is said of it."""

    done: int
    due: int
    text: str


@dataclass(frozen=True, slots=True)
class Scored:
    """A part with what was found. ``points`` of ``part.weight`` it earned; None when nothing was to be done."""

    part: Part
    found: Found

    @property
    def points(self) -> float | None:
        if not self.found.due:
            return None
        return self.part.weight * min(1.0, self.found.done / self.found.due / self.part.target)


@dataclass(frozen=True, slots=True)
class Score:
    """A branch's quarter as it stands at a moment."""

    branch_id: int
    name: str
    period: Period
    version: Version
    parts: tuple[Scored, ...]

    @property
    def total(self) -> int | None:
        """0 to 100 over the parts that count; None while these are less than half of all: too little to judge by."""
        counting = [(one.points, one.part.weight) for one in self.parts if one.points is not None]
        weight = sum(w for _, w in counting)
        return round(100 * sum(p for p, _ in counting) / weight) if weight >= LEAST_WEIGHT else None


def this_quarter(today: date) -> Period:
    """The quarter that goes on."""
    return settlement_period.quarter(today.year, (today.month + 2) // 3)


def of_scope(session: Session, scope: ColumnElement[bool], period: Period, now: datetime) -> list[Score]:
    """The scores of all branches that a condition on :class:`Organisation` names, in the order in which they were made: no ranking.

    A past quarter is looked at from its last moment, by the roster of today. As many queries for many branches as for one.
    """
    end = at_time(period.ends_on, DAY_ENDS, now)
    at, over = min(now, end), end < now
    branches = sorted(cadence.gather(session, scope, at), key=lambda one: one.branch_id)
    ids = [one.branch_id for one in branches]
    version = version_on(period.ends_on)
    found = {
        part.code: _FINDERS[part.code](session, ids, period, at)
        for part in version.parts
        if part.code in _FINDERS
    }
    return [
        Score(facts.branch_id, facts.name, period, version, tuple(_scored(part, facts, period, at, over, found) for part in version.parts))
        for facts in branches
    ]  # fmt: skip


def _scored(
    part: Part,
    facts: Facts,
    period: Period,
    at: datetime,
    over: bool,
    found: Mapping[str, Mapping[int, Found]],
) -> Scored:
    if facts.known_since > period.ends_on:
        return Scored(part, Found(0, 0, "那时还没有开始使用"))
    if part.code == "cadence":
        return Scored(part, _cadence(facts, period, over=over))
    if part.code == "study":
        return Scored(part, _study(facts, at))
    return Scored(part, found[part.code].get(facts.branch_id, Found(0, 0, "没有记录")))


# From the facts of the cadence check -------------------------------------------------------------------------------------


def _cadence(facts: Facts, period: Period, *, over: bool) -> Found:
    """What was to be held in the quarter and was. Source of each cadence: ``content/activity_kinds.toml``."""
    all_ = kept(facts, period.starts_on, period.ends_on, over=over)
    done, due = sum(one.done for one in all_), sum(one.due for one in all_)
    late = [f"{one.period}{one.kind}" for one in all_ if one.done < one.due]
    if not due:
        return Found(0, 0, "本季还没有到期的")
    missing = f"，缺 {'、'.join(late[:MOST_NAMED])}{'等' if len(late) > MOST_NAMED else ''}" if late else ""
    return Found(done, due, f"应 {due} 次，按时 {done} 次{missing}")


def _study(facts: Facts, at: datetime) -> Found:
    """Who has the hours of the year so far: the goal of the year by days, from when the branch began to use the product."""
    first = max(date(at.year, 1, 1), facts.known_since)
    share = max(0, (local(at, at).date() - first).days) / 365
    chosen = facts.choices
    done = 0
    for member in facts.members:
        goal = chosen.study_hours_leader if member in facts.committee else chosen.study_hours_member
        done += facts.minutes.get(member, 0) >= goal * chosen.study_minutes_per_hour * share
    if not share:
        return Found(0, 0, "刚开始使用，还看不出")
    return Found(done, len(facts.members), f"{len(facts.members)} 名党员中 {done} 人跟上全年学时进度")


# From the registers ------------------------------------------------------------------------------------------------------


def _hazards(session: Session, ids: Sequence[int], period: Period, at: datetime) -> dict[int, Found]:
    """The hazards that were to be put right in the quarter, and those closed in time after a second person had looked."""
    counts = hazard_report.due_and_closed(session, ids, period.starts_on, period.ends_on, at)
    return {
        branch: Found(closed, due, f"应整改 {due} 处，按期闭环 {closed} 处")
        for branch, (due, closed) in counts.items()
    }


def _tasks(session: Session, ids: Sequence[int], period: Period, at: datetime) -> dict[int, Found]:
    """The key tasks that were to be done in the quarter, and those done in time and confirmed."""
    counts = key_task_report.due_and_done(session, ids, period.starts_on, period.ends_on, at)
    return {
        branch: Found(done, due, f"应完成 {due} 项，按期完成 {done} 项")
        for branch, (due, done) in counts.items()
    }


_Finder = Callable[[Session, Sequence[int], Period, datetime], Mapping[int, Found]]
_FINDERS: Mapping[str, _Finder] = {"hazards": _hazards, "tasks": _tasks}
