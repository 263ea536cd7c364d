"""Filling a Word template: the branch's own or the shipped one, in a sandbox, with a clear sentence for one that is broken."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from bot.errors import Refusal

MOST = 5 * 1024 * 1024
"""Bytes of a branch's own template at most."""
LABELS = {"minutes": "会议记录", "sheet": "签到表", "notice": "通知", "handbook": "手册", "vote": "表决结果"}


class BrokenTemplate(Refusal):
    text = "本支部的模板 {name}（{label}）不能用：{error}。请修好或删除这个模板；现在可以先用自带的模板。"


@dataclass(frozen=True, slots=True)
class Templates:
    """Where templates come from: ``folder`` holds a folder for each branch id that has its own; None means only the shipped ones."""

    branch_id: int
    folder: Path | None = None

    @property
    def shipped(self) -> Templates:
        """Only the shipped templates."""
        return replace(self, folder=None)

    def own(self, name: str) -> Path | None:
        """The branch's own template of that name, if there is one."""
        path = self.folder / str(self.branch_id) / f"{name}.docx" if self.folder else None
        return path if path and path.is_file() else None


def filled(templates: Templates, name: str, fields: Mapping[str, Any]) -> bytes:
    """The template ``name`` with the fields. :class:`BrokenTemplate` for a branch's own that is damaged or names a field that does not exist.

    A broken shipped template is our fault and raises what it raises.
    """
    own = templates.own(name)
    if own is None:
        return _render(
            resources.files("bot.documents").joinpath("templates", f"{name}.docx").read_bytes(), fields
        )
    try:
        if own.stat().st_size > MOST:
            raise ValueError(f"文件超过 {MOST // 1024 // 1024} MB")
        return _render(own.read_bytes(), fields)
    except Exception as error:  # whatever Word, ZIP, XML or Jinja find wrong with a file that somebody made
        raise BrokenTemplate(name=f"{name}.docx", label=LABELS[name], error=_told(error)) from error


def _render(template: bytes, fields: Mapping[str, Any]) -> bytes:
    from docxtpl import DocxTemplate
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # A template is a file from a branch: it may place fields, not run code; and a field that does not exist is an error, not a gap.
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=True)
    document = DocxTemplate(io.BytesIO(template))
    document.render(dict(fields), environment, autoescape=True)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


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
    return " ".join(str(error).split())[:120] or type(error).__name__
