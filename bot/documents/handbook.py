"""支部工作手册: a year of a branch in one document."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.documents.contents import PLACE
from bot.documents.words import BLANK, clean, day, moment, or_blank
from bot.models.member import MemberStatus
from bot.services.record import ActivityFacts, MemberFacts, MonthFacts, Post, Presence, YearFacts
from bot.times import local

DIMENSIONS = 4
"""The columns that the template has for dimensions of points."""


def fields(facts: YearFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``handbook``."""
    full = sum(one.status == MemberStatus.FULL for one in facts.members)
    return {
        "支部": clean(facts.branch),
        "年度": str(facts.year),
        "目录": PLACE,
        "导出日期": day(now.date()),
        "导出时间": moment(now, now),
        "党员数": str(len(facts.members)),
        "正式数": str(full),
        "预备数": str(len(facts.members) - full),
        "小组数": str(len(facts.groups)),
        "小组": f"（{clean('、'.join(facts.groups))}）" if facts.groups else "",
        "党员": [_member(n, one) for n, one in enumerate(facts.members, 1)],
        "本届开始": day(facts.term_started_on) if facts.term_started_on else BLANK,
        "委员": [_post(one) for one in facts.committee],
        "月份": [_month(one, now) for one in facts.months],
        "每学时": str(facts.minutes_per_hour),
        "学时": [_hours(one, facts.minutes_per_hour) for one in facts.members],
        "维度": _padded([clean(name) for name in facts.dimensions]),
        "积分": [_points(one) for one in facts.members],
    }


def _member(number: int, one: MemberFacts) -> dict[str, str]:
    return {
        "序号": str(number),
        "姓名": clean(one.name),
        "身份": one.status,
        "党小组": clean(one.group),
        "班组": clean(one.crew),
        "入党日期": one.joined_on.isoformat() if one.joined_on else "",
    }


def _post(one: Post) -> dict[str, str]:
    """The roster knows from when it knows a post; an end in the future has not come."""
    return {
        "职务": one.role,
        "姓名": clean(one.name),
        "任职开始": one.starts_on.isoformat(),
        "任职结束": one.ends_on.isoformat() if one.ends_on else "",
    }


def _month(one: MonthFacts, now: datetime) -> dict[str, Any]:
    coming = (one.year, one.month) > (now.year, now.month)
    return {
        "名": f"{one.month}月",
        "活动": [_activity(activity, now) for activity in one.activities],
        "说明": "还没有到这个月。" if coming else "本月没有记录的活动。",
    }


def _activity(one: ActivityFacts, now: datetime) -> dict[str, str]:
    starts = local(one.starts_at, now)
    counts = one.counts
    there = len(one.named(Presence.PRESENT))
    return {
        "日期": f"{starts.month}月{starts.day}日",
        "类别": one.kind,
        "主题": or_blank(one.theme),
        "地点": or_blank(one.place),
        "应到": str(counts.invited) if counts else "",
        "实到": str(there) if counts or there else "",
        "请假": str(counts.leave) if counts else "",
        "缺席": str(counts.absent) if counts and one.ended else "",
    }


def _hours(one: MemberFacts, minutes_per_hour: int) -> dict[str, str]:
    return {
        "姓名": clean(one.name),
        "党小组": clean(one.group),
        "已学": f"{one.study_minutes / minutes_per_hour:.1f}",
        "要求": str(one.hours_asked),
    }


def _points(one: MemberFacts) -> dict[str, Any]:
    return {
        "姓名": clean(one.name),
        "分": _padded([str(n) for n in one.points]),
        "合计": str(one.total_points),
    }


def _padded(texts: list[str]) -> list[str]:
    return texts + [""] * (DIMENSIONS - len(texts))
