"""专题研讨：会前提问（可匿名），书记排序、请人发言，答复送回提问人。"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.choices import which
from bot.errors import Refusal
from bot.journal import keep
from bot.models.activity import Activity, ActivityState
from bot.models.member import Member
from bot.models.minutes import Duty
from bot.services import activity as activities
from bot.services import duty as duties
from bot.services import member as people
from bot.services import seminar, seminar_question
from bot.services.permission import HAS_A_ROLE, Action
from bot.services.seminar_question import Asked

router = Router()

SHOWN, MOST_SHOWN = 8, 40
NEAR = timedelta(days=2)
NOBODY = ("无", "没有", "取消", "不要")
_ACTIVITY = re.compile(r"#\s*(\d{1,9})\s*")
_QUESTION = re.compile(r"第?\s*(\d{1,4})\s*[问条题个]?\s*[:：,，、]?\s*(?P<text>.*)", re.DOTALL)
_PAGE = re.compile(r"第?\s*(\d{1,3})\s*页")


class WhichQuestion(Refusal):
    text = "没看懂答复的是哪一问。请写编号和内容，例如：答复 1 古丽：先从班前会讲起"


def _split(said: str) -> tuple[int | None, str]:
    """The activity's number in front ("#3 …") and the rest."""
    found = _ACTIVITY.match(said)
    return (int(found[1]), said[found.end() :]) if found else (None, said)


# Members ----------------------------------------------------------------------------------------------------------------


@router.command(
    "研讨提问", "提交问题", "研讨提交", takes="研讨要问的问题", examples=("研讨提问 班组学习怎么结合现场？",)
)
def ask(ctx: Context, said: str) -> Answer:
    return _asked(ctx, "研讨提问", said, anonymous=False)


@router.command(
    "匿名提问", "匿名研讨提问", takes="研讨要问的问题", examples=("匿名提问 加班学习能不能少一点？",)
)
def ask_without_name(ctx: Context, said: str) -> Answer:
    return _asked(ctx, "匿名提问", said, anonymous=True)


def _asked(ctx: Context, word: str, said: str, *, anonymous: bool) -> Answer:
    number, text = _split(nlu.as_written(ctx.message.text, said))
    found = seminar_question.collecting(ctx.session, ctx.member, number)
    if len(found) > 1:
        return which(ctx, word, found, text)
    row = seminar_question.ask(ctx.session, ctx.member, found[0], text, anonymous=anonymous, now=ctx.now)
    who = "书记和发言人也看不到是谁提的" if anonymous else "只有本支部的书记、委员和发言人看得到"
    return Reply(
        f"已收到第 {row.number} 问（{activities.short(found[0], ctx.now)}）：{_cut(row.text)}\n"
        f"{who}，有了答复会发给您。\n写错了5分钟内回复 撤销；看自己提的请发：研讨问题",
        undo=Undo(take_back, {"question": row.id}),
    )


@router.undo
def take_back(ctx: Context, question: int) -> str:
    row = seminar_question.withdraw(ctx.session, ctx.member, question)
    if row is None:
        return "这一问已经有答复，不能撤销。看自己提的请发：研讨问题"
    return f"已撤销第 {row.number} 问：{_cut(row.text)}\n重新提请发：研讨提问 内容"


# Looking ----------------------------------------------------------------------------------------------------------------


@router.command(
    "研讨问题",
    "问题清单",
    "我的提问",
    "研讨提问清单",
    "研讨",
    "专题研讨",
    takes="编号或页",
    optional=True,
    examples=("研讨问题", "研讨问题 2"),
)
def look(ctx: Context, said: str = "") -> Answer:
    """The questions of the seminar to who leads it or speaks in it; to others their own."""
    number, rest = _split(said)
    found = seminar.to_see(ctx.session, ctx.actor, number, now=ctx.now)
    if not found:
        return _own(ctx)
    if len(found) > 1:
        return which(ctx, "研讨问题", found, rest)
    page, one = _PAGE.fullmatch(rest), _QUESTION.fullmatch(rest)
    if one and not page:
        return _whole(ctx, found[0], int(one[1]))
    return _listed(ctx, found[0], int(page[1]) if page else 1)


