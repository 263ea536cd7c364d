"""年度计划：十二个月的主题党日点子，每个都结合一个生产问题。"""

from __future__ import annotations

import re
from datetime import time

from sqlalchemy import select

from bot import when
from bot.chat import Context, Reply, Router
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.services import draft
from bot.services.permission import Action
from bot.times import at_time, local

router = Router()

_MONTH = re.compile(r"(\d{1,2}|十[一二]?|[一二三四五六七八九])\s*月?(?:份)?")


class NoSuchMonth(Refusal):
    text = "没看懂是哪个月。可以写：年度计划 12"


@router.command(
    "年度计划",
    "全年计划",
    "主题党日计划",
    takes="月份",
    optional=True,
    examples=("年度计划", "年度计划 12"),
    about=("年度 全年 一年", "计划 安排"),
)
def plan(ctx: Context, text: str = "") -> Reply:
    if text:
        return one_month(ctx, text)
    held = _held(ctx)
    lines = [
        f"{one.month}月 {one.theme}（{_short(one.production)}）{'√' if one.month in held else ''}"
        for one in draft.ideas()
    ]
    # Twelve lines are what a phone shows: the hint stands behind the last month.
    marked = "√ 表示今年已安排，" if held else ""
    return Reply("\n".join(lines) + f"　（{marked}看怎么办请回复 年度计划 12）")


def _short(production: str) -> str:
    """The production problem without its details."""
    return re.split(r"[：，；。、]", production)[0]


def _held(ctx: Context) -> set[int]:
    """The months of this year for which the branch has published or recorded a theme day."""
    begins = at_time(ctx.now.date().replace(month=1, day=1), time(), ctx.now)
    days = ctx.session.scalars(
        select(Activity.starts_at).where(
            Activity.branch_id == ctx.member.branch_id,
            Activity.kind == draft.THEME_DAY,
            Activity.state != ActivityState.CANCELLED,
            Activity.starts_at >= begins,
        )
    )
    there = [local(at, ctx.now) for at in days]
    return {at.month for at in there if at.year == ctx.now.year}


def one_month(ctx: Context, text: str) -> Reply:
    """The month's idea with its steps; who may publish takes it with 1."""
    found = _MONTH.fullmatch(text.strip())
    month = when.number(found[1]) if found else 0
    if not 1 <= month <= 12:
        raise NoSuchMonth
    idea = draft.ideas()[month - 1]
    lines = [
        f"{month}月主题党日：{idea.theme}",
        f"结合生产：{idea.production}",
        *(f"· {step}" for step in idea.steps),
        idea.why,
    ]
    if not ctx.actor.may(Action.PUBLISH):
        return Reply("\n".join([*lines, "可以发：年度计划 看全年"]))
    return Reply(
        "\n".join([*lines, "回复 1 用这个主题发布主题党日"]), choices=(f"发布主题党日 主题:{idea.theme}",)
    )
