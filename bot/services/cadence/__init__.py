"""The cadence check (体检): what of organisation life a branch has done, what is due and what is overdue, each with its clause."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.models.organisation import Organisation
from bot.services.cadence.facts import Facts, gather
from bot.services.cadence.rules import Finding, Status, judge


@dataclass(frozen=True, slots=True)
class BranchSummary:
    """One branch in numbers, for those above: how many rules are overdue, due, done, unknown, and which are overdue."""

    branch_id: int
    name: str
    overdue: int
    due: int
    done: int
    unknown: int
    overdue_rules: tuple[str, ...]


def check(session: Session, branch_id: int, now: datetime) -> list[Finding]:
    """All findings of one branch in the order of the rules; empty for what is no branch. A fixed, small number of queries."""
    found = gather(session, Organisation.id == branch_id, now)
    return judge(found[0]) if found else []


def roll_up(session: Session, path_prefix: str, now: datetime) -> list[BranchSummary]:
    """All branches at and below a node ("/1/") in numbers, the most overdue first. As many queries for 500 branches as for one."""
    scope = Organisation.path.startswith(path_prefix, autoescape=True)
    summaries = [_summary(one) for one in gather(session, scope, now)]
    return sorted(summaries, key=lambda one: (-one.overdue, -one.due, one.name))


def _summary(facts: Facts) -> BranchSummary:
    findings = judge(facts)
    counts = Counter(one.status for one in findings)
    late = tuple(one.rule for one in findings if one.status is Status.OVERDUE)
    return BranchSummary(
        facts.branch_id,
        facts.name,
        overdue=counts[Status.OVERDUE],
        due=counts[Status.DUE],
        done=counts[Status.DONE],
        unknown=counts[Status.UNKNOWN],
        overdue_rules=late,
    )


__all__ = ["BranchSummary", "Facts", "Finding", "Status", "check", "gather", "judge", "roll_up"]
