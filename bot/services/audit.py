"""Who did what to whom, when, from which channel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services.permission import Action, Actor


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


@dataclass(frozen=True, slots=True)
class Act:
    """One act with the names of who did it (the operator without one) and to whom."""

    entry: AuditEntry
    actor: str
    subject: str


def search(
    session: Session, actor: Actor, name: str, number: int, *, size: int = 10
) -> tuple[list[Act], bool]:
    """A page (from 1) of the acts of and on people of that name in the actor's scope, newest first, and whether there are more.

    Without a name: all acts.
    """
    doer, subject = aliased(Member), aliased(Member)
    query = (
        select(AuditEntry, doer.name, subject.name)
        .outerjoin(doer, doer.id == AuditEntry.actor_id)
        .outerjoin(subject, subject.id == AuditEntry.subject_id)
        .outerjoin(Organisation, Organisation.id == AuditEntry.branch_id)
        .where(actor.within(Action.SEE_AUDIT))
    )
    if name:
        query = query.where(or_(doer.name == name, subject.name == name))
    rows = session.execute(
        query.order_by(AuditEntry.id.desc()).limit(size + 1).offset((number - 1) * size)
    ).all()
    return [Act(entry, by or "管理命令", whom or "") for entry, by, whom in rows[:size]], len(rows) > size
