"""Understanding what people type."""

from __future__ import annotations

import pytest

from bot import nlu
from tests.chat import PhoneBook


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("我想报名一下。", "报名"),
        ("请帮我签到！", "签到"),
        ("　簽到　", "签到"),
        ("請假 出差", "请假 出差"),
        ("请假", "请假"),
        ("Ｂ。", "B"),
        ("您好，请问积分", "积分"),
        ("积分\u200b", "积分"),
        ("答题吧", "答题"),
        ("我", "我"),
        ("请", "请"),
    ],
)
def test_padding_width_and_script_do_not_matter(typed: str, meant: str) -> None:
    assert nlu.bare(nlu.clean(typed)) == meant


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("2", 2),
        ("２", 2),
        ("第二个", 2),
        ("选3", 3),
        ("十", 10),
        ("12", 12),
        ("B", None),
        ("2024", None),
        ("", None),
    ],
)
def test_a_number_chooses_a_line(typed: str, number: int | None) -> None:
    assert nlu.choice(nlu.clean(typed)) == number


def test_domain_words_are_not_cut_apart() -> None:
    nlu.teach(["三会一课", "迎峰度夏"])
    assert "三会一课" in nlu.words("请问三会一课是什么")
    assert "迎峰度夏" in nlu.words("迎峰度夏期间怎么学习")


@pytest.mark.parametrize(
    ("typed", "meant"), [("签道", "签到"), ("报明", "报名"), ("请家", "请假"), ("答提", "答题")]
)
def test_a_homophone_is_understood(typed: str, meant: str) -> None:
    assert nlu.homophones(typed, ["签到", "报名", "请假", "答题"]) == [meant]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("我想看我的积分", "季度共 0 分"),
        ("下次活动什么时候", "近期没有活动"),
        ("怎么请假", "例如：请假 下乡巡线"),
        ("积分怎么申诉", "申诉 编号 理由"),
        ("我不想报名", "您是不是想找：\n1 报名"),
        ("我学了多少小时", "一年要求"),
        ("集中学习", "近期没有活动"),
        ("专题研讨", "您还没有提过研讨问题"),
        ("我能去了", "现在没有可以报名的活动"),
        ("我参加不了", "不用请假"),
    ],
)
def test_what_people_say_around_a_word_does_not_hide_it(phone: PhoneBook, said: str, answer: str) -> None:
    """And what has an effect is only offered: 我不想报名 signs nobody up."""
    assert answer in phone("张伟")(said)


def test_a_typo_finds_the_nearest_words() -> None:
    assert nlu.similar("签道马", ["签到码", "报名", "请假"])[0] == "签到码"
    assert nlu.similar("哈哈哈哈", ["签到码", "报名"]) == []
