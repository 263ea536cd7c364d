"""Activities of a branch: which there are, who may handle them, and how they are named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.permission import Action, Actor
from bot.times import at_time, local, moment
from content import activity_kinds
from content.activity_kinds import ActivityKind

CHECK_IN_OPENS = timedelta(minutes=60)
"""How long before the start the check-in word is accepted."""
CLOSES_AT = time(20)
"""Sign-up closes at this time of the day before, unless the organiser says otherwise."""
REMINDED_AT = time(17)
"""At this time of the day before, those signed up are reminded and the silent are nudged, while they can still answer."""


class NoSuchActivity(Refusal):
    text = "没有找到您能看的 #{number} 号活动。回复 主题党日 看看有哪些。"


class NotOpenAnyMore(Refusal):
    text = "“{theme}”{state}，不能再{act}。回复 主题党日 看看还有哪些活动。"


def eve(starts_at: datetime, now: datetime) -> date:
    """The day before, on the wall calendar."""
    return local(starts_at, now).date() - timedelta(days=1)


def lock_published(session: Session, activity: Activity, act: str) -> None:
    """Lock the activity against its twin; :class:`NotOpenAnyMore` when it is ended or cancelled."""
    lock(session, activity)
    require_published(activity, act)


def require_published(activity: Activity, act: str) -> None:
    """:class:`NotOpenAnyMore` when the activity is ended or cancelled."""
    if activity.state is not ActivityState.PUBLISHED:
        state = "已经结束" if activity.state is ActivityState.ENDED else "已经取消"
        raise NotOpenAnyMore(theme=activity.theme, state=state, act=act)


def lock(session: Session, activity: Activity) -> None:
    """Hold the row until the end of the transaction, also against new check-ins, and read what it is now."""
    session.refresh(activity, with_for_update=True)


def open_activities(
    session: Session,
    *,
    branch_id: int | None = None,
    member_id: int | None = None,
    after: datetime | None = None,
) -> Sequence[Activity]:
    """Published activities, the nearest start first: of a branch, to which a member is invited, ending after a moment."""
    query = select(Activity).where(Activity.state == ActivityState.PUBLISHED)
    if branch_id is not None:
        query = query.where(Activity.branch_id == branch_id)
    if member_id is not None:
        query = query.where(Activity.id.in_(select(SignUp.activity_id).where(SignUp.member_id == member_id)))
    if after is not None:
        query = query.where(Activity.ends_at > after)
    return session.scalars(query.order_by(Activity.starts_at, Activity.id)).all()


def members_in(session: Session, activity_id: int, *states: SignUpState) -> list[int]:
    """The ids of active members whose answer is one of ``states``."""
    return list(
        session.scalars(
            select(SignUp.member_id)
            .join(Member, Member.id == SignUp.member_id)
            .where(SignUp.activity_id == activity_id, SignUp.state.in_(states), Member.active)
            .order_by(SignUp.member_id)
        )
    )


def expected() -> ColumnElement[bool]:
    """A condition on :class:`SignUp` joined to :class:`Activity`: who is counted in 应到. Where places are limited, only those who took one."""
    took = (SignUpState.SIGNED_UP, SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED)
    return Activity.capacity.is_(None) | SignUp.state.in_(took)


def signed_up_members(session: Session, activity_id: int) -> list[int]:
    """The ids of those who signed up: whom a reminder is for."""
    return members_in(session, activity_id, SignUpState.SIGNED_UP)


def silent_members(session: Session, activity_id: int) -> list[int]:
    """The ids of those who have not answered: whom a nudge is for. Neither those on leave nor those who wait for a decision."""
    return members_in(session, activity_id, SignUpState.INVITED)


def states(session: Session, activity_id: int) -> dict[SignUpState, int]:
    """How many of the invited are in each state."""
    rows = session.execute(
        select(SignUp.state, func.count()).where(SignUp.activity_id == activity_id).group_by(SignUp.state)
    ).all()
    return dict.fromkeys(SignUpState, 0) | {state: count for state, count in rows}  # noqa: C416


def reminders(activity: Activity, now: datetime) -> list[datetime]:
    """When those signed up are reminded: 17:00 of the day before and one hour before; only what is still to come."""
    day_before = at_time(eve(activity.starts_at, now), REMINDED_AT, now)
    return [at for at in (day_before, activity.starts_at - timedelta(hours=1)) if at > now]


def seen_by(actor: Actor, action: Action) -> ColumnElement[bool]:
    """A condition on :class:`Activity`: its branch, or a group in it, lies where the action is allowed."""
    nodes = select(Organisation.id).where(actor.within(action))
    parents = select(Organisation.parent_id).where(
        actor.within(action), Organisation.kind == OrganisationKind.GROUP, Organisation.parent_id.is_not(None)
    )
    return Activity.branch_id.in_(nodes) | Activity.branch_id.in_(parents)


def led_by(actor: Actor) -> ColumnElement[bool]:
    """A condition on :class:`Activity`: of a branch where the actor may publish, or of a group where that is the actor's right."""
    groups = select(Organisation.id).where(actor.within(Action.PUBLISH_GROUP))
    return seen_by(actor, Action.PUBLISH) | Activity.group_id.in_(groups)


