"""Office files are zip archives: what is looked at before any of them is opened."""

from __future__ import annotations

import io
import re
import zipfile
import zlib

from bot.services.question_formats import Unreadable

MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 200
# Small files may be as empty, and so as well packed, as they like.
RATIO_COUNTS_FROM = 10 * 1024 * 1024
_LOCAL_HEADER = 30
# A cell in column BA or later, or in line 100,000 or later: readers would lay out the whole empty table up to there.
_FAR_PERHAPS = re.compile(rb"=[\"'](?:[B-Z][A-Z]\d|[A-Z]{3}|[A-Z]*\d{6})")
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s/>]")
_FAR_AWAY = re.compile(rb"<(?:\w+:)?(?:c|row)\s[^>]*?\br\s*=\s*[\"'](?:[B-Z][A-Z]\d|[A-Z]{3}|[A-Z]*\d{6})")


def check(raw: bytes, part: str) -> bool:
    """Refuse what is no Office file with ``part`` inside, has macros, or unpacks to more than a question file can be.

    Returns whether some sheet has formulas.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise Unreadable(why="文件已损坏、加了密码，或不是 .xlsx、.docx 格式") from error
    names = {entry.filename for entry in entries}
    if part not in names:
        raise Unreadable(why="文件里没有需要的内容，请用 Excel 或 Word 另存一次")
    if any(name.casefold().endswith("vbaproject.bin") for name in names):
        raise Unreadable(why="文件带有宏，请另存为不带宏的 .xlsx 或 .docx")
    total = sum(entry.file_size for entry in entries)
    if total > MOST_UNPACKED or (total > RATIO_COUNTS_FROM and total > MOST_RATIO * len(raw)):
        raise Unreadable(why="文件解压后过大，不像题目文件")
    computed = False
    for entry in entries:
        content = _unpacked(raw, entry)
        if content is None or len(content) != entry.file_size:
            raise Unreadable(why="文件已损坏")
        if entry.filename.endswith(".xml") and _FAR_PERHAPS.search(content) and _FAR_AWAY.search(content):
            raise Unreadable(why="表格太大：第 10 万行以后或 AZ 列以后还有内容，请删去")
        computed = computed or (
            entry.filename.startswith("xl/worksheets/") and _FORMULA.search(content) is not None
        )
    return computed


def _unpacked(raw: bytes, entry: zipfile.ZipInfo) -> bytes | None:
    """What the entry really unpacks to, one byte more than it says at the most: readers that trust the stream can else be flooded."""
    at = entry.header_offset
    header = raw[at : at + _LOCAL_HEADER]
    if len(header) < _LOCAL_HEADER or entry.flag_bits & 0x1:
        return None
    at += _LOCAL_HEADER + int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
    packed = raw[at : at + entry.compress_size]
    if entry.compress_type == zipfile.ZIP_STORED:
        return packed
    if entry.compress_type != zipfile.ZIP_DEFLATED:
        return None
    try:
        return zlib.decompressobj(-15).decompress(packed, entry.file_size + 1)
    except zlib.error:
        return None
