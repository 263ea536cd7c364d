"""积分规则：大家看怎么得分，书记改本支部的分值和上限，只管以后，不动已经记的分。"""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from bot import when
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.organisation import Organisation
from bot.services import point_rule, rule_change
from bot.services.permission import Action
from bot.services.rule_change import Change, Wish
from content.points import GIVERS, Rule

router = Router()

CHOICES = ("确认", "取消")
_DATE = r"(?:20\d\d\s*[年/.\-]\s*)?\d{1,2}\s*[月/.\-]\s*\d{1,2}\s*[日号]?|今天|明天|后天|下个?月"
_SINCE = re.compile(rf"(?:从|自)\s*(?P<day>{_DATE})\s*(?:起|开始)?")
_TO = re.compile(rf"(?:到|至|止)\s*(?P<day>{_DATE})\s*(?:为止|止)?")
_CAP = re.compile(
    r"(?:(?:每天|每日|每个?月|每个?季度?)?\s*(?:上限|最多计?|封顶)\s*(?:改为|为)?|每(?:天|日|个?月|个?季度?))\s*(?P<cap>\d{1,6})\s*分?"
)
_POINTS = re.compile(r"(?:每次|每条)?\s*(?:改为|记)?\s*(?P<points>[+-]?\d{1,6})\s*分")
_GIVERS = re.compile(r"由\s*(?P<givers>[^\d\s]+?)\s*给分?")
_WORDS = {"停用": {"active": False}, "启用": {"active": True}, "恢复默认": {"active": True, "shipped": True}}


class NoSuchRule(Refusal):
    text = "没有找到规则“{said}”。发 积分规则 看有哪些；要改可写：积分规则 参加主题党日 3分 从1月1日"


class NoSuchGivers(Refusal):
    text = f"没看懂由谁给：“{{said}}”。可以写：由书记给，由书记、副书记给，由委员给；能写的有{'、'.join(GIVERS)}。"


class NothingSaid(Refusal):
    text = "要怎么改“{rule}”？可以写：积分规则 {rule} 3分 从1月1日；也可以写 上限 30分、由书记给、停用、启用、恢复默认。"


@router.command(
    "积分规则",
    "记分规则",
    "怎么得分",
    "怎么加分",
    takes="规则和要改的内容",
    optional=True,
    examples=("积分规则", "怎么得分", "积分规则 参加主题党日 3分 从1月1日"),
    about=("积分 得分 加分 记分", "规则 怎么得 怎么才能"),
)
def show(ctx: Context, text: str = "") -> Answer:
    if not text:
        return _listed(ctx)
    if text.startswith("撤回"):
        return _withdrawn(ctx, text.removeprefix("撤回").strip())
    wish, name = _understood(text, ctx)
    rule = point_rule.named(name)
    if rule is None:
        raise NoSuchRule(said=name[:20])
    if not wish.keys() - {"since", "to"}:
        if wish:
            raise NothingSaid(rule=rule.name)
        return _one(ctx, rule)
    branch = _branch(ctx)
    return _asked(ctx, branch, Wish(rule.code, **{"since": ctx.now.date() + timedelta(days=1), **wish}))


# Showing ----------------------------------------------------------------------------------------------------------------


def _listed(ctx: Context) -> str:
    """A line for each dimension; caps and days stand under each rule."""
    held = _rules(ctx)
    lines = [
        f"{dimension.name}：{'；'.join(_short(rule) for rule in held if rule.dimension == dimension.name)}"
        for dimension in point_rule.rules().dimensions
    ]
    coming = [
        f"{one.valid_from:%Y-%m-%d}起 {_short(one)}"
        for one in point_rule.coming(ctx.session, ctx.actor.branch_id, ctx.now.date())
    ]
    change = "；要改可发：积分规则 参加主题党日 3分 从1月1日" if ctx.actor.may(Action.SETTLE) else ""
    foot = f"★是本支部自己定的。看一条和它的上限可发：积分规则 答题{change}"
    return "\n".join(["积分规则（每次的分）", *lines, *coming[:3], foot])


def _short(rule: Rule) -> str:
    mark = "★" if rule.label else ""
    if not rule.active:
        return f"{rule.name} 停用{mark}"
    points = f"1–{point_rule.most_of(rule)}" if rule.given else str(rule.points)
    return f"{rule.name} {points}分{mark}"


def _one(ctx: Context, shipped: Rule) -> str:
    branch, today = ctx.actor.branch_id, ctx.now.date()
    # A rule that is still to come is shown as it will be.
    rule = next((one for one in _rules(ctx) if one.code == shipped.code), shipped)
    coming = [
        f"{point_rule.span(one.valid_from, one.valid_to)}：{point_rule.figures(one)}（{one.edition}）"
        for one in point_rule.coming(ctx.session, branch, today)
        if one.code == rule.code
    ]
    who = "" if rule.given else "；系统自动记"
    lines = [
        f"{rule.name}（{rule.dimension}，{rule.edition}）",
        f"{point_rule.figures(rule)}{who}；{point_rule.span(rule.valid_from, rule.valid_to)}有效",
        *coming,
    ]
    return "\n".join([*lines, "可发：积分规则（看全部）；积分"])


