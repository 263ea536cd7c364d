"""日历：用手机日历订阅活动和考试，改期、取消自动更新。"""

from __future__ import annotations

from bot import journal
from bot.chat import Context, Reply, Router
from bot.services import calendar_feed
from bot.services.calendar_feed import Whose
from bot.services.permission import Action

router = Router()

HOW = (
    "苹果手机：设置→日历→账户→添加账户→其他→添加已订阅的日历，粘贴地址。\n"
    "安卓手机和电脑：在日历里找“通过网址订阅”，粘贴地址（有的手机没有这一项）。"
)


@router.command(
    "日历",
    "订阅日历",
    "日历订阅",
    "日历地址",
    takes="支部",
    optional=True,
    examples=("日历", "订阅日历", "日历 支部"),
    about=("订阅 同步 导入 加到", "日历 日程"),
)
def subscribe(ctx: Context, said: str = "") -> Reply:
    whose = Whose.BRANCH if "支部" in said else Whose.OWN
    if whose is Whose.BRANCH:
        ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.member.branch_id)
    return _address(ctx, whose)


@router.command("支部日历", "订阅支部日历", needs=Action.SEE_BRANCH)
def subscribe_branch(ctx: Context) -> Reply:
    return subscribe(ctx, "支部")


@router.command("重置日历地址", "重置日历", "停止订阅日历", examples=("重置日历地址",))
def call_back(ctx: Context) -> Reply:
    calendar_feed.call_back(ctx.session, ctx.member)
    journal.note(ctx, "重置日历地址")
    return Reply(
        "以前的日历地址都已作废，用它们订阅的日历不会再更新。\n要继续用，请发 日历 取新地址，并在手机里删掉旧的。",
        choices=("日历",),
    )


def _address(ctx: Context, whose: Whose) -> Reply:
    """The answer is kept by nobody: who has the address can read the calendar."""
    token = calendar_feed.address(ctx.settings.secret_key.get_secret_value(), ctx.member, whose)
    what = "全支部的活动和考试" if whose is Whose.BRANCH else "您的活动和考试"
    more = "；全支部的发 日历 支部" if whose is Whose.OWN and ctx.actor.may(Action.SEE_BRANCH) else ""
    text = (
        f"{what}，改期、取消自动更新。日历地址：\n{ctx.settings.base_url}/m/calendar/{token}.ics\n{HOW}\n"
        f"地址请不要转发；泄露了发 重置日历地址{more}。"
    )
    return Reply(text, once=True)
