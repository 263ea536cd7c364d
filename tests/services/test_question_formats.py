"""Question files: each format gives back what was written, generous reading, and a sentence with its line for what is wrong."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Callable, Sequence
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
    [
        "=1+1",
        "+86",
        "-5",
        "@x",
        "'=a",
        "''=b",
        "~",
        "%50%",
        "{}",
        "->",
        "####",
        "//",
        "::",
        "\\",
        "\\n",
        "$CATEGORY: x",
        "[html]",
        "[plain]",
        '"',
        ",",
        "\t",
        ";",
        "；",
        "|",
        "_x0041_",
        "1.",
        "A.",
        "#",
        "]",
        "[tag:难度=3]",
        "A",
        "对",
        "0.7",
    ]
)
_CHARS = st.characters(exclude_categories=["C"], include_characters="党员大会") | st.sampled_from(
    "党员大会安规 A1=~{}"
)


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
    options = st.lists(_texts(100), min_size=3, max_size=8, unique_by=str.casefold).filter(
        lambda o: not _own_letters(o)
    )
    found = tuple(draw(options))
    bare = {
        "topic": NO_TOPIC,
        "half": "综合",
        "explanation": NO_EXPLANATION,
        "source": NO_SOURCE,
        "confidence": "check",
    }
    dull = {
        "kind": Kind.SINGLE,
        "difficulty": 2,
        "tolerance": None,
        "valid_from": None,
        "valid_to": None,
        "parts": (),
    }
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


# Words as people put them into a question: nothing that begins a line of another sense, a label or a bracketed answer.
_WORDS = st.text(
    st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5)
    | st.sampled_from("，。、！？％~=#{}\\-+*/0123456789kVmA“”《》"),
    min_size=2,
    max_size=25,
)


def _words(longest: int) -> st.SearchStrategy[str]:
    return _WORDS.map(lambda said: f"问{said}"[:longest].strip()).filter(_fits)


@st.composite
def _plain_questions(draw: st.DrawFn) -> Question:
    """Any question but a case, in plain words."""
    any_one = draw(_questions().filter(lambda one: one.kind is not Kind.CASE))
    options = draw(st.lists(_words(100), min_size=8, max_size=8, unique_by=str.casefold))
    spellings = draw(st.lists(_words(60), min_size=1, max_size=3, unique=True))
    number = any_one.answer[:1] if any_one.tolerance is not None else ()
    return replace(
        any_one,
        topic=draw(_words(12)),
        stem=draw(_words(300)),
        options=tuple(options[: len(any_one.options)]),
        answer=(*number, *spellings) if any_one.kind is Kind.BLANK else any_one.answer,
        explanation=draw(_words(400)),
        source=draw(_words(120)),
    )


plain_banks = st.lists(_plain_questions(), min_size=1, max_size=3)


@often
@given(plain_banks)
def test_pasted_text_gives_back_what_was_written(bank: list[Question]) -> None:
    assert all(text.holds(question) for question in bank)
    assert _read(text.parse("\n\n".join(text.write(question) for question in bank))) == bank


@settings(max_examples=20, deadline=None)
@given(plain_banks)
def test_a_word_document_gives_back_what_was_written(bank: list[Question]) -> None:
    document, out = Document(), io.BytesIO()
    for question in bank:
        for line in text.write(question).split("\n"):
            document.add_paragraph(line)
    document.save(out)
    assert _read(word.parse(out.getvalue())) == bank


@often
@given(_questions())
def test_text_never_claims_to_hold_what_it_changes(question: Question) -> None:
    if text.holds(question):
        assert _read(text.parse(text.write(question))) == [question]
    else:
        tricky = any(sign in text.write(question) for sign in "\n：:（(.．、)）;；|[]【】")
        assert question.kind is Kind.CASE or tricky


@pytest.mark.parametrize(
    "write_and_read", [lambda b: excel.parse(excel.write(b)), lambda b: gift.parse(gift.write(b))]
)
def test_the_shipped_bank_survives(write_and_read: Callable[[list[Question]], Reading]) -> None:
    bank = list(load())
    assert _read(write_and_read(bank)) == bank


def test_every_shipped_question_but_a_case_can_be_pasted_again() -> None:
    assert [one.code for one in load() if text.holds(one) == (one.kind is Kind.CASE)] == []


# --- what people write -----------------------------------------------------------------------------------------------

HEADER = ["题型", "题干", "A", "B", "C", "D", "答案", "解析", "出处", "主题", "难度"]
ROW = [
    "单选题",
    "党员大会多久召开一次？",
    "每月",
    "每季度",
    "每半年",
    "每年",
    "B",
    "每季度一次。",
    "《条例》",
    "组织生活",
    "易",
]


def _sheet(*rows: Sequence[object], title: str = "题目") -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return book


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _with(**cells: object) -> list[object]:
    return [cells.get(name, cell) for name, cell in zip(HEADER, ROW, strict=True)]


def _only(reading: Reading) -> Question:
    (question,) = _read(reading)
    return question


def _why(reading: Reading) -> str:
    """The one row's sentence."""
    (row,) = reading.rows
    with pytest.raises(BadRow) as problem:
        question_of(row)
    return str(problem.value)


