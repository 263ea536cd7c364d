"""A tiny bot of the tests' own, on the library that the real bot uses: it says back what it hears, and knows a few words that push."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import requests
from flask import Flask, Response, request
from wechatpy.crypto import WeChatCrypto as OfficialAccountCrypto
from wechatpy.enterprise.crypto import WeChatCrypto
from wechatpy.enterprise.parser import parse_message as parse_wecom
from wechatpy.enterprise.replies import TextReply as WeComText
from wechatpy.parser import parse_message as parse_oa
from wechatpy.replies import TextReply as OfficialAccountText

CARD: dict[str, Any] = {
    "card_type": "button_interaction",
    "main_title": {"title": "宪法宣传进班组", "desc": "12月5日 周六 14:30 · 三楼会议室"},
    "horizontal_content_list": [
        {"keyname": "应到", "value": "12 人"},
        {"keyname": "报名截止", "value": "12月4日 17:00"},
    ],
    "button_list": [{"text": "报名", "style": 1, "key": "报名"}, {"text": "请假", "style": 2, "key": "请假"}],
}
VOTE: dict[str, Any] = {
    "card_type": "vote_interaction",
    "main_title": {"title": "〔单选〕电气设备停电检修，验电前先要做什么？"},
    "checkbox": {
        "question_key": "q1",
        "mode": 0,
        "option_list": [
            {"id": "A", "text": "戴绝缘手套，验电器先自检"},
            {"id": "B", "text": "直接挂接地线"},
            {"id": "C", "text": "先打扫现场"},
        ],
    },
    "submit_button": {"text": "提交", "key": "submit"},
}


class EchoBot:
    """Answers on ``/wecom/callback`` and ``/wechat/callback``; ``heard`` is every message as the library read it."""

    def __init__(
        self, settings: Mapping[str, str], api: Callable[[str, str, Mapping[str, Any]], Any]
    ) -> None:
        self.settings, self.api = settings, api
        self.heard: list[Any] = []
        self.wecom = WeChatCrypto(
            settings["wecom_token"], settings["wecom_aes_key"], settings["wecom_corp_id"]
        )
        self.oa = OfficialAccountCrypto(settings["oa_token"], settings["oa_aes_key"], settings["oa_app_id"])
        self.cards = 0

    def app(self) -> Flask:
        """The two webhooks as a Flask application."""
        app = Flask("echo")
        app.add_url_rule("/wecom/callback", "wecom", self.on_wecom, methods=["POST"])
        app.add_url_rule("/wechat/callback", "oa", self.on_oa, methods=["POST"])
        return app

    def on_wecom(self) -> Response:
        """Decrypt, answer, encrypt: WeCom."""
        message = parse_wecom(self._open(self.wecom))
        text = self.answer(message)
        return self._close(self.wecom, WeComText(message=message, content=text).render() if text else "")

    def on_oa(self) -> Response:
        """Decrypt, answer, encrypt: the Official Account."""
        message = parse_oa(self._open(self.oa))
        text = self.answer(message)
        return self._close(
            self.oa, OfficialAccountText(message=message, content=text).render() if text else ""
        )

    def answer(self, message: Any) -> str:
        """What to say to a parsed message."""
        self.heard.append(message)
        if message.type != "text":
            return f"收到{message.type}"
        if message.content in ("卡片", "投票"):
            self.push(message.source, {"卡片": CARD, "投票": VOTE}[message.content])
            return ""
        if message.content.startswith("通知"):
            self.send({"touser": "@all", "msgtype": "text", "text": {"content": message.content}})
        return f"您说：{message.content}"

    def push(self, user: str, card: Mapping[str, Any]) -> None:
        """Send a template card."""
        self.cards += 1
        card = {**card, "task_id": f"t{self.cards}-{time.time_ns()}"}
        self.send({"touser": user, "msgtype": "template_card", "template_card": card})

    def send(self, message: Mapping[str, Any]) -> Any:
        """POST message/send with a token fetched for it."""
        query = {"corpid": self.settings["wecom_corp_id"], "corpsecret": self.settings["wecom_secret"]}
        token = self.api("gettoken", "", query)["access_token"]
        return self.api("message/send", token, {"agentid": int(self.settings["wecom_agent_id"]), **message})

    def _open(self, crypto: Any) -> str:
        args = request.args
        xml = crypto.decrypt_message(
            request.get_data(), args["msg_signature"], args["timestamp"], args["nonce"]
        )
        return xml if isinstance(xml, str) else xml.decode()

    def _close(self, crypto: Any, xml: str) -> Response:
        if not xml:
            return Response("")
        return Response(crypto.encrypt_message(xml, request.args["nonce"], request.args["timestamp"]))


def over_requests(session: requests.Session, base: str) -> Callable[[str, str, Mapping[str, Any]], Any]:
    """The API through an HTTP client: gettoken is a GET, everything else a POST of JSON."""

    def api(path: str, token: str, values: Mapping[str, Any]) -> Any:
        if path == "gettoken":
            return session.get(f"{base}/{path}", params=dict(values), timeout=5).json()
        body = json.dumps(values, ensure_ascii=False).encode()
        return session.post(f"{base}/{path}", params={"access_token": token}, data=body, timeout=5).json()

    return api
