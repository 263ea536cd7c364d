"""What a photo belongs to: the line of the minutes, the claim, or the hazard that its sender wrote of last, within ten minutes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity
from bot.models.member import Member
from bot.models.points import Claim, ClaimState
from bot.services import claim_photo, hazard_photo, minutes


@dataclass(frozen=True, slots=True)
class Noted:
    """The photo belongs to line ``number`` of an activity, which has ``count`` photos now."""

    activity: Activity
    number: int
    count: int


@dataclass(frozen=True, slots=True)
class Claimed:
    """The photo belongs to a claim; ``replaced`` when there was one before."""

    claim: Claim
    replaced: bool


@dataclass(frozen=True, slots=True)
class Shown:
    """The photo shows the hazard of that number, or how it was put right; ``replaced`` when there was one before."""

    number: int
    replaced: bool


def receive(
    session: Session, member: Member, media: str, *, channel: str, now: datetime
) -> Noted | Claimed | Shown | None:
    """Keep a photo where it belongs: with what its sender wrote last. None when nothing was written within ten minutes."""
    line = minutes.line_for_photo(session, member, now=now)
    claimed_at = session.scalar(
        select(func.max(Claim.at)).where(Claim.member_id == member.id, Claim.state == ClaimState.WAITING)
    )
    step = hazard_photo.step_for(session, member, now=now)
    others = [at for at in (line.at if line else None, claimed_at) if at is not None]
    if step is not None and all(at <= step.at for at in others):
        return Shown(step.hazard_id, hazard_photo.attach(session, step, media, channel=channel, now=now))
    if line is not None and (claimed_at is None or claimed_at <= line.at):
        count = minutes.attach_photo(session, member, line, media, channel=channel, now=now)
        return Noted(session.get_one(Activity, line.activity_id), line.number, count)
    done = claim_photo.attach(session, member, media, channel=channel, now=now)
    return Claimed(*done) if done else None
