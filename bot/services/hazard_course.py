"""What those in charge do with a hazard: give it to somebody until a day, or find that it is none."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.hazard import OPEN, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.services import hazard as hazards
from bot.services import points
from bot.services.hazard import described
from bot.services.hazard_turn import Done, act, snapshot, tell
from bot.services.permission import Actor
from bot.times import day
from content.hazards import LONGEST_DAYS


class BadDeadline(Refusal):
    text = "整改期限要在今天到一年之内。例如：派发 YH{number} 张伟 3天"


class OutOfUse(Refusal):
    text = "{name}已停用，不能派给他。例如：派发 YH{number} 张伟 3天"


def dispatch(
    session: Session, actor: Actor, number: int, to: Member, due_on: date | None, level: str, *, now: datetime
) -> Done:
    """Give a hazard to somebody, or to somebody else, until a day (by default as the level has it). ``level`` may be empty: as it is."""
    hazard = hazards.in_charge_of(session, actor, number)
    level = level or hazard.level
    if not to.active:
        raise OutOfUse(name=to.name, number=number)
    due = due_on or now.date() + timedelta(days=hazards.rules().level(level).days)
    if not 0 <= (due - now.date()).days <= LONGEST_DAYS:
        raise BadDeadline(number=number)
    before, former = snapshot(hazard), hazard.owner_id
    step = HazardStep(
        act=HazardAct.DISPATCH, by_id=actor.member.id, to_id=to.id, due_on=due, text=level, at=now
    )
    allowed = (HazardState.REPORTED, HazardState.DISPATCHED)
    values = {"state": HazardState.DISPATCHED, "owner_id": to.id, "due_on": due, "level": level}
    act(session, hazard, step, allowed, "不用派发", **values)
    text = f"隐患 YH{number} 请您整改：{described(hazard)}。期限：{day(due, now)}。\n办好后请发：整改 YH{number} 做了什么"
    tell(session, hazard, [to.id], text, actor.member, now)
    if former is not None and former != to.id:
        tell(
            session, hazard, [former], f"隐患 YH{number} 已改派给{to.name}，不用您整改了。", actor.member, now
        )
    return Done(hazard, before, (to.name,))


def dismiss(session: Session, actor: Actor, number: int, why: str, *, now: datetime) -> Done:
    """It is no hazard, or the same as another: closed without points, and who reported it is told why."""
    hazards.require_short(why)
    hazard = hazards.in_charge_of(session, actor, number)
    before = snapshot(hazard)
    step = HazardStep(act=HazardAct.DISMISS, by_id=actor.member.id, text=why, at=now)
    act(session, hazard, step, OPEN, "不用再处理", state=HazardState.DISMISSED)
    text = f"隐患 YH{number}（{points.short(hazard.text, 30)}）经{actor.member.name}确认不作为隐患处理：{why}。谢谢您报告；有不同看法请直接联系。"
    owner = hazard.owner_id if before["state"] == HazardState.DISPATCHED else None
    tell(session, hazard, [hazard.reporter_id, owner], text, actor.member, now)
    return Done(hazard, before)
