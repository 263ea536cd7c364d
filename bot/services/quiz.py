"""Runs through questions: which are asked, in which order their options stand, what an answer changes. All state is in the database."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta

from sqlalchemy import bindparam, exists, func, insert, select
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.points import PointEntry
from bot.models.quiz import Attempt, Question, QuizKind, QuizRun, ReviewCard
from bot.services import answer as answers
from bot.services import drawing, points, review
from bot.services.answer import Item
from bot.services.points import Award
from bot.services.question import Candidate
from bot.times import at_time

LASTS = timedelta(days=7)
"""A run that was left for longer is closed."""
ENOUGH_RIGHT = 3
"""So many right answers on one day earn the points of the rule "quiz"."""
SECURE = random.SystemRandom()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands, as it is kept in the dialogue: ``questions`` are the ids of this question and of the next."""

    run: int
    position: int
    questions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is shown to one member now."""

    run: QuizRun
    item: Item
    topic: str

    @property
    def place(self) -> Place:
        position = self.run.position
        return Place(self.run.id, position, tuple(self.run.questions[position : position + 2]))

    @property
    def number(self) -> int:
        return self.run.position + 1

    @property
    def total(self) -> int:
        return len(self.run.questions)


@dataclass(frozen=True, slots=True)
class Answered:
    """A judged answer. ``correct`` is the right answer as this member saw it; ``next`` is None at the end of the run.

    ``explained`` is False while a case has more parts, because its explanation would give them away.
    """

    run: QuizRun
    question: Question
    right: bool
    correct: str
    award: Award | None
    retired: bool
    explained: bool
    next: Asked | None = None


@dataclass(frozen=True, slots=True)
class Overtaken:
    """The answer was to a question that is not open any more: it was answered elsewhere, or its text has changed. ``now`` is what is open."""

    now: Asked | None
    changed: bool = False


# Built once: putting these together costs more than running them.
_STANDING = (
    select(QuizRun, Question, ReviewCard)
    .select_from(QuizRun)
    .join(Question, Question.id.in_(bindparam("questions", expanding=True)))
    .outerjoin(
        ReviewCard, (ReviewCard.member_id == QuizRun.member_id) & (ReviewCard.question_id == Question.id)
    )
    .where(QuizRun.id == bindparam("run"), QuizRun.member_id == bindparam("member"))
)
_TRY = insert(Attempt.__table__)  # type: ignore[arg-type]  # the table itself: nobody loads the row
_DAY = select(
    select(func.count())
    .where(Attempt.member_id == bindparam("member"), Attempt.at >= bindparam("midnight"), Attempt.right)
    .scalar_subquery(),
    exists().where(PointEntry.fact == bindparam("fact")),
)


def open_runs(session: Session, member_id: int, now: datetime) -> list[QuizRun]:
    """The unfinished runs of a member, the newest last; those left for more than seven days are closed."""
    runs = session.scalars(
        select(QuizRun)
        .where(QuizRun.member_id == member_id, QuizRun.finished_at.is_(None))
        .order_by(QuizRun.asked_at)
    ).all()
    for run in runs:
        if run.asked_at < now - LASTS:
            run.finished_at = now
    session.flush()
    return [run for run in runs if run.finished_at is None]


def resume(session: Session, run: QuizRun, *, now: datetime, rng: random.Random = SECURE) -> Asked:
    """The open question of a run again, its options as they stood; anew when the question has changed meanwhile."""
    question = session.get_one(Question, run.questions[run.position])
    run.asked_at = now
    return _shown(run, question, now, rng) if question.digest != run.shown else _as_it_stands(run, question)


def answer(
    session: Session, member: Member, place: Place, text: str, *, now: datetime, rng: random.Random = SECURE
) -> Answered | Overtaken:
    """Judge an answer, keep it, and go on to the next question. A text that is no answer is refused and changes nothing.

    Another member's run is never found; a place that was answered already is :class:`Overtaken`.
    """
    values = {"run": place.run, "member": member.id, "questions": place.questions}
    rows = session.execute(_STANDING, values).all()
    if not rows or rows[0][0].finished_at is not None:
        return Overtaken(None)
    run: QuizRun = rows[0][0]
    found: dict[int, tuple[Question, ReviewCard | None]] = {row[1].id: (row[1], row[2]) for row in rows}
    if run.position != place.position or run.questions[run.position] not in found:
        return Overtaken(resume(session, run, now=now, rng=rng))
    question, card = found[run.questions[run.position]]
    if question.digest != run.shown:
        return Overtaken(_shown(run, question, now, rng), changed=True)
    done = _judged(session, run, question, card, text, now)
    if run.finished_at is None:
        following = found.get(run.questions[run.position])
        asked = _shown(run, following[0], now, rng) if following else resume(session, run, now=now, rng=rng)
        return replace(done, next=asked)
    return done


def _judged(
    session: Session, run: QuizRun, question: Question, card: ReviewCard | None, text: str, now: datetime
) -> Answered:
    item = _item(run, question)
    given, right = answers.judge(item, run.order, text)
    correct = item.right_letters(run.order) or item.answer[0]
    _keep(session, run, question, given, right, now)
    retired = _review(session, run, question, card, right, now)
    award = _earned(session, run.member_id, now) if right else None
    _move_on(run, right, now)
    explained = run.finished_at is not None or run.questions[run.position] != question.id
    return Answered(run, question, right, correct, award, retired, explained)


def best_challenge(session: Session, member_id: int, *, but: int = 0) -> int:
    """The most right answers in a row in a member's finished challenges, not counting the run ``but``."""
    most = session.scalar(
        select(func.max(QuizRun.right)).where(
            QuizRun.member_id == member_id,
            QuizRun.kind == QuizKind.CHALLENGE,
            QuizRun.finished_at.is_not(None),
            QuizRun.id != but,
        )
    )
    return most or 0


