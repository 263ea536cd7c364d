"""提问: the right clause with its source, an honest failure, and words that belong to other commands."""

from __future__ import annotations

import pytest

from bot import app as composition
from bot.routing import Routes
from bot.services import regulation
from content import regulations
from tests.chat import Phone, PhoneBook


@pytest.fixture(autouse=True, scope="module")
def words_as_in_the_product() -> None:
    """The commands' words are known before the first question is cut into words."""
    Routes(composition.discover_router())
    regulation.index.cache_clear()


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
def test_a_question_finds_its_clause(question: str, title: str) -> None:
    found = regulation.search(question)[0]
    assert (found.clause.title, found.sure) == (title, True)


def test_every_clause_is_found_by_its_title() -> None:
    missed = [c.title for c in regulations.load() if regulation.search(c.title)[0].clause.code != c.code]
    assert missed == []


@pytest.mark.parametrize("volts", ["10千伏", "35kV", "110千伏", "220kV"])
def test_a_safety_distance_is_never_that_of_another_voltage(volts: str) -> None:
    for hit in regulation.search(f"{volts}设备不停电的安全距离"):
        clause = hit.clause
        number = volts.rstrip("千伏kV")
        assert not hit.sure or number in f"{clause.title}{clause.text}"


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
    answer = zhang("提问 强制打卡可以吗")
    assert answer.startswith("没有找到依据。")
    assert "\n1 工作群能要求打卡接龙吗\n2 " in answer
    zhang.script(("1", "工作群能要求打卡接龙吗：", "依据：《"))


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


def test_answers_fit_a_phone() -> None:
    from handlers.ask import quoted

    for clause in regulations.load():
        text = quoted(regulation.Hit(clause, 1.0))
        assert len(text.encode()) <= 2048
        assert len(text.splitlines()) <= 5
