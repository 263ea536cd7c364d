"""三会一课台账: one row for each activity of a month, for the Excel template ``ledger``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.documents.excel import Fields
from bot.documents.words import moment
from bot.services.record import ActivityFacts, MonthFacts, Presence
from bot.times import local


def fields(facts: MonthFacts, now: datetime) -> Fields:
    """The fields of the whole sheet."""
    held = len(facts.activities)
    return {
        "支部": facts.branch,
        "年": facts.year,
        "月": facts.month,
        "次数": held,
        "合计": f"本月共 {held} 次" if held else "本月没有记录的活动",
        "导出时间": moment(now, now),
    }


def rows(facts: MonthFacts, now: datetime) -> list[Fields]:
    """The fields of each row."""
    return [{"序号": number, **_row(one, now)} for number, one in enumerate(facts.activities, 1)]


def _row(one: ActivityFacts, now: datetime) -> Fields:
    """What the ledger says of an activity; None where nothing is known."""
    starts = local(one.starts_at, now)
    counts = one.counts
    there = len(one.named(Presence.PRESENT))
    return {
        "日期": f"{starts:%Y-%m-%d %H:%M}" if one.hour_known else f"{starts:%Y-%m-%d}",
        "类别": one.kind,
        "主题": one.theme or None,
        "地点": one.place or None,
        "应到": counts.invited if counts else None,
        "实到": there if counts or there else None,
        "请假": counts.leave if counts else None,
        "缺席": counts.absent if counts and one.ended else None,
        "主持人": "、".join(one.hosts) or None,
        "记录人": "、".join(one.recorders) or None,
        "积分": one.points if counts else None,
        "备注": "；".join(remarks(one)) or None,
    }


def remarks(one: ActivityFacts) -> Iterator[str]:
    """What else is recorded: the group, the tie to production, corrections, and how the record came about."""
    if one.group:
        yield one.group
    if one.production:
        yield f"结合生产：{one.production}"
    if one.questions:
        yield f"研讨 {len(one.questions)} 问，答复 {sum(bool(asked.answer) for asked in one.questions)}"
    corrected = sum(person.corrected for person in one.people)
    if one.counts and corrected:
        yield f"补签 {corrected} 人"
    if one.kept_later:
        yield "补录"
    elif not one.ended:
        yield "未结束"
