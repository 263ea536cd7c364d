"""主题党日：发布、查看、修改、取消活动。"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, replace
from datetime import date, datetime, time
from typing import Any

from bot import nlu, when
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.choices import NO, YES, which
from bot.errors import Refusal
from bot.journal import keep
from bot.models.activity import Activity, SignUp, SignUpState
from bot.services import activity as activities
from bot.services import attendance
from bot.services.activity import Draft, Preview
from bot.services.permission import Action
from bot.times import at_time, clock, full_moment, moment

router = Router()

EXAMPLE = "发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组"
HOW = "请直接写要改的内容，例如：\n改到12月4日\n地点改为二楼会议室\n主题改为安全大讨论\n报名截止12月3日 12:00"
HOW_AUDIENCE = "\n对象改为正式党员"

_VERB = r"(?:改为|改成|改到|改在|换成|换到|定在|:)"
_LABEL = re.compile(
    rf"(?:(?P<what>主题|时间|日期|地点|对象|范围)\s*{_VERB}|(?P<closes>(?:报名)?截止)(?:时间)?\s*(?:{_VERB}|到|在)?)"
)
_MOVE = re.compile(r"^(?:请|把|将|活动)*(?P<verb>改到|改在|换到|改为|改成|改|换成)?\s*")


class ChangeNotUnderstood(Refusal):
    text = "没看懂“{said}”。可以写：改到12月4日、地点改为二楼会议室、主题改为安全大讨论；或回复 确认、取消。"


# Publishing -------------------------------------------------------------------------------------------------------------


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
    draft = read_line(ctx, text) if text else Draft()
    return next_question(ctx, draft if not text or draft.audience else replace(draft, audience=activities.EVERYBODY))


def next_question(ctx: Context, draft: Draft) -> Ask:
    """Ask for the first thing that is missing; with nothing missing show the preview."""
    if not draft.theme:
        return _ask_theme(ctx, draft)
    if draft.on is None or draft.at is None:
        missing = "日期和时间" if draft.on is None and draft.at is None else "日期" if draft.on is None else "几点钟"
        example = "14:30" if missing == "几点钟" else "12月5日 14:30"
        return _ask(draft, "when", f"主题：{draft.theme}\n什么时候？请发{missing}，例如：{example}")
    if not draft.place:
        starts = full_moment(at_time(draft.on, draft.at, ctx.now), ctx.now)
        return _ask(draft, "place", f"时间：{starts}\n在哪里？请发地点，例如：三楼会议室")
    if not draft.audience:
        names = activities.audiences(ctx.session, ctx.member.branch_id)
        return _ask(draft, "audience", "谁参加？回复数字或文字：\n" + activities.numbered(names), choices=names)
    return show(ctx, draft)


def _ask_theme(ctx: Context, draft: Draft) -> Ask:
    idea = activities.ideas()[(draft.on or ctx.now).month - 1]
    text = f"主题是什么？请发主题。\n本月参考：1 {idea.theme}（{idea.production}）\n回复 1 就用它。"
    return _ask(draft, "theme", text, choices=(idea.theme,))


def _ask(draft: Draft, field: str, text: str, *, choices: tuple[str, ...] = ()) -> Ask:
    return Ask(text, step=fill, data={"field": field, "draft": to_data(draft)}, title="发布主题党日", choices=choices)


@router.step()
def fill(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the question about one field."""
    draft = from_data(data["draft"])
    if nlu.bare(text) in NO:
        return "好的，没有发布。需要时再发 发布主题党日。"
    match data["field"]:
        case "when":
            draft = _with_moment(ctx, draft, text)
        case "audience":
            draft = _with_audience(ctx, draft, nlu.bare(text))
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
    checked = activities.preview(ctx.session, ctx.member.branch_id, draft, now=ctx.now, activity_id=number)
    data = {"draft": to_data(draft), "activity": number}
    title = "修改活动" if activity else "发布主题党日"
    return Ask(_preview_text(ctx, checked, activity), step=settle, data=data, choices=("确认", "修改", "取消"), title=title)


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
    draft, said = from_data(data["draft"]), nlu.bare(text)
    activity = _again(ctx, data["activity"])
    if said in YES or said == "发布":
        return _confirmed(ctx, draft, activity)
    if said in NO:
        return "好的，没有修改，原来的安排不变。" if activity else "好的，没有发布。需要时再发 发布主题党日。"
    if said == "修改":
        how = HOW if activity else HOW + HOW_AUDIENCE
        return Ask(how, step=settle, data=data, title="修改活动" if activity else "发布主题党日")
    return show(ctx, edit(ctx, draft, text, activity), activity)


