"""Activities of a branch: what is planned, who is addressed, publishing, changing and cancelling."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from bot.cards import Button, Card
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.identity import Identity
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import outbox, setting
from bot.services.permission import Action, Actor
from bot.times import at_time, day, full_moment, local, moment
from content import theme_days

THEME_DAY = "主题党日"
EVERYBODY = "全体党员"
FULL_MEMBERS = MemberStatus.FULL.value
LASTS = timedelta(hours=2)
CLASH_WITHIN = timedelta(hours=2)
CHECK_IN_OPENS = timedelta(minutes=60)
"""How long before the start the check-in word is accepted."""
CLOSES_AT = time(17)
"""Sign-up closes at this time of the day before, unless the organiser says otherwise."""
MOST = 60
"""The most characters of a theme or a place."""


class AlreadyPast(Refusal):
    text = "{when} 已经过去了，请换一个以后的时间。例如：{example}"

    @classmethod
    def of(cls, at: datetime, now: datetime) -> AlreadyPast:
        """The refusal of a moment, with an example a week ahead."""
        later = now + timedelta(days=7)
        return cls(when=full_moment(at, now), example=f"{later.month}月{later.day}日 14:30")


class ClosesTooLate(Refusal):
    text = "报名截止要在现在之后、活动开始（{start}）之前，请重新写。例如：报名截止{example}"


class UnknownAudience(Refusal):
    text = "没看懂参加范围“{said}”。可以写：{known}"


class NobodyAddressed(Refusal):
    text = "{audience} 里没有在册党员，请换一个范围。例如：对象改为全体党员"


class TooLong(Refusal):
    text = "{what}太长了（最多{most}个字），请写短一些。"


class NoSuchActivity(Refusal):
    text = "没有找到您能看的 #{number} 号活动。回复 主题党日 看看有哪些。"


class NotOpenAnyMore(Refusal):
    text = "“{theme}”{state}，不能再{act}。回复 主题党日 看看还有哪些活动。"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far of an activity that is being written; ``closes_at`` None means the default."""

    theme: str = ""
    on: date | None = None
    at: time | None = None
    place: str = ""
    audience: str = ""
    closes_at: datetime | None = None

    def __post_init__(self) -> None:
        for what, value in (("主题", self.theme), ("地点", self.place)):
            if len(value) > MOST:
                raise TooLong(what=what, most=MOST)


@dataclass(frozen=True, slots=True)
class Preview:
    """A complete draft with what the organiser should know before sending it."""

    theme: str
    production: str
    place: str
    starts_at: datetime
    closes_at: datetime
    audience: str
    invited: tuple[int, ...]
    remarks: tuple[str, ...]
    clashes: tuple[Activity, ...]


@dataclass(frozen=True, slots=True)
class Published:
    """A new activity, how many are addressed, and the names that no channel reaches."""

    activity: Activity
    invited: int
    unreachable: tuple[str, ...]


@lru_cache(maxsize=1)
def ideas() -> tuple[theme_days.ThemeDay, ...]:
    """The shipped ideas for theme days, January first, read once."""
    return theme_days.load()


def production_of(theme: str) -> str:
    """The production problem that a shipped idea serves; "" for a theme of one's own."""
    return next((idea.production for idea in ideas() if idea.theme == theme), "")


def draft_of(activity: Activity, now: datetime) -> Draft:
    """The activity as a draft, to change it."""
    there = local(activity.starts_at, now)
    return Draft(activity.theme, there.date(), there.time(), activity.place, "", activity.signup_closes_at)


def audiences(session: Session, branch_id: int) -> tuple[str, ...]:
    """The audiences a branch can choose from: everybody, full members, and its groups."""
    groups = session.scalars(
        select(Organisation.name)
        .where(Organisation.parent_id == branch_id, Organisation.kind == OrganisationKind.GROUP)
        .order_by(Organisation.id)
    )
    return (EVERYBODY, FULL_MEMBERS, *groups)


