"""报名与请假：报名、取消报名、请假、请假审批、谁没报名、催一下。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.choices import run, which
from bot.errors import Refusal
from bot.journal import keep
from bot.models.activity import Activity, SignUpState
from bot.services import activity as activities
from bot.services import attendance, setting, sign_up
from bot.services.permission import Action
from bot.times import local, moment

router = Router()

NUDGE_HINT = "回复 催一下（或 1）只提醒这几位。"
_THIS = ("", "活动", "主题党日", "这次", "本次", "这个活动", "这次活动", "本次活动")
_CANNOT = re.compile(r"^我?(?:这次|明天|今天)?(?:去不了|来不了|参加不了|不能参加|不想?去)了?$")
_DECIDED = re.compile(r"^#?\s*(?P<no>\d{1,4})(?:\s*(?:号|条))?\s*[,:。、]?\s*(?P<why>.*)$", re.DOTALL)


class SignUpNotUnderstood(Refusal):
    text = "没看懂“{said}”。能参加请只回复 报名；不能参加请回复 请假 原因。"


class WhichLeave(Refusal):
    text = "没找到“{said}”的请假。请写编号，例如：{word} 1。回复 请假审批 看有哪些。"


# Signing up -------------------------------------------------------------------------------------------------------------


@router.command(
    "报名",
    "参加",
    "我参加",
    "我报名",
    "我去",
    "参加活动",
    "报名参加",
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
    return Reply(_joined(ctx, done), button="已报名", undo=_undo_of(done))


def _candidates(ctx: Context) -> list[Activity]:
    """What 报名 without a number may mean: the unanswered open ones, else everything still to come."""
    rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    if not rows:
        raise sign_up.NothingToSignUpFor
    still_open = [(one, row) for one, row in rows if one.signup_closes_at >= ctx.now]
    new = [one for one, row in still_open if row.state is not SignUpState.SIGNED_UP]
    return new or [one for one, _ in still_open[:1]] or [rows[0][0]]


def _joined(ctx: Context, done: sign_up.SignedUp) -> str:
    again = done.before is SignUpState.SIGNED_UP
    activity = done.activity
    lines = [f"{'您已经报过名了' if again else '报名成功'}：{activity.theme}，已报名 {done.count}/{done.invited}。"]
    if done.before in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED):
        lines.append("原来的请假已撤回。")
    lines.append(f"{moment(activity.starts_at, ctx.now)}，{activity.place}。")
    reminders = [moment(at, ctx.now) for at in activities.reminders(activity, ctx.now)]
    if reminders:
        lines.append(f"提醒时间：{'、'.join(reminders)}。")
    lines.append("去不了请发 请假 原因。" if again else "去不了请发 请假 原因；点错了5分钟内可发 撤销。")
    return "\n".join(lines)


def _undo_of(done: sign_up.SignedUp) -> Undo | None:
    return None if done.before is SignUpState.SIGNED_UP else Undo(undo_join, {"number": done.activity.id})


@router.undo
def undo_join(ctx: Context, number: int) -> str:
    done = sign_up.withdraw(ctx.session, ctx.member, number, now=ctx.now)
    return f"报名已撤销：{done.activity.theme}，已报名 {done.count}/{done.invited}。请再回复 报名 或 请假 原因。"


@router.command("取消报名", "不报名了", "撤销报名", "取消活动报名", takes="活动编号", optional=True, examples=("取消报名", "取消报名 #3"))
def withdraw(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    if number is None:
        rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
        found = [one for one, row in rows if row.state is SignUpState.SIGNED_UP]
        if not found:
            raise sign_up.NotSignedUp
        if len(found) > 1:
            return which(ctx, "取消报名", found)
        number = found[0].id
    done = sign_up.withdraw(ctx.session, ctx.member, number, now=ctx.now)
    return f"已取消报名：{done.activity.theme}，已报名 {done.count}/{done.invited}。不能参加请说明：请假 原因。"


# Leave ------------------------------------------------------------------------------------------------------------------


@router.command(
    "请假",
    "我请假",
    "不参加",
    "我不参加",
    "参加不了",
    "去不了",
    "来不了",
    "不能参加",
    "不去",
    "我不去",
    takes="原因",
    optional=True,
    examples=("请假 下乡巡线", "请假 出差到30号", "请假 #3 值班", "家里有事去不了"),
    about=("去不了 来不了 参加不了 不能参加",),
    whole=True,
)
def ask_leave(ctx: Context, text: str = "") -> Answer:
    found = re.match(r"#\s*(\d{1,9})\s*", text)
    number, reason = (int(found[1]), text[found.end() :]) if found else (None, text)
    if number is None:
        coming = [one for one, _ in sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)]
        if not coming:
            raise sign_up.NothingToSignUpFor("近期没有通知您参加的活动，不用请假。回复 主题党日 可以查看。")
        if len(coming) > 1:
            return which(ctx, "请假", coming, reason)
        number = coming[0].id
    if _CANNOT.sub("", reason):
        return _leave_asked(ctx, number, reason)
    activity, _ = sign_up.invitation(ctx.session, ctx.member, number, now=ctx.now)
    text = f"请假：{activities.short(activity, ctx.now)}。\n请发原因，例如：下乡巡线"
    return Ask(text, step=leave_reason, data={"number": number}, title="请假", button="请发原因")


@router.step(words=("值班", "今天值班", "我值班", "今天保电", "今天抢修"))
def leave_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The reason for a leave."""
    reason = re.sub(r"^(?:请假)?\s*(?:原因|因为|由于)?\s*[:是]?\s*", "", text)
    if not nlu.bare(reason):
        return Ask("请写一下原因，例如：下乡巡线", step=leave_reason, data=data, title="请假")
    return _leave_asked(ctx, data["number"], reason)


