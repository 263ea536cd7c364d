"""提问: the right clause with its source, an honest failure, and words that belong to other commands."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.app import App
from bot.models.library import LibraryEntry
from bot.services.library.search import Hit
from content import regulations
from handlers.ask import quoted
from tests.chat import Phone, PhoneBook


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


@pytest.mark.parametrize(
    ("question", "title"),
    [
        ("党员大会多久开一次", "党员大会多久开一次"),
        ("支部大会几个月开一次", "党员大会多久开一次"),
        ("党员大会开几次", "党员大会多久开一次"),
        ("支委会多久一次", "支委会多久开一次"),
        ("小组会一个月几次", "党小组会多久开一次"),
        ("预备期多长", "预备期多久"),
        ("入党要几个介绍人", "入党要几个介绍人"),
        ("工资5000交多少党费", "党费按什么比例交"),
        ("什么是三会一课", "三会一课指什么"),
        ("民主评议优秀比例", "民主评议有哪些等次"),
        ("书记一年要学多少学时", "书记和支委学习多少学时"),
        ("微信能发涉密文件吗", "能用微信传涉密文件吗"),
        ("雷雨天能巡线吗", "雷雨天巡视"),
        ("高处作业多高算", "多高算高处作业"),
        ("35kV安全距离", "35千伏设备安全距离"),
        ("請問黨員大會多久開一次？", "党员大会多久开一次"),
    ],
)
def test_a_question_finds_its_clause(zhang: Phone, question: str, title: str) -> None:
    assert zhang(f"提问 {question}").startswith(f"{title}：\n")


def test_the_answer_quotes_document_article_and_date(zhang: Phone) -> None:
    zhang.script(
        (
            "提问 党员大会多久开一次",
            "一般每季度召开1次。",
            "依据：《中国共产党支部工作条例（试行）》第十一条（2018年）",
        )
    )


def test_a_clause_nobody_has_checked_says_so(zhang: Phone) -> None:
    doubtful = next(clause for clause in regulations.load() if clause.confidence == "check")
    zhang.script((f"提问 {doubtful.title}", doubtful.text, "请以文件原文为准"))


def test_a_question_in_other_words_is_answered_with_the_next_clauses_too(zhang: Phone) -> None:
    zhang.script(("提问 党员大会开几次", "党员大会多久开一次：", "如果问的不是这一条：\n1 ", "回复数字"))


def test_nothing_found_is_said_with_the_two_nearest(zhang: Phone) -> None:
    answer = zhang("提问 工资什么时候发")
    assert answer.startswith("没有找到依据。\n最接近的是：\n1 ")
    nearest = [line.partition(" ")[2] for line in answer.splitlines() if line[:2] in ("1 ", "2 ", "3 ")]
    assert len(nearest) == 2
    assert "依据：《" in zhang("1")


def test_a_study_material_is_quoted_as_one(zhang: Phone) -> None:
    zhang.script(("提问 两个务必是什么意思", "务必", "来自学习材料《西柏坡的两个“务必”》，依据：《"))


def test_a_near_passage_is_shown_when_it_is_chosen(zhang: Phone) -> None:
    zhang.script(("提问 灭火器怎么用", "1 119：灭火器您拿起来会用吗"), ("1", "灭火器", "来自学习材料《119："))


@pytest.mark.parametrize(
    "said", ["提问 ？？？", '提问 " OR NOT * ^ NEAR ( )', "提问 " + "字" * 2000, "提问 😀😀", "提问 '; --"]
)
def test_odd_questions_get_an_honest_answer(zhang: Phone, said: str) -> None:
    assert "没有找到依据。" in zhang(said) or "请" in zhang(said)


def test_a_question_without_words_asks_for_them(zhang: Phone) -> None:
    zhang.script(("提问", "问题"))


@pytest.mark.parametrize("question", ["食堂几点开饭", "北京房价是多少", "abc", "<script>"])
def test_what_has_nothing_to_do_with_rules_finds_nothing(zhang: Phone, question: str) -> None:
    zhang.script((f"提问 {question}", "没有找到依据。", "换个说法"))


@pytest.mark.parametrize("said", ["党费按什么比例交", "预备期多久", "支委会多久开一次？", "什么是三会一课"])
def test_a_question_needs_no_word_in_front(zhang: Phone, said: str) -> None:
    zhang.script((said, "依据：《"))


@pytest.mark.parametrize(
    ("said", "meant"), [("我有多少分", "分"), ("我想学习", "今日学习"), ("我要答题", "〔")]
)
def test_other_commands_keep_their_words(zhang: Phone, said: str, meant: str) -> None:
    answer = zhang(said)
    assert meant in answer
    assert "依据" not in answer


def test_answers_fit_a_phone(bot: App) -> None:
    with bot.database.read() as session:
        entries = session.scalars(select(LibraryEntry)).all()
    for entry in entries:
        hit = Hit(entry.code, entry.title, entry.text, entry.source, entry.confidence, entry.material, 1.0)
        assert len(quoted(hit).encode()) <= 1800  # what else may be asked comes below
        assert len(quoted(hit).splitlines()) <= 5
