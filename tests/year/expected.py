"""What the year comes to, computed from the story, the rules in content/ and nothing of the product."""

from __future__ import annotations

import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from tests.year import story
from tests.year.story import CHIEF, COMMITTEE, DEPUTY, RECORDER, SHANGHAI, Meeting, Person

CONTENT = Path(__file__).parents[2] / "content"


def toml(name: str) -> dict[str, Any]:
    """A file of rules, unread by the product's own loaders."""
    return tomllib.loads((CONTENT / name).read_text(encoding="utf-8"))


# People -------------------------------------------------------------------------------------------------------------------


def members(when: datetime) -> list[Person]:
    """Who belongs to the branch at a moment, in the order of the roster."""
    return [
        one for one in story.PEOPLE if one.branch == story.BRANCH and (one.left is None or when < one.left)
    ]


def invited(meeting: Meeting) -> list[str]:
    """Who is addressed when it is published."""
    return _addressed(meeting, meeting.said)


def due(meeting: Meeting) -> list[str]:
    """应到: who was invited and still belongs to the branch when it begins."""
    here = {one.name for one in members(meeting.begins)}
    return [name for name in invited(meeting) if name in here]


def _addressed(meeting: Meeting, when: datetime) -> list[str]:
    people = members(when)
    if meeting.kind == "支委会":
        return [one.name for one in people if one.name in COMMITTEE]
    return [one.name for one in people if meeting.group in ("", one.group)]


def on_leave(meeting: Meeting) -> list[str]:
    """Whose leave was granted."""
    return [name for name, leave in meeting.leave if leave.granted]


def signed_up(meeting: Meeting) -> list[str]:
    """Who said that they would come, of those who still belong to the branch."""
    return [name for name in due(meeting) if name not in (*meeting.silent, *on_leave(meeting))]


def in_time(meeting: Meeting) -> list[str]:
    """Who checks in by the word before the start."""
    others = {*meeting.absent, *dict(meeting.late), *dict(meeting.corrected)}
    return [name for name in signed_up(meeting) if name not in others]


def present(meeting: Meeting) -> list[str]:
    """Everybody who counts as 实到."""
    return [name for name in signed_up(meeting) if name not in meeting.absent]


def voters(meeting: Meeting) -> list[str]:
    """Who is there and may vote."""
    here = set(present(meeting)) - set(dict(meeting.corrected))
    return [name for name in entitled(meeting) if name in here]


def entitled(meeting: Meeting) -> list[str]:
    """The full members of the branch."""
    name, since, _ = story.PROMOTED
    return [
        one.name
        for one in members(meeting.begins)
        if one.status == "正式党员" or (one.name == name and meeting.begins > since)
    ]


@dataclass(frozen=True)
class Counts:
    """应到, 实到, 请假 and 缺席."""

    due: int
    present: int
    leave: int
    absent: int

    @classmethod
    def of(cls, meeting: Meeting) -> Counts:
        """The counts at its end."""
        everybody, there, leave = len(due(meeting)), len(present(meeting)), len(on_leave(meeting))
        return cls(everybody, there, leave, everybody - there - leave)

    def __str__(self) -> str:
        return f"应到 {self.due} 实到 {self.present} 请假 {self.leave} 缺席 {self.absent}"


def held() -> list[Meeting]:
    """What was not called off, in the order of the year."""
    return sorted((one for one in story.MEETINGS if not one.cancelled_at), key=lambda one: one.begins)


def answered_at(meeting: Meeting) -> datetime:
    """Two hours after it is published; what comes in the night is answered in the morning."""
    later = meeting.said + timedelta(hours=2)
    return (
        later
        if later.hour < 20 and later.date() == meeting.said.date()
        else _at(meeting.said.date() + timedelta(days=1), 9, 15)
    )


def arrived_at(meeting: Meeting, name: str) -> datetime:
    """When somebody's being there is entered."""
    if name in dict(meeting.corrected):
        return meeting.closes - timedelta(minutes=5)
    return meeting.begins + timedelta(minutes=dict(meeting.late).get(name, -5))


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


# The calendar -------------------------------------------------------------------------------------------------------------

_YEAR = next(one for one in toml("holidays.toml")["year"] if one["year"] == 2026)


def is_workday(day: date) -> bool:
    """By the notice of the State Council."""
    if day.year != 2026:
        return day.weekday() < 5
    return day in _YEAR["work"] or (day.weekday() < 5 and day not in _YEAR["off"])


def is_special(day: date) -> bool:
    """Whether the notice names the day."""
    return day in _YEAR["work"] or day in _YEAR["off"]


def notice_ends(day: date) -> datetime:
    """18:00 of the fifth working day after."""
    left = 5
    while left:
        day += timedelta(days=1)
        left -= is_workday(day)
    return _at(day, 18)


def frozen(day: date) -> bool:
    """Whether pushes pause."""
    return story.FREEZE[0] <= day <= story.FREEZE[1]


def is_down(when: datetime) -> bool:
    """Whether the server is off."""
    return story.DOWN <= when < story.UP


