"""Being there: checking in, and ending an activity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, select
from sqlalchemy.orm import Session

from bot.db import dialect_of, upsert_into
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.member import Member
from bot.services import activity as activities
from bot.services import attendance_points, check_in_word, group, outbox, points, sign_up
from bot.times import clock, local, moment

LATE_AFTER = timedelta(minutes=15)


class WrongWord(Refusal):
    text = "口令不对或已过期，请看现场屏幕上的新口令，再发：签到 口令。"


class AlreadyCheckedIn(Refusal):
    text = "您已在 {when} 签到（{what}），不用再签。回复 积分 可以查看得分。"


class NothingToCheckIn(Refusal):
    text = "现在没有可以签到的活动。{next}"


class NotYet(Refusal):
    text = "“{theme}”还没到签到时间，{when} 起可以签到。"


class AlreadyEnded(Refusal):
    text = "“{theme}”已经结束过了：{counts}。漏签的可以发：补签 姓名 原因。"


class NotStarted(Refusal):
    text = "“{theme}”还没开始（{when}），不能结束。不办了请回复 取消活动，改时间请回复 修改活动。"


# Checking in ---------------------------------------------------------------------------------------------------------

# Built once: in a rush, putting these together would cost more than running them.
_OPEN = (
    select(Activity, Attendance.at)
    .outerjoin(
        Attendance,
        and_(Attendance.activity_id == Activity.id, Attendance.member_id == bindparam("member")),
    )
    .where(Activity.state == ActivityState.PUBLISHED, Activity.starts_at <= bindparam("soon"))
    .order_by(Activity.starts_at.desc())
)
_INVITED = _OPEN.join(
    SignUp, and_(SignUp.activity_id == Activity.id, SignUp.member_id == bindparam("member"))
)
_OF_BRANCH = _OPEN.where(Activity.branch_id == bindparam("branch"))
_ANSWER = (
    select(SignUp)
    .where(SignUp.activity_id == bindparam("activity"), SignUp.member_id == bindparam("member"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_STATE = select(Activity.state).where(Activity.id == bindparam("activity"))


@lru_cache
def _there(dialect: str) -> Any:
    """Write an attendance, unless it is there; the unique constraint decides between two phones, and the second one waits for the first."""
    new = upsert_into(dialect, Attendance)
    return new.on_conflict_do_nothing(index_elements=["activity_id", "member_id"]).returning(Attendance.id)


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A fresh attendance and what it earned (None for a kind without points); ``before`` is what the member had answered to the invitation."""

    activity: Activity
    at: datetime
    award: points.Award | None
    before: SignUpState


def is_open(activity: Activity, now: datetime) -> bool:
    """Whether one can check in: from 60 minutes before the start until the activity is ended."""
    return activity.state is ActivityState.PUBLISHED and activities.window_opens(activity) <= now


def to_check_in(session: Session, member: Member, *, now: datetime) -> list[Activity]:
    """What the member can still check in to: activities with an invitation, else those of the member's branch (which then refuse).

    :class:`NothingToCheckIn` names the next activity, :class:`AlreadyCheckedIn` the time.
    """
    values = {"member": member.id, "branch": member.branch_id, "soon": now + activities.CHECK_IN_OPENS}
    found = session.execute(_INVITED, values).all() or session.execute(_OF_BRANCH, values).all()
    if not found:
        raise NothingToCheckIn(next=_next_hint(session, member, now))
    left = [activity for activity, at in found if at is None]
    if not left:
        raise _already(*found[0], now)
    return left


def _already(activity: Activity, at: datetime, now: datetime) -> AlreadyCheckedIn:
    when = clock(at, now) if local(at, now).date() == now.date() else moment(at, now)
    return AlreadyCheckedIn(when=when, what=activities.short(activity, now))


def _next_hint(session: Session, member: Member, now: datetime) -> str:
    coming = activities.open_activities(session, member_id=member.id, after=now)
    if not coming:
        return _missed_hint(session, member, now)
    opens = moment(activities.window_opens(coming[0]), now)
    return f"下一次：{activities.short(coming[0], now)}，{opens} 起可以签到。"


