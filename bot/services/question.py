"""The bank in the database: the shipped questions kept in step with ``content/questions``, and what may be asked where and when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, update
from sqlalchemy.orm import Session

from bot import nlu
from bot.models.quiz import Question, QuestionKind, QuestionState, StoppedQuestion
from content.questions import Question as Shipped


@dataclass(slots=True)
class SyncReport:
    """The codes that a synchronisation added, changed (or brought back) and retired."""

    added: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A question that may be asked; ``places`` is how many answers it takes (a case: one for each part)."""

    id: int
    code: str
    topic: str
    half: str
    places: int


def sync(session: Session, questions: Iterable[Shipped]) -> SyncReport:
    """Make the shipped bank (``branch_id`` empty) equal to ``questions`` by code; what vanished is retired, because attempts refer to it.

    When nothing changed this is one query of codes and digests.
    """
    rows = {question.code: _row(question) for question in questions}
    known = {
        code: (digest, state)
        for code, digest, state in session.execute(
            select(Question.code, Question.digest, Question.state).where(Question.branch_id.is_(None))
        )
    }
    report = SyncReport()
    for code, row in rows.items():
        if code not in known:
            report.added.append(code)
        elif known[code] != (row["digest"], QuestionState.APPROVED):
            report.updated.append(code)
            session.execute(update(Question).where(Question.code == code).values(row))
    if report.added:
        session.execute(insert(Question), [rows[code] for code in report.added])
    report.retired = [
        c for c, (_, state) in known.items() if c not in rows and state is not QuestionState.RETIRED
    ]
    if report.retired:
        gone = Question.code.in_(report.retired)
        session.execute(update(Question).where(gone).values(state=QuestionState.RETIRED))
    return report


def approved(session: Session, branch_id: int, today: date, topic: str | None = None) -> Sequence[Candidate]:
    """What may be asked in a branch today: shipped or its own, approved and in force, in order of code."""
    where = [askable(branch_id, today)] + ([Question.topic == topic] if topic else [])
    rows = session.execute(
        select(Question.id, Question.code, Question.topic, Question.half, Question.parts)
        .where(*where)
        .order_by(Question.code)
    )
    return [Candidate(key, code, of, half, len(parts) or 1) for key, code, of, half, parts in rows]


def topics(session: Session, branch_id: int, today: date) -> dict[str, int]:
    """How many questions each topic has for a branch today, the largest first."""
    count = func.count()
    rows = session.execute(
        select(Question.topic, count.label("number"))
        .where(askable(branch_id, today))
        .group_by(Question.topic)
        .order_by(count.desc(), Question.topic)
    )
    return {row.topic: row.number for row in rows}


def named(said: str, known: Iterable[str]) -> list[str]:
    """The topics that somebody may mean: exactly, by a part of the name, or by its sound."""
    topics = list(known)
    if said in topics:
        return [said]
    return [name for name in topics if name in said or said in name] or nlu.homophones(said, topics)


def askable(branch_id: int, today: date) -> ColumnElement[bool]:
    """The condition on :class:`Question` for what may be asked in a branch on a day."""
    return (
        (Question.state == QuestionState.APPROVED)
        & or_(Question.branch_id.is_(None), Question.branch_id == branch_id)
        & Question.id.not_in(
            select(StoppedQuestion.question_id).where(StoppedQuestion.branch_id == branch_id)
        )
        & or_(Question.valid_from.is_(None), Question.valid_from <= today)
        & or_(Question.valid_to.is_(None), Question.valid_to >= today)
    )


# Made once: json.dumps makes an encoder for every call that names options.
_ENCODE = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=str).encode


def digest_of(row: dict[str, Any]) -> str:
    """A hash of everything that is shown and judged."""
    return hashlib.sha256(_ENCODE(row).encode()).hexdigest()[:32]


def _row(question: Shipped) -> dict[str, Any]:
    row = asdict(question)
    row |= {
        "kind": QuestionKind(question.kind),
        "options": list(question.options),
        "answer": list(question.answer),
    }
    row["parts"] = [
        {**part, "kind": str(part["kind"]), "options": list(part["options"]), "answer": list(part["answer"])}
        for part in row["parts"]
    ]
    return {**row, "digest": digest_of(row), "state": QuestionState.APPROVED}
