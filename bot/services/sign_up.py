"""Signing up for an activity, asking leave and deciding it, and nudging those who are silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.member import Member, Role, RoleName
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import outbox, setting
from bot.services.permission import RIGHTS, Action, Actor
from bot.times import clock, full_moment, moment

MOST_REASON = 200


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


class NoSuchLeave(Refusal):
    text = "没有等待审批的第 {number} 条请假，可能已经处理过。回复 请假审批 看看还有哪些。"


class OwnLeave(Refusal):
    text = "自己的请假不能自己批，请由{whom}来批（他们已收到提醒）。"


class NobodyToNudge(Refusal):
    text = "“{theme}”没有需要提醒的人，{why}。"


class NudgedLately(Refusal):
    text = "刚提醒过，每人{hours}小时内只提醒一次。{when} 以后可以再发 催一下。"


@dataclass(frozen=True, slots=True)
class SignedUp:
    """The state after 报名: ``before`` is what the member had answered until now."""

    activity: Activity
    before: SignUpState
    count: int
    invited: int


@dataclass(frozen=True, slots=True)
class Leave:
    """One request for leave that waits; ``number`` is what the secretary answers with."""

    number: int
    member: Member
    activity: Activity
    reason: str


# Answers of the invited -------------------------------------------------------------------------------------------------


def to_answer(session: Session, member: Member, *, now: datetime) -> list[tuple[Activity, SignUp]]:
    """The activities still to come to which the member is invited, with the member's own answer, nearest first."""
    rows = session.execute(
        select(Activity, SignUp)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .where(
            SignUp.member_id == member.id, Activity.state == ActivityState.PUBLISHED, Activity.starts_at > now
        )
        .order_by(Activity.starts_at, Activity.id)
    ).all()
    return [(activity, sign_up) for activity, sign_up in rows]


def invitation(session: Session, member: Member, number: int, *, now: datetime) -> tuple[Activity, SignUp]:
    """Activity ``number`` and the member's row, locked. :class:`NoSuchActivity`, :class:`NotOpenAnyMore` or :class:`NotInvited`."""
    # Shared, so that many answer at once; it only waits for somebody who ends or cancels the activity.
    activity = session.get(Activity, number, with_for_update={"read": True, "key_share": True}, populate_existing=True)
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
    if before is not SignUpState.SIGNED_UP:
        if now > activity.signup_closes_at:
            when, whom = moment(activity.signup_closes_at, now), in_charge(session, activity.branch_id, on=now.date())
            raise SignUpClosed(theme=activity.theme, when=when, whom=whom)
        row.state, row.answered_at = SignUpState.SIGNED_UP, now
        _read(session, activity, member, now)
    return _signed_up(session, activity, before)


def _signed_up(session: Session, activity: Activity, before: SignUpState) -> SignedUp:
    session.flush()
    counts = activities.states(session, activity.id)
    return SignedUp(activity, before, counts[SignUpState.SIGNED_UP], sum(counts.values()))


def withdraw(session: Session, member: Member, number: int, *, now: datetime) -> SignedUp:
    """Take a sign-up back before the activity starts; :class:`NotSignedUp` when there is none."""
    activity, row = invitation(session, member, number, now=now)
    if row.state is not SignUpState.SIGNED_UP:
        raise NotSignedUp
    _require_before_start(session, activity, member, "取消报名", now)
    row.state, row.answered_at = SignUpState.INVITED, None
    return _signed_up(session, activity, SignUpState.SIGNED_UP)


def ask_leave(session: Session, member: Member, number: int, reason: str, *, now: datetime) -> Leave:
    """Ask leave from activity ``number``; those who decide are told. Asking again while it waits corrects the reason."""
    activity, row = invitation(session, member, number, now=now)
    _require_before_start(session, activity, member, "请假", now)
    if row.state is not SignUpState.LEAVE_ASKED or row.leave_no is None:
        row.leave_no = _next_number(session, activity.branch_id)
    row.state, row.answered_at, row.reason = SignUpState.LEAVE_ASKED, now, reason[:MOST_REASON]
    row.decided_by, row.decided_at, row.decision = None, None, ""
    _read(session, activity, member, now)
    session.flush()
    leave = Leave(row.leave_no, member, activity, row.reason)
    _tell_deciders(session, leave, now)
    return leave


