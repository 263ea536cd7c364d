r"""GIFT, Moodle's text format: choice with one or several answers, true/false, short answer, numbers with tolerance, categories.

What GIFT has no place for stands in a comment as Moodle's own ``[id:…]`` and ``[tag:…]``, so that other readers pass over it. A case is a
description (a question without braces) whose tag says how many of the following questions are its steps.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bot.services.question_formats import BadRow, Reading, Row, Unreadable, part_of
from bot.services.question_formats.wording import LETTERS, day_of, difficulty_of
from content.questions import CODE, Kind, Part, Question

_SPECIAL = re.compile(r"[\\~=#{}:]")
_TAG = re.compile(r"\[(id|tag):((?:\\.|[^\]\\])*)\]")
_FORMAT = re.compile(r"\[(?:html|plain|markdown|moodle)\]")
_TITLE = re.compile(r"::((?:\\.|[^\\])*?)::", re.DOTALL)
_WEIGHT = re.compile(r"%(-?[0-9.]+)%")
_TEXT_TAGS = {"出处": "source", "主题": "topic", "板块": "half", "可信度": "confidence"}
_DAY_TAGS = {"起始日": "valid_from", "截止日": "valid_to"}
_VERDICTS = {"T": "对", "TRUE": "对", "F": "错", "FALSE": "错"}
_GAP = "_____"
_BRACES = re.compile(r"\{\s*(?:[=~#]|T\b|F\b|TRUE\b|FALSE\b)")


def is_gift(text: str) -> bool:
    """Whether a text has answers in GIFT's braces."""
    return _BRACES.search(text) is not None


def parse(text: str) -> Reading:
    """The questions of a GIFT text; blocks end at blank lines, ``$CATEGORY`` gives the topic of what follows."""
    if not text.strip():
        raise Unreadable(why="文件是空的")
    return Reading(list(_with_steps(_rows(text))))


def write(questions: Iterable[Question]) -> str:
    """A GIFT text from which :func:`parse` makes the same questions."""
    blocks = []
    topic = ""
    for question in questions:
        if question.topic != topic:
            topic = question.topic
            blocks.append(f"$CATEGORY: {topic}\n")
        blocks.append(_block(question))
    return "\n".join(blocks)


# --- writing ---------------------------------------------------------------------------------------------------------


def _block(question: Question) -> str:
    tags = [("出处", question.source), ("难度", str(question.difficulty)), ("主题", question.topic)]
    tags += [("板块", question.half), ("可信度", question.confidence)]
    tags += [(name, day.isoformat()) for name, key in _DAY_TAGS.items() if (day := getattr(question, key))]
    if question.kind is Kind.CASE:
        return _description(question, [*tags, ("小题", str(len(question.parts)))])
    braces = _answers(question) + f"\t####{_escaped(question.explanation)}\n"
    return f"{_comment(question.code, tags + _spare(question))}::{question.code}::{_stem(question)} {{\n{braces}}}\n"


def _description(case: Question, tags: list[tuple[str, str]]) -> str:
    """A case has no braces, so its explanation is a tag too."""
    head = _comment(case.code, [*tags, ("解析", case.explanation)])
    steps = [
        f"{_comment('', _spare(part))}::{case.code}-{place}::{_stem(part)} {{\n{_answers(part)}}}\n"
        for place, part in enumerate(case.parts, 1)
    ]
    return "\n".join([f"{head}::{case.code}::{_stem(case)}\n", *steps])


def _comment(code: str, tags: Iterable[tuple[str, str]]) -> str:
    marks = ([f"[id:{code}]"] if code else []) + [f"[tag:{name}={_tag_escaped(text)}]" for name, text in tags]
    return f"// {' '.join(marks)}\n" if marks else ""


def _spare(part: Part | Question) -> list[tuple[str, str]]:
    """The spellings beside the number, which GIFT's numerical answers cannot hold."""
    return [("也可", text) for text in part.answer[1:]] if part.tolerance is not None else []


def _stem(part: Part | Question) -> str:
    return _escaped(part.stem)


def _answers(part: Part | Question) -> str:
    if part.kind is Kind.JUDGE:
        return "\tTRUE\n" if part.answer == ("对",) else "\tFALSE\n"
    if part.tolerance is not None:
        return f"\t#{_escaped(part.answer[0])}:{part.tolerance!r}\n"
    if part.kind is Kind.BLANK:
        return "".join(f"\t={_escaped(text)}\n" for text in part.answer)
    right = f"~%{100 / len(part.answer):.7g}%" if part.kind is Kind.MULTIPLE else "="
    wrong = "~%-100%" if part.kind is Kind.MULTIPLE else "~"
    marks = [right if letter in part.answer else wrong for letter in LETTERS[: len(part.options)]]
    return "".join(f"\t{mark}{_escaped(text)}\n" for mark, text in zip(marks, part.options, strict=True))


