"""请假：请假、撤回，由支部审批。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.choices import run, which
from bot.errors import Refusal
from bot.journal import keep
from bot.models.activity import SignUpState
from bot.services import activity as activities
from bot.services import leave, motion, sign_up
from bot.services.permission import HAS_A_ROLE, Action

router = Router()
_CANNOT = re.compile(r"^我?(?:这次|明天|今天)?(?:去不了|来不了|参加不了|不能参加|不想?去)了?$")
_DECIDED = re.compile(r"^#?\s*(?P<no>\d{1,4})(?:\s*(?:号|条))?\s*[,:。、]?\s*(?P<why>.*)$", re.DOTALL)


class WhichLeave(Refusal):
    # Does not repeat what was said: somebody may have meant a secret vote that has just been closed.
    text = "没找到这个人的请假。请写编号，例如：同意 1。回复 请假审批 看有哪些。"


# Asking --------------------------------------------------------------------------------------------------------------


@router.command(
    "请假",
    "我请假",
    "不参加",
    "我不参加",
    "参加不了",
    "去不了",
    "来不了",
    "不能参加",
    "我参加不了",
    "不去",
    "我不去",
    takes="原因",
    optional=True,
    examples=("请假 下乡巡线", "请假 出差到30号", "请假 出差 委托 李明", "请假 #3 值班", "家里有事去不了"),
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
    asked = leave.ask(ctx.session, ctx.member, number, reason, now=ctx.now)
    told = leave.to_be_told(ctx.session, asked.activity, ctx.member, on=ctx.now.date())
    names = "、".join(one.name for one in told)
    own = "（本支部没有其他人可以审批，由您自己决定）" if [one.id for one in told] == [ctx.member.id] else ""
    text = (
        f"请假已提交：{activities.short(asked.activity, ctx.now)}，原因：{asked.why}。\n{_no_proxy(asked)}"
        f"等待{names}审批{own}，有结果会告诉您。能去了请发 报名。"
    )
    return Reply(text, button="请假待审批", undo=Undo(undo_leave, {"number": number}))


def _no_proxy(asked: leave.Leave) -> str:
    """In a meeting that votes: a name that was given carries no vote."""
    kind = activities.kind_of(asked.activity)
    votes = kind is not None and kind.quorum is not None
    return "委托只记下姓名：表决要本人到会，选举不得委托。\n" if asked.delegate and votes else ""


@router.undo
def undo_leave(ctx: Context, number: int) -> str:
    activity = leave.take_back(ctx.session, ctx.member, number, now=ctx.now)
    return f"请假已撤回：{activity.theme}。请再回复 报名 或 请假 原因。"


@router.command("取消请假", "撤回请假", "销假", examples=("取消请假",))
def take_back(ctx: Context) -> str:
    rows = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    asked = [one for one, row in rows if row.state in (SignUpState.LEAVE_ASKED, SignUpState.LEAVE_GRANTED)]
    if not asked:
        return "您没有待撤回的请假。回复 主题党日 看看活动安排。"
    return undo_leave(ctx, asked[0].id)


# Deciding ------------------------------------------------------------------------------------------------------------


@router.command(
    "请假审批",
    "审批请假",
    "谁请假",
    "请假名单",
    "请假情况",
    takes="编号",
    optional=True,
    examples=("请假审批",),
    needs=Action.DECIDE_GROUP_LEAVE,
)
def leaves(ctx: Context, text: str = "") -> Reply:
    waiting = leave.waiting(ctx.session, ctx.actor)
    if not waiting:
        return Reply("现在没有等待审批的请假。回复 主题党日 看看活动情况。")
    number, _ = activities.number_in(text)
    chosen = [one for one in waiting if one.number == number] or (waiting if len(waiting) == 1 else [])
    if chosen:
        return _one_leave(ctx, chosen[0])
    lines = [f"同意 {one.number}｜{one.member.name}：{one.why[:30]}" for one in waiting[:8]]
    lines.append(
        f"共 {len(waiting)} 条等待审批。可发：同意 {waiting[0].number}，或 不同意 {waiting[0].number} 理由"
    )
    return Reply("\n".join(lines))


def _one_leave(ctx: Context, leave: leave.Leave) -> Reply:
    text = (
        f"{leave.member.name} 请假：{leave.why}\n（{activities.short(leave.activity, ctx.now)}）\n"
        f"回复 同意 {leave.number} 或 不同意 {leave.number} 理由"
    )
    return Reply(text)


@router.command("同意", "批准", takes="编号", optional=True, examples=("同意 1",))
def grant(ctx: Context, text: str = "") -> Answer:
    return _vote(ctx, text, "赞成", "同意") or _grant(ctx, text)


def _grant(ctx: Context, text: str) -> Answer:
    leave, _ = _meant(ctx, text)
    if leave is None:
        return leaves(ctx)
    return _decided(ctx, leave, granted=True)


@router.command(
    "不同意",
    "不批准",
    "不批",
    takes="编号和理由",
    optional=True,
    examples=("不同意 2 检修任务可调整",),
)
def refuse(ctx: Context, text: str = "") -> Answer:
    return _vote(ctx, text, "反对", "不同意") or _refuse(ctx, text)


def _refuse(ctx: Context, text: str) -> Answer:
    leave, why = _meant(ctx, text)
    if leave is None:
        return leaves(ctx)
    if not why:
        ask = f"不同意{leave.member.name}请假（{leave.reason}），请发理由，会转告本人。"
        return Ask(ask, step=refusal_reason, data={"number": leave.number}, title="不同意请假")
    return _decided(ctx, leave, granted=False, why=why)


@router.step()
def refusal_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The reason of a refusal."""
    leave, _ = _meant(ctx, str(data["number"]))
    assert leave is not None, "a number names one request or is refused"
    return _decided(ctx, leave, granted=False, why=re.sub(r"^(?:理由|因为)\s*[:是]?\s*", "", text))


