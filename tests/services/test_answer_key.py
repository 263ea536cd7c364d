"""Papers as people keep them: numbers of every kind, answers in the stem, or all together at the end."""

from __future__ import annotations

import io

import pytest
from docx import Document
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.services.question_formats import BadRow, Reading, question_of, text, word
from content.questions import Kind, Question

PAPER = """一、单选题（每题2分，共4分）
1.党员大会一般多久召开一次？（  ）
A.每月 B.每季度 C.每半年 D.每年
2.支委会一般多久召开一次？（  ）
A.每月 B.每季度 C.每半年 D.每年
二、多选题
{0}三会一课包括（  ）
A、支部党员大会
B、支部委员会
C、党小组会
D、职工大会
三、判断题
{1}党员大会一般每季度一次。（  ）
{2}预备党员有表决权。（  ）
四、填空题
{3}支部委员会一般每____召开一次。
"""
ON = PAPER.format("3.", "4.", "5.", "6.")
ANEW = PAPER.format("1.", "1.", "2.", "1.")
RIGHT = [("B",), ("A",), ("A", "B", "C"), ("对",), ("错",), ("月",)]


def questions(reading: Reading) -> list[Question]:
    return [question_of(row) for row in reading.rows]


def problems(reading: Reading) -> list[tuple[int, str]]:
    found = []
    for row in reading.rows:
        try:
            question_of(row)
        except BadRow as problem:
            found.append((row.number, str(problem)))
    return found


@pytest.mark.parametrize(
    "key",
    [
        "参考答案：1-2 BA 3.ABC 4.√ 5.× 6.月",
        "参考答案\n1-2 BA\n3.ABC\n4.√ 5.×\n6. 月",
        "答案：1.B2.A3.ABC4.对5.错\n6.月",
        "【标准答案】\n1—2：B A；3：ABC；4-5：√×\n6、月",
        "附：参考答案\n１～２　ＢＡ　３．ＡＢＣ\n４．√　５．×\n６．月",
        "参考答案及解析\n1、B\n2、A\n3、ABC\n4、正确\n5、错误\n6、【答案】月",
    ],
)
def test_answers_at_the_end_find_their_questions(key: str) -> None:
    assert [one.answer for one in questions(text.parse(f"{ON}{key}\n"))] == RIGHT


@pytest.mark.parametrize(
    "key",
    [
        "参考答案\n一、单选题\n1-2：BA\n二、多选题\n1.ABC\n三、判断题\n1.√ 2.×\n四、填空题\n1.月",
        "参考答案\n三、1.√ 2.×\n一、1.B 2.A\n四、1.月\n二、1.ABC",
        "参考答案：\n单项选择题：1.B 2.A\n多项选择题：1.ABC\n判断题：1.√ 2.×\n填空题：1.月",
        "参考答案\n1.B\n2.A\n1.ABC\n1.对\n2.错\n1.月",
    ],
)
def test_numbers_that_begin_anew_are_told_apart_by_their_sections(key: str) -> None:
    assert [one.answer for one in questions(text.parse(ANEW + key))] == RIGHT


def test_explanations_of_the_key_come_along() -> None:
    key = "答案与解析\n1.B 解析：一般每季度召开一次。\n2.【答案】A【解析】每月一次。\n由支部书记召集。\n3.ABC 4.√ 5.× 6.月"
    one, two, three, *_ = questions(text.parse(ON + key))
    assert one.explanation == "一般每季度召开一次。"
    assert two.explanation == "每月一次。\n由支部书记召集。"
    assert (three.answer, three.explanation) == (("A", "B", "C"), "出题人没有写解析。")


def test_what_does_not_fit_is_named_with_its_line() -> None:
    key = "参考答案\n1-2 BAC\n3.ABC 4.√ 5.× 6.月\n9.A\n以上答案仅供参考"
    assert problems(text.parse(ON + key)) == [
        (2, "没有答案"),
        (4, "没有答案"),
        (18, "1-2 应有 2 个答案，写了 3 个"),
        (20, "参考答案里的第9题，在题目里没有找到，或有几道题都是这个题号"),
        (21, "看不懂这一行答案“以上答案仅供参考”，应写成 1.A 2.B 或 1-5 ABCDA"),
    ]


