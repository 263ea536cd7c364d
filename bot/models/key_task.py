"""Key tasks of a branch (党建+关键任务): what, whose, until when, how far, and the story of each."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class TaskState(StrEnum):
    """OPEN until the owner has it REPORTED as done; somebody else in charge makes it DONE or sends it back to OPEN."""

    OPEN = "open"
    REPORTED = "reported"
    DONE = "done"
    CANCELLED = "cancelled"


class KeyTask(Base):
    """One task with one owner. People call it RW12, by its id.

    ``help_at``: the owner asked for help and nobody in charge has replied yet. ``reported_on`` is the local day on which the owner said that it is
    done: that day decides whether it was in time, not the day of the confirmation. ``reminded`` is the last stage of reminders
    (:mod:`bot.services.key_task_reminder`), ``escalated`` whether those in charge were told that it is long overdue.
    """

    __tablename__ = "key_task"
    __table_args__ = (
        Index("ix_key_task_branch", "branch_id", "state"),
        Index("ix_key_task_due", "branch_id", "due_on"),
    )

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    name: Mapped[str]
    category: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    due_on: Mapped[date]
    state: Mapped[TaskState] = mapped_column(default=TaskState.OPEN, index=True)
    progress: Mapped[int] = mapped_column(default=0)
    help_at: Mapped[datetime | None]
    reported_on: Mapped[date | None]
    created_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    decided_at: Mapped[datetime | None]
    reminded: Mapped[str] = mapped_column(default="")
    escalated: Mapped[bool] = mapped_column(default=False)


class StepKind(StrEnum):
    """What happened to a task, in the words of its story."""

    CREATED = "新建"
    CHANGED = "修改"
    PROGRESS = "进度"
    HELP = "求助"
    REPLY = "回复"
    REPORTED = "报完成"
    WITHDRAWN = "收回完成"
    CONFIRMED = "确认"
    UNCONFIRMED = "撤销确认"
    RETURNED = "退回"
    CANCELLED = "取消"


class KeyTaskStep(Base):
    """One line of a task's story. Rows are added, never edited."""

    __tablename__ = "key_task_step"
    __table_args__ = (Index("ix_key_task_step_task", "task_id", "id"),)

    id: Mapped[Key]
    task_id: Mapped[int] = mapped_column(ForeignKey("key_task.id"))
    kind: Mapped[StepKind]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]
