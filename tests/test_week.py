"""A member's whole week on both databases, with a restart in its middle, is what README shows."""

from __future__ import annotations

import pytest

from bot.clock import Clock
from tests import readme, week
from tests.stage import Stage

MOST_LINES = 40


@pytest.fixture
def clock() -> Clock:
    """The evening before the week."""
    return Clock(week.SUNDAY_EVENING.tzinfo, start=week.SUNDAY_EVENING)  # type: ignore[arg-type]


def test_the_week_that_readme_shows_is_the_one_that_is_played(stage: Stage) -> None:
    with week.same_draw():
        transcript = week.play(stage)
    lines = transcript.splitlines()
    duty = next(place for place, line in enumerate(lines) if "今天值班" in line)
    after = next(line for line in lines[duty:] if line.startswith("周四"))
    assert "推送" not in lines[duty - 1], "on duty nothing is pushed"
    assert after.count("推送") == 1, "and nothing is made up for afterwards"
    assert any("本周学了 3 天（3 天算一周），近12周有 1 周" in line for line in lines[duty:])
    assert len(lines) <= MOST_LINES
    text = readme.README.read_text(encoding="utf-8")
    assert readme.with_week(text, transcript) == text, "run: python -m tests.readme"
