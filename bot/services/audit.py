"""Who did what to whom, when, from which channel."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.models.audit import AuditEntry
from bot.models.member import Member


def record(
    session: Session,
    *,
    actor: Member | None,
    act: str,
    now: datetime,
    channel: str = "",
    subject_id: int | None = None,
    branch_id: int | None = None,
    detail: str = "",
) -> None:
    """Add one act to the audit log; ``actor`` is None for the operator on the command line."""
    session.add(
        AuditEntry(
            at=now,
            actor_id=actor.id if actor else None,
            subject_id=subject_id,
            branch_id=branch_id if branch_id is not None else (actor.branch_id if actor else None),
            channel=channel,
            act=act,
            detail=detail,
        )
    )
