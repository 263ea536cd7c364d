"""Whether a meeting that votes has enough people there, live from its check-ins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, Attendance
from bot.services import activity as activities
from bot.services import decision, motion


@dataclass(frozen=True, slots=True)
class Quorum:
    """``present`` of the ``due`` people with a vote are there, ``needed`` must be. ``of`` says who has one."""

    of: str
    present: int
    due: int
    needed: int

    @property
    def reached(self) -> bool:
        return self.due > 0 and self.present >= self.needed

    def __str__(self) -> str:
        head = f"{self.of}实到 {self.present}/{self.due}"
        if not self.reached:
            return f"{head}，还差 {self.needed - self.present} 人，不能表决"
        return f"{head}，已{'过' if 2 * self.present > self.due else '达'}半数，可以表决"


def of(session: Session, activity: Activity, *, now: datetime) -> Quorum | None:
    """The quorum of a kind in which something may be decided; None for all others.

    Source: 《中国共产党支部工作条例（试行）》, through :func:`bot.services.decision.rule_for`; nobody on probation counts.
    """
    kind = activities.kind_of(activity)
    if kind is None or kind.quorum is None:
        return None
    rule = decision.rule_for(kind.name, "")
    entitled = motion.entitled_members(session, activity, now)
    there = (Attendance.activity_id == activity.id, Attendance.member_id.in_(entitled))
    present = session.scalar(select(func.count()).where(*there)) or 0
    return Quorum(rule.of, present, len(entitled), rule.needed_present(len(entitled)))
