"""题库：把题目粘贴进来，先看预览，再确认导入；可以撤销，也可以批准别人导入的题。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.errors import Refusal
from bot.models.organisation import Organisation
from bot.models.quiz import QuestionState
from bot.services import outbox, permission, question_file, question_import
from bot.services.permission import HAS_A_ROLE, Action
from bot.services.question_import import Preview, TakenBack
from content.questions import Kind, Question

router = Router()

EXAMPLE = """1. 党支部党员大会一般多久召开一次？（ ）
A. 每月  B. 每季度  C. 每半年
答案：B
解析：党员大会一般每季度召开一次。
出处：《中国共产党支部工作条例（试行）》"""
PASTE = f"请把题目粘贴过来，可以一次好几道。格式如下：\n{EXAMPLE}\n判断题答案写 对 或 错；答案也可以都写在最后：参考答案：1-5 ABCDA。\n不导入就回复 退出。"
PASTED = "聊天粘贴"
# A message has at most twelve lines, and a phone's line about twenty characters.
MOST_LINES, MOST_LETTERS = 6, 16


class NoQuestionsYet(Refusal):
    text = "没有看到题目。请先发 导入题目，再把题目粘贴过来。"


class NoSuchNumber(Refusal):
    text = "没有编号为 {number} 的待批准题目。回复 批准题目 看看有哪些。"


@router.command(
    "导入题目",
    "题目导入",
    "添加题目",
    "出题",
    takes="题目",
    optional=True,
    examples=("导入题目", "添加题目"),
    about=("导入 添加 录入 上传", "题目 试题 题库"),
    needs=Action.EDIT_QUESTIONS,
)
def begin(ctx: Context, _: str = "") -> Answer:
    pasted = _after_the_word(ctx.message.text)
    if not pasted:
        return Ask(PASTE, step=paste, title="导入题目")
    return look(ctx, pasted)


@router.step()
def paste(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return look(ctx, ctx.message.text)


def look(ctx: Context, pasted: str) -> Answer:
    """The preview of a pasted text; nothing is written before 确认."""
    seen = _preview(ctx, pasted)
    shown = "\n".join([f"看到的题：{seen.summary}。", *_lines(seen)])
    if not seen.added and not seen.changed:
        return Ask(
            f"{shown}\n没有可以导入的题。请改好再粘贴一次，或回复 退出。", step=paste, title="导入题目"
        )
    data = {"text": pasted, "signature": seen.signature}
    text = f"{shown}\n{_what_follows(ctx)}回复 确认 或 取消；要改就把题目重新粘贴一次。"
    return Ask(text, step=decide, data=data, choices=("确认", "取消"), title="导入题目")


@router.step(words=("确认", "取消"))
def decide(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    said = nlu.bare(text)
    if said == "取消":
        return "没有导入，题库没有变。回复 导入题目 可以重新来。"
    if said != "确认":
        return look(ctx, ctx.message.text)
    seen = _preview(ctx, data["text"])
    if seen.signature != data["signature"]:
        return look(ctx, data["text"])
    return accept(ctx, seen)


def accept(ctx: Context, seen: Preview) -> Reply:
    """Take the questions in; drafts are told to those who may approve them."""
    actor, now = ctx.member, ctx.now
    done = question_import.accept(
        ctx.session,
        seen,
        actor=actor,
        state=_state(ctx),
        now=now,
        channel=ctx.message.channel,
        source=PASTED,
    )
    text = f"已导入：新增 {done.added} 题，修改 {done.changed} 题。"
    if done.state is QuestionState.DRAFT:
        text += _tell_approvers(ctx, done.import_id, done.added + done.changed)
    else:
        text += "回复 答题 就可能抽到。"
    undo = Undo(take_back, {"import_id": done.import_id})
    return Reply(f"{text}\n5分钟内回复 撤销 可以收回。", undo=undo)


@router.undo
def take_back(ctx: Context, import_id: int) -> str:
    done = question_import.take_back(
        ctx.session, import_id, now=ctx.now, actor=ctx.member, channel=ctx.message.channel
    )
    return f"已撤销导入：{said_of(done)}。回复 导入题目 可以重新来。"


@router.command("撤销导入", "收回导入", examples=("撤销导入",), needs=Action.APPROVE_QUESTIONS)
def take_back_latest(ctx: Context) -> Ask:
    branch = ctx.actor.on_branch(ctx.session, Action.APPROVE_QUESTIONS, ctx.actor.branch_id)
    record = question_import.latest(ctx.session, branch.id)
    at, data = record.at.astimezone(ctx.now.tzinfo), {"import_id": record.id}
    text = f"最近一次导入是{at.month}月{at.day}日 {at:%H:%M} 的 {len(record.written)} 题（{record.source}）。"
    text += "要收回吗？有人答过的题会停用，作答和积分不变。回复 确认 或 取消。"
    return Ask(text, step=decide_to_take_back, data=data, choices=("确认", "取消"), title="撤销导入")


@router.step(words=("确认", "取消"))
def decide_to_take_back(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    said = nlu.bare(text)
    if said == "确认":
        ctx.actor.on_branch(ctx.session, Action.APPROVE_QUESTIONS, ctx.actor.branch_id)
        return take_back(ctx, data["import_id"])
    if said == "取消":
        return "没有收回，题库没有变。要停用其中一题请发：停用题目 编号"
    return take_back_latest(ctx)


def said_of(done: TakenBack) -> str:
    """What taking back did, in a few words."""
    parts = [f"删除 {done.deleted} 题", f"恢复 {done.restored} 题"]
    parts += [f"停用 {done.retired} 题（已有人遇到）"] if done.retired else []
    parts += [f"{done.left} 题后来又改过，没有动"] if done.left else []
    return "，".join(parts)


@router.command(
    "批准题目",
    "审题",
    takes="编号",
    optional=True,
    examples=("批准题目", "批准题目 3"),
    needs=Action.APPROVE_QUESTIONS,
)
def approve(ctx: Context, said: str = "") -> Answer:
    ctx.actor.on_branch(ctx.session, Action.APPROVE_QUESTIONS, ctx.actor.branch_id)
    waiting = question_import.waiting(ctx.session, ctx.actor.branch_id)
    if not waiting:
        raise question_import.NothingToApprove
    number = nlu.choice(said) if len(said) < 3 else int(said) if said.isdigit() and len(said) < 10 else None
    if not said and len(waiting) > 1:
        lines = [
            f"{record.id}：{record.at.astimezone(ctx.now.tzinfo):%m月%d日}，{len(record.written)} 题"
            for record in waiting
        ]
        return Reply(
            "等待批准的导入：\n"
            + "\n".join(lines[:8])
            + f"\n回复 批准题目 加编号，例如：批准题目 {waiting[0].id}"
        )
    record = next((one for one in waiting if not said or one.id == number), None)
    if record is None:
        raise NoSuchNumber(number=said[:10])
    count = question_import.approve(
        ctx.session, record, actor=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    left = (
        f"还有 {len(waiting) - 1} 次导入等待批准，回复 批准题目。"
        if len(waiting) > 1
        else "回复 答题 就可能抽到。"
    )
    return f"已批准 {count} 题（导入 #{record.id}），现在可以出题了。{left}"


@router.waiting(HAS_A_ROLE)
def drafts(ctx: Context) -> Iterator[Waiting]:
    if not ctx.actor.may(Action.APPROVE_QUESTIONS) or not _may_approve(ctx):
        return
    waiting = question_import.waiting(ctx.session, ctx.actor.branch_id)
    if waiting:
        yield Waiting(f"drafts {waiting[-1].id}", f"有 {len(waiting)} 次导入的题目等您批准，回复 批准题目")


def _preview(ctx: Context, pasted: str) -> Preview:
    if not pasted.strip():
        raise NoQuestionsYet
    ctx.actor.on_branch(ctx.session, Action.EDIT_QUESTIONS, ctx.actor.branch_id)
    return question_import.preview(ctx.session, question_file.read_text(pasted), ctx.actor.branch_id)


def _lines(seen: Preview) -> list[str]:
    """What the sender should look at, the worst first; the rest is counted."""
    lines = [f"✗ 第{one.number}行 {one.why}" for one in seen.rejected]
    lines += [f"？第{one.number}行 {one.why}，请看是不是重复" for one in seen.near]
    lines += [f"＝第{one.number}行 {one.why}" for one in seen.doubled]
    lines += [f"改 第{one.number}行 {_short(one.question)}" for one in seen.changed]
    lines += [f"＋第{one.number}行 {_short(one.question)}" for one in seen.added]
    more = [f"……另有 {len(lines) - MOST_LINES} 行"] if len(lines) > MOST_LINES else []
    return lines[:MOST_LINES] + more


def _short(question: Question) -> str:
    """The beginning of the stem, and the answer that was understood."""
    line = question.stem.replace("\n", " ")
    answer = question.answer[0][:8] if question.kind is Kind.BLANK else "".join(question.answer)
    return f"{line if len(line) <= MOST_LETTERS else line[:MOST_LETTERS] + '…'} 答案{answer}"


def _state(ctx: Context) -> QuestionState:
    """Who may approve need not ask; everybody else's questions wait as drafts."""
    return QuestionState.APPROVED if _may_approve(ctx) else QuestionState.DRAFT


