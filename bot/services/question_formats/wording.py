"""From what people write in a question file to what a question is: kinds, answers, difficulties."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from typing import Any

from bot.services.question_formats import BadRow
from content.questions import Kind

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
STEP = "小题"
_KINDS = {
    "单选": Kind.SINGLE,
    "单项选择": Kind.SINGLE,
    "single": Kind.SINGLE,
    "多选": Kind.MULTIPLE,
    "多项选择": Kind.MULTIPLE,
    "multiple": Kind.MULTIPLE,
    "判断": Kind.JUDGE,
    "是非": Kind.JUDGE,
    "judge": Kind.JUDGE,
    "填空": Kind.BLANK,
    "blank": Kind.BLANK,
    "案例": Kind.CASE,
    "案例分析": Kind.CASE,
    "case": Kind.CASE,
}
KIND_WORDS = {
    Kind.SINGLE: "单选",
    Kind.MULTIPLE: "多选",
    Kind.JUDGE: "判断",
    Kind.BLANK: "填空",
    Kind.CASE: "案例",
}
_UNSAID = frozenset({"", "选择", "不定项", "不定项选择", "客观"})
_VERDICTS = dict.fromkeys(("对", "正确", "是", "√", "✓", "✔", "T", "TRUE", "Y", "YES"), "对")
_VERDICTS |= dict.fromkeys(
    ("错", "错误", "不对", "不正确", "否", "×", "✗", "✘", "X", "F", "FALSE", "N", "NO"), "错"
)
_DIFFICULTIES = {"1": 1, "2": 2, "3": 3} | dict.fromkeys(("易", "容易", "简单", "低", "★"), 1)
_DIFFICULTIES |= dict.fromkeys(("中", "中等", "一般", "较易", "较难", "★★"), 2)
_DIFFICULTIES |= dict.fromkeys(("难", "困难", "高", "★★★"), 3)
_BETWEEN_LETTERS = re.compile(r"[\s,，、;；.。和及与/|&]+")
_BETWEEN_WORDS = re.compile(r"[;；|]")
_OWN_LETTER = re.compile(r"\s*([A-Za-z])\s*[.．、)）:：]\s*")


def kind_of(word: str) -> Kind | None:
    """The kind that a word names ("单选题"), None where it leaves that to options and answer; :class:`BadRow` for an unknown one."""
    if word in _KINDS:
        return _KINDS[word]
    name = word.strip().casefold().removesuffix("题")
    if name in _UNSAID:
        return None
    if name not in _KINDS:
        raise BadRow(f"不认识题型“{word[:10]}”，可写：单选、多选、判断、填空、案例")
    return _KINDS[name]


def difficulty_of(word: str) -> int:
    """1, 2 or 3 for "易", "中", "难" or the figure itself."""
    found = _DIFFICULTIES.get(word.strip())
    if found is None:
        raise BadRow(f"不认识难度“{word[:10]}”，可写：1、2、3 或 易、中、难")
    return found


def tolerance_of(word: str) -> float:
    """The number in "0.05" or "±0.05"."""
    try:
        return float(word.strip().removeprefix("±"))
    except ValueError:
        raise BadRow(f"误差“{word[:10]}”不是数字") from None


def day_of(name: str, word: str) -> date:
    """The day in "2026-12-05", "2026/12/05" or "2026.12.05"; ``name`` stands in the :class:`BadRow`."""
    try:
        return date.fromisoformat(word.strip().replace("/", "-").replace(".", "-"))
    except ValueError:
        raise BadRow(f"{name}“{word[:12]}”应写成 2026-12-05 这样") from None


def verdict_of(word: str) -> str | None:
    """对 or 错 for the many ways to write them, None for anything else."""
    return _VERDICTS.get(word) or _VERDICTS.get(unicodedata.normalize("NFKC", word).strip().upper())


def contents(kind: Kind | None, stem: str, options: Sequence[str], answer: str) -> dict[str, Any]:
    """The fields kind, stem, options and answer of a question; an unsaid kind follows from options and answer.

    The answer may be letters ("AC", "A、C"), the texts of options, a verdict, or the accepted spellings apart by ; or line breaks.
    """
    if not answer.strip() and kind is not Kind.CASE:
        raise BadRow("没有答案")
    stem = stem.strip()
    chosen = _with_letters_dropped([option.strip() for option in options])
    if kind is Kind.JUDGE or (kind in (None, Kind.SINGLE) and _are_verdicts(chosen)):
        return {"kind": Kind.JUDGE, "stem": stem, "answer": (_judged(chosen, answer),)}
    if chosen:
        letters = letters_of(chosen, answer)
        said = kind or (Kind.MULTIPLE if len(letters) > 1 else Kind.SINGLE)
        return {"kind": said, "stem": stem, "options": tuple(chosen), "answer": tuple(sorted(letters))}
    if kind is Kind.CASE:
        if answer.strip():
            raise BadRow("案例题的答案写在各小题里")
        return {"kind": kind, "stem": stem}
    if kind is None and verdict_of(answer):
        return {"kind": Kind.JUDGE, "stem": stem, "answer": (_judged((), answer),)}
    if kind in (Kind.SINGLE, Kind.MULTIPLE):
        raise BadRow("没有选项")
    return {"kind": Kind.BLANK, "stem": stem, "answer": tuple(spellings_of(answer))}


def letters_of(options: Sequence[str], answer: str) -> str:
    """The letters of an answer given as letters or as texts of options; :class:`BadRow` when it is neither."""
    letters = (
        answer
        if answer in LETTERS
        else _BETWEEN_LETTERS.sub("", unicodedata.normalize("NFKC", answer)).upper()
    )
    if letters and not letters.strip(LETTERS[: len(options)]):
        return letters
    places = {_loosely(option): LETTERS[place] for place, option in enumerate(options)}
    for texts in ([answer], re.split(r"[;；|\n]", answer), re.split(r"[、,，\s]", answer)):
        wanted = [_loosely(text) for text in texts if text.strip()]
        if wanted and all(text in places for text in wanted):
            return "".join(places[text] for text in wanted)
    if letters and not letters.strip(LETTERS):
        stray = "、".join(sorted({letter for letter in letters if letter not in LETTERS[: len(options)]}))
        raise BadRow(f"答案 {stray} 没有对应的选项")
    raise BadRow(f"答案“{answer.strip()[:20]}”既不是选项的字母，也不是选项的文字")


def spellings_of(answer: str) -> list[str]:
    """The accepted spellings, one a line; in a single line they stand apart by semicolons or bars."""
    parts = answer.split("\n") if "\n" in answer else _BETWEEN_WORDS.split(answer)
    return list(dict.fromkeys(part.strip() for part in parts if part.strip()))


def joined(spellings: Sequence[str]) -> str:
    """What :func:`spellings_of` reads back: one a line, and a line break behind a single one that has a semicolon in it."""
    text = "\n".join(spellings)
    return text + "\n" if len(spellings) == 1 and _BETWEEN_WORDS.search(text) else text


def _loosely(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _are_verdicts(options: Sequence[str]) -> bool:
    return len(options) == 2 and {verdict_of(option) for option in options} == {"对", "错"}


def _judged(options: Sequence[str], answer: str) -> str:
    letter = answer.strip().upper()
    if options and len(letter) == 1 and letter in LETTERS[: len(options)]:
        answer = options[LETTERS.index(letter)]
    verdict = verdict_of(answer)
    if verdict is None:
        raise BadRow(f"判断题的答案“{answer.strip()[:10]}”应为“对”或“错”")
    return verdict


def _with_letters_dropped(options: Sequence[str]) -> list[str]:
    """Options without the letters that people type before them: members see options shuffled, with letters of their own."""
    if not options or options[0][:1] not in ("A", "a"):
        return list(options)
    marks = [_OWN_LETTER.match(option) for option in options]
    if all(mark and mark[1].upper() == LETTERS[place] for place, mark in enumerate(marks)):
        return [option[mark.end() :] for option, mark in zip(options, marks, strict=True) if mark]
    return list(options)
