"""Points of the register: for who found a hazard and who put it right, when somebody else has checked it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.hazard import Hazard
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.services import point_rule, points

EARNED = (("found", "hazard_found", "发现"), ("fixed", "hazard_fixed", "整改"))
"""What of a fact's name, by which rule, and in which words."""


def award(session: Session, hazard: Hazard, now: datetime) -> dict[int, str]:
    """Points for who found it and who fixed it; by member what is said of them. Nothing before the rules are in force."""
    said: dict[int, str] = {}
    for (what, code, word), member in zip(EARNED, (hazard.reporter_id, hazard.fixed_by), strict=True):
        if member is None or not point_rule.rules().in_force(code, now.date()):
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


def facts(hazard: Hazard) -> list[str]:
    """The names of what the last check earned."""
    return [_fact(hazard, what) for what, _, _ in EARNED]


def reverse(session: Session, facts: Collection[str], reason: str, member: Member, now: datetime) -> None:
    """What was corrected by somebody meanwhile is left as it was corrected."""
    for entry in session.scalars(
        select(PointEntry).where(PointEntry.fact.in_(facts)).order_by(PointEntry.id)
    ):
        if points.live(session, entry) == (entry, True):
            points.reverse(session, entry, reason=reason, giver_id=member.id, now=now)
