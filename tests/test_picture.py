"""A photo made fit to keep: small, upright, without what the camera wrote, and no trap for the server."""

from __future__ import annotations

import contextlib
import io
import random
import struct
import zlib

import pytest
from PIL import Image

from bot.picture import LONGEST_SIDE, Unreadable, clean


def photo(
    size: tuple[int, int] = (4000, 3000), kind: str = "JPEG", *, mode: str = "RGB", place: bool = True
) -> bytes:
    """A picture with a red left half; as JPEG with position, device and time of a phone."""
    picture = Image.new(mode, size, 0 if mode == "P" else None)
    if mode != "P":
        picture.paste("red", (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    if kind == "JPEG" and place:
        exif = Image.Exif()
        exif[0x010F], exif[0x0132] = "Somephone", "2026:11:23 08:00:00"
        exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 20.0), 3: "E", 4: (116.0, 24.0, 30.0)})
        picture.save(out, kind, exif=exif, comment=b"secret place")
    else:
        picture.save(out, kind)
    return out.getvalue()


def test_a_photo_becomes_small_and_loses_place_device_and_time() -> None:
    raw = photo()
    assert Image.open(io.BytesIO(raw)).getexif().get_ifd(0x8825)
    kept = clean(raw)
    picture = Image.open(io.BytesIO(kept))
    assert picture.format == "JPEG"
    assert max(picture.size) == LONGEST_SIDE
    assert not picture.getexif()
    assert "comment" not in picture.info
    for trace in (b"Exif", b"Somephone", b"2026:11:23", b"secret place", b"GPS"):
        assert trace not in kept


def test_the_same_pixels_with_other_metadata_become_the_same_file() -> None:
    assert clean(photo((400, 300))) == clean(photo((400, 300), place=False))


def test_a_photo_taken_sideways_stands_upright() -> None:
    out, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    Image.open(io.BytesIO(photo((400, 300)))).save(out, "JPEG", exif=exif)
    picture = Image.open(io.BytesIO(clean(out.getvalue())))
    assert picture.size == (300, 400)
    red, _, blue = picture.getpixel((150, 20))  # type: ignore[misc]
    assert red > 200 > 60 > blue


@pytest.mark.parametrize(
    ("kind", "mode"),
    [
        ("PNG", "RGBA"),
        ("PNG", "P"),
        ("GIF", "P"),
        ("WEBP", "RGB"),
        ("BMP", "RGB"),
        ("PNG", "L"),
        ("JPEG", "CMYK"),
    ],
)
def test_every_usual_kind_is_taken(kind: str, mode: str) -> None:
    picture = Image.open(io.BytesIO(clean(photo((50, 40), kind, mode=mode, place=False))))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (50, 40))


def bomb(side: int) -> bytes:
    """A PNG of a few kilobytes that says it unfolds to side × side pixels."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100_000))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("side", [8_000, 12_000, 60_000])
def test_a_small_file_that_unfolds_to_a_huge_picture_is_refused(side: int) -> None:
    raw = bomb(side)
    assert len(raw) < 10_000
    with pytest.raises(Unreadable, match=r"尺寸太大|不是完好"):
        clean(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"#!AMR\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7",
        photo((400, 300))[:900],
        b"\xff\xd8\xff" + b"\0" * 50,
        bomb(100)[:60],
    ],
)
def test_what_is_no_picture_is_refused(raw: bytes) -> None:
    with pytest.raises(Unreadable):
        clean(raw)


def test_a_file_too_large_is_refused_unread() -> None:
    with pytest.raises(Unreadable, match="太大"):
        clean(b"\xff" * (20 * 1024 * 1024 + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_a_broken_file_is_refused_and_never_more_than_that(kind: str) -> None:
    """Two hundred files of each kind with a few bytes changed or the end cut off."""
    raw, chance = photo((60, 40), kind), random.Random(kind)
    for _ in range(200):
        broken = bytearray(raw[: chance.randrange(1, len(raw) + 1)] if chance.random() < 0.3 else raw)
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        with contextlib.suppress(Unreadable):
            clean(bytes(broken))
