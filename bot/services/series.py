"""Activities that come again every month: the rule, its next days by the calendar, and which one waits to be published."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.series import Series
from bot.services import audience, draft_line, setting
from bot.services import draft as drafts
from bot.services.draft import Draft
from bot.services.permission import Actor
from bot.times import WEEKDAYS, at_time, day
from content import activity_kinds
from content.activity_kinds import Attends

AHEAD = timedelta(days=10)
"""How long before an activity its organiser is asked to publish it."""
SHOWN = 3
EXAMPLE = "每月第二个周五 14:30 主题党日 三楼会议室"
_RULE = re.compile(
    r"(?:第\s*(?P<nth>[一二三四五1-5])\s*个?|(?P<last>最后)(?:一个|的)?)\s*(?:周|星期|礼拜)(?P<day>[一二三四五六日天])"
)


class SeriesNotUnderstood(Refusal):
    text = "没看懂每月的安排，{what}。可以写：" + EXAMPLE


class NoFifth(Refusal):
    text = "不是每个月都有第五个周{day}。可以写：每月最后一个周{day} 14:30 主题党日 三楼会议室"


class AlreadyASeries(Refusal):
    text = "{kind}已有每月安排：{rule}。要换请先发 停止系列 #{number}，再重新安排。"


class NoSeries(Refusal):
    text = "还没有每月安排。可以写：" + EXAMPLE


@dataclass(frozen=True, slots=True)
class Occasion:
    """One time of a series: ``planned`` by the rule, held on ``on``, which is later where the planned day is a holiday."""

    planned: date
    on: date

    @property
    def moved(self) -> bool:
        return self.on != self.planned


def read(session: Session, actor: Actor, text: str, *, now: datetime) -> Series:
    """The series that "第二个周五 14:30 主题党日 三楼会议室" means, not stored yet.

    Raises :class:`SeriesNotUnderstood`, :class:`NoFifth`, :class:`AlreadyASeries`, or what reading a line and choosing an audience may raise.
    """
    found = _RULE.search(text)
    if found is None:
        raise SeriesNotUnderstood(what="要写第几个周几")
    if found["nth"] in ("五", "5"):
        raise NoFifth(day=found["day"])
    rest = text[: found.start()] + " " + text[found.end() :]
    kind, rest = activity_kinds.named_in(rest) or (activity_kinds.lookup(drafts.THEME_DAY), rest)
    if kind is None or kind.attends in (Attends.PAIR, Attends.JOINT):
        raise SeriesNotUnderstood(what="这类活动不能每月固定安排")
    known = audience.allowed(session, actor, kind)
    where = draft_line.Where(session, actor.branch_id, now, known)
    draft = draft_line.read_line(where, rest, Draft(kind=kind.name))
    to = draft.audience or audience.usual(kind, known)
    if draft.at is None or not draft.place or not to:
        missing = (
            "还差几点钟" if draft.at is None else "还差地点" if not draft.place else "要写明是哪个党小组"
        )
        raise SeriesNotUnderstood(what=missing)
    series = Series(
        branch_id=actor.branch_id,
        kind=kind.name,
        week=0 if found["last"] else _number(found["nth"]),
        weekday=WEEKDAYS.index("日" if found["day"] == "天" else found["day"]),
        at=draft.at,
        place=draft.place,
        theme=draft.theme,
        audience=to,
        created_by=actor.member.id,
        created_at=now,
    )
    _require_new(session, series)
    return series


def _number(nth: str) -> int:
    return int(nth) if nth.isdigit() else "一二三四".index(nth) + 1


def _require_new(session: Session, wanted: Series) -> None:
    for one in of_branch(session, wanted.branch_id):
        if (one.kind, one.audience) == (wanted.kind, wanted.audience):
            raise AlreadyASeries(kind=one.kind, rule=rule(one), number=one.id)


def of_branch(session: Session, branch_id: int) -> Sequence[Series]:
    """The series of a branch that were not stopped, oldest first."""
    running = (Series.branch_id == branch_id, Series.stopped_at.is_(None))
    return session.scalars(select(Series).where(*running).order_by(Series.id)).all()


def led_by(session: Session, actor: Actor) -> list[Series]:
    """The series of the actor's branch that the actor may publish from."""
    return [one for one in of_branch(session, actor.branch_id) if _may(session, actor, one)]


def _may(session: Session, actor: Actor, series: Series) -> bool:
    kind = activity_kinds.lookup(series.kind)
    try:
        return kind is not None and series.audience in audience.allowed(session, actor, kind)
    except Refusal:
        return False


