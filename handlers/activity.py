"""主题党日和其他活动：查看安排、取消活动。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.choices import NO, YES, which
from bot.journal import keep
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import attendance, key_task, publishing, quorum, waiting_list
from bot.services.permission import Action
from bot.times import clock, moment
from content.activity_kinds import Attends

router = Router()


@router.command(
    "主题党日",
    "活动",
    "活动安排",
    "查看活动",
    "下次活动",
    "最近活动",
    "集中学习",
    examples=("主题党日", "活动", "什么时候开展活动"),
    about=("什么时候 哪天 几点 下次 最近", "活动 主题党日 党日"),
)
def look(ctx: Context) -> Answer:
    manages = ctx.actor.may(Action.PUBLISH)
    after = None if manages else ctx.now
    branch = activities.open_activities(ctx.session, branch_id=ctx.member.branch_id, after=after)
    own = activities.open_activities(ctx.session, member_id=ctx.member.id, after=ctx.now)
    found = {one.id: one for one in [*branch, *own] if manages or one in own or _concerns_all(one)}
    if not found:
        return _nothing_planned(manages)
    nearest = sorted(found.values(), key=lambda one: one.starts_at)
    return which(ctx, "活动详情", nearest) if len(nearest) > 1 else Reply(describe(ctx, nearest[0]))


def _concerns_all(activity: Activity) -> bool:
    """Whether those not invited may want to know of it: not a meeting of a group, or of the committee."""
    kind = activities.kind_of(activity)
    return kind is None or kind.attends not in (Attends.GROUP, Attends.COMMITTEE)


def _nothing_planned(manages: bool) -> Reply:
    if manages:
        return Reply("近期没有活动。可以发 发布主题党日 安排一次。", choices=("发布主题党日",))
    return Reply("近期没有活动，有了会通知您。可以先 今日学习。", choices=("今日学习",))


@router.command("活动详情", takes="活动编号", examples=("活动详情 #3",))
def look_at(ctx: Context, text: str) -> Answer:
    number, _ = activities.number_in(text)
    activity = ctx.session.get(Activity, number or 0)
    invited = ctx.session.get(SignUp, (number or 0, ctx.member.id)) is not None
    if activity is None or not (invited or activity.branch_id in (ctx.member.branch_id, ctx.actor.branch_id)):
        raise activities.NoSuchActivity(number=number or text[:8])
    return Reply(describe(ctx, activity))


def describe(ctx: Context, activity: Activity) -> str:
    """Theme, time, place, the sender's own state, and for people in charge the counts."""
    lines = [
        f"{activity.kind}：{activity.theme}",
        f"时间：{moment(activity.starts_at, ctx.now)}",
        f"地点：{activity.place}",
        *_partner(ctx, activity),
        *([f"服务任务：{key_task.title_of(ctx.session, activity.task_id)}"] if activity.task_id else []),
        _own_state(ctx, activity),
        *_questions(activity),
    ]
    if activities.leads(ctx.session, ctx.actor, activity):
        counts = activities.states(ctx.session, activity.id)
        lines.append(
            f"已报名 {counts[SignUpState.SIGNED_UP]}/{sum(counts.values())}，请假 {counts[SignUpState.LEAVE_GRANTED]}，"
            f"待批 {counts[SignUpState.LEAVE_ASKED]}，没回复 {counts[SignUpState.INVITED]}{_queue(activity, counts)}。"
        )
        lines += _so_far(ctx, activity)
        lines.append("可以发：谁没报名、签到码、修改活动、取消活动、结束活动")
    return "\n".join(lines)


def _partner(ctx: Context, activity: Activity) -> list[str]:
    branch = ctx.session.get(Organisation, activity.partner_id) if activity.partner_id else None
    return [f"联建单位：{branch.name}"] if branch else []


def _questions(activity: Activity) -> list[str]:
    """How to send a question for a seminar that is still open."""
    kind = activities.kind_of(activity)
    open_ = activity.state is ActivityState.PUBLISHED and kind is not None and kind.questions
    return ["有问题请先发：研讨提问 内容，或 匿名提问 内容；看问题请发：研讨问题"] if open_ else []


def _queue(activity: Activity, counts: dict[SignUpState, int]) -> str:
    return f"，限 {activity.capacity} 人，候补 {counts[SignUpState.WAITS]}" if activity.capacity else ""


def _so_far(ctx: Context, activity: Activity) -> Iterator[str]:
    """From the opening of check-in on: who is there, whether that is enough for a vote, and who came late."""
    if activity.state is ActivityState.CANCELLED or ctx.now < activities.window_opens(activity):
        return
    yield f"{attendance.counts(ctx.session, activity.id)}。"
    votes = quorum.of(ctx.session, activity, now=ctx.now)
    if votes is not None:
        yield f"{votes}。"
    late = attendance.late(ctx.session, activity)
    if late:
        names = "、".join(f"{name} {clock(at, ctx.now)}" for name, at in late)
        yield f"迟到 {len(late)} 人（开始15分钟后签到）：{names}。"


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
        case SignUpState.WAITS:
            number = waiting_list.place(ctx.session, activity.id, ctx.member.id)
            return f"名额已满，您在候补第 {number} 位，有名额会通知您。不等了请发 取消报名。"
        case SignUpState.LEAVE_ASKED:
            return "您的请假正在等审批。能去了请发 报名。"
        case SignUpState.LEAVE_GRANTED:
            return "您的请假已批准。能去了请发 报名。"
        case SignUpState.INVITED if ctx.now <= activity.signup_closes_at:
            return f"您还没回复。请在 {closes} 前发 报名 或 请假 原因。"
        case SignUpState.INVITED:
            return f"报名已于 {closes} 截止，您没有报名。到现场仍可发 签到 口令。"
    return "通知名单里没有您，想参加请联系支部书记。"


@router.command(
    "取消活动",
    "取消主题党日",
    takes="原因",
    optional=True,
    examples=("取消活动", "取消活动 #3 抢修任务"),
    needs=Action.PUBLISH_GROUP,
)
def cancel(ctx: Context, text: str = "") -> Answer:
    number, reason = activities.number_in(text)
    found = activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, number)
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
    activity = activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, data["activity"])[0]
    told = publishing.cancel(ctx.session, activity, reason=data["reason"], now=ctx.now)
    keep(ctx, "取消活动", activity, data["reason"])
    return f"已取消“{activity.theme}”，正在通知 {told} 人。可以再发 发布主题党日 另行安排。"
