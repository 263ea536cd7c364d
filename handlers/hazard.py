"""隐患：看见隐患随手报，看办到哪一步；险情先撤离、打值班电话。派给谁、整改和复查是另外的功能。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot import choices, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.services import hazard as hazards
from bot.services import hazard_check, hazard_photo, hazard_undo, points, setting
from bot.services import member as people
from bot.services.hazard import Reported
from bot.services.permission import Action
from bot.times import day, full_moment, local

router = Router()

SHOWN = 8
SHORTEST = 4
"""Fewer characters do not say where and what; only of an emergency they are enough."""
NOT_TAKEN = "没有登记。看见隐患请发，例如：隐患 2号主变渗油"
CALL = "请立即打本单位值班电话、火警119、急救120"
_NUMBER = re.compile(r"(?:YH|#)\s*(\d{1,9})|(\d{1,9})", re.IGNORECASE)
_PAGE = re.compile(r"(?P<all>全部|所有|历史)?\s*(?:第\s*(?P<page>\d{1,4})\s*页)?")
_EMERGENCY = " ".join(hazards.rules().emergency)
"""Given twice as what the command is about, so that it goes before what a question is about: 有人触电了."""
_HAPPENS = re.compile(r"了|正在|有人|起来|[!！]")
_ASKS = re.compile(r"怎么|怎样|如何|吗|什么|多少|哪|[?？]")
_WORDS = {"整改": "整改", "复查": "复查", "派发": "派发", "待整改": "整改", "待复查": "复查"}


class NoMore(Refusal):
    text = "没有这一页。发 隐患 从头看。"


# Reporting --------------------------------------------------------------------------------------------------------------


@router.command(
    "隐患",
    "我的隐患",
    takes="在哪里、是什么",
    optional=True,
    examples=("隐患 2号主变渗油", "隐患", "隐患 YH12"),
)
def hazard(ctx: Context, text: str = "") -> Answer:
    text = text.strip()
    number, listed = _NUMBER.fullmatch(text), _PAGE.fullmatch(text)
    if number is not None:
        return _story(ctx, int(number[1] or number[2]))
    if listed is not None:
        return _all(ctx, int(listed["page"] or 1)) if listed["all"] else _open(ctx, int(listed["page"] or 1))
    if text in _WORDS:
        return choices.run(ctx, _WORDS[text])
    return _reported(ctx, text)


@router.command("报隐患", "报告隐患", "上报隐患", takes="在哪里、是什么", examples=("报隐患 2号主变渗油",))
def to_report(ctx: Context, text: str) -> Answer:
    """The word alone asks where and what."""
    return hazard(ctx, text)


@router.command(
    "查隐患", "YH", "yh", "查YH", "查yh", "查 YH", "查 yh", takes="编号", examples=("YH12", "查 YH12")
)
def look(ctx: Context, text: str) -> Answer:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Refusal("请写编号，例如：查 YH12。发 隐患 看有哪些。")
    return _story(ctx, int(found[1] or found[2]))


@router.command(
    "险情",
    "紧急情况",
    takes="哪里出了什么事",
    optional=True,
    examples=("险情 2号主变冒烟",),
    about=(_EMERGENCY, _EMERGENCY),
    whole=True,
)
def danger(ctx: Context, text: str = "") -> Answer:
    """Said by name it is reported at once. Somebody who only wrote what happens reads first what to do, and is asked."""
    if not text:
        ask = f"{_danger(ctx, ctx.actor.branch_id)}\n哪里出了什么事？写一句，就会登记并通知支部负责人。"
        return Ask(ask, step=where, title="报险情")
    if nlu.clean(ctx.message.text).startswith(("险情", "紧急情况")):
        return _reported(ctx, text, urgent=True)
    if not _HAPPENS.search(text) or _ASKS.search(text):
        return choices.run(ctx, "提问", text)
    first = _danger(ctx, ctx.actor.branch_id)
    ask = f"{first}\n要登记并马上通知支部负责人吗？\n1 登记\n2 不用"
    return Ask(ask, step=danger_or_not, data={"text": text}, title="报险情", choices=("登记", "不用"))


@router.step()
def where(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in choices.NO:
        return NOT_TAKEN
    return _reported(ctx, text, urgent=True)


@router.step(words=("登记", "不用"))
def danger_or_not(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text in ("不用", *choices.NO):
        return NOT_TAKEN
    return _reported(
        ctx, data["text"] if text in ("登记", *choices.YES) else f"{data['text']} {text}", urgent=True
    )


def _reported(ctx: Context, text: str, *, urgent: bool = False) -> Answer:
    said, place = hazards.split_place(nlu.as_written(ctx.message.text, text))
    urgent = urgent or hazards.rules().is_emergency(text)
    if len(said) < SHORTEST and not place and not urgent:
        ask = f"请写清在哪里、是什么：“{said}”在什么地方？例如：2号主变渗油"
        return Ask(ask, step=more, data={"text": said}, title="报隐患")
    done = hazards.report(
        ctx.session, ctx.member, ctx.actor.branch_id, said, place, urgent=urgent, now=ctx.now
    )
    one = done.hazard
    lines = [
        *([_danger(ctx, one.branch_id)] if urgent else []),
        f"已记录 YH{one.id}：{points.short(hazards.described(one), 40)}",
        _who(ctx, done),
    ]
    if done.alike:
        same = done.alike[-1]
        lines.append(f"和 YH{same.id}（{points.short(same.text, 20)}）很像，如是同一处请回复 撤销。")
    lines.append(f"10分钟内可以发一张照片；5分钟内可回复 撤销；看进度请发：YH{one.id}")
    return Reply("\n".join(lines), undo=Undo(withdraw, {"number": one.id}))


@router.step()
def more(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The place is said after the thing, or the whole once more."""
    if text in choices.NO:
        return NOT_TAKEN
    said = data["text"]
    return _reported(ctx, text if said in text else f"{text} {said}")


