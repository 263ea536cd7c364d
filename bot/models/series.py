"""Activities that come again: every month on the second Friday."""

from __future__ import annotations

from datetime import datetime, time

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class Series(Base):
    """An activity of a branch in every month: on the ``week``-th ``weekday`` (Monday is 0), or on the last one where ``week`` is 0.

    Only the rule is kept; each activity is published by a person. ``theme`` empty means the month's own.
    """

    __tablename__ = "series"

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    kind: Mapped[str]
    week: Mapped[int]
    weekday: Mapped[int]
    at: Mapped[time]
    place: Mapped[str]
    theme: Mapped[str] = mapped_column(default="")
    audience: Mapped[str]
    created_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]
