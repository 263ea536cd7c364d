"""Who is reminded of hazards: their owners before and after the deadline, and who is in charge when one is long overdue.

An owner gets one message a day at most, and of what those in charge know already one a week. In a freeze period nothing is said; a hazard that is
long overdue then is told after it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.hazard import Hazard, HazardState
from bot.services import freeze, outbox, points
from bot.services import hazard as hazards
from bot.services import member as people
from bot.services.permission import Action, holders
from bot.times import day
from content.holidays import Calendar

MOST_LINES = 8


def remind(session: Session, now: datetime, calendar: Calendar) -> int:
    """Queue what is to be said on a working day; returns how many messages are new. May be repeated at any time."""
    today = now.date()
    rows = session.scalars(
        select(Hazard)
        .where(Hazard.state == HazardState.DISPATCHED, Hazard.due_on <= calendar.next_workday(today))
        .order_by(Hazard.due_on, Hazard.id)
    ).all()
    frozen = freeze.until(session, {one.branch_id for one in rows}, now=now)
    due = [one for one in rows if one.branch_id not in frozen]
    return _tell_owners(session, due, now) + _tell_chiefs(session, due, now)


def _late(one: Hazard, today: date) -> int:
    """Days after the deadline; 0 or less before it."""
    assert one.due_on is not None, "what was dispatched has a deadline"
    return (today - one.due_on).days


def _is_long_overdue(one: Hazard, today: date) -> bool:
    return _late(one, today) > hazards.rules().escalate_days


def _tell_owners(session: Session, due: Sequence[Hazard], now: datetime) -> int:
    today = now.date()
    by_owner: dict[int, list[Hazard]] = defaultdict(list)
    for one in due:
        by_owner[one.owner_id or 0].append(one)
    daily = {
        owner for owner, all_ in by_owner.items() if not all(_is_long_overdue(one, today) for one in all_)
    }
    texts = {owner: _owners_text(all_, now) for owner, all_ in by_owner.items()}
    monday = today - timedelta(days=today.weekday())
    return sum(
        outbox.push_each(session, {owner: texts[owner] for owner in which}, key=key, now=now)
        for key, which in ((f"hazards {today}", daily), (f"hazards week {monday}", texts.keys() - daily))
    )


def _owners_text(all_: Sequence[Hazard], now: datetime) -> str:
    lines = [f"YH{one.id} {points.short(one.text, 20)}：{_until(one, now)}" for one in all_]
    tail = "办好后请发：整改 YH编号 做了什么；办不了请联系派发的人。"
    return "\n".join(["隐患整改提醒：", *_cut(lines), tail])


def _until(one: Hazard, now: datetime) -> str:
    """Without today or tomorrow: it may be read later than it was written."""
    assert one.due_on is not None, "what was dispatched has a deadline"
    late = _late(one, now.date())
    return f"已超期{late}天" if late > 0 else f"{day(one.due_on, now)}到期"


def _tell_chiefs(session: Session, due: Sequence[Hazard], now: datetime) -> int:
    """Once for each deadline: the nearest in charge who does not have it himself."""
    new = [one for one in due if _is_long_overdue(one, now.date()) and one.told_late != one.due_on]
    by_chief: dict[int, list[Hazard]] = defaultdict(list)
    able = {
        branch: holders(session, Action.HANDLE_HAZARDS, branch, on=now.date())
        for branch in {one.branch_id for one in new}
    }
    for one in new:
        chief = next((who for who in able[one.branch_id] if who.id != one.owner_id), None)
        if chief is not None:
            by_chief[chief.id].append(one)
            one.told_late = one.due_on
    names = people.names_of(session, [one.owner_id for one in new])
    texts = {chief: _chiefs_text(all_, names, now) for chief, all_ in by_chief.items()}
    return outbox.push_each(session, texts, key=f"hazards late {now.date()}", now=now)


def _chiefs_text(all_: Sequence[Hazard], names: Mapping[int, str], now: datetime) -> str:
    lines = [
        f"YH{one.id} {points.short(one.text, 16)}：{names.get(one.owner_id or 0, '')}，{_until(one, now)}"
        for one in all_
    ]
    tail = f"请过问；改派或改期限请发：派发 YH{all_[0].id} 姓名 3天"
    return "\n".join(["隐患超期没有整改：", *_cut(lines), tail])


def _cut(lines: Sequence[str]) -> list[str]:
    more = [f"还有 {len(lines) - MOST_LINES} 处，发 隐患 看"] if len(lines) > MOST_LINES else []
    return [*lines[:MOST_LINES], *more]
