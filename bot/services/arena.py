"""The arena (擂台): once a week everybody of a branch may answer the same ten questions, and its groups are compared by averages."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.quiz import QuizKind, QuizRun
from bot.services import drawing, question
from bot.services import run as runs
from bot.services.duel import EVEN, LOSER, WINNER
from bot.services.run import SECURE, Asked, Run

LENGTH = 10
FEWEST = 3
"""An average of fewer people would tell what one of them reached."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group's week: how many finished, and their average of right answers; None with fewer than three of them."""

    name: str
    people: int
    average: float | None


def week_of(now: datetime) -> str:
    """2026-W48."""
    return f"{now:%G-W%V}"


def is_over(session: Session, run_id: int, member_id: int, at: datetime) -> bool:
    """Whether a message sent at ``at`` comes after the week of the member's run."""
    mine = (QuizRun.id == run_id, QuizRun.member_id == member_id, QuizRun.kind == QuizKind.ARENA)
    week = session.scalar(select(QuizRun.title).where(*mine))
    return week is not None and week != week_of(at)


def scores(groups: Sequence[Group]) -> list[tuple[str, int]]:
    """The game's points of groups that have an average: 10 for the best, 8 for the others, 9 for each where the best are equal; none for one alone."""
    rated = [one for one in groups if one.average is not None]
    best = max((one.average or 0.0 for one in rated), default=0.0)
    winners = sum(one.average == best for one in rated)
    if len(rated) < 2:
        return []
    won = WINNER if winners == 1 else EVEN
    return [(one.name, won if one.average == best else LOSER) for one in rated]


def sit(session: Session, member: Member, *, now: datetime, rng: random.Random = SECURE) -> Asked | None:
    """Begin the week's questions or go on with them; None when they were answered already."""
    week = week_of(now)
    mine = session.execute(
        select(*runs.COLUMNS).where(
            QuizRun.member_id == member.id, QuizRun.kind == QuizKind.ARENA, QuizRun.title == week
        )
    ).first()
    if mine is not None:
        run = Run(*mine)
        return None if run.finished_at else runs.resume(session, run, now=now, rng=rng)
    paper = list(_paper(session, member.branch_id, week, now))
    rng.shuffle(paper)
    return runs.begin_with(session, member, QuizKind.ARENA, week, paper, now, rng)


def averages(session: Session, branch_id: int, week: str) -> list[Group]:
    """The groups of a branch in the order of the tree: they are compared, the people in them are not."""
    group = aliased(Organisation)
    rows = session.execute(
        select(group.name, func.count(QuizRun.id), func.avg(QuizRun.right))
        .select_from(group)
        .join(Member, Member.group_id == group.id)
        .join(QuizRun, QuizRun.member_id == Member.id)
        .where(
            Member.branch_id == branch_id,
            QuizRun.kind == QuizKind.ARENA,
            QuizRun.title == week,
            QuizRun.position == LENGTH,
        )
        .group_by(group.id, group.name)
        .order_by(group.id)
    )
    return [
        Group(name, people, float(average) if people >= FEWEST else None) for name, people, average in rows
    ]


def _paper(session: Session, branch_id: int, week: str, now: datetime) -> list[int]:
    """The same for the whole branch: as the first one got it, else drawn by a hash, which nobody can choose."""
    asked = session.scalar(
        select(QuizRun.questions)
        .join(Member, Member.id == QuizRun.member_id)
        .where(Member.branch_id == branch_id, QuizRun.kind == QuizKind.ARENA, QuizRun.title == week)
        .limit(1)
    )
    if asked:
        return sorted(asked)
    whole = [one for one in question.approved(session, branch_id, now.date()) if one.places == 1]
    if len(whole) < LENGTH:
        raise drawing.NoQuestions
    order = sorted(whole, key=lambda one: hashlib.sha256(f"{branch_id} {week} {one.code}".encode()).digest())
    return sorted(one.id for one in order[:LENGTH])
