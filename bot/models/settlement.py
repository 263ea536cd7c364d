"""Settlements of points: what a branch makes known of a period, and each member's result in it."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class SettlementState(StrEnum):
    """DRAFT is seen by the secretary only; NOTICE is the time in which members appeal; FINAL is never changed any more."""

    DRAFT = "草稿"
    NOTICE = "公示中"
    FINAL = "已定稿"


class Settlement(Base):
    """One period ("2026Q3" or "2026-10") of one branch. ``closes_at`` is the end of the public-notice window."""

    __tablename__ = "settlement"
    __table_args__ = (UniqueConstraint("branch_id", "period"),)

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    period: Mapped[str]
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    state: Mapped[SettlementState] = mapped_column(default=SettlementState.DRAFT, index=True)
    created_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    created_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    final_at: Mapped[datetime | None]


class SettlementResult(Base):
    """A member's points of a period by dimension, and what earlier periods gained or lost since they were final (``correction``).

    ``through_id`` is the member's newest entry that was looked at, and ``chain`` its seal: whatever comes later belongs to the next settlement.
    """

    __tablename__ = "settlement_result"

    settlement_id: Mapped[int] = mapped_column(ForeignKey("settlement.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    dimensions: Mapped[dict[str, Any]]
    correction: Mapped[int]
    total: Mapped[int]
    through_id: Mapped[int] = mapped_column(BigInteger)
    chain: Mapped[str]