def _rules(ctx: Context) -> list[Rule]:
    return point_rule.in_branch(ctx.session, ctx.actor.branch_id, ctx.now.date())


# Changing ---------------------------------------------------------------------------------------------------------------


def _understood(text: str, ctx: Context) -> tuple[dict[str, Any], str]:
    """What is wished, and what is left of the text: the name of the rule."""
    wish: dict[str, Any] = {}
    for pattern, name in ((_SINCE, "since"), (_TO, "to"), (_CAP, "cap"), (_POINTS, "points")):
        found = pattern.search(text)
        if found:
            text = f"{text[: found.start()]} {text[found.end() :]}"
            said = found[1]
            wish[name] = int(said) if name in ("cap", "points") else _day(said, ctx, wish.get("since"))
    if by := _GIVERS.search(text):
        text = f"{text[: by.start()]} {text[by.end() :]}"
        wish["givers"] = _givers(by["givers"])
    for word, values in _WORDS.items():
        if word in text:
            text = text.replace(word, " ")
            wish |= values
    return wish, text.strip(" ,，。：:；;改为")


def _givers(said: str) -> tuple[str, ...]:
    """Who is named; 委员 are all of the committee."""
    words = re.split(r"[、，,和或及与]+", said)
    if not set(words) <= {*GIVERS, "委员", "支委", "支委会"}:
        raise NoSuchGivers(said=said[:20])
    if set(words) - set(GIVERS):
        return GIVERS
    return tuple(one for one in GIVERS if one in words)


def _day(said: str, ctx: Context, since: date | None) -> date:
    """The day; without a year the next such day, and an end is the next one after the beginning."""
    found = when.find(said, ctx.now).day
    if found is None:
        raise when.WhenNotUnderstood(said=said)
    if since is not None and found < since and not re.search(r"20\d\d", said):
        return found.replace(year=found.year + 1)
    return found


def _asked(ctx: Context, branch: Organisation, wish: Wish) -> Ask:
    planned = rule_change.plan(ctx.session, branch, wish, by=ctx.member, now=ctx.now)
    data = {**asdict(wish), "since": wish.since.isoformat(), "to": wish.to and wish.to.isoformat()}
    return Ask(
        f"{_preview(branch, planned)}\n1 确认\n2 取消",
        step=confirm,
        data={"wish": data, "branch": branch.id},
        title=f"改积分规则“{planned.after.name}”",
        choices=CHOICES,
    )


def _preview(branch: Organisation, planned: Change) -> str:
    span = point_rule.span(planned.wish.since, planned.wish.to)
    return (
        f"{branch.name}“{planned.after.name}”，{span}\n"
        f"原来：{point_rule.figures(planned.before)}（{planned.before.edition}）\n"
        f"改为：{point_rule.figures(planned.after)}（{planned.after.edition}）\n"
        "以前记的分不变。"
    )


@router.step(words=CHOICES)
def confirm(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有改动。发 积分规则 看现在的规则。"
    stored = data["wish"]
    to = stored["to"] and date.fromisoformat(stored["to"])
    givers = stored["givers"] and tuple(stored["givers"])
    wish = Wish(**{**stored, "since": date.fromisoformat(stored["since"]), "to": to, "givers": givers})
    branch = ctx.actor.on_branch(ctx.session, Action.SETTLE, data["branch"])
    if text != "确认":
        return _asked(ctx, branch, wish)
    done = rule_change.change(
        ctx.session, branch, wish, by=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    text = f"已定：{point_rule.span(wish.since, wish.to)}，{done.after.name}{point_rule.figures(done.after)}（{done.after.edition}）。以前记的分不变。"
    undo = Undo(take_back, {"rule": wish.code, "row": done.row.id})
    return Reply(f"{text}\n5分钟内可回复 撤销；开始前可发：积分规则 撤回 {done.after.name}", undo=undo)


@router.undo
def take_back(ctx: Context, rule: str, row: int) -> str:
    return _taken_back(ctx, rule, row)


def _withdrawn(ctx: Context, name: str) -> str:
    rule = point_rule.named(name)
    if rule is None:
        raise NoSuchRule(said=name[:20])
    return _taken_back(ctx, rule.code)


def _taken_back(ctx: Context, code: str, row_id: int | None = None) -> str:
    channel = ctx.message.channel
    row = rule_change.withdraw(
        ctx.session, _branch(ctx), code, by=ctx.member, now=ctx.now, row_id=row_id, channel=channel
    )
    name = point_rule.name_of(code)
    span = point_rule.span(row.valid_from, row.valid_to)
    return f"已撤回：{name}（{span}，本支部第{row.number}版）。发 积分规则 看现在的规则。"


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.SETTLE, ctx.actor.branch_id)
