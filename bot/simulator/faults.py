"""How the platform's API can misbehave on demand, and what one call and one answer look like."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any, Literal

FaultKind = Literal["code", "hang", "html", "close", "drip", "accept_then_timeout"]
SENDING = "message/"


class ApiError(Exception):
    """The API refuses with this errcode."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.text = code, text


@dataclass(frozen=True, slots=True)
class Upload:
    """The file of a multipart call."""

    name: str
    mimetype: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One API call; ``path`` is what follows ``/cgi-bin/``."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    upload: Upload | None = None

    def json(self) -> dict[str, Any]:
        """The body; errcode 47001 when it is not a JSON object."""
        try:
            data = json.loads(self.body)
        except ValueError:
            data = None
        if not isinstance(data, dict):
            raise ApiError(47001, "data format error")
        return data


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. ``delay`` and ``drip`` are seconds (before the first byte, and over the whole body); ``cut`` breaks the connection."""

    body: bytes
    mimetype: str = "application/json; charset=utf-8"
    delay: float = 0
    drip: float = 0
    cut: bool = False


def json_answer(code: int = 0, text: str = "ok", **more: Any) -> Answer:
    """``{"errcode": …, "errmsg": …, …}``."""
    return Answer(json.dumps({"errcode": code, "errmsg": text} | more, ensure_ascii=False).encode())


@dataclass(slots=True)
class Fault:
    """One kind of trouble for the next ``times`` calls whose path contains ``on``."""

    kind: FaultKind
    times: int
    on: str
    code: int = 0
    seconds: float = 0


class Faults:
    """The troubles ordered, oldest first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ordered: list[Fault] = []

    def order(self, fault: Fault) -> None:
        """Let the next fitting calls fail."""
        with self._lock:
            self._ordered.append(fault)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._ordered.clear()

    def take(self, path: str) -> Fault | None:
        """The trouble for this call, which is then used up by one."""
        with self._lock:
            for fault in self._ordered:
                if fault.on in path:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._ordered.remove(fault)
                    return fault
        return None


def misbehave(fault: Fault, serve: Callable[[], Answer]) -> Answer:
    """The answer to a call that meets ``fault``; ``serve`` does the real work where the fault lets it happen."""
    if fault.kind == "code":
        return json_answer(fault.code, "ordered by the simulator")
    if fault.kind == "html":
        return Answer("<html><body>请先登录网络</body></html>".encode(), "text/html; charset=utf-8")
    if fault.kind == "close":
        return Answer(b'{"errcode"', cut=True)
    if fault.kind == "hang":
        return replace(json_answer(-1, "system busy"), delay=fault.seconds)
    if fault.kind == "drip":
        return replace(serve(), drip=fault.seconds)
    return replace(serve(), delay=fault.seconds)
