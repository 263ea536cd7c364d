"""The rules of organisation life: pure functions from :class:`Facts` to findings. A deadline rule warns and never blocks.

What is done how often stands in ``content/activity_kinds.toml``, the clauses in ``content/regulations``; both carry source and confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache, partial
from itertools import combinations

from bot.services.cadence import period
from bot.services.cadence.facts import Facts, Held
from bot.services.cadence.period import Period
from content import regulations
from content.activity_kinds import ActivityKind, Attends, kinds
from content.regulations import Regulation

COMMITTEE_FROM = 7
"""From so many full members on a branch has a committee (条例 第二十条)."""
COMMITTEE_USUAL, COMMITTEE_MOST = range(3, 6), 7
FULL_LEAST, MEMBERS_MOST = 3, 50
TERM_YEARS = 3
TERM_ALARM_MONTHS = (6, 4, 2, 1)


class Status(StrEnum):
    """How it stands. DUE without a day means: to be looked at."""

    OVERDUE = "逾期"
    DUE = "待办"
    UNKNOWN = "不清楚"
    DONE = "已完成"
    NOT_APPLICABLE = "不适用"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a rule says of a branch. ``by`` is the last day of what is still open; ``planned`` whether that already has a date.

    ``text`` says it in a few words; ``period`` names what is judged ("2026-11"), empty where nothing recurs.
    """

    status: Status
    text: str
    period: Period | None = None
    by: date | None = None
    planned: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """``code`` is its name for people and for keys."""

    code: str
    clause: Regulation
    judge: Callable[[Facts], Verdict]


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule's verdict on one branch on one day."""

    branch_id: int
    rule: str
    clause: Regulation
    verdict: Verdict
    today: date

    @property
    def status(self) -> Status:
        return self.verdict.status

    @property
    def days_left(self) -> int | None:
        """Days from today to the last day of what is open; 0 on that day, negative after it."""
        return None if self.verdict.by is None else (self.verdict.by - self.today).days


@lru_cache(maxsize=1)
def rules() -> tuple[Rule, ...]:
    """All rules in the order in which they are shown."""
    clauses = {clause.code: clause for clause in regulations.load()}
    recurring = [
        Rule(kind.name, kind.clause, partial(_JUDGES.get(kind.attends, held_by_all), kind))
        for kind in kinds()
        if kind.cadence and kind.clause
    ]
    return (
        *recurring,
        Rule("支委设置", clauses["ZB-committee-size"], committee_size),
        Rule("支部规模", clauses["ZB-form"], branch_size),
        Rule("换届", clauses["ZB-term"], term),
        Rule("学时", clauses["JY-hours"], study_hours),
    )


def judge(facts: Facts) -> list[Finding]:
    """All findings of a branch, in the order of the rules."""
    return [
        Finding(facts.branch_id, rule.code, rule.clause, rule.judge(facts), facts.today) for rule in rules()
    ]


# What is held every so often ---------------------------------------------------------------------------------------------


def held_by_all(kind: ActivityKind, facts: Facts) -> Verdict:
    """党员大会 each quarter, 主题党日 each month, 党课, 组织生活会, 民主评议: once in each period (条例 第十一、十六至十八条)."""
    if not facts.members:
        return Verdict(Status.NOT_APPLICABLE, "没有在册党员")
    return _recurring(kind, facts, {None: ""})


def held_by_committee(kind: ActivityKind, facts: Facts) -> Verdict:
    """支委会 each month, where there is a committee: from seven full members on (条例 第十二、二十条)."""
    if len(facts.full) < COMMITTEE_FROM:
        return Verdict(
            Status.NOT_APPLICABLE, f"正式党员 {len(facts.full)} 人，不足{COMMITTEE_FROM}人，不设支委会"
        )
    return _recurring(kind, facts, {None: ""})


def held_by_groups(kind: ActivityKind, facts: Facts) -> Verdict:
    """党小组会: every group once a month (条例 第十三条)."""
    if not facts.groups:
        return Verdict(Status.NOT_APPLICABLE, "没有划分党小组")
    return _recurring(kind, facts, dict(facts.groups.items()))


