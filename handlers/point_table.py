"""积分表：书记看本支部各组积分、四季走势、谁在哪个维度没有机会得分；支部开了积分榜的，大家看前三分之一。"""

from __future__ import annotations

import re
from itertools import groupby

from bot.chat import Context, Reply, Router
from bot.models.organisation import Organisation
from bot.services import download, point_setting, point_table
from bot.services.download import DocumentKind, Wanted
from bot.services.permission import Action
from bot.services.point_table import Row, Unfair
from bot.services.settlement_period import title
from bot.times import clock, quarter

router = Router()

PAGE = 10


@router.command(
    "积分表",
    "支部积分",
    "积分汇总",
    takes="页码",
    optional=True,
    examples=("积分表",),
    needs=Action.SEE_BRANCH,
)
def table(ctx: Context, text: str = "") -> Reply:
    branch, period = _branch(ctx), quarter(ctx.now)
    found = re.search(r"\d{1,3}", text)
    number = max(int(found[0]), 1) if found else 1
    rows = point_table.table(ctx.session, branch.id, period)
    page = rows[(number - 1) * PAGE : number * PAGE]
    if not page:
        return Reply("没有这一页了。发 积分表 从头看。" if rows else "本支部还没有在册党员。")
    more = len(rows) > number * PAGE
    head = f"{branch.name}{title(period)} 第{number}页（合计：{'、'.join(_short())}）"
    foot = "回复 下一页 看其他人；" if more else ""
    lines = [head, *_by_group(page), f"{foot}可发：积分走势、公平检查、导出积分表、结算"]
    return Reply("\n".join(lines), choices=(f"积分表 第{number + 1}页",) if more else ())


def _short() -> list[str]:
    return [name[:2] for name in point_table.dimensions()]


def _by_group(rows: list[Row]) -> list[str]:
    """One line a group, so that ten people fit on a phone."""
    return [
        f"{group}："
        + "；".join(f"{row.name} {row.total}（{'、'.join(map(str, row.dimensions))}）" for row in some)
        for group, some in groupby(rows, key=lambda row: row.group)
    ]


@router.command("导出积分表", "导出 积分表", needs=Action.SEE_BRANCH)
def export(ctx: Context) -> str:
    branch, period = _branch(ctx), quarter(ctx.now)
    wanted = Wanted(DocumentKind.POINT_TABLE, branch.id, int(period.replace("Q", "")), ctx.member.id)
    token = download.sign(ctx.settings.secret_key.get_secret_value(), wanted, now=ctx.now)
    download.record(
        ctx.session, wanted, "导出文件", member=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    until = clock(ctx.now + download.LASTS, ctx.now)
    return (
        f"{branch.name}{title(period)}积分表（Excel）\n{ctx.settings.base_url}/m/download/{token}\n"
        f"{until} 前有效，打开时生成。只限您本人使用，请不要转发。公示过的请发：积分通报"
    )


@router.command("积分走势", "积分趋势", needs=Action.SEE_BRANCH)
def trend(ctx: Context) -> str:
    branch = _branch(ctx)
    lines = [
        f"{title(one.period)}：{one.people} 人，中位数 {one.median:g}，平均 {one.mean:.1f}，没有得分 {one.none} 人"
        for one in point_table.trend(ctx.session, branch.id, ctx.now)
    ]
    return "\n".join([f"{branch.name}积分走势（现有人员）", *lines, "可发：积分表、公平检查"])


@router.command("公平检查", "积分公平", needs=Action.SEE_BRANCH)
def fairness(ctx: Context) -> str:
    branch = _branch(ctx)
    found = point_table.no_chance(ctx.session, branch.id, ctx.now)
    if not found:
        return f"{branch.name}：近两个季度每个人在每个维度都有得分。可发：积分表"
    lines = [f"{branch.name}：近两个季度没有得分的", *(_line(one) for one in found)]
    return "\n".join([*lines, "没有得分不等于没有做事：请看看规则和安排是否给了机会。可发：积分表、加分"])


def _line(one: Unfair) -> str:
    if one.everybody:
        return f"{one.dimension}：全支部 {len(one.names)} 人"
    names = "、".join(one.names[:8]) + ("等" if len(one.names) > 8 else "")
    groups = f"；{'、'.join(one.groups)}全组没有" if one.groups else ""
    return f"{one.dimension}：{len(one.names)} 人（{names}）{groups}"


@router.command("积分榜", "积分排名")
def ranking(ctx: Context) -> str:
    if not point_setting.read(ctx.session, ctx.member.branch_id).ranking:
        return "本支部不公布个人积分排名。看自己的请发：积分"
    rows = point_table.table(ctx.session, ctx.member.branch_id, quarter(ctx.now))
    best = point_table.upper_third(rows)
    if not best:
        return "本季还分不出前三分之一。看自己的请发：积分"
    lines = [f"{n} {row.name} {row.total} 分" for n, row in enumerate(best[:10], 1)]
    return "\n".join([f"本季积分前三分之一（共 {len(rows)} 人）", *lines, "看自己的请发：积分"])


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.actor.branch_id)
