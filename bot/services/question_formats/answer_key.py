"""Answers that stand together behind the questions: "参考答案：1-5 ABCDA 6.√ 7.×", "一、1.A 2.B", "1. B 解析：…"."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from bot.services.question_formats.wording import kind_of
from content.questions import Kind

_CHINESE = "([一二三四五六七八九]|[二三四五六七八九]?十[一二三四五六七八九]?)"
NUMERAL = rf"(?:第?{_CHINESE}(?:部分|大题)?\s*[、.．:：]|[（(]{_CHINESE}[)）])"
KIND = r"(单项选择|多项选择|不定项选择|单选|多选|判断|是非|填空|选择)"
_HEADING = re.compile(
    r"[【\[（(《]?\s*(?:附件?\s*\d?\s*[:：]?\s*)?(?:试题|题库|练习题?)?(?:参考|标准|正确)?答案(?:与|及|和)?(?:解析|部分|汇总|一览)?表?\s*"
    r"[】\])）》]?\s*(?:[:：]\s*(.*))?"
)
_SECTION = re.compile(rf"(?:{NUMERAL}\s*)?(?:{KIND}题?\s*)?(?:[（(【][^)）】]*[)）】]\s*)?[:：]?\s*(.*)")
_LETTERS_OR_VERDICT = r"(?:[A-Z]{1,8}|[√×✓✗✔✘]|对|错|正确|错误)"
_BETWEEN = r"[\s,，;；、。|]*"
_AFTER_NUMBER = r"\s*(?:题\s*)?[.．、:：)）]?\s*"
_RANGE = re.compile(
    rf"(\d{{1,3}})\s*[-—–―~～至]+\s*(\d{{1,3}}){_AFTER_NUMBER}({_LETTERS_OR_VERDICT}(?:{_BETWEEN}{_LETTERS_OR_VERDICT})*){_BETWEEN}"
)
_SINGLE = re.compile(
    rf"[（(]?(\d{{1,3}}){_AFTER_NUMBER}({_LETTERS_OR_VERDICT})(?=[\s,，;；、。|)）\d]|$){_BETWEEN}"
)
_ONE = re.compile(_LETTERS_OR_VERDICT)
_IN_WORDS = re.compile(r"[（(]?(\d{1,3})\s*(?:[.．](?!\d)|[、:：)）])\s*")
_LABEL = re.compile(r"[【\[]?(?:参考|正确|标准)?答案\s*(?:[】\]]\s*[:：]?|[:：])\s*")
_EXPLAINED = re.compile(r"[\s。；;,，]*[【\[（(]?(?:答案|试题)?解析\s*(?:[】\])）]\s*[:：]?|[:：])\s*")
_OPTION = re.compile(r"[（(]?[AＡ]\s*[.．、)）]")

Lines = Sequence[tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Section:
    """Where a question or an answer stands: under 一 (or nothing), among questions of one kind (or of any)."""

    numeral: str = ""
    kind: Kind | None = None

    def fits(self, other: Section) -> bool:
        """Whether both may name the same section; the numeral decides where both have one."""
        if self.numeral and other.numeral:
            return self.numeral == other.numeral
        return self.kind is not None and self.kind is other.kind


NOWHERE = Section()


@dataclass(slots=True)
class Entry:
    """One answer of a key. ``line`` is where it stands, ``part`` counts how often the numbers began anew before it."""

    line: int
    number: int
    answer: str
    section: Section | None
    part: int = 0
    explanation: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """The entries of a key, and the lines of it that were not understood: number and why."""

    entries: list[Entry]
    problems: list[tuple[int, str]]


def cut(lines: Lines) -> tuple[Lines, Key]:
    """The lines before the answer key, and the key; all lines and an empty key when there is none."""
    for place, (_, line) in enumerate(lines):
        found = _HEADING.fullmatch(line.strip())
        if found and _is_key(found[1] or "", lines[place + 1 :]):
            rest = [(lines[place][0], found[1] or ""), *lines[place + 1 :]]
            return lines[:place], _read(rest)
    return lines, Key([], [])


def heads(line: str) -> bool:
    """Whether a line is the heading of a key alone."""
    found = _HEADING.fullmatch(line.strip())
    return found is not None and not found[1]


def section_of(numeral: str | None, kind: str | None) -> Section:
    """The section with this numeral and this word for a kind."""
    return Section(numeral or "", kind_of(kind) if kind else None)


def _is_key(beside: str, below: Lines) -> bool:
    """Whether numbered answers follow a heading, and no more questions with options."""
    texts = [beside, *(line for _, line in below)]
    said = [unicodedata.normalize("NFKC", text).strip() for text in texts if text.strip()]
    if not said or any(_OPTION.match(text) for text in said):
        return False
    first, second = said[0], said[1] if len(said) > 1 else ""
    if beside:
        # "答案：1、2" may be the answer to one blank, so beside the word only letters and verdicts begin a key.
        return _RANGE.match(first) is not None or _SINGLE.match(first) is not None
    section, rest = _in_section(first)
    start = rest if rest or section is None else _in_section(second)[1]
    return any(begins.match(start) for begins in (_RANGE, _SINGLE, _IN_WORDS))


def _in_section(line: str) -> tuple[Section | None, str]:
    """The section that a line begins, and what follows; the line itself when it begins none."""
    found = _SECTION.fullmatch(line)
    if found is None or not (found[1] or found[2] or found[3]):
        return None, line
    return section_of(found[1] or found[2], found[3]), found[4]


def _read(lines: Lines) -> Key:
    key = Key([], [])
    section: Section | None = None
    part = last = 0
    for number, raw in lines:
        begun, line = _in_section(raw.strip())
        section = begun or section
        try:
            pairs = _numbered(line)
        except ValueError as problem:
            key.problems.append((number, str(problem)))
            continue
        for place, answer, explanation in pairs:
            part += place <= last
            last = place
            key.entries.append(Entry(number, place, answer, section, part, explanation))
        if line and not pairs and not _continued(key, line):
            key.problems.append((number, f"看不懂这一行答案“{line[:15]}”，应写成 1.A 2.B 或 1-5 ABCDA"))
    return key


def _continued(key: Key, line: str) -> bool:
    """Whether the line goes on with the explanation of the last entry, or begins it."""
    begins = _EXPLAINED.match(line)
    if not key.entries or not (begins or key.entries[-1].explanation):
        return False
    last = key.entries[-1]
    said = line[begins.end() :] if begins else line
    last.explanation = f"{last.explanation}\n{said}".strip()
    return True


def _numbered(line: str) -> list[tuple[int, str, str]]:
    """The numbers with answers and explanations of a line, [] when it has none; ValueError when a range has not as many answers."""
    found = _IN_WORDS.match(line)
    explained = _EXPLAINED.search(line) if found else None
    if found and explained:
        answer = _LABEL.sub("", line[found.end() : explained.start()], count=1)
        return [(int(found[1]), answer.strip(), line[explained.end() :].strip())]
    text = unicodedata.normalize("NFKC", line).strip()
    place = 0
    pairs: list[tuple[int, str]] = []
    while place < len(text):
        more, place = _next(text, place)
        pairs += more
    return [(number, answer, "") for number, answer in pairs]


def _next(text: str, place: int) -> tuple[list[tuple[int, str]], int]:
    """What stands at a place of a line, and where the next begins: a range, a letter or verdict, or an answer in words."""
    if found := _RANGE.match(text, place):
        return _spread(*found.groups()), found.end()
    if found := _SINGLE.match(text, place):
        return [(int(found[1]), found[2])], found.end()
    if found := _IN_WORDS.match(text, place):
        following = re.compile(rf"[\s;；]+(?=[（(]?{int(found[1]) + 1}\s*(?:[.．](?!\d)|[、:：)）~—–-]))")
        ends = following.search(text, found.end())
        answer = text[found.end() : ends.start() if ends else None]
        return [(int(found[1]), _LABEL.sub("", answer, count=1).strip())], ends.end() if ends else len(text)
    return [], len(text)


def _spread(first: str, last: str, said: str) -> list[tuple[int, str]]:
    """The answers of "1-5 ABCDA", "1-3 AB CD A" or "6-8 √×√", each with its number."""
    numbers = range(int(first), int(last) + 1)
    words = re.findall(r"[^\s,，;；、。|]+", said)
    letters = [one for word in words for one in (word if word.isascii() else _ONE.findall(word))]
    answers = words if len(words) == len(numbers) else letters
    if len(answers) != len(numbers):
        raise ValueError(f"{first}-{last} 应有 {len(numbers)} 个答案，写了 {len(answers)} 个")
    return list(zip(numbers, answers, strict=True))
