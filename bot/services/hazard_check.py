"""Putting a hazard right, and the check by somebody else: passed, which closes it, or sent back with a reason."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.services import hazard as hazards
from bot.services import hazard_points, points
from bot.services import member as people
from bot.services.hazard import Overtaken
from bot.services.hazard_turn import Done, act, snapshot, standing, tell
from bot.services.permission import Action, Actor, holders


class NotYoursToFix(Refusal):
    text = "YH{number} {who}，不用您整改。发 整改 看您要整改的。"


class OwnWork(Refusal):
    text = "YH{number} 是您整改的，要由别人复查。{who}"


class NotYoursToCheck(Refusal):
    text = "YH{number} 不能由您复查。{who}"


def fix(session: Session, actor: Actor, number: int, text: str, *, now: datetime) -> Done:
    """Its owner says that it is put right, and how. Who gave it out, or the nearest who may check it, is told."""
    hazards.require_short(text)
    hazard = hazards.find(session, actor, number)
    if hazard.owner_id != actor.member.id and hazard.state is HazardState.DISPATCHED:
        who = f"派给了{people.names_of(session, [hazard.owner_id])[hazard.owner_id or 0]}"
        raise NotYoursToFix(number=number, who=who)
    before = snapshot(hazard)
    step = HazardStep(act=HazardAct.FIX, by_id=actor.member.id, text=text, at=now)
    values = {"state": HazardState.FIXED, "fixed_by": actor.member.id, "fixed_at": now}
    act(session, hazard, step, (HazardState.DISPATCHED,), "现在不用整改", **values)
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
        tell(session, hazard, [first.id], said, actor.member, now)
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


def require_checker(session: Session, actor: Actor, number: int, *, on: date) -> Hazard:
    """The hazard, if it waits for a check that the actor may make; :class:`Overtaken`, :class:`OwnWork` or :class:`NotYoursToCheck` otherwise."""
    hazard = hazards.find(session, actor, number)
    if hazard.state is not HazardState.FIXED:
        raise Overtaken(number=number, standing=standing(session, hazard), what="现在不用复查")
    able = checkers(session, hazard, on=on)
    if actor.member not in able:
        names = "、".join(one.name for one in able[:3])
        who = f"可以复查的有：{names}。" if names else "本支部没有其他人可以复查，请联系上级党委。"
        raise (OwnWork if hazard.fixed_by == actor.member.id else NotYoursToCheck)(number=number, who=who)
    return hazard


def accept(session: Session, actor: Actor, number: int, *, now: datetime) -> Done:
    """The check is passed: the hazard is closed, who found and who fixed it earn points, and both are told."""
    hazard = require_checker(session, actor, number, on=now.date())
    before = snapshot(hazard)
    step = HazardStep(act=HazardAct.ACCEPT, by_id=actor.member.id, at=now)
    values = {"closed_at": now, "closed_on": now.date(), "closures": Hazard.closures + 1}
    act(session, hazard, step, (HazardState.FIXED,), "不用再复查", state=HazardState.CLOSED, **values)
    earned = hazard_points.award(session, hazard, now)
    for member in dict.fromkeys((hazard.reporter_id, hazard.fixed_by)):
        if member is not None:
            text = f"隐患 YH{number}（{points.short(hazard.text, 30)}）已由{actor.member.name}复查通过、销号。{earned.get(member, '')}"
            tell(session, hazard, [member], text, actor.member, now)
    return Done(hazard, before)


def send_back(session: Session, actor: Actor, number: int, why: str, *, now: datetime) -> Done:
    """The check is not passed: its owner has it again, with the reason."""
    hazards.require_short(why)
    hazard = require_checker(session, actor, number, on=now.date())
    before = snapshot(hazard)
    step = HazardStep(act=HazardAct.RETURN, by_id=actor.member.id, text=why, at=now)
    act(session, hazard, step, (HazardState.FIXED,), "不用再复查", state=HazardState.DISPATCHED)
    text = f"隐患 YH{number} 复查没有通过：{why}（{actor.member.name}）。请再整改，办好后发：整改 YH{number} 做了什么"
    tell(session, hazard, [hazard.owner_id], text, actor.member, now)
    return Done(hazard, before)