def test_the_common_template_is_read() -> None:
    question = _only(excel.parse(_saved(_sheet(HEADER, ROW))))
    assert (question.kind, question.answer, question.difficulty) == (Kind.SINGLE, ("B",), 1)
    assert (question.topic, question.source) == ("组织生活", "《条例》")


def test_other_names_of_columns_and_a_title_above_are_understood() -> None:
    header = [
        "题目类型",
        "题目",
        "选项A",
        "选项B",
        "选项C",
        "选项D",
        "正确答案",
        "答案解析",
        "依据",
        "知识点",
        "难易度",
    ]
    book = _sheet(["党务知识题库"], header, ROW)
    book.active.merge_cells("A1:K1")  # type: ignore[union-attr]
    assert _only(excel.parse(_saved(book))).answer == ("B",)


@pytest.mark.parametrize(
    ("kind", "said", "letters"),
    [
        ("单选", "每季度", "B"),
        ("单选", "ｂ", "B"),
        ("", "B", "B"),
        ("多选", "A、C", "AC"),
        ("多选", "c,a", "AC"),
        ("", "AC", "AC"),
        ("多选题", "每月；每年", "AD"),
        ("不定项选择题", "ABC", "ABC"),
    ],
)
def test_answers_are_letters_or_the_texts_of_options(kind: str, said: str, letters: str) -> None:
    question = _only(excel.parse(_saved(_sheet(HEADER, _with(题型=kind, 答案=said)))))
    assert "".join(question.answer) == letters


@pytest.mark.parametrize(
    ("said", "verdict"), [("√", "对"), ("正确", "对"), ("×", "错"), ("F", "错"), (True, "对")]
)
def test_verdicts_are_read_as_people_write_them(said: object, verdict: str) -> None:
    row = _with(题型="判断题", A=None, B=None, C=None, D=None, 答案=said)
    assert _only(excel.parse(_saved(_sheet(HEADER, row)))).answer == (verdict,)


def test_two_options_right_and_wrong_are_a_verdict() -> None:
    row = _with(题型="单选题", A="正确", B="错误", C=None, D=None, 答案="B")
    question = _only(excel.parse(_saved(_sheet(HEADER, row))))
    assert (question.kind, question.answer) == (Kind.JUDGE, ("错",))


def test_letters_typed_before_options_are_dropped_because_options_are_shuffled() -> None:
    row = _with(A="A. 每月", B="B、每季度", C="C.每半年", D="D：每年")
    assert _only(excel.parse(_saved(_sheet(HEADER, row)))).options == ("每月", "每季度", "每半年", "每年")


def test_numbers_and_spellings_of_a_blank_are_kept_apart() -> None:
    row = _with(题型="填空题", A=None, B=None, C=None, D=None, 答案="0.7；0.7米")
    assert _only(excel.parse(_saved(_sheet(HEADER, row)))).answer == ("0.7", "0.7米")
    assert _only(
        excel.parse(_saved(_sheet(HEADER, _with(题型="填空", A=None, B=None, C=None, D=None, 答案=3.0))))
    ).answer == ("3",)


def test_a_single_spelling_with_a_semicolon_stays_one() -> None:
    (question,) = _read(text.parse("4. 念什么？\n答案：念"))
    question = replace(question, answer=("甲；乙",))
    assert _read(csv.parse(csv.write([question]))) == [question]


def test_merged_topics_count_for_all_their_rows() -> None:
    book = _sheet(HEADER, ROW, _with(题干="第二题是什么？"))
    book.active.merge_cells("J2:J3")  # type: ignore[union-attr]
    assert [question.topic for question in _read(excel.parse(_saved(book)))] == ["组织生活", "组织生活"]