def audience(session: Session, branch_id: int, said: str) -> str:
    """The audience that a text means ("全体", "第一小组"); :class:`UnknownAudience` when it means none or two."""
    known = audiences(session, branch_id)
    found = [name for name in known if _core(name) == _core(said)] or [name for name in known if said and said in name]
    if len(found) != 1:
        raise UnknownAudience(said=said[:20], known="、".join(known))
    return found[0]


def _core(name: str) -> str:
    """第一党小组, 第一小组 and 一组 are the same; so are 全体, 全体党员 and 所有人."""
    if name in ("全体", "全部", "所有人", "大家", "全体人员", EVERYBODY):
        return EVERYBODY
    if name in ("正式", FULL_MEMBERS):
        return FULL_MEMBERS
    return name.removeprefix("第").removesuffix("党小组").removesuffix("小组").removesuffix("组")


def addressed(session: Session, branch_id: int, audience: str) -> list[Member]:
    """The active Party members of a branch that an audience names, full and probationary; the organiser is one of them."""
    query = select(Member).where(Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS))
    if audience == FULL_MEMBERS:
        query = query.where(Member.status == MemberStatus.FULL)
    elif audience != EVERYBODY:
        query = query.join(Organisation, Organisation.id == Member.group_id).where(Organisation.name == audience)
    return list(session.scalars(query.order_by(Member.id)))


def preview(session: Session, branch_id: int, draft: Draft, *, now: datetime, activity_id: int | None = None) -> Preview:
    """Check a complete draft; ``activity_id`` names the activity that is being changed, whose audience stays as it was.

    Raises :class:`AlreadyPast`, :class:`ClosesTooLate` or :class:`NobodyAddressed`.
    """
    assert draft.on, "a draft without a day was previewed"
    assert draft.at is not None, "a draft without a time was previewed"
    starts_at = at_time(draft.on, draft.at, now)
    if starts_at <= now:
        raise AlreadyPast.of(starts_at, now)
    invited = _invited(session, branch_id, draft, activity_id)
    kept = session.get_one(Activity, activity_id).signup_closes_at if activity_id else None
    return Preview(
        draft.theme,
        production_of(draft.theme),
        draft.place,
        starts_at,
        kept if kept and kept == draft.closes_at else closing(starts_at, draft.closes_at, now),
        draft.audience,
        invited,
        tuple(day_remarks(draft.on)),
        tuple(clashes(session, branch_id, starts_at, but=activity_id)),
    )


def _invited(session: Session, branch_id: int, draft: Draft, activity_id: int | None) -> tuple[int, ...]:
    if activity_id is not None:
        return tuple(session.scalars(select(SignUp.member_id).where(SignUp.activity_id == activity_id)))
    members = addressed(session, branch_id, draft.audience)
    if not members:
        raise NobodyAddressed(audience=draft.audience)
    return tuple(member.id for member in members)


def day_remarks(on: date) -> Iterator[str]:
    """What is special about a day: a rest day, a make-up working day, a freeze period, or a year without holiday data."""
    calendar = setting.calendar()
    kind, frozen = calendar.day_kind(on), calendar.frozen(on)
    if kind != "工作日":
        yield kind
    if frozen:
        yield f"当天在{frozen}期间"
    if not calendar.has_data(on.year):
        yield f"{on.year}年放假安排还没有录入，按周一至周五判断"


def eve(starts_at: datetime, now: datetime) -> date:
    """The day before, on the wall calendar."""
    return local(starts_at, now).date() - timedelta(days=1)


def closing(starts_at: datetime, wanted: datetime | None, now: datetime) -> datetime:
    """When sign-up closes: as wanted, else 17:00 of the day before, or the start when that is past."""
    if wanted is None:
        default = at_time(eve(starts_at, now), CLOSES_AT, now)
        return default if default > now else starts_at
    if not now < wanted <= starts_at:
        before = eve(starts_at, now)
        raise ClosesTooLate(start=moment(starts_at, now), example=f"{before.month}月{before.day}日 12:00")
    return wanted


