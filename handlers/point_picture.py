"""积分图：四个维度的积分画成一张图，旁边有同样的文字。"""

from __future__ import annotations

from bot.cards import Article
from bot.chat import Context, Reply, Router
from bot.services import point_account, point_picture

router = Router()


@router.command("积分图", "积分图片", "我的积分图", "积分条形图", "积分雷达图")
def show(ctx: Context) -> Reply:
    drawn = point_picture.figures(point_account.standing(ctx.session, ctx.member.id, ctx.now))
    token = point_picture.sign(ctx.settings.secret_key.get_secret_value(), drawn)
    url = f"{ctx.settings.base_url}/m/points/{token}.png"
    year, quarter = drawn.period.split("Q")
    parts = "，".join(f"{name} {min(have, cap)}/{cap}" for name, have, cap in drawn.dimensions)
    # A news card shows 90 characters in three lines; what is longer goes out as text with the picture's address.
    text = f"第{quarter}季度共 {drawn.total} 分\n{parts}\n最近记录请发：积分"
    return Reply(
        text, article=Article(f"{ctx.member.name} {year}年第{quarter}季度积分", text, url, picture=url)
    )
