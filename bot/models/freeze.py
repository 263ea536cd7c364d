"""Periods in which a branch, or all below a node, must not be disturbed: 迎峰度夏, 保电."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class FreezePeriod(Base):
    """Study pushes and nudges pause from the first to the last day, both inclusive. ``ended_at`` is set when it was called off."""

    __tablename__ = "freeze_period"

    id: Mapped[Key]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    first_on: Mapped[date]
    last_on: Mapped[date]
    reason: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
