"""One thing done with a hazard, whatever it is: the change, the step that is kept, and who is told.

Who acts names the turn that was seen; the change is one conditional statement, so that of two who act at once only one decides.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.services import outbox
from bot.services.hazard import STANDINGS, Overtaken, push_key

_BULK = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Done:
    """The hazard after an act, how it stood before (for taking it back), and who is told."""

    hazard: Hazard
    before: Mapping[str, Any]
    told: tuple[str, ...] = ()

    @property
    def undo(self) -> dict[str, Any]:
        """What taking it back needs."""
        return {"number": self.hazard.id, "turn": self.hazard.turn, "before": dict(self.before)}


def snapshot(hazard: Hazard) -> dict[str, Any]:
    """How a hazard stands, as JSON keeps it: what :mod:`bot.services.hazard_undo` puts back."""
    return {
        "state": hazard.state.value,
        "level": hazard.level,
        "owner_id": hazard.owner_id,
        "due_on": hazard.due_on.isoformat() if hazard.due_on else None,
        "fixed_by": hazard.fixed_by,
        "fixed_at": hazard.fixed_at.isoformat() if hazard.fixed_at else None,
    }


def act(
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
        raise Overtaken(number=number, standing=standing(session, hazard), what=what)
    step.hazard_id = number
    session.add(step)
    session.flush()


def standing(session: Session, hazard: Hazard) -> str:
    """How a hazard stands, in words: 已由王建国复查通过, 还没有派发."""
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


def tell(
    session: Session, hazard: Hazard, members: Collection[int | None], text: str, actor: Member, now: datetime
) -> None:
    """Tell those of the members who are not the actor what was done last."""
    whom = [one for one in dict.fromkeys(members) if one is not None and one != actor.id]
    outbox.push(session, whom, text, key=push_key(hazard), now=now, urgency=Urgency.ANSWER)
