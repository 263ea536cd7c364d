"""CSV (UTF-8 or GBK, commas or tabs) with the columns of the common template."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator

from bot.services.question_formats import Reading, Unreadable, decode
from bot.services.question_formats.table import parse as parse_table
from bot.services.question_formats.table import rows_of
from content.questions import Question


def parse(raw: bytes) -> Reading:
    """The rows of a CSV file; numbers count the file's lines, so that an editor finds them."""
    text = decode(raw)
    if not text.strip():
        raise Unreadable(why="文件是空的")
    first = text.partition("\n")[0]
    separator = "\t" if "\t" in first and "," not in first else ","
    return Reading(list(parse_table(_lines(text, separator))))


def write(questions: Iterable[Question]) -> bytes:
    """A CSV file that Excel opens as it is: UTF-8 with its mark."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows_of(questions))
    return out.getvalue().encode("utf-8-sig")


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    begins = 1
    try:
        for cells in reader:
            yield begins, cells
            begins = reader.line_num + 1
    except csv.Error as error:
        why = f"CSV 格式有错：第{begins}行起引号没有成对，或一格的文字太长，请用 Excel 另存一次"
        raise Unreadable(why=why) from error
