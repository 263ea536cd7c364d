"""The question bank: what ships is sound, what is wrong is refused by name, what is doubtful is found."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import content
from bot.cli import content_check
from content import ContentError, materials
from content.checks import bank_findings, reference_findings
from content.questions import (
    CHOICES,
    Kind,
    Part,
    Question,
    check_together,
    load,
    read_bank,
    read_question,
    topics,
)

TODAY = date(2026, 6, 1)
PRODUCTION = ("安规", "电力业务", "消防应急", "环保", "廉洁", "保密", "法治")

SINGLE: dict[str, Any] = {
    "code": "t-1",
    "kind": "single",
    "difficulty": 1,
    "stem": "拆除接地线时，先拆哪一端？",
    "options": ["导体端", "接地端", "两端同时", "任意一端"],
    "answer": "A",
    "explanation": "先拆导体端，后拆接地端。",
    "source": "《电力安全工作规程》",
    "confidence": "high",
}
MULTIPLE = SINGLE | {"kind": "multiple", "answer": "CA"}
JUDGE = {key: SINGLE[key] for key in SINGLE if key != "options"} | {"kind": "judge", "answer": "对"}
BLANK = JUDGE | {"kind": "blank", "answer": ["0.7", "0.7米"], "tolerance": 0.05}
STEP = {"kind": "judge", "stem": "可以开工。", "answer": "错"}
CASE = {key: JUDGE[key] for key in JUDGE if key != "answer"} | {"kind": "case", "part": [STEP, STEP]}


def read(row: Any) -> Question:
    return read_question("试卷.toml 第1题", row, "安规", "业务")


def without(row: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != key}


# What ships


def test_the_shipped_bank_loads_with_its_topics() -> None:
    counts = topics(load())
    floor = {"安规": 50, "电力业务": 30, "消防应急": 20, "法治": 15, "廉洁": 12, "保密": 10, "环保": 5}
    assert {topic: count for topic, count in floor.items() if counts.get(topic, 0) < count} == {}


def test_the_shipped_bank_has_no_findings() -> None:
    assert bank_findings(load(), TODAY) == []


def test_every_way_of_asking_is_in_the_production_half() -> None:
    assert {question.kind for question in load() if question.topic in PRODUCTION} == set(Kind)


@pytest.mark.parametrize("verdict", ["对", "错"])
def test_neither_verdict_can_be_guessed(verdict: str) -> None:
    ours = [item.answer[0] for item in load() if item.topic in PRODUCTION and item.kind is Kind.JUDGE]
    assert 0.4 <= Counter(ours)[verdict] / len(ours) <= 0.6


def test_shipped_choices_fit_on_a_phone() -> None:
    counts = {kind: {len(item.options) for item in load() if item.kind is kind} for kind in CHOICES}
    assert counts[Kind.SINGLE] <= {3, 4, 5, 6}
    assert counts[Kind.MULTIPLE] <= {4, 5, 6}


# What an author writes and what is read


def test_letters_are_split_and_ordered() -> None:
    assert read(SINGLE).answer == ("A",)
    assert read(MULTIPLE).answer == ("A", "C")


def test_a_verdict_and_spellings_are_kept_as_written() -> None:
    assert read(JUDGE).answer == ("对",)
    assert (read(BLANK).answer, read(BLANK).tolerance) == (("0.7", "0.7米"), 0.05)


def test_a_case_carries_its_parts_and_no_answer_of_its_own() -> None:
    question = read(CASE)
    assert question.answer == ()
    assert question.parts[0] == Part(Kind.JUDGE, "可以开工。", (), ("错",))


def test_validity_days_are_inclusive() -> None:
    question = read(SINGLE | {"valid_from": date(2026, 1, 1), "valid_to": date(2026, 1, 31)})
    days = (date(2025, 12, 31), date(2026, 1, 1), date(2026, 1, 31), date(2026, 2, 1))
    assert [question.is_valid_on(day) for day in days] == [False, True, True, False]
    assert read(SINGLE).is_valid_on(date(1999, 1, 1))


def test_topics_are_counted_from_the_largest() -> None:
    bank = [read(SINGLE), replace(read(JUDGE), topic="消防"), replace(read(JUDGE), topic="消防")]
    assert list(topics(bank).items()) == [("消防", 2), ("安规", 1)]


# What is refused


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (SINGLE | {"kind": "essay"}, "没有“essay”这种题型"),
        (SINGLE | {"answer": "E"}, "答案 E 没有对应的选项"),
        (SINGLE | {"answer": "AB"}, "单选题只能有一个答案"),
        (SINGLE | {"answer": ""}, "单选题只能有一个答案"),
        (SINGLE | {"answer": ["A"]}, "answer 的写法不对"),
        (MULTIPLE | {"answer": "A"}, "多选题至少有两个答案"),
        (MULTIPLE | {"answer": "AAB"}, "答案里有重复的字母"),
        (SINGLE | {"options": list("甲乙丙丁戊己庚辛壬")}, "选项应有 3 到 8 个，现有 9 个"),
        (SINGLE | {"options": ["甲", "乙"]}, "选项应有 3 到 8 个，现有 2 个"),
        (SINGLE | {"options": ["甲", "乙", "甲 "]}, "有两个选项相同"),
        (SINGLE | {"options": ["甲", "乙", " "]}, "option 是空的"),
        (SINGLE | {"options": ["甲", "乙", 3]}, "选项应是文字"),
        (without(SINGLE, "options"), "选项应有 3 到 8 个，现有 0 个"),
        (JUDGE | {"answer": "是"}, "判断题的答案应为“对”或“错”"),
        (JUDGE | {"options": ["对", "错", "不知道"]}, "这种题型没有选项"),
        (BLANK | {"answer": []}, "填空题没有答案"),
        (BLANK | {"answer": "0.7"}, "answer 的写法不对"),
        (BLANK | {"answer": [0.7]}, "填空题的答案应是文字列表"),
        (BLANK | {"answer": ["0.7", "0.7"]}, "填空题的答案有重复"),
        (BLANK | {"answer": ["七"]}, "第一个答案应是数字"),
        (BLANK | {"answer": ["0.7", ""]}, "answer 是空的"),
        (BLANK | {"tolerance": 0}, "tolerance 应是正数"),
        (BLANK | {"tolerance": float("nan")}, "tolerance 应是正数"),
        (SINGLE | {"tolerance": 0.1}, "只有填空题才有误差"),
        (SINGLE | {"part": [STEP, STEP]}, "只有案例题才有小题"),
        (CASE | {"part": [STEP]}, "案例题应有 2 到 3 个小题"),
        (CASE | {"part": [STEP] * 4}, "案例题应有 2 到 3 个小题"),
        (CASE | {"part": [STEP, STEP | {"answer": "是"}]}, "第2小题: 判断题的答案应为“对”或“错”"),
        (CASE | {"part": [STEP, without(STEP | {"kind": "case"}, "answer")]}, "小题不能又是案例题"),
        (CASE | {"part": [STEP, "可以开工。"]}, r"每个 part 应写成 \[\[question.part\]\]"),
        (CASE | {"part": [STEP, STEP | {"source": "《规程》"}]}, "不认识的字段：source"),
        (CASE | {"stem": ""}, "stem 是空的"),
        (CASE | {"answer": "A"}, "案例题的答案写在各小题里"),
        (CASE | {"options": ["甲", "乙", "丙"]}, "案例题的选项和答案写在各小题里"),
        (without(SINGLE, "explanation"), "缺少 explanation"),
        (SINGLE | {"explanation": "  "}, "explanation 是空的"),
        (without(SINGLE, "source"), "缺少 source"),
        (SINGLE | {"source": ""}, "source 是空的"),
        (SINGLE | {"stem": ""}, "stem 是空的"),
        (SINGLE | {"stem": "问" * 301}, "stem 太长，最多 300 个字"),
        (SINGLE | {"stem": "看<script>alert(1)</script>"}, "stem 里有网页代码"),
        (SINGLE | {"explanation": "电压&nbsp;高"}, "explanation 里有网页代码"),
        (SINGLE | {"options": ["甲", "<b>乙</b>", "丙"]}, "option 里有网页代码"),
        (SINGLE | {"stem": "断开\x00电源"}, "stem 里有控制字符"),
        (SINGLE | {"stem": "断开\u202e电源"}, "stem 里有控制字符"),
        (SINGLE | {"options": ["甲", "乙\n丙", "丁"]}, "option 里有控制字符"),
        (SINGLE | {"difficulty": 4}, "难度应为 1、2 或 3"),
        (SINGLE | {"difficulty": True}, "difficulty 的写法不对"),
        (SINGLE | {"confidence": "sure"}, "confidence 应为"),
        (SINGLE | {"valid_from": date(2026, 2, 1), "valid_to": date(2026, 1, 1)}, "截止日早于起始日"),
        (SINGLE | {"valid_to": "2026-12-31"}, "valid_to 的写法不对"),
        (SINGLE | {"explaination": "错字"}, "不认识的字段：explaination"),
    ],
)
def test_a_bad_question_is_refused_by_its_code(row: dict[str, Any], reason: str) -> None:
    with pytest.raises(ContentError, match=rf"^t-1.*{reason}"):
        read(row)


@pytest.mark.parametrize("code", ["", "安规-1", "a b", "-a", "a" * 65])
def test_a_code_that_is_not_plain_ascii_is_refused(code: str) -> None:
    with pytest.raises(ContentError, match="编号只能用英文字母"):
        read(SINGLE | {"code": code})


@pytest.mark.parametrize("row", [without(SINGLE, "code"), SINGLE | {"code": 7}, "拆除接地线"])
def test_a_question_without_a_code_is_named_by_its_place(row: Any) -> None:
    with pytest.raises(ContentError, match=r"^试卷\.toml 第1题: "):
        read(row)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({"topic": "安规", "half": "工作", "question": [SINGLE]}, "half 应为 党务、业务、综合 之一"),
        ({"topic": "", "half": "业务", "question": [SINGLE]}, "topic 是空的"),
        ({"half": "业务", "question": [SINGLE]}, "缺少 topic"),
        ({"topic": "安规", "half": "业务"}, "缺少 question"),
        ({"topic": "安规", "half": "业务", "questions": [SINGLE], "question": []}, "不认识的字段：questions"),
    ],
)
def test_a_bad_file_is_refused(data: dict[str, Any], reason: str) -> None:
    with pytest.raises(ContentError, match=reason):
        read_bank("试卷.toml", data)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"stem": "另一道题？"}, "t-1: 编号重复"),
        ({"code": "t-2", "stem": "拆除接地线时 先拆哪一端"}, "t-2: 题干与 t-1 相同"),
        ({"code": "t-2", "stem": "另一道题？", "half": "党务"}, "t-2: 主题“安规”在别处归入“业务”"),
    ],
)
def test_questions_that_clash_are_refused(change: dict[str, Any], reason: str) -> None:
    first = read(SINGLE)
    with pytest.raises(ContentError, match=reason):
        check_together([first, replace(first, **change)])


def test_files_are_checked_against_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(content.ROOT) / "questions" / "law_basics.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text)["question"]
    (tmp_path / "questions").mkdir()
    for name in ("a.toml", "b.toml"):
        (tmp_path / "questions" / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(content, "ROOT", tmp_path)
    with pytest.raises(ContentError, match="law-001: 编号重复"):
        load()


# What is found


def bank(answers: str, **change: Any) -> list[Question]:
    """One sound single question for each letter of ``answers``, with stems that have nothing in common."""
    stems = (chr(0x4E00 + 16 * number) * 8 for number in range(len(answers)))
    made = zip(stems, answers, strict=False)
    return [
        replace(read(SINGLE | {"stem": stem, "answer": letter}), code=f"t-{number}", **change)
        for number, (stem, letter) in enumerate(made)
    ]


def stems(*texts: str, **change: Any) -> list[Question]:
    return [replace(read(JUDGE | {"stem": text}), code=f"s-{n}", **change) for n, text in enumerate(texts)]


def verdicts(right: int, wrong: int) -> list[Question]:
    """Statements that have nothing in common."""
    answers = ["对"] * right + ["错"] * wrong
    rows = (JUDGE | {"stem": chr(0x4E00 + 16 * n) * 8, "answer": said} for n, said in enumerate(answers))
    return [replace(read(row), code=f"v-{n}") for n, row in enumerate(rows)]


LONG = ("把导体端和接地端都检查以后再拆导体端", "接地端", "两端同时", "任意一端")
TWINS = ("装设接地线时应当先接接地端，后接导体端。", "装设接地线时，应先接接地端后接导体端。")


@pytest.mark.parametrize(
    ("questions", "code", "words"),
    [
        (stems(*TWINS), "s-1", "题干与 s-0 几乎相同"),
        (
            [*stems(TWINS[0]), *(replace(one, code="x-1", topic="消防") for one in stems(TWINS[1]))],
            "x-1",
            "题干与 s-0 几乎相同",
        ),
        (stems("甲", source="老师傅说的"), "s-0", "没有写明文件名"),
        (stems("甲", valid_to=date(2026, 5, 31)), "s-0", "已于 2026-05-31 过期"),
        (bank("AAABBBCCCDDD", options=LONG), "安规", "12 道单选题中有 3 道的正确选项比其他选项长一倍以上"),
        (bank("BBBBBBACDACD"), "安规", "12 道单选题中有 6 道的答案是 B"),
        (verdicts(10, 2), "安规", "12 道判断题中有 10 道的答案是 对"),
    ],
    ids=[
        "near double",
        "near double in another topic",
        "source",
        "expired",
        "give-away",
        "skewed",
        "verdicts",
    ],
)
def test_a_doubtful_bank_is_found(questions: list[Question], code: str, words: str) -> None:
    (finding,) = bank_findings(questions, TODAY)
    assert finding.code == code
    assert words in finding.what


@pytest.mark.parametrize(
    "questions",
    [
        stems("装设接地线时先接接地端。", "验电应戴绝缘手套。"),
        stems("甲", source="《电力安全工作规程》（2011）"),
        stems("甲", valid_to=TODAY),
        bank("ABBBBCCCCDDDD", options=LONG),
        bank("AAAA", options=LONG),
        bank("BBBBBACDACDA"),
        bank("BBBBBBBBBBB"),
        verdicts(9, 3),
        verdicts(11, 0),
    ],
    ids=[
        "different stems",
        "source with a title",
        "last valid day",
        "few give-aways",
        "too few to be a habit",
        "letters spread",
        "too few to be skewed",
        "verdicts spread",
        "too few verdicts",
    ],
)
def test_a_sound_bank_has_no_findings(questions: list[Question]) -> None:
    assert bank_findings(questions, TODAY) == []


def test_a_text_that_asks_for_what_the_bank_has_not_is_found() -> None:
    known = stems("甲", valid_to=date(2026, 5, 31))
    topics = {"winter-patrol": "安规", "clean-festival": "烹饪"}
    found = reference_findings({"winter-patrol": ("s-0", "s-9")}, topics, known, TODAY)
    assert [(one.code, one.what) for one in found] == [
        ("winter-patrol", "题库里没有这道题：s-9。"),
        ("winter-patrol", "所问的题 s-0 今天不在有效期内。"),
        ("clean-festival", "题库里没有“烹饪”这个主题。"),
    ]
    assert reference_findings({"a": ("s-0",)}, {"a": "安规"}, stems("甲"), TODAY) == []


def test_content_check_reads_everything_and_ends_well(monkeypatch: pytest.MonkeyPatch) -> None:
    done = CliRunner().invoke(content_check)
    assert (done.exit_code, done.output) == (0, "0 findings\n")
    whole = materials.load()
    monkeypatch.setattr(materials, "load", lambda: (replace(whole[0], questions=("none-1",)), *whole[1:]))
    done = CliRunner().invoke(content_check)
    assert (done.exit_code, done.output) == (1, f"{whole[0].code}: 题库里没有这道题：none-1。\n1 findings\n")