def days() -> Iterator[date]:
    """All days of the year."""
    day = story.BEGIN.date()
    while day <= story.END.date():
        yield day
        day += timedelta(days=1)


# Points -------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Deed:
    """What earns: ``points`` only where somebody decided how many, ``of`` the theme of the meeting or another name."""

    when: datetime
    name: str
    rule: str
    of: str
    points: int | None = None


@dataclass
class Points:
    """The sums of each (member, quarter, dimension), and what each meeting has earned its people."""

    sums: Counter[tuple[str, int, str]]
    of_meeting: Counter[str]

    def quarter(self, name: str, number: int) -> dict[str, int]:
        """A member's dimensions, each up to its cap."""
        return {
            one["name"]: min(self.sums[name, number, one["name"]], one["cap"]) for one in _RULES["dimension"]
        }

    def year(self, name: str) -> int:
        """The sum of the four quarters."""
        return sum(sum(self.quarter(name, number).values()) for number in range(1, 5))


_RULES = toml("points.toml")


def points() -> Points:
    """Every deed in the order of time, each rule up to its cap in its day, month or quarter."""
    rules = {one["code"]: one for one in _RULES["rule"]}
    found, had = Points(Counter(), Counter()), Counter[tuple[object, ...]]()
    for deed in sorted(_deeds(), key=lambda one: one.when):
        rule = rules[deed.rule]
        spans = {"day": deed.when.date(), "month": deed.when.month, "quarter": _quarter(deed.when)}
        span = (deed.name, deed.rule, spans[rule["per"]])
        earned = min(deed.points or rule["points"], rule["cap"] - had[span])
        had[span] += earned
        found.sums[deed.name, _quarter(deed.when), rule["dimension"]] += earned
        found.of_meeting[deed.of] += earned
    return found


def _quarter(when: datetime) -> int:
    return (when.month + 2) // 3


def _deeds() -> Iterator[Deed]:
    for meeting in held():
        for name in present(meeting):
            yield Deed(arrived_at(meeting, name), name, "attend", meeting.theme)
    for name, on in story.STUDIED:
        yield from (Deed(_at(day, 12, 30), name, "study", "") for day in on)
    for name, day, right in story.QUIZZED:
        if right >= 3:
            yield Deed(_at(day, 12, 45), name, "quiz", "")
    for name, day in story.REFLECTED:
        yield Deed(_at(day, 12, 50), name, "reflection", "")
    for claim in story.CLAIMS:
        if claim.rule:
            yield Deed(claim.on + timedelta(hours=18), claim.name, claim.rule, "")
    for gift in story.GIFTS:
        if not gift.back:
            yield Deed(gift.on, gift.name, gift.rule, "", gift.points)


# The ledger ---------------------------------------------------------------------------------------------------------------


def ledger(month: int, earned: Points) -> list[tuple[object, ...]]:
    """The rows of a month, as a secretary would write them by hand."""
    mine = [one for one in held() if one.begins.month == month]
    return [(number, *_row(one, earned)) for number, one in enumerate(mine, 1)]


def _row(meeting: Meeting, earned: Points) -> tuple[object, ...]:
    counts = Counts.of(meeting)
    wrote = bool(meeting.lines)
    return (
        f"{meeting.begins:%Y-%m-%d %H:%M}",
        meeting.kind,
        meeting.theme,
        meeting.place,
        counts.due,
        counts.present,
        counts.leave,
        counts.absent,
        CHIEF if wrote else None,
        RECORDER if wrote else None,
        earned.of_meeting[meeting.theme],
        "；".join(_remarks(meeting)) or None,
    )


def _remarks(meeting: Meeting) -> Iterator[str]:
    if meeting.group:
        yield meeting.group
    ideas = {one["theme"]: one["production"] for one in toml("theme_days.toml")["theme_day"]}
    if meeting.theme in ideas:
        yield f"结合生产：{ideas[meeting.theme]}"
    if meeting.corrected:
        yield f"补签 {len(meeting.corrected)} 人"


# Messages -----------------------------------------------------------------------------------------------------------------

Sent = Counter[tuple[str, str, str]]
"""How often (member, sort, subject)."""


def messages() -> Sent:
    """Everything that is pushed to anybody in the year, but for the alarms of the cadence check."""
    found: Sent = Counter()
    for meeting in story.MEETINGS:
        found.update(_of_meeting(meeting))
    found.update((name, "今日学习", str(day)) for name, day in _studies())
    found.update(_of_points())
    found.update((CHIEF, "预备期", "李明") for _ in ("a month before", "a week before", "on the day"))
    found[story.ADMIN, "放假表", "2027"] = 1
    return found


