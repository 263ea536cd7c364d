"""保电期：迎峰度夏、保电期间不推学习、不催办。"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from bot import when
from bot.chat import Answer, Context, Reply, Router, Undo
from bot.services import freeze
from bot.services.activity import number_in
from bot.services.permission import Action
from bot.times import day

router = Router()

WHAT = "期间不推每日学习和答题卡片，不催报名、不催回执；通知、活动提醒和加急消息照常。"
_SPAN = re.compile(r"\s*(?:到|至|—|–|~|-{1,2})\s*")
_DAYS = re.compile(r"(?P<count>\d{1,3}|[一二两三四五六七八九十]{1,3})\s*天")
_DAY_ONLY = re.compile(r"(?P<day>\d{1,2})\s*[日号]?")
_EVERYWHERE = re.compile(r"全部支部|所有支部|各支部|全公司|全党委|下属支部")


@router.command(
    "保电",
    "迎峰度夏",
    "迎峰度冬",
    "保电期",
    takes="起止日期",
    optional=True,
    needs=Action.CHANGE_SETTINGS,
    examples=("保电 7月1日到8月31日", "迎峰度夏 7月15日到8月31日", "保电"),
)
def begin(ctx: Context, said: str = "") -> Answer:
    if not said:
        return _list(ctx)
    everywhere = _EVERYWHERE.search(said) is not None
    first, last = _period(_EVERYWHERE.sub(" ", said).strip(), ctx.now)
    why = next((word for word in ("迎峰度夏", "迎峰度冬") if word in ctx.message.text), "保电")
    done = freeze.begin(
        ctx.session,
        ctx.actor,
        first,
        last,
        why,
        everywhere=everywhere,
        now=ctx.now,
        channel=ctx.message.channel,
    )
    number = done.period.id
    text = (
        f"已设置{why} #{number}：{_days(done.period.first_on, done.period.last_on, ctx.now)}，{done.where}。\n{WHAT}\n"
        f"可发：保电 看全部，取消保电 #{number}；5 分钟内可发 撤销。"
    )
    return Reply(text, undo=Undo(take_back, {"number": number}))


@router.undo
def take_back(ctx: Context, number: int) -> str:
    done = freeze.end(ctx.session, ctx.actor, number, now=ctx.now, channel=ctx.message.channel)
    return f"已撤销{done.period.reason} #{number}，推送照常。"


@router.command(
    "取消保电",
    "结束保电",
    "保电结束",
    "取消迎峰度夏",
    takes="编号",
    optional=True,
    needs=Action.CHANGE_SETTINGS,
    examples=("取消保电", "取消保电 #2"),
)
def end(ctx: Context, said: str = "") -> Answer:
    number, _ = number_in(said)
    found = freeze.listed(ctx.session, ctx.actor.branch_id, today=ctx.now.date())
    if number is None and len(found) != 1:
        return _list(ctx)
    done = freeze.end(
        ctx.session,
        ctx.actor,
        number if number is not None else found[0].period.id,
        now=ctx.now,
        channel=ctx.message.channel,
    )
    return f"已取消{done.period.reason} #{done.period.id}（{done.where}），从现在起推送照常。"


def _list(ctx: Context) -> Reply:
    found = freeze.listed(ctx.session, ctx.actor.branch_id, today=ctx.now.date())
    if not found:
        return Reply(f"现在没有保电期。要设置请发：保电 7月1日到8月31日\n{WHAT}")
    lines = [
        f"{n} #{one.period.id} {one.period.reason} {_days(one.period.first_on, one.period.last_on, ctx.now)}（{one.where}）"
        for n, one in enumerate(found[:8], 1)
    ]
    text = "现在和以后的保电期：\n" + "\n".join(lines) + "\n要取消，回复数字。"
    return Reply(text, choices=tuple(f"取消保电 #{one.period.id}" for one in found[:8]))


def _days(first: date, last: date, now: datetime) -> str:
    return day(first, now) if first == last else f"{day(first, now)}到{day(last, now)}"


def _period(said: str, now: datetime) -> tuple[date, date]:
    """The first and the last day of "7月1日到8月31日", "12月5日" or "3天"; :class:`~bot.services.freeze.BadPeriod`."""
    if found := _DAYS.fullmatch(said):
        return now.date(), now.date() + timedelta(days=when.number(found["count"]) - 1)
    start, *more = _SPAN.split(said, maxsplit=1)
    first = when.find(start, now).day
    if first is None:
        raise freeze.BadPeriod
    if not more:
        return first, first
    last = when.find(more[0], now).day or _same_month(more[0], first)
    return first, last if last >= first else _a_year_later(last)


def _same_month(said: str, first: date) -> date:
    found = _DAY_ONLY.fullmatch(said)
    try:
        return first.replace(day=int(found["day"])) if found else _bad()
    except ValueError:
        raise freeze.BadPeriod from None


def _a_year_later(on: date) -> date:
    try:
        return on.replace(year=on.year + 1)
    except ValueError:
        raise freeze.BadPeriod from None


def _bad() -> date:
    raise freeze.BadPeriod
