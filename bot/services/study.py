"""Study: which material is today's, who finished it, and how many minutes of study somebody has this year."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import when
from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.study import MaterialRead, StudyRecord
from bot.services import points, setting, study_time
from bot.services.cadence import record as cadence_record
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.permission import Actor
from bot.services.points import Award
from bot.services.study_time import Minutes
from content import materials, study_plan
from content.materials import Material

MOST_MINUTES = 480
"""So much study can be recorded at once."""
PAGE_LINES, PAGE_CHARACTERS = 8, 240
_HOUR_WORDS = re.compile(r"(\d+(?:\.\d+)?|[一二两三四五六七八])\s*(?:个(半)?)?\s*(?:小时|钟头)(半)?")
_HALF_AN_HOUR = re.compile(r"半个?(?:小时|钟头)")
_MINUTE_WORDS = re.compile(r"(\d{1,4})\s*(?:分钟|分|min)?", re.IGNORECASE)


class MinutesMissing(Refusal):
    text = "还差学了多长时间。例如：登记 学习强国 25分钟"


class MinutesOutOfRange(Refusal):
    text = "一次可以登记 1 到 480 分钟。例如：登记 学习强国 25分钟"


@dataclass(frozen=True, slots=True)
class Finished:
    """A material that was read; ``again`` when that was recorded before in this year, then nothing is given."""

    material: Material
    again: bool
    award: Award | None


@lru_cache(maxsize=1)
def library() -> dict[str, Material]:
    """The shipped materials by code, read once."""
    return {item.code: item for item in materials.load()}


@lru_cache(maxsize=1)
def plan() -> tuple[study_plan.Week, ...]:
    """The shipped year's plan, read once."""
    return study_plan.load()


def of_day(day: date, topics: Sequence[str] = ()) -> Material:
    """The material of a day: the plan's on the first working day of the week, on other days the rest of the library in turn.

    In turn come first those of the season, then those for any time of the year, never one that the plan has in the same month. A branch that
    chose ``topics`` gets only these.
    """
    planned = library()[study_plan.week_of(plan(), day).material]
    if day == first_workday(day) and (not topics or planned.topic in topics):
        return planned
    items = _rotation(day.year, day.month, tuple(topics))
    return items[_ordinal(day) % len(items)] if items else planned


def first_workday(day: date) -> date:
    """The first working day of the ISO week of a day; its Monday in a week without any."""
    monday = day - timedelta(days=day.weekday())
    week = [monday + timedelta(days=n) for n in range(7)]
    return next((one for one in week if setting.calendar().is_workday(one)), monday)


@lru_cache(maxsize=64)
def _rotation(year: int, month: int, topics: tuple[str, ...]) -> tuple[Material, ...]:
    """What is read in a month on the days without a planned material; every month begins at another place of the library."""
    days = [date(year, month, day) for day in range(1, monthrange(year, month)[1] + 1)]
    planned = {study_plan.week_of(plan(), day).material for day in days}
    rest = [m for m in library().values() if m.code not in planned and (not topics or m.topic in topics)]
    seasonal = [m for m in rest if m.month == month]
    any_time = [m for m in rest if m.month is None]
    start = (year * 12 + month) * 7 % len(any_time) if any_time else 0
    return tuple(seasonal + any_time[start:] + any_time[:start])


def _ordinal(day: date) -> int:
    """How many days of the month before this one had a material in turn: working days that are not the first of their week."""
    before = (day.replace(day=n) for n in range(1, day.day))
    return sum(setting.calendar().is_workday(one) and one != first_workday(one) for one in before)


def of_branch(session: Session, branch_id: int, day: date) -> Material:
    """The material of a day in a branch, by the topics that it chose."""
    return of_day(day, setting.rules(session, branch_id).topics)


def daily_text(session: Session, branch_id: int, day: date) -> str:
    """What the daily push says: title, digest, minutes, and what can be said next; at most 12 lines."""
    item = of_branch(session, branch_id, day)
    return f"今日学习：{item.title}\n{item.digest}\n约 {item.minutes} 分钟。回复 今日学习 看全文，学完了 记一次。"


def pages(item: Material) -> list[str]:
    """The body in pages that fit on a phone: whole paragraphs, at most 8 lines and 240 characters unless one paragraph is longer."""
    found: list[str] = []
    for paragraph in item.body.splitlines():
        joined = f"{found[-1]}\n{paragraph}" if found else paragraph
        if found and len(joined) <= PAGE_CHARACTERS and joined.count("\n") < PAGE_LINES:
            found[-1] = joined
        else:
            found.append(paragraph)
    return found