def _leave_asked(ctx: Context, number: int, reason: str) -> Reply:
    leave = sign_up.ask_leave(ctx.session, ctx.member, number, reason, now=ctx.now)
    told = sign_up.to_be_told(ctx.session, leave.activity.branch_id, ctx.member, on=ctx.now.date())
    names = "、".join(one.name for one in told)
    own = "（本支部没有其他人可以审批，由您自己决定）" if [one.id for one in told] == [ctx.member.id] else ""
    text = (
        f"请假已提交：{activities.short(leave.activity, ctx.now)}，原因：{leave.reason}。\n"
        f"等待{names}审批{own}，有结果会告诉您。能去了请发 报名。"
    )
    return Reply(text, button="请假待审批", undo=Undo(undo_leave, {"number": number}))


@router.undo
def undo_leave(ctx: Context, number: int) -> str:
    activity = sign_up.take_back_leave(ctx.session, ctx.member, number, now=ctx.now)
    return f"请假已撤回：{activity.theme}。请再回复 报名 或 请假 原因。"


@router.command("取消请假", "撤回请假", "销假", examples=("取消请假",))
def take_back(ctx: Context) -> str:
    rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    asked = [one for one, row in rows if row.state in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED)]
    if not asked:
        return "您没有待撤回的请假。回复 主题党日 看看活动安排。"
    return undo_leave(ctx, asked[0].id)


# Deciding ---------------------------------------------------------------------------------------------------------------


@router.command(
    "请假审批",
    "审批请假",
    "谁请假",
    "请假名单",
    "请假情况",
    takes="编号",
    optional=True,
    examples=("请假审批",),
    needs=Action.DECIDE_LEAVE,
)
def leaves(ctx: Context, text: str = "") -> Reply:
    waiting = sign_up.waiting_leaves(ctx.session, ctx.actor)
    if not waiting:
        return Reply("现在没有等待审批的请假。回复 主题党日 看看活动情况。")
    number, _ = activities.number_in(text)
    chosen = [one for one in waiting if one.number == number] or (waiting if len(waiting) == 1 else [])
    if chosen:
        return _one_leave(ctx, chosen[0])
    lines = [f"同意 {one.number}｜{one.member.name}：{one.reason[:30]}" for one in waiting[:8]]
    lines.append(f"共 {len(waiting)} 条等待审批。可发：同意 {waiting[0].number}，或 不同意 {waiting[0].number} 理由")
    return Reply("\n".join(lines))


def _one_leave(ctx: Context, leave: sign_up.Leave) -> Reply:
    text = (
        f"{leave.member.name} 请假：{leave.reason}\n（{activities.short(leave.activity, ctx.now)}）\n"
        f"回复 同意 {leave.number} 或 不同意 {leave.number} 理由"
    )
    return Reply(text)


