"""积分上限：大家看每个维度每季度最多计多少分，书记为本支部改下季度起的上限，不动已经记的分。"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from bot import when
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.organisation import Organisation
from bot.services import point_cap, settlement_period
from bot.services.permission import Action
from bot.times import quarter

router = Router()

CHOICES = ("确认", "取消")
_ORDER = re.compile(
    r"(?P<name>[^\d\s:：]+?)[\s:：]*(?:改为|上限)?[\s:：]*(?P<cap>\d{1,6})\s*分?\s*(?:(?:从|自)\s*(?P<since>\S+?)\s*(?:起|开始)?)?"
)


class NotUnderstood(Refusal):
    text = "没看懂要怎么改。可以写：积分上限 党员教育管理 30 从下季度；不改了可写：积分上限 撤回 党员教育管理"


@router.command(
    "积分上限",
    "维度上限",
    takes="维度、分数和从哪个季度起",
    optional=True,
    examples=("积分上限", "积分上限 党员教育管理 30 从下季度"),
)
def show(ctx: Context, text: str = "") -> Answer:
    if not text:
        return _listed(ctx)
    if text.startswith("撤回"):
        return _withdrawn(ctx, _branch(ctx), point_cap.named(text.removeprefix("撤回").strip()))
    found = _ORDER.fullmatch(text.strip())
    if found is None:
        raise NotUnderstood
    dimension = point_cap.named(found["name"])
    return _asked(ctx, _branch(ctx), dimension, int(found["cap"]), _period(ctx, found["since"] or "下季度"))


def _listed(ctx: Context) -> str:
    caps, this = point_cap.of_branch(ctx.session, ctx.actor.branch_id), quarter(ctx.now)
    lines = [f"{name}：{cap} 分" for name, cap in caps.of(this).items()]
    coming = [
        f"{settlement_period.title(since)}起 {name}：{cap} 分"
        for name, since, cap in caps.own
        if since > this
    ]
    change = "；要改可发：积分上限 党员教育管理 30 从下季度" if ctx.actor.may(Action.SETTLE) else ""
    return "\n".join(["每个维度每季度最多计（超出的不计）", *lines, *coming, f"可发：积分规则{change}"])


def _period(ctx: Context, said: str) -> str:
    """The quarter that is meant: 下季度, 一季度, 2027年二季度, or the one in which a day lies."""
    if said in ("下季度", "下个季度", "下季"):
        return point_cap.next_quarter(ctx.now)
    if "季" in said or "Q" in said.upper():
        period = settlement_period.named(said, ctx.now.date())
        later = (
            settlement_period.named(f"{ctx.now.year + 1}年{said}", ctx.now.date())
            if "年" not in said
            else period
        )
        return period.name if period.name > quarter(ctx.now) else later.name
    day = when.find(said, ctx.now).day
    if day is None:
        raise when.WhenNotUnderstood(said=said)
    return _quarter_of(day)


def _quarter_of(day: date) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def _asked(ctx: Context, branch: Organisation, dimension: str, cap: int, period: str) -> Ask:
    before = point_cap.plan(ctx.session, branch, dimension, cap, period, now=ctx.now)
    text = f"{branch.name}“{dimension}”，{settlement_period.title(period)}起每季度最多计 {cap} 分（原来 {before} 分）。以前的季度不变。"
    data = {"branch": branch.id, "dimension": dimension, "cap": cap, "period": period}
    return Ask(
        f"{text}\n1 确认\n2 取消", step=confirm, data=data, title=f"改“{dimension}”上限", choices=CHOICES
    )


@router.step(words=CHOICES)
def confirm(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有改动。发 积分上限 看现在的上限。"
    branch = ctx.actor.on_branch(ctx.session, Action.SETTLE, data["branch"])
    dimension, cap, period = data["dimension"], data["cap"], data["period"]
    if text != "确认":
        return _asked(ctx, branch, dimension, cap, period)
    point_cap.change(
        ctx.session, branch, dimension, cap, period, by=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    said = f"已定：{settlement_period.title(period)}起“{dimension}”每季度最多计 {cap} 分。以前的季度不变。"
    undo = Undo(take_back, {"dimension": dimension, "branch": branch.id})
    return Reply(f"{said}\n5分钟内可回复 撤销；开始前可发：积分上限 撤回 {dimension}", undo=undo)


@router.undo
def take_back(ctx: Context, dimension: str, branch: int) -> str:
    return _withdrawn(ctx, ctx.actor.on_branch(ctx.session, Action.SETTLE, branch), dimension)


def _withdrawn(ctx: Context, branch: Organisation, dimension: str) -> str:
    point_cap.withdraw(
        ctx.session, branch, dimension, by=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    return f"已撤回：“{dimension}”还没开始的新上限。发 积分上限 看现在的上限。"


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.SETTLE, ctx.actor.branch_id)
