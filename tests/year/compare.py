"""Holds what the product says of the year against what it should be."""

from __future__ import annotations

import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time

from openpyxl import load_workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.models.points import PointBalance
from bot.models.settlement import Settlement, SettlementResult, SettlementState
from bot.services import points
from tests.documents.texts import table_texts, words
from tests.faults import phones
from tests.year import expected, story
from tests.year.expected import Sent
from tests.year.play import Year
from tests.year.story import CHIEF, SHANGHAI, Meeting

DIGEST_AT = time(18, 10)


def everything(year: Year) -> None:
    """All of it; AssertionError says what is not as it should be."""
    earned = expected.points()
    with year.stage.bot.database.read() as session:
        _points(session, year, earned)
        _settlements(session, earned)
        rows = _rows(session)
        seen, sent = phones.seen(year.stage.platform), phones.sent(session)
    for month in range(1, 13):
        _same(f"ledger of month {month}", _ledger(year.ledgers[month]), expected.ledger(month, earned))
    for meeting in expected.held():
        if meeting.theme in year.minutes:
            _minutes(year.minutes[meeting.theme], meeting)
            _sheet(year.sheets[meeting.theme], meeting)
    assert len(year.minutes) == len(year.sheets) == 16
    _messages(rows)
    _alarms(rows)
    _times(rows)
    _budget(rows)
    assert seen == sent, f"on the phones and not on record, or the other way: {(seen - sent) + (sent - seen)}"
    _jobs(year)
    assert not year.stage.platform.problems


def _same(what: str, is_: object, should: object) -> None:
    assert is_ == should, f"{what}\n is     {is_}\n should {should}"


# Points -------------------------------------------------------------------------------------------------------------------


def _points(session: Session, year: Year, earned: expected.Points) -> None:
    rows = session.execute(
        select(Member.name, PointBalance.period, PointBalance.dimension, PointBalance.points)
        .join(Member, Member.id == PointBalance.member_id)
        .where(PointBalance.points != 0)
    )
    balances = {(name, int(period[-1]), dimension): number for name, period, dimension, number in rows}
    wanted = {key: number for key, number in earned.sums.items() if number}
    wrong = {key: (balances.get(key), wanted.get(key)) for key in balances.keys() | wanted.keys()}
    _same("points (is, should)", {key: pair for key, pair in wrong.items() if pair[0] != pair[1]}, {})
    assert points.verify(session) == []
    for name, answer in year.answers.items():
        quarter = sum(earned.quarter(name, 4).values())
        assert f"共 {quarter} 分，全年 {earned.year(name)} 分" in answer, f"{name} reads:\n{answer}"


def _settlements(session: Session, earned: expected.Points) -> None:
    """The three quarters are final; each member's result is what the quarter has earned."""
    found = session.scalars(select(Settlement).order_by(Settlement.ends_on)).all()
    _same(
        "settlements",
        [(one.period, one.state) for one in found],
        [(f"2026Q{n}", SettlementState.FINAL) for n in (1, 2, 3)],
    )
    for number, (one, when) in enumerate(zip(found, story.SETTLED, strict=True), 1):
        rows = session.execute(
            select(Member.name, SettlementResult.dimensions, SettlementResult.total)
            .join(Member, Member.id == SettlementResult.member_id)
            .where(SettlementResult.settlement_id == one.id)
        )
        people = [person.name for person in expected.members(when)]
        should = {
            name: (earned.quarter(name, number), sum(earned.quarter(name, number).values()))
            for name in people
        }
        _same(one.period, {name: (dimensions, total) for name, dimensions, total in rows}, should)
        assert one.closes_at is not None
        _same("end of the notice", one.closes_at.astimezone(SHANGHAI), expected.notice_ends(when.date()))


# Documents ----------------------------------------------------------------------------------------------------------------


def _ledger(data: bytes) -> list[tuple[object, ...]]:
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    rows = [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=3)]
    return [row for row in rows if isinstance(row[0], int)]


def _minutes(data: bytes, meeting: Meeting) -> None:
    """The record says who was there, who asked leave and why, what was said and how the vote went."""
    table, text, counts = table_texts(data), words(data), expected.Counts.of(meeting)
    reasons = [f"{name}（{leave.reason}）" for name, leave in meeting.leave if leave.granted]
    there, due = expected.present(meeting), expected.due(meeting)
    gone = [name for name in due if name not in (*there, *expected.on_leave(meeting))]
    for label, names in (("到会人员", there), ("请假人员", reasons), ("缺席人员", gone)):
        _same(f"{label} of {meeting.theme}", sorted(table[label].split("、")), sorted(names) or ["无"])
    for label, number in (
        ("应到", counts.due),
        ("实到", counts.present),
        ("请假", counts.leave),
        ("缺席", counts.absent),
    ):
        assert f"{number} 人" in table[label], f"{meeting.theme}: {label} {table[label]}, not {number}"
    missing = [part for part in _facts(meeting) if part not in text]
    assert not missing, f"the record of {meeting.theme} does not say {missing}:\n{text}"