def _require_before_start(session: Session, activity: Activity, member: Member, act: str, now: datetime) -> None:
    there = select(Attendance.id).where(Attendance.activity_id == activity.id, Attendance.member_id == member.id)
    if session.scalar(there) is not None:
        raise AlreadyThere(theme=activity.theme, act=act)
    if now >= activity.starts_at:
        whom = in_charge(session, activity.branch_id, on=now.date())
        raise AlreadyStarted(theme=activity.theme, act=act, whom=whom)


def _next_number(session: Session, branch_id: int) -> int:
    """A number no request of the branch's open activities ever had, so that an old "同意 1" never hits a new request.

    The branch's row is locked: two people who ask at once get two numbers.
    """
    session.execute(
        select(Organisation.id).where(Organisation.id == branch_id).with_for_update(key_share=True)
    )
    highest = session.scalar(
        select(func.max(SignUp.leave_no))
        .join(Activity, Activity.id == SignUp.activity_id)
        .where(Activity.branch_id == branch_id, Activity.state == ActivityState.PUBLISHED)
    )
    return (highest or 0) + 1


def _tell_deciders(session: Session, leave: Leave, now: datetime) -> None:
    told = to_be_told(session, leave.activity.branch_id, leave.member, on=now.date())
    n = leave.number
    text = f"{leave.member.name} 请假：{leave.reason}。回复 同意 {n} 或 不同意 {n} 理由\n（{activities.short(leave.activity, now)}）"
    key = f"leave {leave.activity.id} {leave.member.id} {now.isoformat()}"
    outbox.push(session, [one.id for one in told], text, key=key, now=now, urgency=Urgency.ANSWER)


def take_back_leave(session: Session, member: Member, number: int, *, now: datetime) -> Activity:
    """Withdraw the own request, waiting or granted, without signing up."""
    activity, row = invitation(session, member, number, now=now)
    if row.state in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED):
        row.state, row.answered_at = SignUpState.INVITED, None
    return activity


def _read(session: Session, activity: Activity, member: Member, now: datetime) -> None:
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


# Deciding ---------------------------------------------------------------------------------------------------------------


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


def to_be_told(session: Session, branch_id: int, asker: Member, *, on: date) -> list[Member]:
    """Who is told of a request: secretary and deputies, else the committee, never the asker while there is anybody else."""
    others = [one for one in leaders(session, branch_id, on=on) if one.id != asker.id]
    others = others or [one for one in deciders(session, branch_id, on=on) if one.id != asker.id]
    return others or deciders(session, branch_id, on=on)


def waiting_leaves(session: Session, actor: Actor) -> list[Leave]:
    """The requests that the actor may decide, by number; those of activities that are over do not count any more."""
    rows = session.execute(_waiting(actor).order_by(SignUp.leave_no)).all()
    return [Leave(row.leave_no or 0, member, activity, row.reason) for row, member, activity in rows]


def _waiting(actor: Actor) -> Select[SignUp, Member, Activity]:
    return (
        select(SignUp, Member, Activity)
        .join(Member, Member.id == SignUp.member_id)
        .join(Activity, Activity.id == SignUp.activity_id)
        .where(
            SignUp.state == SignUpState.LEAVE_ASKED,
            Activity.state == ActivityState.PUBLISHED,
            Activity.branch_id == actor.member.branch_id,
            activities.seen_by(actor, Action.DECIDE_LEAVE),
        )
    )


def decide(session: Session, actor: Actor, number: int, *, granted: bool, why: str = "", now: datetime) -> tuple[Leave, bool]:
    """Grant or refuse a request and tell the asker; True when it is the actor's own, because nobody else is there to decide.

    :class:`NoSuchLeave` when it was decided or withdrawn meanwhile; :class:`OwnLeave` when somebody else can decide it.
    """
    actor.require(Action.DECIDE_LEAVE)
    found = session.execute(_waiting(actor).where(SignUp.leave_no == number).with_for_update(of=SignUp)).first()
    if found is None:
        raise NoSuchLeave(number=number)
    row, member, activity = found
    own = member.id == actor.member.id
    if own:
        others = [one.name for one in deciders(session, activity.branch_id, on=now.date()) if one.id != member.id]
        if others:
            raise OwnLeave(whom="、".join(others))
    row.state = SignUpState.LEAVE_GRANTED if granted else SignUpState.INVITED
    row.decided_by, row.decided_at, row.decision = actor.member.id, now, why[:MOST_REASON]
    session.flush()
    leave = Leave(number, member, activity, row.reason)
    if not own:
        _tell_asker(session, leave, actor.member.name, granted, why, now)
    return leave, own


