"""What is done with a hazard after its report: given to somebody, put right, checked by somebody else, or found to be none; and taking that back.

Who acts names the turn that was seen; the change is one conditional statement, so that of two who act at once only one decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.hazard import OPEN, Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.models.outbox import Outbox, Urgency
from bot.models.points import PointEntry
from bot.services import hazard as hazards
from bot.services import outbox, point_rule, points
from bot.services.hazard import STANDINGS, NoSuchHazard, Overtaken, described, push_key
from bot.services.permission import Action, Actor, holders
from bot.times import day
from content.hazards import LONGEST_DAYS

EARNED = (("found", "hazard_found", "发现"), ("fixed", "hazard_fixed", "整改"))
"""What of a fact's name, by which rule, and in which words."""
_BULK = {"synchronize_session": False}


class BadDeadline(Refusal):
    text = "整改期限要在今天到一年之内。例如：派发 YH{number} 张伟 3天"


class OutOfUse(Refusal):
    text = "{name}已停用，不能派给他。例如：派发 YH{number} 张伟 3天"


class NotYoursToFix(Refusal):
    text = "YH{number} {who}，不用您整改。发 整改 看您要整改的。"


class OwnWork(Refusal):
    text = "YH{number} 是您整改的，要由别人复查。{who}"


class NotYoursToCheck(Refusal):
    text = "YH{number} 不能由您复查。{who}"


class TakenFurther(Refusal):
    text = "YH{number} 后来又有了变化（{standing}），不能撤销。看经过请发：隐患 YH{number}"


@dataclass(frozen=True, slots=True)
class Done:
    """The hazard after an act, how it stood before (for taking it back), and who is told."""

    hazard: Hazard
    before: Mapping[str, Any]
    told: tuple[str, ...] = ()


def _snapshot(hazard: Hazard) -> dict[str, Any]:
    """What :func:`take_back` puts back, as JSON keeps it."""
    return {
        "state": hazard.state.value,
        "level": hazard.level,
        "owner_id": hazard.owner_id,
        "due_on": hazard.due_on.isoformat() if hazard.due_on else None,
        "fixed_by": hazard.fixed_by,
        "fixed_at": hazard.fixed_at.isoformat() if hazard.fixed_at else None,
    }


def _restored(before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **before,
        "state": HazardState(before["state"]),
        "due_on": date.fromisoformat(before["due_on"]) if before["due_on"] else None,
        "fixed_at": datetime.fromisoformat(before["fixed_at"]) if before["fixed_at"] else None,
        "closed_at": None,
        "closed_on": None,
    }


def _act(
    session: Session,
    hazard: Hazard,
    step: HazardStep,
    allowed: Collection[HazardState],
    what: str,
    **values: Any,
) -> None:
    """Change it if it still stands as it was seen; :class:`Overtaken` otherwise, in the words of how it stands."""
    number = hazard.id
    changed = None
    if hazard.state in allowed:
        changed = session.scalar(
            update(Hazard)
            .where(Hazard.id == number, Hazard.turn == hazard.turn, Hazard.state.in_(allowed))
            .values(turn=Hazard.turn + 1, **values)
            .returning(Hazard.id),
            execution_options=_BULK,
        )
    session.refresh(hazard)
    if changed is None:
        raise Overtaken(number=number, standing=_standing(session, hazard), what=what)
    step.hazard_id = number
    session.add(step)
    session.flush()


def _standing(session: Session, hazard: Hazard) -> str:
    """刚才已由王建国复查通过, 还没有派发."""
    last = session.execute(
        select(HazardStep.act, Member.name)
        .join(Member, Member.id == HazardStep.by_id)
        .where(HazardStep.hazard_id == hazard.id)
        .order_by(HazardStep.id.desc())
        .limit(1)
    ).first()
    if last is None or last.act in (HazardAct.REPORT, HazardAct.UNDO):
        return STANDINGS[hazard.state]
    words = {HazardAct.DISMISS: "确认不是隐患", HazardAct.FIX: "报告整改，等待复查"}
    return f"已由{last.name}{words.get(last.act, last.act.value)}"


