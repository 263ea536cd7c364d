"""The clause library that 提问 quotes: rules in our own words, with document, article, date and confidence.

A file names its ``document``, ``issued`` and ``topic`` once, or each of its ``[[regulation]]`` tables does.
``synonyms.toml`` stands apart: groups of words that mean the same when somebody asks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_folder, read_toml

SYNONYMS = "synonyms.toml"
CONFIDENCES = ("high", "medium", "check")
SHARED = ("document", "issued", "topic")
# With title and source the answer stays below one screen of a phone and one WeCom text message (2048 bytes).
LONGEST_TEXT, LONGEST_TITLE, LONGEST_ASK = 220, 24, 30
FEWEST_ASKS, MOST_ASKS = 2, 6

WORD = re.compile(r"[0-9A-Za-z\u4e00-\u9fff]+")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")
DOCUMENT = re.compile(r"《[^《》]+》.*")
ARTICLE = re.compile(r"(第[一二三四五六七八九十百]+条)?")
ISSUED = re.compile(r"\d{4}年(\d{1,2}月(\d{1,2}日)?)?")


@dataclass(frozen=True, slots=True)
class Regulation:
    """One clause as it is quoted; a mistake in it is a :class:`ContentError` that names its code.

    ``article`` is empty where nobody has checked the number; ``issued`` is the date of the version quoted;
    ``confidence`` is high (read in the law itself, or several texts agree), medium (one text, a digest, or a
    well-known clause whose text was not at hand) or check (general knowledge). ``asks`` are ways in which members
    ask for it.
    """

    code: str
    topic: str
    title: str
    text: str
    document: str
    article: str
    issued: str
    confidence: str
    asks: tuple[str, ...]

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ContentError(str(self.code), complaint)


def load(folder: str = "regulations") -> tuple[Regulation, ...]:
    """Every clause in order of file and line; :class:`ContentError` for a bad one or a code used twice.

    ``folder`` is relative to ``content/``; an absolute path takes its place.
    """
    files = (file for file in read_folder(folder) if file[0].name != SYNONYMS)
    clauses = tuple(chain.from_iterable(_read_file(path, data) for path, data in files))
    codes = [clause.code for clause in clauses]
    for code in codes:
        if codes.count(code) > 1:
            raise ContentError(code, "编号重复")
    return clauses


def synonyms(path: Path = ROOT / "regulations" / SYNONYMS) -> tuple[frozenset[str], ...]:
    """Groups of words that mean the same in a question; a word stands in one group only."""
    groups = tuple(_read_group(path, table) for table in _tables(path, read_toml(path), "group"))
    words = [word for group in groups for word in group]
    for word in words:
        if words.count(word) > 1:
            raise ContentError(path.name, f"“{word}”出现在两组中")
    return groups


def _tables(path: Path, data: dict[str, Any], key: str) -> list[dict[str, Any]]:
    tables = data.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ContentError(path.name, f"请写成 [[{key}]]")
    return tables


def _read_group(path: Path, table: dict[str, Any]) -> frozenset[str]:
    words = table.get("words")
    if not isinstance(words, list) or not _texts(words) or not 2 <= len(words) == len(set(words)):
        raise ContentError(path.name, f"每组 words 至少两个不同的词：{words}")
    if odd := [word for word in words if not WORD.fullmatch(word)]:
        raise ContentError(path.name, f"只用汉字、字母和数字：{odd}")
    return frozenset(words)


def _read_file(path: Path, data: dict[str, Any]) -> Iterator[Regulation]:
    if unknown := sorted(data.keys() - {*SHARED, "regulation"}):
        raise ContentError(path.name, f"不认识的项：{unknown}")
    shared = {key: data[key] for key in SHARED if key in data}
    for place, table in enumerate(_tables(path, data, "regulation"), start=1):
        yield _read(f"{path.name} 第{place}条", {"article": "", **shared, **table})


def _read(where: str, table: dict[str, Any]) -> Regulation:
    try:
        return Regulation(**{**table, "asks": _as_tuple(table.get("asks"))})
    except (TypeError, ContentError) as error:
        raise ContentError(f"{where} {table.get('code', '')}".rstrip(), str(error)) from error


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _complaints(clause: Regulation) -> Iterable[str]:
    """What is wrong with it, the first thing first; later checks rely on earlier ones."""
    strings = {key: getattr(clause, key) for key in ("code", "topic", "title", "text", "document", "issued")}
    blank = [key for key, value in strings.items() if not isinstance(value, str) or not value.strip()]
    if blank:
        yield f"{'、'.join(blank)}：不能为空，要用文字"
        return
    checks = {
        "code: 只用字母、数字和连字符，不超过 32 个": CODE.fullmatch(clause.code),
        f"title: 不超过 {LONGEST_TITLE} 字": len(clause.title) <= LONGEST_TITLE,
        f"text: 不超过 {LONGEST_TEXT} 字": len(clause.text) <= LONGEST_TEXT,
        "text: 最后要有句号": clause.text.endswith("。"),
        "document: 写文件全称，用《》标出": DOCUMENT.fullmatch(clause.document),
        "article: 写成“第十一条”，没有把握就留空": isinstance(clause.article, str)
        and ARTICLE.fullmatch(clause.article),
        "issued: 写成“2018年”或“2018年10月28日”": ISSUED.fullmatch(clause.issued),
        f"confidence: {'、'.join(CONFIDENCES)}": clause.confidence in CONFIDENCES,
        f"asks: {FEWEST_ASKS}–{MOST_ASKS} 种不同的问法，每种不超过 {LONGEST_ASK} 字": _good_asks(clause.asks),
    }
    yield from (complaint for complaint, fine in checks.items() if not fine)


def _good_asks(asks: Any) -> bool:
    return (
        _texts(asks)
        and FEWEST_ASKS <= len(asks) <= MOST_ASKS
        and len(set(asks)) == len(asks)
        and all(len(ask) <= LONGEST_ASK for ask in asks)
    )


def _texts(values: Any) -> bool:
    return isinstance(values, (list, tuple)) and all(isinstance(v, str) and v.strip() for v in values)
