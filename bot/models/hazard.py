"""The register of hazards (隐患): each with its course, from the report to the check by somebody else."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class HazardState(StrEnum):
    """REPORTED waits for somebody in charge, DISPATCHED for its owner, FIXED for a check by somebody else; the others are ends."""

    REPORTED = "reported"
    DISPATCHED = "dispatched"
    FIXED = "fixed"
    CLOSED = "closed"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"


OPEN = (HazardState.REPORTED, HazardState.DISPATCHED, HazardState.FIXED)


class Hazard(Base):
    """A hazard as it stands. ``owner_id`` has it until ``due_on`` (inclusive), ``fixed_by`` says it is put right.

    ``turn`` counts what was done with it: who acts names the turn that was seen, so that of two only one decides. ``closed_on`` is the local day of
    ``closed_at``, and ``closures`` how often it was closed, so that points taken back with a check can be earned by the next one. ``told_late`` is the
    deadline after which those in charge were told that it is long overdue.
    """

    __tablename__ = "hazard"
    __table_args__ = (Index("ix_hazard_branch_state", "branch_id", "state"),)

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    reporter_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(default="")
    level: Mapped[str]
    urgent: Mapped[bool] = mapped_column(default=False)
    state: Mapped[HazardState] = mapped_column(default=HazardState.REPORTED, index=True)
    turn: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime]
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    due_on: Mapped[date | None]
    fixed_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    fixed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_on: Mapped[date | None]
    closures: Mapped[int] = mapped_column(default=0)
    told_late: Mapped[date | None]


class HazardAct(StrEnum):
    """What was done with a hazard."""

    REPORT = "报告"
    DISPATCH = "派发"
    FIX = "整改"
    ACCEPT = "复查通过"
    RETURN = "复查退回"
    DISMISS = "不是隐患"
    UNDO = "撤销"


class HazardStep(Base):
    """One thing that was done, by whom, in which words; ``to_id`` and ``due_on`` say whom a dispatch gave it and until when. Rows are only added."""

    __tablename__ = "hazard_step"

    id: Mapped[Key]
    hazard_id: Mapped[int] = mapped_column(ForeignKey("hazard.id"), index=True)
    act: Mapped[HazardAct]
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    to_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    due_on: Mapped[date | None]
    text: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class HazardPhoto(Base):
    """The photo of a report or of what was put right. ``media`` is the platform's id on ``channel``, where it lies for three days.

    ``body`` is the clean JPEG that is kept, and ``digest`` its SHA-256; both are None until it was fetched. ``trouble`` says why it could not be.
    """

    __tablename__ = "hazard_photo"

    id: Mapped[Key]
    step_id: Mapped[int] = mapped_column(ForeignKey("hazard_step.id"), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    channel: Mapped[str]
    media: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[bytes | None] = mapped_column(deferred=True)
    digest: Mapped[str | None]
    trouble: Mapped[str] = mapped_column(default="")
