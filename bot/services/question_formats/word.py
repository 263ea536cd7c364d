"""Word documents (.docx) with numbered questions; numbers and letters that Word itself counts are counted again."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bot.services.question_formats import Reading, Unreadable, answer_key, archive
from bot.services.question_formats.text import parse_lines
from bot.services.question_formats.wording import LETTERS

if TYPE_CHECKING:
    from docx.document import Document
    from docx.table import Table

# What python-docx and lxml raise for archives and XML that are not what they should be; lxml's is a SyntaxError.
_BROKEN = (zipfile.BadZipFile, zlib.error, SyntaxError, LookupError, ValueError, AttributeError, TypeError)


def parse(raw: bytes) -> Reading:
    """The questions of a document; a row's number is its paragraph. Of tables only 题号 above 答案 is read, a note says so of the others."""
    import docx
    from docx.opc.exceptions import OpcError

    archive.check(raw, "word/document.xml")
    try:
        document = docx.Document(io.BytesIO(raw))
        lines = [*_lines(document), *_keys(document)]
        others = any(not _key_in(table) for table in document.tables)
    except (OpcError, *_BROKEN) as error:
        raise Unreadable(why="不是完好的 Word 文件（.docx）") from error
    if not any(text.strip() for _, text in lines):
        raise Unreadable(why="文件里没有文字")
    notes = ("文件里的表格没有读；表格请存成 Excel 再导入。",) if others else ()
    return Reading(list(parse_lines(lines)), notes)


def _lines(document: Document) -> Iterator[tuple[int, str]]:
    """The paragraphs with the marks that Word shows but does not store: "1. " and "A. "."""
    formats = _number_formats(document)
    counts: defaultdict[tuple[str, str], int] = defaultdict(int)
    for number, paragraph in enumerate(document.paragraphs, 1):
        mark = ""
        place = _list_place(paragraph)
        kind = formats.get(place) if place else None
        if place and kind == "decimal":
            counts[place] += 1
            mark = f"{counts[place]}. "
            letters = [other for other, form in formats.items() if form in ("upperLetter", "lowerLetter")]
            counts.update(dict.fromkeys(letters, 0))
        elif place and kind in ("upperLetter", "lowerLetter") and counts[place] < len(LETTERS):
            mark = f"{LETTERS[counts[place]]}. "
            counts[place] += 1
        for text in (mark + paragraph.text).split("\n"):
            yield number, text


def _keys(document: Document) -> Iterator[tuple[int, str]]:
    """The answers in tables, "1. A" a line, as if they stood at the end under their name."""
    tables = [_key_in(table) for table in document.tables]
    end = len(document.paragraphs)
    if any(tables) and not any(answer_key.heads(paragraph.text) for paragraph in document.paragraphs):
        yield end, "参考答案"
    yield from ((end, f"{number}. {answer}") for pairs in tables for number, answer in pairs)


def _key_in(table: Table) -> list[tuple[str, str]]:
    """Numbers and answers of a table whose rows are headed 题号 and 答案 in turn."""
    rows = [[cell.text.strip() for cell in row.cells] for row in table.rows]
    heads = ["".join(row[:1]) for row in rows]
    if len(rows) % 2 or heads != ["题号", "答案"] * (len(rows) // 2):
        return []
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return [
        (number, answer)
        for above, below in pairs
        for number, answer in zip(above[1:], below[1:], strict=False)
        if number and answer
    ]


def _list_place(paragraph: Any) -> tuple[str, str] | None:
    """The list and level that a paragraph is numbered in, by itself or by its style."""
    styles = [paragraph._p.pPr, paragraph.style.element.pPr if paragraph.style is not None else None]
    for properties in styles:
        found = properties.numPr if properties is not None else None
        if found is not None and found.numId is not None:
            return str(found.numId.val), str(found.ilvl.val if found.ilvl is not None else 0)
    return None


def _number_formats(document: Document) -> dict[tuple[str, str], str]:
    """How each level of each list is numbered: decimal, upperLetter, chineseCounting …"""
    from docx.oxml.ns import qn

    if not any(relation.reltype.endswith("/numbering") for relation in document.part.rels.values()):
        return {}
    root: Any = document.part.numbering_part.element
    abstract: dict[str, dict[str, str]] = {}
    for one in root.findall(qn("w:abstractNum")):
        levels = {level.get(qn("w:ilvl")): level.find(qn("w:numFmt")) for level in one.findall(qn("w:lvl"))}
        forms = {place: form.get(qn("w:val")) for place, form in levels.items() if form is not None}
        abstract[one.get(qn("w:abstractNumId"))] = forms
    lists = {
        one.get(qn("w:numId")): one.find(qn("w:abstractNumId")).get(qn("w:val"))
        for one in root.findall(qn("w:num"))
    }
    return {(key, place): form for key, of in lists.items() for place, form in abstract.get(of, {}).items()}
