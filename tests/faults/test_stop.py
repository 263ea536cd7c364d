"""A process that is told to end answers what it has in hand, and only then ends."""

from __future__ import annotations

import random
import socket
import sqlite3
import time
from urllib.parse import urlencode

from tests.faults.rig import Rig, rig, sqlite


def _refused(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) != 0


def _posted(whole: Rig, port: int, name: str, text: str) -> socket.socket:
    """A connection on which somebody's message was sent, all of it; nothing is read yet."""
    path, query, body = whole.platform.envelope(name, text)
    head = f"POST {path}?{urlencode(query)} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    connection.sendall(head.encode() + body)
    return connection


def _answer(whole: Rig, connection: socket.socket) -> str:
    """What the platform reads in the answer."""
    received = b""
    while not received.endswith(b"</xml>"):
        chunk = connection.recv(65536)
        assert chunk, f"the connection ended after {received!r}"
        received += chunk
    assert received.startswith(b"HTTP/1.1 200")
    answer = whole.platform.wecom.read_answer(received.partition(b"\r\n\r\n")[2])
    assert answer is not None
    return str(answer["Content"])


def test_messages_in_flight_are_answered_although_the_process_is_told_to_end() -> None:
    with sqlite() as (folder, url), rig(folder, url, random.Random(1)) as whole:
        process = whole.add("all")
        process.start()
        process.wait()
        assert process.running is not None
        kept_open = socket.create_connection(("127.0.0.1", process.port))  # as a proxy does between requests
        blocker = sqlite3.connect(folder / "zhibu.db", isolation_level=None, timeout=30)
        blocker.execute("BEGIN IMMEDIATE")  # from here on nobody else can write, and every message waits
        in_flight = [_posted(whole, process.port, name, "我的") for name in ("张伟", "古丽")]
        process.running.terminate()
        while not _refused(process.port):
            time.sleep(0.01)
        assert process.running.poll() is None, "it waits for the messages in flight"
        blocker.execute("ROLLBACK")
        assert ["张伟" in _answer(whole, in_flight[0]), "古丽" in _answer(whole, in_flight[1])] == [
            True,
            True,
        ]
        assert process.running.wait(30) == 0
        assert "stopped" in whole.logs()
        for connection in (kept_open, *in_flight):
            connection.close()
        blocker.close()


def test_an_idle_connection_does_not_keep_a_process_from_ending() -> None:
    with sqlite() as (folder, url), rig(folder, url, random.Random(1)) as whole:
        process = whole.add("web")
        process.start()
        process.wait()
        idle = socket.create_connection(("127.0.0.1", process.port))
        assert process.stop() == 0
        idle.close()