@router.command("同意", "批准", takes="编号", optional=True, examples=("同意 1",), needs=Action.DECIDE_LEAVE)
def grant(ctx: Context, text: str = "") -> Answer:
    leave, _ = _meant(ctx, text, "同意")
    if leave is None:
        return leaves(ctx)
    return _decided(ctx, leave, granted=True)


@router.command(
    "不同意", "不批准", "不批", takes="编号和理由", optional=True, examples=("不同意 2 检修任务可调整",), needs=Action.DECIDE_LEAVE
)
def refuse(ctx: Context, text: str = "") -> Answer:
    leave, why = _meant(ctx, text, "不同意")
    if leave is None:
        return leaves(ctx)
    if not why:
        ask = f"不同意{leave.member.name}请假（{leave.reason}），请发理由，会转告本人。"
        return Ask(ask, step=refusal_reason, data={"number": leave.number}, title="不同意请假")
    return _decided(ctx, leave, granted=False, why=why)


@router.step()
def refusal_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The reason of a refusal."""
    leave, _ = _meant(ctx, str(data["number"]), "不同意")
    assert leave is not None, "a number names one request or is refused"
    return _decided(ctx, leave, granted=False, why=re.sub(r"^(?:理由|因为)\s*[:是]?\s*", "", text))


def _meant(ctx: Context, text: str, word: str) -> tuple[sign_up.Leave | None, str]:
    """The request that a number or name at the beginning means, and the rest; None when nothing was said and several wait."""
    waiting = sign_up.waiting_leaves(ctx.session, ctx.actor)
    if found := _DECIDED.match(text):
        number = int(found["no"])
        for one in waiting:
            if one.number == number:
                return one, found["why"]
        raise sign_up.NoSuchLeave(number=number)
    named = [one for one in waiting if text.startswith(one.member.name)]
    if len(named) == 1:
        return named[0], text.removeprefix(named[0].member.name).strip(" ,:")
    if text and not named:
        raise WhichLeave(said=text[:12], word=word)
    return (waiting[0] if len(waiting) == 1 else None), ""


def _decided(ctx: Context, leave: sign_up.Leave, *, granted: bool, why: str = "") -> Reply:
    done, own = sign_up.decide(ctx.session, ctx.actor, leave.number, granted=granted, why=why, now=ctx.now)
    keep(ctx, "同意请假" if granted else "不同意请假", done.activity, done.reason, why, subject_id=done.member.id)
    left = len(sign_up.waiting_leaves(ctx.session, ctx.actor))
    verdict = "已同意" if granted else "没有同意"
    who = "您自己的请假（本支部没有其他人可以审批）" if own else f"{done.member.name}请假"
    told = "" if own else f"，正在通知{done.member.name}"
    more = f"还有 {left} 条，回复 请假审批。" if left else "没有其他待审批的请假。可发 谁没报名。"
    return Reply(f"{verdict}{who}：{done.reason}{told}。\n{more}")


# Who is missing ---------------------------------------------------------------------------------------------------------


@router.command(
    "谁没报名",
    "谁没报名的",
    "谁还没报名",
    "没报名",
    "没报名的",
    "报名情况",
    "报名名单",
    "谁没回复",
    takes="活动编号",
    optional=True,
    examples=("谁没报名", "还有谁没报名"),
    about=("谁没报名 谁还没报名 没报名 没报名的 谁没回复",),
    needs=Action.SEE_GROUP,
)
def silent(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = [one for one in activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number) if number or one.starts_at > ctx.now]
    if len(found) != 1:
        return which(ctx, "谁没报名", found)
    activity = found[0]
    people = sign_up.missing(ctx.session, ctx.actor, activity, there=False)
    counts = activities.states(ctx.session, activity.id)
    head = f"{activities.short(activity, ctx.now)}\n已报名 {counts[SignUpState.SIGNED_UP]}，请假 {counts[SignUpState.LEAVE_GRANTED]}，待批 {counts[SignUpState.LEAVE_ASKED]}。"
    if not people:
        return f"{head}\n{'您负责的范围内' if _only_group(ctx) else ''}大家都回复了。"
    return Reply(f"{head}\n没回复 {len(people)} 人：\n{_grouped(people)}\n{NUDGE_HINT}", choices=(f"催一下 报名 #{activity.id}",))


def _only_group(ctx: Context) -> bool:
    return not ctx.actor.may(Action.SEE_BRANCH)


def _grouped(people: list[sign_up.Missing]) -> str:
    groups = sign_up.by_group(people)
    return "\n".join(f"{group} {len(names)} 人：{'、'.join(names)}" for group, names in groups.items())


@router.command(
    "谁没签到",
    "谁还没签到",
    "没签到",
    "没签到的",
    "签到情况",
    "谁没来",
    takes="活动编号",
    optional=True,
    examples=("谁没签到", "还有谁没签到"),
    about=("谁没签到 谁还没签到 没签到 没签到的 谁没来",),
    needs=Action.SEE_GROUP,
)
def absent(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = [
        one
        for one in activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
        if number or attendance.is_open(one, ctx.now)
    ]
    if not found:
        return "现在没有正在签到的活动（活动开始前60分钟起可以签到）。回复 主题党日 看看安排。"
    if len(found) != 1:
        return which(ctx, "谁没签到", found)
    activity = found[0]
    people = sign_up.missing(ctx.session, ctx.actor, activity, there=True)
    head = f"{activities.short(activity, ctx.now)}\n{attendance.counts(ctx.session, activity.id)}。"
    if not people:
        return f"{head}\n该到的都签到了。"
    if not attendance.is_open(activity, ctx.now):
        return f"{head}\n没签到 {len(people)} 人：\n{_grouped(people)}"
    return Reply(f"{head}\n没签到 {len(people)} 人：\n{_grouped(people)}\n{NUDGE_HINT}", choices=(f"催一下 签到 #{activity.id}",))


@router.command(
    "催一下",
    "催",
    "催办",
    "催报名",
    takes="报名或签到",
    optional=True,
    examples=("催一下", "催一下 签到", "催一下 报名 #3"),
    needs=Action.SEE_GROUP,
)
def nudge(ctx: Context, text: str = "") -> Answer:
    """Nudge the silent, or during check-in those not there. Alone it means the people of the list that was just shown."""
    shown = "" if text else ctx.talk.chosen(1) or ""
    if shown.startswith("催回执"):
        return run(ctx, "催回执", shown.removeprefix("催回执").strip())
    text = text or shown.removeprefix("催一下").strip() if shown.startswith("催一下") else text
    number, _ = activities.number_in(re.sub(r"^(?:报名|签到)\s*", "", text))
    found = activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
    there = [one for one in found if attendance.is_open(one, ctx.now) and not text.startswith("报名")]
    coming = [one for one in found if one.starts_at > ctx.now and not text.startswith("签到")]
    wanted = there or coming
    if len(wanted) != 1:
        return which(ctx, f"催一下 {'签到' if there else '报名'}", wanted)
    names = sign_up.nudge(ctx.session, ctx.actor, wanted[0], there=bool(there), now=ctx.now)
    keep(ctx, "催签到" if there else "催报名", wanted[0], f"{len(names)}人")
    more = "谁没签到" if there else "谁没报名"
    hours = setting.rules(ctx.session, wanted[0].branch_id).nudge_hours
    return f"正在提醒 {len(names)} 人：{'、'.join(names)}。\n每人{hours}小时内只提醒一次。过一会儿可以再看 {more}。"


# What waits -------------------------------------------------------------------------------------------------------------


@router.waiting
def unanswered(ctx: Context) -> Iterator[Waiting]:
    """The nearest open sign-up that the member has not answered."""
    for activity, row in sign_up.to_answer(ctx.session, ctx.member, now=ctx.now):
        if row.state is SignUpState.INVITED and activity.signup_closes_at > ctx.now:
            there = local(activity.starts_at, ctx.now)
            line = f"{there.month}月{there.day}日{activity.kind}还没回复，回复 报名 或 请假 原因"
            yield Waiting(f"sign-up {activity.id}", line)
            return


@router.waiting
def undecided(ctx: Context) -> Iterator[Waiting]:
    """Requests for leave that the sender may decide."""
    if ctx.actor.may(Action.DECIDE_LEAVE):
        waiting = sign_up.waiting_leaves(ctx.session, ctx.actor)
        if waiting:
            yield Waiting("leaves", f"有 {len(waiting)} 条请假等您审批，回复 请假审批")
