"""Signing up for an activity, and whom of a branch one asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.member import Member, Role, RoleName
from bot.models.notice import Notice, Receipt
from bot.services import activity as activities
from bot.services import waiting_list
from bot.services.concern import NOW
from bot.services.permission import RIGHTS, Action
from bot.times import moment


class NothingToSignUpFor(Refusal):
    text = "现在没有可以报名的活动。有新活动会通知您；回复 主题党日 可以查看。"


class NotInvited(Refusal):
    text = "这次活动的通知名单里没有您。请联系{whom}核对。"


class SignUpClosed(Refusal):
    text = "“{theme}”的报名已于 {when} 截止。请直接告诉{whom}；到现场仍可发 签到 口令。"


class NotSignedUp(Refusal):
    text = "您还没有报名，不用取消。不能参加请回复 请假 原因。"


class AlreadyStarted(Refusal):
    text = "“{theme}”已经开始，不能再{act}。请直接联系{whom}。"


class AlreadyThere(Refusal):
    text = "您已在“{theme}”签到，不用再{act}。"


@dataclass(frozen=True, slots=True)
class SignedUp:
    """The state after 报名: ``before`` is what the member had answered until now, ``waiting`` the own place in the queue of a full activity.

    ``invited`` is how many may sign up.
    """

    activity: Activity
    before: SignUpState
    count: int
    invited: int
    waiting: int = 0


# Answers of the invited ----------------------------------------------------------------------------------------------


# Built once: it is asked under most answers, and putting it together costs more than running it.
_TO_ANSWER = (
    select(Activity, SignUp)
    .join(SignUp, SignUp.activity_id == Activity.id)
    .where(
        SignUp.member_id == bindparam("member"),
        Activity.state == ActivityState.PUBLISHED,
        Activity.starts_at > bindparam("now"),
    )
    .order_by(Activity.starts_at, Activity.id)
)


IS_TO_ANSWER = (
    exists()
    .where(
        SignUp.member_id == Member.id, SignUp.state == SignUpState.INVITED, Activity.id == SignUp.activity_id
    )
    .where(Activity.state == ActivityState.PUBLISHED, Activity.signup_closes_at > NOW)
)
"""Whether an invitation waits for a member's answer."""


def to_answer(session: Session, member: Member, *, now: datetime) -> list[tuple[Activity, SignUp]]:
    """The activities still to come to which the member is invited, with the member's own answer, nearest first."""
    rows = session.execute(_TO_ANSWER, {"member": member.id, "now": now}).all()
    return [(activity, sign_up) for activity, sign_up in rows]


def invitation(session: Session, member: Member, number: int, *, now: datetime) -> tuple[Activity, SignUp]:
    """Activity ``number`` and the member's row, locked. :class:`NoSuchActivity`, :class:`NotOpenAnyMore` or :class:`NotInvited`."""
    # Shared, so that many answer at once; it only waits for somebody who ends or cancels the activity. Where places are limited, one by one.
    limited = session.scalar(select(Activity.capacity).where(Activity.id == number)) is not None
    how = {"read": not limited, "key_share": True}
    activity = session.get(Activity, number, with_for_update=how, populate_existing=True)
    row = session.get(SignUp, (number, member.id), with_for_update=True, populate_existing=True)
    if activity is None or (row is None and activity.branch_id != member.branch_id):
        raise activities.NoSuchActivity(number=number)
    if row is None:
        raise NotInvited(whom=in_charge(session, activity.branch_id, on=now.date()))
    activities.require_published(activity, "报名或请假")
    return activity, row


def sign_up(session: Session, member: Member, number: int, *, now: datetime) -> SignedUp:
    """Sign the member up for activity ``number``; a leave that was asked or granted is withdrawn. Saying it twice changes nothing."""
    activity, row = invitation(session, member, number, now=now)
    before = row.state
    if before not in (SignUpState.SIGNED_UP, SignUpState.WAITS):
        if now > activity.signup_closes_at:
            when, whom = (
                moment(activity.signup_closes_at, now),
                in_charge(session, activity.branch_id, on=now.date()),
            )
            raise SignUpClosed(theme=activity.theme, when=when, whom=whom)
        full = waiting_list.is_full(session, activity)
        row.state, row.answered_at = SignUpState.WAITS if full else SignUpState.SIGNED_UP, now
        mark_read(session, activity, member, now)
    return _signed_up(session, activity, member, before)


