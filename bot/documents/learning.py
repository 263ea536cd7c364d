"""学习情况: who studied this week, the hours of the year, where answers go wrong, Excel. In the order of the roster: a list, not a ranking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.documents import table
from bot.documents.words import day, moment
from bot.services import study_time
from bot.services.learning import Learner, Report, Share

PEOPLE = (
    ("序号", 6),
    ("姓名", 12),
    ("党小组", 14),
    ("身份", 12),
    ("本周学习天数", 14),
    ("学完的材料（学时）", 20),
    ("自己登记（学时）", 18),
    ("到会的集中学习（学时）", 24),
    ("今年合计（学时）", 18),
    ("要求（学时）", 14),
    ("还差（学时）", 14),
)
TOPICS = (("主题", 24), ("作答次数", 12), ("答对次数", 12), ("正确率", 10))
HARDEST = (("题目", 80), *TOPICS[1:])


def workbook(facts: Report, now: datetime) -> bytes:
    """Three sheets as the bytes of a workbook. No cell is a formula, whatever a question says."""
    book = table.new_book()
    people = [_person(number, one, facts) for number, one in enumerate(facts.people, 1)]
    table.add_sheet(book, "学习情况", PEOPLE, people, _about(facts, now))
    table.add_sheet(
        book,
        "各主题正确率",
        TOPICS,
        map(_share, facts.topics),
        ("近30天，正确率低的在前；不含还没截止的考试。",),
    )
    table.add_sheet(book, "最难的题", HARDEST, map(_share, facts.hardest), ("近30天，至少5次作答。",))
    return table.saved(book)


def _person(number: int, one: Learner, facts: Report) -> Sequence[Any]:
    """A row; what is asked of nobody is empty."""
    minutes = one.minutes
    parts = (minutes.materials, minutes.records, minutes.activities, minutes.total)
    left = None if one.asked is None else max(0.0, one.asked - minutes.total / facts.per_hour)
    hours = [round(part / facts.per_hour, 1) for part in parts]
    return (
        number,
        one.name,
        one.group,
        one.status,
        one.days,
        *hours,
        one.asked,
        None if left is None else round(left, 1),
    )


def _share(one: Share) -> Sequence[Any]:
    return one.name, one.answers, one.right, f"{one.percent}%"


def _about(facts: Report, now: datetime) -> Sequence[str]:
    """What was counted and what not: a number without it is no fact."""
    week = f"{day(facts.monday)}至{day(facts.monday + timedelta(days=6))}"
    return (
        f"{facts.branch}，本周：{week}；学时：{facts.year}年。{moment(now, now)}导出，按名册顺序，不排名次，请不要公开张贴。",
        f"学时计入：学完的材料、自己登记的学习、到会并已结束的{'、'.join(study_time.studies())}；{facts.per_hour} 分钟算 1 学时，以支部认定为准。",
        "本周学习天数：学材料、登记、答题或到会的天数，3 天算一个学习周；值班和请假的周不要求。",
    )
