"""发布活动：写好、预览、确认后发出，也可以修改。"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from bot import nlu, preview
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.choices import NO, YES, which
from bot.errors import Refusal
from bot.journal import keep
from bot.models.activity import Activity
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import audience, draft_line, publishing
from bot.services import draft as drafts
from bot.services.draft import Draft
from bot.services.permission import Action
from bot.times import at_time, full_moment, moment
from content import activity_kinds
from content.activity_kinds import ActivityKind, Attends

router = Router()
EXAMPLES = {
    drafts.THEME_DAY: "发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组",
    "党小组会": "发布党小组会 第二党小组 12月8日15:00 班组会议室 主题:学安规",
    "联建": "发布联建 12月8日15:00 三楼会议室 和营销党支部联建 主题:保供电",
}
HOW = "请直接写要改的内容，例如：\n改到12月4日\n地点改为二楼会议室\n主题改为安全大讨论\n报名截止12月3日 12:00"
HOW_AUDIENCE = "\n对象改为正式党员、限20人"


class ThemeIsANumber(Refusal):
    text = "主题要写文字，例如：学习安全规程；要用建议的主题请回复 1。"


class StillMissing(Refusal):
    text = "还没填完，请先发{what}；发完会给您看一遍再确认。不发布请回复 取消。"


# Publishing ----------------------------------------------------------------------------------------------------------


def _offer(kind: ActivityKind) -> None:
    """The command that publishes a kind: the kinds are data, and so are their words."""
    words = [f"发布{name}" for name in kind.names]
    also = ("发布活动", "安排主题党日") if kind.name == drafts.THEME_DAY else ()
    names = " ".join((*kind.names, "活动") if kind.name == drafts.THEME_DAY else kind.names)

    @router.command(
        *words,
        *also,
        takes="时间、地点和主题",
        optional=True,
        examples=(words[0], EXAMPLES.get(kind.name, f"{words[0]} 12月8日15:00 三楼会议室")),
        about=("发布 安排 组织 布置 召开", names),
        needs=Action.PUBLISH_GROUP if kind.attends is Attends.GROUP else Action.PUBLISH,
    )
    def publish(ctx: Context, text: str = "") -> Answer:
        return begin(ctx, kind, text)


for _kind in activity_kinds.kinds():
    if _kind.attends is not Attends.PAIR:
        _offer(_kind)


@router.command(
    "发布",
    takes="什么活动、时间、地点和主题",
    optional=True,
    examples=("发布 党员大会 12月8日15:00 三楼会议室",),
    needs=Action.PUBLISH_GROUP,
)
def publish_some(ctx: Context, text: str = "") -> Answer:
    """A kind that is not written right behind the word, or none: then it is asked."""
    found = activity_kinds.named_in(text)
    if found is None:
        kinds = [one for one in activity_kinds.kinds() if _may_publish(ctx, one)]
        words = tuple(f"发布{one.name}" for one in kinds)
        return Reply("发布什么活动？回复数字：\n" + activities.numbered(words), choices=words)
    kind, rest = found
    if kind.attends is Attends.PAIR:
        return f"{kind.name}不用发布，谈过以后发：补录 {kind.name} 日期 两个人的姓名"
    return begin(ctx, kind, rest.strip())


def _may_publish(ctx: Context, kind: ActivityKind) -> bool:
    needed = Action.PUBLISH_GROUP if kind.attends is Attends.GROUP else Action.PUBLISH
    return kind.attends is not Attends.PAIR and ctx.actor.may(needed)


def begin(ctx: Context, kind: ActivityKind, text: str) -> Answer:
    """A new activity of a kind from one line, or from nothing."""
    known = audience.allowed(ctx.session, ctx.actor, kind)
    draft = Draft(kind=kind.name)
    if text:
        draft = draft_line.read_line(_where(ctx, known), text, draft)
    if not draft.audience and (text or len(known) == 1):
        draft = replace(draft, audience=audience.usual(kind, known))
    return next_question(ctx, draft)


def _where(ctx: Context, known: tuple[str, ...] = ()) -> draft_line.Where:
    return draft_line.Where(ctx.session, ctx.actor.branch_id, ctx.now, known)


def _known(ctx: Context, draft: Draft) -> tuple[str, ...]:
    """Whom the sender may address with the draft's kind; refused where that right is gone."""
    kind = activity_kinds.lookup(draft.kind)
    assert kind is not None, "a draft of an unknown kind"
    return audience.allowed(ctx.session, ctx.actor, kind)


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
    if draft.partner_id is None and _is_joint(draft):
        return _ask(draft, "partner", "和哪个党支部联建？请发支部名称，例如：营销党支部")
    if not draft.audience:
        names = _known(ctx, draft)
        return _ask(
            draft, "audience", "谁参加？回复数字或文字：\n" + activities.numbered(names), choices=names
        )
    return show(ctx, draft)


