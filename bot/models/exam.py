"""Papers with a time limit, and duels of two members. The answers to both are runs (:class:`bot.models.quiz.QuizRun`)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class Exam(Base):
    """One paper of a branch: the same questions for all, open from ``opens_at`` until ``closes_at``.

    ``minutes`` is the time for one attempt, ``pass_mark`` a percentage, ``attempts`` how often one may try: the best counts.
    """

    __tablename__ = "exam"
    __table_args__ = (Index("ix_exam_branch", "branch_id", "closes_at"),)

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    topic: Mapped[str]
    questions: Mapped[list[Any]]
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    minutes: Mapped[int]
    pass_mark: Mapped[int]
    attempts: Mapped[int]
    published_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    told_at: Mapped[datetime | None]


class Duel(Base):
    """Two members answer the same questions. Scores are those of the game, never points; both stay empty until it is settled."""

    __tablename__ = "duel"
    __table_args__ = (Index("ix_duel_open", "settled_at", "started_at"),)

    id: Mapped[Key]
    challenger_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    opponent_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    questions: Mapped[list[Any]]
    started_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    settled_at: Mapped[datetime | None]
    challenger_score: Mapped[int | None]
    opponent_score: Mapped[int | None]
