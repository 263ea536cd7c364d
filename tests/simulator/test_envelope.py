"""The platform's encryption against an implementation that is not ours."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wechatpy.crypto import WeChatCrypto as OfficialAccountCrypto
from wechatpy.enterprise.crypto import WeChatCrypto

from bot.simulator import Platform
from bot.simulator.envelope import Envelope, Garbled, from_xml, new_aes_key, to_xml
from tests.simulator.conftest import Wire
from tests.simulator.echo import EchoBot

TEXTS = (
    "签到 青松明月",
    "好的👍🏻👨‍👩‍👧",
    "a]]><MsgType>image</MsgType><![CDATA[b]]>",
    "<script>alert('&amp;')</script>",
    "x" * 31,
    "党" * 700,
    "两行\n第二行",
)
SAMPLE = (
    "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg"
    "3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+k"
    "DZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6ti"
    "WSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p"
    "8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
)
ENVELOPE = Envelope("token", new_aes_key(), "wwcorp")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("channel", ["wecom", "oa"])
def test_the_library_reads_what_the_platform_sends_and_back(
    platform: Platform, bot: EchoBot, channel: str, text: str
) -> None:
    exchange = platform.say("张伟", text, "oa" if channel == "oa" else "wecom")
    assert bot.heard[-1].content == text
    if "]]>" not in text:  # the library's own replies break at this mark, see below
        assert exchange.text.startswith(f"您说：{text}"[:600])
        assert platform.problems == []


def test_a_reply_that_breaks_out_of_cdata_is_noticed(platform: Platform) -> None:
    platform.say("张伟", "a]]><b>c</b><![CDATA[d")
    assert "words and elements" in platform.problems[0]
    assert platform.phone("张伟")[-1].text == "平台读不懂应答"


@given(st.text())
def test_what_the_library_seals_is_opened(text: str) -> None:
    crypto = WeChatCrypto(ENVELOPE.token, ENVELOPE.aes_key, ENVELOPE.receiver)
    outer = from_xml(crypto.encrypt_message(text, "nonce", "1409659813"))
    ENVELOPE.check(outer["MsgSignature"], outer["TimeStamp"], outer["Nonce"], outer["Encrypt"])
    assert ENVELOPE.open(outer["Encrypt"]) == text


@given(st.text(min_size=1))
def test_what_is_sealed_the_library_opens(text: str) -> None:
    sealed = ENVELOPE.seal(text)
    crypto = OfficialAccountCrypto(ENVELOPE.token, ENVELOPE.aes_key, ENVELOPE.receiver)
    signature = ENVELOPE.sign("1409659813", "nonce", sealed)
    opened = crypto.decrypt_message(to_xml("xml", {"Encrypt": sealed}), signature, "1409659813", "nonce")
    assert (opened if isinstance(opened, str) else opened.decode()) == text


def test_the_platforms_own_sample_is_opened_and_signed() -> None:
    """The message printed on the platform's page about encryption."""
    envelope = Envelope("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
    assert envelope.sign("1409659813", "1372623149", SAMPLE) == "477715d11cdb4164915debcba66cb864d751f3e6"
    assert from_xml(envelope.open(SAMPLE))["Content"] == "hello"


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "!!!!",
        base64.b64encode(b"x" * 31).decode(),
        base64.b64encode(b"x" * 32).decode(),
        Envelope("t", new_aes_key(), "wwcorp").seal("hello"),
        Envelope("t", ENVELOPE.aes_key, "wwother").seal("hello"),
    ],
    ids=["nothing", "no base64", "half a block", "noise", "another key", "another corp"],
)
def test_a_broken_ciphertext_is_garbled(sealed: str) -> None:
    with pytest.raises(Garbled):
        ENVELOPE.open(sealed)


def test_a_changed_answer_is_garbled() -> None:
    sealed = ENVELOPE.seal("hello")
    with pytest.raises(Garbled):
        ENVELOPE.check(ENVELOPE.sign("1", "n", sealed), "2", "n", sealed)


@pytest.mark.parametrize(
    "xml", ["", "hello", "<xml>", "<xml>words</xml>", "<!DOCTYPE a [<!ENTITY b 'c'>]><xml><a>&b;</a></xml>"]
)
def test_what_is_not_such_xml_is_garbled(xml: str) -> None:
    with pytest.raises(Garbled):
        from_xml(xml)


def test_control_characters_never_reach_the_bot(platform: Platform, bot: EchoBot) -> None:
    platform.say("张伟", "a\x00\x08b\ufffe")
    assert bot.heard[-1].content == "ab"


def test_the_url_checks_are_what_the_library_expects(platform: Platform) -> None:
    keys = platform.settings()
    query, word = platform.wecom.url_check()
    crypto = WeChatCrypto(keys["wecom_token"], keys["wecom_aes_key"], keys["wecom_corp_id"])
    plain = crypto.check_signature(
        query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
    )
    assert plain in (word, word.encode())
    query, word = platform.oa.url_check()
    assert query["echostr"] == word
    assert query["signature"] == platform.oa.credentials.envelope.sign(query["timestamp"], query["nonce"])


def test_each_account_posts_what_its_platform_posts(platform: Platform, wire: Wire) -> None:
    platform.say("张伟", "你好", "wecom")
    platform.say("张伟", "你好", "oa")
    (path, query, body), (oa_path, oa_query, _) = wire.posted
    assert (path, set(query)) == ("/wecom/callback", {"msg_signature", "timestamp", "nonce"})
    assert from_xml(body.decode()).keys() == {"ToUserName", "AgentID", "Encrypt"}
    assert (oa_path, oa_query["encrypt_type"], oa_query["openid"]) == (
        "/wechat/callback",
        "aes",
        "oa-zhangwei",
    )
    wecom, oa = wire.letters(platform)
    assert (wecom["FromUserName"], wecom["AgentID"]) == ("zhangwei", "1000002")
    assert oa["FromUserName"] == "oa-zhangwei"
    assert "AgentID" not in oa
