"""The ledger of points: rows are added, never edited, and balances move in the same transaction."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key, PartedName


class BranchRule(Base):
    """A branch's own version of a shipped rule from a day on that was still to come when it was made. Rows are added, never edited.

    ``points``, ``cap`` and ``givers`` are None where the branch goes by the shipped rule. ``valid_to`` is the last day; without it the version holds until a
    later one begins. ``number`` counts the branch's versions of the rule.
    """

    __tablename__ = "branch_rule"
    __table_args__ = (UniqueConstraint("branch_id", "rule", "valid_from"),)

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    rule: Mapped[str]
    number: Mapped[int]
    points: Mapped[int | None]
    cap: Mapped[int | None]
    active: Mapped[bool] = mapped_column(default=True)
    givers: Mapped[list[Any] | None] = mapped_column(JSON(none_as_null=True))
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    set_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    set_at: Mapped[datetime]


class BranchCap(Base):
    """A branch's own cap of a dimension from a quarter on ("2027Q1") that was still to come when it was made, until a later one begins."""

    __tablename__ = "branch_cap"

    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    cap: Mapped[int]
    set_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    set_at: Mapped[datetime]


class PointEntry(Base):
    """One award or reversal. ``fact`` names what earned it and is unique, so that a fact earns once.

    ``version`` counts the shipped versions of the rule; from :data:`bot.services.point_rule.BRANCH_VERSIONS` on it names a :class:`BranchRule`.
    ``period`` is the quarter ("2026Q4") and ``day`` the local day for which it counts. A reversal names the entry it takes back in
    ``reverses_id``, and has its day. ``chain`` seals the row and all rows of the member before it (:mod:`bot.services.point_chain`).
    """

    __tablename__ = "point_entry"
    __table_args__ = (
        Index("ix_point_entry_member", "member_id", "id"),
        Index("ix_point_entry_cap", "member_id", "rule", "at"),
    )

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    rule: Mapped[str]
    version: Mapped[int]
    dimension: Mapped[str]
    points: Mapped[int]
    fact: Mapped[PartedName] = mapped_column(unique=True)
    reason: Mapped[str] = mapped_column(Text)
    period: Mapped[str]
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("point_entry.id"), unique=True)
    at: Mapped[datetime]
    day: Mapped[date]
    chain: Mapped[str]


class PointBalance(Base):
    """The sum of a member's entries of one quarter in one dimension, and the ``chain`` of the newest of them."""

    __tablename__ = "point_balance"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    dimension: Mapped[str] = mapped_column(primary_key=True)
    points: Mapped[int]
    chain: Mapped[str] = mapped_column(default="")


class ClaimKind(StrEnum):
    """A claim asks for points for a deed; an appeal contests an entry."""

    CLAIM = "申报"
    APPEAL = "申诉"


class ClaimState(StrEnum):
    """WAITING until somebody else decides."""

    WAITING = "waiting"
    GRANTED = "granted"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Claim(Base):
    """A claim or an appeal of a member, and its course. ``seen_by`` is the group leader who looked at it first, where the branch has two steps."""

    __tablename__ = "claim"
    __table_args__ = (Index("ix_claim_state", "state", "id"),)

    id: Mapped[Key]
    kind: Mapped[ClaimKind]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    entry_id: Mapped[int | None] = mapped_column(ForeignKey("point_entry.id"))
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[ClaimState] = mapped_column(default=ClaimState.WAITING)
    at: Mapped[datetime]
    decide_by: Mapped[datetime]
    seen_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    seen_at: Mapped[datetime | None]
    remark: Mapped[str] = mapped_column(Text, default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    decided_at: Mapped[datetime | None]
    decision: Mapped[str] = mapped_column(Text, default="")
