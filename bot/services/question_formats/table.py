"""The common template as a table: one question a row, the steps of a case in the rows below it. Excel and CSV share it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.services.question_formats import BadRow, Row, Unreadable, part_of
from bot.services.question_formats.wording import (
    KIND_WORDS,
    LETTERS,
    STEP,
    contents,
    day_of,
    difficulty_of,
    joined,
    kind_of,
    tolerance_of,
)
from content.questions import LETTERS as MOST_OPTIONS
from content.questions import Kind, Part, Question

COLUMNS = ("编号", "题型", "题干", *MOST_OPTIONS, "答案", "解析", "出处", "主题", "难度")
COLUMNS += ("板块", "误差", "可信度", "起始日", "截止日")
_ALSO = {
    "编号": ("题目编号", "试题编号"),
    "题型": ("类型", "题目类型", "试题类型"),
    "题干": ("题目", "试题", "问题", "题目内容", "试题内容", "题干内容"),
    "答案": ("正确答案", "标准答案", "参考答案"),
    "解析": ("答案解析", "试题解析", "题目解析", "说明"),
    "出处": ("来源", "依据", "题目来源"),
    "主题": ("知识点", "专题", "章节", "分类", "类别"),
    "难度": ("难易度", "难易程度", "难度等级"),
    "误差": ("允许误差",),
    "起始日": ("生效日期",),
    "截止日": ("失效日期",),
}
NAMES = {name: name for name in COLUMNS} | {also: name for name, alsos in _ALSO.items() for also in alsos}
NAMES |= {f"选项{letter}": letter for letter in LETTERS} | {letter: letter for letter in LETTERS}
HEADER_WITHIN = 10
_TEXTS = {
    "编号": "code",
    "解析": "explanation",
    "出处": "source",
    "主题": "topic",
    "板块": "half",
    "可信度": "confidence",
}
# A cell that begins like this is computed by a spreadsheet; the apostrophe before it says "text".
_FORMULA = re.compile(r"'*[=+\-@＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@＝＋－＠]")

Cells = Sequence[Any]


def parse(numbered: Iterable[tuple[int, Cells]]) -> Iterator[Row]:
    """Rows of cells with their line numbers, the header among the first ten, as rows for questions."""
    lines = iter(numbered)
    names = _header(lines)
    case: Row | None = None
    for number, cells in lines:
        cell = {
            name: text if type(text) is str and text[:1] != "'" else _text(text)
            for name, text in zip(names, cells, strict=False)
            if text != "" and name and not (type(text) is str and text.isspace())
        }
        if not cell:
            continue
        if cell.get("题型", "").startswith(STEP):
            case = _with_step(case, number, cell)
            if case.problem:
                yield case
                case = None
            continue
        if case is not None:
            yield case
            case = None
        row = _row(number, cell)
        if row.values.get("kind") == Kind.CASE:
            case = row
        else:
            yield row
    if case is not None:
        yield case


def rows_of(questions: Iterable[Question]) -> Iterator[list[str]]:
    """The header and a row for every question and every step of a case; texts that look like formulas are guarded."""
    yield list(COLUMNS)
    for question in questions:
        yield [_guarded(_shown(question).get(name, "")) for name in COLUMNS]
        for part in question.parts:
            cell = _asked(part)
            cell["题型"] = STEP + cell["题型"]
            yield [_guarded(cell.get(name, "")) for name in COLUMNS]


def _header(lines: Iterator[tuple[int, Cells]]) -> list[str | None]:
    """What each column is, from the first row that has 题干; None where that is unknown."""
    for seen, (_, cells) in enumerate(lines, 1):
        columns = [NAMES.get(_text(cell).strip().upper().replace(" ", "")) for cell in cells]
        names = [name for name in columns if name]
        if "题干" in names:
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise Unreadable(why=f"表头里“{twice[0]}”出现了两次")
            if "答案" not in names:
                raise Unreadable(why="表头里没有“答案”这一列")
            return columns
        if seen == HEADER_WITHIN:
            break
    raise Unreadable(
        why=f"没有找到表头。第1行应有这些列：{'、'.join(COLUMNS[1:4])}…{'、'.join(COLUMNS[11:16])}"
    )


def _row(number: int, cell: dict[str, str]) -> Row:
    try:
        return Row(number, _values(cell))
    except BadRow as problem:
        return Row(number, problem=str(problem))


def _values(cell: dict[str, str]) -> dict[str, Any]:
    values = _asked_in(cell, cell.get("题型", ""))
    for name, key in _TEXTS.items():
        if name in cell:
            values[key] = cell[name]
    if "难度" in cell:
        values["difficulty"] = difficulty_of(cell["难度"])
    for name, key in (("起始日", "valid_from"), ("截止日", "valid_to")):
        if name in cell:
            values[key] = day_of(name, cell[name])
    return values


def _asked_in(cell: dict[str, str], kind: str) -> dict[str, Any]:
    if "题干" not in cell:
        raise BadRow("题干是空的")
    values = contents(kind_of(kind), cell["题干"], _options(cell), cell.get("答案", ""))
    if "误差" in cell:
        values["tolerance"] = tolerance_of(cell["误差"])
    return values


def _options(cell: dict[str, str]) -> list[str]:
    given = [letter for letter in LETTERS if letter in cell]
    if given and given[-1] != LETTERS[len(given) - 1]:
        gap = next(letter for letter in LETTERS if letter not in cell)
        raise BadRow(f"选项 {gap} 是空的，后面却有选项 {given[-1]}")
    return [cell[letter] for letter in given]


def _with_step(case: Row | None, number: int, cell: dict[str, str]) -> Row:
    """The case with one more step; without a case above, the step is a row of its own with its problem."""
    if case is None:
        return Row(number, problem="小题的上一行应是案例题")
    try:
        step = _asked_in(cell, cell["题型"].removeprefix(STEP).strip("-—:： ·"))
    except BadRow as problem:
        return Row(case.number, problem=f"第{number}行的小题：{problem}")
    return Row(case.number, {**case.values, "parts": (*case.values.get("parts", ()), part_of(step))})


def _text(cell: Any) -> str:
    """A cell as its text: whole numbers without ``.0``, days as 2026-12-05, a guard before a formula gone."""
    if type(cell) is not str:
        if isinstance(cell, float) and cell.is_integer():
            return str(int(cell))
        return cell.date().isoformat() if isinstance(cell, datetime) else str(cell)
    return cell[1:] if _GUARDED.match(cell) else cell


def _shown(question: Question) -> dict[str, str]:
    cell = _asked(question)
    cell |= {name: getattr(question, key) for name, key in _TEXTS.items()}
    cell["难度"] = str(question.difficulty)
    cell["起始日"] = question.valid_from.isoformat() if question.valid_from else ""
    cell["截止日"] = question.valid_to.isoformat() if question.valid_to else ""
    return cell


def _asked(part: Part | Question) -> dict[str, str]:
    cell = dict(zip(LETTERS, part.options, strict=False))
    answer = joined(part.answer) if part.kind is Kind.BLANK else "".join(part.answer)
    tolerance = "" if part.tolerance is None else repr(part.tolerance)
    return cell | {"题型": KIND_WORDS[part.kind], "题干": part.stem, "答案": answer, "误差": tolerance}


def _guarded(text: str) -> str:
    return "'" + text if _FORMULA.match(text) else text
