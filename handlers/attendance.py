"""签到：签到码、签到、补签、结束活动、感想。"""

from __future__ import annotations

import re
from typing import Any

from bot import choices, nlu
from bot.cards import Article
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.choices import which
from bot.journal import keep
from bot.models.activity import Activity, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import attendance, check_in_word, correction, reflection
from bot.services.permission import Action
from bot.services.points import Award
from bot.times import clock, local, moment

router = Router()

MOST_REFLECTION = 2000
YES = (*choices.YES, "结束")
_PERSON = re.compile(r"(?P<name>[^\s*]+)\*(?P<id>\d+)\s*(?P<reason>.*)", re.DOTALL)


# Words ------------------------------------------------------------------------------------------------------------------


@router.command(
    "签到码",
    "签到口令",
    "签到二维码",
    takes="活动编号",
    optional=True,
    examples=("签到码",),
    needs=Action.PUBLISH_GROUP,
)
def show_word(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, number)
    opened = [one for one in found if attendance.is_open(one, ctx.now)]
    if len(opened) > 1:
        return which(ctx, "签到码", opened)
    if not opened:
        return _no_word(ctx, list(found))
    word = check_in_word.word(opened[0], ctx.now)
    token = check_in_word.screen_token(ctx.settings.secret_key.get_secret_value(), opened[0].id)
    link = f"{ctx.settings.base_url}/m/screen/{opened[0].id}?k={token}"
    text = (
        f"签到码：{word.text}\n{word.until:%H:%M:%S} 前有效，每分钟更换。请大家回复：签到 {word.text}\n"
        f"现场大屏请打开：{link}\n要最新的口令再发 签到码；可以发 谁没签到。"
    )
    return Reply(text, article=Article("现场签到大屏", opened[0].theme, link))


def _no_word(ctx: Context, found: list[Activity]) -> Reply:
    for activity in found:
        activities.require_published(activity, "签到")
        opens = moment(activities.window_opens(activity), ctx.now)
        raise attendance.NotYet(theme=activity.theme, when=opens)
    return which(ctx, "签到码", [])


# Checking in ------------------------------------------------------------------------------------------------------------


@router.command(
    "签到", "打卡", "我到了", takes="口令", optional=True, examples=("签到", "签到 青松明月", "签到青松 明月")
)
def check_in(ctx: Context, word: str = "") -> Answer:
    if word:
        return _checked_in(ctx, attendance.check_in(ctx.session, ctx.member, word, now=ctx.now))
    opened = attendance.to_check_in(ctx.session, ctx.member, now=ctx.now)
    text = f"{opened[0].theme}：请发现场屏幕上的四字口令，例如：青松明月"
    return Ask(text, step=hear_word, title="签到")


