"""操作记录：谁在什么时候、从哪个渠道、对谁做了什么，按姓名查。"""

from __future__ import annotations

import re

from bot.chat import Context, Reply, Router
from bot.services import audit
from bot.services.audit import Act
from bot.services.permission import Action
from bot.times import local

router = Router()

_CHANNELS = {"wecom": "企业微信", "oa": "公众号", "cli": "命令行"}


@router.command(
    "操作记录",
    "查记录",
    takes="姓名",
    optional=True,
    examples=("操作记录 张三", "操作记录"),
    needs=Action.SEE_AUDIT,
)
def show(ctx: Context, text: str = "") -> Reply:
    page = re.search(r"\s*第\s*(\d{1,4})\s*页$", text)
    number = max(int(page[1]), 1) if page else 1
    name = text[: page.start()].strip() if page else text.strip()
    acts, more = audit.search(ctx.session, ctx.actor, name, number)
    whose = f"{name[:12]}的" if name else ""
    if not acts:
        return Reply(f"没有{'更多' if number > 1 else ''}{whose}操作记录。请核对姓名，例如：操作记录 张三")
    lines = [f"{whose}操作记录 第{number}页", *(_line(ctx, act) for act in acts)]
    following = f"操作记录 {name} 第{number + 1}页".replace("  ", " ")
    if more:
        lines.append("回复 下一页 看更早的")
    return Reply("\n".join(lines), choices=(following,) if more else ())


def _line(ctx: Context, act: Act) -> str:
    entry = act.entry
    whom = f" {act.subject}" if act.subject and act.subject != act.actor else ""
    detail = f"：{entry.detail[:40]}" if entry.detail else ""
    channel = _CHANNELS.get(entry.channel, entry.channel)
    return f"{local(entry.at, ctx.now):%m-%d %H:%M} {act.actor} {entry.act}{whom}{detail}（{channel}）"
