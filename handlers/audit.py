"""操作记录：谁在什么时候、从哪个渠道、对谁做了什么，按姓名查，可导出。"""

from __future__ import annotations

from sqlalchemy import select

from bot import journal
from bot.chat import Context, Reply, Router
from bot.models.member import Member
from bot.services import audit, download
from bot.services.download import DocumentKind, Wanted
from bot.services.permission import Action
from bot.times import clock

router = Router()


@router.command(
    "操作记录",
    "查记录",
    takes="姓名",
    optional=True,
    examples=("操作记录 张三", "操作记录"),
    needs=Action.SEE_AUDIT,
)
def show(ctx: Context, text: str = "") -> Reply:
    return journal.page(ctx, text)


@router.command(
    "导出操作记录",
    "导出 操作记录",
    takes="姓名",
    optional=True,
    examples=("导出操作记录", "导出操作记录 张伟"),
    needs=Action.SEE_AUDIT,
)
def export(ctx: Context, name: str = "") -> Reply:
    """A link to the workbook. Namesakes share a file: the log tells them apart no better than their names."""
    subject = 0
    if name:
        if not audit.is_somebody(ctx.session, ctx.actor, name):
            return Reply(f"没有找到您能查的“{name[:12]}”。请核对姓名，例如：导出操作记录 张伟")
        subject = ctx.session.scalars(select(Member.id).where(Member.name == name).limit(1)).one()
    wanted = Wanted(DocumentKind.AUDIT, ctx.member.branch_id, subject, ctx.member.id)
    token = download.sign(ctx.settings.secret_key.get_secret_value(), wanted, now=ctx.now)
    download.record(
        ctx.session, wanted, "生成下载链接", member=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    until = clock(ctx.now + download.LASTS, ctx.now)
    whose = f"{name}的" if name else "您能看的全部"
    return Reply(
        f"{whose}操作记录（Excel）：\n{ctx.settings.base_url}/m/download/{token}\n{until} 前有效，只限本人打开；打开也会记一条。"
    )