def _facts(meeting: Meeting) -> Iterator[str]:
    begins = meeting.begins
    yield f"{begins.year}年{begins.month}月{begins.day}日"
    yield f"{begins:%H:%M} 至 {meeting.closes:%H:%M}"
    yield meeting.theme
    yield meeting.place
    yield from (f"{number}．{line}" for number, line in enumerate(meeting.lines, 1))
    if ballot := meeting.ballot:
        due, voters = len(expected.entitled(meeting)), len(expected.voters(meeting))
        yes = voters - ballot.no - ballot.abstain
        yield f"{'无记名' if ballot.secret else '记名'}表决“{ballot.question}”"
        yield f"应到 {due} 人，实到 {voters} 人；赞成 {yes} 票，反对 {ballot.no} 票，弃权 {ballot.abstain} 票；"
        yield "；通过。" if 2 * yes > due else "；没有通过。"


def _sheet(data: bytes, meeting: Meeting) -> None:
    """The sheet says when each checked in, and who was written in by hand."""
    text, counts = words(data), expected.Counts.of(meeting)
    assert f"应到 {counts.due}　实到 {counts.present}　请假 {counts.leave}　缺席 {counts.absent}" in text
    times = Counter(re.findall(r"^\d\d:\d\d$", text, re.MULTILINE))
    by_word = [name for name in expected.present(meeting) if name not in dict(meeting.corrected)]
    _same(meeting.theme, times, Counter(f"{expected.arrived_at(meeting, name):%H:%M}" for name in by_word))
    for _, reason in meeting.corrected:
        assert f"补签：{reason}" in text


# Messages -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One message that reached somebody."""

    name: str
    text: str
    queued: datetime
    at: datetime
    routine: bool
    alone: bool
    expires: datetime | None


def _rows(session: Session) -> list[Row]:
    sent = (OutboxState.SENT, OutboxState.MERGED)
    rows = session.execute(
        select(Member.name, Outbox)
        .join(Member, Member.id == Outbox.member_id)
        .where(Outbox.state.in_(sent), Outbox.sent_at.is_not(None))
        .order_by(Outbox.sent_at, Outbox.id)
    )
    return [
        Row(
            name,
            str(one.body["text"]),
            one.created_at.astimezone(SHANGHAI),
            one.sent_at.astimezone(SHANGHAI),
            one.urgency is Urgency.ROUTINE,
            one.state is OutboxState.SENT,
            one.expires_at.astimezone(SHANGHAI) if one.expires_at else None,
        )
        for name, one in rows
        if one.sent_at
    ]


_KINDS = "主题党日|党员大会|支委会|党小组会|党课"
_SORTS = tuple(
    (sort, re.compile(pattern, re.DOTALL))
    for sort, pattern in (
        ("通知", rf"(?:{_KINDS})通知：(?P<of>[^\n]+)\n"),
        ("催", r"\d+月\d+日\w+“(?P<of>[^”]+)”，您还没回复"),
        ("提醒", r"提醒：\d+月\d+日\w+“(?P<of>[^”]+)”\n"),
        ("请假", r"(?P<who>\S+) 请假：.+“(?P<of>[^”]+)”）$"),
        ("准假", r"您的请假已批准（\d+月\d+日\w+“(?P<of>[^”]+)”）"),
        ("不准假", r"您的请假没有批准（\d+月\d+日\w+“(?P<of>[^”]+)”）"),
        ("有变化", rf"(?:{_KINDS})有变化：(?P<of>[^\n]+)\n"),
        ("取消", rf"(?:{_KINDS})“(?P<of>[^”]+)”取消了"),
        ("做记录", r"请您做记录：\w+“(?P<of>[^”]+)”"),
        ("补签", rf"{CHIEF}为您补签了\d+月\d+日\w+“(?P<of>[^”]+)”"),
        ("补学", r"补学：您没有参加\d+月\d+日\w+“(?P<of>[^”]+)”。"),
        ("表决结果", r"表决结果（\w+，第 \d+ 号）：(?P<of>[^\n]+)\n"),
        ("表决", r"表决（\w+）：(?P<of>[^\n]+)\n"),
        ("公示", r"(?P<of>2026年第\d季度)积分公示"),
        ("定稿", r"(?P<of>2026年第\d季度)积分已定稿"),
        ("申报", r"您的申报“(?P<of>[^”]+)”"),
        ("加分", rf"{CHIEF}给您记 \+\d 分（\w+）：(?P<of>[^。]+)。"),
        ("预备期", r"(?P<of>\S+)的预备期到"),
        ("放假表", r"(?P<of>\d{4})年放假安排还没有录入"),
    )
)


