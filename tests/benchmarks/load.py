"""A load of prepared requests over keep-alive connections, from a process of its own, so that the server's figures are the server's.

It shares the machine with what it measures, so it is as light as it can be: one loop over plain sockets. With asyncio's streams a request cost the
load 0.27 ms, more than half of what the product needs to answer one.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = b"\r\n\r\n"
LENGTH = b"content-length:"


@dataclass(frozen=True, slots=True)
class Result:
    """Requests a second, milliseconds (median, 99 of 100, worst), and how many were not answered with 200 and a body."""

    rate: float
    p50: float
    p99: float
    worst: float
    bad: int


class Connection:
    """One connection that sends a request, reads its answer and takes the next."""

    def __init__(self, port: int, queue: Iterator[bytes]) -> None:
        self.port, self.queue = port, queue
        self.times: list[float] = []
        self.bad = 0
        self.socket = self._opened()

    def _opened(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    def send(self) -> bool:
        """Send the next request; False when there is none."""
        raw = next(self.queue, None)
        if raw is None:
            return False
        self.got = b""
        self.start = time.perf_counter()
        self.socket.sendall(raw)
        return True

    def receive(self) -> bool:
        """Read what has come; True when the answer is complete, or will not be."""
        try:
            part = self.socket.recv(65536)
        except ConnectionError:
            part = b""
        self.got += part
        if part and not _complete(self.got):
            return False
        self.times.append(time.perf_counter() - self.start)
        if not part:
            self.socket.close()
            self.socket = self._opened()
        self.bad += not (part and self.got.startswith(b"HTTP/1.1 200") and not self.got.endswith(MARK))
        return True


def _complete(got: bytes) -> bool:
    head, mark, body = got.partition(MARK)
    length = head.lower().partition(LENGTH)[2].partition(b"\r\n")[0] if mark else b""
    return bool(mark) and len(body) >= int(length or 0)


def run(ports: list[int], requests: list[bytes], connections: int) -> Result:
    """Send all requests, each once, over so many connections, which go to the ports in turn."""
    queue = iter(requests)
    every = [Connection(ports[n % len(ports)], queue) for n in range(connections)]
    start = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for one in every:
            if one.send():
                selector.register(one.socket, selectors.EVENT_READ, one)
        while selector.get_map():
            for key, _ in selector.select():
                one, before = key.data, key.fileobj
                if not one.receive():
                    continue
                more = one.send()
                if not more or one.socket is not before:
                    selector.unregister(before)
                    if more:
                        selector.register(one.socket, selectors.EVENT_READ, one)
    seconds = time.perf_counter() - start
    times = sorted(took for one in every for took in one.times)
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000  # noqa: E731
    return Result(len(times) / seconds, at(0.5), at(0.99), times[-1] * 1000, sum(one.bad for one in every))


def main() -> None:
    """``python -m tests.benchmarks.load PORT[,PORT…] FILE CONNECTIONS``: FILE holds the raw requests, length-prefixed."""
    ports, file, connections = (
        [int(one) for one in sys.argv[1].split(",")],
        Path(sys.argv[2]),
        int(sys.argv[3]),
    )
    raw, requests, at = file.read_bytes(), [], 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        requests.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    print(json.dumps(asdict(run(ports, requests, connections))))


if __name__ == "__main__":
    main()
