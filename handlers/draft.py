"""发布活动：写好、预览、确认后发出，也可以修改。"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.choices import NO, YES, which
from bot.journal import keep
from bot.models.activity import Activity
from bot.services import activity as activities
from bot.services import audience, draft_line, publishing
from bot.services import draft as drafts
from bot.services.draft import Draft, Preview
from bot.services.permission import Action
from bot.times import at_time, full_moment, moment

router = Router()
EXAMPLE = "发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组"
HOW = "请直接写要改的内容，例如：\n改到12月4日\n地点改为二楼会议室\n主题改为安全大讨论\n报名截止12月3日 12:00"
HOW_AUDIENCE = "\n对象改为正式党员"


# Publishing ----------------------------------------------------------------------------------------------------------


@router.command(
    "发布主题党日",
    "发布活动",
    "发布党日",
    "安排主题党日",
    takes="时间、地点和主题",
    optional=True,
    examples=("发布主题党日", EXAMPLE),
    about=("发布 安排 组织 布置", "主题党日 党日 活动"),
    needs=Action.PUBLISH,
)
def publish(ctx: Context, text: str = "") -> Answer:
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.member.branch_id)
    draft = draft_line.read_line(_where(ctx), text) if text else Draft()
    return next_question(
        ctx, draft if not text or draft.audience else replace(draft, audience=audience.EVERYBODY)
    )


def _where(ctx: Context) -> draft_line.Where:
    return draft_line.Where(ctx.session, ctx.member.branch_id, ctx.now)


def next_question(ctx: Context, draft: Draft) -> Ask:
    """Ask for the first thing that is missing; with nothing missing show the preview."""
    if not draft.theme:
        return _ask_theme(ctx, draft)
    if draft.on is None or draft.at is None:
        missing = (
            "日期和时间"
            if draft.on is None and draft.at is None
            else "日期"
            if draft.on is None
            else "几点钟"
        )
        example = "14:30" if missing == "几点钟" else "12月5日 14:30"
        return _ask(draft, "when", f"主题：{draft.theme}\n什么时候？请发{missing}，例如：{example}")
    if not draft.place:
        starts = full_moment(at_time(draft.on, draft.at, ctx.now), ctx.now)
        return _ask(draft, "place", f"时间：{starts}\n在哪里？请发地点，例如：三楼会议室")
    if not draft.audience:
        names = audience.audiences(ctx.session, ctx.member.branch_id)
        return _ask(
            draft, "audience", "谁参加？回复数字或文字：\n" + activities.numbered(names), choices=names
        )
    return show(ctx, draft)


def _ask_theme(ctx: Context, draft: Draft) -> Ask:
    idea = drafts.ideas()[(draft.on or ctx.now).month - 1]
    text = f"主题是什么？请发主题。\n本月参考：1 {idea.theme}（{idea.production}）\n回复 1 就用它。"
    return _ask(draft, "theme", text, choices=(idea.theme,))


def _ask(draft: Draft, field: str, text: str, *, choices: tuple[str, ...] = ()) -> Ask:
    return Ask(
        text,
        step=fill,
        data={"field": field, "draft": draft_line.to_data(draft)},
        title="发布主题党日",
        choices=choices,
    )


@router.step()
def fill(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the question about one field."""
    draft = draft_line.from_data(data["draft"])
    if nlu.bare(text) in NO:
        return "好的，没有发布。需要时再发 发布主题党日。"
    match data["field"]:
        case "when":
            draft = draft_line.with_moment(_where(ctx), draft, text)
        case "audience":
            draft = draft_line.with_audience(_where(ctx), draft, nlu.bare(text))
        case "theme":
            draft = replace(draft, theme=_value(text))
        case _:
            draft = replace(draft, place=_value(text))
    return next_question(ctx, draft)


def _value(text: str) -> str:
    """The answer without a label that people put in front ("地点是三楼会议室")."""
    return re.sub(r"^(?:主题|地点)(?:[:是为]|\s)\s*", "", text).strip(" 。,，")


def show(ctx: Context, draft: Draft, activity: Activity | None = None) -> Ask:
    """The preview of a new activity, or of a change of ``activity``."""
    number = activity.id if activity else None
    checked = drafts.preview(ctx.session, ctx.member.branch_id, draft, now=ctx.now, activity_id=number)
    data = {"draft": draft_line.to_data(draft), "activity": number}
    title = "修改活动" if activity else "发布主题党日"
    return Ask(
        _preview_text(ctx, checked, activity),
        step=settle,
        data=data,
        choices=("确认", "修改", "取消"),
        title=title,
    )