def _messages(rows: Iterable[Row]) -> None:
    """Each got what the story says, as often as it says."""
    got: Sent = Counter(sorted_ for row in rows if (sorted_ := _sorted(row)) is not None)
    should = expected.messages()
    assert got == should, f"too much: {got - should}\nmissing: {should - got}"


def _sorted(row: Row) -> tuple[str, str, str] | None:
    """(member, sort, subject) of a message; None for the cadence check's, which is looked at by itself."""
    if row.text.startswith(f"{story.BRANCH}组织生活提醒"):
        return None
    by_day = {"今日学习：": "今日学习", "有新的申报或申诉待审核": "待审核"}
    for head, sort in by_day.items():
        if row.text.startswith(head):
            return row.name, sort, str(row.queued.date())
    if row.text.startswith(f"{CHIEF}更正了您的第"):
        return row.name, "更正", row.name
    for sort, pattern in _SORTS:
        if found := pattern.match(row.text):
            return row.name, found.groupdict().get("who", "") + sort, found["of"]
    raise AssertionError(f"{row.at:%m-%d %H:%M} {row.name} got what nobody expected:\n{row.text}")


def _alarms(rows: Iterable[Row]) -> None:
    """The secretary alone hears of each rule on its days, in one message a day."""
    got: dict[date, set[str]] = {}
    for row in rows:
        if row.text.startswith(f"{story.BRANCH}组织生活提醒"):
            assert row.name == CHIEF
            assert row.queued.date() not in got, f"two alarms on {row.queued:%m-%d}"
            got[row.queued.date()] = {line.partition("：")[0] for line in row.text.splitlines()[1:-1]}
    _same("alarms", sorted(got.items()), sorted(expected.alarms().items()))


def _times(rows: Iterable[Row]) -> None:
    """Nothing in quiet hours, nothing in the downtime, nothing that can wait in the freeze, no reminder after the start."""
    start, end = story.QUIET
    for row in rows:
        told = f"{row.at:%m-%d %H:%M} {row.name}: {row.text[:30]}"
        assert end <= row.at.time() < start, f"in the quiet hours: {told}"
        assert not expected.is_down(row.at), f"in the downtime: {told}"
        can_wait = row.routine and row.expires is None
        assert not (can_wait and expected.frozen(row.at.date())), f"in the freeze: {told}"
        assert row.expires is None or row.at < row.expires, f"too late: {told}"


def _budget(rows: Iterable[Row]) -> None:
    """Of a day's routine messages to one person three come singly; more only where the evening would be too late."""
    singly: dict[tuple[str, date], list[Row]] = defaultdict(list)
    digests: dict[tuple[str, date], set[datetime]] = defaultdict(set)
    for row in rows:
        if row.routine and row.alone:
            singly[row.name, row.at.date()].append(row)
        elif not row.alone:
            digests[row.name, row.at.date()].add(row.at)
    for (name, day), mine in singly.items():
        evening = datetime.combine(day, DIGEST_AT, SHANGHAI)
        over = [row for row in mine[story.BUDGET :] if row.expires is None or row.expires > evening]
        assert not over, f"{name} got more than {story.BUDGET} on {day}: {[row.text[:20] for row in mine]}"
    assert all(len(moments) == 1 for moments in digests.values())
    assert digests, "no day of the story is over budget"


# Jobs ---------------------------------------------------------------------------------------------------------------------


def _jobs(year: Year) -> None:
    """On the morning after the downtime each job ran once at most, for its newest slot, if that was not too old."""
    for job, claims in year.caught_up.items():
        assert len(claims) == 1, f"{job}: {claims}"
    outcomes = {job: outcome for job, [(_, outcome)] in year.caught_up.items()}
    skipped = {job for job, outcome in outcomes.items() if outcome == "skipped"}
    assert {"cadence", "development", "series", "questions"} <= skipped, (
        f"jobs that let old slots go: {skipped}"
    )
    _same("slot of the study", year.caught_up["study"][0][0], story.UP)
    assert outcomes["housekeeping"] == outcomes["study"] == outcomes["reminders"] == "done"
