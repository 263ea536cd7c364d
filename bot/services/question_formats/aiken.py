"""Aiken: a question in plain lines, options "A. …", then "ANSWER: B". It holds single choice and nothing else of a question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from bot.services.question_formats import (
    NO_EXPLANATION,
    NO_SOURCE,
    NO_TOPIC,
    BadRow,
    Reading,
    Row,
    Unreadable,
)
from bot.services.question_formats.wording import LETTERS, contents
from content.questions import Kind, Question

_OPTION = re.compile(r"([A-Z])[.)．、]\s*(.*)")
_ANSWER = re.compile(r"ANSWER\s*[:：]\s*(.*)", re.IGNORECASE)


def is_aiken(text: str) -> bool:
    """Whether a text has an ANSWER line."""
    return any(_ANSWER.match(line.strip()) for line in text.split("\n"))


def parse(text: str) -> Reading:
    """The questions of an Aiken text; an ANSWER line ends each."""
    if not text.strip():
        raise Unreadable(why="文件是空的")
    return Reading(list(_rows(text)))


def holds(question: Question) -> bool:
    """Whether Aiken can hold all of a question: one right letter, a stem of one line, nothing that Aiken has no word for."""
    bare = (
        question.explanation == NO_EXPLANATION and question.source == NO_SOURCE and question.topic == NO_TOPIC
    )
    line = "\n" not in question.stem and not _OPTION.match(question.stem) and not _ANSWER.match(question.stem)
    dateless = question.valid_from is None and question.valid_to is None
    return question.kind is Kind.SINGLE and bare and line and dateless


def write(questions: Iterable[Question]) -> str:
    """The single-choice questions as Aiken; the other kinds have no place in it and are left out."""
    return "\n".join(_block(question) for question in questions if question.kind is Kind.SINGLE)


def _block(question: Question) -> str:
    stem = question.stem.replace("\n", " ")
    options = "\n".join(f"{letter}. {text}" for letter, text in zip(LETTERS, question.options, strict=False))
    return f"{stem}\n{options}\nANSWER: {question.answer[0]}\n"


def _rows(text: str) -> Iterator[Row]:
    stem: list[str] = []
    options: list[str] = []
    begins = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), 1):
        said = line.strip()
        begins = begins or (number if said else 0)
        option, answer = _OPTION.match(said), _ANSWER.match(said)
        if answer:
            yield _row(begins, stem, options, answer[1])
            stem, options, begins = [], [], 0
        elif option and stem and option[1] == LETTERS[len(options) : len(options) + 1]:
            options.append(option[2])
        elif said and options:
            yield Row(begins, problem=f"第{number}行应是选项 {LETTERS[len(options)]} 或 ANSWER")
            stem, options, begins = [said], [], number
        elif said:
            stem.append(said)
    if stem:
        yield Row(begins, problem="没有 ANSWER 这一行")


def _row(number: int, stem: list[str], options: list[str], answer: str) -> Row:
    try:
        values: dict[str, Any] = contents(None, "\n".join(stem), options, answer)
    except BadRow as problem:
        return Row(number, problem=str(problem))
    return Row(number, values)