def _escaped(text: str) -> str:
    """Special characters behind a backslash, also where a text begins like a weight or a format, or looks like a pair."""
    safe = _SPECIAL.sub(r"\\\g<0>", text).replace("\n", "\\n").replace("->", "\\->")
    if safe.startswith("%"):
        return "\\" + safe
    return "[plain]" + safe if _FORMAT.match(safe) else safe


def _tag_escaped(text: str) -> str:
    return re.sub(r"[\\\[\]]", r"\\\g<0>", text).replace("\n", "\\n")


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Block:
    """The lines of one question, the comments apart."""

    number: int
    lines: list[str] = field(default_factory=list)
    tags: dict[str, list[str]] = field(default_factory=dict)


def _blocks(text: str) -> Iterator[_Block]:
    block = _Block(1)
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        if not line.strip():
            if block.lines:
                yield block
                block = _Block(number + 1)
        elif line.lstrip().startswith("//"):
            _note_tags(block, line)
        else:
            block.number = block.number if block.lines else number
            block.lines.append(line)
            if line.lstrip().startswith("$CATEGORY:"):
                yield block
                block = _Block(number + 1)
    if block.lines:
        yield block


def _note_tags(block: _Block, line: str) -> None:
    for what, raw in _TAG.findall(line):
        text = _plain(raw)
        name, _, value = text.partition("=") if what == "tag" else ("id", "", text)
        if value:
            block.tags.setdefault(name, []).append(value)


def _rows(text: str) -> Iterator[tuple[Row, int]]:
    """Each question with the number of following ones that are its steps."""
    topic = ""
    for block in _blocks(text):
        body = "\n".join(line.strip() for line in block.lines)
        if body.startswith("$CATEGORY:"):
            # Moodle writes the whole path, $course$/top/安规.
            topic = _plain(body.removeprefix("$CATEGORY:")).strip().rpartition("/")[2]
            continue
        try:
            values = _values(body, block.tags, topic)
            yield Row(block.number, values), _steps_in(block.tags)
        except BadRow as problem:
            yield Row(block.number, problem=str(problem)), 0


def _steps_in(tags: dict[str, list[str]]) -> int:
    said = tags.get("小题", ["0"])[0]
    if said not in ("0", "2", "3"):
        raise BadRow("案例题应有 2 到 3 个小题")
    return int(said)


def _with_steps(rows: Iterable[tuple[Row, int]]) -> Iterator[Row]:
    waiting = iter(rows)
    for row, count in waiting:
        if not count:
            yield row
            continue
        steps = [
            step
            for step, _ in (next(waiting, (Row(row.number, problem="少了小题"), 0)) for _ in range(count))
        ]
        problem = next((f"第{step.number}行的小题：{step.problem}" for step in steps if step.problem), "")
        parts = tuple(part_of(step.values) for step in steps if not step.problem)
        yield Row(row.number, problem=problem) if problem else Row(row.number, {**row.values, "parts": parts})


def _values(body: str, tags: dict[str, list[str]], topic: str) -> dict[str, Any]:
    values: dict[str, Any] = {"topic": topic} if topic else {}
    values |= {key: tags[name][0] for name, key in _TEXT_TAGS.items() if name in tags}
    values |= {key: day_of(name, tags[name][0]) for name, key in _DAY_TAGS.items() if name in tags}
    if "难度" in tags:
        values["difficulty"] = difficulty_of(tags["难度"][0])
    if "解析" in tags:
        values["explanation"] = tags["解析"][0]
    if "id" in tags and CODE.fullmatch(tags["id"][0]):
        values["code"] = tags["id"][0]
    title = _TITLE.match(body)
    return values | _asked(body[title.end() :] if title else body, tags)


def _asked(body: str, tags: dict[str, list[str]]) -> dict[str, Any]:
    opened = _find(body, "{")
    if opened < 0:
        if "小题" not in tags:
            raise BadRow("没有答案（缺少 { }）")
        return {"kind": Kind.CASE, "stem": _text(body)}
    closed = _find(body, "}", opened)
    if closed < 0:
        raise BadRow("缺少右括号 }")
    before, inside, after = body[:opened], body[opened + 1 : closed], body[closed + 1 :]
    if _find(after, "{") >= 0:
        raise BadRow("一道题里有两处 { }，请分成两题或在中间空一行")
    stem = _text(before if not after.strip() else f"{before.rstrip()} {_GAP} {after.lstrip()}")
    answers, _, general = _cut(inside, "####")
    values = {"stem": stem} | _answered(answers.strip(), tags)
    if general.strip():
        values["explanation"] = _text(general)
    return values


