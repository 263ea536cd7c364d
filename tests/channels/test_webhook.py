"""Hostile and odd input over HTTP: 4xx for strangers, 200 without content for what the platform really sent, never a 5xx."""

from __future__ import annotations

import base64
import io
import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom
from bot.chat import Channel, Message, Reply
from bot.web import webhook
from tests.channels.conftest import NOW, OA_WIRE, WECOM_WIRE
from tests.channels.wire import Post, Wire

AT = int(NOW.timestamp())
SECRET_WORDS = "老张的心里话"


@dataclass
class Hook:
    """A webhook under test, with what reached the dispatcher."""

    client: FlaskClient
    path: str
    wire: Wire
    now: datetime = NOW
    heard: list[Message] = field(default_factory=list)
    reply: Reply | None = field(default_factory=lambda: Reply("收到"))

    def dispatch(self, message: Message) -> Reply | None:
        self.heard.append(message)
        return self.reply

    def post(self, post: Post) -> tuple[int, bytes]:
        response = self.client.post(post.url(self.path), data=post.body, content_type="text/xml")
        return response.status_code, response.data


@pytest.fixture(params=["wecom", "oa"])
def hook(request: pytest.FixtureRequest, wecom: WeCom, oa: OfficialAccount) -> Hook:
    paths = {"wecom": ("/wecom/callback", WECOM_WIRE), "oa": ("/wechat/callback", OA_WIRE)}
    path, wire = paths[request.param]
    app = Flask(__name__)
    made = Hook(app.test_client(), path, wire)
    channels: dict[str, Channel] = {"wecom": wecom, "oa": oa}
    app.wsgi_app = webhook.Webhook(channels, made.dispatch, lambda: made.now, app.wsgi_app)  # type: ignore[method-assign]
    return made


def text(content: str = SECRET_WORDS, at: int | str = AT, more: str = "<MsgId>7</MsgId>") -> str:
    return (
        f"<xml><ToUserName>gh_1</ToUserName><FromUserName>zhangwei</FromUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{content}]]></Content>{more}</xml>"
    )


def good(wire: Wire) -> Post:
    return wire.post(text(), NOW)


def sealed(wire: Wire, content: str) -> str:
    return wire.encrypt(content.encode())


def cut_by(wire: Wire, size: int) -> Post:
    raw = base64.b64decode(wire.encrypt(text().encode()))
    return wire.post_encrypted(base64.b64encode(raw[:-size]).decode(), NOW)


def padded_with(wire: Wire, padding: int) -> Post:
    return wire.post_encrypted(wire.encrypt_raw(os.urandom(47) + bytes([padding])), NOW)


BOMB = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>'
OUTSIDE = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


def only_body(body: bytes) -> Callable[[Wire], Post]:
    return lambda wire: replace(good(wire), body=body)


def signed(encrypted: str) -> Callable[[Wire], Post]:
    return lambda wire: wire.post_encrypted(encrypted, NOW)