def _own(ctx: Context) -> str:
    lines = [
        f"{activities.short(activity, ctx.now)} 第 {asked.number} 问：{_cut(asked.text)}\n{_state(activity, asked)}"
        for activity, asked in seminar_question.mine(ctx.session, ctx.member)
    ]
    if not lines:
        return "您还没有提过研讨问题。有集中学习的通知时可发：研讨提问 内容，或 匿名提问 内容"
    return "\n".join(["您提的研讨问题：", *lines, "再提请发：研讨提问 内容"])


def _state(activity: Activity, asked: Asked) -> str:
    if asked.answer:
        return f"　答：{_cut(asked.reply)}"
    return "　活动已取消" if activity.state is ActivityState.CANCELLED else "　还没有答复"


def _listed(ctx: Context, activity: Activity, page: int) -> Reply:
    asked = seminar_question.questions(ctx.session, activity.id)
    head = f"{activities.short(activity, ctx.now)}：{len(asked)} 问，已答 {sum(bool(one.answer) for one in asked)}"
    shown = asked[(page - 1) * SHOWN : page * SHOWN]
    if not shown:
        return Reply(
            f"{head}{'，没有这一页' if asked else '，还没有人提'}。可以发：发言人 古丽；提问请发：研讨提问 内容"
        )
    more = (f"研讨问题 #{activity.id} 第{page + 1}页",) if len(asked) > page * SHOWN else ()
    tail = "回复 1 看下一页。" if more else _next(ctx, activity)
    return Reply("\n".join([head, *(_row(one) for one in shown), tail]), choices=more)


def _row(asked: Asked) -> str:
    return f"{asked.number}｜{asked.who}：{_cut(asked.text)}{'（已答）' if asked.answer else ''}"


def _next(ctx: Context, activity: Activity) -> str:
    answer = "看全文：研讨问题 1；答复：答复 1 内容"
    if not seminar.leads(ctx.session, ctx.actor, activity):
        return answer
    return f"排序：问题排序 3 1 2；请人发言：发言人 古丽\n{answer}"


def _whole(ctx: Context, activity: Activity, number: int) -> str:
    asked = next(
        (one for one in seminar_question.questions(ctx.session, activity.id) if one.number == number), None
    )
    if asked is None:
        raise seminar.NoSuchQuestion(theme=activities.title(activity), number=number)
    answer = f"答：{asked.reply}" if asked.answer else f"还没有答复，可发：答复 {number} 内容"
    return f"第 {number} 问（{asked.who}）：{asked.text}\n{answer}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MOST_SHOWN else line[: MOST_SHOWN - 1] + "…"


# Leading ----------------------------------------------------------------------------------------------------------------


@router.command(
    "问题排序", "研讨排序", takes="问题的编号", examples=("问题排序 3 1 2",), needs=Action.PUBLISH
)
def order(ctx: Context, said: str) -> Answer:
    number, rest = _split(said)
    found = seminar.to_lead(ctx.session, ctx.actor, number, now=ctx.now)
    if len(found) > 1:
        return which(ctx, "问题排序", found, rest)
    before = seminar.order(ctx.session, found[0], [int(one) for one in re.findall(r"\d{1,4}", rest)])
    listed = _listed(ctx, found[0], 1)
    return Reply(
        f"已排好，5分钟内可发 撤销。\n{listed.text}",
        choices=listed.choices,
        undo=Undo(put_back, {"activity": found[0].id, "numbers": before}),
    )


@router.undo
def put_back(ctx: Context, activity: int, numbers: list[int]) -> str:
    one = seminar.to_lead(ctx.session, ctx.actor, activity, now=ctx.now)[0]
    seminar.order(ctx.session, one, numbers)
    return f"已改回原来的顺序。\n{_listed(ctx, one, 1).text}"


