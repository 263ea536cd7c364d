"""Reading answers generously, judging by the letter shown, the bank in step with its files, drawing."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.db import Database
from bot.errors import Refusal
from bot.models.quiz import Question, QuestionKind, QuestionState
from bot.services import answer, drawing, question
from bot.services.answer import Item, judge, looks_like_an_answer
from content import questions

TODAY = date(2026, 11, 23)
SINGLE = Item(QuestionKind.SINGLE, "题", ("甲", "乙", "丙", "丁"), ("B",), None)
MULTIPLE = Item(QuestionKind.MULTIPLE, "题", ("甲", "乙", "丙", "丁"), ("A", "B"), None)
JUDGE = Item(QuestionKind.JUDGE, "题", (), ("对",), None)
METRES = Item(QuestionKind.BLANK, "题", (), ("2", "二", "2米", "两米", "2m"), 0.01)
PLACE = Item(QuestionKind.BLANK, "题", (), ("南湖", "嘉兴南湖"), None)
IN_ORDER = (0, 1, 2, 3)


def test_what_is_kept_are_the_letters_of_the_bank_however_the_options_were_shown() -> None:
    assert judge(SINGLE, (2, 1, 3, 0), "A") == ("C", False)
    assert judge(MULTIPLE, (2, 1, 3, 0), "DB") == ("AB", True)


@pytest.mark.parametrize(
    "said",
    [
        "b。",
        "B ",
        "选B",
        "答案是b",
        "Ｂ",
        "2",
        "第二个",
        "我觉得是B吧",
        "B选项",
        "(B)",
        "我选 B",
        "二",
        "乙",
        "B！",
    ],
)
def test_one_letter_is_read_generously(said: str) -> None:
    assert judge(SINGLE, IN_ORDER, said) == ("B", True)


@pytest.mark.parametrize(
    "said", ["ab", "A、B", "A,B", "a b", "BA", "1 2", "12", "选AB", "A和B", "ＡＢ。", "答案是A、B"]
)
def test_several_letters_are_read_generously(said: str) -> None:
    assert judge(MULTIPLE, IN_ORDER, said) == ("AB", True)


@pytest.mark.parametrize("said", ["对", "√", "正确", "是的", "对的。", "我觉得对", "T", "1", "没错", "✔"])
def test_yes_is_read_generously(said: str) -> None:
    assert judge(JUDGE, (), said) == ("对", True)


@pytest.mark.parametrize("said", ["错", "错误", "不对", "×", "x", "不正确", "F", "2", "不是", "答案是错"])
def test_no_is_read_generously(said: str) -> None:
    assert judge(JUDGE, (), said) == ("错", False)


@pytest.mark.parametrize(
    "said", ["2", "2米", " 2 米。", "２", "2.0", "2.005", "两米", "二", "两", "答案是2", "2M"]
)
def test_a_number_may_be_near_and_have_its_unit(said: str) -> None:
    assert judge(METRES, (), said)[1]


@pytest.mark.parametrize("said", ["20", "2厘米", "2千米", "2.02", "12", "-2", "二十"])
def test_another_number_or_unit_is_wrong(said: str) -> None:
    assert not judge(METRES, (), said)[1]


@pytest.mark.parametrize(
    ("said", "right"), [("南湖", True), ("嘉兴 南湖。", True), ("西湖", False), ("是南湖", True)]
)
def test_a_blank_has_several_spellings(said: str, right: bool) -> None:
    assert judge(PLACE, (), said)[1] is right


@pytest.mark.parametrize(
    ("item", "said", "expected"),
    [
        (SINGLE, "E", "请回复 A–D 中的一个字母"),
        (SINGLE, "AB", "请回复 A–D 中的一个字母"),
        (SINGLE, "5", "请回复 A–D 中的一个字母"),
        (SINGLE, "今天天气", "请回复 A–D 中的一个字母"),
        (MULTIPLE, "ABE", "可多选，例如 ABD"),
        (MULTIPLE, "。", "可多选"),
        (JUDGE, "B", "请回复 对 或 错"),
    ],
)
def test_what_is_no_answer_is_refused_with_what_was_expected(item: Item, said: str, expected: str) -> None:
    with pytest.raises(Refusal, match=expected):
        judge(item, IN_ORDER if item.options else (), said)


def test_not_knowing_counts_as_wrong() -> None:
    assert judge(SINGLE, IN_ORDER, "不会") == (answer.UNKNOWN, False)


@given(st.integers(3, 8), st.data(), st.integers())
def test_the_letter_shown_is_the_letter_judged(count: int, data: st.DataObject, seed: int) -> None:
    letters = answer.LETTERS[:count]
    right = data.draw(st.sets(st.sampled_from(letters), min_size=2))
    texts = tuple(f"选项{letter}" for letter in letters)
    item = Item(QuestionKind.MULTIPLE, "题", texts, tuple(sorted(right)), None)
    order = drawing.shuffled(texts, random.Random(seed))
    assert sorted(order) == list(range(count))
    shown = item.shown(order)
    chosen = "".join(letter for letter, text in shown if text[-1] in right)
    assert judge(item, order, chosen)[1]
    others = data.draw(st.sets(st.sampled_from(letters), min_size=1))
    said = "".join(letter for letter, text in shown if text[-1] in others)
    assert judge(item, order, said)[1] is (others == right)


def test_all_of_the_above_stays_last() -> None:
    options = ("甲", "以上都对", "乙", "五年以上")
    orders = {tuple(drawing.shuffled(options, random.Random(seed))) for seed in range(40)}
    assert {order[-1] for order in orders} == {1}
    assert len(orders) == 6


@pytest.mark.parametrize("said", ["B", "b。", "选B", "A、B", "对", "√", "不对", "答案是C"])
def test_a_bare_answer_is_recognised(said: str) -> None:
    assert looks_like_an_answer(said)


@pytest.mark.parametrize("said", ["2", "是", "积分", "app下载", "请假", "对了我想请假"])
def test_other_words_are_no_answers(said: str) -> None:
    assert not looks_like_an_answer(said)


def test_the_bank_is_kept_in_step_and_never_loses_a_row(database: Database) -> None:
    shipped = questions.load()
    changed = replace(shipped[0], explanation="新的解析。")
    with database.write() as session:
        assert question.sync(session, shipped) == question.SyncReport()
        report = question.sync(session, [changed, *shipped[2:]])
        assert (report.added, report.updated, report.retired) == ([], [shipped[0].code], [shipped[1].code])
        row = session.scalars(select(Question).where(Question.code == shipped[1].code)).one()
        assert row.state is QuestionState.RETIRED
        assert session.scalar(select(func.count()).select_from(Question)) == len(shipped)
        assert question.sync(session, shipped).updated == [shipped[0].code, shipped[1].code]


def test_only_questions_in_force_and_of_the_own_branch_are_asked(database: Database) -> None:
    with database.write() as session:
        first, second, third = session.scalars(select(Question).order_by(Question.code).limit(3))
        first.valid_to, second.valid_from = date(2026, 11, 22), date(2026, 11, 23)
        third.branch_id = 4
        session.flush()
        here, there = ({one.code for one in question.approved(session, branch, TODAY)} for branch in (4, 1))
        assert first.code not in here
        assert {second.code, third.code} <= here
        assert third.code not in there
