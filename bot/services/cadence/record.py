"""Facts that the bot did not see: an activity held without it, when the term began, how often a lecture is held here."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bot import when
from bot.db import upsert
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import PARTY_MEMBERS, Member
from bot.models.organisation import BranchSetting, Organisation, OrganisationKind
from bot.services import audit
from bot.services.cadence.facts import Choices, choices_of
from bot.services.permission import Action, Actor, NotAllowed
from bot.times import at_time, day, local
from content import activity_kinds
from content.activity_kinds import ActivityKind, Attends

EXAMPLE = "补录 支委会 11月12日"
MOST_THEME = 60
SOON = timedelta(days=60)
"""A day without a year that lies so near ahead was meant to lie ahead."""
LONGEST_TERM_AGO = 6
_YEAR = re.compile(r"20\d\d")
_RECENT = {"昨天": 1, "昨日": 1, "前天": 2}


class KindMissing(Refusal):
    text = "要补录哪种活动？可以写：{known}。例如：" + EXAMPLE


class DayMissing(Refusal):
    text = "还差日期。例如：" + EXAMPLE


class NotYetHeld(Refusal):
    text = "{day}还没有过完。补录只记已经开过的；要安排以后的活动请发：发布活动"


class TooLongAgo(Refusal):
    text = "{day}太早了，只能补录{first}以后的活动。"


class AlreadyRecorded(Refusal):
    text = "{day}的{kind}已经有记录，没有重复登记。回复 体检 可以查看。"


class WhoTalked(Refusal):
    text = "谈心谈话要写两个人的名字，请用本支部名册上的姓名。例如：补录 谈心谈话 11月12日 {one} {other}"


class ThemeTooLong(Refusal):
    text = "说明太长了（最多{most}个字），请写短一些。"


class BadTermStart(Refusal):
    text = "请写本届开始的日期，要有年份，不能晚于今天，也不能早于{years}年前。例如：换届时间 2024-03-15"


class BadLecturePer(Refusal):
    text = "没看懂党课多久一次。可以写：党课频次 每月；每季度；每半年；每年"


@dataclass(frozen=True, slots=True)
class Told:
    """What was understood of "补录 支委会 11月12日 研究发展党员": ``group`` only where there is a choice of one, ``pair`` only for a talk."""

    kind: ActivityKind
    on: date
    at: time | None
    theme: str
    group: Organisation | None = None
    pair: tuple[Member, ...] = ()


def understand(session: Session, branch_id: int, text: str, *, now: datetime) -> Told:
    """Read kind, day, group or pair out of a text; a :class:`Refusal` says what is missing.

    ``group`` stays None for a group meeting when several groups are possible and none was named: the caller asks.
    """
    found = activity_kinds.named_in(text)
    if found is None:
        raise KindMissing(known="、".join(kind.name for kind in activity_kinds.kinds()))
    kind, rest = found
    on, at, rest = past_day(rest, now)
    group: Organisation | None = None
    pair: tuple[Member, ...] = ()
    if kind.attends is Attends.GROUP:
        group, rest = _named_group(groups(session, branch_id), rest)
    if kind.attends is Attends.PAIR:
        pair, rest = _named_pair(session, branch_id, rest)
    theme = re.sub(r"\s+", " ", rest).strip(" :：,，。")
    if len(theme) > MOST_THEME:
        raise ThemeTooLong(most=MOST_THEME)
    return Told(kind, on, at, theme, group, pair)


def past_day(text: str, now: datetime) -> tuple[date, time | None, str]:
    """The day before today that a text names, its time if there is one, and the rest. A day without a year is the last such day."""
    for word, days in _RECENT.items():
        if word in text:
            found = when.find(text.replace(word, " ", 1), now)
            return now.date() - timedelta(days=days), found.time, found.rest
    found = when.find(text, now)
    if found.day is None:
        raise DayMissing
    on, today = found.day, now.date()
    if on > today + SOON and not _YEAR.search(text):
        on = _year_before(on)
    if on >= today:
        raise NotYetHeld(day=day(on, now))
    first = date(today.year - 1, 1, 1)
    if on < first:
        raise TooLongAgo(day=day(on, now), first=day(first, now))
    return on, found.time, found.rest


def _year_before(on: date) -> date:
    return on.replace(year=on.year - 1, day=28 if (on.month, on.day) == (2, 29) else on.day)


def groups(session: Session, branch_id: int) -> Sequence[Organisation]:
    """The groups of a branch."""
    query = select(Organisation).where(
        Organisation.parent_id == branch_id, Organisation.kind == OrganisationKind.GROUP
    )
    return session.scalars(query.order_by(Organisation.id)).all()


def _named_group(known: Sequence[Organisation], text: str) -> tuple[Organisation | None, str]:
    """The group whose name stands in the text (第一党小组, 第一小组, 一组), or the only one there is."""
    for group in known:
        core = group.name.removeprefix("第").removesuffix("党小组").removesuffix("小组")
        # 第一党小组会 has lost its 党小组会 to the kind by now.
        rest = re.sub(rf"第{re.escape(core)}(?:党?小?组)?|{re.escape(core)}党?小?组", " ", text, count=1)
        if rest != text:
            return group, rest
    return (known[0] if len(known) == 1 else None), text


def _named_pair(session: Session, branch_id: int, text: str) -> tuple[tuple[Member, ...], str]:
    """The two members of the branch whose names stand in the text."""
    ours = session.scalars(
        select(Member)
        .where(Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS))
        .order_by(Member.id)
    ).all()
    named = [member for member in ours if member.name in text]
    # A name that is part of a longer one that was said (王伟 in 王伟明) was not said.
    named = [
        one for one in named if not any(one.name != other.name and one.name in other.name for other in named)
    ]
    if len(named) != 2:
        raise WhoTalked(one=ours[0].name if ours else "张三", other=ours[1].name if len(ours) > 1 else "李四")
    for member in named:
        text = text.replace(member.name, " ")
    return tuple(named), text


def recorder(session: Session, actor: Actor, told: Told) -> None:
    """The committee records anything of the own branch, a group leader the meetings of the own group; :class:`NotAllowed` otherwise."""
    if told.group is not None and actor.may(Action.SEE_GROUP):
        seen = select(Organisation.id).where(Organisation.id == told.group.id, actor.within(Action.SEE_GROUP))
        if session.scalar(seen) is not None:
            return
    if not actor.may(Action.PUBLISH):
        raise NotAllowed(action=f"补录{told.kind.name}")
    actor.on_branch(session, Action.PUBLISH, actor.branch_id)


def record(session: Session, actor: Actor, told: Told, *, now: datetime, channel: str = "") -> Activity:
    """Keep an activity of the branch for which the actor acts that was held without the bot: ended, without audience; a talk has its two people.

    :class:`AlreadyRecorded` for the same kind (group, pair) on the same day.
    """
    # Two who record the same thing at once wait for each other here.
    author, branch_id = actor.member, actor.branch_id
    session.execute(select(Organisation.id).where(Organisation.id == branch_id).with_for_update())
    if _already(session, branch_id, told, now):
        raise AlreadyRecorded(day=day(told.on, now), kind=told.kind.name)
    starts_at = at_time(told.on, told.at or time.min, now)
    # Hours that nobody told are not invented.
    ends_at = starts_at + timedelta(minutes=told.kind.minutes) if told.at else starts_at
    activity = Activity(
        branch_id=branch_id,
        group_id=told.group.id if told.group else None,
        kind=told.kind.name,
        theme=told.theme,
        place="",
        starts_at=starts_at,
        ends_at=ends_at,
        signup_closes_at=starts_at,
        state=ActivityState.ENDED,
        secret=secrets.token_hex(16),
        created_by=author.id,
        published_at=now,
        # It ended then, not now: "what was ended today" is not about it.
        ended_at=ends_at,
    )
    session.add(activity)
    session.flush()
    if told.pair:
        common = {"activity_id": activity.id, "at": starts_at, "corrected_by": author.id, "reason": "补录"}
        session.execute(insert(Attendance), [{**common, "member_id": member.id} for member in told.pair])
    audit.record(
        session, actor=author, act="补录活动", now=now, channel=channel, detail=_detail(activity, told)
    )
    return activity


def _detail(activity: Activity, told: Told) -> str:
    who = told.group.name if told.group else "、".join(member.name for member in told.pair)
    return " ".join(
        part for part in (f"#{activity.id}", told.kind.name, who, str(told.on), told.theme) if part
    )


def _already(session: Session, branch_id: int, told: Told, now: datetime) -> bool:
    start = at_time(told.on, time.min, now)
    same = select(Activity.id).where(
        Activity.branch_id == branch_id,
        Activity.kind == told.kind.name,
        Activity.state != ActivityState.CANCELLED,
        Activity.starts_at >= start,
        Activity.starts_at < start + timedelta(days=1),
    )
    if told.group is not None:
        same = same.where(Activity.group_id == told.group.id)
    for member in told.pair:
        there = select(Attendance.activity_id).where(Attendance.member_id == member.id)
        same = same.where(Activity.id.in_(there))
    return session.scalar(same.limit(1)) is not None


def take_back(
    session: Session, author: Member, activity_id: int, *, now: datetime, channel: str = ""
) -> Activity:
    """Undo a record: the activity stays as cancelled, and counts no more."""
    activity = session.get_one(Activity, activity_id)
    activity.state = ActivityState.CANCELLED
    session.flush()
    detail = f"#{activity.id} {activity.kind} {local(activity.starts_at, now).date()}"
    audit.record(session, actor=author, act="撤销补录", now=now, channel=channel, detail=detail)
    return activity


# Choices of a branch -----------------------------------------------------------------------------------------------------

LECTURE_PER = {"每月": "month", "每季度": "quarter", "每季": "quarter", "每半年": "half", "每年": "year"}


def choices(session: Session, branch_id: int) -> Choices:
    """What a branch chose for its check."""
    row = session.get(BranchSetting, branch_id)
    return choices_of(row.values if row else {})


def term_start(text: str, now: datetime) -> date:
    """The day in a text such as 2024-03-15 or 2024年3月15日; :class:`BadTermStart` without a year, in the future, or long past."""
    on = when.find(text, now).day if _YEAR.search(text) else None
    if on is None or on > now.date() or on.year < now.year - LONGEST_TERM_AGO:
        raise BadTermStart(years=LONGEST_TERM_AGO)
    return on


def lecture_per(text: str) -> str:
    """How often a lecture is held: 每季度 → quarter; :class:`BadLecturePer`."""
    said = re.sub(r"(?:一次|1次|一课)$", "", text.replace(" ", ""))
    if said not in LECTURE_PER:
        raise BadLecturePer
    return LECTURE_PER[said]


def choose(
    session: Session,
    branch_id: int,
    name: str,
    value: Any,
    *,
    actor: Member,
    act: str,
    now: datetime,
    channel: str = "",
) -> Any:
    """Store one of :class:`Choices` (a date as ISO text, None to forget it); returns the value stored before, None without one."""
    session.execute(
        upsert(session, BranchSetting).values(branch_id=branch_id, values={}).on_conflict_do_nothing()
    )
    row = session.scalars(
        select(BranchSetting).where(BranchSetting.branch_id == branch_id).with_for_update()
    ).one()
    before = row.values.get(name)
    kept = {key: old for key, old in row.values.items() if key != name}
    row.values = kept if value is None else {**kept, name: value}
    session.flush()
    detail = f"{before or '未登记'} → {value or '未登记'}"
    audit.record(session, actor=actor, act=act, now=now, channel=channel, branch_id=branch_id, detail=detail)
    return before
