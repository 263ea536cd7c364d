"""From `zhibu demo` to the first answered message, and the demo's memory."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

PORT = 18931


def run(say: Callable[[str], None] = print) -> None:
    """Start the demo twice (the second start is warm), talk once, print seconds and megabytes."""
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first start", "warm start"):
            seconds, memory = _once(Path(folder))
            say(f"demo, {name}: first answer after {seconds:.1f} s, {memory:.0f} MB a little later")


def _once(folder: Path) -> tuple[float, float]:
    start = time.perf_counter()
    command = [sys.executable, "-c", "from bot.cli import main; main()", "demo", "--port", str(PORT)]
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _until(lambda: _post("/simulator/say", {"who": "zhangwei", "text": "积分"}))
        _until(lambda: any(b["side"] == "bot" for b in _state()))
        seconds = time.perf_counter() - start
        time.sleep(5)
        status = Path(f"/proc/{process.pid}/status").read_text()
        return seconds, int(status.partition("VmRSS:")[2].split()[0]) / 1024
    finally:
        process.terminate()
        process.wait(20)


def _until(done: Callable[[], object]) -> None:
    for _ in range(600):
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            if done():
                return
        time.sleep(0.05)
    raise RuntimeError("the demo did not answer")


def _post(path: str, order: dict[str, str]) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{PORT}{path}", json.dumps(order).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return bool(answer.status < 300)


def _state() -> list[dict[str, str]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/simulator/state?since=0", timeout=10) as answer:
        found: list[dict[str, str]] = json.load(answer)["bubbles"]
    return found