def _again(ctx: Context, number: int | None) -> Activity | None:
    return None if number is None else activities.managed(ctx.session, ctx.actor, Action.PUBLISH, number)[0]


def _confirmed(ctx: Context, draft: Draft, activity: Activity | None) -> Reply:
    if activity is not None:
        return _changed(ctx, activity, draft)
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.member.branch_id)
    done = activities.publish(ctx.session, ctx.member, draft, now=ctx.now)
    keep(ctx, "发布活动", done.activity)
    lines = [f"已发布 #{done.activity.id} {done.activity.theme}，正在发给 {done.invited} 人。"]
    if done.unreachable:
        lines.append(f"联系不上 {len(done.unreachable)} 人：{'、'.join(done.unreachable)}，请另行通知。")
    lines.append(f"报名截止：{moment(done.activity.signup_closes_at, ctx.now)}。")
    return Reply("\n".join([*lines, "可以再发：谁没报名、请假审批、修改活动、签到码"]))


def _changed(ctx: Context, activity: Activity, draft: Draft) -> Reply:
    told = activities.change(ctx.session, activity, draft, now=ctx.now)
    keep(ctx, "修改活动", activity, full_moment(activity.starts_at, ctx.now), activity.place)
    return Reply(
        f"已修改：{activity.theme}，{full_moment(activity.starts_at, ctx.now)}，{activity.place}。\n"
        f"正在通知已报名的 {told} 人。可以再发：主题党日、谁没报名"
    )


# Understanding a line ---------------------------------------------------------------------------------------------------


def read_line(ctx: Context, text: str) -> Draft:
    """One line with everything: "12月5日14:30 三楼会议室 主题:宪法宣传进班组"; what is not labelled is the place, or alone the theme."""
    head, labels = cut(text)
    draft = _with_labels(ctx, Draft(), [pair for pair in labels if pair[0] != "截止"])
    found = when.find(head, ctx.now)
    if found.day is None and found.time is None and draft.on is None and " " in draft.theme:
        # "主题:宪法宣传 12月5日 …": the label's value ends at the blank, the rest is the line.
        theme, _, more = draft.theme.partition(" ")
        draft, found = replace(draft, theme=theme), when.find(more, ctx.now)
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    _require_future(ctx, draft)
    rest = found.rest.strip(" ,。;")
    if rest and not draft.theme and found.day is None and found.time is None:
        draft = replace(draft, theme=rest)
    elif rest and not draft.place:
        draft = replace(draft, place=rest)
    return _with_labels(ctx, draft, [pair for pair in labels if pair[0] == "截止"])


def edit(ctx: Context, draft: Draft, text: str, activity: Activity | None = None) -> Draft:
    """The draft with what the text changes; :class:`ChangeNotUnderstood` when it changes nothing."""
    head, labels = cut(text)
    head = nlu.bare(head)
    moved = _MOVE.match(head)
    verb = moved["verb"] if moved else None
    said = head[moved.end() :] if moved else head
    found = when.find(said, ctx.now)
    before = (draft.on, draft.at)
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    if found.day is None and found.time is None and verb in ("改到", "改在", "换到") and said:
        draft = replace(draft, place=said)
    elif found.rest or not (labels or found.day or found.time):
        raise ChangeNotUnderstood(said=(found.rest or text)[:20])
    draft = _with_labels(ctx, draft, [pair for pair in labels if pair[0] != "截止"], fixed=activity is not None)
    _require_future(ctx, draft)
    if (draft.on, draft.at) != before:
        draft = _with_default_closing(ctx, draft, activity)
    return _with_labels(ctx, draft, [pair for pair in labels if pair[0] == "截止"])


def _with_default_closing(ctx: Context, draft: Draft, activity: Activity | None) -> Draft:
    """At a new time the old end of sign-up is kept only if it was asked for and is still before the start."""
    starts_at = _start(ctx, draft)
    if activity is None and draft.closes_at and starts_at and draft.closes_at <= starts_at:
        return draft
    return replace(draft, closes_at=None)


