"""Calendars that phones subscribe to: whose it is, the signed address that can be called back, and what stands in it.

An address is a signature over member and number, so nothing of it is stored; a higher number of the member makes the earlier ones worthless.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.exam import Exam
from bot.models.member import Member, MemberStatus
from bot.services.permission import Action, actor_of

PAST = timedelta(days=90)
"""How long what is over stays in a calendar."""
MOST = 500


class Whose(StrEnum):
    """A member's own calendar, or that of the member's branch."""

    OWN = "own"
    BRANCH = "branch"


class NoSuchFeed(Refusal):
    """Forged, called back, of somebody who left, or of a branch that one may not see any more: all the same from outside."""

    text = "没有这个日历。请在对话里发 日历 取新的地址。"


@dataclass(frozen=True, slots=True)
class Event:
    """One entry. ``uid`` stays the same through all changes, ``revision`` counts them, ``changed_at`` is the last one."""

    uid: str
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str
    about: str
    cancelled: bool
    busy: bool
    revision: int
    changed_at: datetime


def address(secret_key: str, member: Member, whose: Whose) -> str:
    """The token of a member's calendar: the same one until :func:`call_back`."""
    return str(_signer(secret_key).dumps([whose.value, member.id, member.calendar_no]))


def call_back(session: Session, member: Member) -> None:
    """Make all addresses that the member was given so far worthless."""
    higher = update(Member).where(Member.id == member.id).values(calendar_no=Member.calendar_no + 1)
    session.execute(higher, execution_options={"synchronize_session": False})
    session.refresh(member, ["calendar_no"])


def read(session: Session, secret_key: str, token: str, *, now: datetime) -> list[Event]:
    """What stands in the calendar of an address, the earliest first; :class:`NoSuchFeed`."""
    whose, member = _opened(session, secret_key, token)
    if whose is Whose.OWN:
        return _sorted(*_own_activities(session, member, now), *_exams(session, member, now))
    actor = actor_of(session, member, on=now.date())
    if not actor.may(Action.SEE_BRANCH):
        raise NoSuchFeed
    branch = actor.on_branch(session, Action.SEE_BRANCH, member.branch_id)
    return _sorted(*_branch_activities(session, branch.id, now), *_exams(session, member, now))


def _opened(session: Session, secret_key: str, token: str) -> tuple[Whose, Member]:
    try:
        kind, member_id, number = _signer(secret_key).loads(token)
        whose = Whose(kind)
    except (BadSignature, ValueError, TypeError):
        raise NoSuchFeed from None
    member = session.get(Member, member_id)
    if member is None or not member.active or member.calendar_no != number:
        raise NoSuchFeed
    return whose, member


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="calendar feed")


def _sorted(*events: Event) -> list[Event]:
    return sorted(events, key=lambda one: (one.starts_at, one.uid))


def _own_activities(session: Session, member: Member, now: datetime) -> Iterator[Event]:
    """To which the member is invited, with the own answer and nobody else's."""
    rows = session.execute(
        select(Activity, SignUp)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .where(SignUp.member_id == member.id, Activity.starts_at > now - PAST)
        .order_by(Activity.starts_at.desc())
        .limit(MOST)
    )
    for activity, mine in rows:
        yield _activity(activity, mine)


def _branch_activities(session: Session, branch_id: int, now: datetime) -> Iterator[Event]:
    query = select(Activity).where(Activity.branch_id == branch_id, Activity.starts_at > now - PAST)
    for activity in session.scalars(query.order_by(Activity.starts_at.desc()).limit(MOST)):
        yield _activity(activity, None)


_ANSWERS = {
    SignUpState.INVITED: "您还没回复。回复 报名 或 请假 原因。",
    SignUpState.WAITS: "名额已满，您在候补。",
    SignUpState.SIGNED_UP: "您已报名。",
    SignUpState.LEAVE_ASKED: "您的请假正在等审批。",
    SignUpState.LEAVE_GRANTED: "您的请假已批准。",
}


def _activity(activity: Activity, mine: SignUp | None) -> Event:
    cancelled = activity.state is ActivityState.CANCELLED
    lines = [f"结合生产：{activity.production}"] if activity.production else []
    if mine is not None and activity.state is ActivityState.PUBLISHED:
        lines.append(_ANSWERS[mine.state])
    moments = [activity.published_at, activity.changed_at]
    moments += [mine.answered_at, mine.decided_at] if mine is not None else []
    return Event(
        uid=f"activity-{activity.id}",
        title=f"{'已取消 ' if cancelled else ''}{activity.kind}：{activity.theme}",
        starts_at=activity.starts_at,
        ends_at=activity.ends_at,
        place=activity.place,
        about="\n".join(lines),
        cancelled=cancelled,
        busy=not cancelled and (mine is None or mine.state is not SignUpState.LEAVE_GRANTED),
        revision=activity.revision,
        changed_at=_last(moments),
    )


def _exams(session: Session, member: Member, now: datetime) -> Iterator[Event]:
    """The exams of the branch, each at the last moment at which it can be begun and still be sat in full."""
    if member.status is MemberStatus.COLLEAGUE:
        return
    query = select(Exam).where(Exam.branch_id == member.branch_id, Exam.closes_at > now - PAST)
    for exam in session.scalars(query.order_by(Exam.closes_at.desc()).limit(MOST)):
        gone = exam.cancelled_at is not None
        yield Event(
            uid=f"exam-{exam.id}",
            title=f"{'已取消 ' if gone else ''}考试截止：{exam.topic}",
            starts_at=max(exam.opens_at, exam.closes_at - timedelta(minutes=exam.minutes)),
            ends_at=exam.closes_at,
            place="",
            about=f"{len(exam.questions)} 题，限时 {exam.minutes} 分钟，及格 {exam.pass_mark} 分。在对话里回复 考试 参加。",
            cancelled=gone,
            busy=False,
            revision=int(gone),
            changed_at=_last([exam.published_at, exam.cancelled_at]),
        )


def _last(moments: Sequence[datetime | None]) -> datetime:
    return max(moment for moment in moments if moment is not None)