def _signed_up(session: Session, activity: Activity, member: Member, before: SignUpState) -> SignedUp:
    session.flush()
    counts = activities.states(session, activity.id)
    most = activity.capacity or sum(counts.values())
    waiting = waiting_list.place(session, activity.id, member.id) if activity.capacity else 0
    return SignedUp(activity, before, counts[SignUpState.SIGNED_UP], most, waiting)


def withdraw(session: Session, member: Member, number: int, *, now: datetime) -> SignedUp:
    """Take a sign-up back, or a place in the queue, before the activity starts; :class:`NotSignedUp` when there is none."""
    activity, row = invitation(session, member, number, now=now)
    before = row.state
    if before not in (SignUpState.SIGNED_UP, SignUpState.WAITS):
        raise NotSignedUp
    require_before_start(session, activity, member, "取消报名", now)
    row.state, row.answered_at = SignUpState.INVITED, None
    if activity.capacity:
        waiting_list.move_up(session, activity, now=now)
    return _signed_up(session, activity, member, before)


def require_before_start(
    session: Session, activity: Activity, member: Member, act: str, now: datetime
) -> None:
    there = select(Attendance.id).where(
        Attendance.activity_id == activity.id, Attendance.member_id == member.id
    )
    if session.scalar(there) is not None:
        raise AlreadyThere(theme=activity.theme, act=act)
    if now >= activity.starts_at:
        whom = in_charge(session, activity.branch_id, on=now.date())
        raise AlreadyStarted(theme=activity.theme, act=act, whom=whom)


def leave_branch(session: Session, member: Member, *, now: datetime) -> int:
    """Take somebody who leaves off the lists of what has not begun: they are neither expected there nor reminded. Returns of how many lists."""
    there = select(Attendance.activity_id).where(Attendance.member_id == member.id)
    coming = (
        select(Activity, SignUp)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .where(
            SignUp.member_id == member.id,
            Activity.branch_id == member.branch_id,
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at > now,
            Activity.id.not_in(there),
        )
        .order_by(Activity.id)
        .with_for_update()
    )
    rows = session.execute(coming).all()
    for activity, row in rows:
        session.delete(row)
        if activity.capacity:
            waiting_list.move_up(session, activity, now=now)
    session.flush()
    return len(rows)


def mark_read(session: Session, activity: Activity, member: Member, now: datetime) -> None:
    """Who answers an invitation has read its notice."""
    session.execute(
        update(Receipt)
        .where(
            Receipt.member_id == member.id,
            Receipt.confirmed_at.is_(None),
            Receipt.notice_id.in_(select(Notice.id).where(Notice.activity_id == activity.id)),
        )
        .values(confirmed_at=now)
        .execution_options(synchronize_session=False)
    )


# Whom to ask ---------------------------------------------------------------------------------------------------------


def deciders(session: Session, branch_id: int, *, on: date) -> list[Member]:
    """The active people who may decide leave in a branch by a role on the branch itself: secretary first, then deputies, then the committee."""
    able = [role for role in RoleName if Action.DECIDE_LEAVE in RIGHTS[role]]
    rows = session.execute(
        select(Member, Role.name)
        .join(Role, Role.member_id == Member.id)
        .where(
            Role.organisation_id == branch_id,
            Role.name.in_(able),
            Role.starts_on <= on,
            or_(Role.ends_on.is_(None), Role.ends_on >= on),
            Member.active,
        )
        .order_by(Member.id)
    ).all()
    return list(dict.fromkeys(member for member, _ in sorted(rows, key=lambda row: able.index(row[1]))))


def leaders(session: Session, branch_id: int, *, on: date) -> list[Member]:
    """Secretary and deputies of a branch."""
    named = select(Role.member_id).where(
        Role.organisation_id == branch_id, Role.name.in_((RoleName.SECRETARY, RoleName.DEPUTY_SECRETARY))
    )
    ids = set(session.scalars(named))
    return [member for member in deciders(session, branch_id, on=on) if member.id in ids]


def in_charge(session: Session, branch_id: int, *, on: date) -> str:
    """Whom to ask: the names of secretary and deputies, or "支部书记" where the roster names none."""
    return "、".join(member.name for member in leaders(session, branch_id, on=on)) or "支部书记"
