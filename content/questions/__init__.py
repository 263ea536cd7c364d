"""The question bank: TOML files read into questions that check themselves.

A file names its ``topic`` (what a member types after 专项) and its ``half`` of the bank, then lists
``[[question]]`` tables; ``Question`` says what each key means. Answers are written as people write them:
``"B"``, ``"ACD"``, ``"对"``, ``["0.7", "0.7米"]``.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import chain
from typing import Any

from content import ContentError, read_folder

LETTERS = "ABCDEFGH"
VERDICTS = ("对", "错")
HALVES = ("党务", "业务", "综合")
CONFIDENCES = ("high", "medium", "check")
FEWEST_OPTIONS = 3
# A question with its options must fit one WeCom text message (2048 bytes, three for each Chinese character).
LONGEST = {"stem": 300, "option": 100, "answer": 60, "explanation": 400, "source": 120, "topic": 12}

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,63}")
MARKUP = re.compile(r"<\s*[A-Za-z/!?]|&(?:#\d+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)


_NO_LETTERS = re.compile(r"[\W_]+")
# Full-width punctuation is what makes normalising a Chinese sentence slow, so it goes first.
_PUNCTUATION = re.compile(r"[\s。，、；：？！（）“”‘’《》〈〉【】…—·～]+")


class Kind(StrEnum):
    """How a question is asked and judged."""

    SINGLE = "single"
    MULTIPLE = "multiple"
    JUDGE = "judge"
    BLANK = "blank"
    CASE = "case"


CHOICES = (Kind.SINGLE, Kind.MULTIPLE)
PART_KEYS = frozenset({"kind", "stem", "options", "answer", "tolerance"})
QUESTION_KEYS = PART_KEYS | {"code", "difficulty", "explanation", "source", "confidence"}
QUESTION_KEYS |= {"valid_from", "valid_to", "part"}
FILE_KEYS = frozenset({"topic", "half", "question"})


@dataclass(frozen=True, slots=True)
class Part:
    """One step of a case: asked and judged like a question of its own, explained by the case."""

    kind: Kind
    stem: str
    options: tuple[str, ...]
    answer: tuple[str, ...]
    tolerance: float | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """One question as written by its author; a mistake raises :class:`ContentError` with the question's code.

    ``answer`` holds letters for single and multiple, one of 对/错 for judge, every accepted spelling for
    blank, nothing for a case. ``tolerance`` is the allowed distance from the number in ``answer[0]``.
    ``valid_from`` and ``valid_to`` are inclusive.
    """

    code: str
    topic: str
    half: str
    kind: Kind
    difficulty: int
    stem: str
    options: tuple[str, ...]
    answer: tuple[str, ...]
    tolerance: float | None
    explanation: str
    source: str
    confidence: str
    valid_from: date | None
    valid_to: date | None
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        _check_label(self)
        _check_text(self.code, "explanation", self.explanation, lines=True)
        _check_text(self.code, "source", self.source)
        if self.kind is Kind.CASE:
            _check_case(self)
        else:
            _check_part(self.code, self)

    def is_valid_on(self, day: date) -> bool:
        """Whether the question may be asked on ``day``."""
        return (self.valid_from or day) <= day <= (self.valid_to or day)


def load() -> tuple[Question, ...]:
    """Every shipped question in order of file and line, checked one by one and together."""
    banks = (read_bank(path.name, data) for path, data in read_folder("questions"))
    questions = tuple(chain.from_iterable(banks))
    check_together(questions)
    return questions


def read_bank(name: str, data: Mapping[str, Any]) -> tuple[Question, ...]:
    """The questions of one parsed file; ``name`` stands in the :class:`ContentError`."""
    _check_keys(name, data, FILE_KEYS)
    topic, half = _field(name, data, "topic", str), _field(name, data, "half", str)
    rows: list[Any] = _field(name, data, "question", list)
    return tuple(
        read_question(f"{name} 第{number}题", row, topic, half) for number, row in enumerate(rows, start=1)
    )


def read_question(where: str, row: Any, topic: str, half: str) -> Question:
    """One ``[[question]]`` table as a :class:`Question`; ``where`` names it until its code is known."""
    _require(isinstance(row, dict), where, "每道题应写成 [[question]]")
    code = _field(where, row, "code", str)
    _check_keys(code, row, QUESTION_KEYS)
    part = _read_part(code, row)
    return Question(
        code=code,
        topic=topic.strip(),
        half=half,
        kind=part.kind,
        difficulty=_field(code, row, "difficulty", int),
        stem=part.stem,
        options=part.options,
        answer=part.answer,
        tolerance=part.tolerance,
        explanation=_field(code, row, "explanation", str).strip(),
        source=_field(code, row, "source", str).strip(),
        confidence=_field(code, row, "confidence", str),
        valid_from=_field(code, row, "valid_from", date, None),
        valid_to=_field(code, row, "valid_to", date, None),
        parts=tuple(_read_step(code, step) for step in _field(code, row, "part", list, [])),
    )


def topics(questions: Iterable[Question]) -> dict[str, int]:
    """How many questions each topic has, the largest first."""
    return dict(Counter(question.topic for question in questions).most_common())


def plain(text: str) -> str:
    """The text without spaces and punctuation, in one width and case: equal for stems that read the same."""
    bare = unicodedata.normalize("NFKC", _PUNCTUATION.sub("", text))
    return _NO_LETTERS.sub("", bare.casefold())


def check_together(questions: Iterable[Question]) -> None:
    """Refuse a code or a stem used twice and a topic that stands in two halves."""
    codes: set[str] = set()
    stems: dict[str, str] = {}
    halves: dict[str, str] = {}
    for question in questions:
        _require(question.code not in codes, question.code, "编号重复")
        codes.add(question.code)
        twin = stems.setdefault(plain(question.stem), question.code)
        _require(twin == question.code, question.code, f"题干与 {twin} 相同")
        half = halves.setdefault(question.topic, question.half)
        _require(half == question.half, question.code, f"主题“{question.topic}”在别处归入“{half}”")


def _read_step(code: str, row: Any) -> Part:
    _require(isinstance(row, dict), code, "每个 part 应写成 [[question.part]]")
    _check_keys(code, row, PART_KEYS)
    return _read_part(code, row)


def _read_part(code: str, row: Mapping[str, Any]) -> Part:
    word = _field(code, row, "kind", str)
    _require(word in list(Kind), code, f"没有“{word}”这种题型")
    options: list[Any] = _field(code, row, "options", list, [])
    _require(all(isinstance(option, str) for option in options), code, "选项应是文字")
    tolerance: float | int | None = _field(code, row, "tolerance", (float, int), None)
    return Part(
        kind=Kind(word),
        stem=_field(code, row, "stem", str).strip(),
        options=tuple(option.strip() for option in options),
        answer=_read_answer(code, Kind(word), row),
        tolerance=None if tolerance is None else float(tolerance),
    )


def _read_answer(code: str, kind: Kind, row: Mapping[str, Any]) -> tuple[str, ...]:
    if kind is Kind.BLANK:
        spellings: list[Any] = _field(code, row, "answer", list)
        _require(all(isinstance(spelling, str) for spelling in spellings), code, "填空题的答案应是文字列表")
        return tuple(spelling.strip() for spelling in spellings)
    if kind is Kind.CASE:
        _require("answer" not in row, code, "案例题的答案写在各小题里")
        return ()
    answer: str = _field(code, row, "answer", str).strip()
    return tuple(sorted(answer.upper())) if kind in CHOICES else (answer,)


_REQUIRED: Any = object()


def _field(
    where: str, row: Mapping[str, Any], key: str, kinds: type | tuple[type, ...], default: Any = _REQUIRED
) -> Any:
    """``row[key]`` if it is exactly of one of ``kinds`` (a flag is no number, a moment no day)."""
    value = row.get(key, default)
    _require(value is not _REQUIRED, where, f"缺少 {key}")
    fits = type(value) in (kinds if isinstance(kinds, tuple) else (kinds,))
    _require(fits or (key not in row and value is default), where, f"{key} 的写法不对：{value!r}")
    return value


def _check_keys(where: str, row: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(row.keys() - known)
    _require(not unknown, where, f"不认识的字段：{'、'.join(unknown)}")


def _check_label(question: Question) -> None:
    where = question.code or question.stem
    _require(CODE.fullmatch(question.code) is not None, where, "编号只能用英文字母、数字和连字符，最多 64 位")
    _check_text(where, "topic", question.topic)
    _require(question.half in HALVES, where, f"half 应为 {'、'.join(HALVES)} 之一")
    _require(1 <= question.difficulty <= 3, where, "难度应为 1、2 或 3")
    _require(question.confidence in CONFIDENCES, where, f"confidence 应为 {'、'.join(CONFIDENCES)} 之一")
    first, last = question.valid_from, question.valid_to
    _require(first is None or last is None or first <= last, where, "有效期的截止日早于起始日")


def _check_case(question: Question) -> None:
    code = question.code
    _check_text(code, "stem", question.stem, lines=True)
    bare = not question.options and not question.answer and question.tolerance is None
    _require(bare, code, "案例题的选项和答案写在各小题里")
    _require(2 <= len(question.parts) <= 3, code, "案例题应有 2 到 3 个小题")
    for number, part in enumerate(question.parts, start=1):
        _require(part.kind is not Kind.CASE, code, "小题不能又是案例题")
        _check_part(f"{code} 第{number}小题", part)


def _check_part(where: str, part: Part | Question) -> None:
    _check_text(where, "stem", part.stem, lines=True)
    _require(not (isinstance(part, Question) and part.parts), where, "只有案例题才有小题")
    _require(part.tolerance is None or part.kind is Kind.BLANK, where, "只有填空题才有误差 tolerance")
    if part.kind in CHOICES:
        _check_choice(where, part)
    else:
        _require(not part.options, where, "这种题型没有选项")
        _check_words(where, part)


def _check_choice(where: str, part: Part | Question) -> None:
    count = len(part.options)
    fits = FEWEST_OPTIONS <= count <= len(LETTERS)
    _require(fits, where, f"选项应有 {FEWEST_OPTIONS} 到 {len(LETTERS)} 个，现有 {count} 个")
    for option in part.options:
        _check_text(where, "option", option)
    _require(len({option.casefold() for option in part.options}) == count, where, "有两个选项相同")
    stray = sorted(set(part.answer) - set(LETTERS[:count]))
    _require(not stray, where, f"答案 {'、'.join(stray)} 没有对应的选项")
    _require(len(set(part.answer)) == len(part.answer), where, "答案里有重复的字母")
    if part.kind is Kind.SINGLE:
        _require(len(part.answer) == 1, where, "单选题只能有一个答案")
    else:
        _require(len(part.answer) >= 2, where, "多选题至少有两个答案")


def _check_words(where: str, part: Part | Question) -> None:
    if part.kind is Kind.JUDGE:
        _require(len(part.answer) == 1 and part.answer[0] in VERDICTS, where, "判断题的答案应为“对”或“错”")
        return
    _require(bool(part.answer), where, "填空题没有答案")
    for spelling in part.answer:
        _check_text(where, "answer", spelling)
    _require(len(set(part.answer)) == len(part.answer), where, "填空题的答案有重复")
    if part.tolerance is not None:
        _require(math.isfinite(part.tolerance) and part.tolerance > 0, where, "误差 tolerance 应是正数")
        _require(_is_number(part.answer[0]), where, "有误差 tolerance 时，第一个答案应是数字")


def _check_text(where: str, key: str, text: str, *, lines: bool = False) -> None:
    """Refuse what a chat window cannot show as written: nothing, too much, control characters, markup."""
    if (
        text.isprintable()
        and text.strip()
        and len(text) <= LONGEST[key]
        and "<" not in text
        and "&" not in text
    ):
        return  # nearly every text; the sentences below cost more than these looks
    _require(bool(text.strip()), where, f"{key} 是空的")
    _require(len(text) <= LONGEST[key], where, f"{key} 太长，最多 {LONGEST[key]} 个字")
    shown = text.replace("\n", "") if lines else text
    hidden = any(unicodedata.category(char).startswith("C") for char in shown)
    _require(not hidden, where, f"{key} 里有控制字符")
    _require(MARKUP.search(text) is None, where, f"{key} 里有网页代码")


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise ContentError(where, what)
