"""Answers reach the phone whole, or cut where the platform cuts, and never change the XML around them."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import Article, Button, Card
from bot.channels import outbound
from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom, template_card
from bot.chat import CardEvent, Kind, Message, Reply
from bot.models.identity import Identity
from tests.channels.conftest import CORP, NOW, OA_WIRE, WECOM_WIRE

MESSAGE = Message("7", "wecom", "zhangwei", Kind.TEXT, NOW, "积分")
PRESSED = Message("8", "wecom", "zhangwei", Kind.CARD, NOW, "报名", card=CardEvent("t1", "rc"))
ARTICLE = Article("今日学习", "三分钟", "https://a.example/1?x=1&y=2", "https://a.example/p.png")


def answered(wecom: WeCom, reply: Reply, message: Message = MESSAGE) -> ElementTree.Element:
    return ElementTree.fromstring(WECOM_WIRE.read_answer(wecom.render(message, reply, NOW)))


def test_a_text_goes_back_to_its_sender(wecom: WeCom) -> None:
    answer = answered(wecom, Reply("您有 12 分。"))
    assert {one.tag: one.text for one in answer} == {
        "ToUserName": "zhangwei",
        "FromUserName": CORP,
        "CreateTime": str(int(NOW.timestamp())),
        "MsgType": "text",
        "Content": "您有 12 分。",
    }


def test_an_official_account_answers_under_its_own_name(oa: OfficialAccount) -> None:
    inner = (
        f"<xml><ToUserName>gh_77</ToUserName><FromUserName>oABC</FromUserName><CreateTime>{int(NOW.timestamp())}"
        "</CreateTime><MsgType>text</MsgType><Content>积分</Content><MsgId>1</MsgId></xml>"
    )
    post = OA_WIRE.post(inner, NOW)
    message = oa.receive(post.query, post.body, NOW)
    assert message is not None
    answer = ElementTree.fromstring(OA_WIRE.read_answer(oa.render(message, Reply("好"), NOW)))
    assert (answer.findtext("ToUserName"), answer.findtext("FromUserName")) == ("oABC", "gh_77")


@pytest.mark.parametrize("reply", [None, Reply("")])
def test_no_answer_is_each_platforms_own_silence(
    wecom: WeCom, oa: OfficialAccount, reply: Reply | None
) -> None:
    assert wecom.render(MESSAGE, reply, NOW) == ""
    assert oa.render(MESSAGE, reply, NOW) == "success"


def test_a_text_cannot_leave_its_element(wecom: WeCom) -> None:
    text = "a]]><MsgType>image</MsgType><![CDATA[b & <c>"
    answer = answered(wecom, Reply(text))
    assert answer.findtext("Content") == text
    assert answer.findtext("MsgType") == "text"


@given(text=st.text(st.characters(codec=None), min_size=1, max_size=80))
def test_any_text_makes_xml_and_loses_only_what_xml_cannot_carry(text: str) -> None:
    element = ElementTree.fromstring(outbound.tag("Content", text))
    assert element.text or not outbound.clean(text)
    assert (element.text or "") == outbound.clean(text).replace("\r\n", "\n").replace("\r", "\n")


def test_control_characters_are_left_out(wecom: WeCom) -> None:
    assert answered(wecom, Reply("一\x00二\x08三\ud800四\uffff五")).findtext("Content") == "一二三四五"


def test_a_long_text_is_cut_between_characters(wecom: WeCom) -> None:
    for padding in range(3):
        shown = answered(wecom, Reply("a" * padding + "党" * 2000)).findtext("Content") or ""
        assert 2043 <= len(shown.encode()) <= 2048
        assert shown.strip("a党") == "…"


def test_a_text_at_the_limit_is_whole(wecom: WeCom) -> None:
    text = "a" * 2048
    assert answered(wecom, Reply(text)).findtext("Content") == text


def test_a_short_answer_with_an_article_is_one_news_card(wecom: WeCom) -> None:
    answer = answered(wecom, Reply("已为您打开。", article=ARTICLE))
    item = answer.find("Articles/item")
    assert item is not None
    assert (answer.findtext("MsgType"), answer.findtext("ArticleCount")) == ("news", "1")
    assert [one.text for one in item] == [ARTICLE.title, "已为您打开。", ARTICLE.picture, ARTICLE.url]


def test_an_article_alone_shows_its_own_description(wecom: WeCom) -> None:
    assert answered(wecom, Reply("", article=ARTICLE)).findtext("Articles/item/Description") == "三分钟"


@pytest.mark.parametrize(
    "reply",
    [
        Reply("长" * 91, article=ARTICLE),
        Reply("一\n二\n三\n四", article=ARTICLE),
        Reply("1 学完了\n2 换一篇", article=ARTICLE, choices=("学完了", "换一篇")),
    ],
)
def test_what_a_news_card_would_hide_is_said_as_text_with_the_address(wecom: WeCom, reply: Reply) -> None:
    answer = answered(wecom, reply)
    assert answer.findtext("MsgType") == "text"
    assert answer.findtext("Content") == f"{reply.text}\n{ARTICLE.title}\n{ARTICLE.url}"


def test_the_address_survives_a_text_that_is_cut(wecom: WeCom) -> None:
    shown = answered(wecom, Reply("长" * 2000, article=ARTICLE)).findtext("Content") or ""
    assert len(shown.encode()) <= 2048
    assert shown.endswith(f"…\n{ARTICLE.title}\n{ARTICLE.url}")


def test_a_pressed_button_shows_what_was_chosen(wecom: WeCom) -> None:
    answer = answered(wecom, Reply("报名成功。", button="已报名"), PRESSED)
    assert (answer.findtext("MsgType"), answer.findtext("Button/ReplaceName")) == ("update_button", "已报名")


def test_the_same_word_typed_is_answered_with_text(wecom: WeCom) -> None:
    assert answered(wecom, Reply("报名成功。", button="已报名")).findtext("Content") == "报名成功。"


def test_an_official_account_has_no_buttons(oa: OfficialAccount) -> None:
    answer = ElementTree.fromstring(
        OA_WIRE.read_answer(oa.render(PRESSED, Reply("报名成功。", button="已报名"), NOW))
    )
    assert answer.findtext("Content") == "报名成功。"


# cards

BUTTONS = (Button("报名", "报名"), Button("请假", "请假"))
CARD = Card("notice-1@3", "11 月主题党日", "周五 15:00，二楼会议室", buttons=BUTTONS)
VOTE = Card("quiz-1", "登高作业前要检查什么？", options=("安全带", "手电筒", "天气"), many=True)


def test_buttons_become_a_card() -> None:
    assert template_card(CARD) == {
        "msgtype": "template_card",
        "template_card": {
            "card_type": "button_interaction",
            "task_id": "notice-1@3",
            "main_title": {"title": "11 月主题党日", "desc": "周五 15:00，二楼会议室"},
            "button_list": [
                {"text": "报名", "style": 1, "key": "报名"},
                {"text": "请假", "style": 1, "key": "请假"},
            ],
        },
    }


def test_a_longer_description_moves_below_the_title() -> None:
    made = template_card(Card("t", "标题", "述" * 160, buttons=BUTTONS))
    assert made is not None
    assert made["template_card"]["sub_title_text"] == "述" * 160
    assert made["template_card"]["main_title"] == {"title": "标题"}


def test_options_become_boxes_to_tick() -> None:
    made = template_card(VOTE)
    assert made is not None
    card = made["template_card"]
    assert card["card_type"] == "vote_interaction"
    assert card["checkbox"]["mode"] == 1
    assert card["checkbox"]["option_list"] == [
        {"id": "1", "text": "安全带"},
        {"id": "2", "text": "手电筒"},
        {"id": "3", "text": "天气"},
    ]
    assert card["submit_button"] == {"text": "提交", "key": "提交"}


TOO_MUCH: dict[str, Card] = {
    "nothing to press": Card("t", "标题"),
    "a long title": Card("t", "题" * 37, buttons=BUTTONS),
    "a long description": Card("t", "标题", "述" * 161, buttons=BUTTONS),
    "seven buttons": Card("t", "标题", buttons=tuple(Button(str(n), str(n)) for n in range(7))),
    "two buttons with one key": Card("t", "标题", buttons=(Button("a", "k"), Button("b", "k"))),
    "a long option": Card("t", "题目", options=("选" * 18, "b")),
    "21 options": Card("t", "题目", options=tuple(map(str, range(21)))),
    "a vote with a long description": Card("t", "题目", "述" * 45, options=("a", "b")),
    "no task id": Card("", "标题", buttons=BUTTONS),
    "a task id in Chinese": Card("党日", "标题", buttons=BUTTONS),
    "a long task id": Card("t" * 129, "标题", buttons=BUTTONS),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_a_card_that_cannot_say_it_all_is_left_to_its_text(name: str) -> None:
    assert template_card(TOO_MUCH[name]) is None


@pytest.mark.parametrize("card", [CARD, VOTE])
def test_a_card_comes_back_from_the_outbox_as_it_was(card: Card) -> None:
    import json

    assert outbound.card_of(json.loads(json.dumps({"text": "x", "card": asdict(card)}))) == card


# who may be pushed to


def identity(**values: Any) -> Identity:
    return Identity(channel="oa", external_id="o", **{"reachable": True, "pushed_since": 0, **values})


@pytest.mark.parametrize(
    ("values", "may"),
    [
        ({"heard_at": NOW - timedelta(hours=47, minutes=59)}, True),
        ({"heard_at": NOW - timedelta(hours=48)}, False),
        ({"heard_at": None}, False),
        ({"heard_at": NOW, "pushed_since": 4}, True),
        ({"heard_at": NOW, "pushed_since": 5}, False),
        ({"heard_at": NOW, "reachable": False}, False),
    ],
)
def test_an_official_account_may_push_five_times_in_two_days(
    oa: OfficialAccount, values: dict[str, Any], may: bool
) -> None:
    assert oa.can_push(identity(**values), NOW) is may


@pytest.mark.parametrize("heard", [None, NOW - timedelta(days=90)])
def test_wecom_may_push_to_whoever_is_reachable(wecom: WeCom, heard: datetime | None) -> None:
    assert wecom.can_push(identity(heard_at=heard), NOW)
    assert not wecom.can_push(identity(heard_at=heard, reachable=False), NOW)


def test_an_address_that_stands_in_the_text_is_not_said_twice() -> None:
    article = Article("现场签到大屏", "", "https://bot.example.com/m/screen/1")
    text = "\n".join(["签到码：青松 明月", "现场大屏请打开：", article.url, "一", "二", "三"])
    assert outbound.shown_as_text(text, article) == text
    assert outbound.shown_as_text("签到码", article).count(article.url) == 1
