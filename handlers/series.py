"""每月安排：每月第几个周几办什么活动，记住后每次提前请您确认，不会自动发布。"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.choices import NO, YES, run
from bot.models.series import Series
from bot.services import activity as activities
from bot.services import publishing, series
from bot.services.permission import Action
from bot.times import moment

router = Router()


# Arranging --------------------------------------------------------------------------------------------------------------


@router.command(
    "每月第",
    "每个月第",
    takes="几个周几、几点、什么活动、在哪里",
    examples=(series.EXAMPLE, "每月第一个周一 15:00 支委会 党建活动室"),
    needs=Action.PUBLISH_GROUP,
)
def monthly(ctx: Context, text: str) -> Ask:
    return propose(ctx, f"第{text}")


@router.command(
    "每月最后",
    "每个月最后",
    takes="一个周几、几点、什么活动、在哪里",
    examples=("每月最后一个周五 14:30 主题党日 三楼会议室",),
    needs=Action.PUBLISH_GROUP,
)
def at_the_end(ctx: Context, text: str) -> Ask:
    return propose(ctx, f"最后{text}")


def propose(ctx: Context, text: str) -> Ask:
    """The rule as understood and its next three days."""
    found = series.read(ctx.session, ctx.actor, text, now=ctx.now)
    days = [series.said(found, one, ctx.now) for one in series.coming(ctx.session, found, ctx.now)]
    lines = [
        f"{found.kind}每月安排：{series.rule(found)}",
        "接下来三次：",
        *days,
        f"确认后只发布最近一次；以后每次提前{series.AHEAD.days}天请您确认，不会自动发布。",
        "回复 1 确认 2 取消，或重新写一行",
    ]
    return Ask("\n".join(lines), step=settle, data={"text": text}, choices=("确认", "取消"), title="每月安排")


@router.step(words=("确认", "取消", *YES, *NO))
def settle(ctx: Context, said: str, data: dict[str, Any]) -> Answer:
    """The answer to the proposal: it is read again, so that it is true for now."""
    said = nlu.bare(said)
    if said in NO:
        return "好的，没有安排。需要时再发：" + series.EXAMPLE
    if said not in YES:
        return propose(ctx, said)
    kept = series.remember(ctx.session, series.read(ctx.session, ctx.actor, data["text"], now=ctx.now))
    nearest = series.coming(ctx.session, kept, ctx.now, most=1)[0]
    done = publishing.publish(ctx.session, ctx.actor, series.draft_for(kept, nearest), now=ctx.now)
    _record(ctx, "安排每月活动", kept, f"发布 #{done.activity.id}")
    lines = [
        f"已记住：{kept.kind}，{series.rule(kept)}。",
        f"已发布 #{done.activity.id} {moment(done.activity.starts_at, ctx.now)} {done.activity.theme}，正在发给 {done.invited} 人。",
    ]
    if done.unreachable:
        lines.append(f"联系不上 {len(done.unreachable)} 人：{'、'.join(done.unreachable)}，请另行通知。")
    return "\n".join([*lines, "可以再发：修改活动、每月安排、停止系列"])


def _record(ctx: Context, act: str, one: Series, detail: str = "") -> None:
    journal.note(ctx, act, f"{one.kind} {series.rule(one)} {detail}".strip(), branch_id=one.branch_id)


# Publishing the next ----------------------------------------------------------------------------------------------------


@router.command(
    "发布下次",
    "发布下一次",
    takes="系列编号",
    optional=True,
    examples=("发布下次",),
    needs=Action.PUBLISH_GROUP,
)
def publish_next(ctx: Context, text: str = "") -> Answer:
    """The preview of the next time of a series; it is published like any other activity, by confirming."""
    found = _meant(ctx, text)
    if len(found) > 1:
        return _which(found, "发布下次")
    nearest = series.coming(ctx.session, found[0], ctx.now, most=1)[0]
    preview = run(ctx, f"发布{found[0].kind}", series.line_for(found[0], nearest))
    assert isinstance(preview, Ask), "a whole line leads to a preview"
    head = f"每月安排的下一次：{series.said(found[0], nearest, ctx.now)}"
    return replace(preview, text=f"{head}\n{preview.text}")


def _meant(ctx: Context, text: str) -> list[Series]:
    number, _ = activities.number_in(text)
    mine = series.led_by(ctx.session, ctx.actor)
    found = [one for one in mine if number is None or one.id == number]
    if not found:
        raise series.NoSeries
    return found


def _which(found: list[Series], word: str) -> Reply:
    lines = activities.numbered(f"{one.kind}：{series.rule(one)}" for one in found)
    words = tuple(f"{word} #{one.id}" for one in found)
    return Reply(f"有 {len(found)} 个每月安排，是哪一个？回复数字：\n{lines}", choices=words)


# Looking and stopping ---------------------------------------------------------------------------------------------------


@router.command("每月安排", "系列活动", "固定活动", examples=("每月安排",), needs=Action.PUBLISH_GROUP)
def look(ctx: Context) -> str:
    lines = []
    for one in _meant(ctx, ""):
        nearest = series.coming(ctx.session, one, ctx.now, most=1)[0]
        lines.append(
            f"#{one.id} {one.kind}：{series.rule(one)}。下次待发布：{series.said(one, nearest, ctx.now)}"
        )
    return "\n".join([*lines, "可以发：发布下次、停止系列 #编号"])


@router.command(
    "停止系列",
    "停止每月安排",
    takes="系列编号",
    optional=True,
    examples=("停止系列", "停止系列 #1"),
    needs=Action.PUBLISH_GROUP,
)
def stop(ctx: Context, text: str = "") -> Answer:
    found = _meant(ctx, text)
    if len(found) > 1:
        return _which(found, "停止系列")
    series.stop(ctx.session, found[0], now=ctx.now)
    _record(ctx, "停止每月活动", found[0])
    return f"已停止：{found[0].kind}，{series.rule(found[0])}。已发布的活动不变；要重新安排请写：{series.EXAMPLE}"
