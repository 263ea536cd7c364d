"""How a branch wants to be reminded, and how a member pauses reminders. A branch without settings has the defaults below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import BranchSetting, Organisation
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import audit, paused_week
from bot.times import WEEKDAYS, at_time, local
from content import materials, own_holidays
from content.holidays import Calendar

DECEMBER = 12
LONGEST_PAUSE = timedelta(days=30)
STUDY_ENDS = time(20, 0)
"""Today's study is not sent any more from then on: late in the evening it would only disturb."""
EARLIEST_STUDY, LATEST_STUDY = time(6, 0), time(19, 30)
MOST_A_DAY = 10
MOST_NUDGE_HOURS = 72


class BadStudyTime(Refusal):
    text = "学习时间要在 6:00 到 19:30 之间。例如：学习时间 8:30"


class BadStudyDays(Refusal):
    text = "没看懂是哪几天。例如：学习日 周一到周五；学习日 周一、周三；学习日 工作日"


class BadQuietHours(Refusal):
    text = "免打扰要写起止时间，最少 4 小时、最多 16 小时。例如：免打扰 22:00-7:00"


class BadBudget(Refusal):
    text = "每天最多 1 到 10 条。例如：每天最多 2 条"


class BadTopics(Refusal):
    text = "没有“{topic}”这个学习主题。可选：{known}。例如：学习主题 安规 党史；学习主题 全部"


class BadNudgeHours(Refusal):
    text = "催办间隔要在 1 到 72 小时之间。例如：催办间隔 4 小时"


class BadDutyPhone(Refusal):
    text = "没看懂电话号码。例如：值班电话 0906-2123456；不要了可写：值班电话 无"


class BadPause(Refusal):
    text = "没看懂暂停多久。最多 30 天。例如：暂停提醒 3天；暂停提醒 到12月5日"


@dataclass(frozen=True, slots=True)
class BranchRules:
    """The settings of one branch. No ``study_days`` means the working days of the calendar, no ``topics`` all of them.

    ``budget`` is how many ROUTINE pushes a member gets a day; ``nudge_hours`` how far apart two nudges for the same thing must be. ``duty_phone`` is
    what somebody in danger is told to call.
    """

    study_time: time = time(8, 5)
    study_days: tuple[int, ...] = ()
    topics: tuple[str, ...] = ()
    quiet_from: time = time(21, 30)
    quiet_to: time = time(7, 30)
    budget: int = 3
    nudge_hours: int = 4
    duty_phone: str = ""

    def quiet_until(self, now: datetime) -> datetime | None:
        """When the quiet hours end that reign now; None outside them."""
        today, clock = now.date(), now.time()
        over_midnight = self.quiet_from > self.quiet_to
        if over_midnight and clock >= self.quiet_from:
            return at_time(today + timedelta(days=1), self.quiet_to, now)
        reigns = clock < self.quiet_to and (over_midnight or clock >= self.quiet_from)
        return at_time(today, self.quiet_to, now) if reigns else None

    def quiet_since(self, now: datetime) -> timedelta:
        """How long the quiet hours that reign now have lasted."""
        start = at_time(now.date(), self.quiet_from, now)
        return now - (start if start <= now else start - timedelta(days=1))

    def studies_on(self, day: date) -> bool:
        """Whether study is pushed on ``day``: working days with make-up days, or the chosen weekdays that are no holiday."""
        if not self.study_days:
            return calendar().is_workday(day)
        return day.weekday() in self.study_days and day not in calendar().off


DEFAULTS = BranchRules()


_own_holidays: Path | None = None


def use_holidays(own: Path | None) -> None:
    """Read an installation's own table of holidays over the shipped one; :class:`~content.ContentError` says what to mend in it."""
    global _own_holidays
    _calendar.cache_clear()
    _calendar(own)
    _own_holidays = own


def calendar() -> Calendar:
    """The table of holidays and freeze periods, read once."""
    return _calendar(_own_holidays)


@lru_cache(maxsize=4)
def _calendar(own: Path | None) -> Calendar:
    return own_holidays.load(own)