def _tell(
    session: Session, hazard: Hazard, members: Collection[int | None], text: str, actor: Member, now: datetime
) -> None:
    whom = [one for one in dict.fromkeys(members) if one is not None and one != actor.id]
    outbox.push(session, whom, text, key=push_key(hazard), now=now, urgency=Urgency.ANSWER)


# Giving it to somebody --------------------------------------------------------------------------------------------------


def dispatch(
    session: Session, actor: Actor, number: int, to: Member, due_on: date | None, level: str, *, now: datetime
) -> Done:
    """Give a hazard to somebody, or to somebody else, until a day (by default as the level has it). ``level`` may be empty: as it is."""
    hazard = hazards.in_charge_of(session, actor, number)
    level = level or hazard.level
    if not to.active:
        raise OutOfUse(name=to.name, number=number)
    due = due_on or date.fromordinal(now.date().toordinal() + hazards.rules().level(level).days)
    if not 0 <= (due - now.date()).days <= LONGEST_DAYS:
        raise BadDeadline(number=number)
    before, former = _snapshot(hazard), hazard.owner_id
    step = HazardStep(
        act=HazardAct.DISPATCH, by_id=actor.member.id, to_id=to.id, due_on=due, text=level, at=now
    )
    allowed = (HazardState.REPORTED, HazardState.DISPATCHED)
    values = {"state": HazardState.DISPATCHED, "owner_id": to.id, "due_on": due, "level": level}
    _act(session, hazard, step, allowed, "不用派发", **values)
    text = f"隐患 YH{number} 请您整改：{described(hazard)}。期限：{day(due, now)}。\n办好后请发：整改 YH{number} 做了什么"
    _tell(session, hazard, [to.id], text, actor.member, now)
    if former is not None and former != to.id:
        _tell(
            session, hazard, [former], f"隐患 YH{number} 已改派给{to.name}，不用您整改了。", actor.member, now
        )
    return Done(hazard, before, (to.name,))


# Putting it right -------------------------------------------------------------------------------------------------------


def fix(session: Session, actor: Actor, number: int, text: str, *, now: datetime) -> Done:
    """Its owner says that it is put right, and how. Who gave it out, or the nearest who may check it, is told."""
    hazard = hazards.find(session, actor, number)
    if hazard.owner_id != actor.member.id and hazard.state is HazardState.DISPATCHED:
        who = f"派给了{hazards.names_of(session, [hazard.owner_id])[hazard.owner_id or 0]}"
        raise NotYoursToFix(number=number, who=who)
    before = _snapshot(hazard)
    step = HazardStep(act=HazardAct.FIX, by_id=actor.member.id, text=text, at=now)
    values = {"state": HazardState.FIXED, "fixed_by": actor.member.id, "fixed_at": now}
    _act(session, hazard, step, (HazardState.DISPATCHED,), "现在不用整改", **values)
    able = checkers(session, hazard, on=now.date())
    giver = session.scalar(
        select(HazardStep.by_id)
        .where(HazardStep.hazard_id == number, HazardStep.act == HazardAct.DISPATCH)
        .order_by(HazardStep.id.desc())
        .limit(1)
    )
    first = next((one for one in able if one.id == giver), able[0] if able else None)
    said = f"{actor.member.name}已整改隐患 YH{number}（{points.short(hazard.text, 30)}）：{text}\n请复查，然后发：复查 YH{number} 通过，或：复查 YH{number} 退回 原因"
    if first is not None:
        _tell(session, hazard, [first.id], said, actor.member, now)
    return Done(hazard, before, tuple(one.name for one in able))


def checkers(session: Session, hazard: Hazard, *, on: date) -> list[Member]:
    """Who may check what was put right: those in charge and the reporter, never who did it."""
    able = holders(session, Action.HANDLE_HAZARDS, hazard.branch_id, on=on)
    reporter = session.get_one(Member, hazard.reporter_id)
    if reporter.active and reporter not in able:
        able.append(reporter)
    return [one for one in able if one.id != hazard.fixed_by]


