"""Study time of a calendar year: the one place that says what counts. 我的, 学习时长, 体检, 手册 and the export all ask here.

What counts, as the branch's own reckoning of the hours that 党员教育培训工作规划 asks for (medium: "具体折算办法以本单位要求为准"):
materials that were finished, study that the member recorded, and activities attended whose kind is study (``study`` in
``content/activity_kinds.toml``) once they are ended: as long as they were planned, or as long as is usual where no hours were told.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, Integer, case, cast, extract, func, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import Member
from bot.models.study import MaterialRead, StudyRecord
from bot.times import at_time
from content.activity_kinds import kinds

EARLY = timedelta(days=1)
"""Nobody checks in longer before an activity than this."""


@dataclass(frozen=True, slots=True)
class Minutes:
    """The minutes of study of somebody in a year, by where they come from."""

    materials: int = 0
    records: int = 0
    activities: int = 0

    @property
    def total(self) -> int:
        return self.materials + self.records + self.activities


NONE = Minutes()


def of_year(session: Session, who: ColumnElement[bool], year: int, now: datetime) -> dict[int, Minutes]:
    """The minutes of those whom a condition on :class:`Member` names, by member; who has none is missing. Three queries, however many they are.

    Found by the member, not by the branch of the activity: what was learnt before a transfer counts on.
    """
    first, after = (at_time(date(one, 1, 1), time.min, now) for one in (year, year + 1))
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for name, table in (("materials", MaterialRead), ("records", StudyRecord)):
        told = (
            select(table.member_id, func.sum(table.minutes))
            .join(Member, Member.id == table.member_id)
            .where(who, table.at >= first, table.at < after)
            .group_by(table.member_id)
        )
        for member, minutes in session.execute(told):
            found[member][name] = int(minutes)
    # What counts is decided in the sum: as a condition it makes PostgreSQL, where it has no statistics yet, try every activity with every member.
    counts = (
        (Activity.state == ActivityState.ENDED) & (Activity.starts_at >= first) & (Activity.starts_at < after)
    )
    attended = (
        select(Attendance.member_id, func.sum(case((counts, _length()), else_=0)))
        .join(Member, Member.id == Attendance.member_id)
        .join(Activity, Activity.id == Attendance.activity_id)
        .where(who, Attendance.at >= first - EARLY)
        .group_by(Attendance.member_id)
    )
    for member, minutes in session.execute(attended):
        found[member]["activities"] = int(minutes)
    return {member: Minutes(**parts) for member, parts in found.items() if any(parts.values())}


@lru_cache(maxsize=1)
def _length() -> ColumnElement[int]:
    """The minutes of an activity that is study, 0 of any other: the planned ones, else those usual for its kind."""
    planned = cast((extract("epoch", Activity.ends_at) - extract("epoch", Activity.starts_at)) / 60, Integer)
    lengths = {kind.name: kind.minutes for kind in kinds() if kind.study}
    usual = case(*((Activity.kind == name, minutes) for name, minutes in lengths.items()), else_=0)
    told = Activity.kind.in_(lengths) & (Activity.ends_at > Activity.starts_at)
    return case((told, planned), else_=usual)


def studies() -> list[str]:
    """The kinds of activity whose time is study: 主题党日, 党课, 集中学习."""
    return [kind.name for kind in kinds() if kind.study]