def test_formulas_are_pointed_out() -> None:
    reading = excel.parse(_saved(_sheet(HEADER, _with(答案="=B2"))))
    assert (_why(reading), reading.notes) == ("没有答案", (excel.COMPUTED,))
    assert excel.parse(_saved(_sheet(HEADER, ROW))).notes == ()


def test_hidden_sheets_are_left_out_and_named() -> None:
    book = _sheet(HEADER, ROW)
    hidden = book.create_sheet("旧题")
    hidden.append(HEADER)
    hidden.append(_with(题干="旧题一道"))
    hidden.sheet_state = "hidden"
    reading = excel.parse(_saved(book))
    assert (len(reading.rows), reading.notes) == (1, ("隐藏的工作表“旧题”没有读。",))


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"答案": "E"}, "答案 E 没有对应的选项"),
        ({"答案": None}, "没有答案"),
        ({"答案": "每天"}, "既不是选项的字母，也不是选项的文字"),
        ({"题干": None}, "题干是空的"),
        ({"题干": "<script>alert(1)</script>哪项对？"}, "题干里有网页代码"),
        ({"A": "<b>每月</b>"}, "选项里有网页代码"),
        ({"B": None}, "选项 B 是空的，后面却有选项 D"),
        ({"题型": "连线题"}, "不认识题型“连线题”"),
        ({"难度": "很难很难"}, "不认识难度"),
        ({"题型": "单选", "答案": "AB"}, "单选题只能有一个答案"),
        ({"题干": "长" * 301}, "题干太长，最多 300 个字"),
        ({"A": "每年"}, "有两个选项相同"),
    ],
)
def test_a_bad_row_says_why(cells: dict[str, object], why: str) -> None:
    reading = excel.parse(_saved(_sheet(HEADER, _with(**cells))))
    assert reading.rows[0].number == 2
    assert why in _why(reading)


def test_twenty_six_options_are_too_many() -> None:
    letters = [chr(ord("A") + place) for place in range(26)]
    book = _sheet(["题型", "题干", *letters, "答案"], ["单选", "选哪个？", *(f"项{n}" for n in letters), "Z"])
    assert "选项应有 3 到 8 个，现有 26 个" in _why(excel.parse(_saved(book)))


