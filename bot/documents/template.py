"""Templates: the branch's own or the shipped one, with a clear sentence for one that is broken."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from bot.errors import Refusal

MOST = 5 * 1024 * 1024
"""Bytes of a branch's own template at most."""
LABELS = {
    "minutes.docx": "会议记录",
    "sheet.docx": "签到表",
    "notice.docx": "通知",
    "vote.docx": "表决结果",
    "election.docx": "选举用表",
    "handbook.docx": "手册",
    "bulletin.docx": "积分公示",
    "ledger.xlsx": "台账",
}


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
        """The branch's own template of that file name, if there is one."""
        path = self.folder / str(self.branch_id) / name if self.folder else None
        return path if path and path.is_file() else None


def shipped(name: str) -> bytes:
    """The template that comes with the product."""
    return resources.files("bot.documents").joinpath("templates", name).read_bytes()


def filled(
    templates: Templates, name: str, fill: Callable[[bytes], bytes], told: Callable[[Exception], str]
) -> bytes:
    """What ``fill`` makes of the template ``name``. :class:`BrokenTemplate` for a branch's own that it cannot be made of, with what ``told`` says.

    A broken shipped template is our fault and raises what it raises.
    """
    own = templates.own(name)
    if own is None:
        return fill(shipped(name))
    try:
        if own.stat().st_size > MOST:
            raise ValueError(f"文件超过 {MOST // 1024 // 1024} MB")
        return fill(own.read_bytes())
    except Exception as error:  # whatever Office, ZIP, XML or Jinja find wrong with a file that somebody made
        raise BrokenTemplate(name=name, label=LABELS[name], error=told(error)) from error


def in_a_line(error: Exception) -> str:
    """The words of an error that nobody foresaw."""
    return " ".join(str(error).split())[:120] or type(error).__name__
