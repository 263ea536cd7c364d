"""Notices as they were sent."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation
from bot.services.permission import Actor
from bot.services.record.facts import NoticeFacts
from bot.services.record.held import activity


def notices(session: Session, actor: Actor, *, most: int = 5) -> Sequence[Notice]:
    """The newest notices of the actor's branch."""
    mine = Notice.branch_id == actor.branch_id
    return session.scalars(select(Notice).where(mine).order_by(Notice.id.desc()).limit(most)).all()


def notice(session: Session, notice_id: int) -> NoticeFacts:
    """A notice as it was sent, and who confirmed it until now."""
    row = session.get_one(Notice, notice_id)
    addressed, confirmed = session.execute(
        select(func.count(), func.count(Receipt.confirmed_at)).where(Receipt.notice_id == notice_id)
    ).one()
    author = session.get_one(Member, row.author_id).name
    branch = session.get_one(Organisation, row.branch_id).name
    about = activity(session, row.activity_id) if row.activity_id else None
    return NoticeFacts(
        branch, row.text, author, row.created_at, row.needs_receipt, addressed, confirmed, about
    )
