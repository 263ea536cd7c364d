"""How well a question asks: share right, discrimination, seconds. After thirty answers a bad one is shown to who can mend it."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, cast, func, or_, select, true
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.quiz import Attempt, Question, QuestionState

ENOUGH = 30
"""Before so many answers nothing is said about a question."""
HARD, EASY, WEAK, SLOW = 0.2, 0.95, 0.1, 120
"""Below HARD right, above EASY right, with less discrimination than WEAK, or when half of all take longer than SLOW seconds, a question needs a
look. The limits are this product's own."""
LOOKED_BACK = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class ItemStatistics:
    """``discrimination`` is the point-biserial correlation of a right answer with the member's share right elsewhere; None when it has no meaning."""

    question_id: int
    code: str
    stem: str
    branch_id: int | None
    author_id: int | None
    answers: int
    share: float
    discrimination: float | None
    seconds: float

    @property
    def finding(self) -> str:
        """What is wrong with the question, "" when nothing is."""
        if self.discrimination is not None and self.discrimination < 0:
            return "平时答得好的人反而常答错，请核对答案"
        if self.share < HARD:
            return "几乎没人答对，请核对答案和题干"
        if self.share > EASY:
            return "几乎人人答对，可以改难一点或停用"
        if self.discrimination is not None and self.discrimination < WEAK:
            return "答对答错和水平关系不大，题干或选项可能有歧义"
        if self.seconds > SLOW:
            return "一半的人要想两分钟以上，题干可能太长或不好懂"
        return ""


def of_questions(
    session: Session, now: datetime, *, branch_id: int | None = None, since: datetime | None = None
) -> list[ItemStatistics]:
    """The questions with at least thirty answers in the last year; of a branch's own and the shipped ones, or of all.

    With ``since`` only those whose number of answers has passed a multiple of thirty after that moment: each is looked at once for every
    thirty answers.
    """
    counts = session.execute(
        select(
            Attempt.question_id,
            func.count(),
            func.sum(cast(Attempt.at < (since or now), Integer)),
        )
        .join(Question, Question.id == Attempt.question_id)
        .where(
            Attempt.at >= now - LOOKED_BACK,
            Question.state == QuestionState.APPROVED,
            or_(Question.branch_id.is_(None), Question.branch_id == branch_id) if branch_id else true(),
        )
        .group_by(Attempt.question_id)
        .having(func.count() >= ENOUGH)
    )
    wanted = [key for key, count, before in counts if since is None or count // ENOUGH > before // ENOUGH]
    totals = _totals(session, now) if wanted else {}
    return [_of_question(session, key, totals, now) for key in wanted]


def findings(session: Session, now: datetime, *, branch_id: int) -> list[ItemStatistics]:
    """The questions of a branch (and the shipped ones) that need a look, the worst discrimination first."""
    bad = [one for one in of_questions(session, now, branch_id=branch_id) if one.finding]
    return sorted(
        bad, key=lambda one: (one.discrimination if one.discrimination is not None else 1.0, one.share)
    )


def point_biserial(rights: Sequence[bool], scores: Sequence[float]) -> float | None:
    """The correlation of right or wrong (1, 0) with a score, from -1 to 1; None when either never varies."""
    try:
        return statistics.correlation([float(right) for right in rights], scores)
    except statistics.StatisticsError:
        return None


def _totals(session: Session, now: datetime) -> dict[int, tuple[int, int]]:
    """How many answers each member gave, and how many of them were right."""
    rows = session.execute(
        select(Attempt.member_id, func.count(), func.sum(cast(Attempt.right, Integer)))
        .where(Attempt.at >= now - LOOKED_BACK)
        .group_by(Attempt.member_id)
    )
    return {member: (count, right) for member, count, right in rows}


def _of_question(
    session: Session, question_id: int, totals: dict[int, tuple[int, int]], now: datetime
) -> ItemStatistics:
    question = session.get_one(Question, question_id)
    rows = session.execute(
        select(Attempt.member_id, Attempt.right, Attempt.seconds).where(
            Attempt.question_id == question_id, Attempt.at >= now - LOOKED_BACK
        )
    ).all()
    here: dict[int, list[bool]] = defaultdict(list)
    for member, right, _ in rows:
        here[member].append(right)
    # The share right on all other questions: with itself a question would always agree.
    rest = {m: (totals[m][0] - len(got), totals[m][1] - sum(got)) for m, got in here.items()}
    judged = [(right, rest[m][1] / rest[m][0]) for m, right, _ in rows if rest[m][0]]
    return ItemStatistics(
        question_id,
        question.code,
        question.stem,
        question.branch_id,
        question.author_id,
        len(rows),
        sum(right for _, right, _ in rows) / len(rows),
        point_biserial([right for right, _ in judged], [score for _, score in judged]),
        statistics.median(seconds for _, _, seconds in rows),
    )


def lines(found: Sequence[ItemStatistics], most: int = 5) -> list[str]:
    """Each question in one line: its code, the beginning of its stem, the figures, and what is wrong; how many more there are."""
    more = [f"……另有 {len(found) - most} 道"] if len(found) > most else []
    return [*(_line(one) for one in found[:most]), *more]


def _line(one: ItemStatistics) -> str:
    told = "" if one.discrimination is None else f"，区分度 {one.discrimination:.2f}"
    figures = f"对 {one.share:.0%}，{one.answers} 次{told}，一般 {one.seconds:.0f} 秒"
    return f"{one.code}{'' if one.branch_id else '（公共）'} {one.stem[:14]}…：{figures}；{one.finding}"


def branches_that_answered(session: Session, question_ids: Sequence[int]) -> dict[int, list[int]]:
    """The branches whose members answered each question."""
    rows = session.execute(
        select(Attempt.question_id, Member.branch_id)
        .join(Member, Member.id == Attempt.member_id)
        .where(Attempt.question_id.in_(question_ids))
        .distinct()
    )
    found: dict[int, list[int]] = defaultdict(list)
    for question, branch in rows:
        found[question].append(branch)
    return found