def leads(session: Session, actor: Actor, activity: Activity) -> bool:
    """Whether the activity is one that the actor may change, end, and see the counts of."""
    return session.scalar(select(Activity.id).where(Activity.id == activity.id, led_by(actor))) is not None


def managed(session: Session, actor: Actor, action: Action, number: int | None) -> Sequence[Activity]:
    """The activities an act may be about: number ``number`` if given, else the published ones of the actor's branch.

    With :attr:`Action.PUBLISH_GROUP` these are the ones that :func:`led_by` says. :class:`NoSuchActivity` for a number that is not there or
    lies outside the actor's scope; :class:`NotAllowed` for a group's leader who has published nothing.
    """
    actor.require(action)
    scope = led_by(actor) if action is Action.PUBLISH_GROUP else seen_by(actor, action)
    query = select(Activity).where(scope).order_by(Activity.starts_at)
    if number is not None:
        found = session.scalars(query.where(Activity.id == number)).all()
        if not found:
            raise NoSuchActivity(number=number)
        return found
    own = (Activity.branch_id == actor.branch_id, Activity.state == ActivityState.PUBLISHED)
    found = session.scalars(query.where(*own)).all()
    if action is Action.PUBLISH_GROUP and not found:
        actor.require(Action.PUBLISH)
    return found


def kind_of(activity: Activity) -> ActivityKind | None:
    """The kind as data; None for one that is not in the file any more."""
    return activity_kinds.lookup(activity.kind)


def window_opens(activity: Activity) -> datetime:
    """From when the check-in word is accepted."""
    return activity.starts_at - CHECK_IN_OPENS


def title(activity: Activity) -> str:
    """The theme, or the kind where none was told."""
    return activity.theme or activity.kind


def short(activity: Activity, now: datetime) -> str:
    """12月4日主题党日“宪法宣传进班组”: how an activity is named in a line."""
    there = local(activity.starts_at, now)
    return f"{there.month}月{there.day}日{activity.kind}“{activity.theme}”"


_NUMBER = re.compile(r"^#?\s*(\d{1,9})(?!\d|[点时:月日号./-])\s*")


def number_in(text: str) -> tuple[int | None, str]:
    """The activity's number at the beginning ("#3 出差", "3"), and the rest."""
    found = _NUMBER.match(text)
    return (int(found[1]), text[found.end() :]) if found else (None, text)


def choice(
    found: Sequence[Activity], word: str, rest: str = "", *, now: datetime
) -> tuple[str, tuple[str, ...]]:
    """The question which activity is meant, and the words its numbers stand for ("报名 #3"); without any, that there is none."""
    if not found:
        return "现在没有这样的活动。回复 主题党日 看看活动安排。", ("主题党日",)
    lines = numbered(f"{moment(one.starts_at, now)} {one.kind}：{one.theme}" for one in found[:8])
    words = tuple(f"{word} #{one.id} {rest}".strip() for one in found[:8])
    return f"有 {len(found)} 个活动，是哪一个？回复数字：\n{lines}", words


def numbered(lines: Iterable[str]) -> str:
    """Lines with 1, 2, 3 … in front."""
    return "\n".join(f"{n} {line}" for n, line in enumerate(lines, 1))


def detail(activity: Activity, *details: str) -> str:
    """What the audit log says about an act on an activity."""
    return " ".join((f"#{activity.id} {activity.theme}", *filter(None, details)))
