"""A member's photo made fit to keep: upright, small, and without what the camera wrote into it (place, device, time)."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

LONGEST_SIDE = 1280
MOST_PIXELS = 50_000_000
"""A phone takes up to 50 megapixels; a small file that unfolds to more is refused before it is unfolded."""
MOST_BYTES = 20 * 1024 * 1024
QUALITY = 80
KINDS = ("JPEG", "PNG", "GIF", "WEBP", "BMP")

BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    EOFError,
    MemoryError,
)
"""What Pillow raises for broken files, beside errors of the two modules that it reads them with."""


class Unreadable(Exception):
    """No picture that can be kept; the text is the reason for the sender."""


def clean(raw: bytes) -> bytes:
    """A JPEG of at most 1280 pixels a side, made of the pixels alone; :class:`Unreadable` for anything that is no picture or too large."""
    from PIL import Image

    if len(raw) > MOST_BYTES:
        raise Unreadable("文件太大")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            pixels = _pixels(raw)
    except (*BROKEN, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise Unreadable("不是完好的图片") from error
    out = io.BytesIO()
    pixels.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _pixels(raw: bytes) -> Image.Image:
    """The picture as it is to be seen, on white where it is transparent, and nothing else of the file."""
    from PIL import Image, ImageOps

    picture = Image.open(io.BytesIO(raw), formats=KINDS)
    if picture.width * picture.height > MOST_PIXELS:
        raise Unreadable("图片尺寸太大")
    # A JPEG is decoded smaller at once, which needs a fraction of time and memory.
    picture.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    rgba = upright.convert("RGBA")
    pixels = Image.new("RGB", rgba.size, "white")
    pixels.paste(rgba, mask=rgba.getchannel("A"))
    return pixels
