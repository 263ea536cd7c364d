"""暂停提醒：值班、抢修时先不打扰，紧急通知照常。"""

from __future__ import annotations

import re
from datetime import datetime, time, timedelta

from bot import when
from bot.chat import Context, Router
from bot.errors import Refusal
from bot.services import setting
from bot.services.setting import BadPause
from bot.times import at_time, moment

router = Router()

SHIFT_ENDS = time(8, 0)
"""When somebody on duty is relieved the next morning."""
_LENGTH = re.compile(r"([0-9]{1,4}|[一二两三四五六七八九十]{1,3}|半)\s*(天|个?小时|周|个?星期|个月)")
_HOURS = {"天": 24, "小时": 1, "周": 24 * 7, "星期": 24 * 7, "月": 24 * 30}


@router.command(
    "暂停提醒",
    "暂停推送",
    "别提醒我",
    "停止提醒",
    takes="暂停多久",
    examples=("暂停提醒 3天", "暂停提醒 到12月5日"),
)
def pause(ctx: Context, said: str) -> str:
    return _paused(ctx, _until(said, ctx.now))


@router.command("今天值班", "我在值班", "值班", "我值班", "今天保电", "今天抢修")
def on_duty(ctx: Context) -> str:
    return _paused(ctx, at_time(ctx.now.date() + timedelta(days=1), SHIFT_ENDS, ctx.now))


@router.command("恢复提醒", "恢复推送", "不用暂停了", "取消暂停")
def resume(ctx: Context) -> str:
    waited = setting.resume(ctx.session, ctx.member, now=ctx.now)
    if waited is None:
        return "提醒没有暂停，一直会发给您。要暂停可发：暂停提醒 3天"
    missed = f"暂停期间有 {waited} 条，马上发给您。" if waited else "暂停期间没有积压的提醒。"
    return f"已恢复提醒。{missed}"


def _paused(ctx: Context, until: datetime) -> str:
    setting.pause(ctx.session, ctx.member, until, now=ctx.now)
    return f"已暂停提醒，到 {moment(until, ctx.now)} 自动恢复。紧急通知仍会发给您。提前恢复请回复 恢复提醒。"


def _until(said: str, now: datetime) -> datetime:
    """The moment that "3天", "2小时", "一周", "今天" or "到12月5日" means; :class:`BadPause` for anything else."""
    length = _LENGTH.search(said)
    if length:
        count = 0.5 if length[1] == "半" else when.number(length[1])
        return now + timedelta(hours=count * _HOURS[length[2].removeprefix("个")])
    try:
        found = when.find(said, now)
    except Refusal:
        raise BadPause from None
    if found.day is None and found.time is None:
        raise BadPause
    if found.time is not None:
        return at_time(found.day or now.date(), found.time, now)
    # "to the 5th" includes the 5th.
    return at_time((found.day or now.date()) + timedelta(days=1), time(), now)
