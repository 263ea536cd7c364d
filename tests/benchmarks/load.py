"""A load of prepared requests over keep-alive connections, from a process of its own, so that the server's figures are the server's."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

MARK = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Result:
    """Requests a second, milliseconds (median, 99 of 100, worst), and how many were not answered with 200 and a body."""

    rate: float
    p50: float
    p99: float
    worst: float
    bad: int


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, raw: bytes) -> bool:
    writer.write(raw)
    head = await reader.readuntil(MARK)
    lower = head.lower()
    length = int(lower.split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length) if length else b""
    return head.startswith(b"HTTP/1.1 200") and bool(body)


async def _worker(port: int, queue: list[bytes], times: list[float], bad: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while queue:
        raw = queue.pop()
        start = time.perf_counter()
        try:
            well = await _ask(reader, writer, raw)
        except (asyncio.IncompleteReadError, ConnectionError):
            well = False
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
        times.append(time.perf_counter() - start)
        if not well:
            bad[0] += 1
    writer.close()


async def run(ports: list[int], requests: list[bytes], connections: int) -> Result:
    """Send all requests, each once, over so many connections, which go to the ports in turn."""
    queue, times, bad = requests[::-1], [], [0]
    start = time.perf_counter()
    await asyncio.gather(*(_worker(ports[n % len(ports)], queue, times, bad) for n in range(connections)))
    seconds = time.perf_counter() - start
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] * 1000  # noqa: E731
    return Result(len(times) / seconds, at(0.5), at(0.99), times[-1] * 1000, bad[0])


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
    print(json.dumps(asdict(asyncio.run(run(ports, requests, connections)))))


if __name__ == "__main__":
    main()
