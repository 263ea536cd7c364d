"""Documents of a branch from recorded facts: dataclasses in, bytes out; no database, no network, no clock.

All are filled into templates, which a branch may replace: ``<folder>/<branch id>/minutes.docx`` (or sheet, notice, vote, election, handbook, bulletin; ledger.xlsx)
wins over the shipped one of the same name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.documents import (
    audit,
    bulletin,
    contents,
    election,
    excel,
    handbook,
    hazards,
    key_tasks,
    learning,
    ledger,
    minutes,
    notice,
    point_table,
    sheet,
    vote,
)
from bot.documents.file import XLSX, File, name_of
from bot.documents.template import BrokenTemplate, Templates
from bot.documents.word import filled
from bot.services.audit import Act
from bot.services.bulletin import BulletinFacts
from bot.services.hazard_table import Table
from bot.services.key_task_ledger import Ledger
from bot.services.learning import Report
from bot.services.minute_photo import Picture
from bot.services.point_table import Row
from bot.services.point_table import dimensions as table_dimensions
from bot.services.record import ActivityFacts, ElectionFacts, MonthFacts, NoticeFacts, ResultFacts, YearFacts
from bot.times import local

__all__ = [
    "BrokenTemplate",
    "File",
    "Templates",
    "audit_of",
    "bulletin_of",
    "bulletin_sheet_of",
    "election_of",
    "handbook_of",
    "hazards_of",
    "key_tasks_of",
    "learning_of",
    "ledger_of",
    "minutes_of",
    "notice_of",
    "point_table_of",
    "sheet_of",
    "vote_of",
]


def minutes_of(
    facts: ActivityFacts, templates: Templates, *, pictures: Sequence[Picture] = (), now: datetime
) -> File:
    """会议记录 or 活动记录 of one activity with its photos, Word. :class:`BrokenTemplate` like all that are filled into a template."""
    body = filled(templates, "minutes", minutes.fields(facts, pictures, now))
    return File(name_of(facts.branch, facts.record, _day(facts, now), facts.theme), body)


def sheet_of(facts: ActivityFacts, templates: Templates, *, now: datetime) -> File:
    """签到表 of one activity, Word."""
    body = filled(templates, "sheet", sheet.fields(facts, now))
    return File(name_of(facts.branch, "签到表", _day(facts, now), facts.theme), body)


def notice_of(facts: NoticeFacts, templates: Templates, *, now: datetime) -> File:
    """通知 as a Word document."""
    body = filled(templates, "notice", notice.fields(facts, now))
    return File(name_of(facts.branch, "通知", local(facts.at, now).date().isoformat()), body)


def vote_of(facts: ResultFacts, templates: Templates, *, now: datetime) -> File:
    """表决结果 of a closed vote, Word."""
    body = filled(templates, "vote", vote.fields(facts, now))
    day = local(facts.closed_at, now).date().isoformat()
    return File(name_of(facts.meeting.branch, "表决结果", day, facts.vote.question), body)


def election_of(facts: ElectionFacts, templates: Templates, *, now: datetime) -> File:
    """选举用表 for an election on paper, Word."""
    body = filled(templates, "election", election.fields(facts, now))
    return File(name_of(facts.branch, "选举用表", facts.on.isoformat()), body)


def handbook_of(facts: YearFacts, templates: Templates, *, now: datetime) -> File:
    """支部工作手册 of a year, Word with a table of contents."""
    body = contents.filled_in(filled(templates, "handbook", handbook.fields(facts, now)))
    return File(name_of(facts.branch, "工作手册", str(facts.year)), body)


def ledger_of(facts: MonthFacts, templates: Templates, *, now: datetime) -> File:
    """三会一课台账 of a month, Excel."""
    name = name_of(facts.branch, "三会一课台账", f"{facts.year}-{facts.month:02}", ending="xlsx")
    body = excel.filled(templates, "ledger", ledger.fields(facts, now), ledger.rows(facts, now))
    return File(name, body, XLSX)


def bulletin_of(facts: BulletinFacts, templates: Templates, *, now: datetime) -> File:
    """积分公示 of a settlement, Word."""
    return File(
        name_of(facts.branch, "积分公示", facts.period),
        filled(templates, "bulletin", bulletin.fields(facts, now)),
    )


def bulletin_sheet_of(facts: BulletinFacts, *, now: datetime) -> File:
    """积分公示 of a settlement, Excel."""
    name = name_of(facts.branch, "积分公示", facts.period, ending="xlsx")
    return File(name, bulletin.workbook(facts, now), XLSX)


def learning_of(facts: Report, *, now: datetime) -> File:
    """学习情况 of a branch, Excel."""
    name = name_of(facts.branch, "学习情况", local(now, now).date().isoformat(), ending="xlsx")
    return File(name, learning.workbook(facts, now), XLSX)


def key_tasks_of(ledger: Ledger, *, now: datetime) -> File:
    """关键任务台账 of a year, Excel."""
    name = name_of(ledger.branch, "关键任务台账", str(ledger.year), ending="xlsx")
    return File(name, key_tasks.workbook(ledger, now), XLSX)


def hazards_of(facts: Table, *, now: datetime) -> File:
    """隐患台账 of a year, Excel."""
    name = name_of(facts.branch, "隐患台账", str(facts.year), ending="xlsx")
    return File(name, hazards.workbook(facts, now), XLSX)


def point_table_of(branch: str, period: str, rows: Sequence[Row], *, now: datetime) -> File:
    """积分表 of a quarter, Excel."""
    name = name_of(branch, "积分表", period, local(now, now).date().isoformat(), ending="xlsx")
    body = point_table.workbook(branch, period, table_dimensions(), rows, now)
    return File(name, body, XLSX)


def audit_of(acts: Sequence[Act], who: str, *, now: datetime) -> File:
    """操作记录 of one person or of all, Excel."""
    name = name_of("操作记录", who, local(now, now).date().isoformat(), ending="xlsx")
    return File(name, audit.workbook(acts, now), XLSX)


def _day(facts: ActivityFacts, now: datetime) -> str:
    return local(facts.starts_at, now).date().isoformat()