def _preview_text(ctx: Context, checked: Preview, activity: Activity | None) -> str:
    lines = [
        "修改预览" if activity else "发布预览",
        f"主题：{checked.theme}",
        f"时间：{full_moment(checked.starts_at, ctx.now)}",
        f"地点：{checked.place}",
        f"{checked.audience + '，' if checked.audience else ''}应到 {len(checked.invited)} 人",
        f"报名截止：{moment(checked.closes_at, ctx.now)}",
    ]
    if checked.production:
        lines.append(f"结合生产：{checked.production}")
    if checked.remarks:
        lines.append(f"注意：{'；'.join(checked.remarks)}。")
    lines += [f"注意：{moment(one.starts_at, ctx.now)} 已有“{one.theme}”。" for one in checked.clashes]
    if activity:
        told = len(activities.signed_up_members(ctx.session, activity.id))
        lines.append(f"确认后通知已报名的 {told} 人。")
    return "\n".join([*lines, "回复 1 确认 2 修改 3 取消，或直接写：改到12月4日"])


@router.step(words=("确认", "修改", "取消", *YES, *NO))
def settle(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to a preview: confirm, give up, or a change."""
    draft, said = draft_line.from_data(data["draft"]), nlu.bare(text)
    activity = _again(ctx, data["activity"])
    if said in YES or said == "发布":
        return _confirmed(ctx, draft, activity)
    if said in NO:
        return "好的，没有修改，原来的安排不变。" if activity else "好的，没有发布。需要时再发 发布主题党日。"
    if said == "修改":
        how = HOW if activity else HOW + HOW_AUDIENCE
        return Ask(how, step=settle, data=data, title="修改活动" if activity else "发布主题党日")
    return show(ctx, draft_line.edit(_where(ctx), draft, text, activity), activity)


def _again(ctx: Context, number: int | None) -> Activity | None:
    return None if number is None else activities.managed(ctx.session, ctx.actor, Action.PUBLISH, number)[0]


def _confirmed(ctx: Context, draft: Draft, activity: Activity | None) -> Reply:
    if activity is not None:
        return _changed(ctx, activity, draft)
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.member.branch_id)
    done = publishing.publish(ctx.session, ctx.member, draft, now=ctx.now)
    keep(ctx, "发布活动", done.activity)
    lines = [f"已发布 #{done.activity.id} {done.activity.theme}，正在发给 {done.invited} 人。"]
    if done.unreachable:
        lines.append(f"联系不上 {len(done.unreachable)} 人：{'、'.join(done.unreachable)}，请另行通知。")
    lines.append(f"报名截止：{moment(done.activity.signup_closes_at, ctx.now)}。")
    return Reply("\n".join([*lines, "可以再发：谁没报名、请假审批、修改活动、签到码"]))


def _changed(ctx: Context, activity: Activity, draft: Draft) -> Reply:
    told = publishing.change(ctx.session, activity, draft, now=ctx.now)
    keep(ctx, "修改活动", activity, full_moment(activity.starts_at, ctx.now), activity.place)
    return Reply(
        f"已修改：{activity.theme}，{full_moment(activity.starts_at, ctx.now)}，{activity.place}。\n"
        f"正在通知已报名的 {told} 人。可以再发：主题党日、谁没报名"
    )


# Changing ------------------------------------------------------------------------------------------------------------


@router.command(
    "修改活动",
    "更改活动",
    "活动改期",
    "修改主题党日",
    takes="要改的内容",
    optional=True,
    examples=("修改活动", "修改活动 #3 改到12月4日"),
    about=("修改 更改 改期 改时间 改地点", "活动 主题党日 党日"),
    needs=Action.PUBLISH,
)
def change(ctx: Context, text: str = "") -> Answer:
    number, rest = activities.number_in(text)
    found = [
        one
        for one in activities.managed(ctx.session, ctx.actor, Action.PUBLISH, number)
        if one.starts_at > ctx.now
    ]
    if len(found) != 1:
        return which(ctx, "修改活动", found, rest)
    activities.require_published(found[0], "修改")
    draft = drafts.draft_of(found[0], ctx.now)
    if rest:
        return show(ctx, draft_line.edit(_where(ctx), draft, rest, found[0]), found[0])
    now_is = f"{found[0].theme}\n{full_moment(found[0].starts_at, ctx.now)} {found[0].place}\n{HOW}"
    return Ask(
        now_is,
        step=settle,
        data={"draft": draft_line.to_data(draft), "activity": found[0].id},
        title="修改活动",
    )
