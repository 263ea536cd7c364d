"""The webhook: what the platforms post, handed to the channel and the dispatcher. It answers 4xx or 200, with no detail to strangers.

A WSGI application in front of Flask, which takes as long for a request as reading and sealing a message do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from bot.chat import Channel, Message, Reply, Unauthentic

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

CAP = 256 * 1024
"""Bytes of a body that are read at most; nobody has proved to be the platform yet."""

PATHS = {"/wecom/callback": "wecom", "/wechat/callback": "oa"}
"""The callback of each channel; of one that is not set up it does not exist (404)."""


class Webhook:
    """Answers the callbacks; every other path goes on to ``others``."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        dispatch: Callable[[Message], Reply | None],
        clock: Callable[[], datetime],
        others: WSGIApplication,
    ) -> None:
        self._channels, self._dispatch, self._clock, self._others = channels, dispatch, clock, others

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        name = PATHS.get(environ["PATH_INFO"])
        if name is None:
            return self._others(environ, start)
        try:
            text, status = self._answer(name, environ), HTTPStatus.OK
        except Unauthentic as error:
            log.warning("%s: %s refused with %d: %s", name, environ["REQUEST_METHOD"], error.status, error)
            text, status = "", HTTPStatus(error.status)
        body = text.encode()
        kind = "application/xml" if text.startswith("<") else "text/plain"
        head = [
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("X-Content-Type-Options", "nosniff"),
        ]
        start(f"{status.value} {status.phrase}", head)
        return [body]

    def _answer(self, name: str, environ: WSGIEnvironment) -> str:
        channel = self._channels.get(name)
        if channel is None:
            raise Unauthentic("not set up", 404)
        # Of a name that is there twice the first counts.
        query = dict(reversed(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)))
        if environ["REQUEST_METHOD"] == "GET":
            return channel.verify(query)
        if environ["REQUEST_METHOD"] != "POST":
            raise Unauthentic("no such method", 405)
        message = channel.receive(query, _body(environ), self._clock())
        # 200 without content: any other status makes the platform send it again.
        return channel.render(message, self._dispatch(message), self._clock()) if message else ""


def _body(environ: WSGIEnvironment) -> bytes:
    # One byte more: a body without a declared length is cut there in silence, and the channel must see that it is too long.
    try:
        return get_input_stream(environ, max_content_length=CAP + 1).read()
    except RequestEntityTooLarge:
        raise Unauthentic("body over the cap", 413) from None