def test_an_answer_beside_its_question_is_no_key() -> None:
    (one,) = questions(text.parse("1. 组织生活制度包括____和____。\n答案：1、三会一课 2、主题党日"))
    assert one.answer == ("1、三会一课 2、主题党日",)
    two = "1.党徽是什么？\nA.镰刀和锤头 B.五角星 C.齿轮\n参考答案：A\n2.党旗是什么颜色？\nA.红 B.蓝 C.绿\n参考答案：A"
    assert [one.answer for one in questions(text.parse(two))] == [("A",), ("A",)]


OPTIONS = "\nA.镰刀和锤头\nB.五角星\nC.齿轮"


@pytest.mark.parametrize(
    "number",
    [
        "1.",
        "1、",
        "1．",
        "1)",
        "1）",
        "(1)",
        "（1）",
        "【1】",
        "第1题",
        "第1题：",
        "１．",
        "一、",
        "（一）",
        "十二、",
    ],
)
def test_numbers_are_read_in_the_common_ways(number: str) -> None:
    before, after = f"{number} 党徽由什么组成？{OPTIONS}\n答案：A\n", "\n2. 党旗是红色的。（√）"
    one, two = questions(text.parse(before + after))
    assert (one.stem, one.answer, two.kind) == ("党徽由什么组成？", ("A",), Kind.JUDGE)


@pytest.mark.parametrize(
    ("mark", "answer"),
    [
        ("（ A ）", "A"),
        ("(A)", "A"),
        ("（A、C）", "AC"),
        ("（ A, B ）", "AB"),
        ("（ＡＢＣ）", "ABC"),
        ("（A B）", "AB"),
    ],
)
def test_an_answer_in_brackets_is_taken_out_of_the_stem(mark: str, answer: str) -> None:
    (one,) = questions(text.parse(f"1. 党徽由{mark}组成。{OPTIONS}"))
    assert (one.stem, "".join(one.answer)) == ("党徽由（ ）组成。", answer)


def test_a_line_of_a_million_blanks_is_looked_at_in_no_time() -> None:
    for line in (
        f"1.{' ' * 1_000_000}x",
        f"参考答案\n1.{' ' * 1_000_000}x",
        "（" * 1_000_000,
        "A." * 500_000,
    ):
        assert problems(text.parse(f"{ON}{line}"))


def _document(*lines: str) -> bytes:
    document = Document()
    for line in lines:
        document.add_paragraph(line)
    return _saved(document)


def _saved(document: object) -> bytes:
    out = io.BytesIO()
    document.save(out)  # type: ignore[attr-defined]
    return out.getvalue()


def test_a_word_document_with_its_key_is_read() -> None:
    raw = _document(*ANEW.split("\n"), "参考答案：", "一、1-2 BA", "二、1.ABC", "三、1-2 √×", "四、1.月")
    assert [one.answer for one in questions(word.parse(raw))] == RIGHT


@pytest.mark.parametrize("heading", [["参考答案"], []])
def test_a_key_in_a_table_is_read(heading: list[str]) -> None:
    document = Document()
    for line in [*ON.split("\n"), *heading]:
        document.add_paragraph(line)
    table = document.add_table(4, 4)
    cells = [
        ["题号", "1", "2", "3"],
        ["答案", "B", "A", "ABC"],
        ["题号", "4", "5", "6"],
        ["答案", "√", "×", "月"],
    ]
    for row, said in zip(table.rows, cells, strict=True):
        for cell, one in zip(row.cells, said, strict=True):
            cell.text = one
    reading = word.parse(_saved(document))
    assert ([one.answer for one in questions(reading)], reading.notes) == (RIGHT, ())


# --- any key ---------------------------------------------------------------------------------------------------------

_ANSWERS = st.lists(st.sampled_from(["A", "B", "AC", "BCD", "√", "×"]), min_size=2, max_size=30)


@settings(max_examples=60, deadline=None)
@given(
    _ANSWERS, st.sampled_from([" ", "  ", "；", "\n", "，"]), st.sampled_from([".", "、", ".", "：", ") "])
)
def test_any_key_is_read_as_it_was_written(answers: list[str], between: str, after: str) -> None:
    asked = [
        f"{number}. 第{number}个问题是{'什么？' + chr(10) + 'A.甲' + chr(10) + 'B.乙' + chr(10) + 'C.丙' + chr(10) + 'D.丁' if answer.isascii() else '对的。'}"
        for number, answer in enumerate(answers, 1)
    ]
    key = between.join(f"{number}{after}{answer}" for number, answer in enumerate(answers, 1))
    found = questions(text.parse("\n".join([*asked, "参考答案", key])))
    said = ["".join(one.answer).replace("对", "√").replace("错", "×") for one in found]
    assert said == answers
