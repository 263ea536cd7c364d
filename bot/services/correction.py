"""Checking somebody in by hand, with a reason (补签), and taking that back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import attendance, attendance_points, group, outbox, points
from bot.services.permission import Action, Actor, OutsideYourBranch

CORRECTABLE = timedelta(days=30)


class NoSuchCorrection(Refusal):
    text = "没有找到可以补签的活动（只能补签30天内已经开始的活动）。回复 主题党日 看看有哪些。"


def namesakes(session: Session, actor: Actor, text: str) -> list[Member]:
    """The active people whom the actor may check in and whose name the text begins with: of the own branch, of the own group.

    The longest name wins.

    :class:`OutsideYourBranch` when there is none.
    """
    people = session.scalars(
        select(Member)
        .where(
            Member.active,
            Member.branch_id == actor.branch_id,
            Member.branch_id.in_(select(Organisation.id).where(actor.within(Action.CORRECT_ATTENDANCE)))
            | Member.group_id.in_(
                select(Organisation.id).where(actor.within(Action.CORRECT_GROUP_ATTENDANCE))
            ),
        )
        .order_by(Member.id)
    )
    found = [one for one in people if text.startswith(one.name)]
    if not found:
        raise OutsideYourBranch(what=f"“{text.split(' ')[0][:10]}”")
    longest = max(len(one.name) for one in found)
    return [one for one in found if len(one.name) == longest]


def correctable(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Activity:
    """Activity ``number``, or the branch's newest that has begun within 30 days, ended or not.

    One that was only recorded later (补录) invited nobody, so there is nobody to check in.
    """
    query = select(Activity).where(
        group.scope(actor, Action.CORRECT_ATTENDANCE, Action.CORRECT_GROUP_ATTENDANCE),
        Activity.branch_id == actor.branch_id,
        Activity.state != ActivityState.CANCELLED,
        Activity.starts_at <= now + activities.CHECK_IN_OPENS,
        Activity.starts_at > now - CORRECTABLE,
        Activity.id.in_(select(SignUp.activity_id)),
    )
    if number is not None:
        query = query.where(Activity.id == number)
    found = session.scalar(query.order_by(Activity.starts_at.desc()).limit(1))
    if found is None:
        raise NoSuchCorrection
    return found


def correct(
    session: Session, actor: Actor, activity: Activity, member: Member, reason: str, *, now: datetime
) -> attendance.CheckedIn:
    """Check somebody in by hand, with the reason, which the member is told."""
    actor.require(Action.CORRECT_GROUP_ATTENDANCE)
    done = attendance.attend(session, activity, member, now, corrected_by=actor.member.id, reason=reason)
    what = activities.short(activity, now)
    gain = f"+{done.award.points} 分，本季共 {done.award.total} 分。" if done.award else ""
    text = f"{actor.member.name}为您补签了{what}，原因：{reason}。{gain}有不对请联系{actor.member.name}。"
    key = f"correction {activity.id} {now.isoformat()}"
    outbox.push(session, [member.id], text, key=key, now=now, urgency=Urgency.ANSWER)
    return done


def undo(
    session: Session, actor: Actor, activity: Activity, member_id: int, before: SignUpState, *, now: datetime
) -> None:
    """Take the actor's own correction back: the attendance goes, its points are reversed, the answer is what it was."""
    attendance = session.scalars(
        select(Attendance).where(
            Attendance.activity_id == activity.id,
            Attendance.member_id == member_id,
            Attendance.corrected_by == actor.member.id,
        )
    ).one_or_none()
    if attendance is None:
        raise NoSuchCorrection
    session.delete(attendance)
    entry = attendance_points.standing(session, activity.id, member_id)
    if entry is not None:
        points.reverse(session, entry, reason="撤销补签", giver_id=actor.member.id, now=now)
    row = session.get_one(SignUp, (activity.id, member_id))
    row.state = before
    text = f"{actor.member.name}撤销了刚才为您补的签到（{activities.short(activity, now)}）。"
    key = f"correction {activity.id} undone {now.isoformat()}"
    outbox.push(session, [member_id], text, key=key, now=now, urgency=Urgency.ANSWER)