@router.command(
    "发言人", "研讨发言人", "指定发言人", takes="姓名", examples=("发言人 古丽、李明",), needs=Action.PUBLISH
)
def name_speakers(ctx: Context, said: str) -> Answer:
    number, names = _split(said)
    found = seminar.to_lead(ctx.session, ctx.actor, number, now=ctx.now)
    if len(found) > 1:
        return which(ctx, "发言人", found, names)
    members = [] if names in NOBODY else _people(ctx, names)
    before = duties.assign(ctx.session, ctx.actor, found[0], Duty.SPEAKER, members, now=ctx.now)
    who = _names(members)
    keep(ctx, "指定发言人", found[0], who)
    told = "，正在通知本人" if {one.id for one in members} - {*before, ctx.member.id} else ""
    return Reply(
        f"{activities.short(found[0], ctx.now)}的发言人：{who}{told}。\n"
        "发言人看得到大家提的问题。指定错了5分钟内回复 撤销；看问题请发：研讨问题",
        undo=Undo(unname, {"activity": found[0].id, "members": before}),
    )


def _people(ctx: Context, names: str) -> list[Member]:
    said = [name.strip() for name in re.split(r"[、,，;；]\s*", names) if name.strip()]
    found = [people.find_by_name(ctx.session, ctx.actor, Action.PUBLISH, name) for name in said]
    return list(dict.fromkeys(found))


def _names(members: Sequence[Member]) -> str:
    return "、".join(one.name for one in members) or "无"


@router.undo
def unname(ctx: Context, activity: int, members: list[int]) -> str:
    one = seminar.to_lead(ctx.session, ctx.actor, activity, now=ctx.now)[0]
    back = [ctx.session.get_one(Member, number) for number in members]
    duties.assign(ctx.session, ctx.actor, one, Duty.SPEAKER, back, now=ctx.now)
    keep(ctx, "指定发言人", one, _names(back))
    return f"已撤销，{activities.short(one, ctx.now)}的发言人：{_names(back)}。"


# Answering --------------------------------------------------------------------------------------------------------------


@router.command(
    "答复", "答复问题", "研讨答复", takes="编号和答复的内容", examples=("答复 1 古丽：先从班前会讲起",)
)
def answer(ctx: Context, said: str) -> Answer:
    number, rest = _split(nlu.as_written(ctx.message.text, said))
    found = seminar.to_answer(ctx.session, ctx.actor, number, now=ctx.now)
    one = _QUESTION.fullmatch(rest)
    if one is None:
        raise WhichQuestion
    if not one["text"]:
        return Ask(f"请发第 {one[1]} 问的答复。", step=answer_with, data={"said": said}, title="答复")
    if len(found) > 1:
        return which(ctx, "答复", found, rest)
    done = seminar.answer(ctx.session, ctx.actor, found[0], int(one[1]), one["text"], now=ctx.now)
    keep(ctx, "研讨答复", found[0], f"第 {done.question.number} 问")
    verb, told = "已更正" if done.again else "已记下", "，正在发给提问人" if done.told else ""
    left = sum(not asked.answer for asked in seminar_question.questions(ctx.session, found[0].id))
    open_ = f"还有 {left} 问没有答复。" if left else "问题都有答复了。"
    return (
        f"{verb}第 {done.question.number} 问的答复{told}：{_cut(done.question.reply)}\n"
        f"{open_}写错了再发一次 答复 {done.question.number} 新内容；会议记录里会有问和答。"
    )


@router.step()
def answer_with(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer itself, when only the number was said before."""
    return answer(ctx, f"{data['said']} {nlu.as_written(ctx.message.text, text)}")


@router.waiting(HAS_A_ROLE)
def unanswered(ctx: Context) -> Iterator[Waiting]:
    """Questions without an answer, to who leads a seminar that is near."""
    if not ctx.actor.may(Action.PUBLISH):
        return
    for activity, count in seminar.unanswered(ctx.session, ctx.actor, now=ctx.now, within=NEAR):
        line = f"{activities.short(activity, ctx.now)}有 {count} 问没有答复，回复 研讨问题"
        yield Waiting(f"seminar {activity.id}", line)
