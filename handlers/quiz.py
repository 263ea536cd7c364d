"""答题：每日一题、专项、错题、挑战，一次一道，随时可以退出和继续。"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Waiting
from bot.models.quiz import QuizKind
from bot.services import practice, question, question_text, quiz, review, study
from bot.services import run as runs
from bot.services.answer import looks_like_an_answer
from bot.services.quiz import Overtaken
from bot.services.run import Asked, Run

router = Router()


@router.command(
    "答题",
    "来一题",
    "做题",
    "刷题",
    "下一题",
    "再来一题",
    examples=("答题", "来一题", "下一题"),
    about=("答题 做题 刷题 练习题 题目",),
)
def one_question(ctx: Context) -> Ask:
    return ask(practice.mixed(ctx.session, ctx.member, now=ctx.now))


@router.command("每日一题", "今日一题", "一日一题")
def question_of_the_day(ctx: Context) -> Ask:
    return ask(practice.daily(ctx.session, ctx.member, now=ctx.now))


@router.command(
    "专项", "专项练习", "专项答题", takes="主题", optional=True, examples=("专项", "专项 安规", "专项 党章")
)
def by_topic(ctx: Context, said: str = "") -> Answer:
    known = question.topics(ctx.session, ctx.member.branch_id, ctx.now.date())
    meant = question.named(nlu.bare(said), known) if said else []
    if len(meant) == 1:
        return ask(practice.topic(ctx.session, ctx.member, meant[0], now=ctx.now))
    head = f"没有“{said[:10]}”这个主题。现有主题：" if said and not meant else "请选一个主题，每次10题："
    return list_of_topics(head, {name: known[name] for name in meant} or known)


def list_of_topics(head: str, known: dict[str, int]) -> Reply:
    """The topics with their numbers of questions, two in a line."""
    cells = [f"{place} {name}（{count}题）" for place, (name, count) in enumerate(known.items(), 1)]
    lines = ["　".join(cells[at : at + 2]) for at in range(0, len(cells), 2)]
    return Reply(
        "\n".join([head, *lines, "回复数字，或直接说：专项 安规"]),
        choices=tuple(f"专项 {name}" for name in known),
    )


@router.command("错题", "错题本", "复习错题", "我的错题", about=("错题 错题本",))
def missed(ctx: Context) -> Ask:
    return ask(practice.missed(ctx.session, ctx.member, now=ctx.now))


@router.command("挑战", "闯关", "挑战答题")
def challenge(ctx: Context) -> Ask:
    asked = practice.challenge(ctx.session, ctx.member, now=ctx.now)
    if asked.run.position:
        return ask(asked)
    best = quiz.best_challenge(ctx.session, ctx.member.id)
    return ask(asked, f"挑战：答错一题就结束，您的最好成绩 {best} 题。")


@router.command("学习小测", "小测", takes="材料编号", optional=True)
def on_material(ctx: Context, code: str = "") -> Answer:
    """The questions of a material: the one of that code, else today's."""
    item = study.library().get(code) or study.of_branch(ctx.session, ctx.member.branch_id, ctx.now.date())
    asked = practice.on_material(ctx.session, ctx.member, item.code, item.questions, now=ctx.now)
    if asked is None:
        return f"《{item.title}》没有小题。回复 答题 练一练。"
    return ask(asked, f"考考自己，{asked.total} 道小题：" if asked.total > 1 else "考考自己，1 道小题：")


