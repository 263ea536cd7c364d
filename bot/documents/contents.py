"""The table of contents of a Word document: its headings with page numbers that every program fills by itself when it lays the pages out."""

from __future__ import annotations

import io
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

PLACE = "〔目录〕"
"""What a template's {{目录}} becomes until the headings are known; a template without it has no contents or its own."""
LEVELS = ("Heading 1", "Heading 2")


def filled_in(data: bytes) -> bytes:
    """The document with a line for each heading where :data:`PLACE` stands: its words, dots, and the number of its page.

    The numbers are references to bookmarks and no TOC field, because that would stay as it was written until somebody updates it in Word.
    """
    from docx import Document

    document = Document(io.BytesIO(data))
    place = next((one for one in document.paragraphs if one.text.strip() == PLACE), None)
    if place is None:
        return data
    for number, (level, heading) in enumerate(_headings(document), 1):
        name = f"_Toc{number:06}"
        _mark(heading, number, name)
        place._p.addprevious(_line(place, level, heading.text, name))
    place._p.getparent().remove(place._p)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _headings(document: Any) -> Iterator[tuple[int, Any]]:
    for paragraph in document.paragraphs:
        if paragraph.style.name in LEVELS and paragraph.text.strip():
            yield LEVELS.index(paragraph.style.name), paragraph


def _mark(heading: Any, number: int, name: str) -> None:
    """Put a bookmark around the words of a heading."""
    first = heading.runs[0]._r
    first.addprevious(_element("w:bookmarkStart", id=str(number), name=name))
    heading._p.append(_element("w:bookmarkEnd", id=str(number)))


def _line(place: Any, level: int, text: str, name: str) -> Any:
    """A paragraph like the one at the place, in which 一、支部与党员 …… 3 is written."""
    from docx.enum.text import WD_TAB_ALIGNMENT, WD_TAB_LEADER
    from docx.shared import Cm
    from docx.text.paragraph import Paragraph

    copied: Any = Paragraph(deepcopy(place._p), place._parent)
    like = deepcopy(copied.runs[0]._r) if copied.runs else None
    for run in copied.runs:
        run._r.getparent().remove(run._r)
    section = place.part.document.sections[0]
    copied.paragraph_format.left_indent = Cm(0.8 * level)
    width = section.page_width - section.left_margin - section.right_margin
    copied.paragraph_format.tab_stops.add_tab_stop(width, WD_TAB_ALIGNMENT.RIGHT, WD_TAB_LEADER.DOTS)
    _run(copied, like, text=f"{text}\t")
    for kind in ("begin", None, "separate", "", "end"):
        run = _run(copied, like, text=kind or "")
        if kind is None:
            run._r.append(_instruction(f" PAGEREF {name} \\h "))
        elif kind:
            run._r.clear_content()
            run._r.append(_element("w:fldChar", fldCharType=kind))
    return copied._p


def _run(paragraph: Any, like: Any, *, text: str) -> Any:
    """Another run in the letters of the place."""
    from docx.text.run import Run

    if like is None:
        return paragraph.add_run(text)
    paragraph._p.append(deepcopy(like))
    run: Any = Run(paragraph._p[-1], paragraph)
    run.text = text
    return run


def _instruction(code: str) -> Any:
    from docx.oxml.ns import qn

    element = _element("w:instrText")
    element.set(qn("xml:space"), "preserve")
    element.text = code
    return element


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element: Any = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element
