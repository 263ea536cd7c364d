"""Photos of hazards: sent within ten minutes of a report or of what was put right, kept small and clean, shown to who may see the hazard.

They are fetched as those of claims are; the copy lies in the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from bot.errors import Refusal
from bot.models.hazard import OPEN, Hazard, HazardAct, HazardPhoto, HazardStep
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.services import audit, outbox, photo_file
from bot.services import hazard as hazards
from bot.services.permission import actor_of
from bot.services.photo_file import WINDOW, Links, Wanted

LINKS = Links("hazard photo", "隐患")
MOST_SHOWN = 2


class NoPhoto(Refusal):
    text = "没有可以看的照片。发 隐患 看有哪些隐患。"


def step_for(session: Session, member: Member, *, now: datetime) -> HazardStep | None:
    """The report or fix of the last ten minutes to which a photo belongs, the newest; None when there is none."""
    return session.scalars(
        select(HazardStep)
        .join(Hazard, Hazard.id == HazardStep.hazard_id)
        .where(
            HazardStep.by_id == member.id,
            HazardStep.act.in_((HazardAct.REPORT, HazardAct.FIX)),
            HazardStep.at >= now - WINDOW,
            Hazard.state.in_(OPEN),
        )
        .order_by(HazardStep.id.desc())
        .limit(1)
    ).one_or_none()


def attach(session: Session, step: HazardStep, media: str, *, channel: str, now: datetime) -> bool:
    """Put a photo to a step; True when it replaces one."""
    before = session.scalars(select(HazardPhoto).where(HazardPhoto.step_id == step.id)).one_or_none()
    if before is not None:
        session.delete(before)
        session.flush()
    session.add(
        HazardPhoto(step_id=step.id, member_id=step.by_id, channel=channel, media=media, at=now, trouble="")
    )
    return before is not None


# Fetching ---------------------------------------------------------------------------------------------------------------


def to_fetch(session: Session, *, most: int = 50) -> list[Wanted]:
    """The photos that are not here yet, oldest first."""
    return photo_file.to_fetch(session, HazardPhoto, most=most)


def keep(session: Session, photo_id: int, body: bytes, *, now: datetime) -> None:
    """Keep the clean copy; nothing when it was replaced meanwhile."""
    photo = session.get(HazardPhoto, photo_id)
    if photo is not None:
        photo.body, photo.digest = body, sha256(body).hexdigest()


def give_up(session: Session, photo_id: int, why: str, *, now: datetime) -> None:
    """The photo cannot be had; its sender is told once."""
    photo = session.get(HazardPhoto, photo_id)
    if photo is None:
        return
    photo.trouble = why
    number = session.get_one(HazardStep, photo.step_id).hazard_id
    text = f"隐患 YH{number} 附的照片没有收下：{why}。不影响办理，也可以直接给负责人看。"
    key = f"hazard photo {photo.id} lost"
    outbox.push(session, [photo.member_id], text, key=key, now=now, urgency=Urgency.ANSWER)


# Looking ----------------------------------------------------------------------------------------------------------------


def lines(
    session: Session, hazard: Hazard, viewer_id: int, *, secret_key: str, base_url: str, now: datetime
) -> Sequence[str]:
    """What a reader of the hazard gets of its newest photos: links for ten minutes, or why there is none."""
    rows = session.execute(
        select(HazardPhoto, HazardStep.act)
        .join(HazardStep, HazardStep.id == HazardPhoto.step_id)
        .where(HazardStep.hazard_id == hazard.id)
        .order_by(HazardPhoto.step_id.desc())
        .limit(MOST_SHOWN)
    ).all()
    return [_line(photo, act, viewer_id, secret_key, base_url, now) for photo, act in reversed(rows)]


def _line(
    photo: HazardPhoto, act: HazardAct, viewer_id: int, secret_key: str, base_url: str, now: datetime
) -> str:
    if photo.trouble:
        return f"{act.value}照片没有收下（{photo.trouble}）"
    if photo.digest is None:
        return f"{act.value}照片正在接收，过一分钟再看"
    token = LINKS.sign(secret_key, photo.id, viewer_id, now=now)
    return f"{act.value}照片（10分钟内有效）：{base_url}/m/hazard-photo/{token}"


def look(session: Session, photo_id: int, viewer_id: int, *, now: datetime) -> bytes:
    """The photo, for whoever may see its hazard; :class:`NoPhoto` or :class:`~bot.services.hazard.NoSuchHazard` otherwise. The look is recorded."""
    viewer = session.get(Member, viewer_id)
    photo = session.get(HazardPhoto, photo_id, options=[undefer(HazardPhoto.body)])
    if viewer is None or not viewer.active or photo is None or photo.body is None:
        raise NoPhoto
    actor = actor_of(session, viewer, on=now.date())
    hazard = hazards.find(session, actor, session.get_one(HazardStep, photo.step_id).hazard_id)
    if viewer_id != photo.member_id:
        audit.record(
            session,
            actor=viewer,
            act="查看隐患照片",
            now=now,
            channel="web",
            subject_id=photo.member_id,
            branch_id=hazard.branch_id,
            detail=f"YH{hazard.id}",
        )
    return photo.body