def _is_joint(draft: Draft) -> bool:
    kind = activity_kinds.lookup(draft.kind)
    return kind is not None and kind.attends is Attends.JOINT


def _ask_theme(ctx: Context, draft: Draft) -> Ask:
    if draft.kind != drafts.THEME_DAY:
        usual = drafts.usual_theme(draft.kind, (draft.on or ctx.now).month)
        text = f"{draft.kind}的主题（议题）是什么？请发主题。\n1 {usual}\n回复 1 就用它。"
        return _ask(draft, "theme", text, choices=(usual,))
    idea = drafts.ideas()[(draft.on or ctx.now).month - 1]
    text = f"主题是什么？请发主题。\n本月参考：1 {idea.theme}（{idea.production}）\n回复 1 就用它。"
    return _ask(draft, "theme", text, choices=(idea.theme,))


def _ask(draft: Draft, field: str, text: str, *, choices: tuple[str, ...] = ()) -> Ask:
    return Ask(
        text,
        step=fill,
        data={"field": field, "draft": draft_line.to_data(draft)},
        title=f"发布{draft.kind}",
        choices=choices,
    )


@router.step()
def fill(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the question about one field."""
    draft = draft_line.from_data(data["draft"])
    if nlu.bare(text) in NO:
        return f"好的，没有发布。需要时再发 发布{draft.kind}。"
    match data["field"]:
        case "when":
            draft = draft_line.with_moment(_where(ctx), draft, text)
        case "audience":
            draft = draft_line.with_audience(_where(ctx, _known(ctx, draft)), draft, nlu.bare(text))
        case "partner":
            draft = draft_line.with_partner(_where(ctx), draft, nlu.bare(text))
        case ("theme" | "place") as field if nlu.bare(text) in YES:
            raise StillMissing(what="主题" if field == "theme" else "地点")
        case "theme" if nlu.choice(nlu.bare(text)):
            raise ThemeIsANumber
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
    checked = drafts.preview(ctx.session, ctx.actor.branch_id, draft, now=ctx.now, activity_id=number)
    data = {"draft": draft_line.to_data(draft), "activity": number}
    title = "修改活动" if activity else f"发布{draft.kind}"
    told = len(activities.signed_up_members(ctx.session, number)) if number else None
    return Ask(
        preview.shown(checked, told=told, now=ctx.now, branch=_elsewhere(ctx)),
        step=settle,
        data=data,
        choices=("确认", "修改", "取消"),
        title=title,
    )


def _elsewhere(ctx: Context) -> str:
    """The name of the branch for which the sender acts, when it is not the own one."""
    branch = ctx.actor.branch_id
    return "" if branch == ctx.member.branch_id else ctx.session.get_one(Organisation, branch).name


@router.step(words=("确认", "修改", "取消", *YES, *NO))
def settle(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to a preview: confirm, give up, or a change."""
    draft, said = draft_line.from_data(data["draft"]), nlu.bare(text)
    activity = _again(ctx, data["activity"])
    if said in YES or said == "发布":
        return _confirmed(ctx, draft, activity)
    if said in NO:
        return (
            "好的，没有修改，原来的安排不变。"
            if activity
            else f"好的，没有发布。需要时再发 发布{draft.kind}。"
        )
    if said == "修改":
        how = HOW if activity else HOW + HOW_AUDIENCE
        return Ask(how, step=settle, data=data, title="修改活动" if activity else f"发布{draft.kind}")
    known = () if activity else _known(ctx, draft)
    return show(ctx, draft_line.edit(_where(ctx, known), draft, text, activity), activity)


def _again(ctx: Context, number: int | None) -> Activity | None:
    return (
        None
        if number is None
        else activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, number)[0]
    )


def _confirmed(ctx: Context, draft: Draft, activity: Activity | None) -> Reply:
    if activity is not None:
        return _changed(ctx, activity, draft)
    draft_line.with_audience(_where(ctx, _known(ctx, draft)), draft, draft.audience)
    done = publishing.publish(ctx.session, ctx.actor, draft, now=ctx.now)
    keep(ctx, "发布活动", done.activity)
    lines = [f"已发布 #{done.activity.id} {done.activity.theme}，正在发给 {done.invited} 人。"]
    if done.activity.partner_id:
        whom = (
            f"正在告诉对方支部的{'、'.join(done.partners)}"
            if done.partners
            else "对方支部没有登记书记，请另行联系"
        )
        lines.append(f"{whom}。")
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
    needs=Action.PUBLISH_GROUP,
)
def change(ctx: Context, text: str = "") -> Answer:
    number, rest = activities.number_in(text)
    found = [
        one
        for one in activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, number)
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
