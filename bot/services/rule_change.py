"""How a branch changes a rule of points for the days to come: looked at first, written under a lock, withdrawn while it has not begun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchRule
from bot.services import audit
from bot.services.point_rule import day_said, figures, merged, name_of, rules, span
from content.points import Rule

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


class NotGiven(Refusal):
    text = "“{rule}”由系统自动记分，不用定由谁给。"


class NothingToWithdraw(Refusal):
    text = "“{rule}”没有还没开始的新规则，不能撤回。已经生效的请另发新的，例如：积分规则 {rule} 恢复默认"


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

    :class:`NotForThePast`, :class:`StillToCome`, :class:`EndsBeforeItBegins`, :class:`BadFigures`, :class:`NotGiven`, :class:`ValidityOverlaps`, :class:`NothingChanges`.
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
        raise NothingChanges(rule=shipped.name, since=day_said(wish.since))
    return Change(wish, before, after, row)


def _shipped(code: str, day: date) -> Rule:
    """The shipped rule on a day; :class:`StillToCome` when its first version begins later."""
    coming = min((one for one in rules().rules if one.code == code), key=lambda one: one.valid_from)
    if day < coming.valid_from:
        on = coming.valid_from
        raise StillToCome(rule=coming.name, since=day_said(on), month=on.month, day=on.day)
    return rules().rule(code, day)


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
        raise EndsBeforeItBegins(to=day_said(wish.to), since=day_said(wish.since))


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
