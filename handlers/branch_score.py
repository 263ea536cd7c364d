"""堡垒指数：支部战斗堡垒指数，从已有记录推算，逐项说明；上级看下面各支部，不作排名。"""

from __future__ import annotations

import re

from sqlalchemy import ColumnElement

from bot.chat import Context, Reply, Router
from bot.errors import Refusal
from bot.models.organisation import Organisation
from bot.services import branch_score, settlement_period
from bot.services.branch_score import Score, Scored
from bot.services.permission import Action
from bot.services.settlement_period import Period

router = Router()

SHOWN = 8
SURE = {"high": "高", "medium": "中", "check": "自拟，仅供自查"}
_PAGE = re.compile(r"第?\s*(\d{1,4})\s*页")
_NUMBER = re.compile(r"#\s*(\d{1,9})")


class NotAQuarter(Refusal):
    text = "堡垒指数按季度算。可以写：堡垒指数 三季度"


class NotBegun(Refusal):
    text = "{period}还没有开始。可以写：堡垒指数"


class NoSuchBranch(Refusal):
    text = "没有找到您能看的支部“{said}”。可以写：堡垒指数、堡垒指数 三季度"


@router.command(
    "堡垒指数",
    "战斗堡垒指数",
    "支部指数",
    "支部评分",
    takes="季度",
    optional=True,
    examples=("堡垒指数", "堡垒指数 三季度"),
    needs=Action.SEE_BRANCH,
)
def show(ctx: Context, text: str = "") -> Reply:
    page, number = _PAGE.search(text), _NUMBER.search(text)
    rest = _NUMBER.sub(" ", _PAGE.sub(" ", text)).strip()
    period = _period(ctx, rest)
    scores = branch_score.of_scope(ctx.session, _scope(ctx, number), period, ctx.now)
    if not scores:
        raise NoSuchBranch(said=f"#{number[1]}" if number else "")
    if len(scores) == 1 and page is None:
        return _one(scores[0], overview=number is not None)
    return _all(scores, period, max(int(page[1]), 1) if page else 1)


def _period(ctx: Context, said: str) -> Period:
    today = ctx.now.date()
    if not said or said in ("本季", "本季度"):
        return branch_score.this_quarter(today)
    period = settlement_period.named(said, today)
    if "Q" not in period.name:
        raise NotAQuarter
    if period.starts_on > today:
        raise NotBegun(period=settlement_period.title(period.name))
    return period


def _scope(ctx: Context, number: re.Match[str] | None) -> ColumnElement[bool]:
    allowed = ctx.actor.within(Action.SEE_BRANCH)
    return allowed & (Organisation.id == int(number[1])) if number else allowed


def _one(score: Score, *, overview: bool) -> Reply:
    total = "有记录的还不到一半，先不算总分" if score.total is None else f"{score.total} 分（满分 100）"
    version = score.version
    head = f"{score.name}{settlement_period.title(score.period.name)}战斗堡垒指数：{total}"
    foot = f"第{version.number}版，{version.source}（把握：{SURE[version.confidence]}）。只看支部，不评个人。"
    say = "可发：体检、积分表；看以前的请发：堡垒指数 三季度"
    choices = (f"堡垒指数 {score.period.name}",) if overview else ()
    back = ["回复 1 回到各支部"] if overview else [say]
    return Reply("\n".join([head, *map(_line, score.parts), foot, *back]), choices=choices)


def _line(one: Scored) -> str:
    """组织生活按时 35/40：应 6 次，按时 5 次."""
    target = f"，满分要 {one.part.target:.0%}" if one.part.target < 1 else ""
    if one.points is None:
        return f"{one.part.name} 未计入：{one.found.text}"
    return f"{one.part.name} {one.points:.0f}/{one.part.weight}：{one.found.text}{target}"


def _all(scores: list[Score], period: Period, page: int) -> Reply:
    """The branches in the order in which they were made; a number opens one."""
    shown = scores[(page - 1) * SHOWN : page * SHOWN]
    if not shown:
        raise NoSuchBranch(said=f"第{page}页")
    lines = [
        f"{n} {one.name}：{'记录还不够' if one.total is None else f'{one.total} 分'}"
        for n, one in enumerate(shown, 1)
    ]
    choices = [f"堡垒指数 {period.name} #{one.branch_id}" for one in shown]
    if len(scores) > page * SHOWN:
        choices.append(f"堡垒指数 {period.name} 第{page + 1}页")
        lines.append(f"{len(choices)} 还有 {len(scores) - page * SHOWN} 个支部")
    head = f"{settlement_period.title(period.name)}战斗堡垒指数，{len(scores)} 个支部（按登记顺序，不排名）"
    return Reply(
        "\n".join([head, *lines, "回复数字看这个支部怎么算的；也可发：体检"]), choices=tuple(choices)
    )
