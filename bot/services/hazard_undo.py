"""Taking back what was done last with a hazard, as long as nothing was done since."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.services import hazard_points, outbox
from bot.services.hazard import STANDINGS, NoSuchHazard, Overtaken, push_key
from bot.services.hazard_turn import act, standing, tell


class TakenFurther(Refusal):
    text = "YH{number} 后来又有了变化（{standing}），不能撤销。看经过请发：隐患 YH{number}"


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
    key, closed, facts = push_key(hazard), hazard.state is HazardState.CLOSED, hazard_points.facts(hazard)
    step = HazardStep(act=HazardAct.UNDO, by_id=member.id, at=now)
    if hazard.turn != turn:
        raise TakenFurther(number=number, standing=standing(session, hazard))
    try:
        act(session, hazard, step, tuple(HazardState), "不能撤销", **values)
    except Overtaken:
        raise TakenFurther(number=number, standing=standing(session, hazard)) from None
    if closed:
        hazard_points.reverse(session, facts, f"撤销复查 YH{number}", member, now)
    _tell_undone(session, hazard, key, member, now)
    return hazard


def _tell_undone(session: Session, hazard: Hazard, key: str, member: Member, now: datetime) -> None:
    """Who has not been told yet will not be; who has, is told that it was taken back."""
    outbox.forget(session, key, now=now)
    told = outbox.members_of(session, key)
    withdrawn = hazard.state is HazardState.WITHDRAWN
    now_it_is = "已撤回报告，不用处理" if withdrawn else f"已撤销刚才的操作，现在{STANDINGS[hazard.state]}"
    text = f"隐患 YH{hazard.id}：{member.name}{now_it_is}。"
    tell(session, hazard, told, text, member, now)


def _restored(before: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **before,
        "state": HazardState(before["state"]),
        "due_on": date.fromisoformat(before["due_on"]) if before["due_on"] else None,
        "fixed_at": datetime.fromisoformat(before["fixed_at"]) if before["fixed_at"] else None,
        "closed_at": None,
        "closed_on": None,
    }