def rule(series: Series) -> str:
    """每月第二个周五14:30，三楼会议室，全体党员."""
    which = f"第{'一二三四'[series.week - 1]}个" if series.week else "最后一个"
    return f"每月{which}周{WEEKDAYS[series.weekday]}{series.at:%H:%M}，{series.place}，{series.audience}"


def occasions(series: Series, now: datetime) -> Iterator[Occasion]:
    """The times still to come, nearest first, without end."""
    year, month = now.year, now.month
    # A day of last month may have been moved into this one by a long holiday.
    year, month = (year - 1, 12) if month == 1 else (year, month - 1)
    while True:
        planned = day_in(year, month, series.week, series.weekday)
        on = working_day(planned)
        if at_time(on, series.at, now) > now:
            yield Occasion(planned, on)
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def day_in(year: int, month: int, week: int, weekday: int) -> date:
    """The ``week``-th ``weekday`` (Monday is 0) of a month; the last one where ``week`` is 0."""
    if week:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (week - 1))
    last = (date(year, month, 28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def working_day(planned: date) -> date:
    """The next working day where the planned one is a holiday. A Saturday that a branch chose by itself stays one."""
    calendar = setting.calendar()
    return calendar.next_workday(planned) if planned in calendar.off else planned


def coming(session: Session, series: Series, now: datetime, most: int = SHOWN) -> list[Occasion]:
    """The next times for which nothing of the kind is published yet."""
    near = islice(occasions(series, now), most + SHOWN)
    return [one for one in near if not _published(session, series, one, now)][:most]


def _published(session: Session, series: Series, occasion: Occasion, now: datetime) -> bool:
    """Whether the month of the occasion has such an activity already, on that day or, moved by hand, on another."""
    month = occasion.planned.replace(day=1)
    after = max((month + timedelta(days=31)).replace(day=1), occasion.on + timedelta(days=1))
    query = select(Activity.id).where(
        Activity.branch_id == series.branch_id,
        Activity.kind == series.kind,
        Activity.state != ActivityState.CANCELLED,
        Activity.starts_at >= at_time(month, time(), now),
        Activity.starts_at < at_time(after, time(), now),
    )
    group = audience.group_id(session, series.branch_id, series.audience)
    kind = activity_kinds.lookup(series.kind)
    if group is not None and kind is not None and kind.attends is Attends.GROUP:
        query = query.where(Activity.group_id == group)
    return session.scalar(query.limit(1)) is not None


def due(session: Session, series: Series, now: datetime) -> Occasion | None:
    """The time that its organiser is to be asked about now: within ten days and not published."""
    nearest = next(occasions(series, now))
    soon = nearest.on <= now.date() + AHEAD
    return nearest if soon and not _published(session, series, nearest, now) else None


def draft_for(series: Series, occasion: Occasion) -> Draft:
    """What would be published for one time of the series."""
    month = occasion.planned.month
    return Draft(
        kind=series.kind,
        theme=series.theme or drafts.usual_theme(series.kind, month),
        on=occasion.on,
        at=series.at,
        place=series.place,
        audience=series.audience,
    )


def line_for(series: Series, occasion: Occasion) -> str:
    """The same as one line, as somebody would type it behind 发布主题党日."""
    draft, on = draft_for(series, occasion), occasion.on
    return f"{on.year}年{on.month}月{on.day}日 {series.at:%H:%M} 地点:{draft.place} 对象:{draft.audience} 主题:{draft.theme}"


def said(series: Series, occasion: Occasion, now: datetime) -> str:
    """12月11日(周五)14:30, with why it is another day, and what is special about that day."""
    moved = [f"{occasion.planned.month}月{occasion.planned.day}日放假，顺延"] if occasion.moved else []
    special = drafts.day_remarks(occasion.on, setting.calendar().frozen(occasion.on))
    remarks = "；".join([*moved, *special])
    return f"{day(occasion.on, now)}{series.at:%H:%M}" + (f"（{remarks}）" if remarks else "")


def remember(session: Session, series: Series) -> Series:
    """Keep a series that was read; of two who do it at once the second is refused."""
    here = select(Organisation.id).where(Organisation.id == series.branch_id)
    session.execute(here.with_for_update(key_share=True))
    _require_new(session, series)
    session.add(series)
    session.flush()
    return series


def stop(session: Session, series: Series, *, now: datetime) -> None:
    """Ask nobody any more. What is published stays."""
    series.stopped_at = now
    session.flush()


def author(session: Session, series: Series) -> Member:
    """Who arranged the series."""
    return session.get_one(Member, series.created_by)