def clashes(session: Session, branch_id: int, starts_at: datetime, *, but: int | None = None) -> Sequence[Activity]:
    """Other activities of the branch that start within two hours."""
    return session.scalars(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at > starts_at - CLASH_WITHIN,
            Activity.starts_at < starts_at + CLASH_WITHIN,
            Activity.id != (but or 0),
        )
        .order_by(Activity.starts_at)
    ).all()


def publish(session: Session, author: Member, draft: Draft, *, now: datetime, kind: str = THEME_DAY) -> Published:
    """Create the activity of the author's branch with its audience and notice, and queue the notice to everybody addressed."""
    checked = preview(session, author.branch_id, draft, now=now)
    activity = Activity(
        branch_id=author.branch_id,
        kind=kind,
        theme=checked.theme,
        place=checked.place,
        starts_at=checked.starts_at,
        ends_at=checked.starts_at + LASTS,
        signup_closes_at=checked.closes_at,
        production=checked.production,
        secret=secrets.token_hex(16),
        created_by=author.id,
        published_at=now,
    )
    session.add(activity)
    session.flush()
    session.execute(
        insert(SignUp),
        [{"activity_id": activity.id, "member_id": member, "state": SignUpState.INVITED} for member in checked.invited],
    )
    _announce(session, activity, author, checked.invited, now)
    return Published(activity, len(checked.invited), unreachable(session, checked.invited))


def _announce(session: Session, activity: Activity, author: Member, invited: Sequence[int], now: datetime) -> None:
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
    lines = [f"{activity.kind}通知：{activity.theme}", f"时间：{full_moment(activity.starts_at, now)}", f"地点：{activity.place}"]
    if activity.production:
        lines.append(f"结合生产：{activity.production}")
    lines.append(f"请在{day(closes.date(), now)}{closes:%H:%M}前回复 报名；不能参加请回复 请假 原因。")
    return "\n".join(lines)


def card(activity: Activity, now: datetime) -> Card:
    """The card with two buttons that stands on top of the notice."""
    description = f"{full_moment(activity.starts_at, now)} {activity.place}"
    buttons = (Button("报名", f"报名 #{activity.id}"), Button("请假", f"请假 #{activity.id}"))
    return Card(f"activity-{activity.id}", f"{activity.kind}：{activity.theme}", description, buttons)


def unreachable(session: Session, member_ids: Sequence[int]) -> tuple[str, ...]:
    """The names of those who have no account on any channel, or left all of them."""
    reached = select(Identity.member_id).where(Identity.reachable, Identity.member_id.is_not(None))
    return tuple(
        session.scalars(
            select(Member.name).where(Member.id.in_(member_ids), Member.id.not_in(reached)).order_by(Member.id)
        )
    )


def change(session: Session, activity: Activity, draft: Draft, *, now: datetime) -> int:
    """Give the activity the draft's theme, time, place and end of sign-up; queue the news to those signed up and return their number."""
    lock_published(session, activity, "修改")
    checked = preview(session, activity.branch_id, draft, now=now, activity_id=activity.id)
    before = (activity.theme, activity.starts_at, activity.place)
    activity.theme, activity.production, activity.place = checked.theme, checked.production, checked.place
    activity.starts_at, activity.ends_at = checked.starts_at, checked.starts_at + LASTS
    activity.signup_closes_at = checked.closes_at
    session.flush()
    if (checked.theme, checked.starts_at, checked.place) == before:
        return 0
    told = signed_up_members(session, activity.id)
    text = f"{activity.kind}有变化：{activity.theme}\n时间：{full_moment(activity.starts_at, now)}\n地点：{activity.place}\n您的报名仍然有效；不能参加请回复 请假 原因。"
    key = f"activity {activity.id} changed {now.isoformat()}"
    outbox.push(session, told, text, key=key, now=now, urgency=Urgency.ANSWER, expires_at=activity.starts_at)
    return len(told)


