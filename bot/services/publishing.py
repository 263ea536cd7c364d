"""Activities go out, change and are called off, and those concerned are told."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import exists, insert, select, update
from sqlalchemy.orm import Session

from bot.cards import Button, Card
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import activity as activities
from bot.services import audience, draft, outbox, sign_up, waiting_list
from bot.services.permission import Actor
from bot.times import day, full_moment, local
from content import activity_kinds
from content.activity_kinds import Attends


@dataclass(frozen=True, slots=True)
class Published:
    """A new activity, how many are addressed, the names that no channel reaches, and who of a partner's branch is told."""

    activity: Activity
    invited: int
    unreachable: tuple[str, ...]
    partners: tuple[str, ...] = ()


def publish(session: Session, actor: Actor, wanted: draft.Draft, *, now: datetime) -> Published:
    """Create the activity of the branch for which the actor acts, with its audience and notice, and queue the notice to everybody addressed."""
    author, branch_id = actor.member, actor.branch_id
    checked = draft.preview(session, branch_id, wanted, now=now)
    kind = activity_kinds.lookup(checked.kind)
    of_group = kind is not None and kind.attends is Attends.GROUP
    activity = Activity(
        branch_id=branch_id,
        group_id=audience.group_id(session, branch_id, checked.audience) if of_group else None,
        kind=checked.kind,
        theme=checked.theme,
        place=checked.place,
        starts_at=checked.starts_at,
        ends_at=checked.ends_at,
        signup_closes_at=checked.closes_at,
        production=checked.production,
        capacity=checked.capacity,
        partner_id=wanted.partner_id,
        task_id=wanted.task_id,
        secret=secrets.token_hex(16),
        created_by=author.id,
        published_at=now,
    )
    session.add(activity)
    session.flush()
    session.execute(
        insert(SignUp),
        [
            {"activity_id": activity.id, "member_id": member, "state": SignUpState.INVITED}
            for member in checked.invited
        ],
    )
    _announce(session, activity, author, checked.invited, now)
    partners = _tell_partner(session, activity, author, now) if checked.partner else ()
    return Published(activity, len(checked.invited), unreachable(session, checked.invited), partners)


def _tell_partner(session: Session, activity: Activity, author: Member, now: datetime) -> tuple[str, ...]:
    """Tell the partner's secretary, who invites the own people by an own activity; their names.

    Nobody publishes for another branch. When the partner has published its half, both share the check-in word: there is one screen.
    """
    assert activity.partner_id is not None, "a partner was told of an activity without one"
    theirs = _other_half(session, activity)
    if theirs is not None:
        activity.secret = theirs.secret
    leaders = sign_up.leaders(session, activity.partner_id, on=now.date())
    text = _agreed(session, activity, now) if theirs else _invitation(session, activity, author, now)
    key = f"activity {activity.id} partner"
    outbox.push(session, [one.id for one in leaders], text, key=key, now=now, expires_at=activity.starts_at)
    return tuple(one.name for one in leaders)


def _other_half(session: Session, activity: Activity) -> Activity | None:
    """The partner's own activity for the same occasion."""
    return session.scalars(
        select(Activity).where(
            Activity.branch_id == activity.partner_id,
            Activity.partner_id == activity.branch_id,
            Activity.starts_at == activity.starts_at,
            Activity.state == ActivityState.PUBLISHED,
        )
    ).first()


def _invitation(session: Session, activity: Activity, author: Member, now: datetime) -> str:
    own = session.get_one(Organisation, activity.branch_id).name
    there = local(activity.starts_at, now)
    when = f"{there.year}年{there.month}月{there.day}日{there:%H:%M}"
    return (
        f"{own}邀请贵支部开展{activity.kind}：{activity.theme}\n"
        f"时间：{full_moment(activity.starts_at, now)}\n地点：{activity.place}\n"
        f"同意的话，请发下面这一行，预览确认后通知本支部党员：\n"
        f"发布{activity.kind} {when} {activity.place} 和{own}联建 主题:{activity.theme}\n"
        f"有疑问请联系{author.name}。"
    )


def _agreed(session: Session, activity: Activity, now: datetime) -> str:
    own = session.get_one(Organisation, activity.branch_id).name
    return f"{own}已同意{activity.kind}“{activity.theme}”，并通知了本支部党员。时间：{full_moment(activity.starts_at, now)}，现场用同一个签到口令。"


def _announce(
    session: Session, activity: Activity, author: Member, invited: Sequence[int], now: datetime
) -> None:
    """Write the notice with a receipt for each, and queue it: ROUTINE, because it must not wake anybody, but worthless after the start."""
    text = notice_text(activity, now)
    notice = Notice(
        branch_id=activity.branch_id,
        author_id=author.id,
        activity_id=activity.id,
        text=text,
        needs_receipt=False,
        urgent=False,
        created_at=now,
    )
    session.add(notice)
    session.flush()
    session.execute(insert(Receipt), [{"notice_id": notice.id, "member_id": member} for member in invited])
    outbox.push(
        session,
        invited,
        text,
        key=f"activity {activity.id} notice",
        now=now,
        urgency=Urgency.ROUTINE,
        notice_id=notice.id,
        expires_at=activity.starts_at,
        card=card(activity, now),
    )