def _missed_hint(session: Session, member: Member, now: datetime) -> str:
    """Whom to ask by somebody who was there and is too late with the word: for the last activity of today to which the member was invited."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    ended = session.scalars(
        select(Activity)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .where(
            SignUp.member_id == member.id,
            Activity.state == ActivityState.ENDED,
            Activity.ended_at >= midnight,
        )
        .order_by(Activity.ended_at.desc())
        .limit(1)
    ).first()
    if ended is None:
        return "若活动刚结束而您在场，请联系支部书记补签。"
    return (
        f"“{ended.theme}”已经结束，您在场的话，请联系{group.in_charge(session, ended, on=now.date())}补签。"
    )


def check_in(session: Session, member: Member, said: str, *, now: datetime) -> CheckedIn:
    """Check the member in by the word that was said, and give the points.

    Leave that was asked or granted is set aside: who is there is there. Raises :class:`NothingToCheckIn`,
    :class:`AlreadyCheckedIn`, :class:`WrongWord` or :class:`~bot.services.sign_up.NotInvited`.
    """
    found = [one for one in to_check_in(session, member, now=now) if check_in_word.matches(one, said, now)]
    if not found:
        raise WrongWord
    return attend(session, found[0], member, now)


def attend(
    session: Session,
    activity: Activity,
    member: Member,
    now: datetime,
    *,
    corrected_by: int | None = None,
    reason: str = "",
) -> CheckedIn:
    row = session.scalars(_ANSWER, {"activity": activity.id, "member": member.id}).one_or_none()
    if row is None:
        raise sign_up.NotInvited(whom=group.in_charge(session, activity, on=now.date()))
    values = {
        "activity_id": activity.id,
        "member_id": member.id,
        "at": now,
        "corrected_by": corrected_by,
        "reason": reason,
    }
    if session.connection().execute(_there(dialect_of(session)), values).scalar() is None:
        raise _already(activity, attended_at(session, activity.id, member.id) or now, now)
    _require_not_ended(session, activity, now, corrected_by)
    before = row.state
    if before is not SignUpState.SIGNED_UP:
        row.state = SignUpState.SIGNED_UP
        row.answered_at = row.answered_at or now
    return CheckedIn(activity, now, _award(session, activity, member, now, corrected_by), before)


def _award(
    session: Session, activity: Activity, member: Member, now: datetime, giver_id: int | None
) -> points.Award | None:
    """The points of the rule that the kind names; None where being there earns nothing by itself."""
    kind = activities.kind_of(activity)
    if kind is None or not kind.points:
        return None
    return points.award(
        session,
        member.id,
        kind.points,
        fact=attendance_points.fact(session, activity.id, member.id),
        reason=f"参加{activities.short(activity, now)}",
        now=now,
        giver_id=giver_id,
    )


def _require_not_ended(session: Session, activity: Activity, now: datetime, corrected_by: int | None) -> None:
    """The activity may have been ended since it was read. The inserted row now holds it, so this answer stays true."""
    state = session.scalar(_STATE, {"activity": activity.id})
    if corrected_by is None and state is not ActivityState.PUBLISHED:
        whom = group.in_charge(session, activity, on=now.date())
        raise NothingToCheckIn(next=f"活动刚刚结束。您在场的话，请联系{whom}补签。")


def attended_at(session: Session, activity_id: int, member_id: int) -> datetime | None:
    """When the member checked in; None if not."""
    return session.scalar(
        select(Attendance.at).where(Attendance.activity_id == activity_id, Attendance.member_id == member_id)
    )


# Ending --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """应到, 实到, 请假 (granted and not there) and 缺席; ``asked`` of the absent wait for a decision on their leave."""

    invited: int
    present: int
    leave: int
    absent: int
    asked: int

    def __str__(self) -> str:
        return f"应到 {self.invited} 实到 {self.present} 请假 {self.leave} 缺席 {self.absent}"


@dataclass(frozen=True, slots=True)
class Ended:
    """The counts at the end, the points given in all, and how many get make-up study."""

    counts: Counts
    points: int
    make_up: int


def counts(session: Session, activity_id: int) -> Counts:
    """Count an activity from its facts, at any time."""
    rows = session.execute(
        select(SignUp.state, Attendance.id)
        .join(Activity, Activity.id == SignUp.activity_id)
        .outerjoin(
            Attendance,
            (Attendance.activity_id == SignUp.activity_id) & (Attendance.member_id == SignUp.member_id),
        )
        .where(SignUp.activity_id == activity_id, activities.expected() | Attendance.id.is_not(None))
    ).all()
    away = [state for state, attendance in rows if attendance is None]
    leave = away.count(SignUpState.LEAVE_GRANTED)
    return Counts(
        len(rows), len(rows) - len(away), leave, len(away) - leave, away.count(SignUpState.LEAVE_ASKED)
    )


def late(session: Session, activity: Activity) -> Sequence[tuple[str, datetime]]:
    """The names of those who checked in more than 15 minutes after the start, and when. A correction by hand says nothing about the time."""
    rows = session.execute(
        select(Member.name, Attendance.at)
        .join(Member, Member.id == Attendance.member_id)
        .where(
            Attendance.activity_id == activity.id,
            Attendance.corrected_by.is_(None),
            Attendance.at > activity.starts_at + LATE_AFTER,
        )
        .order_by(Attendance.at, Member.id)
    )
    return [(name, at) for name, at in rows]


def require_endable(session: Session, activity: Activity, *, now: datetime) -> None:
    """:class:`AlreadyEnded`, :class:`NotStarted`, or :class:`NotOpenAnyMore` for a cancelled one."""
    if activity.state is ActivityState.ENDED:
        raise AlreadyEnded(theme=activity.theme, counts=counts(session, activity.id))
    activities.require_published(activity, "结束")
    if now < activities.window_opens(activity):
        raise NotStarted(theme=activity.theme, when=moment(activity.starts_at, now))


def refuse_ended(session: Session, branch_id: int, *, now: datetime) -> None:
    """:class:`AlreadyEnded` when the branch's last activity of today was ended: somebody says 结束活动 a second time."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    last = session.scalar(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.state == ActivityState.ENDED,
            Activity.ended_at >= midnight,
        )
        .order_by(Activity.ended_at.desc())
        .limit(1)
    )
    if last is not None:
        raise AlreadyEnded(theme=last.theme, counts=counts(session, last.id))


