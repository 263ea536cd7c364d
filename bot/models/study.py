"""What members read."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class MaterialRead(Base):
    """A member finished a material of ``content/materials``; once a year is enough, as the plan returns each year. ``minutes`` count as study time."""

    __tablename__ = "material_read"
    __table_args__ = (UniqueConstraint("member_id", "year", "material"),)

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    material: Mapped[str]
    year: Mapped[int]
    minutes: Mapped[int]
    at: Mapped[datetime]


class StudyRecord(Base):
    """Study elsewhere, told by the member ("登记 学习强国 25分钟"): voluntary, private, never scraped."""

    __tablename__ = "study_record"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    what: Mapped[str]
    minutes: Mapped[int]
    at: Mapped[datetime]


class PausedWeek(Base):
    """A week in which a member was on duty or away: it does not count against the weeks of study. ``monday`` is its first day."""

    __tablename__ = "paused_week"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    monday: Mapped[date] = mapped_column(primary_key=True)