def _danger(ctx: Context, branch_id: int) -> str:
    """What somebody in danger must read first."""
    phone = setting.rules(ctx.session, branch_id).duty_phone
    call = f"马上打值班电话 {phone}，火警119、急救120" if phone else CALL
    return f"请先离开危险区域，不要靠近、不要自行处置。{call}！"


def _who(ctx: Context, done: Reported) -> str:
    names = "、".join(done.told[:3]) + ("等" if len(done.told) > 3 else "")
    if done.hazard.urgent and names:
        return f"正在通知{names}；消息可能看不到，请务必打电话。"
    if names:
        return f"由{names}派人整改，办完会告诉您。"
    if ctx.actor.may(Action.HANDLE_HAZARDS):
        return f"派人整改请发：派发 YH{done.hazard.id} 姓名 3天"
    return "本支部还没有负责人可以派发，请直接联系上级。"


@router.undo
def withdraw(ctx: Context, number: int) -> str:
    hazard_undo.withdraw(ctx.session, ctx.member, number, now=ctx.now)
    return f"已撤回 YH{number}，不再处理。再报请发：隐患 在哪里、是什么"


# Looking ----------------------------------------------------------------------------------------------------------------


def _open(ctx: Context, page: int) -> Reply:
    today, chief = ctx.now.date(), ctx.actor.may_in(ctx.session, Action.HANDLE_HAZARDS, ctx.actor.branch_id)
    if chief:
        found = hazards.open_of_branch(ctx.session, ctx.actor.branch_id, today=today)
    else:
        found = hazards.open_of_member(ctx.session, ctx.member.id, today=today)
    if not found:
        nothing = "本支部没有没办完的隐患。" if chief else "您没有没办完的隐患。"
        return Reply(f"{nothing}\n看见隐患请发，例如：隐患 2号主变渗油\n看以前的请发：隐患 全部")
    overdue = sum(hazards.is_overdue(one, today) for one in found)
    late = f"，其中超期 {overdue} 处" if overdue else ""
    head = f"{'本支部没办完的隐患' if chief else '您报告的和要您整改的，没办完'} {len(found)} 处{late}"
    shown = found[(page - 1) * SHOWN : page * SHOWN]
    rest = len(found) - page * SHOWN
    return _listed(ctx, head, shown, f"隐患 第{page + 1}页" if rest > 0 else "", "看办完的请发：隐患 全部")


def _all(ctx: Context, page: int) -> Reply:
    if ctx.actor.may_in(ctx.session, Action.HANDLE_HAZARDS, ctx.actor.branch_id):
        where = Hazard.branch_id == ctx.actor.branch_id
    else:
        where = (Hazard.reporter_id == ctx.member.id) | (Hazard.owner_id == ctx.member.id)
    shown, rest = hazards.page_of(ctx.session, where, page, size=SHOWN)
    if not shown and page == 1:
        return Reply("还没有隐患记录。看见隐患请发，例如：隐患 2号主变渗油")
    head = f"隐患记录{f' 第{page}页' if page > 1 else ''}（新的在前）"
    return _listed(ctx, head, shown, f"隐患 全部 第{page + 1}页" if rest else "", "只看没办完的请发：隐患")


