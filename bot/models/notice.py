"""What a secretary sent to many, and who confirmed it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class Notice(Base):
    """A notice to members of one branch. The notice of an activity names it; ``urgent`` passes quiet hours, pauses and the budget.

    ``sends_at`` is the moment for which it was set, None for one that went out at once; ``withdrawn_at`` is when it was called back.
    """

    __tablename__ = "notice"

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    activity_id: Mapped[int | None] = mapped_column(ForeignKey("activity.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    needs_receipt: Mapped[bool]
    urgent: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(index=True)
    nudged_at: Mapped[datetime | None]
    sends_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]


class Receipt(Base):
    """One row for every addressed member; ``confirmed_at`` is set by 收到."""

    __tablename__ = "receipt"

    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    confirmed_at: Mapped[datetime | None]