def missing_years(today: date) -> list[int]:
    """The years that should be in the table and are not: this one, and in December the next, whose notice comes out in November."""
    needed = [today.year, today.year + 1] if today.month == DECEMBER else [today.year]
    return [year for year in needed if not calendar().has_data(year)]


@lru_cache(maxsize=1)
def known_topics() -> tuple[str, ...]:
    """The topics that study materials have."""
    return tuple(sorted({item.topic for item in materials.load()}))


def rules(session: Session, branch_id: int) -> BranchRules:
    """The settings of a branch."""
    return rules_of(session, [branch_id])[branch_id]


def rules_of(session: Session, branch_ids: Iterable[int]) -> dict[int, BranchRules]:
    """The settings of several branches, in one query."""
    wanted = set(branch_ids)
    rows = session.scalars(select(BranchSetting).where(BranchSetting.branch_id.in_(wanted)))
    stored = {row.branch_id: row.values for row in rows}
    return {branch: BranchRules(**from_json(stored.get(branch, {}))) for branch in wanted}


def change(
    session: Session,
    branch: Organisation,
    *,
    actor: Member | None,
    now: datetime,
    channel: str = "",
    **values: Any,
) -> tuple[BranchRules, BranchRules]:
    """Store new values of :class:`BranchRules`; returns the rules before and after."""
    before = rules(session, branch.id)
    after = BranchRules(**{**_fields(before), **values})
    session.execute(
        upsert(session, BranchSetting).values(branch_id=branch.id, values={}).on_conflict_do_nothing()
    )
    row = session.scalars(
        select(BranchSetting).where(BranchSetting.branch_id == branch.id).with_for_update()
    ).one()
    row.values = {**row.values, **{name: to_json(getattr(after, name)) for name in values}}
    detail = "；".join(f"{name}: {to_json(getattr(before, name))} → {row.values[name]}" for name in values)
    audit.record(
        session, actor=actor, act="修改推送设置", now=now, channel=channel, branch_id=branch.id, detail=detail
    )
    return before, after


def pause(session: Session, member: Member, until: datetime, *, now: datetime) -> datetime:
    """Hold back a member's pushes until a moment, at most 30 days ahead; urgent ones still come."""
    if not now < until <= now + LONGEST_PAUSE:
        raise BadPause
    member.paused_until = until
    session.flush()
    paused_week.excuse(session, member.id, now.date(), local(until, now).date())
    return until


def resume(session: Session, member: Member, *, now: datetime) -> int | None:
    """End a pause; returns how many pushes had waited for its end, None when there was no pause."""
    until = member.paused_until
    if until is None or until <= now:
        return None
    member.paused_until = None
    waited = (
        Outbox.member_id == member.id,
        Outbox.state == OutboxState.WAITING,
        Outbox.urgency == Urgency.ROUTINE,
        Outbox.available_at == until,
    )
    return len(
        session.scalars(update(Outbox).where(*waited).values(available_at=now).returning(Outbox.id)).all()
    )


def days_text(days: tuple[int, ...]) -> str:
    """周一、周三, or 工作日（含调休） for the calendar's working days."""
    return "、".join(f"周{WEEKDAYS[day]}" for day in days) or "工作日（含调休上班日）"


def _fields(rules: BranchRules) -> dict[str, Any]:
    return {field.name: getattr(rules, field.name) for field in fields(rules)}


def from_json(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Stored values as :class:`BranchRules` has them; what other features store is left out."""
    known = {field.name: field.default for field in fields(BranchRules)}
    return {name: _read(stored[name], known[name]) for name in known if name in stored}


def _read(value: Any, like: object) -> Any:
    if isinstance(like, time):
        return time.fromisoformat(value)
    return tuple(value) if isinstance(like, tuple) else value


def to_json(value: Any) -> Any:
    """One value of :class:`BranchRules` as JSON keeps it."""
    if isinstance(value, time):
        return value.isoformat("minutes")
    return list(value) if isinstance(value, tuple) else value