def open_run(session: Session, member: Member, kind: QuizKind, title: str, now: datetime) -> QuizRun | None:
    """The member's unfinished run of a kind and title."""
    runs = open_runs(session, member.id, now)
    return next((run for run in runs if run.kind is kind and run.title == title), None)


def begin(
    session: Session,
    member: Member,
    kind: QuizKind,
    title: str,
    chosen: Sequence[Candidate],
    now: datetime,
    rng: random.Random,
) -> Asked:
    """Begin a run through the chosen questions; :class:`NoQuestions` when there are none."""
    if not chosen:
        raise drawing.NoQuestions
    ids = [one.id for one in chosen for _ in range(one.places)]
    return begin_with(session, member, kind, title, ids, now, rng)


def begin_with(
    session: Session,
    member: Member,
    kind: QuizKind,
    title: str,
    ids: list[int],
    now: datetime,
    rng: random.Random,
) -> Asked:
    """Begin a run through the questions with these ids."""
    run = QuizRun(
        member_id=member.id,
        kind=kind,
        title=title,
        questions=ids,
        position=0,
        right=0,
        started_at=now,
        asked_at=now,
    )
    asked = _shown(run, session.get_one(Question, ids[0]), now, rng)
    session.add(run)
    session.flush()
    return asked


def _shown(run: QuizRun, question: Question, now: datetime, rng: random.Random) -> Asked:
    """Put the run's question on screen with its options in a new order."""
    run.order = drawing.shuffled(_item(run, question).options, rng)
    run.shown, run.asked_at = question.digest, now
    return _as_it_stands(run, question)


def _as_it_stands(run: QuizRun, question: Question) -> Asked:
    return Asked(run, _item(run, question), question.topic)


def _item(run: QuizRun, question: Question) -> Item:
    """The question, or the part of a case that this place of the run asks."""
    return answers.item_of(question, run.questions[: run.position].count(question.id))


def _keep(session: Session, run: QuizRun, question: Question, given: str, right: bool, now: datetime) -> None:
    """Write the attempt: a second answer to the same place, from wherever it comes, collides here."""
    row = {"run_id": run.id, "position": run.position, "member_id": run.member_id, "question_id": question.id}
    seconds = max(0, int((now - run.asked_at).total_seconds()))
    session.execute(_TRY, {**row, "given": given, "right": right, "seconds": seconds, "at": now})


def _review(
    session: Session, run: QuizRun, question: Question, card: ReviewCard | None, right: bool, now: datetime
) -> bool:
    """Note the answer for spaced review; of a case only its last part can be the right answer to the whole."""
    more_parts = question.id in run.questions[run.position + 1 :]
    if right and (card is None or more_parts):
        return False
    return review.record(
        session,
        card,
        member_id=run.member_id,
        question_id=question.id,
        right=right,
        asked_since=run.started_at,
        now=now,
    )


def _earned(session: Session, member_id: int, now: datetime) -> Award | None:
    """The day's points, when this right answer makes enough of them. Reads only the member's attempts of the day."""
    fact = f"quiz {member_id} {now.date()}"
    right, had = session.execute(_DAY, {"member": member_id, "midnight": midnight(now), "fact": fact}).one()
    if right < ENOUGH_RIGHT or had:
        return None
    reason = f"{now.month}月{now.day}日答对{ENOUGH_RIGHT}题"
    award = points.award(session, member_id, "quiz", fact=fact, reason=reason, now=now)
    return award if award.points else None


def _move_on(run: QuizRun, right: bool, now: datetime) -> None:
    run.right += right
    run.position += 1
    if run.position == len(run.questions) or (run.kind is QuizKind.CHALLENGE and not right):
        run.finished_at = now


def midnight(now: datetime) -> datetime:
    """The beginning of the day of ``now``."""
    return at_time(now.date(), time(), now)
