"""提问 over 10,000 entries on both databases: every question of the list that people asked, and each again as a long one."""

from __future__ import annotations

import random
import tempfile
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot import app as composition
from bot import migrations
from bot.config import Settings
from bot.db import Database
from bot.services.library import entries, search
from bot.services.library.entries import Passage
from content import materials, questions, regulations
from tests.benchmarks.webhook import postgresql

ENTRIES = 10_000
ALLOWED_MS = 20
"""What issue 3 allows a question."""
ASKED = Path(__file__).parent.parent / "content" / "questions_asked.toml"
BEFORE = (
    "你好，我是检修班的，昨天班里几个人为这件事争了半天，谁也说服不了谁，想请支部给个准话，也省得以后再争："
)


def run(say: Callable[[str], None] = print) -> None:
    """Fill, ask everything once to warm up, then time each question alone; of five times the best counts, as the machine has other work."""
    asked = said()
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as postgres:
        for kind, url in (("SQLite", f"sqlite:///{Path(name) / 'search.db'}"), ("PostgreSQL", postgres)):
            if url is None:
                continue
            composition.build(
                Settings.model_validate({"database_url": url, "secret_key": "only for benchmarks"})
            )
            database = Database(url)
            filled = fill(database)
            for question in asked:
                timed(database, question)
            times = sorted(min(timed(database, question) for _ in range(5)) for question in asked)
            database.dispose()
            say(
                f"提问 over {ENTRIES} entries, {kind}: {len(times)} questions, best of 5 each: p50 {times[len(times) // 2]:.1f} ms, "
                f"p99 {times[int(len(times) * 0.99)]:.1f} ms, worst {times[-1]:.1f} ms; worst is {times[-1] / ALLOWED_MS:.2f} "
                f"of the {ALLOWED_MS} ms allowed (filled in {filled:.1f} s)"
            )


def said() -> list[str]:
    """The questions as they are, then each of them at the end of a long message, then the same word over and over."""
    data = tomllib.loads(ASKED.read_text(encoding="utf-8"))
    asked = [row[0] for row in data["answered"]] + data["unanswered"]
    return [*asked, *(f"{BEFORE}{question}" for question in asked), "党员" * 1000, "".join(asked)[:2000]]


def fill(database: Database) -> float:
    """10,000 entries: the shipped ones and others made of their sentences, so that words are as frequent as in a large library. Seconds taken."""
    migrations.upgrade(database)
    start = time.perf_counter()
    with database.write() as session:
        entries.refill(session, passages(), "benchmark")
    return time.perf_counter() - start


def passages() -> list[Passage]:
    """The shipped entries, and mixtures of their sentences with names of places and equipment that no other has."""
    shipped = entries.passages(regulations.load(), materials.load(), questions.load())
    chance = random.Random(1)
    sentences = [part for passage in shipped for part in passage.text.split("。") if part]
    asks = [ask for passage in shipped for ask in passage.asks]
    return shipped + [
        replace(
            chance.choice(shipped),
            code=f"B{n}",
            title=f"第{n}号细则",
            text="。".join([*chance.sample(sentences, 3), f"适用于{n}号变电站。"]),
            asks=(f"{chance.choice(asks)}（{n}号变电站）", chance.choice(asks)),
        )
        for n in range(ENTRIES - len(shipped))
    ]


def timed(database: Database, question: str) -> float:
    """Milliseconds for one question in a transaction of its own, as a message has it."""
    start = time.perf_counter()
    with database.read() as session:
        search.search(session, question)
    return (time.perf_counter() - start) * 1000
