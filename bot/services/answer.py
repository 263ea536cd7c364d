"""Reading an answer generously and judging it strictly: pure functions from what was typed to right or wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot import when
from bot.errors import Refusal
from bot.models.quiz import Question, QuestionKind

if TYPE_CHECKING:
    from bot.services.run import Posed

LETTERS = "ABCDEFGH"
UNKNOWN = "不会"
"""What is kept as given when a member would rather see the answer: it counts as wrong."""

_EDGE = " \t\n.。,，!！?？~～;；:：、…\"“”'‘’()（）【】[]《》<>·"
_HEADS = ("我", "觉得", "认为", "应该", "答案", "选择", "选", "答", "是", "为", "填", "第", "写", "=")
_TAILS = ("选项", "吧", "啊", "呀", "呢", "哦", "个", "项", "的")
_BETWEEN = re.compile(r"[\s、,，.。;；/+和跟与&|]+")
_TRUE = frozenset(
    [
        "对",
        "对的",
        "正确",
        "正确的",
        "是",
        "是的",
        "没错",
        "没有错",
        "√",
        "✓",
        "✔",
        "☑",
        "✅",
        "T",
        "TRUE",
        "Y",
        "YES",
        "OK",
        "1",
    ]
)
_FALSE = frozenset(
    [
        "错",
        "错的",
        "错误",
        "错误的",
        "错了",
        "不对",
        "不正确",
        "不是",
        "否",
        "×",
        "X",
        "✗",
        "✘",
        "✕",
        "✖",
        "❌",
        "F",
        "FALSE",
        "N",
        "NO",
        "2",
    ]
)
_ALL = frozenset(["全选", "都选", "全部", "全都选", "都对", "全对"])
_GIVE_UP = frozenset(["不会", "不知道", "不清楚", "不懂", "看答案", "跳过"])
_SAID_ALONE = re.compile(
    r"(?:我?选择?|答案是?|我?觉得是?|应该是?)?[A-Ha-h](?:[\s、,，和]*[A-Ha-h]){0,7}(?:项|选项|吧)?"
)
_NUMBER = re.compile(r"(?:约|大约|≥|>=|不少于)?(-?\d+(?:\.\d+)?)(.*)")
_NUMERALS = re.compile(r"([一二两三四五六七八九十百]+)(.*)")


class LetterExpected(Refusal):
    text = "请回复 A–{last} 中的一个字母。"


class LettersExpected(Refusal):
    text = "请回复 A–{last} 中的字母，可多选，例如 {example}。"


class VerdictExpected(Refusal):
    text = "请回复 对 或 错。"


class WordExpected(Refusal):
    text = "请回复要填的字词或数字。"


@dataclass(frozen=True, slots=True)
class Item:
    """What is asked at one place of a run: a question or one part of a case. ``background`` is the case's story."""

    kind: QuestionKind
    stem: str
    options: tuple[str, ...]
    answer: tuple[str, ...]
    tolerance: float | None
    background: str = ""

    def shown(self, order: Sequence[int]) -> list[tuple[str, str]]:
        """Letters with options as this member sees them."""
        return [(LETTERS[place], self.options[index]) for place, index in enumerate(order)]

    def right_letters(self, order: Sequence[int]) -> str:
        """The right letters as this member sees them, "" without options."""
        wanted = {LETTERS.index(letter) for letter in self.answer} if self.options else set()
        return "".join(LETTERS[place] for place, index in enumerate(order) if index in wanted)


def item_of(question: Question | Posed, part: int) -> Item:
    """The question itself, or its ``part`` (from 0) when it is a case."""
    if not question.parts:
        options, answer = tuple(question.options), tuple(question.answer)
        return Item(question.kind, question.stem, options, answer, question.tolerance)
    step = question.parts[part % len(question.parts)]
    return Item(
        QuestionKind(step["kind"]),
        step["stem"],
        tuple(step["options"]),
        tuple(step["answer"]),
        step["tolerance"],
        question.stem,
    )


def judge(item: Item, order: Sequence[int], text: str) -> tuple[str, bool]:
    """What was answered, in a short canonical form, and whether it is right.

    ``order[place]`` is the index of the option shown at that letter; what is returned are the letters of the bank, the same for everybody. A text that is no answer to this kind of question is refused
    with what was expected.
    """
    said = tidy(text)
    if said in _GIVE_UP:
        return UNKNOWN, False
    if item.options:
        letters = _letters(said, item, order)
        kept = sorted(LETTERS[order[LETTERS.index(letter)]] for letter in letters)
        return "".join(kept), letters == item.right_letters(order)
    if item.kind is QuestionKind.JUDGE:
        verdict = _verdict(said)
        return verdict, verdict == item.answer[0]
    if not said:
        raise WordExpected
    return said[:200], _fills(said, item)


