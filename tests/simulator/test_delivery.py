"""The road from phone to webhook: time limit, retries, events, cards, and answers nobody could read."""

from __future__ import annotations

import pytest

from bot.simulator import Person, Platform, Slow
from bot.simulator.delivery import SORRY
from bot.simulator.envelope import to_xml
from tests.simulator.conftest import Api, Clock, Wire
from tests.simulator.echo import CARD, VOTE, EchoBot


def notes(platform: Platform, who: str = "张伟") -> list[str]:
    return [bubble.text for bubble in platform.phone(who) if bubble.side == "note"]


def test_an_answer_lands_on_the_phone_of_the_sender_alone(platform: Platform) -> None:
    exchange = platform.say("张伟", "积分")
    assert (exchange.text, exchange.attempts, exchange.status) == ("您说：积分", 1, 200)
    assert [(one.side, one.text) for one in platform.phone("张伟")] == [("me", "积分"), ("bot", "您说：积分")]
    assert platform.phone("古丽") == []


def test_a_late_answer_is_dropped_and_the_same_message_comes_again(
    platform: Platform, wire: Wire, bot: EchoBot
) -> None:
    wire.troubles = [5.5, TimeoutError(), 4.5]
    exchange = platform.say("张伟", "签到")
    assert (exchange.attempts, exchange.text) == (3, "您说：签到")
    letters = wire.letters(platform)
    assert len(letters) == 3
    assert letters[0] == letters[1] == letters[2]
    assert letters[0]["MsgId"] == exchange.msg_id
    assert notes(platform) == ["5 秒无应答，平台重发第 1 次", "5 秒无应答，平台重发第 2 次"]


def test_after_three_retries_the_platform_gives_up(platform: Platform, wire: Wire) -> None:
    wire.troubles = [(500, b"oops"), ConnectionError(), (403, b""), 9.0, 0.0]
    exchange = platform.say("张伟", "签到")
    assert (exchange.attempts, exchange.bubbles) == (4, ())
    assert notes(platform) == [
        "应答 HTTP 500，平台重发第 1 次",
        "连接不上，平台重发第 2 次",
        "应答 HTTP 403，平台重发第 3 次",
        "5 秒无应答，平台不再重发",
    ]


def test_an_official_account_that_fails_says_the_well_known_sentence(platform: Platform, wire: Wire) -> None:
    wire.troubles = [TimeoutError()] * 4
    platform.say("张伟", "签到", "oa")
    assert platform.phone("张伟", "oa")[-1].text == SORRY


@pytest.mark.parametrize("body", [b"", b"success"])
def test_nothing_to_say_is_no_failure(platform: Platform, wire: Wire, body: bytes) -> None:
    wire.troubles = [(200, body)]
    exchange = platform.say("张伟", "你好", "oa")
    assert (exchange.attempts, exchange.bubbles, platform.problems) == (1, (), [])


@pytest.mark.parametrize("body", [b"hello", b"<xml></xml>", b"\xff", b"{}"])
def test_an_unreadable_answer_is_a_problem(platform: Platform, wire: Wire, body: bytes) -> None:
    wire.troubles = [(200, body)]
    platform.say("张伟", "你好")
    assert len(platform.problems) == 1
    assert notes(platform) == ["平台读不懂应答"]


def test_a_slow_network_hides_two_answers_but_not_the_third(
    platform: Platform, clock: Clock, wire: Wire
) -> None:
    platform.delivery.slow = Slow()
    exchange = platform.say("张伟", "签到")
    assert (exchange.attempts, len(exchange.bubbles), clock.seconds) == (3, 1, 2.0)
    assert len({letter["MsgId"] for letter in wire.letters(platform)}) == 1
    assert notes(platform)[0] == "1 秒无应答（演示缩短，真实为 5 秒），平台重发第 1 次"


def test_each_message_has_a_number_of_its_own_and_an_event_has_none(platform: Platform, wire: Wire) -> None:
    platform.say("张伟", "甲")
    platform.say("张伟", "甲")
    platform.click("张伟", "积分")
    first, second, event = wire.letters(platform)
    assert first["MsgId"] != second["MsgId"]
    assert "MsgId" not in event
    assert (event["Event"], event["EventKey"]) == ("click", "积分")


def test_an_official_account_writes_its_events_in_capitals(platform: Platform, wire: Wire) -> None:
    platform.click("张伟", "积分", "oa")
    assert wire.letters(platform)[0]["Event"] == "CLICK"


def test_the_library_understands_every_kind_of_message(platform: Platform, bot: EchoBot) -> None:
    platform.send_image("张伟", b"\x89PNG....")
    platform.send_voice("张伟", "我要报名")
    platform.send_location("张伟", "43.82", "87.61", "乌鲁木齐")
    platform.send_link("张伟", "标题", "https://example.com/")
    platform.event("张伟", "enter_agent")
    platform.event("张伟", "subscribe")
    platform.scan("张伟", "签到 青松明月")
    kinds = [getattr(one, "event", one.type) for one in bot.heard]
    assert kinds == ["image", "voice", "location", "link", "enter_agent", "subscribe", "scancode_waitmsg"]
    assert bot.heard[1].recognition == "我要报名"
    assert bot.heard[2].location == ("43.82", "87.61")
    assert bot.heard[6].scan_result == "签到 青松明月"


