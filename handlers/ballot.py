"""表决：会上提出表决、投票、结束和看结果。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Waiting, name_of
from bot.choices import NO, YES
from bot.errors import Refusal
from bot.models.ballot import Choice, Vote, VoteState
from bot.services import ballot, ballot_box, decision, motion, outcome
from bot.services.ballot_box import FEWEST_BALLOTS
from bot.services.motion import Plan
from bot.services.permission import Action

router = Router()

SECRET, NAMED = "无记名", "记名"
EXAMPLE = "表决 同意发展李明为预备党员"
_NUMBER = re.compile(r"#\s*(\d{1,9})")
_WORDS = {
    Choice.YES: ("赞成", "我赞成", "投赞成", "赞成票", "投赞成票"),
    Choice.NO: ("反对", "我反对", "投反对", "反对票", "投反对票", "不赞成", "我不赞成"),
    Choice.ABSTAIN: ("弃权", "我弃权", "投弃权", "弃权票", "投弃权票"),
}
# A message with one of these words that no command takes must not be quoted back ("没看懂…"): that answer would be stored with its sender.
# The words of receipts belong to it, so they are read here, once.
_ABOUT_VOTING = " ".join((*(word for many in _WORDS.values() for word in many), "暗号", *ballot_box.words()))


# Opening ----------------------------------------------------------------------------------------------------------------


@router.command(
    "表决", "发起表决", "开始表决", takes="要表决的事项", examples=(EXAMPLE,), needs=Action.PUBLISH
)
def propose(ctx: Context, question: str) -> Answer:
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    plan = motion.plan(ctx.session, ctx.actor.branch_id, question, now=ctx.now)
    choices = (SECRET, NAMED, "取消") if plan.may_be_secret else (NAMED, "取消")
    return Ask(
        _preview(plan, choices), step=start, data={"question": question}, choices=choices, title="发起表决"
    )


def _preview(plan: Plan, choices: tuple[str, ...]) -> str:
    due, rule = len(plan.entitled), plan.rule
    lines = [
        f"表决预览：{plan.question}",
        f"会议：{plan.activity.kind}“{plan.activity.theme}”",
        f"{rule.of}应到 {due} 人，已签到 {plan.present} 人（至少 {rule.needed_present(due)} 人，够）",
        f"赞成至少 {decision.needed_yes(due)} 票才通过（超过应到的半数，不按实到）",
        f"依据：{rule.source}",
    ]
    if rule.remark:
        lines.append(f"注意：{rule.remark}")
    if plan.may_be_secret:
        lines.append("无记名：事后从系统里查不出谁投了什么；但消息经过微信平台，要严格保密请用纸质票。")
    else:
        lines.append(f"到会不足 {FEWEST_BALLOTS} 人，不能在线无记名；要无记名请用纸质票。")
    return "\n".join([*lines, "怎么投？" + " ".join(f"{n} {word}" for n, word in enumerate(choices, 1))])


@router.step(words=(SECRET, NAMED, *NO))
def start(ctx: Context, said: str, data: dict[str, Any]) -> Answer:
    """How to vote: by name or secret. The choice opens the vote."""
    said = nlu.bare(said)
    if said in NO:
        return "好的，没有开始表决。需要时再发：表决 事项。"
    if said not in (SECRET, NAMED):
        return propose(ctx, data["question"])
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    vote = ballot.open_vote(ctx.session, ctx.member, data["question"], secret=said == SECRET, now=ctx.now)
    _record(ctx, "发起表决", vote, f"{said}，应到 {vote.entitled}，到会 {vote.present}")
    return Reply(
        f"表决开始（{said}）：{vote.question}\n应到 {vote.entitled} 人，到会 {vote.present} 人，正在通知应到的 {vote.entitled} 人。\n"
        "您自己投票请发 投票；都投完了请发 结束表决。",
        choices=("投票", "结束表决"),
    )


@router.command(
    "选举", "换届选举", "在线选举", "选书记", "选委员", takes="选举内容", optional=True, examples=("选举",)
)
def elect(ctx: Context, text: str = "") -> Answer:
    raise motion.ElectionsAreNotHeldOnline(source=decision.cite("XJ-secret"))


# Voting -----------------------------------------------------------------------------------------------------------------


@router.command("投票", "我要投票", "怎么投票", "选票", examples=("投票",), about=(_ABOUT_VOTING,))
def show_slip(ctx: Context) -> Answer:
    """The slip again, the same for everybody. In a secret vote it waits for the answer, so that nothing that follows is quoted back."""
    vote, voter = ballot.to_vote(ctx.session, ctx.member)
    if not vote.secret:
        mine = f"\n您投的是：{voter.choice.value}" if voter.choice else ""
        return Reply(
            f"{ballot.slip(vote)}\n1 赞成 2 反对 3 弃权{mine}", choices=tuple(one.value for one in Choice)
        )
    if voter.voted:
        raise ballot.AlreadyVoted
    text = f"{ballot.slip(vote)}\n选择也可以用数字：1 赞成 2 反对 3 弃权，例如：1 某某58"
    return Ask(text, step=fill_slip, data={"vote": vote.id}, title="投票")


@router.step()
def fill_slip(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """``1 青山37`` or ``赞成青山37``: the choice in front, the receipt behind it."""
    if nlu.bare(text) in NO:
        return "好的，还没有投票。要投时再发 投票。"
    for number, choice in enumerate(Choice, 1):
        for head in sorted((*_WORDS[choice], str(number)), key=len, reverse=True):
            if text.startswith(head):
                return _cast_once(ctx, choice, text.removeprefix(head), data["vote"])
    raise ballot_box.ReceiptNotUnderstood


def _cast_once(ctx: Context, choice: Choice, said: str, vote_id: int) -> Answer:
    try:
        return _cast(ctx, choice, said, vote_id=vote_id)
    except (ballot.NothingToVoteOn, ballot.VoteIsOver, ballot.AlreadyVoted) as over:
        # An answer and no refusal: this slip is of no use any more, and must not go on waiting for an answer.
        return str(over)


@router.command(*_WORDS[Choice.YES], takes="暗号", optional=True, examples=("赞成", "赞成 某某58"))
def approve(ctx: Context, text: str = "") -> Answer:
    return _cast(ctx, Choice.YES, text)


@router.command(*_WORDS[Choice.NO], takes="暗号", optional=True, examples=("反对", "反对 某某58"))
def oppose(ctx: Context, text: str = "") -> Answer:
    return _cast(ctx, Choice.NO, text)


@router.command(*_WORDS[Choice.ABSTAIN], takes="暗号", optional=True, examples=("弃权", "弃权 某某58"))
def abstain(ctx: Context, text: str = "") -> Answer:
    return _cast(ctx, Choice.ABSTAIN, text)


def _cast(ctx: Context, choice: Choice, said: str, *, vote_id: int | None = None) -> Answer:
    pressed = _NUMBER.fullmatch(said.strip())
    if pressed:
        said, vote_id = "", int(pressed[1])
    done = ballot.cast(ctx.session, ctx.member, choice, said, vote_id=vote_id)
    _forget_slip(ctx)
    count = f"现已投 {done.turnout.voted} 票，到会 {done.turnout.present} 人。"
    if done.vote.secret:
        # Stored with the sender: neither choice nor receipt may stand here.
        return (
            f"您的票已投进票箱，请记住您的暗号。{count}\n主持人结束表决后会公布结果，凭暗号可以查到您的票。"
        )
    changed = f"（原来是{done.before.value}）" if done.before not in (None, choice) and done.before else ""
    text = f"已记下：{choice.value}{changed}。{count}\n结束前可以改：直接再发 赞成、反对 或 弃权。"
    return Reply(text, button=f"已投{choice.value}")


def _forget_slip(ctx: Context) -> None:
    """The slip is filled in by a command: it must not wait any more."""
    frame = ctx.talk.suspended
    if frame and frame["step"] == name_of(fill_slip):
        ctx.talk.leave()


@router.waiting(motion.IS_RUNNING)
def waits(ctx: Context) -> Iterator[Waiting]:
    """An open vote of somebody who is there and has not voted."""
    try:
        vote, voter = ballot.to_vote(ctx.session, ctx.member)
    except Refusal:
        return
    if not voter.voted:
        yield Waiting(f"vote {vote.id}", "有一项表决等您投票，回复 投票")


# Closing and the result -------------------------------------------------------------------------------------------------


@router.command("结束表决", "表决结束", "停止表决", examples=("结束表决",), needs=Action.PUBLISH)
def close(ctx: Context) -> Answer:
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    vote = ballot.to_close(ctx.session, ctx.actor.branch_id, now=ctx.now)
    turnout = outcome.turnout(ctx.session, vote)
    lines = [f"要结束“{vote.question}”的表决吗？到会 {turnout.present} 人，已投 {turnout.voted} 票。"]
    if turnout.missing:
        lines.append(f"到会还没投的 {len(turnout.missing)} 人：{'、'.join(turnout.missing)}")
    if vote.secret and turnout.voted < FEWEST_BALLOTS:
        lines.append(f"注意：不足 {FEWEST_BALLOTS} 票，为保密不公布结果，结束后票会销毁，要改用纸质票。")
    lines.append("结束后不能再投。\n1 确认 2 返回")
    return Ask(
        "\n".join(lines), step=close_it, data={"vote": vote.id}, choices=("确认", "返回"), title="结束表决"
    )


@router.command(
    "谁没投票", "谁还没投票", "投票情况", "表决情况", examples=("谁没投票",), needs=Action.PUBLISH
)
def show_turnout(ctx: Context) -> Reply:
    vote = ballot.to_close(ctx.session, ctx.actor.branch_id, now=ctx.now)
    turnout = outcome.turnout(ctx.session, vote)
    missing = (
        f"到会还没投的 {len(turnout.missing)} 人：{'、'.join(turnout.missing)}"
        if turnout.missing
        else "到会的都投了。"
    )
    text = f"“{vote.question}”：应到 {vote.entitled} 人，到会 {turnout.present} 人，已投 {turnout.voted} 票。\n{missing}\n投完请发 结束表决。"
    return Reply(text, choices=("结束表决",))


@router.step(words=(*YES, *NO))
def close_it(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to "really?"; anything but yes leaves the vote open."""
    if nlu.bare(text) not in YES:
        return "好的，表决还在进行。都投完了再发 结束表决。"
    ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    vote = ballot.close(ctx.session, ctx.member, data["vote"], now=ctx.now)
    verdict = "作废" if vote.state is VoteState.VOID else "通过" if outcome.passed(vote) else "没有通过"
    _record(ctx, "结束表决", vote, verdict)
    return f"{outcome.result(ctx.session, vote)}\n结果正在发给应到的 {vote.entitled} 人。"


@router.command(
    "表决结果", "投票结果", "查票", takes="表决编号", optional=True, examples=("表决结果", "表决结果 #3")
)
def show_result(ctx: Context, text: str = "") -> str:
    # What follows may be a receipt that somebody wants to look up: it is not looked at, the whole list is the answer for all.
    found = _NUMBER.match(text)
    vote = outcome.latest(ctx.session, ctx.actor, number=int(found[1]) if found else None)
    return outcome.result(ctx.session, vote)


def _record(ctx: Context, act: str, vote: Vote, detail: str) -> None:
    journal.note(ctx, act, f"第 {vote.id} 号 {vote.question} {detail}", branch_id=vote.branch_id)
