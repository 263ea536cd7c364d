"""签到表: who was invited, when they checked in, and room to sign."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.documents.words import BLANK, clean, moment, or_blank, span
from bot.services.record import ActivityFacts, Person, Presence
from bot.times import local

EMPTY_ROWS = 4
"""Lines for people whom nobody invited in the chat."""


def fields(facts: ActivityFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``sheet``."""
    rows = [_row(n, one, facts, now) for n, one in enumerate(facts.people, 1)]
    empty = dict.fromkeys(("序号", "姓名", "党小组", "身份", "签到", "备注"), "")
    return {
        "支部": clean(facts.branch),
        "类别": facts.kind,
        "主题": or_blank(facts.theme),
        "时间": span(facts, now),
        "地点": or_blank(facts.place),
        "人数": _counts(facts),
        "人员": rows + [empty] * EMPTY_ROWS,
        "导出时间": moment(now, now),
    }


def _counts(facts: ActivityFacts) -> str:
    if facts.counts is None:
        return f"应到 {BLANK}　实到 {BLANK}　请假 {BLANK}　缺席 {BLANK}"
    absent = facts.counts.absent if facts.ended else BLANK
    present = facts.counts.present if facts.counts.present or facts.ended else BLANK
    return f"应到 {facts.counts.invited}　实到 {present}　请假 {facts.counts.leave}　缺席 {absent}"


def _row(number: int, one: Person, facts: ActivityFacts, now: datetime) -> dict[str, str]:
    return {
        "序号": str(number),
        "姓名": clean(one.name),
        "党小组": clean(one.group),
        "身份": one.status,
        "签到": _checked_in(one, facts, now),
        "备注": _remark(one),
    }


def _checked_in(one: Person, facts: ActivityFacts, now: datetime) -> str:
    """The time of the check-in. That of a correction says when it was corrected, not when somebody came."""
    if one.at is None or one.corrected:
        return ""
    there = local(one.at, now)
    same_day = there.date() == local(facts.starts_at, now).date()
    return f"{there:%H:%M}" if same_day else f"{there.month}月{there.day}日{there:%H:%M}"


def _remark(one: Person) -> str:
    if one.presence is Presence.PRESENT:
        return f"补签：{clean(one.note)}" if one.corrected else ""
    if one.presence is Presence.LEAVE:
        return f"请假：{clean(one.note)}" if one.note else "请假"
    return one.presence.value
