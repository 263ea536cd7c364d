"""Leave from an activity: asking, deciding, and who is told."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import group, outbox, sign_up, waiting_list
from bot.services.permission import Action, Actor

MOST_REASON = 200
_DELEGATE = re.compile(r"(?:^|[\s,，;；。、])\s*委托\s*(?P<who>[^\s,，;；。]{2,})")


class NoSuchLeave(Refusal):
    text = "没有等待审批的第 {number} 条请假，可能已经处理过。回复 请假审批 看看还有哪些。"


class OwnLeave(Refusal):
    text = "自己的请假不能自己批，请由{whom}来批（他们已收到提醒）。"


class NoSuchDelegate(Refusal):
    text = "本支部名册里没有“{said}”（不能委托自己）。请写同支部党员的姓名，例如：请假 出差 委托 李明"


@dataclass(frozen=True, slots=True)
class Leave:
    """One request for leave that waits; ``number`` is what the secretary answers with."""

    number: int
    member: Member
    activity: Activity
    reason: str
    delegate: str = ""

    @property
    def why(self) -> str:
        """The reason, with whom the member asked to do the own part."""
        return f"{self.reason}（委托{self.delegate}）" if self.delegate else self.reason


# Asking --------------------------------------------------------------------------------------------------------------


def ask(session: Session, member: Member, number: int, said: str, *, now: datetime) -> Leave:
    """Ask leave from activity ``number``; those who decide are told. Asking again while it waits corrects the reason.

    ``said`` is the reason, perhaps with "委托 李明" behind it: that name is kept and nothing follows from it, for nobody votes for another.
    """
    activity, row = sign_up.invitation(session, member, number, now=now)
    sign_up.require_before_start(session, activity, member, "请假", now)
    reason, delegate = with_delegate(session, member, said)
    before = row.state
    if row.state is not SignUpState.LEAVE_ASKED or row.leave_no is None:
        row.leave_no = _next_number(session, activity.branch_id)
    row.state, row.answered_at, row.reason = SignUpState.LEAVE_ASKED, now, reason[:MOST_REASON]
    row.decided_by, row.decided_at, row.decision, row.delegate = None, None, "", delegate or None
    sign_up.mark_read(session, activity, member, now)
    session.flush()
    leave = Leave(row.leave_no, member, activity, row.reason, delegate)
    _tell_deciders(session, leave, now)
    if activity.capacity and before is SignUpState.SIGNED_UP:
        waiting_list.move_up(session, activity, now=now)
    return leave


def with_delegate(session: Session, member: Member, said: str) -> tuple[str, str]:
    """The reason and the name in "出差 委托 李明"; :class:`NoSuchDelegate` for a name that is not one of the branch's active people."""
    found = _DELEGATE.search(said)
    if found is None:
        return said, ""
    people = select(Member.name).where(
        Member.branch_id == member.branch_id, Member.active, Member.id != member.id
    )
    named = [name for name in session.scalars(people) if found["who"].startswith(name)]
    if not named:
        raise NoSuchDelegate(said=found["who"][:10])
    return said[: found.start()].strip() or found[0].strip(), max(named, key=len)


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
    told = to_be_told(session, leave.activity, leave.member, on=now.date())
    n = leave.number
    text = f"{leave.member.name} 请假：{leave.why}。回复 同意 {n} 或 不同意 {n} 理由\n（{activities.short(leave.activity, now)}）"
    key = f"leave {leave.activity.id} {leave.member.id} {now.isoformat()}"
    outbox.push(session, [one.id for one in told], text, key=key, now=now, urgency=Urgency.ANSWER)


def take_back(session: Session, member: Member, number: int, *, now: datetime) -> Activity:
    """Withdraw the own request, waiting or granted, without signing up."""
    activity, row = sign_up.invitation(session, member, number, now=now)
    if row.state in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED):
        row.state, row.answered_at = SignUpState.INVITED, None
    return activity


# Deciding ------------------------------------------------------------------------------------------------------------


def to_be_told(session: Session, activity: Activity, asker: Member, *, on: date) -> list[Member]:
    """Who is told of a request: of a group's meeting its leader, else secretary and deputies, else the committee.

    Never the asker while there is anybody else.
    """
    deciders = sign_up.deciders(session, activity.branch_id, on=on)
    for able in (
        group.leaders(session, activity.group_id, on=on),
        sign_up.leaders(session, activity.branch_id, on=on),
        deciders,
    ):
        others = [one for one in able if one.id != asker.id]
        if others:
            return others
    return deciders


def waiting(session: Session, actor: Actor) -> list[Leave]:
    """The requests that the actor may decide, by number; those of activities that are over do not count any more."""
    rows = session.execute(_waiting(actor).order_by(SignUp.leave_no)).all()
    return [
        Leave(row.leave_no or 0, member, activity, row.reason, row.delegate or "")
        for row, member, activity in rows
    ]


def _waiting(actor: Actor) -> Select[SignUp, Member, Activity]:
    return (
        select(SignUp, Member, Activity)
        .join(Member, Member.id == SignUp.member_id)
        .join(Activity, Activity.id == SignUp.activity_id)
        .where(
            SignUp.state == SignUpState.LEAVE_ASKED,
            Activity.state == ActivityState.PUBLISHED,
            Activity.branch_id == actor.branch_id,
            group.scope(actor, Action.DECIDE_LEAVE, Action.DECIDE_GROUP_LEAVE),
        )
    )


def decide(
    session: Session, actor: Actor, number: int, *, granted: bool, why: str = "", now: datetime
) -> tuple[Leave, bool]:
    """Grant or refuse a request and tell the asker; True when it is the actor's own, because nobody else is there to decide.

    :class:`NoSuchLeave` when it was decided or withdrawn meanwhile; :class:`OwnLeave` when somebody else can decide it.
    """
    actor.require(Action.DECIDE_GROUP_LEAVE)
    found = session.execute(
        _waiting(actor).where(SignUp.leave_no == number).with_for_update(of=SignUp)
    ).first()
    if found is None:
        raise NoSuchLeave(number=number)
    row, member, activity = found
    own = member.id == actor.member.id
    if own:
        others = [one for one in to_be_told(session, activity, member, on=now.date()) if one.id != member.id]
        if others:
            raise OwnLeave(whom="、".join(one.name for one in others))
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