def _answered(inside: str, tags: dict[str, list[str]]) -> dict[str, Any]:
    if not inside:
        raise BadRow("问答题没有标准答案，不能导入")
    if inside.startswith("#"):
        return _numerical(inside[1:].strip(), tags.get("也可", []))
    word = _cut(inside, "#")[0].strip().upper()
    if word in _VERDICTS:
        return {"kind": Kind.JUDGE, "answer": (_VERDICTS[word],), **_feedback(inside)}
    return _choices([_Answer.read(mark, text) for mark, text in _marked(inside)])


def _numerical(inside: str, also: list[str]) -> dict[str, Any]:
    """``0.7:0.05``, ``1..5`` or ``=0.7:0.05#feedback``; the first full answer counts."""
    text = inside.lstrip("= ") if inside.startswith("=") else inside
    text = _cut(next((part for _, part in _marked("=" + text)), text), "#")[0].strip()
    text = _plain(_WEIGHT.sub("", text, count=1)).strip()
    low, dots, high = text.partition("..")
    try:
        if dots:
            first, last = float(low), float(high)
            return _number(f"{(first + last) / 2:g}", (last - first) / 2, also)
        value, _, tolerance = text.rpartition(":") if ":" in text else (text, "", "0")
        float(value)
        return _number(value.strip(), float(tolerance), also)
    except ValueError:
        raise BadRow(f"“{text[:20]}”不是数字答案，应写成 #0.7:0.05") from None


def _number(value: str, tolerance: float, also: list[str]) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": Kind.BLANK, "answer": (value, *also)}
    return values | ({"tolerance": tolerance} if tolerance else {})


@dataclass(frozen=True, slots=True)
class _Answer:
    mark: str
    weight: float
    text: str
    feedback: str

    @staticmethod
    def read(mark: str, raw: str) -> _Answer:
        found = _WEIGHT.match(raw.strip())
        weight = float(found[1]) if found else (100.0 if mark == "=" else 0.0)
        text, _, feedback = _cut(raw.strip()[found.end() if found else 0 :], "#")
        if mark == "=" and _find(text, "->") >= 0:
            raise BadRow("配对题（->）不能导入")
        return _Answer(mark, weight, _text(text), _text(feedback))


def _choices(answers: list[_Answer]) -> dict[str, Any]:
    if all(answer.mark == "=" for answer in answers):
        return {
            "kind": Kind.BLANK,
            "answer": tuple(dict.fromkeys(a.text for a in answers if a.weight >= 100)),
        }
    marked = [answer for answer in answers if answer.mark == "="]
    if len(marked) > 1:
        raise BadRow("有两个“=”答案；多选题请给每个正确选项写上 ~%50% 这样的分值")
    right = marked or [answer for answer in answers if answer.weight > 0]
    if not right:
        raise BadRow("没有正确答案")
    letters = "".join(letter for letter, answer in zip(LETTERS, answers, strict=False) if answer in right)
    kind = Kind.SINGLE if marked or len(right) == 1 else Kind.MULTIPLE
    options = tuple(answer.text for answer in answers)
    values: dict[str, Any] = {"kind": kind, "options": options, "answer": tuple(letters)}
    return values | ({"explanation": right[0].feedback} if right[0].feedback else {})


def _feedback(inside: str) -> dict[str, str]:
    """True/false has feedback for wrong and right answers; the first stands for an explanation."""
    text = _text(_cut(_cut(inside, "#")[2], "#")[0])
    return {"explanation": text} if text else {}


def _marked(inside: str) -> list[tuple[str, str]]:
    """The answers with the sign before each."""
    places = [
        place for place in range(len(inside)) if inside[place] in "=~" and not _is_escaped(inside, place)
    ]
    if not places or inside[: places[0]].strip():
        raise BadRow("每个答案前应有 = 或 ~")
    ends = [*places[1:], len(inside)]
    return [(inside[start], inside[start + 1 : end]) for start, end in zip(places, ends, strict=True)]


def _text(raw: str) -> str:
    """A text without the format it may begin with, its escapes undone."""
    bare = raw.strip()
    marked = _FORMAT.match(bare)
    return _plain(bare[marked.end() :] if marked else bare).strip()


def _plain(raw: str) -> str:
    """The text with its escapes undone."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], raw)


def _find(text: str, what: str, start: int = 0) -> int:
    place = text.find(what, start)
    while place >= 0 and _is_escaped(text, place):
        place = text.find(what, place + 1)
    return place


def _cut(text: str, what: str) -> tuple[str, str, str]:
    place = _find(text, what)
    return (text, "", "") if place < 0 else (text[:place], what, text[place + len(what) :])


def _is_escaped(text: str, place: int) -> bool:
    before = len(text[:place]) - len(text[:place].rstrip("\\"))
    return before % 2 == 1