def cancel(session: Session, activity: Activity, *, reason: str, now: datetime) -> int:
    """Call the activity off; queue the news to those who signed up or asked leave and return their number."""
    lock_published(session, activity, "取消")
    activity.state = ActivityState.CANCELLED
    told = members_in(session, activity.id, *(state for state in SignUpState if state is not SignUpState.INVITED))
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


# What others ask ------------------------------------------------------------------------------------------------------


def open_activities(
    session: Session, *, branch_id: int | None = None, member_id: int | None = None, after: datetime | None = None
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
    day_before = at_time(eve(activity.starts_at, now), CLOSES_AT, now)
    return [at for at in (day_before, activity.starts_at - timedelta(hours=1)) if at > now]


def seen_by(actor: Actor, action: Action) -> ColumnElement[bool]:
    """A condition on :class:`Activity`: its branch, or a group in it, lies where the action is allowed."""
    nodes = select(Organisation.id).where(actor.within(action))
    parents = select(Organisation.parent_id).where(
        actor.within(action), Organisation.kind == OrganisationKind.GROUP, Organisation.parent_id.is_not(None)
    )
    return Activity.branch_id.in_(nodes) | Activity.branch_id.in_(parents)


def managed(session: Session, actor: Actor, action: Action, number: int | None) -> Sequence[Activity]:
    """The activities an act may be about: number ``number`` if given, else the published ones of the actor's branch.

    :class:`NoSuchActivity` for a number that is not there or lies outside the actor's scope.
    """
    actor.require(action)
    query = select(Activity).where(seen_by(actor, action)).order_by(Activity.starts_at)
    if number is not None:
        found = session.scalars(query.where(Activity.id == number)).all()
        if not found:
            raise NoSuchActivity(number=number)
        return found
    own = (Activity.branch_id == actor.member.branch_id, Activity.state == ActivityState.PUBLISHED)
    return session.scalars(query.where(*own)).all()


def window_opens(activity: Activity) -> datetime:
    """From when the check-in word is accepted."""
    return activity.starts_at - CHECK_IN_OPENS


def short(activity: Activity, now: datetime) -> str:
    """12月4日主题党日“宪法宣传进班组”: how an activity is named in a line."""
    there = local(activity.starts_at, now)
    return f"{there.month}月{there.day}日{activity.kind}“{activity.theme}”"


_NUMBER = re.compile(r"^#?\s*(\d{1,9})(?!\d|[点时:月日号./-])\s*")


def number_in(text: str) -> tuple[int | None, str]:
    """The activity's number at the beginning ("#3 出差", "3"), and the rest."""
    found = _NUMBER.match(text)
    return (int(found[1]), text[found.end() :]) if found else (None, text)


def choice(found: Sequence[Activity], word: str, rest: str = "", *, now: datetime) -> tuple[str, tuple[str, ...]]:
    """The question which activity is meant, and the words its numbers stand for ("报名 #3"); without any, that there is none."""
    if not found:
        return "现在没有这样的活动。回复 主题党日 看看活动安排。", ("主题党日",)
    lines = numbered(f"{moment(one.starts_at, now)} {one.theme}" for one in found[:8])
    words = tuple(f"{word} #{one.id} {rest}".strip() for one in found[:8])
    return f"有 {len(found)} 个活动，是哪一个？回复数字：\n{lines}", words


def numbered(lines: Iterable[str]) -> str:
    """Lines with 1, 2, 3 … in front."""
    return "\n".join(f"{n} {line}" for n, line in enumerate(lines, 1))


def detail(activity: Activity, *details: str) -> str:
    """What the audit log says about an act on an activity."""
    return " ".join((f"#{activity.id} {activity.theme}", *filter(None, details)))