def has_read(session: Session, member_id: int, code: str, year: int) -> bool:
    """Whether a member finished a material in a year."""
    mine = (MaterialRead.member_id == member_id, MaterialRead.year == year, MaterialRead.material == code)
    return session.scalar(select(MaterialRead.id).where(*mine)) is not None


def finish(session: Session, member: Member, code: str, *, now: datetime) -> Finished:
    """Record that a material was read, once a year, and give the points of the rule "study" for it."""
    item = library()[code]
    row = {"member_id": member.id, "material": code, "year": now.year, "minutes": item.minutes, "at": now}
    new = session.scalar(
        upsert(session, MaterialRead)
        .values(row)
        .on_conflict_do_nothing(index_elements=["member_id", "year", "material"])
        .returning(MaterialRead.id)
    )
    if new is None:
        return Finished(item, True, None)
    fact, reason = f"study {member.id} {code} {now.year}", f"学完《{item.title}》"
    award = points.award(session, member.id, "study", fact=fact, reason=reason, now=now)
    return Finished(item, False, award if award.points else None)


def record(session: Session, member: Member, said: str, *, now: datetime) -> StudyRecord:
    """Keep study elsewhere as a member tells it: "学习强国 25分钟"; voluntary, never checked."""
    minutes, what = read_minutes(said)
    if not 1 <= minutes <= MOST_MINUTES:
        raise MinutesOutOfRange
    row = StudyRecord(member_id=member.id, what=what[:100] or "自学", minutes=minutes, at=now)
    session.add(row)
    session.flush()
    return row


def forget(session: Session, member: Member, record_id: int) -> StudyRecord | None:
    """Take back one's own record; None when it is not there."""
    row = session.get(StudyRecord, record_id)
    if row is None or row.member_id != member.id:
        return None
    session.delete(row)
    return row


def read_minutes(said: str) -> tuple[int, str]:
    """The minutes in a text (25分钟, 半小时, 1.5小时, 1小时20分, 25) and what else it says; :class:`MinutesMissing` without any."""
    hours, rest = _taken(_HOUR_WORDS, said)
    if hours is None:
        rest = _HALF_AN_HOUR.sub("30分钟", rest)
    minutes, what = _taken(_MINUTE_WORDS, rest)
    if hours and minutes and minutes[0] == minutes[1]:  # after hours a bare number is no minutes
        minutes, what = None, rest
    if not hours and not minutes:
        raise MinutesMissing
    total = _in_minutes(hours) + (int(minutes[1]) if minutes else 0)
    return total, " ".join(what.split()).strip(" ，,。、：:").removeprefix("学了").strip()


def _taken(pattern: re.Pattern[str], text: str) -> tuple[re.Match[str] | None, str]:
    """The last place where a pattern fits, and the text without it."""
    found = list(pattern.finditer(text))
    if not found:
        return None, text
    return found[-1], f"{text[: found[-1].start()]} {text[found[-1].end() :]}"


def _in_minutes(hours: re.Match[str] | None) -> int:
    if hours is None:
        return 0
    number = float(hours[1]) if hours[1][0].isdigit() else when.number(hours[1])
    return round(number * 60) + (30 if hours[2] or hours[3] else 0)


@dataclass(frozen=True, slots=True)
class Year:
    """A member's study of this year against what the branch asks: 32 学时, of secretary and committee 56, unless it chose otherwise.

    Source: 党员教育培训工作规划 (medium). ``per_hour`` is how many minutes make one 学时.
    """

    done: Minutes
    asked: int
    per_hour: int

    @property
    def hours(self) -> float:
        return self.done.total / self.per_hour

    @property
    def left(self) -> int:
        """The minutes that are still to come; none below zero."""
        return max(0, self.asked * self.per_hour - self.done.total)


def year_of(session: Session, actor: Actor, now: datetime) -> Year:
    """How a member stands this year, by the same count and the same choices as the cadence check."""
    member = actor.member
    done = study_time.of_year(session, Member.id == member.id, now.year, now).get(member.id, study_time.NONE)
    choices = cadence_record.choices(session, member.branch_id)
    leads = any(role in COMMITTEE_ROLES and node == member.branch_id for role, node, _ in actor.scopes)
    asked = choices.study_hours_leader if leads else choices.study_hours_member
    return Year(done, asked, choices.study_minutes_per_hour)


def length(minutes: int) -> str:
    """3小时20分, 25分钟."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return f"{rest}分钟"
    return f"{hours}小时{rest}分" if rest else f"{hours}小时"