def to_check(session: Session, actor: Actor, branch_id: int, *, on: date) -> list[Hazard]:
    """What waits for a check that the actor may make, oldest first."""
    mine = Hazard.reporter_id == actor.member.id
    if actor.may(Action.HANDLE_HAZARDS):
        mine |= Hazard.branch_id == branch_id
    rows = session.scalars(
        select(Hazard).where(Hazard.state == HazardState.FIXED, mine).order_by(Hazard.fixed_at, Hazard.id)
    ).all()
    return [one for one in rows if actor.member in checkers(session, one, on=on)]


# Checking ---------------------------------------------------------------------------------------------------------------


def require_checker(session: Session, actor: Actor, number: int, *, on: date) -> Hazard:
    """The hazard, if it waits for a check that the actor may make; :class:`Overtaken`, :class:`OwnWork` or :class:`NotYoursToCheck` otherwise."""
    hazard = hazards.find(session, actor, number)
    if hazard.state is not HazardState.FIXED:
        raise Overtaken(number=number, standing=_standing(session, hazard), what="现在不用复查")
    able = checkers(session, hazard, on=on)
    if actor.member not in able:
        names = "、".join(one.name for one in able[:3])
        who = f"可以复查的有：{names}。" if names else "本支部没有其他人可以复查，请联系上级党委。"
        raise (OwnWork if hazard.fixed_by == actor.member.id else NotYoursToCheck)(number=number, who=who)
    return hazard


def accept(session: Session, actor: Actor, number: int, *, now: datetime) -> Done:
    """The check is passed: the hazard is closed, who found and who fixed it earn points, and both are told."""
    hazard = require_checker(session, actor, number, on=now.date())
    before = _snapshot(hazard)
    step = HazardStep(act=HazardAct.ACCEPT, by_id=actor.member.id, at=now)
    values = {"closed_at": now, "closed_on": now.date(), "closures": Hazard.closures + 1}
    _act(session, hazard, step, (HazardState.FIXED,), "不用再复查", state=HazardState.CLOSED, **values)
    earned = _award(session, hazard, now)
    for member in dict.fromkeys((hazard.reporter_id, hazard.fixed_by)):
        if member is not None:
            text = f"隐患 YH{number}（{points.short(hazard.text, 30)}）已由{actor.member.name}复查通过、销号。{earned.get(member, '')}"
            _tell(session, hazard, [member], text, actor.member, now)
    return Done(hazard, before)


def _award(session: Session, hazard: Hazard, now: datetime) -> dict[int, str]:
    """Points for who found it and who fixed it; by member what is said of them. Nothing before the rules are in force."""
    said: dict[int, str] = {}
    in_force = {rule.code for rule in point_rule.rules().rules if rule.valid_on(now.date())}
    for (what, code, word), member in zip(EARNED, (hazard.reporter_id, hazard.fixed_by), strict=True):
        if member is None or code not in in_force:
            continue
        reason = f"{word}隐患 YH{hazard.id}"
        given = points.award(session, member, code, fact=_fact(hazard, what), reason=reason, now=now)
        if given.points:
            said[member] = f"{said.get(member, '')}{word} +{given.points} 分。"
    return said


def _fact(hazard: Hazard, what: str) -> str:
    """A check that was taken back has used its fact up: the next one earns by its own."""
    again = f" {hazard.closures}" if hazard.closures > 1 else ""
    return f"hazard {hazard.id} {what}{again}"


def send_back(session: Session, actor: Actor, number: int, why: str, *, now: datetime) -> Done:
    """The check is not passed: its owner has it again, with the reason."""
    hazard = require_checker(session, actor, number, on=now.date())
    before = _snapshot(hazard)
    step = HazardStep(act=HazardAct.RETURN, by_id=actor.member.id, text=why, at=now)
    _act(session, hazard, step, (HazardState.FIXED,), "不用再复查", state=HazardState.DISPATCHED)
    text = f"隐患 YH{number} 复查没有通过：{why}（{actor.member.name}）。请再整改，办好后发：整改 YH{number} 做了什么"
    _tell(session, hazard, [hazard.owner_id], text, actor.member, now)
    return Done(hazard, before)


