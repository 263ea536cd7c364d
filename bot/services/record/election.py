"""What an election on paper needs before it begins: how many have a vote, how many must come, what a candidate needs, and the clauses to keep to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation
from bot.services import decision, tally
from bot.services.tally import Basis
from content.regulations import Regulation

CLAUSES = (
    "XJ-rights",
    "XJ-attendance",
    "XJ-surplus",
    "XJ-monitor",
    "XJ-secret",
    "XJ-helper",
    "XJ-choices",
    "XJ-valid",
    "XJ-elected",
    "XJ-secretary",
)
"""In the order in which they matter on the day."""


@dataclass(frozen=True, slots=True)
class ElectionFacts:
    """``due`` full members have a vote by the roster of ``on``; ``needed_yes`` holds for those due, whatever ``basis`` counts.

    ``basis_set`` says whether the branch has chosen its basis.
    """

    branch: str
    on: date
    due: int
    needed_present: int
    needed_yes: int
    basis: Basis
    basis_set: bool
    clauses: tuple[Regulation, ...]


def election(session: Session, branch_id: int, *, on: date) -> ElectionFacts:
    """The election of a branch by its roster."""
    voters = (Member.branch_id == branch_id, Member.active, Member.status == MemberStatus.FULL)
    due = session.scalar(select(func.count()).where(*voters)) or 0
    chosen = tally.election_basis(session, branch_id)
    return ElectionFacts(
        branch=session.get_one(Organisation, branch_id).name,
        on=on,
        due=due,
        needed_present=tally.election_quorum(due),
        needed_yes=decision.more_than(decision.HALF, due),
        basis=chosen or Basis.DUE,
        basis_set=chosen is not None,
        clauses=tuple(decision.clause(code) for code in CLAUSES),
    )