STRANGERS: dict[str, tuple[Callable[[Wire], Post], int]] = {
    "wrong signature": (lambda w: good(w).asking(msg_signature="0" * 40), 403),
    "missing signature": (lambda w: good(w).asking(msg_signature=""), 403),
    "signature outside ascii": (lambda w: good(w).asking(msg_signature="签" * 40), 403),
    "signature with a surrogate": (lambda w: good(w).asking(msg_signature="\x00" * 40), 403),
    "changed timestamp": (lambda w: good(w).asking(timestamp=str(AT + 1)), 403),
    "changed nonce": (lambda w: good(w).asking(nonce="1"), 403),
    "no timestamp": (lambda w: good(w).asking(timestamp=""), 400),
    "timestamp with a sign": (lambda w: good(w).asking(timestamp=f"+{AT}"), 400),
    "timestamp in other digits": (lambda w: good(w).asking(timestamp="１７７２７８４３００"), 400),
    "timestamp of 5000 digits": (lambda w: good(w).asking(timestamp="1" * 5000), 400),
    "no nonce": (lambda w: good(w).asking(nonce=""), 400),
    "long nonce": (lambda w: good(w).asking(nonce="1" * 129), 400),
    "nonce with a newline": (lambda w: good(w).asking(nonce="1\n"), 400),
    "old timestamp": (lambda w: w.post(text(), NOW - timedelta(seconds=301)), 403),
    "future timestamp": (lambda w: w.post(text(), NOW + timedelta(seconds=301)), 403),
    "wrong receive id": (lambda w: replace(w, receive_id="ww9999999999999999").post(text(), NOW), 403),
    "empty receive id": (lambda w: replace(w, receive_id="").post(text(), NOW), 403),
    "wrong token": (lambda w: replace(w, token="other").post(text(), NOW), 403),
    "wrong key": (lambda w: replace(w, aes_key=w.aes_key[::-1][:42] + "A").post(text(), NOW), 400),
    "length too long": (lambda w: w.post_encrypted(w.encrypt(b"abc", length=2**31), NOW), 403),
    "length too short": (lambda w: w.post_encrypted(w.encrypt(b"abc", length=1), NOW), 403),
    "padding 255": (lambda w: padded_with(w, 255), 400),
    "padding 33": (lambda w: padded_with(w, 33), 400),
    "padding 0": (lambda w: padded_with(w, 0), 400),
    "only padding": (lambda w: w.post_encrypted(w.encrypt_raw(b"\x20" * 32), NOW), 403),
    "one short block": (lambda w: w.post_encrypted(w.encrypt_raw(b"\x01" * 16), NOW), 403),
    "cut by a block": (lambda w: cut_by(w, 32), 400),
    "cut within a block": (lambda w: cut_by(w, 7), 400),
    "random ciphertext": (signed(base64.b64encode(bytes(range(96))).decode()), 400),
    "signed !!!!": (signed("!!!!"), 400),
    "signed ====": (signed("===="), 400),
    "signed nothing": (signed(""), 400),
    "signed outside ascii": (signed("密文"), 400),
    "signed bad base64": (signed("abc"), 400),
    "signed one letter": (signed("A"), 400),
    "empty body": (only_body(b""), 400),
    "plain text": (only_body(b"hello"), 400),
    "json": (only_body(b'{"encrypt": "abc"}'), 400),
    "truncated xml": (lambda w: replace(good(w), body=good(w).body[:150]), 400),
    "nul bytes": (only_body(b"\x00" * 100), 400),
    "undeclared entity": (only_body(b"<xml><Encrypt>&x;</Encrypt></xml>"), 400),
    "entity bomb": (only_body(f"{BOMB}<xml><Encrypt>&b;</Encrypt></xml>".encode()), 400),
    "external entity": (only_body(f"{OUTSIDE}<xml><Encrypt>&a;</Encrypt></xml>".encode()), 400),
    "gbk": (only_body("<xml><Encrypt>密文</Encrypt></xml>".encode("gbk")), 400),
    "utf-16": (lambda w: replace(good(w), body=good(w).body.decode().encode("utf-16")), 400),
    "random bytes": (only_body(bytes(range(256)) * 9), 400),
    "no encrypt": (only_body(text().encode()), 400),
    "other root": (only_body(b"<html><body/></html>"), 400),
    "empty root": (only_body(b"<xml/>"), 400),
    "root with text": (only_body(b"<xml>text</xml>"), 400),
    "empty encrypt": (only_body(b"<xml><Encrypt/></xml>"), 400),
    "encrypt with attributes": (only_body(b'<xml><Encrypt a="1">QUJD</Encrypt></xml>'), 400),
    "a megabyte of siblings": (only_body(b"<a>b</a>" * 130_000), 413),
    "ten megabytes": (only_body(b"x" * 10_000_000), 413),
    "nested to the cap": (only_body(b"<a>" * 87_000), 400),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_strangers_are_refused_without_a_word(
    hook: Hook, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    make, status = STRANGERS[name]
    with caplog.at_level(logging.INFO, logger="bot"):
        assert hook.post(make(hook.wire)) == (status, b"")
    assert hook.heard == []
    assert len(caplog.records) == 1
    assert SECRET_WORDS not in caplog.text
    assert caplog.records[0].exc_info is None


ODD: dict[str, bytes] = {
    "nothing": b"",
    "not xml": b"hello",
    "not utf-8": "<xml><MsgType>文</MsgType></xml>".encode("gbk"),
    "empty root": b"<xml/>",
    "other root": b"<json/>",
    "no MsgType": b"<xml><a>1</a></xml>",
    "empty MsgType": text().replace("<![CDATA[text]]>", "").encode(),
    "doubled MsgType": text(more="<MsgType>text</MsgType>").encode(),
    "MsgType with attributes": text().replace("<MsgType>", '<MsgType a="1">').encode(),
    "no Event": text().replace("[text]", "[event]").encode(),
    "empty Event": text(more="<Event></Event>").replace("[text]", "[event]").encode(),
    "doubled Event": text(more="<Event>click</Event><Event>click</Event>")
    .replace("[text]", "[event]")
    .encode(),
    "EventKey with attributes": text(more='<Event>click</Event><EventKey a="1">k</EventKey>')
    .replace("[text]", "[event]")
    .encode(),
    "doubled Content": text(more="<Content>b</Content>").encode(),
    "nested Content": text(more="").replace("<![CDATA[" + SECRET_WORDS + "]]>", "<b>x</b>").encode(),
    "no sender": text().replace("zhangwei", "").encode(),
    "doubled sender": text(more="<FromUserName>b</FromUserName>").encode(),
    "no CreateTime": text(at="").encode(),
    "CreateTime in letters": text(at="soon").encode(),
    "CreateTime beyond the calendar": text(at=10**12).encode(),
    "CreateTime beyond the machine": text(at=10**18).encode(),
    "CreateTime beyond all": text(at=10**30).encode(),
    "CreateTime of 5000 digits": text(at="1" * 5000).encode(),
    "location nowhere": text(more="<Location_X>nan</Location_X><Location_Y>1</Location_Y>")
    .replace("[text]", "[location]")
    .encode(),
    "card with text for its choice": text(
        more="<Event>template_card_event</Event><SelectedItems>x</SelectedItems>"
    )
    .replace("[text]", "[event]")
    .encode(),
    "entity bomb": (BOMB + text(content="]]>&b;<![CDATA[")).encode(),
    "external entity": (OUTSIDE + text(content="]]>&a;<![CDATA[")).encode(),
    "undeclared entity": text(content="]]>&x;<![CDATA[").encode(),
    "nul byte": text(content="a\x00b").encode(),
    "truncated": text().encode()[:-10],
}


@pytest.mark.parametrize("name", ODD)
def test_odd_messages_of_the_platform_are_taken_in_silence(
    hook: Hook, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="bot"):
        assert hook.post(hook.wire.post(ODD[name], NOW)) == (200, b"")
    assert hook.heard == []
    assert SECRET_WORDS not in caplog.text


READABLE: dict[str, bytes] = {
    "as usual": text().encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + text().encode(),
    "declared as latin-1": b'<?xml version="1.0" encoding="latin-1"?>' + text().encode(),
    "declared as nonsense": b'<?xml version="1.0" encoding="nonsense"?>' + text().encode(),
    "with a doctype": b"<!DOCTYPE xml>" + text().encode(),
    "without Content": re.sub("<Content>.*</Content>", "", text()).encode(),
    "with a blank Content": text(content="  ").encode(),
    "with letters for MsgId": text(more="<MsgId>abc</MsgId>").encode(),
    "with 5000 digits for MsgId": text(more=f"<MsgId>{'1' * 5000}</MsgId>").encode(),
    "with letters for AgentID": text(more="<MsgId>7</MsgId><AgentID>x</AgentID>").encode(),
    "with 20,000 levels inside": text(more="<a>" * 20_000 + "</a>" * 20_000).encode(),
}


@pytest.mark.parametrize("name", READABLE)
def test_readable_messages_are_answered(hook: Hook, name: str) -> None:
    status, answer = hook.post(hook.wire.post(READABLE[name], NOW))
    assert status == 200
    assert "<Content><![CDATA[收到]]></Content>" in hook.wire.read_answer(answer.decode())
    [message] = hook.heard
    assert (message.sender, message.text.strip() in (SECRET_WORDS, "")) == ("zhangwei", True)


def test_no_reply_is_an_answer_that_says_nothing(hook: Hook) -> None:
    hook.reply = None
    status, answer = hook.post(good(hook.wire))
    assert (status, answer) in ((200, b""), (200, b"success"))


def test_the_same_request_again_reaches_the_dispatcher_with_the_same_id(hook: Hook) -> None:
    post = good(hook.wire)
    hook.post(post)
    hook.post(post)
    assert len({message.id for message in hook.heard}) == 1


def test_a_request_cut_anew_into_a_later_time_is_refused(hook: Hook) -> None:
    """The signature joins time and nonce without a border: a nonce that reads as a later time can take its place."""
    later = NOW + timedelta(days=3)
    post = hook.wire.post(text(), NOW, nonce=str(int(later.timestamp())))
    swapped = post.asking(timestamp=post.query["nonce"], nonce=post.query["timestamp"])
    hook.now = later
    assert hook.post(swapped) == (403, b"")
    assert hook.heard == []


def test_a_body_at_the_cap_is_still_read(hook: Hook) -> None:
    post = good(hook.wire)
    room = webhook.CAP - len(post.body)
    assert hook.post(replace(post, body=post.body + b" " * room))[0] == 200
    assert hook.post(replace(post, body=post.body + b" " * (room + 1))) == (413, b"")


CHUNKED = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}


class Endless(io.RawIOBase):
    """A body that goes on for ever, and counts what was read of it."""

    count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:
        buffer[:] = b"x" * len(buffer)
        self.count += len(buffer)
        return len(buffer)


@pytest.mark.parametrize("declared", [{"CONTENT_LENGTH": str(10**9)}, CHUNKED])
def test_nobody_makes_us_read_beyond_the_cap(hook: Hook, declared: dict[str, Any]) -> None:
    endless = Endless()
    url = good(hook.wire).url(hook.path)
    response = hook.client.post(url, environ_overrides={"wsgi.input": endless, **declared})
    assert response.status_code == 413
    assert endless.count <= webhook.CAP + 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_other_methods_are_refused(hook: Hook, method: str) -> None:
    assert hook.client.open(hook.path, method=method).status_code == 405


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("path", ["/wecom/callback", "/wechat/callback"])
def test_a_channel_that_is_not_set_up_does_not_exist(method: str, path: str) -> None:
    app = Flask(__name__)
    app.wsgi_app = webhook.Webhook({}, lambda message: None, lambda: NOW, app.wsgi_app)  # type: ignore[method-assign]
    assert app.test_client().open(path, method=method).status_code == 404


def checked(hook: Hook, **query: str) -> tuple[int, bytes]:
    response = hook.client.get(Post(query, b"").url(hook.path))
    return response.status_code, response.data


def url_check(hook: Hook, word: str) -> dict[str, str]:
    """What the platform asks: encrypted and covered by the signature on WeCom, plain and not covered on an Official Account."""
    query = {"timestamp": str(AT), "nonce": "42"}
    if hook.wire is OA_WIRE:
        return query | {"echostr": word, "signature": hook.wire.sign(str(AT), "42")}
    encrypted = sealed(hook.wire, word)
    return query | {"echostr": encrypted, "msg_signature": hook.wire.sign(str(AT), "42", encrypted)}


def test_the_url_check_gets_its_word_back(hook: Hook) -> None:
    response = hook.client.get(Post(url_check(hook, "1616140317555161061"), b"").url(hook.path))
    assert (response.status_code, response.data) == (200, b"1616140317555161061")
    assert response.mimetype == "text/plain"


@pytest.mark.parametrize(
    "word", ["<script>alert(1)</script>", "<xml><Content>x</Content></xml>", "a" * 129, ""]
)
def test_a_url_check_with_anything_but_a_word_is_refused(hook: Hook, word: str) -> None:
    assert checked(hook, **url_check(hook, word)) == (400, b"")


def test_a_url_check_with_a_wrong_signature_is_refused(hook: Hook) -> None:
    query = url_check(hook, "123")
    for name in query.keys() & {"signature", "msg_signature"}:
        query[name] = "0" * 40
    assert checked(hook, **query) == (403, b"")


def test_a_bare_url_check_is_refused(hook: Hook) -> None:
    assert checked(hook)[0] in (400, 403)
