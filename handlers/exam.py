"""考试：支部发布试卷，限时作答，截止后看成绩。"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot import journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.choices import NO, YES
from bot.models.exam import Exam
from bot.services import exam as exams
from bot.services import exam_plan, exam_result, question_text
from bot.services.answer import looks_like_an_answer
from bot.services.exam import Late, Void
from bot.services.exam_plan import Plan
from bot.services.exam_result import Mine
from bot.services.permission import Action
from bot.services.quiz import Overtaken
from bot.services.run import Asked
from bot.times import local, moment

router = Router()
EXAMPLE = "发布考试 安规 20题 30分钟 及格80 12月10日"
HOW = "请直接写要改的，例如：30题；及格改为70；可考2次；12月8日9:00到12月10日18:00"
_NUMBER = re.compile(r"#?\s*(\d{1,9})")
START = "开始考试"


# Publishing -------------------------------------------------------------------------------------------------------------


@router.command(
    "发布考试",
    "安排考试",
    "组织考试",
    takes="主题、题数、时间、及格分和截止日期",
    examples=(EXAMPLE,),
    about=("发布 安排 组织 出", "考试 试卷"),
    needs=Action.PUBLISH,
)
def publish(ctx: Context, text: str) -> Answer:
    branch = ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    return preview(ctx, exam_plan.read(ctx.session, branch.id, text, Plan(), ctx.now))


def preview(ctx: Context, plan: Plan) -> Ask:
    """What would be published, before anything is written."""
    assert plan.closes_at is not None
    people = len(exams.candidates_of(ctx.session, ctx.actor.branch_id))
    tries = "1 次" if plan.attempts == 1 else f"{plan.attempts} 次，取最好成绩"
    opens = moment(plan.opens_at, ctx.now) if plan.opens_at else "确认后马上"
    parts = (
        "（案例题每个小题算 1 题）"
        if exam_plan.has_cases(ctx.session, ctx.actor.branch_id, plan, ctx.now)
        else ""
    )
    text = "\n".join(
        [
            "考试预览",
            f"主题：{plan.topic}，{plan.count} 题{parts}，每题一样分，每人顺序不同",
            f"限时：{plan.minutes} 分钟；及格：{plan.pass_mark} 分；可考：{tries}",
            f"开放：{opens}；截止：{moment(plan.closes_at, ctx.now)}",
            f"应考 {people} 人，成绩截止后公布",
            "回复 1 确认 2 修改 3 取消，或直接写：及格改为70",
        ]
    )
    data = {"plan": exam_plan.to_data(plan)}
    return Ask(text, step=settle, data=data, choices=("确认", "修改", "取消"), title="发布考试")


@router.step(words=("确认", "修改", "取消", *YES, *NO))
def settle(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the preview: confirm, give up, or a change."""
    branch = ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    plan, said = exam_plan.from_data(data["plan"]), nlu.bare(text)
    if said in YES or said == "发布":
        return _published(ctx, plan)
    if said in NO:
        return f"好的，没有发布。需要时再发：{EXAMPLE}"
    if said == "修改":
        return Ask(HOW, step=settle, data=data, title="发布考试")
    return preview(ctx, exam_plan.read(ctx.session, branch.id, text, plan, ctx.now))


def _published(ctx: Context, plan: Plan) -> Reply:
    exam, invited = exams.publish(ctx.session, ctx.actor, plan, now=ctx.now)
    _keep(ctx, "发布考试", exam)
    when = "正在发给" if exam.opens_at <= ctx.now else f"{moment(exam.opens_at, ctx.now)} 发给"
    return Reply(
        f"已发布考试 #{exam.id}：{exams.described(exam, ctx.now)}\n通知{when} {invited} 人。\n"
        f"5分钟内还没人开考可发 撤销，以后可发 取消考试 #{exam.id}。看情况请发 考试成绩。",
        undo=Undo(take_back, {"exam": exam.id}),
    )


@router.undo
def take_back(ctx: Context, exam: int) -> str:
    branch = ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    found = exams.latest(ctx.session, branch.id, exam)
    if not found:
        return "这场考试已经取消了。"
    told = exams.take_back(ctx.session, found[0], now=ctx.now)
    _keep(ctx, "取消考试", found[0])
    who = f"正在告诉已收到通知的 {told} 人" if told else "通知还没有发出，不再发"
    return f"已取消考试 #{exam}，{who}。重新发布请发：{EXAMPLE}"


# Cancelling -------------------------------------------------------------------------------------------------------------


