"""Questions, runs through them, attempts, and when a missed one comes back."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class QuestionKind(StrEnum):
    """How a question is answered."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    JUDGE = "judge"
    BLANK = "blank"
    CASE = "case"


class QuestionState(StrEnum):
    """Only APPROVED questions are asked."""

    DRAFT = "draft"
    APPROVED = "approved"
    RETIRED = "retired"


class Question(Base):
    """A question of the shipped bank (``branch_id`` empty) or of one branch. ``answer`` are letters, 对/错, or accepted spellings.

    ``digest`` is a hash of all that is shown and judged: it tells a changed question from an unchanged one.
    """

    __tablename__ = "question"
    __table_args__ = (Index("ix_question_topic_state", "topic", "state"),)

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    topic: Mapped[str]
    half: Mapped[str]
    kind: Mapped[QuestionKind]
    difficulty: Mapped[int]
    stem: Mapped[str] = mapped_column(Text)
    options: Mapped[list[Any]]
    answer: Mapped[list[Any]]
    tolerance: Mapped[float | None]
    parts: Mapped[list[Any]] = mapped_column(default=list)
    explanation: Mapped[str] = mapped_column(Text)
    source: Mapped[str]
    confidence: Mapped[str] = mapped_column(default="high")
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    digest: Mapped[str] = mapped_column(default="")
    state: Mapped[QuestionState] = mapped_column(default=QuestionState.APPROVED)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))


class StoppedQuestion(Base):
    """A question of the shipped bank that one branch does not ask its members; it stays as it is for all others."""

    __tablename__ = "stopped_question"

    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class QuestionStatistics(Base):
    """How well a question asks, as it was counted in the night of ``at``; ``told`` is how many answers it had when somebody was last told of it."""

    __tablename__ = "question_statistics"

    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True)
    answers: Mapped[int]
    share: Mapped[float]
    discrimination: Mapped[float | None]
    seconds: Mapped[float]
    told: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]


class QuestionImport(Base):
    """One accepted import, with what is needed to take it back: the codes that it added, and each changed question as it was before.

    ``written`` is the digest of every touched question as this import left it: what was changed again since is not taken back.
    """

    __tablename__ = "question_import"
    __table_args__ = (Index("ix_question_import_branch", "branch_id", "at"),)

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
    source: Mapped[str]
    state: Mapped[QuestionState]
    added: Mapped[list[Any]]
    before: Mapped[dict[str, Any]]
    written: Mapped[dict[str, Any]]
    approved_at: Mapped[datetime | None]
    taken_back_at: Mapped[datetime | None]


class QuizKind(StrEnum):
    """Ways to practise."""

    MIXED = "答题"
    DAILY = "每日一题"
    TOPIC = "专项"
    REVIEW = "错题"
    CHALLENGE = "挑战"
    MATERIAL = "学习小测"
    EXAM = "考试"
    DUEL = "对战"
    ARENA = "擂台"


class QuizRun(Base):
    """One member's way through a list of questions; a case stands in it once for each of its parts.

    ``order`` is how the options of the question at ``position`` are shown, ``shown`` that question's digest at the time. ``title`` is the topic,
    the day of a daily question, the code of a material, the number of a duel, the week of an arena, or an exam's number and the attempt ("3/1"). A member has one open run of a kind and title.
    """

    __tablename__ = "quiz_run"
    __table_args__ = (
        Index("ix_quiz_run_member", "member_id", "finished_at"),
        Index(
            "uq_quiz_run_open",
            "member_id",
            "kind",
            "title",
            unique=True,
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    kind: Mapped[QuizKind]
    title: Mapped[str]
    questions: Mapped[list[Any]]
    position: Mapped[int] = mapped_column(default=0)
    right: Mapped[int] = mapped_column(default=0)
    order: Mapped[list[Any]] = mapped_column(default=list)
    shown: Mapped[str] = mapped_column(default="")
    started_at: Mapped[datetime]
    asked_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]


class Attempt(Base):
    """One answer to one question; the second answer to the same place of a run collides here.

    ``given`` are the letters of the options in the order of the bank, whatever letters they had when they were shown; else what was written.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("run_id", "position"),
        Index("ix_attempt_member_at", "member_id", "at"),
    )

    id: Mapped[Key]
    run_id: Mapped[int] = mapped_column(ForeignKey("quiz_run.id"))
    position: Mapped[int]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), index=True)
    given: Mapped[str]
    right: Mapped[bool]
    seconds: Mapped[int]
    at: Mapped[datetime]


class ReviewCard(Base):
    """A missed question on its way back (spaced repetition by FSRS). Two right answers on different days retire it."""

    __tablename__ = "review_card"
    __table_args__ = (Index("ix_review_card_due", "member_id", "due_at"),)

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    question_id: Mapped[int] = mapped_column(ForeignKey("question.id"), primary_key=True, index=True)
    state: Mapped[dict[str, Any]]
    due_at: Mapped[datetime]
    right_days: Mapped[int] = mapped_column(default=0)
    last_right_on: Mapped[date | None]
    retired_at: Mapped[datetime | None]
