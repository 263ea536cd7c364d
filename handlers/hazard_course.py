"""隐患办理：派发给人限期整改，整改后由另一个人复查，通过才销号。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from bot import choices, journal, when
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardState
from bot.services import hazard as hazards
from bot.services import hazard_course, points
from bot.services import member as people
from bot.services.hazard_course import Done
from bot.services.permission import Action
from bot.times import day

router = Router()

SHOWN = 8
LONGEST = 300
VERDICTS = ("通过", "退回")
# "YH12 …", "12 …", but not the 12 of 12号杆塔已紧固.
_NUMBER = re.compile(r"(?:YH|#)\s*(?P<sure>\d{1,9})|(?P<plain>\d{1,9})(?=[\s,，:：]|$)", re.IGNORECASE)
_DAYS = re.compile(
    r"(?P<count>\d{1,3}|[一二两三四五六七八九十]{1,3})\s*个?(?P<unit>天|日内|周|星期)(?:之?内|以?后)?"
)
_PADDING = re.compile(
    r"(?:给|由|让|请|交给|派给|负责|整改|期限|限期|限|隐患|级别|级|之?前|以?内|完成|办好|,|，|:|：|。)"
)
_NOT_DONE = re.compile(r"不了|还没|没有?(?:完|弄|搞|修|整)|未完|无法|不能|延期|正在|中$")
_VERDICT = re.compile(
    r"(?P<no>不通过|没通过|未通过|不合格|不同意|退回|打回)|(?P<yes>通过|合格|同意|可以|没问题)[\s,，:：。]*$"
)


class NotDone(Refusal):
    text = "看来还没有整改完，没有登记。办完再发：整改 YH{number} 做了什么；要延期请联系派发的人。"


class NothingToDispatch(Refusal):
    text = "没有等待派发的隐患。发 隐患 看全部没办完的。"


class NothingToFix(Refusal):
    text = "没有要您整改的隐患。看见隐患请发：隐患 在哪里、是什么"


class NothingToCheck(Refusal):
    text = "没有等您复查的隐患。发 隐患 看办到哪一步。"


class LevelUnknown(Refusal):
    text = "级别只有{names}。例如：派发 YH{number} 张伟 3天 重大"


class NameMissing(Refusal):
    text = "派给谁？请写姓名和期限，例如：派发 YH{number} 张伟 3天"


def _split(text: str) -> tuple[int | None, str]:
    """The number in front and the rest."""
    found = _NUMBER.match(text.strip())
    if found is None:
        return None, text.strip()
    return int(found["sure"] or found["plain"]), text.strip()[found.end() :].strip(" ,，:：。")


def _which(word: str, found: Sequence[Hazard], rest: str, ask: str) -> Reply:
    """Several are possible: the numbers stand for the same command about each."""
    lines = [f"{n} YH{one.id} {points.short(one.text, 16)}" for n, one in enumerate(found[:SHOWN], 1)]
    more = [f"还有 {len(found) - SHOWN} 处，发 隐患 看全部"] if len(found) > SHOWN else []
    words = tuple(f"{word} YH{one.id} {rest}".strip() for one in found[:SHOWN])
    return Reply("\n".join([ask, *lines, *more, "回复数字即可。"]), choices=words)


def _undo(done: Done, right: bool = False) -> Undo:
    one = done.hazard
    data = {"number": one.id, "turn": one.turn, "before": dict(done.before), "right": right}
    return Undo(take_back, data)


def _record(ctx: Context, act: str, one: Hazard, detail: str = "", subject: int | None = None) -> None:
    text = f"YH{one.id}" + (f"：{detail}" if detail else "")
    journal.note(ctx, act, text, subject_id=subject, branch_id=one.branch_id)


# Dispatching ------------------------------------------------------------------------------------------------------------


@router.command(
    "派发",
    "派发隐患",
    "改派",
    takes="编号、姓名和期限",
    optional=True,
    examples=("派发 YH12 张伟 3天", "派发 YH12 张伟 12月5日 重大"),
    needs=Action.HANDLE_HAZARDS,
)
def dispatch(ctx: Context, text: str = "") -> Answer:
    number, rest = _split(text)
    if number is None:
        return _to_dispatch(ctx, rest)
    if not rest:
        return _ask_whom(ctx, number)
    return _dispatched(ctx, number, rest)


def _to_dispatch(ctx: Context, rest: str) -> Answer:
    branch = ctx.actor.on_branch(ctx.session, Action.HANDLE_HAZARDS, ctx.actor.branch_id)
    found = [
        one
        for one in hazards.open_of_branch(ctx.session, branch.id, today=ctx.now.date())
        if one.state is HazardState.REPORTED
    ]
    if not found:
        raise NothingToDispatch
    if len(found) == 1:
        return dispatch(ctx, f"YH{found[0].id} {rest}")
    return _which("派发", found, rest, f"待派发 {len(found)} 处，派发哪一处？")


def _ask_whom(ctx: Context, number: int) -> Ask:
    one = hazards.in_charge_of(ctx.session, ctx.actor, number)
    days = hazards.rules().level(one.level).days
    text = f"YH{number} {points.short(hazards.described(one), 40)}\n派给谁、几天内整改？例如：张伟 3天（不写期限按 {days} 天）"
    return Ask(text, step=whom, data={"number": number}, title=f"派发 YH{number}")


@router.step()
def whom(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return _dispatched(ctx, data["number"], text)


def _dispatched(ctx: Context, number: int, said: str) -> Answer:
    hazards.in_charge_of(ctx.session, ctx.actor, number)
    level, rest = _level(said)
    due, rest = _deadline(ctx, rest)
    name = " ".join(_PADDING.sub(" ", rest).split())
    if not name:
        raise NameMissing(number=number)
    try:
        to = people.find_by_name(ctx.session, ctx.actor, Action.HANDLE_HAZARDS, name)
    except people.Namesakes as several:
        tail = " ".join(filter(None, (due.isoformat() if due else "", level)))
        words = tuple(f"派发 YH{number} {full} {tail}".strip() for full, _ in several.people)
        return Reply(several.question, choices=words)
    done = hazard_course.dispatch(ctx.session, ctx.actor, number, to, due, level, now=ctx.now)
    one = done.hazard
    assert one.due_on is not None, "what was dispatched has a deadline"
    until = day(one.due_on, ctx.now)
    _record(ctx, "派发隐患", one, f"{one.level}，{one.due_on}前", to.id)
    again = "改派" if done.before["owner_id"] else "派"
    told = "" if to.id == ctx.member.id else "，会通知本人"
    lines = [
        f"已把 YH{number}（{points.short(one.text, 20)}，{one.level}）{again}给{to.name}，{until}前整改{told}。",
        hazards.rules().level(one.level).advice,
        f"5分钟内可回复 撤销；看进度请发：YH{number}",
    ]
    return Reply("\n".join(filter(None, lines)), undo=_undo(done, right=True))


def _level(said: str) -> tuple[str, str]:
    """The level that is named, and the rest; the empty string for none."""
    for level in hazards.rules().levels:
        if level.name in said:
            return level.name, said.replace(level.name, " ", 1)
    return "", said


def _deadline(ctx: Context, said: str) -> tuple[date | None, str]:
    """The day until which, and the rest: 3天, 一周, 12月5日, 明天."""
    found = when.find(said, ctx.now)
    written = when.WRITTEN.search(said)
    if written is not None:
        return when.day(said, ctx.now), said[: written.start()] + " " + said[written.end() :]
    if found.day is not None:
        return found.day, found.rest
    span = _DAYS.search(said)
    if span is None:
        return None, said
    count = when.number(span["count"]) * (7 if span["unit"] in ("周", "星期") else 1)
    return ctx.now.date() + timedelta(days=count), said[: span.start()] + " " + said[span.end() :]


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
    number, what = _split(text)
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
    return _fixed(ctx, data["number"], text)


def _fixed(ctx: Context, number: int, what: str) -> Reply:
    if _NOT_DONE.search(what):
        raise NotDone(number=number)
    done = hazard_course.fix(ctx.session, ctx.actor, number, what[:LONGEST], now=ctx.now)
    names = choices.names_text(done.told[:3]) + ("等" if len(done.told) > 3 else "")
    who = f"由{names}复查，通过后销号。" if names else "本支部没有其他人可以复查，请联系上级党委。"
    head = f"已登记 YH{number}（{points.short(done.hazard.text, 20)}）整改：{points.short(what, 40)}"
    return Reply(f"{head}\n{who}\n5分钟内可回复 撤销；看进度请发：YH{number}", undo=_undo(done))


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
    number, said = _split(text)
    if number is not None:
        return _checked(ctx, number, said)
    found = hazard_course.to_check(ctx.session, ctx.actor, ctx.actor.branch_id, on=ctx.now.date())
    if not found:
        raise NothingToCheck
    if len(found) == 1:
        return _checked(ctx, found[0].id, said)
    return _which("复查", found, said, f"待您复查 {len(found)} 处，复查哪一处？")


def _checked(ctx: Context, number: int, said: str) -> Answer:
    one = hazard_course.require_checker(ctx.session, ctx.actor, number, on=ctx.now.date())
    found = _VERDICT.match(said)
    if found is None:
        return _ask_verdict(ctx, one)
    if found["yes"]:
        done = hazard_course.accept(ctx.session, ctx.actor, number, now=ctx.now)
        _record(ctx, "复查隐患", one, "通过", one.fixed_by)
        text = f"YH{number}（{points.short(one.text, 20)}）复查通过，已销号，会通知报告人和整改人。\n5分钟内可回复 撤销"
        return Reply(text, undo=_undo(done))
    why = said[found.end() :].strip(" ,，:：。")
    if len(why) < 2:
        ask = "请写一句退回的原因，整改人会看到。例如：法兰下沿还在渗油"
        return Ask(ask, step=why_returned, data={"number": number}, title=f"复查 YH{number}")
    return _returned(ctx, number, why)


def _ask_verdict(ctx: Context, one: Hazard) -> Ask:
    last = [step for step, _, _ in hazards.steps(ctx.session, one) if step.by_id == one.fixed_by]
    name = hazards.names_of(ctx.session, [one.fixed_by]).get(one.fixed_by or 0, "")
    text = f"YH{one.id} {points.short(hazards.described(one), 40)}\n{name}整改：{points.short(last[-1].text, 60)}\n请到现场看过再答：\n1 通过\n2 退回（请写 退回 原因）"
    return Ask(text, step=verdict, data={"number": one.id}, title=f"复查 YH{one.id}", choices=VERDICTS)


@router.step(words=VERDICTS)
def verdict(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return _checked(ctx, data["number"], text)


@router.step()
def why_returned(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return _returned(ctx, data["number"], text)


def _returned(ctx: Context, number: int, why: str) -> Reply:
    done = hazard_course.send_back(ctx.session, ctx.actor, number, why[:LONGEST], now=ctx.now)
    one = done.hazard
    _record(ctx, "复查隐患", one, f"退回：{why[:LONGEST]}", one.fixed_by)
    name = hazards.names_of(ctx.session, [one.owner_id]).get(one.owner_id or 0, "")
    return Reply(
        f"已退回 YH{number}，会通知{name}再整改。原因：{points.short(why, 60)}\n5分钟内可回复 撤销；改期限请发：派发 YH{number} {name} 3天",
        undo=_undo(done),
    )


# No hazard --------------------------------------------------------------------------------------------------------------


@router.command(
    "不是隐患", takes="编号和原因", examples=("不是隐患 YH12 属正常运行声音",), needs=Action.HANDLE_HAZARDS
)
def dismiss(ctx: Context, text: str) -> Answer:
    number, why = _split(text)
    if number is None:
        raise Refusal("请写编号和原因，例如：不是隐患 YH12 属正常运行声音。发 隐患 看编号。")
    if len(why) < 2:
        one = hazards.in_charge_of(ctx.session, ctx.actor, number)
        ask = f"YH{number} {points.short(one.text, 30)}：为什么不是隐患？报告人会看到。例如：和 YH8 是同一处"
        return Ask(ask, step=why_none, data={"number": number}, title=f"不是隐患 YH{number}")
    return _dismissed(ctx, number, why)


@router.step()
def why_none(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return _dismissed(ctx, data["number"], text)


def _dismissed(ctx: Context, number: int, why: str) -> Reply:
    done = hazard_course.dismiss(ctx.session, ctx.actor, number, why[:LONGEST], now=ctx.now)
    _record(ctx, "不是隐患", done.hazard, why[:LONGEST], done.hazard.reporter_id)
    text = f"YH{number} 已按不是隐患结束，会把原因告诉报告人：{points.short(why, 60)}\n5分钟内可回复 撤销"
    return Reply(text, undo=_undo(done, right=True))


@router.undo
def take_back(ctx: Context, number: int, turn: int, before: dict[str, Any], right: bool) -> str:
    if right:
        hazards.in_charge_of(ctx.session, ctx.actor, number)
    one = hazard_course.take_back(ctx.session, ctx.member, number, turn, before, now=ctx.now)
    _record(ctx, "撤销隐患操作", one)
    return f"已撤销，YH{number} 现在{hazards.STANDINGS[one.state]}。看经过请发：YH{number}"
