"""How a person's place changed: from branch to branch, for a time to another one, and from status to status. Rows are added, never edited."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key
from bot.models.member import MemberStatus


class Transfer(Base):
    """Somebody went from one branch to another (组织关系 or a reorganisation); ``by_id`` is the admin who entered it, None for a roster."""

    __tablename__ = "transfer"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    from_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    why: Mapped[str]
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class StatusChange(Base):
    """Somebody has a status from a day on, by the decision that was taken outside the bot; ``by_id`` is None for a roster.

    ``extended_months`` above 0: no new status, but a probation that goes on so many months longer; ``since`` is the day of that decision.
    """

    __tablename__ = "status_change"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    before: Mapped[MemberStatus]
    after: Mapped[MemberStatus]
    since: Mapped[date]
    extended_months: Mapped[int] = mapped_column(default=0)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class Secondment(Base):
    """Somebody works with a temporary branch for a time (借调) and belongs to the home branch all the same; both days are inclusive."""

    __tablename__ = "secondment"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    to_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    why: Mapped[str]
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]
