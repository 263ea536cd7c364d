"""A real HTTP server that answers like the platform's API, or as badly as a test wants."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bot.chat import SendError

CLOSE = object()
"""An answer: close the connection without a word."""


class FakeApi:
    """``answers[path]`` is a function of (query, data), or what it would return: JSON, bytes, (status, bytes), CLOSE, or an iterator of pieces."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.calls: list[tuple[str, dict[str, str], Any]] = []
        self.tokens = 0
        self.compress = False
        self.base = ""
        self.answers["gettoken"] = self.answers["stable_token"] = self.give_token

    def give_token(self, query: dict[str, str], data: Any) -> dict[str, Any]:
        self.tokens += 1
        return {"errcode": 0, "access_token": f"token-{self.tokens}", "expires_in": 7200}

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.calls]

    def data(self, path: str) -> list[Any]:
        return [data for called, _, data in self.calls if called == path]

    def tokens_used(self, path: str) -> list[str]:
        return [query.get("access_token", "") for called, query, _ in self.calls if called == path]

    @contextmanager
    def serving(self) -> Iterator[FakeApi]:
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        self.base = f"http://127.0.0.1:{server.server_port}/cgi-bin"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(None)

        def do_POST(self) -> None:
            self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _answer(self, data: Any) -> None:
            url = urlsplit(self.path)
            path, query = url.path.removeprefix("/cgi-bin/"), dict(parse_qsl(url.query))
            api.calls.append((path, query, data))
            answer = api.answers[path]
            if isinstance(answer, Callable):
                answer = answer(query, data)
            if answer is CLOSE:
                self.close_connection = True
                return
            if isinstance(answer, Iterator):
                self._drip(answer)
                return
            status, body = _body(answer)
            self.send_response(status)
            if api.compress:
                body = gzip.compress(body)
                self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _drip(self, pieces: Iterator[bytes]) -> None:
            self.close_connection = True
            self.send_response(200)
            self.end_headers()
            with suppress(OSError):  # the other side may leave
                for piece in pieces:
                    self.wfile.write(piece)

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def _body(answer: Any) -> tuple[int, bytes]:
    if isinstance(answer, tuple):
        return answer
    return 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode()


HELLO = {"text": "您好"}
SENT = {"errcode": 0, "errmsg": "ok", "msgid": "m1"}


def failure(send: Callable[[], Any]) -> SendError:
    with pytest.raises(SendError) as caught:
        send()
    return caught.value


def first(*answers: Any) -> Callable[[dict[str, str], Any], Any]:
    """These answers one after the other, the last one for ever."""
    left = list(answers)
    return lambda query, data: left.pop(0) if len(left) > 1 else left[0]


def refusing(token: str) -> Callable[[dict[str, str], Any], Any]:
    return lambda query, data: {"errcode": 42001} if query["access_token"] == token else SENT
