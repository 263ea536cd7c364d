"""隐患台账: the hazards that a branch took up in a year, each with its course, for a file."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.models.organisation import Organisation
from bot.services import member as people
from bot.services.hazard import STANDINGS
from bot.times import at_time


@dataclass(frozen=True, slots=True)
class Row:
    """A hazard as the table has it; empty where nothing was done yet. ``checks`` are the results of the checks in order."""

    number: int
    at: datetime
    reporter: str
    text: str
    place: str
    level: str
    owner: str
    due_on: date | None
    fixed: str
    fixed_at: datetime | None
    checks: tuple[str, ...]
    closed_at: datetime | None
    standing: str


@dataclass(frozen=True, slots=True)
class Table:
    """The hazards of a branch's year, oldest first; what its reporter withdrew is left out."""

    branch: str
    year: int
    rows: tuple[Row, ...]


def table(session: Session, branch_id: int, year: int, now: datetime) -> Table:
    """The table of a year, by the day of the report."""
    found = session.scalars(
        select(Hazard)
        .where(
            Hazard.branch_id == branch_id,
            Hazard.state != HazardState.WITHDRAWN,
            Hazard.at >= at_time(date(year, 1, 1), time(), now),
            Hazard.at < at_time(date(year + 1, 1, 1), time(), now),
        )
        .order_by(Hazard.id)
    ).all()
    steps: dict[int, list[HazardStep]] = defaultdict(list)
    wanted = HazardStep.hazard_id.in_([one.id for one in found])
    for step in session.scalars(select(HazardStep).where(wanted).order_by(HazardStep.id)):
        steps[step.hazard_id].append(step)
    had = [one for h in found for one in (h.reporter_id, h.owner_id)]
    names = people.names_of(session, [*had, *(step.by_id for all_ in steps.values() for step in all_)])
    rows = tuple(_row(one, steps[one.id], names) for one in found)
    return Table(session.get_one(Organisation, branch_id).name, year, rows)


def _row(one: Hazard, steps: list[HazardStep], names: dict[int, str]) -> Row:
    fixes = [step.text for step in steps if step.act is HazardAct.FIX] if one.fixed_by else []
    checks = tuple(_check(step, names) for step in _checks(steps))
    return Row(
        one.id,
        one.at,
        names[one.reporter_id],
        one.text,
        one.place,
        one.level,
        names.get(one.owner_id or 0, ""),
        one.due_on,
        fixes[-1] if fixes else "",
        one.fixed_at,
        checks,
        one.closed_at,
        STANDINGS[one.state],
    )


_CHECKS = (HazardAct.ACCEPT, HazardAct.RETURN, HazardAct.DISMISS)


def _checks(steps: list[HazardStep]) -> Iterator[HazardStep]:
    """The checks, and that one was taken back."""
    before = None
    for step in steps:
        if step.act in _CHECKS or (step.act is HazardAct.UNDO and before in _CHECKS):
            yield step
        before = step.act


def _check(step: HazardStep, names: dict[int, str]) -> str:
    return f"{names[step.by_id]} {step.act.value}" + (f"：{step.text}" if step.text else "")
