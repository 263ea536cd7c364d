"""Votes of a meeting: who may vote and has voted, and, for secret votes, the ballots, which know nothing of the voters.

Why a ballot has neither a number nor a time, and where it lies, is told in :mod:`bot.services.ballot_box`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class Choice(StrEnum):
    """What a ballot says."""

    YES = "赞成"
    NO = "反对"
    ABSTAIN = "弃权"


class VoteState(StrEnum):
    """VOID: closed without a result, because too few ballots would have shown who voted how; the ballots are destroyed."""

    OPEN = "open"
    CLOSED = "closed"
    VOID = "void"


class Vote(Base):
    """One question put to a meeting. ``entitled`` is 应到会有表决权, fixed when it is opened; ``present`` is 实到, last counted when it is closed.

    The counts are None until then. ``ballots`` is what is published of a secret vote: ``[receipt, choice]`` in order of receipt, none before.
    """

    __tablename__ = "vote"
    __table_args__ = (
        Index(
            "ix_vote_one_open",
            "branch_id",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
    )

    id: Mapped[Key]
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    rule: Mapped[str]
    question: Mapped[str] = mapped_column(Text)
    secret: Mapped[bool]
    state: Mapped[VoteState] = mapped_column(default=VoteState.OPEN)
    entitled: Mapped[int]
    present: Mapped[int]
    opened_by: Mapped[int] = mapped_column(ForeignKey("member.id"))
    opened_at: Mapped[datetime]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    closed_at: Mapped[datetime | None]
    yes: Mapped[int | None]
    no: Mapped[int | None]
    abstain: Mapped[int | None]
    ballots: Mapped[list[Any]] = mapped_column(default=list)


class Voter(Base):
    """The register: one row for everybody with a vote, made when the vote is opened. ``choice`` stays empty in a secret vote."""

    __tablename__ = "voter"

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True, index=True)
    voted: Mapped[bool] = mapped_column(default=False)
    choice: Mapped[Choice | None]


class Ballot(Base):
    """A ballot in the box of a secret vote that is still open. The key is what the voter thought up: no number, no time, no order of arrival."""

    __tablename__ = "ballot"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012  (SQLAlchemy's own way)

    vote_id: Mapped[int] = mapped_column(ForeignKey("vote.id"), primary_key=True, autoincrement=False)
    receipt: Mapped[str] = mapped_column(String(16), primary_key=True)
    choice: Mapped[Choice]
