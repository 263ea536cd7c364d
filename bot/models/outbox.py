"""What is to be pushed, and what really happened to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key, PartedName


class OutboxState(StrEnum):
    """WAITING rows are due at ``available_at``; HELD ones are shown when the member next writes; the others are final.

    MERGED: sent as part of a digest. EXPIRED: it was too late to be of use. SHOWN: the member saw it as a pending item.
    RECALLING: sent, and to be taken off the phone again; RECALLED: that is done.
    """

    WAITING = "waiting"
    SENT = "sent"
    HELD = "held"
    SHOWN = "shown"
    MERGED = "merged"
    EXPIRED = "expired"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    RECALLING = "recalling"
    RECALLED = "recalled"


class Urgency(StrEnum):
    """URGENT passes quiet hours, pauses and budget; ANSWER is about something the member did and passes the budget; ROUTINE obeys all."""

    URGENT = "urgent"
    ANSWER = "answer"
    ROUTINE = "routine"


class Outbox(Base):
    """One push to one member. ``key`` (what, whom, when) makes a repeated job harmless; ``available_at`` is lease and back-off in one."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due",
            "available_at",
            sqlite_where=text("state = 'waiting'"),
            postgresql_where=text("state = 'waiting'"),
        ),
        Index(
            "ix_outbox_held",
            "member_id",
            sqlite_where=text("state = 'held'"),
            postgresql_where=text("state = 'held'"),
        ),
        Index(
            "ix_outbox_recalling",
            "available_at",
            sqlite_where=text("state = 'recalling'"),
            postgresql_where=text("state = 'recalling'"),
        ),
        Index("ix_outbox_member_sent", "member_id", "sent_at"),
    )

    id: Mapped[Key]
    key: Mapped[PartedName] = mapped_column(unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    notice_id: Mapped[int | None] = mapped_column(ForeignKey("notice.id"), index=True)
    urgency: Mapped[Urgency]
    body: Mapped[dict[str, Any]]
    digest: Mapped[str]
    state: Mapped[OutboxState] = mapped_column(default=OutboxState.WAITING)
    available_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    code: Mapped[int] = mapped_column(default=0)
    channel: Mapped[str] = mapped_column(default="")
    platform_id: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime] = mapped_column(index=True)
    sent_at: Mapped[datetime | None]
