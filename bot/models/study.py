"""What members read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import ForeignKey, Text, UniqueConstraint
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


class OwnMaterial(Base):
    """What a branch gives its members to study besides the shipped materials: a text, a link to one, or both.

    ``words`` are those that 提问 compares, cut beforehand. A removed one stays, because its readers' time counts on.
    """

    __tablename__ = "own_material"

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    title: Mapped[str]
    link: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    minutes: Mapped[int]
    words: Mapped[list[Any]]
    author_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
