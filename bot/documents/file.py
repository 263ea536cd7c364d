"""A finished document: its name, its bytes, its type."""

from __future__ import annotations

import re
from dataclasses import dataclass

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST = 80
"""The most characters of a file name, without its ending: 255 bytes is what file systems take."""
_FORBIDDEN = re.compile(r'[\\/:*?"<>|#%\x00-\x1f\x7f\u200b-\u200f\u2028-\u202e\ufeff]+')


@dataclass(frozen=True, slots=True)
class File:
    """``name`` may be used as a file name on every system."""

    name: str
    body: bytes
    mimetype: str = DOCX


def name_of(*parts: str, ending: str = "docx") -> str:
    """检修党支部_会议记录_2026-12-04_宪法宣传进班组.docx: no part may bring in a path or what file systems forbid."""
    clean = (re.sub(r"\s+", " ", _FORBIDDEN.sub("", part)).strip(" .") for part in parts)
    return f"{'_'.join(part for part in clean if part)[:MOST]}.{ending}"
