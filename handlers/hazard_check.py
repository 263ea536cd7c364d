"""隐患整改和复查：办好了说一声，由另一个人到现场复查，通过才销号。"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import exists

from bot import choices, journal, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardState
from bot.services import hazard as hazards
from bot.services import hazard_check, hazard_undo, points
from bot.services import member as people
from bot.services.hazard_turn import Done
from bot.services.permission import HAS_A_ROLE, Action
from bot.times import day

router = Router()

SHOWN = 8
VERDICTS = ("通过", "退回")
NOTHING_DONE = "没有改动。看经过请发：YH{number}"
_NOT_DONE = re.compile(r"不了|还没|没有?(?:完|弄|搞|修|整)|未完|无法|不能|延期|正在|中$")
_DONE = re.compile(r"已|好了|完了|完毕")
_VERDICT = re.compile(
    r"(?P<no>不通过|没通过|未通过|不合格|不同意|退回|打回)|(?P<yes>通过|合格|同意|可以|没问题)[\s,，:：。]*$"
)


class NotDone(Refusal):
    text = "看来还没有整改完，没有登记。办完再发：整改 YH{number} 做了什么；要延期请联系派发的人。"


class NothingToFix(Refusal):
    text = "没有要您整改的隐患。看见隐患请发：隐患 在哪里、是什么"


class NothingToCheck(Refusal):
    text = "没有等您复查的隐患。发 隐患 看办到哪一步。"


def _undo(done: Done) -> Undo:
    return Undo(take_back, done.undo)


def _which(word: str, found: Sequence[Hazard], rest: str, ask: str) -> Reply:
    text, words = hazards.choice(word, found, rest, ask)
    return Reply(text, choices=words)


# What waits -------------------------------------------------------------------------------------------------------------


@router.waiting(hazards.HAS_SOMETHING_TO_FIX)
def fixes(ctx: Context) -> Iterator[Waiting]:
    found = hazards.to_fix(ctx.session, ctx.member.id, today=ctx.now.date())
    if found:
        yield Waiting(f"hazard fix {found[0].id}", f"有 {len(found)} 处隐患要您整改，回复 整改")


@router.waiting(HAS_A_ROLE & exists().where(Hazard.state == HazardState.FIXED))
def checks(ctx: Context) -> Iterator[Waiting]:
    if not ctx.actor.may(Action.HANDLE_HAZARDS):
        return
    found = hazard_check.to_check(ctx.session, ctx.actor, ctx.actor.branch_id, on=ctx.now.date())
    if found:
        yield Waiting(f"hazard check {found[0].id}", f"有 {len(found)} 处隐患待您复查，回复 复查")


# Putting it right -------------------------------------------------------------------------------------------------------


@router.command(
    "整改",
    "已整改",
    "隐患整改",
    "待整改",
    takes="编号和做了什么",
    optional=True,
    examples=("整改 YH12 已紧固法兰", "整改"),
)
def fix(ctx: Context, text: str = "") -> Answer:
    number, what = hazards.numbered(text)
    if number is None:
        return _to_fix(ctx, what)
    if len(what) < 2:
        one = hazards.find(ctx.session, ctx.actor, number)
        ask = f"YH{number} {points.short(one.text, 30)}：做了什么？例如：已紧固法兰，观察一天不渗油"
        return Ask(ask, step=what_was_done, data={"number": number}, title=f"整改 YH{number}")
    return _fixed(ctx, number, what)


def _to_fix(ctx: Context, what: str) -> Answer:
    found = hazards.to_fix(ctx.session, ctx.member.id, today=ctx.now.date())
    if not found:
        raise NothingToFix
    if not what:
        names = [
            f"{n} YH{one.id} {points.short(one.text, 14)}：{_until(ctx, one)}"
            for n, one in enumerate(found[:SHOWN], 1)
        ]
        more = [f"还有 {len(found) - SHOWN} 处"] if len(found) > SHOWN else []
        head, foot = f"要您整改的隐患 {len(found)} 处", "办好的回复数字；看经过请发：YH加编号"
        words = tuple(f"整改 YH{one.id}" for one in found[:SHOWN])
        return Reply("\n".join([head, *names, *more, foot]), choices=words)
    if len(found) == 1:
        return _fixed(ctx, found[0].id, what)
    return _which("整改", found, what, "整改的是哪一处？")


def _until(ctx: Context, one: Hazard) -> str:
    assert one.due_on is not None, "what was dispatched has a deadline"
    late = (ctx.now.date() - one.due_on).days
    return f"超期{late}天" if late > 0 else f"{day(one.due_on, ctx.now)}前"


@router.step()
def what_was_done(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return NOTHING_DONE.format(**data)
    return _fixed(ctx, data["number"], text)


def _fixed(ctx: Context, number: int, what: str) -> Reply:
    what = nlu.as_written(ctx.message.text, what)
    if _NOT_DONE.search(what) and not _DONE.search(what):
        raise NotDone(number=number)
    done = hazard_check.fix(ctx.session, ctx.actor, number, what, now=ctx.now)
    names = choices.names_text(done.told[:3]) + ("等" if len(done.told) > 3 else "")
    who = f"由{names}复查，通过后销号。" if names else "本支部没有其他人可以复查，请联系上级党委。"
    head = f"已登记 YH{number}（{points.short(done.hazard.text, 20)}）整改：{points.short(what, 40)}"
    return Reply(
        f"{head}\n{who}\n10分钟内可以发一张照片；5分钟内可回复 撤销；看进度请发：YH{number}", undo=_undo(done)
    )


# Checking ---------------------------------------------------------------------------------------------------------------


@router.command(
    "复查",
    "复查隐患",
    "隐患复查",
    "待复查",
    takes="编号和结果",
    optional=True,
    examples=("复查 YH12 通过", "复查 YH12 退回 还在渗油"),
)
def check(ctx: Context, text: str = "") -> Answer:
    number, said = hazards.numbered(text)
    if number is not None:
        return _checked(ctx, number, said)
    found = hazard_check.to_check(ctx.session, ctx.actor, ctx.actor.branch_id, on=ctx.now.date())
    if not found:
        raise NothingToCheck
    if len(found) == 1:
        return _checked(ctx, found[0].id, said)
    return _which("复查", found, said, f"待您复查 {len(found)} 处，复查哪一处？")


def _checked(ctx: Context, number: int, said: str) -> Answer:
    one = hazard_check.require_checker(ctx.session, ctx.actor, number, on=ctx.now.date())
    found = _VERDICT.match(said)
    if found is None:
        return _ask_verdict(ctx, one)
    if found["yes"]:
        done = hazard_check.accept(ctx.session, ctx.actor, number, now=ctx.now)
        journal.keep_hazard(ctx, "复查隐患", one, "通过", subject_id=one.fixed_by)
        text = f"YH{number}（{points.short(one.text, 20)}）复查通过，已销号，会通知报告人和整改人。\n5分钟内可回复 撤销"
        return Reply(text, undo=_undo(done))
    why = said[found.end() :].strip(" ,，:：。")
    if len(why) < 2:
        ask = "请写一句退回的原因，整改人会看到。例如：法兰下沿还在渗油"
        return Ask(ask, step=why_returned, data={"number": number}, title=f"复查 YH{number}")
    return _returned(ctx, number, why)


def _ask_verdict(ctx: Context, one: Hazard) -> Ask:
    last = [step for step, _, _ in hazards.steps(ctx.session, one) if step.by_id == one.fixed_by]
    name = people.names_of(ctx.session, [one.fixed_by]).get(one.fixed_by or 0, "")
    text = f"YH{one.id} {points.short(hazards.described(one), 40)}\n{name}整改：{points.short(last[-1].text, 60)}\n请到现场看过再答：\n1 通过\n2 退回（请写 退回 原因）"
    return Ask(text, step=verdict, data={"number": one.id}, title=f"复查 YH{one.id}", choices=VERDICTS)


@router.step(words=VERDICTS)
def verdict(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return NOTHING_DONE.format(**data)
    return _checked(ctx, data["number"], re.sub(r"^2(?=[\s,，、.:：])", VERDICTS[1], text))


@router.step()
def why_returned(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return NOTHING_DONE.format(**data)
    return _returned(ctx, data["number"], text)


def _returned(ctx: Context, number: int, why: str) -> Reply:
    why = nlu.as_written(ctx.message.text, why)
    done = hazard_check.send_back(ctx.session, ctx.actor, number, why, now=ctx.now)
    one = done.hazard
    journal.keep_hazard(ctx, "复查隐患", one, f"退回：{why}", subject_id=one.fixed_by)
    name = people.names_of(ctx.session, [one.owner_id]).get(one.owner_id or 0, "")
    return Reply(
        f"已退回 YH{number}，会通知{name}再整改。原因：{points.short(why, 60)}\n5分钟内可回复 撤销；改期限请发：派发 YH{number} {name} 3天",
        undo=_undo(done),
    )


@router.undo
def take_back(ctx: Context, number: int, turn: int, before: dict[str, Any]) -> str:
    one = hazard_undo.take_back(ctx.session, ctx.member, number, turn, before, now=ctx.now)
    journal.keep_hazard(ctx, "撤销隐患操作", one, subject_id=one.fixed_by)
    return f"已撤销，YH{number} 现在{hazards.STANDINGS[one.state]}。看经过请发：YH{number}"
