"""An activity that is being written: what is known of it so far, and what the organiser should know before sending it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import groupby

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import audience, freeze, key_task, setting
from bot.times import at_time, full_moment, local, moment
from content import activity_kinds, theme_days

THEME_DAY = "主题党日"
LASTS = timedelta(hours=2)
"""How long an activity of a kind lasts that is not in the file any more."""
CLASH_WITHIN = timedelta(hours=2)
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


class TooLong(Refusal):
    text = "{what}太长了（最多{most}个字），请写短一些。"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far of an activity that is being written; ``closes_at`` None means the default, ``capacity`` None no limit.

    ``partner_id`` is the other branch of a 联建; ``task_id`` the key task that the activity serves.
    """

    kind: str = THEME_DAY
    theme: str = ""
    on: date | None = None
    at: time | None = None
    place: str = ""
    audience: str = ""
    closes_at: datetime | None = None
    capacity: int | None = None
    partner_id: int | None = None
    task_id: int | None = None

    def __post_init__(self) -> None:
        for what, value in (("主题", self.theme), ("地点", self.place)):
            if len(value) > MOST:
                raise TooLong(what=what, most=MOST)


@dataclass(frozen=True, slots=True)
class Clash:
    """Another activity at about the same time, and the names of those who are asked to both."""

    activity: Activity
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """A complete draft with what the organiser should know before sending it.

    ``voting`` is how many of the invited have a vote (正式党员), None for a kind in which nothing is decided by vote.
    """

    kind: str
    theme: str
    production: str
    place: str
    starts_at: datetime
    ends_at: datetime
    closes_at: datetime
    audience: str
    invited: tuple[int, ...]
    voting: int | None
    capacity: int | None
    partner: Organisation | None
    task: str
    remarks: tuple[str, ...]
    clashes: tuple[Clash, ...]


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
    return Draft(
        kind=activity.kind,
        theme=activity.theme,
        on=there.date(),
        at=there.time(),
        place=activity.place,
        closes_at=activity.signup_closes_at,
        capacity=activity.capacity,
        partner_id=activity.partner_id,
        task_id=activity.task_id,
    )


def lasts(kind: str) -> timedelta:
    """The usual length of a kind."""
    known = activity_kinds.lookup(kind)
    return timedelta(minutes=known.minutes) if known else LASTS


def usual_theme(kind: str, month: int) -> str:
    """What a kind is about when nobody says it: the month's idea for a theme day, else "12月支委会"."""
    return ideas()[month - 1].theme if kind == THEME_DAY else f"{month}月{kind}"


def preview(
    session: Session, branch_id: int, draft: Draft, *, now: datetime, activity_id: int | None = None
) -> Preview:
    """Check a complete draft; ``activity_id`` names the activity that is being changed, whose audience stays as it was.

    Raises :class:`AlreadyPast`, :class:`ClosesTooLate` or :class:`~bot.services.audience.NobodyAddressed`.
    """
    assert draft.on, "a draft without a day was previewed"
    assert draft.at is not None, "a draft without a time was previewed"
    starts_at = at_time(draft.on, draft.at, now)
    if starts_at <= now:
        raise AlreadyPast.of(starts_at, now)
    invited = _invited(session, branch_id, draft, activity_id, now)
    kept = session.get_one(Activity, activity_id).signup_closes_at if activity_id else None
    return Preview(
        kind=draft.kind,
        theme=draft.theme,
        production=production_of(draft.theme),
        place=draft.place,
        starts_at=starts_at,
        ends_at=starts_at + lasts(draft.kind),
        closes_at=kept if kept and kept == draft.closes_at else closing(starts_at, draft.closes_at, now),
        audience=draft.audience,
        invited=invited,
        voting=_voting(session, draft.kind, invited),
        capacity=draft.capacity,
        partner=session.get(Organisation, draft.partner_id) if draft.partner_id else None,
        task=key_task.title_of(session, draft.task_id) if draft.task_id else "",
        remarks=tuple(day_remarks(draft.on, freeze.reason(session, branch_id, draft.on))),
        clashes=tuple(clashes(session, invited, starts_at, but=activity_id)),
    )


def _invited(
    session: Session, branch_id: int, draft: Draft, activity_id: int | None, now: datetime
) -> tuple[int, ...]:
    if activity_id is not None:
        return tuple(session.scalars(select(SignUp.member_id).where(SignUp.activity_id == activity_id)))
    members = audience.addressed(session, branch_id, draft.audience, on=now.date())
    return tuple(member.id for member in members)


def _voting(session: Session, kind: str, invited: Sequence[int]) -> int | None:
    """How many of the invited are full members, where the kind has a quorum: nobody on probation has a vote (党章第七条)."""
    known = activity_kinds.lookup(kind)
    if known is None or known.quorum is None:
        return None
    full = select(func.count()).where(Member.id.in_(invited), Member.status == MemberStatus.FULL)
    return session.scalar(full) or 0


def day_remarks(on: date, frozen: str = "") -> Iterator[str]:
    """What is special about a day: a rest day, a make-up working day, a freeze period (its reason), or a year without holiday data."""
    calendar = setting.calendar()
    kind = calendar.day_kind(on)
    if kind != "工作日":
        yield kind
    if frozen:
        yield f"当天在{frozen}期间"
    if not calendar.has_data(on.year):
        yield f"{on.year}年放假安排还没有录入，按周一至周五判断"


def closing(starts_at: datetime, wanted: datetime | None, now: datetime) -> datetime:
    """When sign-up closes: as wanted, else 20:00 of the day before, or the start when that is past."""
    if wanted is None:
        default = at_time(activities.eve(starts_at, now), activities.CLOSES_AT, now)
        return default if default > now else starts_at
    if not now < wanted <= starts_at:
        before = activities.eve(starts_at, now)
        raise ClosesTooLate(start=moment(starts_at, now), example=f"{before.month}月{before.day}日 12:00")
    return wanted


def clashes(
    session: Session, invited: Sequence[int], starts_at: datetime, *, but: int | None = None
) -> list[Clash]:
    """Other activities that start within two hours, with those of these people who are to be there too; who has leave from it is not."""
    rows = session.execute(
        select(Activity, Member.name)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .join(Member, Member.id == SignUp.member_id)
        .where(
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at > starts_at - CLASH_WITHIN,
            Activity.starts_at < starts_at + CLASH_WITHIN,
            Activity.id != (but or 0),
            SignUp.member_id.in_(invited),
            SignUp.state != SignUpState.LEAVE_GRANTED,
        )
        .order_by(Activity.starts_at, Activity.id, Member.id)
    ).all()
    return [
        Clash(activity, tuple(name for _, name in names))
        for activity, names in groupby(rows, key=lambda row: row[0])
    ]
