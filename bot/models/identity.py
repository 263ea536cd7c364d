"""Who somebody is on a channel, and where the conversation with them stands."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from bot.db import Base, Key
from bot.models.member import Member


class Identity(Base):
    """A userid or openid. Bound to a member, or a stranger who may only bind.

    ``heard_at`` is when the person last wrote (an Official Account may push for 48 h after it), ``pushed_since`` how many pushes went out since.
    """

    __tablename__ = "identity"
    __table_args__ = (UniqueConstraint("channel", "external_id"),)

    id: Mapped[Key]
    channel: Mapped[str]
    external_id: Mapped[str]
    member_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    heard_at: Mapped[datetime | None]
    pushed_since: Mapped[int] = mapped_column(default=0)
    reachable: Mapped[bool] = mapped_column(default=True)
    wrong_codes: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]

    member: Mapped[Member | None] = relationship(lazy="raise")


class Conversation(Base):
    """What was asked and not yet answered. It is in the database so that a restart or another machine goes on where we stopped.

    ``frames`` is a stack of open questions, the last one on top; ``asking`` says whether the top one is being asked now or is suspended.
    ``choices`` are the words that numbers stand for; ``hints`` which waiting things were shown on which day; ``undo`` the last reversible act.
    ``acts_for`` is the branch for which somebody in charge of several has chosen to act, and until when.
    """

    __tablename__ = "conversation"

    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"), primary_key=True)
    frames: Mapped[list[Any]] = mapped_column(default=list)
    asking: Mapped[bool] = mapped_column(default=False)
    choices: Mapped[list[Any]] = mapped_column(default=list)
    hints: Mapped[dict[str, Any]] = mapped_column(default=dict)
    looked_at: Mapped[datetime | None]
    undo: Mapped[dict[str, Any]] = mapped_column(default=dict)
    acts_for: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class Inbox(Base):
    """A message that was answered, and the answer, so that a repeated delivery gets the same one. What was said is not kept."""

    __tablename__ = "inbox"
    __table_args__ = (UniqueConstraint("channel", "message_id"),)

    id: Mapped[Key]
    channel: Mapped[str]
    message_id: Mapped[str]
    identity_id: Mapped[int] = mapped_column(ForeignKey("identity.id"))
    kind: Mapped[str]
    answered_at: Mapped[datetime] = mapped_column(index=True)
    reply: Mapped[dict[str, Any]]