@router.step(words=("下一题",), resumes=looks_like_an_answer)
def answer(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if nlu.bare(text) == "下一题":
        raise question_text.AnswerFirst
    done = quiz.answer(ctx.session, ctx.member, question_text.from_data(data), text, now=ctx.now)
    if isinstance(done, Overtaken):
        return overtaken(done)
    said = question_text.verdict(done)
    return ask(done.next, f"{said}\n——") if done.next else Reply(f"{said}\n——\n{ending(ctx, done.run)}")


def overtaken(done: Overtaken) -> Answer:
    """What is said to an answer whose question is not open any more."""
    if done.now is None:
        return "这组题已经结束了。回复 答题 再练，或 专项 选一个主题。"
    return ask(
        done.now, "这道题刚更新过，请重新看题作答：" if done.changed else "上一题已经答过，现在是这一题："
    )


def ask(asked: Asked, before: str = "") -> Ask:
    """A question, after what is said before it; 继续 shows the question alone."""
    text = question_text.shown(asked, numbered(asked))
    return Ask(
        f"{before}\n{text}" if before else text,
        step=answer,
        data=question_text.to_data(asked.place),
        title=progress(asked),
        prompt=text,
        lasts=runs.LASTS,
    )


def numbered(asked: Asked) -> str:
    """2/10 in a run of several, 第3题 in a challenge, else what the single question is."""
    kind = asked.run.kind
    if kind is QuizKind.CHALLENGE:
        return f"第{asked.number}题"
    if kind is QuizKind.DAILY:
        return "每日一题"
    return asked.topic if kind is QuizKind.MIXED else f"{asked.number}/{asked.total}"


def progress(asked: Asked) -> str:
    """专项进行到 2/10: what stands under other answers while the question waits."""
    where = f"第{asked.number}题" if asked.run.kind is QuizKind.CHALLENGE else f"{asked.number}/{asked.total}"
    return f"{asked.run.kind.value}进行到 {where}"


def ending(ctx: Context, run: Run) -> str:
    """The score of a finished run and what can be said next."""
    score = f"{len(run.questions)} 题答对 {run.right} 题"
    wrong = "答错的会安排复习，回复 错题 查看。" if run.right < len(run.questions) else ""
    match run.kind:
        case QuizKind.MIXED:
            return "回复 下一题 再来一道，或 专项 选一个主题。"
        case QuizKind.DAILY:
            return "明天再来；想多练回复 答题。"
        case QuizKind.TOPIC:
            return f"专项 {run.title} 完成：{score}。{wrong}再来一组回复 专项 {run.title}。"
        case QuizKind.MATERIAL:
            return f"学习小测完成：{score}。{wrong}想多练回复 答题。"
        case QuizKind.CHALLENGE:
            return after_challenge(ctx, run)
        case QuizKind.REVIEW:
            return f"错题复习完成：{score}。{still_due(ctx)}"
        case _:
            return f"完成：{score}。"


def after_challenge(ctx: Context, run: Run) -> str:
    """How far it went, compared with the member's best."""
    best = quiz.best_challenge(ctx.session, ctx.member.id, but=run.id)
    record = "，新的最好成绩！" if run.right > best else f"，最好成绩 {best} 题。"
    return f"挑战结束：连对 {run.right} 题{record}再来一次回复 挑战。"


def still_due(ctx: Context) -> str:
    """How much review is left, or when the next comes."""
    queue = review.queue(ctx.session, ctx.member.id, ctx.member.branch_id, ctx.now)
    if queue.due:
        return f"还有 {len(queue.due)} 道到期，回复 错题 接着做。"
    if queue.next_on:
        return f"下次复习 {queue.next_on.month}月{queue.next_on.day}日。想多练回复 答题。"
    return "错题本已清空。想多练回复 答题。"


@router.waiting(runs.IS_UNFINISHED)
def unfinished(ctx: Context) -> Iterator[Waiting]:
    """Topic runs left open whose question is no longer in the dialogue."""
    frame = ctx.talk.suspended
    shown_already = frame["data"].get("run") if frame else None
    for run in runs.open_runs(ctx.session, ctx.member.id, ctx.now):
        if run.kind is QuizKind.TOPIC and run.id != shown_already:
            yield Waiting(
                f"quiz {run.id}",
                f"专项 {run.title} 做到 {run.position + 1}/{len(run.questions)}，回复 专项 {run.title}",
            )
