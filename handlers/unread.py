"""未读消息：推送不到的，本人下次发消息时看到。"""

from __future__ import annotations

from collections.abc import Iterator

from bot.chat import Context, Router, Waiting
from bot.services import outbox

router = Router()


@router.waiting(outbox.IS_HELD)
def waiting(ctx: Context) -> Iterator[Waiting]:
    held = outbox.held_count(ctx.session, ctx.member.id, ctx.now)
    if held:
        yield Waiting("held", f"有 {held} 条没送到的消息，回复 未读")


@router.command("未读", "未读消息", "没送到的消息", about=("未读 没看到 漏掉", "消息 通知"))
def unread(ctx: Context) -> str:
    shown = outbox.show_held(ctx.session, ctx.member.id, now=ctx.now)
    if not shown:
        return "没有未读的消息。回复 菜单 看看能做什么。"
    lines = [f"{n} {outbox.told(row)}" for n, row in enumerate(shown, 1)]
    left = outbox.held_count(ctx.session, ctx.member.id, ctx.now)
    more = f"还有 {left} 条，再回复 未读" if left else "就这些了。有通知要回执的，请回复 收到"
    return "\n".join([*lines, more])
