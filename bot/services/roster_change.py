"""What a roster may change about somebody who is known: a branch with its history, and a status only where the interval rules allow it.

A roster is the list of the organisation, so a status that it gives with the day of joining may skip steps; everything else goes by the rules
of :mod:`bot.services.development`. What was taken is said in the report, so that somebody can look at it.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from bot.models.course import StatusChange, Transfer
from bot.models.member import Member, MemberStatus
from bot.services import development, secondment, sign_up

_MEMBERS = (MemberStatus.PROBATIONARY, MemberStatus.FULL)


def change_status(
    session: Session, member: Member, after: MemberStatus, joined_on: date | None, *, now: datetime
) -> str:
    """Record another status and return the note for the report. Refused like :func:`bot.services.development.change`; the member is not changed here."""
    today, before = now.date(), member.status
    on = joined_on if after is MemberStatus.PROBATIONARY and joined_on else today
    if on > today:
        raise development.NotYet(day=on)
    jump = _is_jump(before, after)
    if jump:
        _require_dated(member, after, joined_on, today)
    else:
        known = development.since(session, member) or (joined_on if before in _MEMBERS else None)
        development.require_interval(session, member, after, on, known)
    session.add(StatusChange(member_id=member.id, before=before, after=after, since=on, by_id=None, at=now))
    note = f"{member.name}的身份由{before.value}改为{after.value}，从 {on} 起登记"
    if before in _MEMBERS and development.ORDER.index(after) < development.ORDER.index(before):
        return f"{note}；改变党员身份要有上级党组织的决定，请核对"
    return f"{note}，中间的步骤没有登记，请核对" if jump else note


def _is_jump(before: MemberStatus, after: MemberStatus) -> bool:
    return development.ORDER.index(after) > development.ORDER.index(before) + 1


def _require_dated(member: Member, after: MemberStatus, joined_on: date | None, today: date) -> None:
    """Skipping steps needs a day of joining, for a full member one of at least a year ago."""
    years = {MemberStatus.PROBATIONARY: 0, MemberStatus.FULL: 1}.get(after)
    if years is None or joined_on is None or today < development.years_later(joined_on, years):
        development.require_order(member, after)


def move(session: Session, member: Member, to_id: int, *, now: datetime) -> None:
    """Keep that somebody goes to another branch, and end the invitations and the secondment that end with it; roles are the importer's."""
    sign_up.leave_branch(session, member, now=now)
    session.add(
        Transfer(
            member_id=member.id, from_id=member.branch_id, to_id=to_id, why="导入名册", by_id=None, at=now
        )
    )
    secondment.finish(session, member, now.date() - timedelta(days=1), to_id=to_id)
