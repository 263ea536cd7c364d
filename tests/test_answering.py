"""The loop that reads, answers and writes, on real sockets with a small application."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest

from bot import answering
from bot.answering import Loop
from bot.batch import Batch


class Site:
    """/message/N is a message, anything else a page; both wait for what stands in ``gates`` under their path."""

    def __init__(self) -> None:
        self.gates: dict[str, threading.Event] = {}
        self.came: dict[str, threading.Event] = {}
        self.batches: list[Sequence[str]] = []
        self.threads: dict[str, str] = {}
        self.batch = Batch(self._together, lambda path: self._together([path])[0])

    def hold(self, path: str) -> threading.Event:
        self.gates[path], self.came[path] = threading.Event(), threading.Event()
        return self.gates[path]

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        body = self.batch(path) if path.startswith("/message") else self._one(path)
        start("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def _together(self, paths: Sequence[str]) -> list[bytes]:
        self.batches.append(paths)
        return [self._one(path) for path in paths]

    def _one(self, path: str) -> bytes:
        self.threads[path] = threading.current_thread().name
        if path in self.gates:
            self.came[path].set()
            assert self.gates[path].wait(10)
        if path.endswith("broken"):
            raise ValueError
        return path.encode()


@contextmanager
def running(site: Site) -> Iterator[Callable[[str], bytes]]:
    """Yields a function that asks for a path over a connection of its own; at the end the loop stops as on SIGTERM."""
    stopping, listener = threading.Event(), socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    loop = Loop(site, [f"/message/{n}" for n in (*range(40), "broken")], stopping, sockets=[listener])
    thread = threading.Thread(target=loop.run)
    thread.start()

    def ask(path: str) -> bytes:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
            connection.request("GET", path)
            return connection.getresponse().read()

    try:
        yield ask
    finally:
        for gate in site.gates.values():
            gate.set()
        stopping.set()
        thread.join(15)
        assert not thread.is_alive()
        assert not loop._sockets


def test_messages_and_pages_are_answered() -> None:
    site = Site()
    with running(site) as ask:
        assert [ask(path) for path in ("/message/1", "/page", "/message/2")] == [
            b"/message/1",
            b"/page",
            b"/message/2",
        ]
    assert site.threads["/message/1"] == "answering"
    assert site.threads["/page"].startswith("waitress")


def test_messages_that_come_meanwhile_are_answered_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "HELD_UP_S", 60)
    site = Site()
    gate = site.hold("/message/0")
    with running(site) as ask, ThreadPoolExecutor(8) as threads:
        held = threads.submit(ask, "/message/0")
        site.came["/message/0"].wait(5)
        others = [threads.submit(ask, f"/message/{n}") for n in range(1, 7)]
        while threads._work_queue.qsize():
            pass
        threading.Event().wait(0.2)  # until the requests lie in the sockets
        gate.set()
        assert [one.result(5) for one in [held, *others]] == [f"/message/{n}".encode() for n in range(7)]
    assert site.batches[0] == ["/message/0"]
    assert len(site.batches) < 7
    assert max(len(paths) for paths in site.batches) > 1


def test_a_slow_message_does_not_hold_up_the_others() -> None:
    site = Site()
    gate = site.hold("/message/0")
    with running(site) as ask, ThreadPoolExecutor(2) as threads:
        slow = threads.submit(ask, "/message/0")
        site.came["/message/0"].wait(5)
        assert ask("/message/1") == b"/message/1"
        assert ask("/page") == b"/page"
        assert not slow.done()
        gate.set()
        assert slow.result(5) == b"/message/0"
        assert ask("/message/2") == b"/message/2"


def test_with_too_many_slow_ones_the_others_wait_and_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "MOST_HELD_UP", 2)
    site = Site()
    gates = [site.hold(f"/message/{n}") for n in range(3)]
    with running(site) as ask, ThreadPoolExecutor(4) as threads:
        slow = []
        for n in range(3):
            slow.append(threads.submit(ask, f"/message/{n}"))
            assert site.came[f"/message/{n}"].wait(5)
        waits = threads.submit(ask, "/message/9")
        threading.Event().wait(0.3)
        assert not waits.done()
        for gate in gates:
            gate.set()
        assert waits.result(5) == b"/message/9"
        assert [one.result(5) for one in slow] == [f"/message/{n}".encode() for n in range(3)]


def test_a_slow_page_holds_up_nobody() -> None:
    site = Site()
    gate = site.hold("/page")
    with running(site) as ask, ThreadPoolExecutor(1) as threads:
        slow = threads.submit(ask, "/page")
        site.came["/page"].wait(5)
        assert ask("/message/1") == b"/message/1"
        gate.set()
        assert slow.result(5) == b"/page"


def test_who_was_heard_is_answered_before_the_end() -> None:
    site = Site()
    gate = site.hold("/message/0")
    with ThreadPoolExecutor(1) as threads:
        with running(site) as ask:
            last = threads.submit(ask, "/message/0")
            assert site.came["/message/0"].wait(5)
        assert gate.is_set()
        assert last.result(5) == b"/message/0"


def test_what_breaks_one_request_breaks_no_other(caplog: pytest.LogCaptureFixture) -> None:
    site = Site()
    with running(site) as ask:
        assert b"unexpected" in ask("/message/broken")
        assert ask("/message/1") == b"/message/1"
    assert "/message/broken" in caplog.text
