"""The yardstick: a bare Flask + wechatpy application that decrypts a message and answers the same text, encrypted."""

from __future__ import annotations

import time

from flask import Flask, request
from wechatpy.enterprise import create_reply, parse_message
from wechatpy.enterprise.crypto import WeChatCrypto


def create(token: str, aes_key: str, corp_id: str) -> Flask:
    """The application, with the route of the product's own webhook."""
    flask = Flask("echo")
    crypto = WeChatCrypto(token, aes_key, corp_id)

    @flask.post("/wecom/callback")
    def callback() -> str:
        query = request.args
        xml = crypto.decrypt_message(request.data, query["msg_signature"], query["timestamp"], query["nonce"])
        message = parse_message(xml)
        reply = create_reply(message.content, message).render()
        sealed: str = crypto.encrypt_message(reply, query["nonce"], str(int(time.time())))
        return sealed

    return flask