def _recurring(kind: ActivityKind, facts: Facts, who: dict[int | None, str]) -> Verdict:
    """``who`` must each hold it: the groups of a branch, or the branch itself as None."""
    now = period.containing(per_of(kind, facts), facts.today)
    missing = lacking(kind, facts, now, who)
    missed = [
        period.name(one, facts.today) + _of_groups([who[group] for group in late], len(who))
        for one in period.completed(now.per, facts.today)
        if one.last >= facts.known_since and (late := lacking(kind, facts, one, who))
    ]
    past = f"{'、'.join(missed)}没有记录；" if missed else ""
    if not missing:
        text = f"{past}{period.THIS[now.per]}已完成"
        return Verdict(Status.OVERDUE if missed else Status.DONE, text, now)
    planned = _planned(kind, facts, now, missing)
    names = _of_groups([who[group] for group in missing], len(who))
    text = f"{past}{period.THIS[now.per]}{names}{_open(planned, now, facts)}"
    return Verdict(Status.OVERDUE if missed else Status.DUE, text, now, now.last, planned is not None)


def per_of(kind: ActivityKind, facts: Facts) -> str:
    """How often, with the branch's own choice where the rule is only local practice."""
    assert kind.cadence is not None, "a kind without a cadence"
    setting = kind.cadence.setting
    return str(getattr(facts.choices, setting)) if setting else kind.cadence.per


def lacking(kind: ActivityKind, facts: Facts, when: Period, who: Iterable[int | None]) -> list[int | None]:
    """Those of ``who`` that held it too seldom in a period."""
    assert kind.cadence is not None, "a kind without a cadence"
    days = [one for one in facts.held.get(kind.name, ()) if one.on in when]
    return [one for one in who if sum(_is_of(day, one, facts) for day in days) < kind.cadence.times]


def _is_of(one: Held, group: int | None, facts: Facts) -> bool:
    """A meeting without a group can only be that of the one group."""
    return group is None or one.group_id == group or (one.group_id is None and len(facts.groups) == 1)


def _planned(kind: ActivityKind, facts: Facts, now: Period, missing: list[int | None]) -> date | None:
    """The day by which all that is missing is planned; None when something is not."""
    ahead = [one for one in facts.planned.get(kind.name, ()) if one.on in now]
    days = [min((one.on for one in ahead if _is_of(one, group, facts)), default=None) for group in missing]
    return None if None in days else max(day for day in days if day is not None)


def _open(planned: date | None, now: Period, facts: Facts) -> str:
    if planned:
        return f"已安排在{planned.month}月{planned.day}日"
    return f"还没有记录，{until(now.last, facts.today)}"


def _of_groups(names: list[str], of: int) -> str:
    """（第一党小组、第二党小组）; nothing when it is all of them or the branch itself."""
    return f"（{'、'.join(names)}）" if names and len(names) < of else ""


def until(day: date, today: date) -> str:
    """11月30日前（还剩7天）: absolute and relative, with the year where it is not this one."""
    left = (day - today).days
    year = "" if day.year == today.year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日前（{f'还剩{left}天' if left else '今天是最后一天'}）"


def talks(kind: ActivityKind, facts: Facts) -> Verdict:
    """谈心谈话, once a year each (条例 第十九条): every two committee members; every other member with one of the committee, and with another member.

    Only recorded talks count. Where there is no committee, secretary and deputy stand for it.
    """
    leaders, others = facts.committee & facts.members, facts.members - facts.committee
    pairs = {frozenset(two) for two in combinations(leaders, 2)}
    parts = [
        ("支委之间", len(pairs & facts.talks), len(pairs), "对"),
        ("党员与支委", _talked(others, leaders, facts), len(others) if leaders else 0, "人"),
        ("党员之间", _talked(others, others, facts), len(others) if len(others) > 1 else 0, "人"),
    ]
    if not any(needed for _, _, needed, _ in parts):
        return Verdict(Status.NOT_APPLICABLE, "没有可以谈话的人")
    now = period.containing("year", facts.today)
    text = "，".join(f"{what} {done}/{needed} {unit}" for what, done, needed, unit in parts if needed)
    if all(done >= needed for _, done, needed, _ in parts):
        return Verdict(Status.DONE, f"今年已完成：{text}", now)
    return Verdict(Status.DUE, f"今年{text}，{until(now.last, facts.today)}", now, now.last)


def _talked(who: frozenset[int], partners: frozenset[int], facts: Facts) -> int:
    """How many of ``who`` talked with one of ``partners`` other than themselves."""
    return sum(any(pair & (partners - {one}) for pair in facts.talks if one in pair) for one in who)


