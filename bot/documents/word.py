"""Filling a Word template, in a sandbox."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bot.documents import template
from bot.documents.template import Templates

if TYPE_CHECKING:
    from docxtpl import DocxTemplate

WIDTH, HEIGHT = 14, 9.5
"""Centimetres of a picture at most."""


def filled(templates: Templates, name: str, fields: Mapping[str, Any]) -> bytes:
    """The Word template ``name`` with the fields; bytes are pictures. :class:`~bot.documents.template.BrokenTemplate` for a branch's own that is damaged or names a
    field that does not exist.
    """
    return template.filled(templates, f"{name}.docx", lambda data: _render(data, fields), _told)


def _render(data: bytes, fields: Mapping[str, Any]) -> bytes:
    from docxtpl import DocxTemplate
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # A template is a file from a branch: it may place fields, not run code; and a field that does not exist is an error, not a gap.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    document = DocxTemplate(io.BytesIO(data))
    document.render(_drawn(dict(fields), document), environment, autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _drawn(value: Any, document: DocxTemplate) -> Any:
    """The same fields with pictures that the template can place, no wider than the text and two on a page."""
    from docx.image.image import Image
    from docx.shared import Cm
    from docxtpl import InlineImage

    if isinstance(value, bytes):
        read = Image.from_blob(value)
        size = {"width": WIDTH} if read.px_width * HEIGHT > read.px_height * WIDTH else {"height": HEIGHT}
        return InlineImage(document, io.BytesIO(value), **{side: Cm(length) for side, length in size.items()})
    if isinstance(value, dict):
        return {key: _drawn(one, document) for key, one in value.items()}
    if isinstance(value, list):
        return [_drawn(one, document) for one in value]
    return value


def _told(error: Exception) -> str:
    """What is wrong in one line that the maker of the template can use."""
    from zipfile import BadZipFile

    from jinja2 import TemplateSyntaxError, UndefinedError
    from jinja2.exceptions import SecurityError

    if isinstance(error, (BadZipFile, KeyError)):
        return "不是完好的 Word 文件（.docx）"
    if isinstance(error, SecurityError):
        return f"含有不允许的写法（{error}）"
    if isinstance(error, UndefinedError):
        return f"有不认识的字段（{error}）"
    if isinstance(error, TemplateSyntaxError):
        return f"括号写法有误（{error}）"
    return template.in_a_line(error)
