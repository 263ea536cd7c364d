"""The address of a picture of points: the figures themselves, signed, so that the picture needs no look-up and always shows what was said."""

from __future__ import annotations

from dataclasses import dataclass

from itsdangerous import BadSignature, URLSafeSerializer

from bot.errors import Refusal
from bot.services.point_account import Standing


class PictureForged(Refusal):
    text = "图片地址不正确。请回到对话里再发：积分图"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is drawn: the quarter ("2026Q4"), and name, points and cap of each dimension. Nobody's name: who has the address learns no person."""

    period: str
    dimensions: tuple[tuple[str, int, int], ...]

    @property
    def total(self) -> int:
        """The quarter's points, each dimension counted up to its cap."""
        return sum(min(points, cap) for _, points, cap in self.dimensions)

    @property
    def most(self) -> int:
        """The most that a quarter can count."""
        return sum(cap for _, _, cap in self.dimensions)


def figures(standing: Standing) -> Figures:
    """The figures of a member's quarter."""
    return Figures(standing.period, standing.dimensions)


def sign(secret_key: str, drawn: Figures) -> str:
    """The token in the picture's address; it has no end, because it tells no more than the answer that it stands in."""
    return str(_signer(secret_key).dumps([drawn.period, drawn.dimensions]))


def read(secret_key: str, token: str) -> Figures:
    """The figures of a token from :func:`sign`; :class:`PictureForged` otherwise."""
    try:
        period, dimensions = _signer(secret_key).loads(token)
        return Figures(period, tuple((name, points, cap) for name, points, cap in dimensions))
    except (BadSignature, ValueError, TypeError):
        raise PictureForged from None


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="picture of points")