@router.command(
    "取消考试",
    "撤销考试",
    takes="考试编号",
    optional=True,
    examples=("取消考试 #1", "取消考试"),
    needs=Action.PUBLISH,
)
def cancel(ctx: Context, said: str = "") -> Answer:
    """What would be lost, before anything is."""
    number = _NUMBER.search(said)
    found = _to_cancel(ctx, int(number[1]) if number else None)
    if len(found) > 1:
        lines = [f"{n} {exams.described(one, ctx.now)}" for n, one in enumerate(found, 1)]
        words = tuple(f"取消考试 #{one.id}" for one in found)
        return Reply("\n".join(["取消哪一场？回复数字：", *lines]), choices=words)
    exam, begun = found[0], len(exams.begun_by(ctx.session, found[0]))
    lost = f"已有 {begun} 人开考，答过的都不算，会马上告诉他们。" if begun else "还没有人开考。"
    return Ask(
        f"取消考试 #{exam.id}：{exams.described(exam, ctx.now)}\n{lost}取消后不能恢复。\n回复 1 确认 2 不取消",
        step=cancelled,
        data={"exam": exam.id},
        choices=("确认", "不取消"),
        title=f"取消考试 #{exam.id}",
    )


@router.step(words=("确认", "不取消", *YES, *NO))
def cancelled(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    said = nlu.bare(text)
    if said in ("不取消", *NO):
        return "好的，考试照常。看情况请发 考试成绩。"
    if said not in YES:
        return cancel(ctx, f"#{data['exam']}")
    exam = _to_cancel(ctx, data["exam"])[0]
    begun, told = exams.cancel(ctx.session, exam, now=ctx.now)
    _keep(ctx, "取消考试", exam)
    return (
        f"已取消考试 #{exam.id}（{exams.title(exam, ctx.now)}）：{begun} 人开考的答题不算，通知正在发给 {told} 人。\n"
        f"重新发布请发：{EXAMPLE}"
    )


def _to_cancel(ctx: Context, number: int | None) -> Sequence[Exam]:
    branch = ctx.actor.on_branch(ctx.session, Action.PUBLISH, ctx.actor.branch_id)
    return exams.to_cancel(ctx.session, branch.id, number, ctx.now)


def _keep(ctx: Context, act: str, exam: Exam) -> None:
    detail = f"#{exam.id} {exam.topic} {len(exam.questions)}题"
    journal.note(ctx, act, detail, branch_id=exam.branch_id)


# Sitting ----------------------------------------------------------------------------------------------------------------


@router.command("考试", "我要考试", "参加考试", "继续考试")
def announce(ctx: Context) -> Answer:
    """What is open, before the clock runs; an attempt that runs goes on."""
    found = exams.current(ctx.session, ctx.member.branch_id, sent_at(ctx))
    if not found:
        raise exams.NoExam
    lines = [f"{number} {exams.described(one, ctx.now)}" for number, one in enumerate(found, 1)]
    tail = "回复数字就开始计时，中途可以离开，但时间不停。"
    return Reply("\n".join(["考试：", *lines, tail]), choices=tuple(f"{START} #{one.id}" for one in found))


@router.command(START, takes="考试编号", optional=True, examples=(START,))
def begin(ctx: Context, said: str = "") -> Answer:
    found = exams.current(ctx.session, ctx.member.branch_id, sent_at(ctx))
    number = _NUMBER.fullmatch(said)
    # A number that is over by now still gets the sentence that says so.
    chosen = exams.numbered(ctx.session, ctx.member.branch_id, int(number[1])) if number else found
    if not chosen:
        raise exams.NoExam
    if len(chosen) > 1:
        return announce(ctx)
    asked, new = exams.sit(ctx.session, ctx.member, chosen[0], at=sent_at(ctx))
    before = "考试开始，现在计时。答过的不能改。" if new else "接着考："
    return ask(ctx, chosen[0], asked, before)


def sent_at(ctx: Context) -> datetime:
    """When the message was sent, by the platform: a slow network costs nobody time."""
    return local(ctx.message.at, ctx.now)


def ask(ctx: Context, exam: Exam, asked: Asked, before: str) -> Ask:
    """A question of the paper with the minutes that are left."""
    ends = local(exams.ends_at(exam, asked.run), ctx.now)
    left = ends - sent_at(ctx)
    text = question_text.shown(asked, f"考试 {asked.number}/{asked.total}")
    return Ask(
        f"{before}还剩 {max(1, round(left.total_seconds() / 60))} 分钟。\n{text}",
        step=answer,
        data={**question_text.to_data(asked.place), "ends": ends.isoformat()},
        title=f"考试进行到 {asked.number}/{asked.total}",
        prompt=text,
        lasts=timedelta(days=7),
    )


@router.step(resumes=looks_like_an_answer)
def answer(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """One answer: kept without a verdict, which comes after the end for all."""
    place = question_text.from_data(data)
    got = exams.answer(ctx.session, ctx.member, place, text, at=sent_at(ctx))
    if isinstance(got, Void):
        return f"{exams.title(got.exam, ctx.now)}已取消，不用再考，您答过的都不算。想练习请回复 答题。"
    if isinstance(got, Late):
        answered = f"已交卷，答了 {got.run.position}/{len(got.run.questions)} 题。"
        return f"时间已到（{moment(got.ended_at, ctx.now)}），这一条不算。{answered}{_published_when(ctx, got.exam)}"
    if isinstance(got.done, Overtaken):
        if got.done.now is None:
            return f"这次考试已经交卷。{_published_when(ctx, got.exam)}"
        before = "这道题刚更新过，请重新看题。" if got.done.changed else "上一题已经答过。"
        return ask(ctx, got.exam, got.done.now, before)
    if got.done.next is not None:
        return ask(ctx, got.exam, got.done.next, f"已记下第 {place.position + 1} 题。")
    return f"已交卷：{len(got.done.run.questions)} 题全部答完。{_published_when(ctx, got.exam)}"


def _published_when(ctx: Context, exam: Exam) -> str:
    if ctx.now >= exam.closes_at:
        return "看成绩请发 考试成绩。"
    return f"成绩在 {moment(exam.closes_at, ctx.now)} 截止后公布，届时请发 考试成绩。"


# Results ----------------------------------------------------------------------------------------------------------------


@router.command(
    "考试成绩",
    "我的成绩",
    "成绩",
    takes="考试编号",
    optional=True,
    examples=("考试成绩",),
    about=("成绩 及格 考了多少分",),
)
def marks(ctx: Context, said: str = "") -> Answer:
    """One's own results; who may see the branch also gets the whole, without an order of merit."""
    number = _NUMBER.search(said)
    if ctx.actor.may(Action.SEE_BRANCH) and number:
        return whole(ctx, int(number[1]))
    found = exam_result.mine(ctx.session, ctx.member)
    if not found:
        return "本支部还没有考试。想练习请回复 答题。"
    lines = [f"{exams.title(one.exam, ctx.now)}：{own(ctx, one)}" for one in found]
    if not ctx.actor.may(Action.SEE_BRANCH):
        return "\n".join(["您的考试成绩：", *lines])
    numbered = [f"{n} {line}" for n, line in enumerate(lines, 1)]
    choices = tuple(f"考试成绩 #{one.exam.id}" for one in found)
    return Reply("\n".join(["您的考试成绩：", *numbered, "回复数字看支部的情况。"]), choices=choices)


def own(ctx: Context, one: Mine) -> str:
    """The score after the end; before it only what can still be done."""
    if ctx.now < one.exam.closes_at:
        if not one.attempts:
            return "还没考，回复 考试 参加"
        return f"考过 {one.attempts} 次，{moment(one.exam.closes_at, ctx.now)} 后公布"
    return "没参加" if one.score is None else f"{one.score} 分，{exam_result.passed(one.score, one.exam)}"


def whole(ctx: Context, number: int) -> str:
    """How an exam went in the branch; before its end only how many took part."""
    branch = ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.actor.branch_id)
    found = exams.latest(ctx.session, branch.id, number)
    if not found:
        raise exams.NoExam
    seen = exam_result.results(ctx.session, found[0])
    head = f"{exams.title(found[0], ctx.now)}："
    if ctx.now < found[0].closes_at:
        due = len(seen.scores) + len(seen.absent)
        return f"{head}已有 {len(seen.scores)}/{due} 人参加。成绩截止后公布。\n还没参加：{'、'.join(seen.absent) or '没有'}"
    return "\n".join([head, *exam_result.summary_lines(seen)])


@router.waiting(exams.IS_OPEN)
def open_exam(ctx: Context) -> Iterator[Waiting]:
    """An exam that one has not begun."""
    for exam in exams.current(ctx.session, ctx.member.branch_id, ctx.now):
        if exam.opens_at <= ctx.now and ctx.member.id in exams.waiting_for(ctx.session, exam):
            yield Waiting(f"exam {exam.id}", f"{exams.title(exam, ctx.now)}还没考，回复 考试")
