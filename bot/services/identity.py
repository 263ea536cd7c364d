"""Who somebody is on a channel: first contact, binding, and being heard."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.identity import Conversation, Identity
from bot.models.member import Member


def open_identity(session: Session, channel: str, external_id: str) -> tuple[Conversation, Identity]:
    """Make room for somebody who is heard of for the first time. On WeCom the userid binds to the roster's 账号 by itself."""
    member = (
        session.scalar(select(Member).where(Member.account == external_id)) if channel == "wecom" else None
    )
    identity = Identity(
        channel=channel, external_id=external_id, member=member, pushed_since=0, reachable=True
    )
    session.add(identity)
    session.flush()
    conversation = Conversation(
        identity_id=identity.id, frames=[], asking=False, choices=[], hints={}, undo={}
    )
    session.add(conversation)
    session.flush()
    return conversation, identity


def heard(identity: Identity, at: datetime, *, left: bool = False) -> None:
    """The person wrote: an Official Account may push again for 48 hours (WeCom always may, so nothing is written for it)."""
    if identity.reachable == left:
        identity.reachable = not left
    if identity.channel != "wecom":
        identity.heard_at, identity.pushed_since = at, 0