def test_a_long_answer_is_cut_as_the_platform_cuts_it(platform: Platform) -> None:
    text = platform.say("张伟", "党" * 1000).text
    assert len(text.encode()) <= 2048
    assert text.endswith("党")
    assert notes(platform) == ["下一条超过 2048 字节，已被平台截断"]


def test_pressing_a_card_tells_the_bot_what_was_pressed(platform: Platform, api: Api, wire: Wire) -> None:
    api.card({**VOTE, "task_id": "t1"})
    card = platform.phone("张伟")[-1]
    platform.press("张伟", card.id, "submit", ["B"])
    letter = wire.letters(platform)[-1]
    assert (letter["Event"], letter["EventKey"], letter["TaskId"]) == ("template_card_event", "submit", "t1")
    assert letter["SelectedItems"]["SelectedItem"] == {"QuestionKey": "q1", "OptionIds": {"OptionId": "B"}}
    assert letter["ResponseCode"]


def test_a_card_can_only_be_pressed_where_it_has_a_button(platform: Platform, api: Api) -> None:
    api.card({**CARD, "task_id": "t1"})
    card = platform.phone("张伟")[-1]
    with pytest.raises(ValueError, match="no such button"):
        platform.press("张伟", card.id, "别的")
    platform.wecom.change_card(card, button="已报名")
    with pytest.raises(ValueError, match="no such button"):
        platform.press("张伟", card.id, "报名")


def passive(platform: Platform, xml: dict[str, object]) -> tuple[int, bytes]:
    """A bot's encrypted answer to 张伟, made by hand."""
    envelope = platform.wecom.credentials.envelope
    inner = {"ToUserName": "zhangwei", "FromUserName": envelope.receiver, "CreateTime": 1, **xml}
    sealed = envelope.seal(to_xml("xml", inner))
    outer = {"Encrypt": sealed, "MsgSignature": envelope.sign("1", "n", sealed), "TimeStamp": 1, "Nonce": "n"}
    return 200, to_xml("xml", outer).encode()


def test_a_passive_answer_may_grey_the_pressed_button(platform: Platform, api: Api, wire: Wire) -> None:
    api.card({**CARD, "task_id": "t1"})
    card = platform.phone("张伟")[-1]
    wire.troubles = [passive(platform, {"MsgType": "update_button", "Button": {"ReplaceName": "已报名"}})]
    platform.press("张伟", card.id, "报名")
    assert card.card["replaced"] == "已报名"


def test_a_passive_answer_may_put_another_card_in_place(platform: Platform, api: Api, wire: Wire) -> None:
    api.card({**VOTE, "task_id": "t1"})
    card = platform.phone("张伟")[-1]
    new = {
        "CardType": "text_notice",
        "MainTitle": {"Title": "正确"},
        "HorizontalContentList": [{"KeyName": "得分", "Value": "1"}],
    }
    wire.troubles = [passive(platform, {"MsgType": "update_template_card", "TemplateCard": new})]
    platform.press("张伟", card.id, "submit", ["A"])
    assert card.card["main_title"] == {"title": "正确"}
    assert card.card["horizontal_content_list"] == [{"keyname": "得分", "value": "1"}]
    assert card.text == "正确"


def test_news_and_pictures_may_be_passive_answers(platform: Platform, wire: Wire) -> None:
    item = {"Title": "今日学习", "Description": "3 分钟", "PicUrl": "", "Url": "https://example.com/m/1"}
    wire.troubles = [
        passive(platform, {"MsgType": "news", "ArticleCount": 1, "Articles": {"item": item}}),
        passive(platform, {"MsgType": "image", "Image": {"MediaId": "m1"}}),
    ]
    news = platform.say("张伟", "今日学习").bubbles[0]
    image = platform.say("张伟", "积分图").bubbles[0]
    assert (news.kind, news.articles[0]["title"], news.articles[0]["url"]) == (
        "news",
        "今日学习",
        item["Url"],
    )
    assert (image.kind, image.media) == ("image", "m1")
    assert platform.problems == []


def test_an_answer_to_somebody_else_is_a_problem(platform: Platform, wire: Wire) -> None:
    wire.troubles = [passive(platform, {"ToUserName": "guli", "MsgType": "text", "Content": "您好"})]
    platform.say("张伟", "你好")
    assert "somebody else" in platform.problems[0]


def test_a_userid_may_be_written_in_lower_case(platform: Platform, wire: Wire) -> None:
    platform.world.people += (Person("赵强", "ZhaoQiang"),)
    wire.troubles = [passive(platform, {"ToUserName": "zhaoqiang", "MsgType": "text", "Content": "您好"})]
    assert platform.say("赵强", "你好").text == "您好"
    assert wire.letters(platform)[-1]["FromUserName"] == "ZhaoQiang"


def test_an_authentic_request_can_be_had_without_sending_it(platform: Platform, wire: Wire) -> None:
    path, query, body = platform.envelope("张伟", "你好")
    assert wire.posted == []
    assert wire.client is not None
    assert wire.client.post(path, query_string=query, data=body).status_code == 200
