"""What the photos of claims, minutes and hazards have in common: what is still to be fetched, and links to one photo for one person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.hazard import HazardPhoto
from bot.models.minutes import MinutePhoto
from bot.models.photo import ClaimPhoto

Kept = type[ClaimPhoto] | type[MinutePhoto] | type[HazardPhoto]

WINDOW = timedelta(minutes=10)
"""How long after what its sender wrote a photo belongs to it."""
PLATFORM_KEEPS = timedelta(days=3)
LINK_LASTS = timedelta(minutes=10)


class LinkForged(Refusal):
    text = "链接不完整或不正确。请回到对话里，发：{word}"


class LinkExpired(Refusal):
    text = "链接已经过期（10分钟内有效）。请回到对话里，发：{word}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A photo that still lies on the platform only."""

    photo_id: int
    channel: str
    media: str
    at: datetime


def to_fetch(session: Session, photos: Kept, *, most: int) -> list[Wanted]:
    """The photos of a kind that are not here yet, oldest first."""
    rows = session.execute(
        select(photos.id, photos.channel, photos.media, photos.at)
        .where(photos.digest.is_(None), photos.trouble == "")
        .order_by(photos.id)
        .limit(most)
    )
    return [Wanted(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Links:
    """Signed links of a kind: none opens another kind. ``word`` is what makes a new one."""

    kind: str
    word: str

    def sign(self, secret_key: str, number: int, viewer_id: int, *, now: datetime) -> str:
        """The token of a link to one photo for one person that ends ten minutes from now."""
        until = int((now + LINK_LASTS).timestamp())
        return str(self._signer(secret_key).dumps([number, viewer_id, until]))

    def read(self, secret_key: str, token: str, *, now: datetime) -> tuple[int, int]:
        """The number and the viewer of a token from :meth:`sign`; :class:`LinkForged` or :class:`LinkExpired`."""
        try:
            number, viewer_id, until = self._signer(secret_key).loads(token)
        except (BadSignature, ValueError, TypeError):
            raise LinkForged(word=self.word) from None
        if now.timestamp() >= until:
            raise LinkExpired(word=self.word)
        return number, viewer_id

    def _signer(self, secret_key: str) -> URLSafeSerializer:
        return URLSafeSerializer(secret_key, salt=self.kind)
