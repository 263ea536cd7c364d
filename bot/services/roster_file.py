"""A roster as a file: an .xlsx or .csv table read and checked line by line. What a good line does is told in :mod:`bot.services.roster`."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from bot.errors import Refusal
from bot.models.member import MemberStatus

REQUIRED = ("姓名", "党支部", "身份")
COLUMNS = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份", "职务", "入党日期", "手机号")
MOST_BYTES = 20 * 1024 * 1024
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\-]{1,64}")
MOST_CHARACTERS = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9\-]{7,20}")
_STATUS = {s.value: s for s in MemberStatus} | {
    "党员": MemberStatus.FULL,
    "正式": MemberStatus.FULL,
    "预备": MemberStatus.PROBATIONARY,
    "入党积极分子": MemberStatus.ACTIVIST,
    "团员": MemberStatus.COLLEAGUE,
}


class UnreadableRoster(Refusal):
    text = "读不了这个名册：{why}"


class BadLine(Exception):
    """A line of the roster that cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One person as the roster has it; ``number`` is the line in the file (the header is line 1).

    ``columns`` are those that the file has at all: about what has no column the roster says nothing.
    """

    number: int
    name: str
    account: str | None
    staff_no: str | None
    branch: str
    group: str
    crew: str
    status: MemberStatus
    post: str
    joined_on: date | None
    phone: str | None
    columns: frozenset[str] = frozenset(COLUMNS)


def read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of an .xlsx or .csv file (UTF-8 or GBK) with their line numbers; :class:`UnreadableRoster` when it is no such table."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableRoster(why="文件超过20MB")
        table = _sheet(path) if path.suffix.lower() in (".xlsx", ".xls") else _csv(path.read_bytes())
    except OSError as error:
        raise UnreadableRoster(why=f"打不开文件 {path}") from error
    if not table:
        raise UnreadableRoster(why="文件是空的")
    header = [cell.strip() for cell in table[0]]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise UnreadableRoster(why=f"第1行缺少列：{'、'.join(missing)}。需要的列：{'、'.join(COLUMNS)}")
    rows = [(n, dict(zip(header, row, strict=False))) for n, row in enumerate(table[1:], 2)]
    return [(n, row) for n, row in rows if any(cell.strip() for cell in row.values())]


def _sheet(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        return [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, IndexError, ValueError) as error:
        raise UnreadableRoster(why="不是完好的 Excel 文件（.xlsx）") from error


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return str(value)


def _csv(raw: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gbk"):
        try:
            return list(csv.reader(io.StringIO(raw.decode(encoding)), strict=True))
        except UnicodeDecodeError:
            continue
        except csv.Error as error:
            raise UnreadableRoster(why=f"CSV 格式有错：{error}") from error
    raise UnreadableRoster(why="文字编码不是 UTF-8 或 GBK")


def parse(number: int, row: Mapping[str, str]) -> Line:
    """One line checked; :class:`BadLine` says what is wrong with it."""
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in REQUIRED:
        if not cell[name]:
            raise BadLine(f"{name}没有填")
    for name, text in cell.items():
        if len(text) > MOST_CHARACTERS or _UNPRINTABLE.search(text):
            raise BadLine(f"{name}太长或有不能用的字符")
    if len(cell["姓名"]) > 50 or re.search(r"[<>\x00-\x1f=]", cell["姓名"]):
        raise BadLine("姓名里有不能用的字符或太长")
    if cell["账号"] and not _ACCOUNT.fullmatch(cell["账号"]):
        raise BadLine(f"账号“{cell['账号'][:20]}”不是企业微信账号的样子")
    if cell["身份"] not in _STATUS:
        raise BadLine(f"身份“{cell['身份'][:10]}”不认识，可填：{'、'.join(s.value for s in MemberStatus)}")
    if cell["手机号"] and not _PHONE.fullmatch(cell["手机号"]):
        raise BadLine("手机号不对")
    return Line(
        number,
        cell["姓名"],
        cell["账号"].lower() or None,
        cell["工号"] or None,
        cell["党支部"],
        cell["党小组"],
        cell["班组"],
        _STATUS[cell["身份"]],
        cell["职务"],
        _date(cell["入党日期"]),
        cell["手机号"] or None,
        frozenset(row),
    )


def _date(text: str) -> date | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", text.split(" ")[0])
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError:
        pass
    raise BadLine(f"入党日期“{text[:12]}”看不懂，请写成 2012-07-01")