def _of_meeting(meeting: Meeting) -> Iterator[tuple[str, str, str]]:
    theme, asked = meeting.theme, dict(meeting.leave)
    for name in invited(meeting):
        yield name, "通知", theme
    for name, leave in meeting.leave:
        yield from ((boss, f"{name}请假", theme) for boss in (CHIEF, DEPUTY) if boss != name)
        yield name, "准假" if leave.granted else "不准假", theme
    if meeting.moved_at:
        yield from ((name, "有变化", theme) for name in signed_up(meeting))
    if meeting.cancelled_at:
        yield from ((name, "取消", theme) for name in (*signed_up(meeting), *asked))
        return
    yield from _reminders(meeting)
    if meeting.lines:
        yield RECORDER, "做记录", theme
    yield from ((name, "补签", theme) for name, _ in meeting.corrected)
    if meeting.ballot:
        for name in entitled(meeting):
            yield name, "表决", meeting.ballot.question
            yield name, "表决结果", meeting.ballot.question
    yield from ((name, "补学", theme) for name in due(meeting) if name not in present(meeting))


def _reminders(meeting: Meeting) -> Iterator[tuple[str, str, str]]:
    """On the day before and an hour before, unless the server is off. A freeze stops nudges, but not a reminder, which cannot wait."""
    eve = _at(meeting.begins.date() - timedelta(days=1), 17)
    for when in (eve, meeting.begins - timedelta(hours=1)):
        if not is_down(when):
            yield from ((name, "提醒", meeting.theme) for name in signed_up(meeting))
    if not is_down(eve) and not frozen(eve.date()):
        yield from ((name, "催", meeting.theme) for name in due(meeting) if name in meeting.silent)


def _studies() -> Iterator[tuple[str, date]]:
    """Each working day for everybody on the roster, wherever they belong, but not in a freeze, a downtime or a pause."""
    resting, since, until = story.PAUSE
    for day in days():
        morning = _at(day, 8, 41)
        if not is_workday(day) or frozen(day) or (is_down(morning)):
            continue
        for person in story.PEOPLE:
            gone = person.name == "周洁" and person.left is not None and morning >= person.left
            paused = person.name == resting and since <= morning and until.date() > day
            if not gone and not paused:
                yield person.name, day


def _of_points() -> Iterator[tuple[str, str, str]]:
    for claim in story.CLAIMS:
        yield CHIEF, "待审核", str(claim.on.date())
        yield claim.name, "申报", claim.what
    for gift in story.GIFTS:
        yield gift.name, "加分", gift.why
        if gift.back:
            yield gift.name, "更正", gift.name
    for number, when in enumerate(story.SETTLED, 1):
        yield from ((one.name, "公示", f"2026年第{number}季度") for one in members(when))
        yield CHIEF, "定稿", f"2026年第{number}季度"


# The cadence check --------------------------------------------------------------------------------------------------------

_MONTHS = {"month": 1, "quarter": 3, "year": 12}


def alarms() -> dict[date, set[str]]:
    """The rules of which the secretary hears on each day: open and not planned at half of the period, a week before its end, or on its end."""
    said: set[tuple[str, date, str]] = set()
    found: dict[date, set[str]] = defaultdict(set)
    for day in days():
        now = _at(day, 8, 41)
        if not is_workday(day) or is_down(now):
            continue
        until = day
        while not is_workday(until + timedelta(days=1)):
            until += timedelta(days=1)
        for rule, per in _recurring():
            first, last = _span(per, day)
            stage = _stage(first, last, until)
            if stage and not _settled(rule, first, last, now) and (rule, first, stage) not in said:
                said.add((rule, first, stage))
                found[day].add(rule)
    return dict(found)


def _recurring() -> Iterator[tuple[str, str]]:
    for kind in toml("activity_kinds.toml")["kind"]:
        if "cadence" in kind:
            yield kind["name"], kind["cadence"]["per"]
    yield "学时", "year"


def _span(per: str, day: date) -> tuple[date, date]:
    length = _MONTHS[per]
    month = (day.month - 1) // length * length + 1
    after = date(day.year + (month + length - 1) // 12, (month + length - 1) % 12 + 1, 1)
    return date(day.year, month, 1), after - timedelta(days=1)


def _stage(first: date, last: date, until: date) -> str:
    """The last stage that has come."""
    half = first + timedelta(days=((last - first).days + 1) // 2)
    stages = (("half", half), ("week", last - timedelta(days=7)), ("day", last))
    return next((name for name, day in reversed(stages) if day <= until), "")


def _settled(rule: str, first: date, last: date, now: datetime) -> bool:
    """Whether it was held in the period, or stands on the calendar; of group meetings, for each group."""
    mine = [one for one in story.MEETINGS if one.kind == rule and first <= _begins(one, now).date() <= last]
    standing = [one for one in mine if _is_held(one, now) or _is_planned(one, now)]
    groups = {story.FIRST, story.SECOND} if rule == "党小组会" else {""}
    return groups <= {one.group for one in standing}


def _begins(meeting: Meeting, now: datetime) -> datetime:
    """The moment that stands on the calendar."""
    return (
        meeting.moved_from
        if meeting.moved_from and meeting.moved_at and now < meeting.moved_at
        else meeting.begins
    )


def _is_held(meeting: Meeting, now: datetime) -> bool:
    return not meeting.cancelled_at and meeting.closes <= now


def _is_planned(meeting: Meeting, now: datetime) -> bool:
    return meeting.said <= now < _begins(meeting, now) and not (
        meeting.cancelled_at and meeting.cancelled_at <= now
    )
