"""Study materials: short texts a member reads on the phone in at most three minutes, each with its source and its questions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from content import ContentError, read_folder

CODE = re.compile(r"[a-z][a-z0-9-]*")
CONFIDENCES = ("high", "medium", "check")
CHARACTERS_A_MINUTE = 300  # a calm reader of Chinese on a phone; three minutes are the limit of a day's study
LONGEST_DIGEST = 140
NO_TEXT = {"minutes", "month", "questions"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One text to study. ``month`` None means any time of the year; ``production`` is empty when it has no production tie."""

    code: str
    title: str
    digest: str  # two or three sentences, at most 140 characters: what the push shows
    minutes: int
    body: str
    source: str  # the document (and where sure, the article) that the text restates
    topic: str
    confidence: str  # high, medium or check, as in DOMAIN: how sure we are of the source
    questions: tuple[str, ...]  # codes of one to three questions that the body answers
    link: str = ""
    production: str = ""
    month: int | None = None

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ContentError(self.code, complaint)


def _complaints(item: Material) -> list[str]:
    sentences = len(re.findall(r"[。！？]", item.digest))
    checks = {
        "code: 小写字母、数字和连字符": bool(CODE.fullmatch(item.code)),
        "title: 不能为空，不超过 30 字": 0 < len(item.title.strip()) <= 30,
        f"digest: 2–3 句，现为 {sentences} 句": sentences in (2, 3),
        f"digest: 不超过 {LONGEST_DIGEST} 字，现为 {len(item.digest)} 字": len(item.digest) <= LONGEST_DIGEST,
        "minutes: 1、2 或 3": _is_short(item),
        "body: 不能为空": bool(item.body.strip()),
        f"body: {len(item.body)} 字，{item.minutes} 分钟读不完": not _is_short(item) or _can_be_read(item),
        "source: 要写出处": bool(item.source.strip()),
        "topic: 不能为空": bool(item.topic.strip()),
        f"confidence: {'、'.join(CONFIDENCES)} 之一": item.confidence in CONFIDENCES,
        "questions: 1–3 个不同的题号": 1 <= len(set(item.questions)) == len(item.questions) <= 3,
        "link: 只写 https 网址": not item.link or item.link.startswith("https://"),
        "month: 1–12，或不写": item.month is None or item.month in range(1, 13),
    }
    return [complaint for complaint, fine in checks.items() if not fine]


def _is_short(item: Material) -> bool:
    return item.minutes in (1, 2, 3)


def _can_be_read(item: Material) -> bool:
    return len(item.body) <= item.minutes * CHARACTERS_A_MINUTE


def load(folder: Path | str = "materials") -> tuple[Material, ...]:
    """All materials in order of file and place; :class:`ContentError` names file and code of the first that is wrong."""
    found: dict[str, Material] = {}
    for path, tables in read_folder(str(folder)):
        for table in tables.get("material", []):
            item = _read(path, table)
            if item.code in found:
                raise ContentError(path.name, f"{item.code}: 编号重复")
            found[item.code] = item
    return tuple(found.values())


def _read(path: Path, table: dict[str, Any]) -> Material:
    where = f"{path.name}: {table.get('code', '?')}"
    for key in table.keys() - NO_TEXT:
        if not isinstance(table[key], str):
            raise ContentError(where, f"{key}: 应是文字")
    try:
        return Material(**{**table, "body": table["body"].strip(), "questions": tuple(table["questions"])})
    except KeyError as missing:
        raise ContentError(where, f"缺少 {missing}") from missing
    except TypeError as error:  # a missing or unknown field, or questions that are no list
        raise ContentError(where, str(error)) from error
    except ContentError as error:
        raise ContentError(path.name, str(error)) from error
