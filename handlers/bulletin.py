"""积分公示文件：最近一次公示或定稿的积分，生成 Word 和 Excel，给十分钟有效的下载链接。"""

from __future__ import annotations

from bot.chat import Context, Router
from bot.services import bulletin, download, settlement_period
from bot.services.download import DocumentKind, Wanted
from bot.services.permission import Action
from bot.times import clock

router = Router()


@router.command(
    "积分通报",
    "公示文件",
    "通报",
    "积分公示文件",
    "导出积分公示",
    "导出 积分公示",
    "导出公示",
    "导出 公示",
    "导出 积分公示表",
    examples=("积分通报", "导出 积分公示"),
    needs=Action.SEE_BRANCH,
)
def export(ctx: Context) -> str:
    branch = ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.actor.branch_id)
    one = bulletin.newest(ctx.session, branch.id)
    until = clock(ctx.now + download.LASTS, ctx.now)
    return (
        f"{branch.name}{settlement_period.title(one.period)}积分公示（{one.state.value}）\n"
        f"Word：{_link(ctx, DocumentKind.BULLETIN, branch.id, one.id)}\n"
        f"Excel：{_link(ctx, DocumentKind.BULLETIN_SHEET, branch.id, one.id)}\n"
        f"{until} 前有效，打开时生成。只限您本人使用，请不要转发。没有记录的地方留空。\n还可以发：结算情况"
    )


def _link(ctx: Context, kind: DocumentKind, branch_id: int, settlement_id: int) -> str:
    """A fresh address, noted in the audit log."""
    wanted = Wanted(kind, branch_id, settlement_id, ctx.member.id)
    token = download.sign(ctx.settings.secret_key.get_secret_value(), wanted, now=ctx.now)
    download.record(
        ctx.session, wanted, "导出文件", member=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    return f"{ctx.settings.base_url}/m/download/{token}"
