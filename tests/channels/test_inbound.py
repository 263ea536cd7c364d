"""Every kind of message becomes a Message, whatever the platform calls it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels import inbound
from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom
from bot.chat import Kind, Message, Place
from tests.channels.conftest import NOW, OA_WIRE, WECOM_WIRE

AT = int(NOW.timestamp())
HEAD = f"<ToUserName>gh_1</ToUserName><FromUserName>ZhangWei</FromUserName><CreateTime>{AT}</CreateTime>"


def xml(kind: str, rest: str, number: str = "<MsgId>7</MsgId>") -> bytes:
    return f"<xml>{HEAD}<MsgType>{kind}</MsgType>{rest}{number}</xml>".encode()


def event(name: str, rest: str = "") -> bytes:
    return xml("event", f"<Event>{name}</Event>{rest}", number="")


def read(raw: bytes) -> Message:
    found = inbound.read("wecom", raw)
    assert found is not None
    return found.message


MESSAGES = [
    (xml("text", "<Content>签到 红船</Content>"), {"kind": Kind.TEXT, "text": "签到 红船"}),
    (xml("text", "<Content></Content>"), {"kind": Kind.TEXT, "text": ""}),
    (xml("text", ""), {"kind": Kind.TEXT, "text": ""}),
    (
        xml("image", "<PicUrl>http://p/1</PicUrl><MediaId>m1</MediaId>"),
        {"kind": Kind.IMAGE, "media": "m1", "url": "http://p/1"},
    ),
    (
        xml("voice", "<MediaId>m2</MediaId><Recognition>答题</Recognition>"),
        {"kind": Kind.VOICE, "media": "m2", "text": "答题"},
    ),
    (xml("voice", "<MediaId>m2</MediaId>"), {"kind": Kind.VOICE, "media": "m2", "text": ""}),
    (xml("video", "<MediaId>m3</MediaId>"), {"kind": Kind.VIDEO, "media": "m3"}),
    (xml("shortvideo", "<MediaId>m3</MediaId>"), {"kind": Kind.VIDEO, "media": "m3"}),
    (
        xml("file", "<Title>方案.docx</Title><MediaId>m4</MediaId>"),
        {"kind": Kind.FILE, "media": "m4", "text": "方案.docx"},
    ),
    (
        xml("location", "<Location_X>43.79</Location_X><Location_Y>87.6</Location_Y><Label>乌鲁木齐</Label>"),
        {"kind": Kind.LOCATION, "place": Place(43.79, 87.6, "乌鲁木齐")},
    ),
    (
        xml("link", "<Title>学习</Title><Url>https://a.example/</Url>"),
        {"kind": Kind.LINK, "text": "学习", "url": "https://a.example/"},
    ),
    (xml("sticker", ""), {"kind": Kind.OTHER}),
    (event("subscribe"), {"kind": Kind.SUBSCRIBE, "text": ""}),
    (event("subscribe", "<EventKey>qrscene_door</EventKey>"), {"kind": Kind.SUBSCRIBE, "text": "door"}),
    (event("unsubscribe"), {"kind": Kind.UNSUBSCRIBE}),
    (event("enter_agent"), {"kind": Kind.ENTER, "text": ""}),
    (event("CLICK", "<EventKey>今日学习</EventKey>"), {"kind": Kind.CLICK, "text": "今日学习"}),
    (event("SCAN", "<EventKey>door</EventKey>"), {"kind": Kind.SCAN, "text": "door"}),
    (
        event("scancode_waitmsg", "<ScanCodeInfo><ScanResult>签到 红船</ScanResult></ScanCodeInfo>"),
        {"kind": Kind.SCAN, "text": "签到 红船"},
    ),
    (
        event("scancode_push", "<ScanCodeInfo><ScanResult>x</ScanResult></ScanCodeInfo>"),
        {"kind": Kind.SCAN, "text": "x"},
    ),
]


@pytest.mark.parametrize(("raw", "expected"), MESSAGES)
def test_each_kind_is_read(raw: bytes, expected: dict[str, Any]) -> None:
    message = read(raw)
    assert {name: getattr(message, name) for name in expected} == expected
    assert (message.sender, message.at, message.channel) == ("ZhangWei", NOW, "wecom")


@pytest.mark.parametrize(
    "name", ["LOCATION", "view", "batch_job_result", "TEMPLATESENDJOBFINISH", "something_new"]
)
def test_events_nobody_asked_for_are_nothing(name: str) -> None:
    assert inbound.read("wecom", event(name, "<EventKey>k</EventKey>")) is None


def selected(*options: str) -> str:
    ids = "".join(f"<OptionId>{option}</OptionId>" for option in options)
    return f"<SelectedItem><QuestionKey>q</QuestionKey><OptionIds>{ids}</OptionIds></SelectedItem>"


@pytest.mark.parametrize(
    ("items", "chosen"),
    [
        ("", ()),
        ("<SelectedItems></SelectedItems>", ()),
        (f"<SelectedItems>{selected()}</SelectedItems>", ()),
        (f"<SelectedItems>{selected('2')}</SelectedItems>", ("2",)),
        (f"<SelectedItems>{selected('1', '3')}</SelectedItems>", ("1", "3")),
        (f"<SelectedItems>{selected('1', '3')}{selected('4')}</SelectedItems>", ("1", "3", "4")),
    ],
)
@pytest.mark.parametrize("name", ["template_card_event", "template_card_menu_event"])
def test_a_card_says_its_key_and_what_was_ticked(name: str, items: str, chosen: tuple[str, ...]) -> None:
    rest = "<EventKey>报名</EventKey><TaskId>t1</TaskId><ResponseCode>rc</ResponseCode><AgentID>1</AgentID>"
    message = read(event(name, rest + items))
    assert (message.kind, message.text) == (Kind.CARD, "报名")
    assert message.card is not None
    assert (message.card.task_id, message.card.response_code, message.card.chosen) == ("t1", "rc", chosen)


def test_the_id_is_the_platforms_own() -> None:
    assert (
        read(xml("text", "<Content>a</Content>", "<MsgId>4561255354251345929</MsgId>")).id
        == "4561255354251345929"
    )


def test_two_clicks_in_one_second_are_two_messages() -> None:
    one, two = (read(event("click", f"<EventKey>{key}</EventKey>")) for key in ("答题", "积分"))
    again = read(event("click", "<EventKey>答题</EventKey>"))
    assert one.id == again.id != two.id


def test_one_key_on_two_cards_in_one_second_is_two_messages() -> None:
    rest = "<EventKey>收到</EventKey><TaskId>{}</TaskId>"
    one, two = (read(event("template_card_event", rest.format(task))) for task in ("t1", "t2"))
    assert one.id != two.id


def test_a_huge_id_is_shortened_and_stays_itself() -> None:
    one, two = (read(xml("text", "", f"<MsgId>{'9' * 5000}{end}</MsgId>")) for end in (1, 2))
    assert len(one.id) <= 190
    assert one.id != two.id


def test_a_wecom_user_is_the_same_in_any_case(wecom: WeCom) -> None:
    post = WECOM_WIRE.post(xml("text", "<Content>a</Content>"), NOW)
    message = wecom.receive(post.query, post.body, NOW)
    assert message is not None
    assert message.sender == "zhangwei"


def test_an_openid_keeps_its_case(oa: OfficialAccount) -> None:
    post = OA_WIRE.post(xml("text", "<Content>a</Content>"), NOW)
    message = oa.receive(post.query, post.body, NOW)
    assert message is not None
    assert message.sender == "ZhangWei"
