"""What was said and done in an activity, line by line, who led it and who wrote it down."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class Duty(StrEnum):
    """What somebody was asked to do in an activity."""

    HOST = "主持人"
    RECORDER = "记录员"
    SPEAKER = "发言人"


class ActivityDuty(Base):
    """Somebody leads an activity or writes it down; named by a person in charge."""

    __tablename__ = "activity_duty"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    duty: Mapped[Duty] = mapped_column(primary_key=True)
    named_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    named_at: Mapped[datetime]


class MinuteLine(Base):
    """One line of the minutes. ``number`` counts from 1 in each activity and is never given twice, so a deleted line leaves a gap.

    ``speaker_id`` is who spoke, where a name of the roster was given. ``added_later`` marks what was added after the activity was ended: such a
    line, and every other one from then on, is not changed any more.
    """

    __tablename__ = "minute_line"
    __table_args__ = (UniqueConstraint("activity_id", "number"),)

    id: Mapped[Key]
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    number: Mapped[int]
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    at: Mapped[datetime]
    added_later: Mapped[bool] = mapped_column(default=False)
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    changed_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]


class MinutePhoto(Base):
    """A photo sent right after a line; ``media`` is the platform's id on ``channel``, where it lies for three days.

    ``body`` is the JPEG that is kept, without what a camera writes into it, and ``digest`` its SHA-256; both are None until it was fetched.
    ``trouble`` says why it could not be, and then nothing more is tried.
    """

    __tablename__ = "minute_photo"

    id: Mapped[Key]
    line_id: Mapped[int] = mapped_column(ForeignKey("minute_line.id"), index=True)
    channel: Mapped[str]
    media: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
    body: Mapped[bytes | None] = mapped_column(deferred=True)
    digest: Mapped[str | None] = mapped_column(index=True)
    trouble: Mapped[str] = mapped_column(default="")