def end(session: Session, activity: Activity, *, now: datetime) -> Ended:
    """Close check-in, count, and queue make-up study for the active members who were not there."""
    activities.lock(session, activity)
    require_endable(session, activity, now=now)
    activity.state, activity.ended_at = ActivityState.ENDED, now
    session.flush()
    away = absent_members(session, activity.id)
    text = f"补学：您没有参加{activities.short(activity, now)}。请回复 今日学习，学完后回复 学完了。"
    outbox.push(session, away, text, key=f"activity {activity.id} make-up", now=now)
    return Ended(counts(session, activity.id), points_given(session, activity.id), len(away))


def absent_members(session: Session, activity_id: int) -> list[int]:
    """The ids of the active invited who were not there, on leave or not: whom make-up study is for."""
    there = select(Attendance.member_id).where(Attendance.activity_id == activity_id)
    return list(
        session.scalars(
            select(SignUp.member_id)
            .join(Member, Member.id == SignUp.member_id)
            .join(Activity, Activity.id == SignUp.activity_id)
            .where(
                SignUp.activity_id == activity_id,
                SignUp.member_id.not_in(there),
                Member.active,
                activities.expected(),
            )
            .order_by(SignUp.member_id)
        )
    )


def points_given(session: Session, activity_id: int) -> int:
    """The sum of the points of an activity's attendance, without what was reversed."""
    return attendance_points.given(session, [activity_id])[activity_id]
