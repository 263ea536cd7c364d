"""照片：附到刚记的会议内容、刚提的申报申诉，或刚报的、刚整改的隐患。"""

from __future__ import annotations

from bot.chat import Context, Kind, Router
from bot.services import activity as activities
from bot.services import claim as claims
from bot.services import photo
from bot.services.photo import Noted, Shown

router = Router()


@router.on(Kind.IMAGE)
def received(ctx: Context) -> str:
    done = photo.receive(ctx.session, ctx.member, ctx.message.media, channel=ctx.message.channel, now=ctx.now)
    if done is None:
        return (
            "收到图片，但没有可附的申报、隐患或会议记录。\n"
            "请先发 申报 或 隐患 加一句说明，或在会上发 记 加一句内容，10分钟内再发照片。"
        )
    if isinstance(done, Noted):
        title = activities.title(done.activity)
        return f"照片已附到第 {done.number} 条记录（{title}），这条共 {done.count} 张。接着记请发：记 内容"
    if isinstance(done, Shown):
        return f"照片已{'换成这一张' if done.replaced else '附上'}：隐患 YH{done.number}。看经过请发：YH{done.number}"
    word = "换成这一张" if done.replaced else "附上"
    return f"照片已{word}：{claims.subject(done.claim)}（第 {done.claim.id} 件）。发 我的申报 看进度。"
