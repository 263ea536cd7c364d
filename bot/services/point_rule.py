"""The rules of points as they hold for a branch on a day: the shipped ones, and over them the branch's own versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from sqlalchemy import ColumnElement, Date, bindparam, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchRule, PointEntry
from bot.services import audit
from bot.services.permission import Actor
from content import points as rules_file
from content.points import BRANCH_VERSIONS, GIVERS, PointRules, Rule

PER = {"day": "每天", "month": "每月", "quarter": "每季度"}
MOST_POINTS, MOST_CAP = 25, 100
"""What a branch may set: one deed never fills more than a dimension of the shipped rules."""


class NotForThePast(Refusal):
    text = "积分规则只能从明天起改，已经记的分不变。例如：积分规则 {rule} 3分 从{month}月{day}日"


class StillToCome(Refusal):
    text = "“{rule}”从{since}起才有，请写这一天或以后。例如：积分规则 {rule} 3分 从{month}月{day}日"


class EndsBeforeItBegins(Refusal):
    text = "结束的日子（{to}）在开始的日子（{since}）前面，请重新写。"


class ValidityOverlaps(Refusal):
    text = "{span}与“{rule}”{label}（{theirs}）的有效期重叠，没有改。请换个日子，或先发：积分规则 撤回 {rule}"


class BadFigures(Refusal):
    text = f"每次 1–{MOST_POINTS} 分，上限 1–{MOST_CAP} 分，每次的分不能超过上限；您写的是每次 {{points}} 分、上限 {{cap}} 分。"


class NothingChanges(Refusal):
    text = "“{rule}”从{since}起本来就是这样，没有改动。"


class NotYoursToGive(Refusal):
    text = "按“{rule}”由{givers}给分，请联系他们。发 积分规则 看各条由谁给。"


class NothingToGiveBy(Refusal):
    text = "本支部没有由您给分的规则。发 积分规则 看各条由谁给。"


class NotGiven(Refusal):
    text = "“{rule}”由系统自动记分，不用定由谁给。"


class NothingToWithdraw(Refusal):
    text = "“{rule}”没有还没开始的新规则，不能撤回。已经生效的请另发新的，例如：积分规则 {rule} 恢复默认"


@lru_cache(maxsize=1)
def rules() -> PointRules:
    """The shipped rules, read once."""
    return rules_file.load()


# What holds -------------------------------------------------------------------------------------------------------------


def _holds(day: date | ColumnElement[date]) -> tuple[ColumnElement[bool], ...]:
    """A version for some weeks lies over one without an end, which holds again after it: the one that began last counts."""
    return BranchRule.valid_from <= day, BranchRule.valid_to.is_(None) | (BranchRule.valid_to >= day)


# Built once, like the statements of the ledger: rules are asked for with every award.
_OF_MEMBER = (
    select(BranchRule)
    .where(
        BranchRule.branch_id
        == select(Member.branch_id).where(Member.id == bindparam("member")).scalar_subquery(),
        BranchRule.rule == bindparam("rule"),
        *_holds(bindparam("day", type_=Date)),
    )
    .order_by(BranchRule.valid_from.desc())
    .limit(1)
)


def for_member(session: Session, member_id: int, code: str, day: date) -> Rule:
    """The rule by which a member earns on a day; KeyError when there is none of that name."""
    shipped = rules().rule(code, day)
    own = session.scalars(_OF_MEMBER, {"member": member_id, "rule": code, "day": day}).one_or_none()
    return merged(shipped, own)


def in_branch(session: Session, branch_id: int, day: date) -> list[Rule]:
    """All rules as they hold in a branch on a day, in the order of the file, those out of use too."""
    own = select(BranchRule).where(BranchRule.branch_id == branch_id, *_holds(day))
    last = {one.rule: one for one in session.scalars(own.order_by(BranchRule.valid_from))}
    return [merged(rule, last.get(rule.code)) for rule in rules().rules if rule.valid_on(day)]


def given_in(session: Session, branch_id: int, day: date) -> tuple[Rule, ...]:
    """The rules by which people award points in a branch on a day."""
    return tuple(rule for rule in in_branch(session, branch_id, day) if rule.given and rule.active)


def given_by(session: Session, actor: Actor, branch_id: int, day: date) -> tuple[Rule, ...]:
    """Those of :func:`given_in` by which the actor may give there."""
    branch = session.get_one(Organisation, branch_id)
    return tuple(rule for rule in given_in(session, branch_id, day) if actor.gives(rule.givers, branch))


def require_giver(session: Session, actor: Actor, rule: Rule, branch_id: int) -> None:
    """:class:`NotYoursToGive` when the rule is for others to give by. What no rule lets people give (a missing entry, on appeal) is not asked."""
    if rule.given and not actor.gives(rule.givers, session.get_one(Organisation, branch_id)):
        raise NotYoursToGive(rule=rule.name, givers=givers_of(rule))


def merged(shipped: Rule, own: BranchRule | None) -> Rule:
    """The shipped rule with what a branch has changed."""
    if own is None:
        return shipped
    points = shipped.points if own.points is None else own.points
    return replace(
        shipped,
        version=BRANCH_VERSIONS + own.id,
        points=points,
        cap=max(shipped.cap if own.cap is None else own.cap, points),
        most=max(shipped.most, points) if shipped.given else 0,
        valid_from=own.valid_from,
        valid_to=own.valid_to,
        active=own.active,
        givers=shipped.givers if own.givers is None else tuple(own.givers),
        label=f"本支部第{own.number}版",
    )


def of_entry(session: Session, entry: PointEntry) -> Rule | None:
    """The rule and version that an entry was made by; None when the rules no longer have it."""
    if entry.version < BRANCH_VERSIONS:
        return next((r for r in rules().rules if (r.code, r.version) == (entry.rule, entry.version)), None)
    own = session.get(BranchRule, entry.version - BRANCH_VERSIONS)
    shipped = next((r for r in rules().rules if r.code == entry.rule and own and r.valid_on(entry.day)), None)
    return merged(shipped, own) if shipped else None


# How rules are said -----------------------------------------------------------------------------------------------------


def most_of(rule: Rule) -> int:
    """The most points that one deed can earn by a rule."""
    return max(rule.most, rule.points)


def fitting(rules: Sequence[Rule], text: str) -> list[Rule]:
    """The rules one of whose parts ("技能取证、师带徒") stands in the text."""
    return [rule for rule in rules if any(part in text for part in rule.name.split("、"))]


def rule_lines(rules: Sequence[Rule]) -> str:
    """The rules as a numbered list with dimension and the most points."""
    return "\n".join(
        f"{n} {rule.name}（{rule.dimension}，最多{most_of(rule)}分）" for n, rule in enumerate(rules, 1)
    )


def figures(rule: Rule) -> str:
    """每次 3 分，每季度最多 20 分; 停用."""
    if not rule.active:
        return "停用"
    most = f"（可给 1–{most_of(rule)} 分）" if rule.given else ""
    by = f"，由{givers_of(rule)}给" if rule.given else ""
    return f"每次 {rule.points} 分{most}，{PER[rule.per]}最多 {rule.cap} 分{by}"


def givers_of(rule: Rule) -> str:
    """书记、副书记; 书记或委员 when the whole committee may."""
    return "书记或委员" if set(rule.givers) == set(GIVERS) else "、".join(rule.givers)


def named(text: str) -> Rule | None:
    """The shipped rule that a text names by code, name, another word for it, or a part of these; None when none or several fit."""
    for fits in (_exactly, _by_another_word, _in_part):
        found = {rule.code: rule for rule in rules().rules if fits(rule, text)}
        if len(found) == 1:
            return found.popitem()[1]
    return None


def _shipped(code: str, day: date) -> Rule:
    """The shipped rule on a day; :class:`StillToCome` when its first version begins later."""
    coming = min((one for one in rules().rules if one.code == code), key=lambda one: one.valid_from)
    if day < coming.valid_from:
        on = coming.valid_from
        raise StillToCome(
            rule=coming.name, since=f"{on.year}年{on.month}月{on.day}日", month=on.month, day=on.day
        )
    return rules().rule(code, day)


def name_of(code: str) -> str:
    """What a shipped rule is called, also one that is still to come."""
    return next(one.name for one in reversed(rules().rules) if one.code == code)


def _exactly(rule: Rule, text: str) -> bool:
    return text in (rule.code, rule.name)


def _by_another_word(rule: Rule, text: str) -> bool:
    return text in rule.words or text in rule.name.split("、")


def _in_part(rule: Rule, text: str) -> bool:
    return len(text) >= 2 and any(text in word for word in (rule.name, *rule.words))


# A branch changes a rule ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wish:
    """What a branch wants of a rule from a day on. None leaves a figure as it is then; ``shipped`` gives up all own figures."""

    code: str
    since: date
    to: date | None = None
    points: int | None = None
    cap: int | None = None
    active: bool | None = None
    givers: tuple[str, ...] | None = None
    shipped: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """A wish that may be done: the rule as it would hold on its first day before, and after."""

    wish: Wish
    before: Rule
    after: Rule
    row: BranchRule


def plan(session: Session, branch: Organisation, wish: Wish, *, by: Member, now: datetime) -> Change:
    """What a wish would do; nothing is written.

    :class:`NotForThePast`, :class:`EndsBeforeItBegins`, :class:`BadFigures`, :class:`NotGiven`, :class:`ValidityOverlaps`, :class:`NothingChanges`.
    """
    shipped = _shipped(wish.code, max(wish.since, now.date()))
    if wish.givers and not shipped.given:
        raise NotGiven(rule=shipped.name)
    _require_sensible(wish, shipped, now)
    own = _own(session, branch.id, wish.code)
    _require_free(own, wish, shipped)
    then = next((one for one in own if one.valid_from <= wish.since <= (one.valid_to or wish.since)), None)
    before = merged(shipped, then)
    row = _row(wish, then, number=1 + max((one.number for one in own), default=0))
    row.branch_id, row.set_by, row.set_at = branch.id, by.id, now
    points = shipped.points if row.points is None else row.points
    cap = shipped.cap if row.cap is None else row.cap
    if not (0 < points <= min(cap, MOST_POINTS) and cap <= MOST_CAP):
        raise BadFigures(points=points, cap=cap)
    row.id = 0
    after = merged(shipped, row)
    row.id = None  # type: ignore[assignment]
    if figures(before) == figures(after) and not (wish.shipped and before.label):
        raise NothingChanges(rule=shipped.name, since=_day(wish.since))
    return Change(wish, before, after, row)


def _row(wish: Wish, then: BranchRule | None, number: int) -> BranchRule:
    """The new version: what is wished over what held before, so that each row says all in which it differs."""
    keep = None if wish.shipped else then
    return BranchRule(
        rule=wish.code,
        number=number,
        points=wish.points if wish.points is not None else keep and keep.points,
        cap=wish.cap if wish.cap is not None else keep and keep.cap,
        active=wish.active if wish.active is not None else keep is None or keep.active,
        givers=list(wish.givers) if wish.givers else keep and keep.givers,
        valid_from=wish.since,
        valid_to=wish.to,
    )


def _require_sensible(wish: Wish, shipped: Rule, now: datetime) -> None:
    tomorrow = now.date() + timedelta(days=1)
    if wish.since < tomorrow:
        raise NotForThePast(rule=shipped.name, month=tomorrow.month, day=tomorrow.day)
    if wish.to is not None and wish.to < wish.since:
        raise EndsBeforeItBegins(to=_day(wish.to), since=_day(wish.since))


def _require_free(own: Sequence[BranchRule], wish: Wish, shipped: Rule) -> None:
    """A later version may follow one without an end; anything else that shares a day overlaps."""
    for one in own:
        follows = one.valid_to is None and one.valid_from < wish.since
        ended = one.valid_to is not None and one.valid_to < wish.since
        later = wish.to is not None and wish.to < one.valid_from
        if not (follows or ended or later):
            raise ValidityOverlaps(
                span=span(wish.since, wish.to),
                rule=shipped.name,
                label=f"本支部第{one.number}版",
                theirs=span(one.valid_from, one.valid_to),
            )


def _own(session: Session, branch_id: int, code: str) -> Sequence[BranchRule]:
    """The branch's versions of a rule, the latest first."""
    rows = select(BranchRule).where(BranchRule.branch_id == branch_id, BranchRule.rule == code)
    return session.scalars(rows.order_by(BranchRule.valid_from.desc())).all()


