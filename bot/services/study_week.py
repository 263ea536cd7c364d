"""Weeks of study (学习周): three days of study make a week. A week of duty, leave, a pause or a freeze period is left out; nothing is ever lost by it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, Attendance, SignUp, SignUpState
from bot.models.member import Member
from bot.models.quiz import Attempt
from bot.models.study import MaterialRead, PausedWeek, StudyRecord
from bot.services import freeze
from bot.services.paused_week import WEEK, monday_of
from bot.times import at_time, local

ENOUGH_DAYS = 3
WEEKS = 12
"""So many weeks back are looked at, this one included."""


@dataclass(frozen=True, slots=True)
class StudyWeeks:
    """The days studied this week, and of the last twelve weeks how many counted, reached three days, and were left out."""

    days: int
    counted: int
    reached: int
    excused: int


def described(weeks: StudyWeeks) -> str:
    """本周学了 2 天（3 天算一周）…: what was reached, and that duty and leave are left out."""
    line = f"本周学了 {weeks.days} 天（{ENOUGH_DAYS} 天算一周）"
    line += f"，近{WEEKS}周有 {weeks.reached} 周" if weeks.reached else ""
    return line + (f"，值班、请假和保电 {weeks.excused} 周不算断。" if weeks.excused else "。")


def of_member(session: Session, member_id: int, now: datetime) -> StudyWeeks:
    """How a member's weeks look: read, recorded, practised or attended on at least three days, or left out."""
    this = monday_of(now.date())
    first = this - (WEEKS - 1) * WEEK
    days = days_of(session, [member_id], first, now).get(member_id, set())
    excused = _excused(session, member_id, first, now)
    studied = {monday: sum(monday_of(day) == monday for day in days) for monday in _mondays(first)}
    reached = {monday for monday, count in studied.items() if count >= ENOUGH_DAYS}
    # A week without study before the first one ever is no missed week: nobody was here yet.
    began = min(days, default=now.date())
    counted = {
        monday
        for monday in studied
        if monday in reached or (monday_of(began) <= monday < this and monday not in excused)
    }
    return StudyWeeks(studied[this], len(counted), len(reached), len(excused - reached))


def _mondays(first: date) -> list[date]:
    return [first + n * WEEK for n in range(WEEKS)]


def days_of(
    session: Session, members: Sequence[int] | Select[int], first: date, now: datetime
) -> dict[int, set[date]]:
    """The days since ``first`` on which each of these members read, recorded, practised or attended; who did nothing is missing."""
    since, days = at_time(first, time(), now), defaultdict[int, set[date]](set)
    for table in (MaterialRead, StudyRecord, Attempt, Attendance):
        rows = select(table.member_id, table.at).where(table.member_id.in_(members), table.at >= since)
        for member, at in session.execute(rows):
            days[member].add(local(at, now).date())
    return days


def _excused(session: Session, member_id: int, first: date, now: datetime) -> set[date]:
    """The weeks with a pause, with leave granted from an activity, or in a freeze period of the member's branch (迎峰度夏, 保电)."""
    paused = session.scalars(
        select(PausedWeek.monday).where(PausedWeek.member_id == member_id, PausedWeek.monday >= first)
    )
    leave = session.scalars(
        select(Activity.starts_at)
        .join(SignUp, SignUp.activity_id == Activity.id)
        .where(
            SignUp.member_id == member_id,
            SignUp.state == SignUpState.LEAVE_GRANTED,
            Activity.starts_at >= at_time(first, time(), now),
        )
    )
    this = monday_of(now.date())
    weeks = {*paused, *(monday_of(local(at, now).date()) for at in leave)}
    branch = session.get_one(Member, member_id).branch_id
    weeks |= {monday_of(one) for one in freeze.days_of(session, branch, first, this + WEEK, now=now)}
    return {monday for monday in weeks if monday <= this}