def notice_text(activity: Activity, now: datetime) -> str:
    """What the invited read, perhaps on another day: no word depends on today."""
    closes = local(activity.signup_closes_at, now)
    lines = [
        f"{activity.kind}通知：{activity.theme}",
        f"时间：{full_moment(activity.starts_at, now)}",
        f"地点：{activity.place}",
    ]
    if activity.production:
        lines.append(f"结合生产：{activity.production}")
    if _takes_questions(activity):
        lines.append("想在会上讲清的问题，请先发：研讨提问 内容（不想留名发 匿名提问 内容）。")
    if activity.capacity:
        lines.append(f"限 {activity.capacity} 人，先报先得，报满后可以候补。")
    lines.append(f"请在{day(closes.date(), now)}{closes:%H:%M}前回复 报名；不能参加请回复 请假 原因。")
    return "\n".join(lines)


def card(activity: Activity, now: datetime) -> Card:
    """The card with two buttons that stands on top of the notice."""
    description = f"{full_moment(activity.starts_at, now)} {activity.place}"
    if _takes_questions(activity):
        description += "\n有问题请先发：研讨提问 内容，或 匿名提问 内容"
    buttons = (Button("报名", f"报名 #{activity.id}"), Button("请假", f"请假 #{activity.id}"))
    return Card(f"activity-{activity.id}", f"{activity.kind}：{activity.theme}", description, buttons)


def _takes_questions(activity: Activity) -> bool:
    kind = activities.kind_of(activity)
    return kind is not None and kind.questions


def unreachable(session: Session, member_ids: Sequence[int]) -> tuple[str, ...]:
    """The names of those who have no account on any channel, or left all of them."""
    reached = exists().where(Identity.member_id == Member.id, Identity.reachable)
    named = select(Member.name).where(Member.id.in_(member_ids), ~reached).order_by(Member.id)
    return tuple(session.scalars(named))


def change(session: Session, activity: Activity, wanted: draft.Draft, *, now: datetime) -> int:
    """Give the activity the draft's theme, time, place, task and end of sign-up; queue the news to those signed up and return their number."""
    activities.lock_published(session, activity, "修改")
    checked = draft.preview(session, activity.branch_id, wanted, now=now, activity_id=activity.id)
    before = (activity.theme, activity.starts_at, activity.place)
    activity.theme, activity.production, activity.place = checked.theme, checked.production, checked.place
    activity.starts_at, activity.ends_at = checked.starts_at, checked.ends_at
    activity.signup_closes_at, activity.task_id = checked.closes_at, wanted.task_id
    if activity.capacity != checked.capacity:
        activity.capacity = checked.capacity
        waiting_list.move_up(session, activity, now=now)
    session.flush()
    if (checked.theme, checked.starts_at, checked.place) == before:
        return 0
    _count_change(activity, now)
    told = activities.signed_up_members(session, activity.id)
    text = f"{activity.kind}有变化：{activity.theme}\n时间：{full_moment(activity.starts_at, now)}\n地点：{activity.place}\n您的报名仍然有效；不能参加请回复 请假 原因。"
    key = f"activity {activity.id} changed {now.isoformat()}"
    outbox.push(session, told, text, key=key, now=now, urgency=Urgency.ANSWER, expires_at=activity.starts_at)
    return len(told)


def cancel(session: Session, activity: Activity, *, reason: str, now: datetime) -> int:
    """Call the activity off; queue the news to those who signed up or asked leave and return their number."""
    activities.lock_published(session, activity, "取消")
    activity.state = ActivityState.CANCELLED
    _count_change(activity, now)
    told = activities.members_in(
        session, activity.id, *(state for state in SignUpState if state is not SignUpState.INVITED)
    )
    because = f"（{reason}）" if reason else ""
    text = f"{activity.kind}“{activity.theme}”取消了{because}。原定 {full_moment(activity.starts_at, now)}，您不用再到场。"
    outbox.push(session, told, text, key=f"activity {activity.id} cancelled", now=now, urgency=Urgency.ANSWER)
    # What was not yet sent of the notice must not invite anybody any more.
    session.execute(
        update(Outbox)
        .where(
            Outbox.state.in_((OutboxState.WAITING, OutboxState.HELD)),
            Outbox.notice_id.in_(select(Notice.id).where(Notice.activity_id == activity.id)),
        )
        .values(state=OutboxState.EXPIRED)
        .execution_options(synchronize_session=False)
    )
    return len(told)


def _count_change(activity: Activity, now: datetime) -> None:
    """Calendars take an entry over only when its number has grown."""
    activity.revision, activity.changed_at = activity.revision + 1, now
