"""Import of 5,000 questions from Excel with its preview, against calamine alone reading the file plus one bulk insert of the rows."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from python_calamine import CalamineWorkbook
from sqlalchemy import delete, insert, select

from bot import migrations
from bot.db import Base, Database
from bot.models.quiz import Question, QuestionState
from bot.services import organisation, question, question_file, question_import
from content.questions import Question as Checked
from content.questions import load, plain

QUESTIONS = 5000
HEADER = ("题型", "题干", *"ABCDEF", "答案", "解析", "出处", "主题", "难度")
KINDS = {"single": "单选题", "multiple": "多选题", "judge": "判断题", "blank": "填空题"}
LEVELS = ("易", "中", "难")
ROUNDS = 11
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)


def run(say: Callable[[str], None] = print) -> None:
    """Import into a SQLite file that has the shipped bank; the best of eleven rounds of each, taken in turn.

    Processor time is what can be compared on a machine that has other work; the time on the clock stands beside it.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "questions.xlsx"
        write(file, questions(QUESTIONS))
        database = Database(f"sqlite:///{folder}/benchmark.db")
        migrations.upgrade(database)
        with database.write() as session:
            branch = organisation.ensure(session, "压测党支部").id
            question.sync(session, load())
        imports, reads, inserts = [], [], []
        for _ in range(ROUNDS):
            imports.append(_time(partial(imported, database, branch, file)))
            rows = _taken_out(database)
            reads.append(_time(partial(_read, file)))
            inserts.append(_time(partial(_inserted, database, rows)))
            _taken_out(database)
        database.dispose()
    for place, clock in enumerate(("processor time", "clock")):
        whole, read, written = (min(one[place] for one in times) for times in (imports, reads, inserts))
        say(
            f"import of {QUESTIONS} questions with preview, {clock}: {whole * 1000:.0f} ms; calamine alone "
            f"{read * 1000:.0f} ms, one bulk insert {written * 1000:.0f} ms; ratio {whole / (read + written):.2f}"
        )


def questions(count: int) -> list[Checked]:
    """Made-up variants of the shipped questions: as long as real ones, and each unlike the others."""
    chance = random.Random(5)
    shipped = [one for one in load() if one.kind != "case"]
    words = sorted({plain(option) for one in shipped for option in one.options if 2 <= len(option) <= 12})
    made: dict[str, Checked] = {}
    while len(made) < count:
        of = chance.choice(shipped)
        stem = "".join(chance.sample(words, 5)) + "，" + of.stem[-12:]
        made.setdefault(plain(stem), replace(of, code=f"BENCH-{len(made)}", stem=stem[:200]))
    return list(made.values())


def write(file: Path, bank: list[Checked]) -> None:
    """The common template with letters as answers."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("题目")
    sheet.append(HEADER)
    for one in bank:
        options = [*one.options, *[None] * 6][:6]
        answer = "；".join(one.answer) if one.kind == "blank" else "".join(one.answer)
        about = (one.explanation, one.source, one.topic, LEVELS[one.difficulty - 1])
        sheet.append([KINDS[one.kind], one.stem, *options, answer, *about])
    book.save(file)


def imported(database: Database, branch: int, file: Path) -> None:
    """What ``zhibu questions import`` does between the file and the end of the transaction."""
    reading = question_file.read(file)
    with database.read() as session:
        seen = question_import.preview(session, reading, branch)
    with database.write() as session:
        question_import.accept(
            session,
            seen,
            actor=None,
            state=QuestionState.APPROVED,
            now=NOW,
            channel="cli",
            source=file.name,
        )


def _read(file: Path) -> None:
    with CalamineWorkbook.from_path(str(file)) as book:
        book.get_sheet_by_index(0).to_python()


def _inserted(database: Database, rows: list[dict[str, Any]]) -> None:
    with database.write() as session:
        session.execute(insert(Base.metadata.tables["question"]), rows)


def _taken_out(database: Database) -> list[dict[str, Any]]:
    """The branch's questions as rows, which are then deleted."""
    table = Base.metadata.tables["question"]
    own = table.c.branch_id.is_not(None)
    columns = [column for column in table.c if column.name != "id"]
    with database.write() as session:
        rows = [dict(row) for row in session.execute(select(*columns).where(own)).mappings()]
        session.execute(delete(Question).where(Question.branch_id.is_not(None)))
    if len(rows) != QUESTIONS:
        raise RuntimeError(f"{len(rows)} of {QUESTIONS} questions were imported")
    return rows


def _time(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the processor and of the clock."""
    cpu, start = time.process_time(), time.perf_counter()
    work()
    return time.process_time() - cpu, time.perf_counter() - start
