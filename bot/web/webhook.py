"""The webhook: what the platforms post, handed to the channel and the dispatcher. It answers 4xx or 200, with no detail to strangers."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from bot.chat import Channel, Message, Reply, Unauthentic

log = logging.getLogger(__name__)

CAP = 256 * 1024
"""Bytes of a body that are read at most; nobody has proved to be the platform yet."""

PATHS = {"wecom": "/wecom/callback", "oa": "/wechat/callback"}


def blueprint(
    channels: Mapping[str, Channel],
    dispatch: Callable[[Message], Reply | None],
    clock: Callable[[], datetime],
) -> Blueprint:
    """The callback of every platform; one whose channel is not set up does not exist (404)."""
    routes = Blueprint("webhook", __name__)

    def callback(name: str) -> Response:
        channel = channels.get(name)
        if channel is None:
            return Response(status=404)
        try:
            if request.method == "POST":
                return _plain_or_xml(_answer(channel, dispatch, clock))
            return _plain_or_xml(channel.verify(request.args))
        except Unauthentic as error:
            log.warning("%s: %s refused with %d: %s", name, request.method, error.status, error)
            return Response(status=error.status)

    for name, path in PATHS.items():
        routes.add_url_rule(
            path,
            endpoint=name,
            view_func=callback,
            defaults={"name": name},
            methods=["GET", "POST"],
            provide_automatic_options=False,
        )
    return routes


def _answer(
    channel: Channel, dispatch: Callable[[Message], Reply | None], clock: Callable[[], datetime]
) -> str:
    message = channel.receive(request.args, _body(), clock())
    # 200 without content: any other status makes the platform send it again.
    return channel.render(message, dispatch(message), clock()) if message else ""


def _body() -> bytes:
    # One byte more: a body without a declared length is cut there in silence, and the channel must see that it is too long.
    request.max_content_length = CAP + 1
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge:
        raise Unauthentic("body over the cap", 413) from None


def _plain_or_xml(text: str) -> Response:
    return Response(text, mimetype="application/xml" if text.startswith("<") else "text/plain")
