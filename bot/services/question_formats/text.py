"""Numbered questions as people type them: "1. …（ ）", "A. …", "答案：B", "解析：…". Word documents and pasted text share it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot import when
from bot.services.question_formats import (
    NO_EXPLANATION,
    NO_SOURCE,
    BadRow,
    Reading,
    Row,
    Unreadable,
    aiken,
    answer_key,
    question_of,
)
from bot.services.question_formats.answer_key import KIND, NOWHERE, NUMERAL, Entry, Section
from bot.services.question_formats.wording import (
    KIND_WORDS,
    LETTERS,
    contents,
    day_of,
    difficulty_of,
    joined,
    kind_of,
    spellings_of,
    tolerance_of,
    verdict_of,
)
from content.questions import Kind, Question

_NUMBER = re.compile(
    r"(?:第\s*)?[（(\[【]?([0-9０-９]{1,4})\s*(?:[.．](?![0-9])|[、)）\]】]|题\s*[:：.、]?)\s*(.*)"
)
_CHINESE_NUMBER = re.compile(rf"{NUMERAL}\s*(.*)")
_SECTION = re.compile(rf"{NUMERAL}\s*{KIND}题?.*|{KIND}题?\s*(?:[（(【].*[)）】])?\s*[:：]?")
_OPTION = re.compile(r"[（(]?([A-Za-zＡ-Ｚ])\s*[.．、)）:：]\s*(.*)")
_NEXT_OPTION = r"(?<=\s)[（(]?{letter}\s*[.．、)）:：]\s*"
_FIELD = re.compile(r"[【\[]?([^\s:：【】\[\]]{2,6}?)\s*(?:[】\]]\s*[:：]?|[:：])\s*(.*)")
_ENGLISH_ANSWER = re.compile(r"ANSWER\s*[:：]\s*(.*)", re.IGNORECASE)
_LEADING_KIND = re.compile(r"[【\[（(〔]\s*(单选|多选|判断|填空|单项选择|多项选择)题?\s*[】\])）〕]\s*")
_INLINE = re.compile(r"[（(]\s*([A-ZＡ-Ｚ](?:[、,，\s]*[A-ZＡ-Ｚ]){0,7}|[√×✓✗✔✘]|对|错|正确|错误)\s*[)）]")
_FIELDS = dict.fromkeys(("答案", "正确答案", "参考答案", "标准答案"), "answer")
_FIELDS |= dict.fromkeys(("解析", "答案解析", "试题解析", "说明"), "explanation")
_FIELDS |= dict.fromkeys(("出处", "来源", "依据"), "source")
_FIELDS |= dict.fromkeys(("主题", "知识点", "专题"), "topic")
_FIELDS |= {
    "题型": "kind",
    "难度": "difficulty",
    "误差": "tolerance",
    "编号": "code",
    "板块": "half",
    "可信度": "confidence",
}
_DAYS = {"起始日": "valid_from", "截止日": "valid_to"}
_FIELDS |= _DAYS
_AS_WRITTEN = ("code", "explanation", "source", "topic", "half", "confidence")


def write(question: Question) -> str:
    """One question as it may be pasted again, with all that this format has a word for; :func:`holds` says whether that is all of it."""
    said = {
        "答案": _spelled(question.answer) if question.kind is Kind.BLANK else "".join(question.answer),
        "误差": "" if question.tolerance is None else repr(question.tolerance),
        "解析": question.explanation if question.explanation != NO_EXPLANATION else "",
        "出处": question.source if question.source != NO_SOURCE else "",
        "主题": question.topic,
        "难度": str(question.difficulty),
        "板块": question.half,
        "可信度": question.confidence,
        "起始日": question.valid_from.isoformat() if question.valid_from else "",
        "截止日": question.valid_to.isoformat() if question.valid_to else "",
        "编号": question.code,
    }
    options = [f"{letter}. {option}" for letter, option in zip(LETTERS, question.options, strict=False)]
    fields = [f"{name}：{value}" for name, value in said.items() if value]
    return "\n".join([f"1. 【{KIND_WORDS[question.kind]}】{question.stem}", *options, *fields])


def _spelled(spellings: Sequence[str]) -> str:
    line = "；".join(spellings)
    return line if spellings_of(line) == list(spellings) else joined(spellings)


def holds(question: Question) -> bool:
    """Whether :func:`parse` makes the same question of what :func:`write` gives: no case, no line that reads as something else."""
    try:
        (row,) = parse(write(question)).rows
        return question_of(row) == question
    except (BadRow, Unreadable, ValueError):
        return False


LONGEST_LINE = 3000
"""What is behind so many characters of a line is not looked at: no question is so long, and the patterns take their time."""


def parse(text: str) -> Reading:
    """The questions of a text; one with ANSWER lines is read as Aiken."""
    if not text.strip():
        raise Unreadable(why="没有内容")
    if aiken.is_aiken(text):
        return aiken.parse(text)
    return Reading(list(parse_lines(enumerate(text.replace("\r\n", "\n").split("\n"), 1))))


@dataclass(slots=True)
class _Draft:
    """A question while its lines come in; ``last`` is what the next plain line continues.

    ``place`` is the number before it, ``part`` how often the numbers began anew before it.
    """

    number: int
    place: int | None
    stem: str
    kind: str = ""
    section: Section = NOWHERE
    part: int = 0
    options: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    last: str = "stem"


@dataclass(slots=True)
class _Where:
    """The section that questions stand in, in its own ``word`` for a kind, and how their numbers run."""

    word: str = ""
    section: Section = NOWHERE
    part: int = 0
    last: int = 0

    def enter(self, heading: re.Match[str]) -> None:
        """A heading like "一、单项选择题（每题2分）"."""
        self.word = heading[3] or heading[4]
        self.section = answer_key.section_of(heading[1] or heading[2], self.word)

    def count(self, place: int | None) -> None:
        """The number of one more question."""
        if place is not None:
            self.part += place <= self.last
            self.last = place


def parse_lines(lines: Iterable[tuple[int, str]]) -> Iterator[Row]:
    """Numbered lines (or paragraphs) as rows. A new question begins with a number, or after an answer and a blank line.

    Answers may stand together at the end. One of them without a question is a row of its own, with that problem.
    """
    before, key = answer_key.cut(
        [(number, raw.strip().strip("\ufeff")[:LONGEST_LINE]) for number, raw in lines]
    )
    drafts = list(_drafts(before))
    strays = [entry for entry in key.entries if not _answered(drafts, entry)]
    yield from map(_row, drafts)
    what = "参考答案里的第{}题，在题目里没有找到，或有几道题都是这个题号"
    for number, problem in sorted([*key.problems, *((one.line, what.format(one.number)) for one in strays)]):
        yield Row(number, problem=problem)


def _drafts(lines: Iterable[tuple[int, str]]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    where, gap = _Where(), False
    for number, line in lines:
        if not line:
            gap = True
            continue
        heading = _SECTION.fullmatch(line)
        if heading or _begins(draft, line, gap):
            if draft is not None:
                yield draft
            if heading:
                where.enter(heading)
            draft = None if heading else _opened(number, line, where)
        elif draft is not None:
            _take(draft, line)
        gap = False
    if draft is not None:
        yield draft


def _answered(drafts: Sequence[_Draft], entry: Entry) -> bool:
    """Give an answer of the key to its question; whether there is exactly one for it."""
    same = [draft for draft in drafts if draft.place == entry.number]
    if len(same) > 1 and entry.section is not None:
        same = [draft for draft in same if draft.section.fits(entry.section)]
    if len(same) > 1:
        same = [draft for draft in same if draft.part == entry.part]
    if len(same) != 1:
        return False
    same[0].fields.setdefault("answer", entry.answer)
    if entry.explanation:
        same[0].fields.setdefault("explanation", entry.explanation)
    return True


def _begins(draft: _Draft | None, line: str, gap: bool) -> bool:
    if draft is None or _number(line)[0] is not None:
        return True
    if _field(line) or _is_option(draft, line):
        return False
    return "answer" in draft.fields and (gap or draft.last == "answer")


def _number(line: str) -> tuple[int | None, str]:
    """The number before a question, and the rest: "12. …", "（12）…", "第12题 …", "十二、…"; no number and the line otherwise."""
    if found := _NUMBER.fullmatch(line):
        return int(found[1]), found[2]
    if found := _CHINESE_NUMBER.fullmatch(line):
        return when.number(found[1] or found[2]), found[3]
    return None, line


def _opened(number: int, line: str, where: _Where) -> _Draft:
    place, stem = _number(line)
    where.count(place)
    kind, leading = where.word, _LEADING_KIND.match(stem)
    if leading:
        kind, stem = leading[1], stem[leading.end() :]
    draft = _Draft(number, place, "", kind, where.section, where.part)
    _take_stem(draft, stem)
    return draft


def _take_stem(draft: _Draft, stem: str) -> None:
    """The stem, unless options follow in the same line."""
    cut = re.search(r"\s[（(]?A\s*[.．、)）:：].*\sB\s*[.．、)）:：]", stem)
    if cut:
        draft.stem = stem[: cut.start()].strip()
        _take(draft, stem[cut.start() :].strip())
    else:
        draft.stem = stem


def _take(draft: _Draft, line: str) -> None:
    """One more line of an open question: a field, options, or more of what came last."""
    found = _field(line)
    if found:
        draft.last, draft.fields[found[0]] = found
    elif _is_option(draft, line):
        draft.options += _options(line, len(draft.options))
        draft.last = "option"
    elif draft.last == "option":
        draft.options[-1] = f"{draft.options[-1]} {line}"
    elif draft.last == "stem":
        draft.stem = f"{draft.stem}\n{line}".strip()
    else:
        draft.fields[draft.last] = f"{draft.fields[draft.last]}\n{line}".strip()


def _field(line: str) -> tuple[str, str] | None:
    english = _ENGLISH_ANSWER.fullmatch(line)
    if english:
        return "answer", english[1]
    found = _FIELD.fullmatch(line)
    return (_FIELDS[found[1]], found[2]) if found and found[1] in _FIELDS else None


def _is_option(draft: _Draft, line: str) -> bool:
    found = _OPTION.fullmatch(line)
    return found is not None and _letter(found[1]) == LETTERS[len(draft.options) : len(draft.options) + 1]


def _options(line: str, place: int) -> list[str]:
    """The options of one line, "A. 两年  B. 三年  C. 五年", from the letter at ``place`` on."""
    found = _OPTION.fullmatch(line)
    assert found is not None
    rest, options = found[2], []
    for letter in LETTERS[place + 1 :]:
        following = re.search(_NEXT_OPTION.format(letter=letter), rest)
        if following is None:
            break
        options.append(rest[: following.start()].strip(" \t\u3000;；"))
        rest = rest[following.end() :]
    return [*options, rest.strip()]


def _letter(char: str) -> str:
    return chr(ord(char) - 0xFEE0) if char > "z" else char.upper()


def _row(draft: _Draft) -> Row:
    try:
        return Row(draft.number, _values(draft))
    except BadRow as problem:
        return Row(draft.number, problem=str(problem))


def _values(draft: _Draft) -> dict[str, Any]:
    said = draft.fields
    stem, answer = _without_answer(draft.stem, said.get("answer", ""))
    if not answer and draft.place is None and not draft.options:
        raise BadRow(f"“{stem[:12]}”不像题目（没有题号、选项和答案）")
    kind = kind_of(said.get("kind", draft.kind))
    if kind is Kind.CASE:
        raise BadRow("案例题请用 Excel 模板导入")
    values = contents(kind, stem, draft.options, answer)
    values |= {key: said[key] for key in _AS_WRITTEN if said.get(key)}
    values |= {key: day_of(name, said[key]) for name, key in _DAYS.items() if said.get(key)}
    if said.get("difficulty"):
        values["difficulty"] = difficulty_of(said["difficulty"])
    if said.get("tolerance"):
        values["tolerance"] = tolerance_of(said["tolerance"])
    return values


def _without_answer(stem: str, answer: str) -> tuple[str, str]:
    """Stem and answer where the answer stands in the stem's brackets, "…是（B）": there it must not stay."""
    found = [mark for mark in _INLINE.finditer(stem) if not answer or _same(mark[1], answer)]
    if not found:
        return stem, answer
    last = found[-1]
    return f"{stem[: last.start()]}（ ）{stem[last.end() :]}", answer or last[1]


def _same(one: str, other: str) -> bool:
    verdict = verdict_of(one)
    return verdict == verdict_of(other) if verdict else one.strip() == other.strip().upper()
