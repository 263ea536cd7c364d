"""A picture of points: four bars against their caps, drawn without a display, in the shape of the platforms' large news picture."""

from __future__ import annotations

import io
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from bot.services.point_picture import Figures

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

SIZE = (1068, 455)
"""Pixels of a large news picture (developer.work.weixin.qq.com/document/path/90240); others are cropped."""
INK, MUTED, TRACK, FILL, FULL = "#222222", "#666666", "#eeeae4", "#b3261e", "#c58b00"
# Large letters: a phone shows the picture at a third of its width.
LEFT, RIGHT, FIRST_ROW, ROWS = 36, 1036, 114, 330
BAR_FROM, BAR_TO, THICK = 446, 876, 44


def drawable(text: str) -> bool:
    """Whether the shipped font has every character of a text; it holds about a thousand, not every name."""
    missing = _shape("\U0010ffff")
    return all(_shape(one) != missing for one in text if not one.isspace())


def _shape(character: str) -> bytes:
    return bytes(_font(24).getmask(character))


@lru_cache(maxsize=256)
def points_picture(drawn: Figures) -> bytes:
    """A PNG of the figures. What the font cannot write is numbered: the text beside the picture says the names in the same order."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", SIZE, "white")
    draw = ImageDraw.Draw(image)
    _head(draw, drawn)
    height = ROWS // max(4, len(drawn.dimensions))
    for number, (name, points, cap) in enumerate(drawn.dimensions, 1):
        _row(draw, FIRST_ROW + height * (2 * number - 1) // 2, number, name, points, cap)
    file = io.BytesIO()
    image.quantize(64).save(file, "PNG")
    return file.getvalue()


def _head(draw: ImageDraw, drawn: Figures) -> None:
    year, _, quarter = drawn.period.partition("Q")
    draw.rectangle((0, 0, SIZE[0], 8), fill=FILL)
    draw.text((LEFT, 62), f"{year}年第{quarter}季度积分", INK, _font(52), anchor="lm")
    total = f"{drawn.total}"
    draw.text((RIGHT, 76), f" / {drawn.most} 分", MUTED, _font(30), anchor="rm")
    draw.text((RIGHT - _font(30).getlength(f" / {drawn.most} 分"), 70), total, FILL, _font(60), anchor="rm")


def _row(draw: ImageDraw, middle: int, number: int, name: str, points: int, cap: int) -> None:
    label = name if drawable(name) else f"第 {number} 项"
    counts = max(0, min(points, cap))
    top, bottom = middle - THICK // 2, middle + THICK // 2
    draw.text((LEFT, middle), label, INK, _fitting(label), anchor="lm")
    draw.rectangle((BAR_FROM, top, BAR_TO, bottom), fill=TRACK)
    if counts:
        end = BAR_FROM + max(6, (BAR_TO - BAR_FROM) * counts // cap)
        draw.rectangle((BAR_FROM, top, end, bottom), fill=FULL if counts == cap else FILL)
    draw.text((RIGHT, middle), f"{counts}/{cap}", INK, _font(48), anchor="rm")


def _fitting(label: str) -> FreeTypeFont:
    """The largest size at which a label stays left of its bar."""
    room = BAR_FROM - LEFT - 14
    return next(
        (font for font in map(_font, (48, 44, 40, 36, 32, 28)) if font.getlength(label) <= room), _font(24)
    )


@lru_cache(maxsize=16)
def _font(size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(io.BytesIO(_font_file()), size, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=1)
def _font_file() -> bytes:
    return resources.files("bot.documents").joinpath("fonts", "NotoSansSC-subset.otf").read_bytes()