def _vote(ctx: Context, text: str, vote: str, decide: str) -> Answer | None:
    """The answer of the command ``vote``, when a vote is going on and no request for leave is meant; a choice, when both may be; else None."""
    running = motion.running(ctx.session, ctx.member.branch_id)
    if running is None or _DECIDED.match(text):
        return None
    waiting = leave.waiting(ctx.session, ctx.actor) if ctx.actor.may(Action.DECIDE_GROUP_LEAVE) else []
    if not waiting:
        return run(ctx, vote, text)
    if text:
        return None if any(text.startswith(one.member.name) for one in waiting) else run(ctx, vote, text)
    if running.secret:
        # Without a receipt it is no ballot, and a choice would keep with the sender what was said.
        return None
    about = f"{decide} {waiting[0].number}" if len(waiting) == 1 else "请假审批"
    lines = f"1 投{vote}票（{running.question}）\n2 {about}（{waiting[0].member.name}请假）"
    return Reply(f"您是想：\n{lines}\n回复数字即可。", choices=(vote, about))


def _meant(ctx: Context, text: str) -> tuple[leave.Leave | None, str]:
    """The request that a number or name at the beginning means, and the rest; None when nothing was said and several wait."""
    ctx.actor.require(Action.DECIDE_GROUP_LEAVE)
    waiting = leave.waiting(ctx.session, ctx.actor)
    if found := _DECIDED.match(text):
        number = int(found["no"])
        for one in waiting:
            if one.number == number:
                return one, found["why"]
        raise leave.NoSuchLeave(number=number)
    named = [one for one in waiting if text.startswith(one.member.name)]
    if len(named) == 1:
        return named[0], text.removeprefix(named[0].member.name).strip(" ,:")
    if text and not named:
        raise WhichLeave
    return (waiting[0] if len(waiting) == 1 else None), ""


def _decided(ctx: Context, one: leave.Leave, *, granted: bool, why: str = "") -> Reply:
    done, own = leave.decide(ctx.session, ctx.actor, one.number, granted=granted, why=why, now=ctx.now)
    keep(
        ctx,
        "同意请假" if granted else "不同意请假",
        done.activity,
        done.reason,
        why,
        subject_id=done.member.id,
    )
    left = len(leave.waiting(ctx.session, ctx.actor))
    verdict = "已同意" if granted else "没有同意"
    who = "您自己的请假（本支部没有其他人可以审批）" if own else f"{done.member.name}请假"
    told = "" if own else f"，正在通知{done.member.name}"
    more = f"还有 {left} 条，回复 请假审批。" if left else "没有其他待审批的请假。可发 谁没报名。"
    return Reply(f"{verdict}{who}：{done.reason}{told}。\n{more}")


@router.waiting(HAS_A_ROLE)
def undecided(ctx: Context) -> Iterator[Waiting]:
    """Requests for leave that the sender may decide."""
    if ctx.actor.may(Action.DECIDE_GROUP_LEAVE):
        waiting = leave.waiting(ctx.session, ctx.actor)
        if waiting:
            yield Waiting("leaves", f"有 {len(waiting)} 条请假等您审批，回复 请假审批")