def dismiss(session: Session, actor: Actor, number: int, why: str, *, now: datetime) -> Done:
    """It is no hazard, or the same as another: closed without points, and who reported it is told why."""
    hazard = hazards.in_charge_of(session, actor, number)
    before = _snapshot(hazard)
    step = HazardStep(act=HazardAct.DISMISS, by_id=actor.member.id, text=why, at=now)
    _act(session, hazard, step, OPEN, "不用再处理", state=HazardState.DISMISSED)
    text = f"隐患 YH{number}（{points.short(hazard.text, 30)}）经{actor.member.name}确认不作为隐患处理：{why}。谢谢您报告；有不同看法请直接联系。"
    owner = hazard.owner_id if before["state"] == HazardState.DISPATCHED else None
    _tell(session, hazard, [hazard.reporter_id, owner], text, actor.member, now)
    return Done(hazard, before)


# Taking back ------------------------------------------------------------------------------------------------------------


def withdraw(session: Session, member: Member, number: int, *, now: datetime) -> Hazard:
    """The reporter takes a report back that nobody has dealt with yet; :class:`TakenFurther` otherwise."""
    return _undo(session, member, number, 0, {"state": HazardState.WITHDRAWN}, now)


def take_back(
    session: Session, member: Member, number: int, turn: int, before: Mapping[str, Any], *, now: datetime
) -> Hazard:
    """Put a hazard back to how it stood before an act, if nothing was done since; points for it are taken back, those told of it are told so."""
    return _undo(session, member, number, turn, _restored(before), now)


def _undo(
    session: Session, member: Member, number: int, turn: int, values: Mapping[str, Any], now: datetime
) -> Hazard:
    hazard = session.get(Hazard, number, populate_existing=True)
    if hazard is None:
        raise NoSuchHazard(number=number)
    key, closed, facts = (
        push_key(hazard),
        hazard.state is HazardState.CLOSED,
        [_fact(hazard, one[0]) for one in EARNED],
    )
    step = HazardStep(act=HazardAct.UNDO, by_id=member.id, at=now)
    if hazard.turn != turn:
        raise TakenFurther(number=number, standing=_standing(session, hazard))
    try:
        _act(session, hazard, step, tuple(HazardState), "不能撤销", **values)
    except Overtaken:
        raise TakenFurther(number=number, standing=_standing(session, hazard)) from None
    if closed:
        _reverse(session, facts, f"撤销复查 YH{number}", member, now)
    _tell_undone(session, hazard, key, member, now)
    return hazard


def _reverse(session: Session, facts: Collection[str], reason: str, member: Member, now: datetime) -> None:
    """What was corrected by somebody meanwhile is left as it was corrected."""
    for entry in session.scalars(
        select(PointEntry).where(PointEntry.fact.in_(facts)).order_by(PointEntry.id)
    ):
        if points.live(session, entry) == (entry, True):
            points.reverse(session, entry, reason=reason, giver_id=member.id, now=now)


def _tell_undone(session: Session, hazard: Hazard, key: str, member: Member, now: datetime) -> None:
    """Who has not been told yet will not be; who has, is told that it was taken back."""
    outbox.forget(session, key, now=now)
    told = session.scalars(
        select(Outbox.member_id).where(Outbox.key.startswith(f"{key} ", autoescape=True))
    ).all()
    withdrawn = hazard.state is HazardState.WITHDRAWN
    now_it_is = "已撤回报告，不用处理" if withdrawn else f"已撤销刚才的操作，现在{STANDINGS[hazard.state]}"
    text = f"隐患 YH{hazard.id}：{member.name}{now_it_is}。"
    _tell(session, hazard, told, text, member, now)
