"""How SQLite finds rows: no statement of the product may read a whole table that grows with use, whatever the test has put into it."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, UniqueConstraint, event
from sqlalchemy.engine import Engine

import bot.models  # noqa: F401  (completes the metadata)
from bot.db import Base

ROOT = Path(__file__).parent.parent
GROWING = frozenset(
    [
        "activity",
        "attempt",
        "attendance",
        "audit_entry",
        "claim",
        "conversation",
        "hazard",
        "hazard_step",
        "identity",
        "inbox",
        "key_task",
        "key_task_step",
        "material_read",
        "member",
        "notice",
        "outbox",
        "point_balance",
        "point_entry",
        "quiz_run",
        "receipt",
        "reflection",
        "review_card",
        "sign_up",
        "status_change",
        "study_record",
        "transfer",
    ]
)
"""Each member, each day or each activity adds rows."""
FEW_ROWS = ("ix_outbox_due", "ix_outbox_held", "ix_outbox_recalling", "uq_quiz_run_open")
"""Indexes of what is waiting or open only; all of it may be read."""
ALLOWED = {
    "bot/migrations/": "once, at an upgrade",
    "bot/backup.py": "a backup is of everything",
    "bot/demo.py": "the demo's few",
    "bot/services/directory.py": "a comparison with the directory is of everybody",
    "bot/services/personal_data.py": "once in a member's life",
    "bot/services/roster.py": "a roster is compared with everybody",
    "bot/services/branch.py": "an administrator's list of branches with the number of their members",
    "bot/services/development.py": "once a day",
    "bot/services/item_statistics.py": "once a night",
    "bot/services/audit.py": "backwards, until a page is full",
    "scheduler/housekeeping.py": "once a night",
}
_READS = re.compile(r"SELECT|UPDATE|DELETE|WITH")
_NULL_IS_ONE = frozenset(
    column.name
    for table in Base.metadata.tables.values()
    for key in table.constraints
    if isinstance(key, UniqueConstraint) and len(key.columns) == 1
    for column in key.columns
    if column.nullable
)
"""SQLite believes that a unique index leads to one row, also where it is asked for all that are NULL."""


class Plans:
    """The plans of all statements of the product, each looked at once; ``bad`` are those that read too much."""

    def __init__(self) -> None:
        self.bad: list[str] = []
        self._known: set[str] = set()
        event.listen(Engine, "before_cursor_execute", self._look)

    def _look(
        self, connection: Connection, _cursor: Any, statement: str, values: Any, _context: Any, many: bool
    ) -> None:
        if connection.dialect.name != "sqlite" or statement in self._known or not _READS.match(statement):
            return
        caller = _caller()
        if caller is None:  # what a test changed is written when its block ends
            return
        self._known.add(statement)
        if not caller.startswith(tuple(ALLOWED)):
            plan = plan_of(connection, statement, values[0] if many else values)
            self.bad += [f"{step}\n{statement}\n{caller}" for step in plan if reads_too_much(step, statement)]


def reads_too_much(step: str, statement: str) -> bool:
    """Whether a step of a plan reads a whole growing table, or all of its rows that have a NULL."""
    if found := re.match(r"SCAN (\w+)", step):
        name = found[1]
        aliased = re.search(rf"(\w+) AS {name}\b", statement)
        return (aliased[1] if aliased else name) in GROWING and not step.endswith(FEW_ROWS)
    return any(f"({column}=?" in step and f".{column} IS NULL" in statement for column in _NULL_IS_ONE)


def plan_of(connection: Connection, statement: str, values: Sequence[Any]) -> list[str]:
    """The steps by which SQLite would find the rows; partial indexes depend on the values."""
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        return [row[3] for row in cursor.fetchall()]


def _caller() -> str | None:
    """The nearest file of the product that leads to the statement; None when a test makes it itself."""
    frame = sys._getframe(2)
    while frame is not None:
        path = Path(frame.f_code.co_filename)
        if path.is_relative_to(ROOT) and ".venv" not in path.parts:
            place = path.relative_to(ROOT).as_posix()
            if place != "bot/db.py":
                return None if place.startswith("tests/") else place
        frame = frame.f_back  # type: ignore[assignment]
    return None
