"""How much of the recurring organisation life was held in its time: what a branch's score counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bot.services.cadence import period
from bot.services.cadence.facts import Facts
from bot.services.cadence.rules import COMMITTEE_FROM, lacking, per_of
from content.activity_kinds import ActivityKind, Attends, kinds


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind in one period: ``done`` of ``due`` held it (groups, or the branch itself)."""

    kind: str
    period: str
    done: int
    due: int


def kept(facts: Facts, first: date, last: date, *, over: bool) -> list[Kept]:
    """All months, quarters and years whose end lies between two days: those that are over, and those that go on and are done already.

    ``over`` says that ``last`` itself is over. Nothing is known from before the branch used the product, so that what ended before it does not
    count. Talks in pairs are no meeting and not here.
    """
    until = last + timedelta(days=1) if over else facts.today
    return [
        one
        for kind in kinds()
        if kind.cadence
        for one in _of_kind(kind, facts, max(first, facts.known_since), last, until)
    ]


def _of_kind(kind: ActivityKind, facts: Facts, first: date, last: date, until: date) -> Iterator[Kept]:
    who = _bearers(kind, facts)
    if not who:
        return
    per = per_of(kind, facts)
    for one in (*period.completed(per, facts.today), period.containing(per, facts.today)):
        if not first <= one.last <= last:
            continue
        done = len(who) - len(lacking(kind, facts, one, who))
        due = len(who) if one.last < until else done
        if due:
            yield Kept(kind.name, period.name(one, facts.today), done, due)


def _bearers(kind: ActivityKind, facts: Facts) -> list[int | None]:
    """Who must each hold it: the groups, or the branch itself as None."""
    match kind.attends:
        case Attends.MEMBERS:
            return [None] if facts.members else []
        case Attends.COMMITTEE:
            return [None] if len(facts.full) >= COMMITTEE_FROM else []
        case Attends.GROUP:
            return list(facts.groups)
    return []
