"""The short version of the sixty days."""

from __future__ import annotations

import pytest

from tests.faults import days


def test_every_slot_runs_once_although_nodes_die(caplog: pytest.LogCaptureFixture) -> None:
    figures = days.run("sqlite", 4, seed=5, most_step=60, say=lambda line: None)
    assert figures.deaths > 3
    assert figures.studies >= 36
    assert figures.pushed_twice == 0