def _listed(ctx: Context, head: str, shown: Sequence[Hazard], following: str, foot: str) -> Reply:
    if not shown:
        raise NoMore
    names = people.names_of(ctx.session, [one.owner_id for one in shown])
    lines = [f"{n} {_line(ctx, one, names.get(one.owner_id or 0, ''))}" for n, one in enumerate(shown, 1)]
    words = [f"隐患 YH{one.id}" for one in shown]
    if following:
        words.append(following)
        lines.append(f"{len(words)} 下一页")
    return Reply("\n".join([head, *lines, f"回复数字看经过；{foot}"]), choices=tuple(words))


def _line(ctx: Context, one: Hazard, owner: str) -> str:
    level = "" if one.level == hazards.rules().levels[0].name else f"[{one.level}]"
    return f"YH{one.id} {level}{points.short(one.text, 14)}：{_state(ctx, one, owner)}"


def _state(ctx: Context, one: Hazard, owner: str) -> str:
    """超期3天，张伟; 待派发; 张伟，12月4日(周五)前."""
    if one.state is HazardState.DISPATCHED and one.due_on is not None:
        late = (ctx.now.date() - one.due_on).days
        return f"超期{late}天，{owner}" if late > 0 else f"{owner}，{day(one.due_on, ctx.now)}前"
    return {
        HazardState.REPORTED: "待派发",
        HazardState.FIXED: "待复查",
        HazardState.CLOSED: "已销号",
        HazardState.DISMISSED: "不是隐患",
    }.get(one.state, "已撤回")


def _story(ctx: Context, number: int) -> Reply:
    one = hazards.find(ctx.session, ctx.actor, number)
    told = hazards.steps(ctx.session, one)
    owner = people.names_of(ctx.session, [one.owner_id]).get(one.owner_id or 0, "")
    head = f"YH{one.id} {points.short(hazards.described(one), 60)}：{_state(ctx, one, owner)}"
    photos = hazard_photo.lines(ctx.session, one, ctx.member.id, **_links(ctx))
    room = SHOWN - len(photos)
    shown = told if len(told) <= room else [told[0], *told[-room + 1 :]]
    lines = [_step(ctx, *step) for step in shown]
    if len(told) > len(shown):
        lines.insert(1, f"……中间 {len(told) - len(shown)} 步")
    lines += photos
    words, says = _next(ctx, one)
    lines += [f"{n} {said}" for n, said in enumerate(says, 1)]
    return Reply("\n".join([head, *lines, *([] if words else ["发 隐患 看其他的"])]), choices=words)


def _links(ctx: Context) -> dict[str, Any]:
    secret, base = ctx.settings.secret_key.get_secret_value(), ctx.settings.base_url
    return {"secret_key": secret, "base_url": base, "now": ctx.now}


def _step(ctx: Context, step: HazardStep, by: str, to: str) -> str:
    at = local(step.at, ctx.now)
    when = f"{at:%m-%d %H:%M}" if at.year == ctx.now.year else full_moment(step.at, ctx.now)
    if step.act is HazardAct.DISPATCH and step.due_on is not None:
        return f"{when} {by}派给{to}，{day(step.due_on, ctx.now)}前"
    words = "" if step.act is HazardAct.REPORT or not step.text else f"：{points.short(step.text, 40)}"
    return f"{when} {by}{step.act.value}{words}"


def _next(ctx: Context, one: Hazard) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the reader can do now: the words that the numbers stand for, and how they are said."""
    chief = ctx.actor.may_in(ctx.session, Action.HANDLE_HAZARDS, one.branch_id)
    if one.state is HazardState.REPORTED and chief:
        return (f"派发 YH{one.id}", f"不是隐患 YH{one.id}"), ("派发", "不是隐患")
    if one.state is HazardState.DISPATCHED and one.owner_id == ctx.member.id:
        return (f"整改 YH{one.id}",), ("我已整改",)
    if one.state is HazardState.DISPATCHED and chief:
        return (f"派发 YH{one.id}",), ("改派或改期限",)
    if one.state is HazardState.FIXED:
        able = hazard_check.checkers(ctx.session, one, on=ctx.now.date())
        if ctx.member in able:
            return (f"复查 YH{one.id} 通过", f"复查 YH{one.id} 退回"), ("复查通过", "退回")
    return (), ()
