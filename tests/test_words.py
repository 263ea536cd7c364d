"""What people say is understood: every word of the conversation's tables reaches its feature, and is never answered with silence."""

from __future__ import annotations

import pytest

from bot.app import App
from bot.chat import Kind, Place
from tests.chat import Phone, PhoneBook

MEMBER = (
    ("今日学习", "study"), ("学习", "study"), ("学完了", "study"), ("答题", "quiz"), ("每日一题", "quiz"), ("来一题", "quiz"),
    ("专项 安规", "quiz"), ("专项 党章", "quiz"), ("错题", "quiz"), ("挑战", "quiz"), ("主题党日", "activity"), ("活动", "activity"),
    ("报名", "sign_up"), ("我要参加", "sign_up"), ("请假 出差到30号", "leave"), ("收到", "receipt"), ("签到 红船", "attendance"),
    ("感想 很受教育", "attendance"), ("积分", "points"), ("我的积分", "points"), ("积分明细", "points"), ("为什么扣分", "points"),
    ("申报 师带徒带出两名徒弟", "claim"), ("申诉 128 那天我在场", "claim"), ("我的", "member"), ("提问 党员大会多久开一次", "ask"),
    ("暂停提醒 3天", "reminders"), ("今天值班", "reminders"), ("菜单", "dialogue"), ("帮助", "dialogue"), ("?", "dialogue"),
)  # fmt: skip
SECRETARY = (
    ("发布主题党日", ""), ("通知 全体 明天停电检修", "notice"), ("谁没报名", ""), ("谁没收到", "receipt"), ("谁没签到", ""), ("催一下", ""),
    ("签到码", "attendance"), ("补签 张伟 现场手机没电", ""), ("请假审批", ""), ("结束活动", ""), ("审核", "claim"),
    ("加分 李明 3 抢修现场带队", "points"), ("更正 128", "points"), ("本月", "cadence"), ("体检", "cadence"), ("推送设置", "setting"),
)  # fmt: skip


@pytest.mark.parametrize(("said", "feature"), MEMBER + SECRETARY)
def test_every_word_reaches_its_feature(bot: App, said: str, feature: str) -> None:
    from bot import nlu

    found = bot.routes.command(nlu.clean(said))
    assert found is not None, said
    module = found.command.handler.__module__
    assert not feature or feature in module or feature in ("attendance", "leave"), module


@pytest.mark.parametrize("said", [said for said, _ in MEMBER])
def test_members_always_get_an_answer_of_at_most_twelve_lines(phone: PhoneBook, said: str) -> None:
    answer = phone("张伟")(said)
    assert answer
    assert "出错" not in answer
    assert "没看懂" not in answer
    assert len(answer.partition("\n——\n")[0].splitlines()) <= 12, answer


@pytest.mark.parametrize("said", [said for said, _ in SECRETARY])
def test_the_secretary_always_gets_an_answer(secretary: Phone, said: str) -> None:
    answer = secretary(said)
    assert answer
    assert "出错" not in answer
    assert "没看懂" not in answer
    assert len(answer.partition("\n——\n")[0].splitlines()) <= 14, answer


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Kind.IMAGE, {"media": "m1", "url": "http://platform.test/1.jpg"}),
        (Kind.VOICE, {"media": "m2"}),
        (Kind.LOCATION, {"place": Place(47.8, 88.1, "变电站")}),
        (Kind.LINK, {"url": "https://example.com"}),
        (Kind.FILE, {}),
        (Kind.OTHER, {}),
        (Kind.SUBSCRIBE, {}),
        (Kind.CARD, {"text": "没有这个按钮"}),
        (Kind.SCAN, {"text": "https://example.com"}),
    ],
)
def test_nothing_that_is_sent_meets_silence(phone: PhoneBook, kind: Kind, more: dict[str, object]) -> None:
    answer = phone("张伟").send(kind=kind, **more)
    assert answer
    assert "出错" not in answer


def test_recognised_voice_and_menu_clicks_are_words(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    assert "积分" in zhang.send(kind=Kind.VOICE, text="我的积分。")
    assert zhang.send(kind=Kind.CLICK, text="今日学习")[:4] == zhang("今日学习")[:4]


def test_homophones_and_traditional_characters_are_understood(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    assert zhang("簽到") == zhang("签道") == zhang("签到")


def test_a_typo_is_answered_with_numbered_suggestions(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    answer = zhang("今日学洗习")
    assert "1 " in answer
    assert "菜单" in answer
    assert "今日学习" in answer