def _may_approve(ctx: Context) -> bool:
    mine = Organisation.id == ctx.actor.branch_id, ctx.actor.within(Action.APPROVE_QUESTIONS)
    return ctx.session.scalar(select(Organisation.id).where(*mine)) is not None


def _what_follows(ctx: Context) -> str:
    return "" if _state(ctx) is QuestionState.APPROVED else "导入后要等支部书记批准才会出题。"


def _tell_approvers(ctx: Context, import_id: int, count: int) -> str:
    """Queue the request for approval; what the sender reads about it."""
    branch = ctx.actor.branch_id
    able = permission.holders(ctx.session, Action.APPROVE_QUESTIONS, branch, on=ctx.now.date())
    able = [one for one in able if one.branch_id == branch] or able
    text = f"{ctx.member.name}导入了 {count} 道题，等您批准。批准请回复：批准题目 {import_id}"
    outbox.push(ctx.session, [one.id for one in able], text, key=f"drafts {import_id}", now=ctx.now)
    names = "、".join(one.name for one in able) or "支部书记"
    return f"将请{names}批准，批准后才会出题。"


def _after_the_word(raw: str) -> str:
    """What follows the command in the message as it was sent: the routed text has lost its line breaks."""
    found = re.match(r"\s*(?:导入题目|题目导入|添加题目|出题)[\s:：,，。]*", raw)
    return raw[found.end() :].strip() if found else raw.partition("\n")[2].strip()
