"""Question files: each format gives back what was written, generous reading, and a sentence with its line for what is wrong."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.services.question_formats import (
    NO_EXPLANATION,
    NO_SOURCE,
    NO_TOPIC,
    BadRow,
    Reading,
    Unreadable,
    aiken,
    archive,
    code_for,
    csv,
    excel,
    gift,
    question_of,
    text,
    word,
)
from content.questions import CONFIDENCES, HALVES, MARKUP, Kind, Part, Question, load, plain

# --- any question ----------------------------------------------------------------------------------------------------

# What trips formats up, oftener than chance would have it.
_TRICKS = st.sampled_from(
    ["=1+1", "+86", "-5", "@x", "'=a", "''=b", "~", "%50%", "{}", "->", "####", "//", "::", "\\", "\\n", "$CATEGORY: x"]
    + ["[html]", "[plain]", '"', ",", "\t", ";", "；", "|", "_x0041_", "1.", "A.", "#", "]", "[tag:难度=3]", "A", "对", "0.7"]
)
_CHARS = st.characters(exclude_categories=["C"], include_characters="党员大会") | st.sampled_from("党员大会安规 A1=~{}")


def _fits(text: str) -> bool:
    return bool(text) and text == text.strip() and text.isprintable() and not MARKUP.search(text)


def _texts(longest: int) -> st.SearchStrategy[str]:
    pieces = st.lists(_TRICKS | st.text(_CHARS, min_size=1, max_size=8), min_size=1, max_size=6)
    return pieces.map("".join).map(lambda text: text.strip()[:longest].strip()).filter(_fits)


def _paragraphs(longest: int) -> st.SearchStrategy[str]:
    lines = st.lists(_texts(longest // 3), min_size=1, max_size=3)
    return lines.map("\n".join).filter(lambda text: not MARKUP.search(text))


def _own_letters(options: list[str]) -> bool:
    """Options with letters of their own lose them on purpose: members see them shuffled."""
    return options[0][:1] in "Aa"


@st.composite
def _parts(draw: st.DrawFn) -> Part:
    kind = draw(st.sampled_from([Kind.SINGLE, Kind.MULTIPLE, Kind.JUDGE, Kind.BLANK]))
    stem, options, answer, tolerance = draw(_paragraphs(300)), [], ["对"], None
    if kind in (Kind.SINGLE, Kind.MULTIPLE):
        unique = st.lists(_texts(100), min_size=3, max_size=8, unique_by=str.casefold)
        options = draw(unique.filter(lambda options: not _own_letters(options)))
        letters = "ABCDEFGH"[: len(options)]
        least, most = (1, 1) if kind is Kind.SINGLE else (2, len(options))
        answer = sorted(draw(st.sets(st.sampled_from(letters), min_size=least, max_size=most)))
    elif kind is Kind.JUDGE:
        answer = [draw(st.sampled_from(["对", "错"]))]
    else:
        answer = draw(st.lists(_texts(60), min_size=1, max_size=3, unique=True))
        if draw(st.booleans()):
            tolerance = draw(st.floats(1e-6, 1e6))
            answer = [str(draw(st.integers(-1000, 1000) | st.floats(-1e3, 1e3))), *answer]
            answer = list(dict.fromkeys(answer))
    return Part(kind, stem, tuple(options), tuple(answer), tolerance)


@st.composite
def _questions(draw: st.DrawFn) -> Question:
    days = sorted(draw(st.lists(st.dates(date(2000, 1, 1), date(2100, 1, 1)), min_size=2, max_size=2)))
    case = draw(st.integers(0, 4)) == 0
    steps = tuple(draw(st.lists(_parts(), min_size=2, max_size=3))) if case else ()
    asked = Part(Kind.CASE, draw(_paragraphs(300)), (), (), None) if case else draw(_parts())
    return Question(
        code=draw(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9-]{0,20}\Z")),
        topic=draw(_texts(12).filter(lambda topic: "/" not in topic)),
        half=draw(st.sampled_from(HALVES)),
        kind=asked.kind,
        difficulty=draw(st.integers(1, 3)),
        stem=asked.stem,
        options=asked.options,
        answer=asked.answer,
        tolerance=asked.tolerance,
        explanation=draw(_paragraphs(400)),
        source=draw(_texts(120)),
        confidence=draw(st.sampled_from(CONFIDENCES)),
        valid_from=draw(st.sampled_from([None, days[0]])),
        valid_to=draw(st.sampled_from([None, days[1]])),
        parts=steps,
    )


@st.composite
def _aiken_questions(draw: st.DrawFn) -> Question:
    options = st.lists(_texts(100), min_size=3, max_size=8, unique_by=str.casefold).filter(lambda o: not _own_letters(o))
    found = tuple(draw(options))
    bare = {"topic": NO_TOPIC, "half": "综合", "explanation": NO_EXPLANATION, "source": NO_SOURCE, "confidence": "check"}
    dull = {"kind": Kind.SINGLE, "difficulty": 2, "tolerance": None, "valid_from": None, "valid_to": None, "parts": ()}
    answer = (draw(st.sampled_from("ABCDEFGH"[: len(found)])),)
    question = Question(code="x", stem=draw(_texts(300)), options=found, answer=answer, **bare, **dull)  # type: ignore[arg-type]
    return replace(question, code=code_for(None, plain(question.stem)))


def _read(reading: Reading) -> list[Question]:
    return [question_of(row) for row in reading.rows]


often = settings(max_examples=60, deadline=None)
banks = st.lists(_questions(), min_size=1, max_size=3)


@often
@given(banks)
def test_excel_gives_back_what_was_written(bank: list[Question]) -> None:
    assert _read(excel.parse(excel.write(bank))) == bank


@often
@given(banks)
def test_csv_gives_back_what_was_written(bank: list[Question]) -> None:
    assert _read(csv.parse(csv.write(bank))) == bank


@often
@given(banks)
def test_csv_in_gbk_gives_back_what_was_written(bank: list[Question]) -> None:
    raw = csv.write(bank).decode("utf-8-sig").encode("gb18030")
    assert _read(csv.parse(raw)) == bank


@often
@given(banks)
def test_gift_gives_back_what_was_written(bank: list[Question]) -> None:
    assert _read(gift.parse(gift.write(bank))) == bank


@often
@given(st.lists(_aiken_questions(), min_size=1, max_size=3))
def test_aiken_gives_back_what_it_can_hold(bank: list[Question]) -> None:
    held = [question for question in bank if aiken.holds(question)]
    assert not held or _read(aiken.parse(aiken.write(held))) == held


@pytest.mark.parametrize("write_and_read", [lambda b: excel.parse(excel.write(b)), lambda b: gift.parse(gift.write(b))])
def test_the_shipped_bank_survives(write_and_read: Callable[[list[Question]], Reading]) -> None:
    bank = list(load())
    assert _read(write_and_read(bank)) == bank
