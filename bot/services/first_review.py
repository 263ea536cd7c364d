"""The first of two steps of a claim, where the branch has two: the group leader says what is known of the deed, somebody of the committee decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import Claim, ClaimKind, ClaimState
from bot.services import group, outbox, point_setting
from bot.services.permission import Action, Actor, holders
from bot.services.setting import calendar
from bot.times import local

WORKDAYS = 2
"""A claim that the leader has not looked at for so long goes on to the committee by itself."""


class SeenAlready(Refusal):
    text = "这一件已经初审过或已处理。发 初审 看其他的。"


def leaders(session: Session, member: Member, *, on: date) -> Sequence[int]:
    """The active leaders of the member's group, the member not among them."""
    return [one.id for one in group.leaders(session, member.group_id, on=on) if one.id != member.id]


def held_back(session: Session, claim: Claim, member: Member, *, on: date) -> bool:
    """Whether a claim still waits for the group leader. Appeals never do, nor what nobody can look at or has waited two working days."""
    if claim.kind is not ClaimKind.CLAIM or claim.seen_by is not None:
        return False
    if not point_setting.read(session, member.branch_id).two_steps:
        return False
    on_time = calendar().next_workday(claim.at.date(), WORKDAYS) >= on
    return on_time and bool(leaders(session, member, on=on))


def waiting(session: Session, actor: Actor, *, on: date) -> list[tuple[Claim, Member]]:
    """The claims of the actor's group that wait for a first look, oldest first."""
    if not actor.may(Action.FIRST_REVIEW):
        return []
    rows = session.execute(
        select(Claim, Member)
        .join(Member, Member.id == Claim.member_id)
        .join(Organisation, Organisation.id == Member.group_id)
        .where(
            Claim.state == ClaimState.WAITING,
            Claim.kind == ClaimKind.CLAIM,
            Claim.seen_by.is_(None),
            Member.id != actor.member.id,
            actor.within(Action.FIRST_REVIEW),
        )
        .order_by(Claim.id)
    ).all()
    return [(claim, member) for claim, member in rows if held_back(session, claim, member, on=on)]


def see(session: Session, actor: Actor, claim_id: int, remark: str, *, now: datetime) -> Claim:
    """The leader's word on a claim of the own group goes on to the committee; :class:`SeenAlready` when somebody was faster."""
    mine = [claim for claim, _ in waiting(session, actor, on=now.date()) if claim.id == claim_id]
    seen = session.scalar(
        update(Claim)
        .where(
            Claim.id.in_([one.id for one in mine]), Claim.state == ClaimState.WAITING, Claim.seen_by.is_(None)
        )
        .values(seen_by=actor.member.id, seen_at=now, remark=remark)
        .returning(Claim.id)
        .execution_options(synchronize_session=False)
    )
    if seen is None:
        raise SeenAlready
    claim = session.get_one(Claim, seen, populate_existing=True)
    member = session.get_one(Member, claim.member_id)
    able = [
        one.id
        for one in holders(session, Action.REVIEW, member.branch_id, on=now.date())
        if one.id != member.id
    ]
    text = "有申报已由党小组长初审，回复 审核 查看。"
    outbox.push(
        session, able[:1], text, key=f"review {member.branch_id} {local(now, now).date()} seen", now=now
    )
    return claim


def tell_leader(session: Session, member: Member, now: datetime) -> bool:
    """One routine word a day to the group's leader about new claims; False when there is none to be told."""
    able = leaders(session, member, on=now.date())
    text = "本小组有新的申报待初审，回复 初审 查看。"
    outbox.push(session, able[:1], text, key=f"first-review {member.group_id} {now.date()}", now=now)
    return bool(able)