_JUDGES: dict[Attends, Callable[[ActivityKind, Facts], Verdict]] = {
    Attends.COMMITTEE: held_by_committee,
    Attends.GROUP: held_by_groups,
    Attends.PAIR: talks,
}


# How a branch is set up --------------------------------------------------------------------------------------------------


def committee_size(facts: Facts) -> Verdict:
    """Below seven full members one secretary, a deputy if needed; from seven on a committee of 3–5, at most 7 (条例 第二十条)."""
    size, full = len(facts.committee), len(facts.full)
    if len(facts.secretaries) != 1:
        return Verdict(Status.DUE, f"登记的书记有 {len(facts.secretaries)} 人，应为1人，请核对名册职务")
    if full < COMMITTEE_FROM:
        many = size > 2
        what = "，只设书记、副书记，请核对名册职务" if many else "，不设支委会"
        return Verdict(Status.DUE if many else Status.DONE, f"正式党员 {full} 人，登记支委 {size} 人{what}")
    text = f"正式党员 {full} 人，支委 {size} 人"
    if size in COMMITTEE_USUAL:
        return Verdict(Status.DONE, text)
    if size < COMMITTEE_USUAL.start:
        return Verdict(Status.DUE, f"{text}，应为3至5人，请补选或核对名册职务")
    if size <= COMMITTEE_MOST:
        return Verdict(Status.DONE, f"{text}，多于3至5人，未超过{COMMITTEE_MOST}人")
    return Verdict(Status.DUE, f"{text}，一般不超过{COMMITTEE_MOST}人")


def branch_size(facts: Facts) -> Verdict:
    """At least three full members; generally at most fifty Party members (条例 第四条)."""
    full, all_ = len(facts.full), len(facts.members)
    text = f"正式党员 {full} 人，党员共 {all_} 人"
    if full < FULL_LEAST:
        return Verdict(Status.DUE, f"{text}，正式党员不足{FULL_LEAST}人，请报上级研究")
    if all_ > MEMBERS_MOST:
        return Verdict(Status.DUE, f"{text}，一般不超过{MEMBERS_MOST}人，请报上级研究")
    return Verdict(Status.DONE, text)


def term(facts: Facts) -> Verdict:
    """Three years for a company's branch; it is due from six months before the end on (条例 第二十一条)."""
    started = facts.choices.term_started_on
    if started is None:
        return Verdict(Status.UNKNOWN, "没有登记本届开始的日期，请发：换届时间 2024-03-15")
    end = term_end(started)
    said = f"{end.year}年{end.month}月{end.day}日"
    if facts.today > end:
        return Verdict(Status.OVERDUE, f"本届已于{said}届满，请报上级安排换届", by=end)
    if facts.today >= period.months_later(end, -TERM_ALARM_MONTHS[0]):
        return Verdict(Status.DUE, f"本届{said}届满，还剩{(end - facts.today).days}天", by=end)
    return Verdict(Status.DONE, f"本届到{said}")


def term_end(started: date) -> date:
    """The day on which a term ends that began on ``started``."""
    return period.months_later(started, 12 * TERM_YEARS)


def study_hours(facts: Facts) -> Verdict:
    """Members 32, secretaries and committee 56 学时 a year, unless the branch sets otherwise (党员教育培训工作规划, medium).

    A year that began before the branch used the product is only partly known, so that a shortfall in it proves nothing.
    """
    if not facts.members:
        return Verdict(Status.NOT_APPLICABLE, "没有在册党员")
    chosen, now = facts.choices, period.containing("year", facts.today)
    parts = [
        ("书记和支委", facts.committee & facts.members, chosen.study_hours_leader),
        ("其他党员", facts.members - facts.committee, chosen.study_hours_member),
    ]
    reached = [sum(_hours(facts, one) >= least for one in who) for _, who, least in parts]
    text = "，".join(
        f"{what}满{least}学时 {done}/{len(who)} 人"
        for (what, who, least), done in zip(parts, reached, strict=True)
        if who
    )
    if sum(reached) == len(facts.members):
        return Verdict(Status.DONE, f"今年{text}", now)
    if facts.known_since > now.first:
        since = facts.known_since
        return Verdict(Status.UNKNOWN, f"今年{text}（只统计了{since.month}月{since.day}日以后记下的）", now)
    return Verdict(Status.DUE, f"今年{text}，{until(now.last, facts.today)}", now, now.last)


def _hours(facts: Facts, member: int) -> float:
    return facts.minutes.get(member, 0) / facts.choices.study_minutes_per_hour