@router.step()
def hear_word(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The word after a bare 签到."""
    return _checked_in(ctx, attendance.check_in(ctx.session, ctx.member, text, now=ctx.now))


def _checked_in(ctx: Context, done: attendance.CheckedIn) -> Reply:
    lines = [f"签到成功 {clock(done.at, ctx.now)}，{gain(done.award)}。"]
    if done.before in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED):
        lines.append("您原来请了假，现在按到会登记。")
    lines.append(f"活动：{done.activity.theme}。会后可以发 感想 写几句，回复 积分 查看得分。")
    return Reply("\n".join(lines), alone=True)


def gain(award: Award | None) -> str:
    """+2 分（党员教育管理），本季共 46 分; at a cap, or for a kind without points, it says so."""
    if award is None:
        return "这类活动签到不计分"
    if award.points:
        return f"+{award.points} 分（{award.rule.dimension}），本季共 {award.total} 分"
    return f"“{award.rule.name}”得分已到上限，这次不再加分，本季共 {award.total} 分"


# Correcting -------------------------------------------------------------------------------------------------------------


@router.command(
    "补签",
    "补签到",
    takes="姓名和原因",
    examples=("补签 张三 现场手机没电", "补签 #3 张三 手机没电"),
    needs=Action.CORRECT_GROUP_ATTENDANCE,
)
def correct(ctx: Context, text: str) -> Answer:
    number, said = activities.number_in(text)
    activity = correction.correctable(ctx.session, ctx.actor, number, now=ctx.now)
    exact = _PERSON.fullmatch(said)
    people = correction.namesakes(ctx.session, ctx.actor, exact["name"] if exact else said)
    if exact:
        people = [one for one in people if one.id == int(exact["id"])] or people
    reason = exact["reason"] if exact else said.removeprefix(people[0].name).strip(" ,:、。")
    if len(people) > 1:
        words = tuple(f"补签 #{activity.id} {one.name}*{one.id} {reason}".strip() for one in people)
        lines = activities.numbered(_told_apart(ctx, one) for one in people)
        return Reply(f"有 {len(people)} 位{people[0].name}，是哪一位？回复数字：\n{lines}", choices=words)
    if not reason:
        data = {"number": activity.id, "name": people[0].name, "member": people[0].id}
        ask = f"为{people[0].name}补签（{activities.short(activity, ctx.now)}），请发原因，例如：现场手机没电"
        return Ask(ask, step=correction_reason, data=data, title="补签")
    return _corrected(ctx, activity, people[0], reason)


def _told_apart(ctx: Context, member: Member) -> str:
    group = ctx.session.get(Organisation, member.group_id) if member.group_id else None
    marks = [mark for mark in (group.name if group else "", member.crew, member.staff_no or "") if mark]
    return f"{member.name}（{'，'.join(marks)}）"


@router.step()
def correction_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The reason of a correction."""
    return correct(ctx, f"#{data['number']} {data['name']}*{data['member']} {text}")


def _corrected(ctx: Context, activity: Activity, member: Member, reason: str) -> Reply:
    done = correction.correct(ctx.session, ctx.actor, activity, member, reason, now=ctx.now)
    keep(ctx, "补签", activity, reason, subject_id=member.id)
    text = (
        f"已为{member.name}补签：{activities.short(activity, ctx.now)}，原因：{reason}。{gain(done.award)}。\n"
        f"{attendance.counts(ctx.session, activity.id)}。正在告诉本人；补错了5分钟内可发 撤销。"
    )
    return Reply(
        text,
        undo=Undo(undo_correct, {"number": activity.id, "member": member.id, "before": done.before.value}),
    )


@router.undo
def undo_correct(ctx: Context, number: int, member: int, before: str) -> str:
    activity = correction.correctable(ctx.session, ctx.actor, number, now=ctx.now)
    correction.undo(ctx.session, ctx.actor, activity, member, SignUpState(before), now=ctx.now)
    keep(ctx, "撤销补签", activity, subject_id=member)
    name = ctx.session.get_one(Member, member).name
    return f"已撤销{name}的补签，得分已收回。{attendance.counts(ctx.session, activity.id)}。"


# Ending -----------------------------------------------------------------------------------------------------------------


@router.command(
    "结束活动",
    "活动结束",
    "结束主题党日",
    takes="活动编号",
    optional=True,
    examples=("结束活动", "结束活动 #3"),
    needs=Action.PUBLISH_GROUP,
)
def end(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = list(activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, number))
    if number is None:
        found = [one for one in found if attendance.is_open(one, ctx.now)] or found[:1]
    if not found:
        attendance.refuse_ended(ctx.session, ctx.actor.branch_id, now=ctx.now)
    if len(found) != 1:
        return which(ctx, "结束活动", found)
    activity = found[0]
    attendance.require_endable(ctx.session, activity, now=ctx.now)
    counts = attendance.counts(ctx.session, activity.id)
    lines = [
        f"要结束“{activity.theme}”吗？{counts}。",
        f"结束后不能再签到，并给未到的 {counts.leave + counts.absent} 人发补学。",
    ]
    if ctx.now < activity.starts_at:
        lines.append(f"注意：还没到开始时间 {clock(activity.starts_at, ctx.now)}。")
    if counts.asked:
        lines.append(f"其中 {counts.asked} 人请假还没审批，按缺席计；可先发 请假审批。")
    return Ask(
        "\n".join([*lines, "1 确认 2 返回"]),
        step=end_it,
        data={"number": activity.id},
        choices=("确认", "返回"),
        title="结束活动",
    )


@router.step(words=(*YES, "返回", "取消"))
def end_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to "really?"; anything but yes leaves the activity open."""
    if nlu.bare(text) not in YES:
        return "好的，活动还没结束，可以继续签到。"
    activity = activities.managed(ctx.session, ctx.actor, Action.PUBLISH_GROUP, data["number"])[0]
    done = attendance.end(ctx.session, activity, now=ctx.now)
    keep(ctx, "结束活动", activity, str(done.counts))
    study = f"补学正在发给 {done.make_up} 人。" if done.make_up else "全部到齐，没有人需要补学。"
    return f"“{activity.theme}”已结束：{done.counts}。\n共给 {done.points} 分。{study}\n漏签的可以发：补签 姓名 原因；也可以写 感想。"


# Reflections ------------------------------------------------------------------------------------------------------------


@router.command(
    "感想", "写感想", "我的感想", "心得", "学习心得", takes="您的感想", examples=("感想 今天学得很实在",)
)
def reflect(ctx: Context, text: str) -> str:
    activity, award = reflection.write(ctx.session, ctx.member, text[:MOST_REFLECTION], now=ctx.now)
    if activity is None or award is None:
        return "感想已记下，谢谢您。近7天没有您签到的活动，这次不计分；参加活动后再写可以得分。回复 主题党日 看看安排。"
    there = local(activity.starts_at, ctx.now)
    what = f"{there.month}月{there.day}日“{activity.theme}”"
    if award.points:
        return f"感想已记下（{what}），{gain(award)}。回复 积分明细 可以查看。"
    return f"感想已记下（{what}）。这次活动的感想已计过分或本月已到上限，不再加分，本季共 {award.total} 分。"
