"""对战和擂台：两个人答同样的题；每周一次，党小组比平均。"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Router
from bot.models.quiz import QuizKind
from bot.services import arena, duel, question_text, quiz
from bot.services import run as runs
from bot.services.answer import looks_like_an_answer
from bot.services.quiz import Overtaken
from bot.services.run import Asked, Run
from bot.times import local

router = Router()

WEEK = timedelta(days=7)


@router.command(
    "对战",
    "双人对战",
    "答题对战",
    takes="对手姓名",
    optional=True,
    examples=("对战 古丽", "对战"),
    about=("对战 比一比 对手",),
)
def challenge(ctx: Context, name: str = "") -> Answer:
    if name:
        opponent, asked = duel.challenge(ctx.session, ctx.member, name, now=ctx.now)
        return ask(asked, f"已邀 {opponent.name} 对战，正在通知。您可以先答，{asked.total} 题：")
    going = duel.go_on(ctx.session, ctx.member, now=ctx.now)
    if going is not None:
        return ask(going, "接着对战：")
    count, gained = duel.score(ctx.session, ctx.member.id, _year(ctx.now))
    return f"今年对战 {count} 场，得分 {gained}（游戏分，只有您自己看得到）。\n邀人对战请发：对战 姓名。有人邀您时回复 应战。"


def _year(now: datetime) -> datetime:
    return now.replace(month=1, day=1, hour=0, minute=0, second=0, microsecond=0)


@router.command("应战", "接受对战", "我应战")
def accept(ctx: Context) -> Ask:
    asked = duel.accept(ctx.session, ctx.member, now=ctx.now)
    return ask(asked, f"对战开始，{asked.total} 题，24小时内答完：")


@router.command("不应战", "拒绝对战")
def decline(ctx: Context) -> str:
    name = duel.decline(ctx.session, ctx.member, now=ctx.now)
    return f"好的，已告诉 {name} 您这次不应战。"


@router.command("擂台", "党小组擂台", "本周擂台")
def fight(ctx: Context) -> Answer:
    asked = arena.sit(ctx.session, ctx.member, now=ctx.now)
    if asked is None:
        return f"本周的擂台您已答过，下周一有新题。\n{standings(ctx)}"
    return ask(asked, f"本周擂台，{asked.total} 题，算进党小组的平均：")


def standings(ctx: Context) -> str:
    """The averages of the groups of the branch this week, and the game's points of last week."""
    groups = arena.averages(ctx.session, ctx.member.branch_id, arena.week_of(ctx.now))
    lines = [
        f"{one.name}：{one.people} 人，平均 {one.average:.1f} 题"
        if one.average is not None
        else f"{one.name}：{one.people} 人（满 {arena.FEWEST} 人才算平均）"
        for one in groups
    ]
    text = "\n".join(["各党小组：", *lines]) if lines else "各党小组：还没有人答完。"
    last = arena.scores(arena.averages(ctx.session, ctx.member.branch_id, arena.week_of(ctx.now - WEEK)))
    won = "，".join(f"{name} +{score}" for name, score in last)
    return f"{text}\n上周擂台得分：{won}（游戏分）。" if won else text


def ask(asked: Asked, before: str = "") -> Ask:
    """A question of a duel or of the arena."""
    kind = asked.run.kind.value
    text = question_text.shown(asked, f"{kind} {asked.number}/{asked.total}")
    return Ask(
        f"{before}\n{text}" if before else text,
        step=answer,
        data=question_text.to_data(asked.place),
        title=f"{kind}进行到 {asked.number}/{asked.total}",
        prompt=text,
        lasts=runs.LASTS,
    )


@router.step(words=("下一题",), resumes=looks_like_an_answer)
def answer(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if nlu.bare(text) == "下一题":
        raise question_text.AnswerFirst
    place, at = question_text.from_data(data), local(ctx.message.at, ctx.now)
    if arena.is_over(ctx.session, place.run, ctx.member.id, at):
        return "上周的擂台已经结束，这一条不算。回复 擂台 答本周的题。"
    if duel.is_over(ctx.session, place.run, ctx.member.id, at):
        return "这场对战已过24小时，这一条不算，结果会告诉您。再来一场请发：对战 姓名。"
    done = quiz.answer(ctx.session, ctx.member, place, text, now=at)
    if isinstance(done, Overtaken):
        if done.now is None:
            return "这一场已经结束了。再来一场请发：对战 姓名，或 擂台。"
        return ask(
            done.now, "这道题刚更新过，请重新看题：" if done.changed else "上一题已经答过，现在是这一题："
        )
    said = question_text.verdict(done)
    return ask(done.next, f"{said}\n——") if done.next else f"{said}\n——\n{ending(ctx, done.run)}"


def ending(ctx: Context, run: Run) -> str:
    """What follows the last answer: the outcome, or that the other one is not done."""
    score = f"您答对 {run.right}/{len(run.questions)} 题。"
    if run.kind is QuizKind.ARENA:
        return f"擂台完成：{score}\n{standings(ctx)}"
    outcome = duel.finished(ctx.session, run, now=ctx.now)
    if outcome is None:
        return f"{score}对方还没答完，有结果会告诉您。"
    return duel.result_text(outcome, ctx.member.id)
