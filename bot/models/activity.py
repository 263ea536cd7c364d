"""Activities of a branch, who was invited and what they answered, who came, and what they thought of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class ActivityState(StrEnum):
    """PUBLISHED until the secretary ends it; a cancelled one stays on record."""

    PUBLISHED = "published"
    ENDED = "ended"
    CANCELLED = "cancelled"


class Activity(Base):
    """A theme day or meeting of one branch, or of one group in it. ``secret`` is what check-in words are made from.

    ``capacity`` is how many may sign up (None: all); ``partner_id`` the branch with which a 联建 is held, which keeps its own activity;
    ``task_id`` the key task that it serves.

    One that was held outside the bot and recorded later has no audience; it ends when it starts where its hours were not told.

    ``revision`` counts the changes that calendars must know of, the last of them at ``changed_at``.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index("ix_activity_branch_state", "branch_id", "state", "starts_at"),
        Index("ix_activity_state", "state", "starts_at"),
    )

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    group_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    kind: Mapped[str]
    theme: Mapped[str]
    place: Mapped[str]
    starts_at: Mapped[datetime] = mapped_column(index=True)
    ends_at: Mapped[datetime]
    signup_closes_at: Mapped[datetime]
    production: Mapped[str] = mapped_column(default="")
    capacity: Mapped[int | None]
    partner_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"))
    task_id: Mapped[int | None] = mapped_column(ForeignKey("key_task.id"), index=True)
    state: Mapped[ActivityState] = mapped_column(default=ActivityState.PUBLISHED)
    secret: Mapped[str]
    created_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    published_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime | None]


class SignUpState(StrEnum):
    """What an invited member answered. A refused leave goes back to INVITED with the reason kept; who WAITS moves up when somebody steps back."""

    INVITED = "invited"
    WAITS = "waits"
    SIGNED_UP = "signed_up"
    LEAVE_ASKED = "leave_asked"
    LEAVE_GRANTED = "leave_granted"


class SignUp(Base):
    """One row for every invited member: the audience (应到) is a fact of the moment of publication.

    ``leave_no`` is the number by which the secretary answers ("同意 1"): unique among the waiting requests of a branch. ``delegate`` is the name
    of whom the absent asked to do their part; it is only kept, and carries no vote.
    """

    __tablename__ = "sign_up"

    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    state: Mapped[SignUpState] = mapped_column(default=SignUpState.INVITED)
    answered_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    delegate: Mapped[str | None]
    leave_no: Mapped[int | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(Text, default="")
    nudged_at: Mapped[datetime | None]


class Attendance(Base):
    """Somebody was there: by the word of the minute, or corrected by the secretary with a reason."""

    __tablename__ = "attendance"
    __table_args__ = (UniqueConstraint("activity_id", "member_id"),)

    id: Mapped[Key]
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    at: Mapped[datetime]
    corrected_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    reason: Mapped[str] = mapped_column(Text, default="")


class Reflection(Base):
    """What a member wrote after an activity (感想)."""

    __tablename__ = "reflection"

    id: Mapped[Key]
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"))
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
