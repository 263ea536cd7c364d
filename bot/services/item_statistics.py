"""How well a question asks: share right, discrimination, seconds. After thirty answers a bad one is shown to who can mend it.

Counted at night, because it reads all answers of a year; by day only what was found is read.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Integer, case, cast, delete, func, or_, select, true, update
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.models.member import Member
from bot.models.quiz import Attempt, Question, QuestionState, QuestionStatistics

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


@dataclass(frozen=True, slots=True)
class Item:
    """A question with how well it asks; ``told`` is how many answers it had when somebody was last told of it."""

    statistics: ItemStatistics
    told: int
    code: str
    stem: str
    branch_id: int | None
    author_id: int | None


# Counting, at night: it reads all answers of a year ----------------------------------------------------------------------


def count(session: Session, now: datetime) -> tuple[list[ItemStatistics], set[int]]:
    """The questions that came to thirty more answers since they were last counted, and the ids of all that have thirty in the last year."""
    rows = session.execute(
        select(Attempt.question_id, func.count())
        .join(Question, Question.id == Attempt.question_id)
        .where(Attempt.at >= now - LOOKED_BACK, Question.state == QuestionState.APPROVED)
        .group_by(Attempt.question_id)
        .having(func.count() >= ENOUGH)
    )
    answers = {row[0]: row[1] for row in rows}
    known = session.execute(select(QuestionStatistics.question_id, QuestionStatistics.answers))
    before = {row[0]: row[1] for row in known}
    wanted = [key for key, number in answers.items() if number // ENOUGH != before.get(key, 0) // ENOUGH]
    totals = _totals(session, now) if wanted else {}
    return [_of_question(session, key, totals, now) for key in wanted], set(answers)


def keep(
    session: Session, counted: Sequence[ItemStatistics], enough: Collection[int], *, now: datetime
) -> None:
    """Write what was counted, and drop what has no longer enough answers. Answers of a year ago go: who was told of more is told again at thirty more than now."""
    rows = [{**asdict(one), "told": 0, "at": now} for one in counted]
    if rows:
        new = upsert(session, QuestionStatistics)
        values = {name: new.excluded[name] for name in rows[0] if name not in ("question_id", "told")}
        fewer = QuestionStatistics.told > new.excluded.answers
        values["told"] = case((fewer, new.excluded.answers), else_=QuestionStatistics.told)
        session.execute(new.on_conflict_do_update(index_elements=["question_id"], set_=values), rows)
    gone = set(session.scalars(select(QuestionStatistics.question_id))) - set(enough)
    session.execute(delete(QuestionStatistics).where(QuestionStatistics.question_id.in_(gone)))


# Reading, at any time: what the last night found --------------------------------------------------------------------------


def findings(session: Session, *, branch_id: int | None = None) -> list[Item]:
    """The questions of a branch and the shipped ones, or all, that need a look, the worst discrimination first."""
    ours = or_(Question.branch_id.is_(None), Question.branch_id == branch_id) if branch_id else true()
    rows = session.execute(
        select(QuestionStatistics, Question.code, Question.stem, Question.branch_id, Question.author_id)
        .join(Question, Question.id == QuestionStatistics.question_id)
        .where(Question.state == QuestionState.APPROVED, ours)
    )
    items = [
        Item(_figures(row), row.told, code, stem, branch, author) for row, code, stem, branch, author in rows
    ]
    return sorted((one for one in items if one.statistics.finding), key=_worst)


def untold(session: Session) -> list[Item]:
    """What needs a look and came to thirty more answers since somebody was told of it."""
    return [one for one in findings(session) if one.statistics.answers // ENOUGH > one.told // ENOUGH]


def mark_told(session: Session, items: Sequence[Item]) -> None:
    """Somebody is told of them now."""
    ids = [one.statistics.question_id for one in items]
    told = update(QuestionStatistics).where(QuestionStatistics.question_id.in_(ids))
    session.execute(told.values(told=QuestionStatistics.answers))


def _figures(row: QuestionStatistics) -> ItemStatistics:
    return ItemStatistics(row.question_id, row.answers, row.share, row.discrimination, row.seconds)


def _worst(item: Item) -> tuple[float, float]:
    one = item.statistics
    return (one.discrimination if one.discrimination is not None else 1.0, one.share)


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
        len(rows),
        sum(right for _, right, _ in rows) / len(rows),
        point_biserial([right for right, _ in judged], [score for _, score in judged]),
        statistics.median(seconds for _, _, seconds in rows),
    )


def lines(found: Sequence[Item], most: int = 5) -> list[str]:
    """Each question in one line: its code, the beginning of its stem, the figures, and what is wrong; how many more there are."""
    more = [f"……另有 {len(found) - most} 道"] if len(found) > most else []
    return [*(_line(one) for one in found[:most]), *more]


def _line(item: Item) -> str:
    one = item.statistics
    told = "" if one.discrimination is None else f"，区分度 {one.discrimination:.2f}"
    figures = f"对 {one.share:.0%}，{one.answers} 次{told}，一般 {one.seconds:.0f} 秒"
    return f"{item.code}{'' if item.branch_id else '（公共）'} {item.stem[:14]}…：{figures}；{one.finding}"


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
