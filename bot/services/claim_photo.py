"""The photo of a claim: which claim it belongs to, fetching it, keeping a small clean copy, the same photo used twice, and who may look at it.

The copy lies in the database: it is saved with every backup, and erasing somebody is one statement. The platform keeps a photo for three days, so
a job fetches it soon, outside any transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session, undefer

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.models.photo import ClaimPhoto
from bot.models.points import Claim, ClaimState
from bot.services import audit, outbox, photo_file
from bot.services.permission import Action, actor_of
from bot.services.photo_file import WINDOW, Links, Wanted

LINKS = Links("claim photo", "审核")


class NoPhoto(Refusal):
    text = "第 {number} 件没有可以看的照片。发 审核 看待审核的。"


def attach(
    session: Session, member: Member, media: str, *, channel: str, now: datetime
) -> tuple[Claim, bool] | None:
    """Put a photo to the claim or appeal of the last ten minutes; True when it replaces one. None when there is no such claim."""
    claim = session.scalars(
        select(Claim)
        .where(Claim.member_id == member.id, Claim.state == ClaimState.WAITING, Claim.at >= now - WINDOW)
        .order_by(Claim.id.desc())
        .limit(1)
    ).one_or_none()
    if claim is None:
        return None
    before = session.scalars(select(ClaimPhoto).where(ClaimPhoto.claim_id == claim.id)).one_or_none()
    if before is not None:
        session.delete(before)
        session.flush()
    session.add(
        ClaimPhoto(claim_id=claim.id, member_id=member.id, channel=channel, media=media, at=now, trouble="")
    )
    return claim, before is not None


# Fetching ---------------------------------------------------------------------------------------------------------------


def to_fetch(session: Session, *, most: int = 50) -> list[Wanted]:
    """The photos that are not here yet, oldest first."""
    return photo_file.to_fetch(session, ClaimPhoto, most=most)


def keep(session: Session, photo_id: int, body: bytes, *, now: datetime) -> None:
    """Keep the clean copy. Its sender is told when the same photo stands under another claim already; nothing when it was replaced meanwhile."""
    photo = session.get(ClaimPhoto, photo_id)
    if photo is None:
        return
    photo.body, photo.digest = body, sha256(body).hexdigest()
    session.flush()
    if twins(session, photo.claim_id):
        text = f"第 {photo.claim_id} 件附的照片，以前在别的申报里用过，审核人会看到。传错了请在提出后10分钟内再发一张。"
        _tell(session, photo, text, "again", now)


def give_up(session: Session, photo_id: int, why: str, *, now: datetime) -> None:
    """The photo cannot be had; its sender is told once."""
    photo = session.get(ClaimPhoto, photo_id)
    if photo is None:
        return
    photo.trouble = why
    _tell(
        session,
        photo,
        f"第 {photo.claim_id} 件附的照片没有收下：{why}。不影响审核，也可以直接交给审核人看。",
        "lost",
        now,
    )


def _tell(session: Session, photo: ClaimPhoto, text: str, what: str, now: datetime) -> None:
    key = f"claim photo {photo.id} {what}"
    outbox.push(session, [photo.member_id], text, key=key, now=now, urgency=Urgency.ANSWER)


# Looking ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Twin:
    """Another claim with the same photo."""

    claim_id: int
    name: str
    at: datetime


def twins(session: Session, claim_id: int) -> Sequence[Twin]:
    """Other claims, of anybody, under which the very same photo stands, oldest first."""
    digest = select(ClaimPhoto.digest).where(ClaimPhoto.claim_id == claim_id).scalar_subquery()
    rows = session.execute(
        select(ClaimPhoto.claim_id, Member.name, ClaimPhoto.at)
        .join(Member, Member.id == ClaimPhoto.member_id)
        .where(ClaimPhoto.digest == digest, ClaimPhoto.claim_id != claim_id)
        .order_by(ClaimPhoto.id)
    )
    return [Twin(*row) for row in rows]


def of(session: Session, claim_id: int) -> ClaimPhoto | None:
    """The photo of a claim, without its body."""
    return session.scalars(select(ClaimPhoto).where(ClaimPhoto.claim_id == claim_id)).one_or_none()


def line(
    session: Session, claim_id: int, viewer_id: int, *, secret_key: str, base_url: str, now: datetime
) -> str:
    """What a decider reads of the photo: a link for ten minutes, and where else the same photo stands; the empty string without one."""
    photo = of(session, claim_id)
    if photo is None:
        return ""
    if photo.trouble:
        return f"附有照片，但没有收下（{photo.trouble}）"
    if photo.digest is None:
        return "附有照片，正在接收，过一分钟再发 审核 可看"
    token = LINKS.sign(secret_key, claim_id, viewer_id, now=now)
    again = "、".join(f"第 {one.claim_id} 件（{one.name}）" for one in twins(session, claim_id)[:3])
    return f"照片（10分钟内有效）：{base_url}/m/photo/{token}" + (
        f"\n注意：与{again}的照片相同" if again else ""
    )


def look(session: Session, claim_id: int, viewer_id: int, *, now: datetime) -> bytes:
    """The photo, for whoever may still decide on its claim, or its author; :class:`NoPhoto` for everybody else. The look is recorded."""
    viewer = session.get(Member, viewer_id)
    if viewer is None or not viewer.active:
        raise NoPhoto(number=claim_id)
    actor = actor_of(session, viewer, on=now.date())
    may = or_(
        Claim.member_id == viewer_id,
        and_(Organisation.id == Member.branch_id, actor.within(Action.REVIEW)),
        and_(Organisation.id == Member.group_id, actor.within(Action.FIRST_REVIEW)),
    )
    photo = session.scalars(
        select(ClaimPhoto)
        .join(Claim, Claim.id == ClaimPhoto.claim_id)
        .join(Member, Member.id == Claim.member_id)
        .join(Organisation, or_(Organisation.id == Member.branch_id, Organisation.id == Member.group_id))
        .where(ClaimPhoto.claim_id == claim_id, may)
        .options(undefer(ClaimPhoto.body))
        .limit(1)
    ).one_or_none()
    if photo is None or photo.body is None:
        raise NoPhoto(number=claim_id)
    if viewer_id != photo.member_id:
        audit.record(
            session,
            actor=viewer,
            act="查看申报照片",
            now=now,
            channel="web",
            subject_id=photo.member_id,
            detail=f"第 {claim_id} 件",
        )
    return photo.body