def looks_like_an_answer(text: str) -> bool:
    """Whether a text, said when no question is being asked, can only be an answer: letters, or a verdict."""
    return bool(_SAID_ALONE.fullmatch(text.strip(_EDGE))) or _stripped(tidy(text)) in (_TRUE | _FALSE) - {
        "1",
        "2",
        "OK",
        "是",
        "否",
        "是的",
    }


def tidy(text: str) -> str:
    """In one width, without blanks and punctuation at the ends, upper case."""
    return unicodedata.normalize("NFKC", text).upper().strip(_EDGE)


def _stripped(said: str) -> str:
    """Without 答案是, 我选 … 吧 around it; never down to nothing."""
    while True:
        shorter = _shorter(said).strip(_EDGE)
        if shorter == said:
            return said
        said = shorter


def _shorter(said: str) -> str:
    for head in _HEADS:
        if said.startswith(head) and len(said) > len(head):
            return said[len(head) :]
    for tail in _TAILS:
        if said.endswith(tail) and len(said) > len(tail):
            return said[: -len(tail)]
    return said


def _letters(said: str, item: Item, order: Sequence[int]) -> str:
    """The chosen letters in order, each once."""
    last, one = LETTERS[len(order) - 1], item.kind is QuestionKind.SINGLE
    places = _by_text(said, item, order) or _places(_stripped(said), len(order), one)
    if places and (len(places) == 1 or not one):
        return "".join(LETTERS[place] for place in sorted(places))
    if one:
        raise LetterExpected(last=last)
    raise LettersExpected(last=last, example="ABD" if len(order) > 3 else "AB")


def _by_text(said: str, item: Item, order: Sequence[int]) -> set[int]:
    """The option that was typed out in full."""
    return {place for place, index in enumerate(order) if tidy(item.options[index]) == said}


def _places(said: str, count: int, one: bool) -> set[int]:
    """The places named by letters or numbers; empty when anything else is said or a place does not exist."""
    if said in _ALL and not one:
        return set(range(count))
    marks = _BETWEEN.sub("", said)
    if marks.isascii() and marks.isdigit():
        places = {int(mark) - 1 for mark in marks}
    elif re.fullmatch("[一二三四五六七八]", marks):
        places = {when.number(marks) - 1}
    else:
        places = {LETTERS.find(mark) for mark in marks}
    return places if places and all(0 <= place < count for place in places) else set()


def _verdict(said: str) -> str:
    for words in ({said}, {_stripped(said)}):
        if words & _TRUE:
            return "对"
        if words & _FALSE:
            return "错"
    raise VerdictExpected


def _fills(said: str, item: Item) -> bool:
    """Whether a blank is filled by an accepted spelling, or by a number near enough in an accepted unit."""
    accepted = {_packed(spelling) for spelling in item.answer}
    if _packed(said) in accepted or _packed(_stripped(said)) in accepted:
        return True
    return item.tolerance is not None and _near(_packed(_stripped(said)), item.answer, item.tolerance)


def _near(said: str, answer: Sequence[str], tolerance: float) -> bool:
    value, unit = _measure(said)
    wanted = float(answer[0])
    return value is not None and unit in _units(answer) and abs(value - wanted) <= tolerance


def _units(answer: Iterable[str]) -> set[str]:
    """The units that stand in the accepted spellings; a bare number always counts. 2厘米 is not 2米."""
    return {"", *(_measure(_packed(spelling))[1] for spelling in answer)}


def _measure(text: str) -> tuple[float | None, str]:
    """A number, in digits or Chinese numerals, and what follows it."""
    if found := _NUMBER.fullmatch(text):
        return float(found[1]), found[2]
    if (found := _NUMERALS.fullmatch(text)) and "百" not in found[1]:
        try:
            return float(when.number(found[1])), found[2]
        except (KeyError, IndexError):
            return None, text
    return None, text


def _packed(text: str) -> str:
    """Without any blanks and edge punctuation, in one case and width: how spellings are compared."""
    return re.sub(r"\s+", "", tidy(text))
