"""One member's way through a list of questions: which is open, how its options stand. All of it is in the database.

An answer is the most frequent message of all, so rows are read and written by statements built once, without the ORM's unit of work.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Table, and_, bindparam, exists, insert, select, update
from sqlalchemy.orm import Session

from bot.db import at_once
from bot.models.member import Member
from bot.models.quiz import Question, QuestionKind, QuizKind, QuizRun, ReviewCard
from bot.services import answer as answers
from bot.services import drawing
from bot.services.answer import Item
from bot.services.question import Candidate
from bot.times import at_time

LASTS = timedelta(days=7)
"""A run that was left for longer is closed."""
SECURE = random.SystemRandom()


@dataclass(slots=True)
class Run:
    """A row of :class:`QuizRun`; what is changed here is written by :func:`save`."""

    id: int
    member_id: int
    kind: QuizKind
    title: str
    questions: list[int]
    position: int
    right: int
    order: list[int]
    shown: str
    started_at: datetime
    asked_at: datetime
    finished_at: datetime | None

    @property
    def open_question(self) -> int:
        """The id of the question that is asked now."""
        return self.questions[self.position]

    @property
    def part(self) -> int:
        """Which part of a case is asked now, from 0: as often as the question was asked before in this run."""
        return self.questions[: self.position].count(self.open_question)


@dataclass(frozen=True, slots=True)
class Posed:
    """What of a :class:`Question` is shown and judged."""

    id: int
    topic: str
    kind: QuestionKind
    stem: str
    options: list[str]
    answer: list[str]
    tolerance: float | None
    parts: list[dict[str, Any]]
    explanation: str
    source: str
    confidence: str
    digest: str


@dataclass(frozen=True, slots=True)
class Card:
    """What of a :class:`ReviewCard` an answer changes."""

    state: dict[str, Any]
    due_at: datetime
    right_days: int
    last_right_on: date | None
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a run stands, as it is kept in the dialogue: ``questions`` are the ids of this question and of the next."""

    run: int
    position: int
    questions: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is shown to one member now."""

    run: Run
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
class Standing:
    """A run with those of its questions that were asked for, and the member's review card of the first."""

    run: Run
    posed: dict[int, Posed]
    card: Card | None


RUN: Table = QuizRun.__table__  # type: ignore[assignment]
QUESTION: Table = Question.__table__  # type: ignore[assignment]
CARD: Table = ReviewCard.__table__  # type: ignore[assignment]
COLUMNS = [RUN.c[name] for name in Run.__slots__]
_POSED_COLUMNS = [QUESTION.c[name] for name in Posed.__slots__]
_CARD_COLUMNS = [CARD.c[name] for name in Card.__slots__]
_CHANGING = ("position", "right", "order", "shown", "asked_at", "finished_at")

# Built once: putting these together costs more than running them.
_THIS, _FOLLOWING = QUESTION.alias(), QUESTION.alias()
_STANDING = (
    select(_THIS.c.digest, _FOLLOWING.c.digest, *COLUMNS, *_CARD_COLUMNS)
    .select_from(
        RUN.join(_THIS, _THIS.c.id == bindparam("this"))
        .join(_FOLLOWING, _FOLLOWING.c.id == bindparam("following"))
        .outerjoin(CARD, and_(CARD.c.member_id == RUN.c.member_id, CARD.c.question_id == _THIS.c.id))
    )
    .where(RUN.c.id == bindparam("run"), RUN.c.member_id == bindparam("member"))
)
_OPEN = (
    select(*COLUMNS)
    .where(RUN.c.member_id == bindparam("member"), RUN.c.finished_at.is_(None))
    .order_by(RUN.c.asked_at)
)
IS_UNFINISHED = exists().where(
    RUN.c.member_id == Member.id, RUN.c.finished_at.is_(None), RUN.c.kind == QuizKind.TOPIC
)
"""Whether a member has left a topic half done."""
_POSED = select(*_POSED_COLUMNS).where(QUESTION.c.id == bindparam("question"))
_SAVE = (
    update(RUN)
    .where(RUN.c.id == bindparam("run"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGING})
)
_BEGIN = insert(RUN).returning(RUN.c.id)
_TO_CARD = 2 + len(COLUMNS)
_READ: dict[tuple[int, str], Posed] = {}
"""Questions as they were read before, by id and digest: with the same digest nothing of them has changed."""
_MOST_READ = 20_000


def standing(session: Session, member_id: int, place: Place) -> Standing | None:
    """A member's own run with the questions of a place; None for anybody else's."""
    this, following = place.questions[0], place.questions[-1]
    values = {"run": place.run, "member": member_id, "this": this, "following": following}
    row = session.connection().execute(_STANDING, values).one_or_none()
    if row is None:
        return None
    questions = {this: _read(session, this, row[0]), following: _read(session, following, row[1])}
    return Standing(Run(*row[2:_TO_CARD]), questions, Card(*row[_TO_CARD:]) if row[_TO_CARD] else None)


def posed(session: Session, question_id: int) -> Posed:
    """A question by its id."""
    return Posed(*session.connection().execute(_POSED, {"question": question_id}).one())


def _read(session: Session, question_id: int, digest: str) -> Posed:
    known = _READ.get((question_id, digest))
    if known is None:
        if len(_READ) >= _MOST_READ:
            _READ.clear()
        known = _READ[question_id, digest] = posed(session, question_id)
    return known


def save(session: Session, run: Run, write: Callable[..., None] = at_once) -> None:
    """Write what may have changed of a run, ``at_the_end`` of the transaction when nobody reads it before."""
    write(session, _SAVE, {"run": run.id, **{f"new_{name}": getattr(run, name) for name in _CHANGING}})


def open_runs(session: Session, member_id: int, now: datetime) -> list[Run]:
    """The unfinished runs of a member, the newest last; those left for more than seven days are closed."""
    runs = [Run(*row) for row in session.connection().execute(_OPEN, {"member": member_id})]
    for run in runs:
        if run.asked_at < now - LASTS:
            run.finished_at = now
            save(session, run)
    return [run for run in runs if run.finished_at is None]


def open_run(session: Session, member: Member, kind: QuizKind, title: str, now: datetime) -> Run | None:
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
    run = Run(0, member.id, kind, title, ids, 0, 0, [], "", now, now, None)
    asked = show(run, posed(session, ids[0]), now, rng)
    row = {name: getattr(run, name) for name in Run.__slots__ if name != "id"}
    run.id = session.connection().execute(_BEGIN, row).scalar_one()
    return asked


def resume(session: Session, run: Run, *, now: datetime, rng: random.Random = SECURE) -> Asked:
    """The open question of a run again, its options as they stood; anew when the question has changed meanwhile."""
    question = posed(session, run.open_question)
    run.asked_at = now
    asked = show(run, question, now, rng) if question.digest != run.shown else as_it_stands(run, question)
    save(session, run)
    return asked


def show(run: Run, question: Posed, now: datetime, rng: random.Random) -> Asked:
    """Put the run's question on screen with its options in a new order; the caller saves the run."""
    item = answers.item_of(question, run.part)
    run.order, run.shown, run.asked_at = drawing.shuffled(item.options, rng), question.digest, now
    return Asked(run, item, question.topic)


def as_it_stands(run: Run, question: Posed) -> Asked:
    """The question as it was put on screen before."""
    return Asked(run, answers.item_of(question, run.part), question.topic)


def midnight(now: datetime) -> datetime:
    """The beginning of the day of ``now``."""
    return at_time(now.date(), time(), now)