def test_formulas_are_never_written() -> None:
    bank = [
        replace(question, stem="=HYPERLINK(1)", source="@SUM(1)", explanation="+1") for question in load()[:1]
    ]
    sheet = openpyxl.load_workbook(io.BytesIO(excel.write(bank))).active
    assert sheet is not None
    cells = [cell for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n", "inlineStr"}
    assert "'=HYPERLINK(1)" in [cell.value for cell in cells]
    assert "\n'=HYPERLINK" in csv.write(bank).decode("utf-8-sig").replace(",", "\n")


# --- bad files -------------------------------------------------------------------------------------------------------


def _zip(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(name, content)
    return out.getvalue()


def _refused(parse: Callable[[bytes], Reading], raw: bytes) -> str:
    with pytest.raises(Unreadable) as refusal:
        parse(raw)
    return str(refusal.value)


def test_a_corrupt_workbook_is_refused() -> None:
    raw = _saved(_sheet(HEADER, ROW))
    assert "已损坏" in _refused(excel.parse, raw[: len(raw) // 2])
    assert "已损坏" in _refused(excel.parse, b"not a workbook at all")
    assert "需要的内容" in _refused(excel.parse, _zip("hello.txt", b"x"))


def test_any_broken_bytes_are_refused_with_a_sentence() -> None:
    """Never another exception: bytes flipped anywhere in a workbook or document."""
    chance = random.Random(11)
    document = io.BytesIO()
    Document().save(document)
    for parse, whole in ((excel.parse, _saved(_sheet(HEADER, ROW))), (word.parse, document.getvalue())):
        for _ in range(60):
            raw = bytearray(whole)
            for _ in range(chance.randint(1, 20)):
                raw[chance.randrange(len(raw))] = chance.randrange(256)
            with contextlib.suppress(Unreadable):
                parse(bytes(raw))


@pytest.mark.parametrize("inside", [b"", b"no xml", b"<x/>", b"<a><b></a>"])
def test_a_document_with_something_else_inside_is_refused(inside: bytes) -> None:
    whole, broken = io.BytesIO(), io.BytesIO()
    Document().save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            target.writestr(name, inside if name == "word/document.xml" else source.read(name))
    assert "Word" in _refused(word.parse, broken.getvalue())


def test_a_zip_bomb_is_refused_before_it_is_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = _zip("xl/workbook.xml", b" " * (archive.RATIO_COUNTS_FROM + 1))
    assert "解压后过大" in _refused(excel.parse, bomb)
    monkeypatch.setattr(archive, "MOST_UNPACKED", 1000)
    assert "解压后过大" in _refused(excel.parse, _saved(_sheet(HEADER, ROW)))


def test_an_archive_that_lies_about_its_sizes_is_refused() -> None:
    raw = _zip("xl/workbook.xml", b"a" * 5000)
    lie = raw.replace((5000).to_bytes(4, "little"), (50).to_bytes(4, "little"))
    assert lie != raw
    assert "已损坏" in _refused(excel.parse, lie)


def test_a_cell_far_away_is_refused() -> None:
    for place in ("XFD3", "BA3", "B1048576"):
        book = _sheet(HEADER, ROW)
        book.active[place] = "x"  # type: ignore[index]
        assert "表格太大" in _refused(excel.parse, _saved(book))


def test_macros_are_refused() -> None:
    out = io.BytesIO(_saved(_sheet(HEADER, ROW)))
    with zipfile.ZipFile(out, "a") as book:
        book.writestr("xl/vbaProject.bin", b"macro")
    assert "宏" in _refused(excel.parse, out.getvalue())


def test_a_table_without_header_is_refused() -> None:
    assert "没有找到表头" in _refused(excel.parse, _saved(_sheet(["姓名", "账号"], ["张伟", "zw"])))
    assert "没有“答案”" in _refused(excel.parse, _saved(_sheet(["题型", "题干"])))
    assert "出现了两次" in _refused(excel.parse, _saved(_sheet(["题干", "题目", "答案"])))
    assert "空的" in _refused(excel.parse, _saved(_sheet()))


def test_csv_with_lines_in_cells_counts_the_lines_of_the_file() -> None:
    text = '题干,A,B,C,答案\n"第一题\n第二行",甲,乙,丙,A\n第二题,甲,乙,丙,Z\n'
    assert [row.number for row in csv.parse(text.encode()).rows] == [2, 4]


def test_csv_in_another_encoding_is_refused() -> None:
    assert "UTF-8 或 GBK" in _refused(csv.parse, "题干,答案\n甲,乙".encode("utf-16"))
    assert "UTF-8 或 GBK" in _refused(csv.parse, b"\xff\xff\x81\x20")
    assert "空的" in _refused(csv.parse, b"\xef\xbb\xbf \n")
    assert "第2行起引号没有成对" in _refused(csv.parse, '题干,答案\n"甲,乙'.encode())
    assert "第3行起" in _refused(csv.parse, f"题干,答案\n甲,乙\n{'长' * 140_000},乙".encode())


# --- GIFT, Aiken, Word, pasted text ----------------------------------------------------------------------------------

MOODLE = """// a comment
$CATEGORY: $course$/安规

::Q1:: 接地线先拆哪一端？ {
  =导体端 # 对
  ~接地端
  ~两端同时
  ####先拆导体端，后拆接地端。
}

下列属于安全工器具的有 {~%50%验电器 ~%-100%扳手 ~%50%绝缘手套}

雷雨天可以进行室外倒闸操作。{F}

10kV 设备不停电时的安全距离是 {#0.7:0.05} 米。

全国安全生产月是每年的 {=6月 =六月}

[html]谁写的？ {}

配对 {=甲 -> 1 =乙 -> 2}

没有括号
"""


def test_moodles_gift_is_read() -> None:
    rows = gift.parse(MOODLE).rows
    one, several, verdict, number, blank = (question_of(row) for row in rows[:5])
    assert (one.topic, one.stem, one.answer, one.explanation) == (
        "安规",
        "接地线先拆哪一端？",
        ("A",),
        "先拆导体端，后拆接地端。",
    )
    assert (several.kind, several.answer) == (Kind.MULTIPLE, ("A", "C"))
    assert (verdict.kind, verdict.answer) == (Kind.JUDGE, ("错",))
    assert (number.stem, number.answer, number.tolerance) == (
        "10kV 设备不停电时的安全距离是 _____ 米。",
        ("0.7",),
        0.05,
    )
    assert (blank.kind, blank.answer) == (Kind.BLANK, ("6月", "六月"))
    assert [row.problem for row in rows[5:]] == [
        "问答题没有标准答案，不能导入",
        "配对题（->）不能导入",
        "没有答案（缺少 { }）",
    ]
    assert [row.number for row in rows] == [4, 11, 13, 15, 17, 19, 21, 23]


def test_gift_says_what_is_wrong() -> None:
    assert "缺少右括号" in _why(gift.parse("题 {=甲 ~乙"))
    assert "有两个“=”" in _why(gift.parse("题 {=甲 =乙 ~丙}"))
    assert "没有正确答案" in _why(gift.parse("题 {~甲 ~乙 ~丙}"))
    assert "不是数字答案" in _why(gift.parse("题 {#很多}"))
    assert "2 到 3 个小题" in _why(gift.parse("// [tag:小题=999999999]\n案例"))


def test_aiken_is_read_and_its_gaps_are_named() -> None:
    good = "党徽由什么组成？\nA. 镰刀和锤头\nB) 五角星\nC. 齿轮\nANSWER: A\n"
    question = _only(aiken.parse(good))
    assert (question.answer, question.explanation, question.confidence) == (("A",), NO_EXPLANATION, "check")
    assert _why(aiken.parse(good.replace("ANSWER: A\n", ""))) == "没有 ANSWER 这一行"
    assert "没有对应的选项" in _why(aiken.parse(good.replace("ANSWER: A", "ANSWER: D")))


PASTED = """一、单项选择题（每题2分）
1、党员大会一般多久召开一次？（ B ）
A.每月 B.每季度 C.每半年 D.每年
解析：一般每季度召开一次。
2．【多选】三会一课包括
A、支部党员大会
B、支部委员会
C、党小组会
D、职工大会
【答案】ABC
【出处】《中国共产党支部工作条例（试行）》
二、判断题
3. 支部委员会一般每月召开一次。（√）
三、填空题
4. 不停电作业的安全距离是____米。
答案：0.7；0.70
误差：0.01
"""


def test_pasted_questions_are_read_as_people_type_them() -> None:
    one, several, verdict, blank = _read(text.parse(PASTED))
    assert (one.stem, one.options, one.answer) == (
        "党员大会一般多久召开一次？（ ）",
        ("每月", "每季度", "每半年", "每年"),
        ("B",),
    )
    assert (several.kind, several.answer, several.source) == (
        Kind.MULTIPLE,
        ("A", "B", "C"),
        "《中国共产党支部工作条例（试行）》",
    )
    assert (verdict.kind, verdict.answer, verdict.stem) == (
        Kind.JUDGE,
        ("对",),
        "支部委员会一般每月召开一次。（ ）",
    )
    assert (blank.answer, blank.tolerance) == (("0.7", "0.70"), 0.01)


def test_the_answer_does_not_stay_in_the_stem() -> None:
    (row,) = text.parse("1. 党徽是（A）。\nA. 镰刀和锤头\nB. 五角星\nC. 齿轮\n答案：A").rows
    assert question_of(row).stem == "党徽是（ ）。"


def test_pasted_aiken_is_read() -> None:
    assert _only(text.parse("党徽由什么组成？\nA. 镰刀和锤头\nB. 五角星\nC. 齿轮\nANSWER: A")).answer == (
        "A",
    )


def test_a_word_document_is_read(tmp_path: Path) -> None:
    document = Document()
    for line in PASTED.split("\n"):
        document.add_paragraph(line)
    document.add_table(1, 1)
    out = io.BytesIO()
    document.save(out)
    reading = word.parse(out.getvalue())
    assert [question.kind for question in _read(reading)] == [
        Kind.SINGLE,
        Kind.MULTIPLE,
        Kind.JUDGE,
        Kind.BLANK,
    ]
    assert "表格没有读" in reading.notes[0]


def test_numbers_that_word_counts_itself_are_seen() -> None:
    document = Document()
    for stem in ("第一个问题？", "第二个问题？"):
        document.add_paragraph(stem, style="List Number")
        for option in ("A. 甲", "B. 乙", "C. 丙"):
            document.add_paragraph(option)
        document.add_paragraph("答案：C")
    out = io.BytesIO()
    document.save(out)
    assert [question.stem for question in _read(word.parse(out.getvalue()))] == [
        "第一个问题？",
        "第二个问题？",
    ]