def change(
    session: Session, branch: Organisation, wish: Wish, *, by: Member, now: datetime, channel: str = ""
) -> Change:
    """Write a version for the days to come; refusals as of :func:`plan`, asked again under a lock on the branch."""
    session.execute(
        select(Organisation.id).where(Organisation.id == branch.id).with_for_update(key_share=True)
    )
    done = plan(session, branch, wish, by=by, now=now)
    session.add(done.row)
    session.flush()
    detail = f"{done.after.name} {span(wish.since, wish.to)}：{figures(done.before)} → {figures(done.after)}（{done.after.label}）"
    audit.record(
        session, actor=by, act="修改积分规则", now=now, channel=channel, branch_id=branch.id, detail=detail
    )
    return done


def withdraw(
    session: Session,
    branch: Organisation,
    code: str,
    *,
    by: Member,
    now: datetime,
    row_id: int | None = None,
    channel: str = "",
) -> BranchRule:
    """Take back the version that was made last, or a certain one, if it has not begun; :class:`NothingToWithdraw` otherwise."""
    open_ = [one for one in _own(session, branch.id, code) if one.valid_from > now.date()]
    chosen = [one for one in open_ if row_id in (None, one.id)]
    row = max(chosen, key=lambda one: one.number, default=None)
    name = name_of(code)
    if row is None:
        raise NothingToWithdraw(rule=name)
    session.delete(row)
    session.flush()
    detail = f"{name} {span(row.valid_from, row.valid_to)}（本支部第{row.number}版）"
    audit.record(
        session, actor=by, act="撤回积分规则", now=now, channel=channel, branch_id=branch.id, detail=detail
    )
    return row


def coming(session: Session, branch_id: int, day: date) -> Iterator[Rule]:
    """The branch's versions that begin after a day, in the order of their beginning."""
    rows = select(BranchRule).where(BranchRule.branch_id == branch_id, BranchRule.valid_from > day)
    for row in session.scalars(rows.order_by(BranchRule.valid_from, BranchRule.id)):
        yield merged(rules().rule(row.rule, row.valid_from), row)


def versions(session: Session) -> list[tuple[str, Rule]]:
    """Every version of every branch with the branch's name, for the command line."""
    rows = session.execute(
        select(Organisation.name, BranchRule)
        .join(Organisation, Organisation.id == BranchRule.branch_id)
        .order_by(Organisation.id, BranchRule.rule, BranchRule.valid_from)
    )
    return [(name, merged(rules().rule(row.rule, row.valid_from), row)) for name, row in rows]


def span(since: date, to: date | None) -> str:
    """2027年1月1日起; 2027年1月1日至3月31日."""
    return f"{_day(since)}至{_day(to)}" if to else f"{_day(since)}起"


def _day(on: date) -> str:
    return f"{on.year}年{on.month}月{on.day}日"
