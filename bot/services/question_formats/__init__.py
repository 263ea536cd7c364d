"""Questions as files: each format is read into rows that become :class:`content.questions.Question`, and written from questions.

Nothing here knows the database. A format module has ``parse`` (bytes or text to rows) and, where it can hold what a question is, ``write``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.errors import Refusal
from content import ContentError
from content.questions import Part, Question, plain

NO_EXPLANATION = "出题人没有写解析。"
NO_SOURCE = "未注明出处"
NO_TOPIC = "支部题库"
NO_HALF = "综合"
MIDDLE = 2
_NAMES = {
    "stem": "题干",
    "options": "选项",
    "option": "选项",
    "answer": "答案",
    "explanation": "解析",
    "source": "出处",
    "topic": "主题",
    "half": "板块",
    "difficulty": "难度",
    "confidence": "可信度",
    "kind": "题型",
}


class Unreadable(Refusal):
    text = "读不了这份题目：{why}。"


class BadRow(Exception):
    """A row that is no question; the text says why."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one place of a file says: fields of :class:`Question` by name, those that the file does not have absent.

    ``number`` is the line (table row, paragraph) where it begins, from 1; ``problem`` says why it cannot be a question.
    """

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """A file's rows in order, and what else its reader should know (a hidden sheet that was left out)."""

    rows: list[Row]
    notes: tuple[str, ...] = ()


def code_for(branch_id: int | None, plain_stem: str) -> str:
    """The code of a question that came without one: the same for the same branch and the same plain stem."""
    return "B" + hashlib.sha256(f"{branch_id}/{plain_stem}".encode()).hexdigest()[:15].upper()


def question_of(row: Row, code: str = "", halves: Mapping[str, str] | None = None) -> Question:
    """The row as a checked question; :class:`BadRow` with a Chinese sentence otherwise.

    ``code`` is for a row that names none. ``halves`` says in which half of the bank a topic stands, for rows that do not.
    A row without source counts as unchecked.
    """
    if row.problem:
        raise BadRow(row.problem)
    said = row.values
    topic = said.get("topic", NO_TOPIC).strip()
    code = said.get("code") or code or code_for(None, plain(said["stem"]))
    try:
        return Question(
            code=code.strip(),
            topic=topic,
            half=said.get("half") or (halves or {}).get(topic, NO_HALF),
            kind=said["kind"],
            difficulty=said.get("difficulty", MIDDLE),
            stem=said["stem"],
            options=said.get("options", ()),
            answer=said.get("answer", ()),
            tolerance=said.get("tolerance"),
            explanation=said.get("explanation", NO_EXPLANATION).strip(),
            source=said.get("source", NO_SOURCE).strip(),
            confidence=said.get("confidence") or ("medium" if "source" in said else "check"),
            valid_from=said.get("valid_from"),
            valid_to=said.get("valid_to"),
            parts=said.get("parts", ()),
        )
    except ContentError as error:
        raise BadRow(_in_words(str(error), code)) from error


def part_of(values: Mapping[str, Any]) -> Part:
    """The step of a case with these fields; what else a row says of it has no place in a step."""
    answer, tolerance = values.get("answer", ()), values.get("tolerance")
    return Part(values["kind"], values["stem"], values.get("options", ()), answer, tolerance)


def _in_words(sentence: str, code: str) -> str:
    """``CODE 第1小题: stem 太长`` as its reader says it: 第1小题：题干太长."""
    where, _, what = sentence.partition(": ")
    head, _, rest = what.partition(" ")
    said = _NAMES[head] + rest if head in _NAMES else what
    place = where.removeprefix(code).strip()
    return f"{place}：{said}" if place else said.replace(" tolerance", "").replace("half", "板块")


def decode(raw: bytes) -> str:
    """The text of a file in UTF-8 or GBK (with its superset GB18030); :class:`Unreadable` otherwise."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unreadable(why="文字编码不是 UTF-8 或 GBK，请另存为 UTF-8")
