"""The rules of points as they hold for a branch on a day: the shipped ones, and over them the branch's own versions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache

from sqlalchemy import ColumnElement, Date, bindparam, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchRule, PointEntry
from bot.services.permission import Actor
from content import points as rules_file
from content.points import BRANCH_VERSIONS, GIVERS, PointRules, Rule

PER = {"day": "每天", "month": "每月", "quarter": "每季度"}


class NotYoursToGive(Refusal):
    text = "按“{rule}”由{givers}给分，请联系他们。发 积分规则 看各条由谁给。"


class NothingToGiveBy(Refusal):
    text = "本支部没有由您给分的规则。发 积分规则 看各条由谁给。"


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


def name_of(code: str) -> str:
    """What a shipped rule is called, also one that is still to come."""
    return next(one.name for one in reversed(rules().rules) if one.code == code)


def _exactly(rule: Rule, text: str) -> bool:
    return text in (rule.code, rule.name)


def _by_another_word(rule: Rule, text: str) -> bool:
    return text in rule.words or text in rule.name.split("、")


def _in_part(rule: Rule, text: str) -> bool:
    return len(text) >= 2 and any(text in word for word in (rule.name, *rule.words))


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
    return f"{day_said(since)}至{day_said(to)}" if to else f"{day_said(since)}起"


def day_said(on: date) -> str:
    """2027年1月1日."""
    return f"{on.year}年{on.month}月{on.day}日"
