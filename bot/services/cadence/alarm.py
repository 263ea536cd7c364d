"""Alarms before a deadline: at half of the period, a week before and on the day; before a term ends 6, 4, 2 and 1 months.

A stage whose day is no working day comes on the last one before it; one that was missed comes late. Each comes once, which the outbox's unique
keys "cadence <branch> <rule> <period> <stage> <member>" remember; what is new on a day goes to the secretary in one message.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import true
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import outbox
from bot.services.cadence import period, rules
from bot.services.cadence.facts import Facts, gather
from bot.services.cadence.rules import Finding, judge
from content.holidays import Calendar

WEEK = timedelta(days=7)
MOST_LINES = 8


@dataclass(frozen=True, slots=True)
class Alarm:
    """One line for the secretary; ``key`` says rule, period and stage."""

    key: str
    text: str


def alarms(facts: Facts, calendar: Calendar) -> list[Alarm]:
    """What the secretary is to hear of, if it was not said before: the stage that each open rule has reached. What is planned is left alone."""
    today = calendar.next_workday(facts.today) - timedelta(days=1)
    return [one for finding in judge(facts) if (one := _alarm(finding, today)) is not None]


def _alarm(finding: Finding, today: date) -> Alarm | None:
    """``today`` is the last day before the next working day: what would fall on a weekend is said on Friday."""
    verdict = finding.verdict
    if verdict.by is None or verdict.planned or finding.today > verdict.by:
        return None
    reached = [name for name, day in _stages(finding) if day <= today]
    if not reached:
        return None
    name = verdict.period.code if verdict.period else verdict.by.isoformat()
    return Alarm(
        f"{finding.branch_id} {finding.rule} {name} {reached[-1]}", f"{finding.rule}：{verdict.text}"
    )


def _stages(finding: Finding) -> Iterator[tuple[str, date]]:
    """The stages of what is open, in order, each with its day."""
    by, when = finding.verdict.by, finding.verdict.period
    assert by is not None, "no stages without a deadline"
    if when is None:
        for months in rules.TERM_ALARM_MONTHS:
            yield f"{months}-months", period.months_later(by, -months)
        return
    yield "half", when.half_way
    yield "week", by - WEEK
    yield "day", by


def remind(session: Session, now: datetime, calendar: Calendar) -> int:
    """Queue what is new today, one message a branch; returns how many messages are new. May be repeated at any time."""
    branches = [one for one in gather(session, true(), now) if _recipients(one)]
    due = {one.branch_id: alarms(one, calendar) for one in branches}
    new = _said_now(session, [(one, alarm) for one in branches for alarm in due[one.branch_id]], now)
    queued = 0
    for one in branches:
        lines = [alarm.text for alarm in due[one.branch_id] if alarm.key in new[one.branch_id]]
        if lines:
            key = f"cadence {one.branch_id} {now.date().isoformat()}"
            queued += outbox.push(session, _recipients(one), message(one.name, lines), key=key, now=now)
    return queued


def _recipients(facts: Facts) -> list[int]:
    """The secretary; where there is none, the rest of the committee."""
    return sorted(facts.secretaries or facts.committee)


def message(name: str, lines: Sequence[str]) -> str:
    """What the secretary reads."""
    more = [f"还有 {len(lines) - MOST_LINES} 项"] if len(lines) > MOST_LINES else []
    tail = "看依据请回复 体检；已开没记的请发：补录 支委会 11月12日"
    return "\n".join([f"{name}组织生活提醒：", *lines[:MOST_LINES], *more, tail])


def _said_now(session: Session, wanted: Sequence[tuple[Facts, Alarm]], now: datetime) -> dict[int, set[str]]:
    """Remember what is said, as parts of a merged message; by branch the keys that had not been said before to anybody who is to hear them."""
    keys = {
        f"cadence {alarm.key} {member}": (facts.branch_id, member, alarm)
        for facts, alarm in wanted
        for member in _recipients(facts)
    }
    rows = [
        {
            "key": key,
            "member_id": member,
            "urgency": Urgency.ROUTINE,
            "body": outbox.body_of(alarm.text),
            "digest": "",
            "state": OutboxState.MERGED,
            "available_at": now,
            "created_at": now,
        }
        for key, (_, member, alarm) in keys.items()
    ]
    said: dict[int, set[str]] = defaultdict(set)
    if rows:
        insert = upsert(session, Outbox).on_conflict_do_nothing(index_elements=["key"]).returning(Outbox.key)
        for key in session.scalars(insert, rows):
            branch, _, alarm = keys[key]
            said[branch].add(alarm.key)
    return said