def cut(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A line cut at its labels: what stands before the first, and (label, value) pairs."""
    found = list(_LABEL.finditer(text))
    if not found:
        return text, []
    ends = [m.start() for m in found[1:]] + [len(text)]
    pairs = [(m["what"] or "截止", text[m.end() : end].strip(" ,。;")) for m, end in zip(found, ends, strict=True)]
    return text[: found[0].start()], pairs


def _with_labels(ctx: Context, draft: Draft, labels: Iterable[tuple[str, str]], *, fixed: bool = False) -> Draft:
    for label, value in labels:
        if not value:
            raise ChangeNotUnderstood(said=label)
        match label:
            case "主题":
                draft = replace(draft, theme=value)
            case "地点":
                draft = replace(draft, place=value)
            case "时间" | "日期":
                draft = _with_moment(ctx, draft, value)
            case "截止":
                draft = _with_closing(ctx, draft, value)
            case _ if fixed:
                raise ChangeNotUnderstood("活动发布后不能改参加范围。可以回复 取消活动 后重新发布。")
            case _:
                draft = _with_audience(ctx, draft, value)
    return draft


def _with_moment(ctx: Context, draft: Draft, text: str) -> Draft:
    found = when.find(text, ctx.now)
    if found.day is None and found.time is None:
        raise when.WhenNotUnderstood(said=text[:20])
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    _require_future(ctx, draft)
    return draft


def _with_closing(ctx: Context, draft: Draft, text: str) -> Draft:
    starts_at = _start(ctx, draft)
    if starts_at is None:
        return replace(draft, closes_at=when.moment(text, ctx.now))
    default = at_time(activities.eve(starts_at, ctx.now), activities.CLOSES_AT, ctx.now)
    closes_at = when.change(text, default, ctx.now)
    return replace(draft, closes_at=activities.closing(starts_at, closes_at, ctx.now))


def _with_audience(ctx: Context, draft: Draft, text: str) -> Draft:
    return replace(draft, audience=activities.audience(ctx.session, ctx.member.branch_id, text))


def _start(ctx: Context, draft: Draft) -> datetime | None:
    return at_time(draft.on, draft.at, ctx.now) if draft.on and draft.at else None


def _require_future(ctx: Context, draft: Draft) -> None:
    """Refuse a past moment at once, while the question about it is still open."""
    starts_at = _start(ctx, draft)
    if draft.on and (draft.on < ctx.now.date() or (starts_at and starts_at <= ctx.now)):
        raise activities.AlreadyPast.of(starts_at or at_time(draft.on, time(), ctx.now), ctx.now)


def to_data(draft: Draft) -> dict[str, str]:
    """The draft as JSON."""
    return {k: v if isinstance(v, str) else v.isoformat() for k, v in asdict(draft).items() if v is not None}


def from_data(data: dict[str, str]) -> Draft:
    """The draft that :func:`to_data` wrote."""
    read = {"on": date.fromisoformat, "at": time.fromisoformat, "closes_at": datetime.fromisoformat}
    return Draft(**{k: read[k](v) if k in read else v for k, v in data.items()})  # type: ignore[arg-type]


# Looking ----------------------------------------------------------------------------------------------------------------


@router.command(
    "主题党日",
    "活动",
    "活动安排",
    "查看活动",
    "下次活动",
    "最近活动",
    examples=("主题党日", "活动", "什么时候开展活动"),
    about=("什么时候 哪天 几点 下次 最近", "活动 主题党日 党日"),
)
def look(ctx: Context) -> Answer:
    manages = ctx.actor.may(Action.PUBLISH)
    after = None if manages else ctx.now
    found = {one.id: one for one in activities.open_activities(ctx.session, branch_id=ctx.member.branch_id, after=after)}
    found |= {one.id: one for one in activities.open_activities(ctx.session, member_id=ctx.member.id, after=ctx.now)}
    if not found:
        return _nothing_planned(manages)
    nearest = sorted(found.values(), key=lambda one: one.starts_at)
    return which(ctx, "活动详情", nearest) if len(nearest) > 1 else Reply(describe(ctx, nearest[0]))


def _nothing_planned(manages: bool) -> Reply:
    if manages:
        return Reply("近期没有活动。可以发 发布主题党日 安排一次。", choices=("发布主题党日",))
    return Reply("近期没有活动，有了会通知您。可以先 今日学习。", choices=("今日学习",))


@router.command("活动详情", takes="活动编号", examples=("活动详情 #3",))
def look_at(ctx: Context, text: str) -> Answer:
    number, _ = activities.number_in(text)
    activity = ctx.session.get(Activity, number or 0)
    invited = ctx.session.get(SignUp, (number or 0, ctx.member.id)) is not None
    if activity is None or not (invited or activity.branch_id == ctx.member.branch_id):
        raise activities.NoSuchActivity(number=number or text[:8])
    return Reply(describe(ctx, activity))


def describe(ctx: Context, activity: Activity) -> str:
    """Theme, time, place, the sender's own state, and for people in charge the counts."""
    lines = [
        f"{activity.kind}：{activity.theme}",
        f"时间：{moment(activity.starts_at, ctx.now)}",
        f"地点：{activity.place}",
        _own_state(ctx, activity),
    ]
    if ctx.actor.may(Action.PUBLISH) and activity.branch_id == ctx.member.branch_id:
        counts = activities.states(ctx.session, activity.id)
        lines.append(
            f"已报名 {counts[SignUpState.SIGNED_UP]}/{sum(counts.values())}，请假 {counts[SignUpState.LEAVE_GRANTED]}，"
            f"待批 {counts[SignUpState.LEAVE_ASKED]}，没回复 {counts[SignUpState.INVITED]}。"
        )
        lines.append("可以发：谁没报名、签到码、修改活动、取消活动、结束活动")
    return "\n".join(lines)


def _own_state(ctx: Context, activity: Activity) -> str:
    came = attendance.attended_at(ctx.session, activity.id, ctx.member.id)
    if came is not None:
        return f"您已在 {clock(came, ctx.now)} 签到。可以发 感想 写几句。"
    row = ctx.session.get(SignUp, (activity.id, ctx.member.id))
    closes = moment(activity.signup_closes_at, ctx.now)
    opens = moment(activities.window_opens(activity), ctx.now)
    match row.state if row else None:
        case SignUpState.SIGNED_UP:
            return f"您已报名。{opens} 起可以发 签到 口令；去不了请发 请假 原因。"
        case SignUpState.LEAVE_ASKED:
            return "您的请假正在等审批。能去了请发 报名。"
        case SignUpState.LEAVE_GRANTED:
            return "您的请假已批准。能去了请发 报名。"
        case SignUpState.INVITED if ctx.now <= activity.signup_closes_at:
            return f"您还没回复。请在 {closes} 前发 报名 或 请假 原因。"
        case SignUpState.INVITED:
            return f"报名已于 {closes} 截止，您没有报名。到现场仍可发 签到 口令。"
    return "通知名单里没有您，想参加请联系支部书记。"


# Changing and cancelling ------------------------------------------------------------------------------------------------


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
    found = [one for one in activities.managed(ctx.session, ctx.actor, Action.PUBLISH, number) if one.starts_at > ctx.now]
    if len(found) != 1:
        return which(ctx, "修改活动", found, rest)
    activities.require_published(found[0], "修改")
    draft = activities.draft_of(found[0], ctx.now)
    if rest:
        return show(ctx, edit(ctx, draft, rest, found[0]), found[0])
    now_is = f"{found[0].theme}\n{full_moment(found[0].starts_at, ctx.now)} {found[0].place}\n{HOW}"
    return Ask(now_is, step=settle, data={"draft": to_data(draft), "activity": found[0].id}, title="修改活动")


@router.command(
    "取消活动",
    "取消主题党日",
    takes="原因",
    optional=True,
    examples=("取消活动", "取消活动 #3 抢修任务"),
    needs=Action.PUBLISH,
)
def cancel(ctx: Context, text: str = "") -> Answer:
    number, reason = activities.number_in(text)
    found = activities.managed(ctx.session, ctx.actor, Action.PUBLISH, number)
    if len(found) != 1:
        return which(ctx, "取消活动", found, reason)
    activities.require_published(found[0], "取消")
    counts = activities.states(ctx.session, found[0].id)
    told = sum(counts.values()) - counts[SignUpState.INVITED]
    text = f"要取消 {moment(found[0].starts_at, ctx.now)} 的“{found[0].theme}”吗？将通知已报名和请假的 {told} 人。\n1 确认 2 返回"
    data = {"activity": found[0].id, "reason": reason}
    return Ask(text, step=cancel_it, data=data, choices=("确认", "返回"), title="取消活动")


@router.step(words=(*YES, *NO))
def cancel_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to "really?"; anything but yes leaves the activity as it is."""
    if nlu.bare(text) not in (*YES, "确认取消"):
        return "好的，没有取消，活动照常。"
    activity = activities.managed(ctx.session, ctx.actor, Action.PUBLISH, data["activity"])[0]
    told = activities.cancel(ctx.session, activity, reason=data["reason"], now=ctx.now)
    keep(ctx, "取消活动", activity, data["reason"])
    return f"已取消“{activity.theme}”，正在通知 {told} 人。可以再发 发布主题党日 另行安排。"
