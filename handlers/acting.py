"""切换支部：在几个支部有职务的，先说明今天代表哪个支部办事，再发布、通知、查看。"""

from __future__ import annotations

from sqlalchemy import select

from bot.chat import Context, Reply, Router
from bot.errors import Refusal
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.permission import Action

router = Router()

HOME = ("本支部", "自己支部", "原支部", "回来")
SHOWN = 9


class NowhereElse(Refusal):
    text = "您没有其他支部的职务，办的都是本支部的事。发 菜单 看能做什么。"


class NoSuchBranch(Refusal):
    text = "没有找到您能代表的支部“{said}”。回复 切换支部 看有哪些。"


@router.command(
    "切换支部",
    "代表支部",
    takes="支部",
    optional=True,
    examples=("切换支部", "切换支部 保电临时党支部", "切换支部 本支部"),
    needs=Action.SEE_GROUP,
)
def switch(ctx: Context, said: str = "") -> Reply | str:
    branches = _branches(ctx)
    if not branches:
        raise NowhereElse
    if said in HOME:
        ctx.talk.act_for(None)
        return "已回到本支部。发布、通知和查看都是本支部的事。"
    found = [one for one in branches if said and said in one.name]
    exact = [one for one in found if one.name == said]
    if len(exact or found) == 1:
        return _acts_for(ctx, (exact or found)[0])
    if said and not found:
        raise NoSuchBranch(said=said[:20])
    return _listed(ctx, found or branches)


def _branches(ctx: Context) -> list[Organisation]:
    """The branches, but the own one, at or above which the sender is in charge of something."""
    mine = (
        Organisation.kind == OrganisationKind.BRANCH,
        Organisation.id != ctx.member.branch_id,
        ctx.actor.within(Action.SEE_GROUP),
    )
    return list(ctx.session.scalars(select(Organisation).where(*mine).order_by(Organisation.id)))


def _acts_for(ctx: Context, branch: Organisation) -> str:
    ctx.talk.act_for(branch.id)
    return (
        f"今天代表{branch.name}办事：发布活动、通知、签到码、谁没报名、体检、导出等都是{branch.name}的。\n"
        "报名、签到、答题、积分仍是您自己的。\n回来请发：切换支部 本支部（到明天自动回来）"
    )


def _listed(ctx: Context, branches: list[Organisation]) -> Reply:
    now = ctx.session.get_one(Organisation, ctx.actor.branch_id).name
    shown = branches[:SHOWN]
    lines = [f"{n} {one.name}" for n, one in enumerate(shown, 1)]
    more = [f"还有 {len(branches) - SHOWN} 个，请写名称：切换支部 名称"] if len(branches) > SHOWN else []
    foot = "回复数字，今天代表这个支部办事；回到本支部请发：切换支部 本支部"
    return Reply(
        "\n".join([f"现在代表{now}办事。可以换到：", *lines, *more, foot]),
        choices=tuple(f"切换支部 {one.name}" for one in shown),
    )
