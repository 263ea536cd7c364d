"""The photos of an activity's minutes: fetched soon, because the platform keeps them for three days, kept small and clean, and put into the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity
from bot.models.minutes import MinuteLine, MinutePhoto
from bot.models.outbox import Urgency
from bot.services import activity as activities
from bot.services import outbox, photo_file
from bot.services.photo_file import Wanted

MOST = 30
"""How many photos a document shows; with more it would not pass through a mailbox."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A photo of line ``line``. Without ``body`` there is none to show: ``trouble`` says why, or it is still on its way."""

    line: int
    at: datetime
    body: bytes | None
    trouble: str


def to_fetch(session: Session, *, most: int = 50) -> list[Wanted]:
    """The photos that are not here yet, oldest first."""
    return photo_file.to_fetch(session, MinutePhoto, most=most)


def keep(session: Session, photo_id: int, body: bytes, *, now: datetime) -> None:
    """Keep the clean copy."""
    photo = session.get_one(MinutePhoto, photo_id)
    photo.body, photo.digest = body, sha256(body).hexdigest()


def give_up(session: Session, photo_id: int, why: str, *, now: datetime) -> None:
    """The photo cannot be had; its sender is told once, with the line it was for."""
    photo = session.get_one(MinutePhoto, photo_id)
    photo.trouble = why
    line = session.get_one(MinuteLine, photo.line_id)
    title = activities.title(session.get_one(Activity, line.activity_id))
    text = f"附到“{title}”第 {line.number} 条记录的照片没有收下：{why}。文字记录不受影响，照片请自行存档。"
    key = f"minute photo {photo.id} lost"
    outbox.push(session, [photo.author_id], text, key=key, now=now, urgency=Urgency.ANSWER)


def pictures(session: Session, activity_id: int) -> Sequence[Picture]:
    """The photos of an activity in the order of its lines, the first :data:`MOST`; the very same photo counts once."""
    rows = session.execute(
        _of(activity_id)
        .with_only_columns(
            MinuteLine.number, MinutePhoto.at, MinutePhoto.id, MinutePhoto.digest, MinutePhoto.trouble
        )
        .order_by(MinuteLine.number, MinutePhoto.id)
    ).all()
    first = {row.digest or f"none {row.id}": row for row in reversed(rows)}
    shown = [row for row in rows if first[row.digest or f"none {row.id}"] is row][:MOST]
    found = session.execute(
        select(MinutePhoto.id, MinutePhoto.body).where(MinutePhoto.id.in_([row.id for row in shown]))
    )
    bodies: dict[int, bytes | None] = {number: body for number, body in found}  # noqa: C416
    return [Picture(row.number, row.at, bodies[row.id], row.trouble) for row in shown]


def _of(activity_id: int) -> Select[MinutePhoto]:
    return (
        select(MinutePhoto)
        .join(MinuteLine, MinuteLine.id == MinutePhoto.line_id)
        .where(MinuteLine.activity_id == activity_id, MinuteLine.deleted_at.is_(None))
    )
