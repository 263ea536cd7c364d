"""The encryption agrees with Tencent's published example and with an implementation that shares no code with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.envelope import CAP, Envelope
from bot.chat import Unauthentic
from bot.web import webhook
from tests.channels.conftest import NOW, OA_WIRE, WECOM_WIRE
from tests.channels.wire import Post, Wire

# The example in Tencent's sample code for WeCom callbacks.
OFFICIAL = Wire("QDG6eK", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wx5823bf96d3bd56c7")
OFFICIAL_TIME = datetime.fromtimestamp(1409659813, UTC)
OFFICIAL_QUERY = {
    "msg_signature": "477715d11cdb4164915debcba66cb864d751f3e6",
    "timestamp": "1409659813",
    "nonce": "1372623149",
}
OFFICIAL_BODY = (
    b"<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName><Encrypt><![CDATA["
    b"RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qh"
    b"xchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s"
    b"4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/u"
    b"h9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
    b"]]></Encrypt>\n<AgentID><![CDATA[218]]></AgentID>\n</xml>"
)


def envelope(wire: Wire) -> Envelope:
    return Envelope(wire.token, wire.aes_key, wire.receive_id)


def test_the_official_message_opens() -> None:
    inner = envelope(OFFICIAL).open(OFFICIAL_QUERY, OFFICIAL_BODY, OFFICIAL_TIME)
    assert b"<Content><![CDATA[hello]]></Content>" in inner
    assert b"<FromUserName><![CDATA[mycreate]]></FromUserName>" in inner


def test_the_official_url_check_is_answered() -> None:
    query = {
        "msg_signature": "5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3",
        "timestamp": "1409659589",
        "nonce": "263014780",
        "echostr": "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==",
    }
    assert envelope(OFFICIAL).echo(query).isdigit()


@given(text=st.text(st.characters(codec="utf-8"), max_size=300))
@settings(max_examples=200, deadline=None)
def test_both_sides_understand_each_other(text: str) -> None:
    ours = envelope(WECOM_WIRE)
    post = WECOM_WIRE.post(text, NOW)
    assert ours.open(post.query, post.body, NOW).decode() == text
    assert WECOM_WIRE.read_answer(ours.seal(text, NOW)) == text


@pytest.mark.parametrize("length", range(64))
def test_every_position_in_a_block_is_padded_right(length: int) -> None:
    ours = envelope(OA_WIRE)
    post = OA_WIRE.post("x" * length, NOW)
    assert ours.open(post.query, post.body, NOW) == b"x" * length
    assert OA_WIRE.read_answer(ours.seal("x" * length, NOW)) == "x" * length


def test_the_same_answer_is_never_sealed_alike() -> None:
    ours = envelope(WECOM_WIRE)
    assert ours.seal("好", NOW) != ours.seal("好", NOW)


def test_encrypt_without_cdata_is_read() -> None:
    post = WECOM_WIRE.post("hello", NOW)
    plain = post.body.replace(b"<![CDATA[", b"").replace(b"]]>", b"")
    assert envelope(WECOM_WIRE).open(post.query, plain, NOW) == b"hello"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_a_clock_up_to_five_minutes_off_is_accepted(seconds: int) -> None:
    post = WECOM_WIRE.post("hello", NOW + timedelta(seconds=seconds))
    assert envelope(WECOM_WIRE).open(post.query, post.body, NOW) == b"hello"


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_clock_further_off_is_refused(seconds: int) -> None:
    post = WECOM_WIRE.post("hello", NOW + timedelta(seconds=seconds))
    with pytest.raises(Unauthentic, match="window"):
        envelope(WECOM_WIRE).open(post.query, post.body, NOW)


def test_a_body_over_the_cap_is_refused_before_anything_else() -> None:
    with pytest.raises(Unauthentic) as refused:
        envelope(WECOM_WIRE).open({}, b" " * (CAP + 1), NOW)
    assert refused.value.status == 413
    assert webhook.CAP == CAP


def test_a_body_of_openings_is_searched_once() -> None:
    """A pattern that goes back for each opening would take minutes here."""
    for body in (b"<Encrypt>" * 29_000, b"<Encrypt>" + b"A" * 262_000, b"<Encrypt>AAA=" * 20_000):
        with pytest.raises(Unauthentic):
            envelope(WECOM_WIRE).open({}, body, NOW)


@pytest.mark.parametrize("key", ["", "short", "a" * 42, "a" * 42 + "!", "a" * 44])
def test_a_key_that_is_none_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ValueError):
        Envelope("token", key, "corp")


def test_a_recorded_message_is_not_decrypted_as_a_url_check() -> None:
    post: Post = WECOM_WIRE.post("<xml><Content>不给别人看</Content></xml>", NOW)
    encrypted = post.body.split(b"<Encrypt><![CDATA[")[1].split(b"]]>")[0].decode()
    with pytest.raises(Unauthentic, match="URL check"):
        envelope(WECOM_WIRE).echo(post.query | {"echostr": encrypted})
