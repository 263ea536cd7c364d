"""看题：按编号看题库里的一道题，照样改好再粘贴；有错或不合用的题，本支部可以马上停用。"""

from __future__ import annotations

from bot.chat import Context, Reply, Router, Undo
from bot.models.quiz import Question, QuestionState
from bot.services import own_question, question_file
from bot.services.permission import Action
from bot.services.question_formats import text as pasted

router = Router()

LONGEST = 1500
"""Bytes of a question that leave room for the rest of the answer in one text message (2048)."""
_STATES = {QuestionState.DRAFT: "等待批准", QuestionState.APPROVED: "在用", QuestionState.RETIRED: "已停用"}


@router.command(
    "看题",
    "查看题目",
    takes="编号",
    examples=("看题 branch-work-001",),
    needs=Action.EDIT_QUESTIONS,
)
def look(ctx: Context, code: str) -> str:
    ctx.actor.on_branch(ctx.session, Action.EDIT_QUESTIONS, ctx.actor.branch_id)
    found = own_question.find(ctx.session, ctx.actor.branch_id, code.strip())
    return f"{_shown(found)}\n——\n{_what_follows(ctx, found)}"


def _shown(found: Question) -> str:
    """The question in the form in which it may be pasted again, or its beginning when it has no such form."""
    question = question_file.checked(found)
    text = pasted.write(question)
    if pasted.holds(question) and len(text.encode()) <= LONGEST:
        return text
    return f"{found.code} {found.stem[:60]}…\n这道题太长或带小题，要看全文请发：导出 题目"


def _what_follows(ctx: Context, found: Question) -> str:
    state = own_question.state_in(ctx.session, ctx.actor.branch_id, found)
    gone = state is QuestionState.RETIRED
    if found.branch_id is None:
        head = "这是公共题库的题，支部不能改；有错请告诉系统管理员。"
        if not gone:
            return f"{head}本支部先不出请发：停用题目 {found.code}"
        again = found.state is not QuestionState.RETIRED
        return f"{head}本支部已停用。" + (f"要恢复请发：恢复题目 {found.code}" if again else "")
    stop = "" if gone else f"先停用请发：停用题目 {found.code}"
    return f"本支部的题，{_STATES[state]}。要改请发 导入题目，再把上面的内容改好粘贴。{stop}"


@router.command(
    "停用题目",
    "停用试题",
    takes="编号",
    examples=("停用题目 B0123456789ABCDE",),
    needs=Action.APPROVE_QUESTIONS,
)
def retire(ctx: Context, code: str) -> Reply:
    branch = ctx.actor.on_branch(ctx.session, Action.APPROVE_QUESTIONS, ctx.actor.branch_id)
    found, before = own_question.retire(
        ctx.session, branch.id, code.strip(), actor=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    where = "本支部不会再出" if found.branch_id is None else "不会再出"
    text = f"已停用 {found.code}“{found.stem[:16]}”，{where}这道题；以前的作答和积分不变。5分钟内回复 撤销 可以恢复。"
    if found.branch_id is None:
        text += f"以后要恢复请发：恢复题目 {found.code}"
    return Reply(text, undo=Undo(bring_back, {"code": found.code, "state": before.value}))


@router.undo
def bring_back(ctx: Context, code: str, state: str) -> str:
    found = own_question.bring_back(
        ctx.session,
        ctx.actor.branch_id,
        code,
        QuestionState(state),
        actor=ctx.member,
        now=ctx.now,
        channel=ctx.message.channel,
    )
    return f"已恢复 {found.code}，{_STATES[found.state]}。"


@router.command(
    "恢复题目",
    "启用题目",
    takes="编号",
    examples=("恢复题目 branch-work-001",),
    needs=Action.APPROVE_QUESTIONS,
)
def start_again(ctx: Context, code: str) -> str:
    branch = ctx.actor.on_branch(ctx.session, Action.APPROVE_QUESTIONS, ctx.actor.branch_id)
    found = own_question.start_again(
        ctx.session, branch.id, code.strip(), actor=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    state = own_question.state_in(ctx.session, branch.id, found)
    return f"已恢复 {found.code}，本支部{_STATES[state]}。再停用请发：停用题目 {found.code}"