def _tell_asker(session: Session, leave: Leave, by: str, granted: bool, why: str, now: datetime) -> None:
    what = activities.short(leave.activity, now)
    if granted:
        text = f"您的请假已批准（{what}），审批人{by}。能参加了请回复 报名。"
    else:
        text = f"您的请假没有批准（{what}），{by}：{why}。请回复 报名，按时参加；确有困难请直接联系{by}。"
    key = f"leave {leave.activity.id} decided {now.isoformat()}"
    outbox.push(session, [leave.member.id], text, key=key, now=now, urgency=Urgency.ANSWER)


# Who is missing, and nudging them ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Missing:
    """One person who has not answered or not come, with the group's name ("" without a group)."""

    member: Member
    group: str
    nudged_at: datetime | None


def missing(session: Session, actor: Actor, activity: Activity, *, there: bool) -> list[Missing]:
    """Whom the actor may see among the silent (``there`` False) or among the expected who have not checked in (``there`` True)."""
    node = func.coalesce(Member.group_id, Member.branch_id)
    rows = session.execute(
        select(Member, Organisation.name, Member.group_id, SignUp.nudged_at)
        .join(SignUp, SignUp.member_id == Member.id)
        .join(Organisation, Organisation.id == node)
        .where(
            SignUp.activity_id == activity.id,
            Member.active,
            actor.within(Action.SEE_GROUP),
            _absent(activity) if there else SignUp.state == SignUpState.INVITED,
        )
        .order_by(Member.group_id, Member.id)
    ).all()
    return [Missing(member, name if group_id else "", nudged) for member, name, group_id, nudged in rows]


def _absent(activity: Activity) -> ColumnElement[bool]:
    came = select(Attendance.member_id).where(Attendance.activity_id == activity.id)
    return (SignUp.state != SignUpState.LEAVE_GRANTED) & Member.id.not_in(came)


def by_group(people: Sequence[Missing]) -> dict[str, list[str]]:
    """Names by group, in the order of the list."""
    groups: dict[str, list[str]] = {}
    for one in people:
        groups.setdefault(one.group or "未分小组", []).append(one.member.name)
    return groups


def nudge(session: Session, actor: Actor, activity: Activity, *, there: bool, now: datetime) -> list[str]:
    """Remind only those missing whom the actor may see, each at most as often as the branch's setting says; the names of those reminded now.

    :class:`NobodyToNudge` or :class:`NudgedLately` when nobody is left.
    """
    # Against a second nudge, but not against check-ins, which hold their own row and want this one shared.
    session.refresh(activity, with_for_update={"key_share": True})
    people = missing(session, actor, activity, there=there)
    if not people:
        raise NobodyToNudge(theme=activity.theme, why="该来的都签到了" if there else "大家都回复了")
    hours = setting.rules(session, activity.branch_id).nudge_hours
    apart = timedelta(hours=hours)
    due = [one for one in people if one.nudged_at is None or one.nudged_at + apart <= now]
    if not due:
        next_time = min(one.nudged_at for one in people if one.nudged_at) + apart
        raise NudgedLately(hours=hours, when=moment(next_time, now))
    ids = [one.member.id for one in due]
    session.execute(
        update(SignUp)
        .where(SignUp.activity_id == activity.id, SignUp.member_id.in_(ids))
        .values(nudged_at=now)
        .execution_options(synchronize_session=False)
    )
    key = f"activity {activity.id} nudge {now.isoformat()}"
    outbox.push(session, ids, _nudge_text(activity, there, now), key=key, now=now, expires_at=activity.ends_at)
    return [one.member.name for one in due]


def _nudge_text(activity: Activity, there: bool, now: datetime) -> str:
    what = activities.short(activity, now)
    if there:
        return f"{what} {clock(activity.starts_at, now)} 在{activity.place}，您还没签到。到现场请发：签到 口令；来不了请联系支部。"
    return f"{what} 您还没回复。时间：{full_moment(activity.starts_at, now)}，地点：{activity.place}。请回复 报名 或 请假 原因。"
