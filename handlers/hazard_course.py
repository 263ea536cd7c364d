"""隐患派发：给人限期整改；查明不是隐患的，说明原因后结束。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from sqlalchemy import exists

from bot import choices, journal, nlu, when
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardState
from bot.services import hazard as hazards
from bot.services import hazard_course, hazard_undo, points
from bot.services import member as people
from bot.services.hazard_turn import Done
from bot.services.permission import HAS_A_ROLE, Action
from bot.times import day

router = Router()

_DAYS = re.compile(
    r"(?P<count>\d{1,3}|[一二两三四五六七八九十]{1,3})\s*个?(?P<unit>天|日内|周|星期)(?:之?内|以?后)?"
)
_DAY_OF_MONTH = re.compile(r"(?<!\d)(\d{1,2})\s*[号日](?!内)")
_LEADING = re.compile(r"^(?:交给|派给|给|由|让|请)")
_TRAILING = re.compile(r"(?:负责|整改|完成|办好)+$")
_PADDING = re.compile(r"(?:期限|限期|隐患|级别|级|之?前|以?内|负责|整改|完成|办好|[,，:：。、])+")
_NO_LEVEL = re.compile(r"较大|特大|严重|轻微|较重")


class NothingToDispatch(Refusal):
    text = "没有等待派发的隐患。发 隐患 看全部没办完的。"


class LevelUnknown(Refusal):
    text = "级别只有{names}。例如：派发 YH12 张伟 3天 重大"


class NameMissing(Refusal):
    text = "派给谁？请写姓名和期限，例如：派发 YH{number} 张伟 3天"


def _undo(done: Done) -> Undo:
    return Undo(take_back, done.undo)


@router.waiting(HAS_A_ROLE & exists().where(Hazard.state == HazardState.REPORTED))
def reports(ctx: Context) -> Iterator[Waiting]:
    if not ctx.actor.may(Action.HANDLE_HAZARDS):
        return
    found = hazards.to_dispatch(ctx.session, ctx.actor, today=ctx.now.date())
    if found:
        yield Waiting(f"hazard dispatch {found[0].id}", f"有 {len(found)} 处隐患待派发，回复 派发")


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
    number, rest = hazards.numbered(text)
    if number is None:
        return _to_dispatch(ctx, rest)
    if not rest:
        return _ask_whom(ctx, number)
    return _dispatched(ctx, number, rest)


def _to_dispatch(ctx: Context, rest: str) -> Answer:
    found = hazards.to_dispatch(ctx.session, ctx.actor, today=ctx.now.date())
    if not found:
        raise NothingToDispatch
    if len(found) == 1:
        return dispatch(ctx, f"YH{found[0].id} {rest}")
    asked, words = hazards.choice("派发", found, rest, f"待派发 {len(found)} 处，派发哪一处？")
    return Reply(asked, choices=words)


def _ask_whom(ctx: Context, number: int) -> Ask:
    one = hazards.in_charge_of(ctx.session, ctx.actor, number)
    days = hazards.rules().level(one.level).days
    text = f"YH{number} {points.short(hazards.described(one), 40)}\n派给谁、几天内整改？例如：张伟 3天（不写期限按 {days} 天）"
    return Ask(text, step=whom, data={"number": number}, title=f"派发 YH{number}")


@router.step()
def whom(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return f"没有派发。看经过请发：YH{data['number']}"
    return _dispatched(ctx, data["number"], text)


def _dispatched(ctx: Context, number: int, said: str) -> Answer:
    hazards.in_charge_of(ctx.session, ctx.actor, number)
    level, rest = _level(said)
    due, rest = _deadline(ctx, rest)
    name = _name(rest)
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
    journal.keep_hazard(ctx, "派发隐患", one, f"{one.level}，{one.due_on}前", subject_id=to.id)
    again = "改派" if done.before["owner_id"] else "派"
    told = "" if to.id == ctx.member.id else "，会通知本人"
    lines = [
        f"已把 YH{number}（{points.short(one.text, 20)}，{one.level}）{again}给{to.name}，{until}前整改{told}。",
        hazards.rules().level(one.level).advice,
        f"5分钟内可回复 撤销；看进度请发：YH{number}",
    ]
    return Reply("\n".join(filter(None, lines)), undo=_undo(done))


def _level(said: str) -> tuple[str, str]:
    """The level that is named, and the rest; the empty string for none, :class:`LevelUnknown` for one that there is not."""
    for level in hazards.rules().levels:
        if level.name in said:
            return level.name, said.replace(level.name, " ", 1)
    if _NO_LEVEL.search(said):
        raise LevelUnknown(names="、".join(level.name for level in hazards.rules().levels))
    return "", said


def _name(said: str) -> str:
    """What is left is the name, perhaps with what tells namesakes apart; words around it go, letters within it stay."""
    words = [
        _TRAILING.sub("", _LEADING.sub("", word)) for word in said.split() if not _PADDING.fullmatch(word)
    ]
    return " ".join(word for word in words if word)


def _deadline(ctx: Context, said: str) -> tuple[date | None, str]:
    """The day until which, and the rest: 3天, 一周, 12月5日, 明天."""
    found = when.find(said, ctx.now)
    written = when.WRITTEN.search(said)
    if written is not None:
        return when.day(said, ctx.now), said[: written.start()] + " " + said[written.end() :]
    if found.day is not None:
        return found.day, found.rest
    dated = _DAY_OF_MONTH.search(said)
    if dated is not None and (due := when.next_day(int(dated[1]), ctx.now.date())) is not None:
        return due, said[: dated.start()] + " " + said[dated.end() :]
    span = _DAYS.search(said)
    if span is None:
        return None, said
    count = when.number(span["count"]) * (7 if span["unit"] in ("周", "星期") else 1)
    return ctx.now.date() + timedelta(days=count), said[: span.start()] + " " + said[span.end() :]


# No hazard --------------------------------------------------------------------------------------------------------------


@router.command(
    "不是隐患", takes="编号和原因", examples=("不是隐患 YH12 属正常运行声音",), needs=Action.HANDLE_HAZARDS
)
def dismiss(ctx: Context, text: str) -> Answer:
    number, why = hazards.numbered(text)
    if number is None:
        raise Refusal("请写编号和原因，例如：不是隐患 YH12 属正常运行声音。发 隐患 看编号。")
    if len(why) < 2:
        one = hazards.in_charge_of(ctx.session, ctx.actor, number)
        ask = f"YH{number} {points.short(one.text, 30)}：为什么不是隐患？报告人会看到。例如：和 YH8 是同一处"
        return Ask(ask, step=why_none, data={"number": number}, title=f"不是隐患 YH{number}")
    return _dismissed(ctx, number, why)


@router.step()
def why_none(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return f"没有改动。看经过请发：YH{data['number']}"
    return _dismissed(ctx, data["number"], text)


def _dismissed(ctx: Context, number: int, why: str) -> Reply:
    why = nlu.as_written(ctx.message.text, why)
    done = hazard_course.dismiss(ctx.session, ctx.actor, number, why, now=ctx.now)
    journal.keep_hazard(ctx, "不是隐患", done.hazard, why, subject_id=done.hazard.reporter_id)
    text = f"YH{number} 已按不是隐患结束，会把原因告诉报告人：{points.short(why, 60)}\n5分钟内可回复 撤销"
    return Reply(text, undo=_undo(done))


@router.undo
def take_back(ctx: Context, number: int, turn: int, before: dict[str, Any]) -> str:
    hazards.in_charge_of(ctx.session, ctx.actor, number)
    one = hazard_undo.take_back(ctx.session, ctx.member, number, turn, before, now=ctx.now)
    journal.keep_hazard(ctx, "撤销隐患操作", one)
    return f"已撤销，YH{number} 现在{hazards.STANDINGS[one.state]}。看经过请发：YH{number}"
