"""Who did what to whom, when, from which channel. The database itself refuses to change or remove a row (migration 0011)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services.permission import Action, Actor

CHANNELS = {"wecom": "企业微信", "oa": "公众号", "cli": "命令行", "web": "网页"}
MOST_EXPORTED = 50_000


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
    """One act with the names of who did it (the operator without one), to whom, and in which branch."""

    entry: AuditEntry
    actor: str
    subject: str
    branch: str


def search(
    session: Session, actor: Actor, name: str, number: int, *, size: int = 10
) -> tuple[list[Act], bool]:
    """A page (from 1) of the acts of and on people of that name in the actor's scope, newest first, and whether there are more.

    Without a name: all acts.
    """
    found = _acts(session, actor, name, size + 1, (number - 1) * size)
    return found[:size], len(found) > size


def whole(session: Session, actor: Actor, name: str, *, most: int = MOST_EXPORTED) -> list[Act]:
    """The newest acts of and on people of that name, or all, for a file."""
    return _acts(session, actor, name, most, 0)


def _acts(session: Session, actor: Actor, name: str, limit: int, offset: int) -> list[Act]:
    doer, subject = aliased(Member), aliased(Member)
    query = (
        select(AuditEntry, doer.name, subject.name, Organisation.name)
        .outerjoin(doer, doer.id == AuditEntry.actor_id)
        .outerjoin(subject, subject.id == AuditEntry.subject_id)
        .outerjoin(Organisation, Organisation.id == AuditEntry.branch_id)
        .where(actor.within(Action.SEE_AUDIT))
    )
    if name:
        query = query.where(or_(doer.name == name, subject.name == name))
    rows = session.execute(query.order_by(AuditEntry.id.desc()).limit(limit).offset(offset)).all()
    return [Act(entry, by or "管理命令", whom or "", where or "") for entry, by, whom, where in rows]


def is_somebody(session: Session, actor: Actor, name: str) -> bool:
    """Whether a text is the name of somebody whose acts the actor may read; also of one who left."""
    here = select(Member.id).join(Organisation, Organisation.id == Member.branch_id)
    found = here.where(Member.name == name, actor.within(Action.SEE_AUDIT)).limit(1)
    return actor.may(Action.SEE_AUDIT) and session.scalar(found) is not None
