"""报名：报名、取消报名。"""

from __future__ import annotations

from collections.abc import Iterator

from bot.chat import Answer, Context, Reply, Router, Undo, Waiting
from bot.choices import which
from bot.errors import Refusal
from bot.models.activity import Activity, SignUpState
from bot.services import activity as activities
from bot.services import sign_up
from bot.times import local, moment

router = Router()
_THIS = ("", "活动", "主题党日", "这次", "本次", "这个活动", "这次活动", "本次活动")


TAKEN = (SignUpState.SIGNED_UP, SignUpState.WAITS)
"""Answers after which 报名 has nothing more to do."""


class SignUpNotUnderstood(Refusal):
    text = "没看懂“{said}”。能参加请只回复 报名；不能参加请回复 请假 原因。"


@router.command(
    "报名",
    "参加",
    "我参加",
    "我报名",
    "我去",
    "参加活动",
    "报名参加",
    "我能去",
    "我能参加",
    takes="活动编号",
    optional=True,
    examples=("报名", "我要参加", "我参加", "我想报名一下", "报名 #3"),
)
def join(ctx: Context, text: str = "") -> Answer:
    number, rest = activities.number_in(text)
    if number is None and rest not in _THIS:
        raise SignUpNotUnderstood(said=rest[:20])
    if number is None:
        found = _candidates(ctx)
        if len(found) > 1:
            return which(ctx, "报名", found)
        number = found[0].id
    done = sign_up.sign_up(ctx.session, ctx.member, number, now=ctx.now)
    button = "已候补" if done.waiting else "已报名"
    return Reply(_joined(ctx, done), button=button, undo=_undo_of(done))


def _candidates(ctx: Context) -> list[Activity]:
    """What 报名 without a number may mean: the unanswered open ones, else everything still to come."""
    rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    if not rows:
        raise sign_up.NothingToSignUpFor
    still_open = [(one, row) for one, row in rows if one.signup_closes_at >= ctx.now]
    new = [one for one, row in still_open if row.state not in TAKEN]
    return new or [one for one, _ in still_open[:1]] or [rows[0][0]]


def _joined(ctx: Context, done: sign_up.SignedUp) -> str:
    again = done.before is SignUpState.SIGNED_UP
    activity = done.activity
    if done.waiting:
        return (
            f"名额已满（限 {done.invited} 人），您排在候补第 {done.waiting} 位：{activity.theme}。\n"
            f"有人退出会按顺序补上并通知您。不等了请发 取消报名。"
        )
    lines = [
        f"{'您已经报过名了' if again else '报名成功'}：{activity.theme}，已报名 {done.count}/{done.invited}。"
    ]
    if done.before in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED):
        lines.append("原来的请假已撤回。")
    lines.append(f"{moment(activity.starts_at, ctx.now)}，{activity.place}。")
    reminders = [moment(at, ctx.now) for at in activities.reminders(activity, ctx.now)]
    if reminders:
        lines.append(f"提醒时间：{'、'.join(reminders)}。")
    lines.append("去不了请发 请假 原因。" if again else "去不了请发 请假 原因；点错了5分钟内可发 撤销。")
    return "\n".join(lines)


def _undo_of(done: sign_up.SignedUp) -> Undo | None:
    return None if done.before in TAKEN else Undo(undo_join, {"number": done.activity.id})


@router.undo
def undo_join(ctx: Context, number: int) -> str:
    done = sign_up.withdraw(ctx.session, ctx.member, number, now=ctx.now)
    return (
        f"报名已撤销：{done.activity.theme}，已报名 {done.count}/{done.invited}。请再回复 报名 或 请假 原因。"
    )


@router.command(
    "取消报名",
    "不报名了",
    "撤销报名",
    "取消活动报名",
    takes="活动编号",
    optional=True,
    examples=("取消报名", "取消报名 #3"),
)
def withdraw(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    if number is None:
        rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
        found = [one for one, row in rows if row.state in TAKEN]
        if not found:
            raise sign_up.NotSignedUp
        if len(found) > 1:
            return which(ctx, "取消报名", found)
        number = found[0].id
    done = sign_up.withdraw(ctx.session, ctx.member, number, now=ctx.now)
    if done.before is SignUpState.WAITS:
        return f"已退出候补：{done.activity.theme}。想再报名请发 报名；不能参加请说明：请假 原因。"
    return (
        f"已取消报名：{done.activity.theme}，已报名 {done.count}/{done.invited}。不能参加请说明：请假 原因。"
    )


@router.waiting(sign_up.IS_TO_ANSWER)
def unanswered(ctx: Context) -> Iterator[Waiting]:
    """The nearest open sign-up that the member has not answered."""
    for activity, row in sign_up.to_answer(ctx.session, ctx.member, now=ctx.now):
        if row.state is SignUpState.INVITED and activity.signup_closes_at > ctx.now:
            there = local(activity.starts_at, ctx.now)
            line = f"{there.month}月{there.day}日{activity.kind}还没回复，回复 报名 或 请假 原因"
            yield Waiting(f"sign-up {activity.id}", line)
            return
