"""One branch through the year 2026, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot import app as composition
from bot.cli_points import points as points_command
from bot.clock import Clock
from bot.config import Settings
from bot.services import setting
from bot.simulator import world
from content.holidays import Freeze, load
from tests.conftest import SHANGHAI, fresh_database
from tests.stage import Stage
from tests.year import compare, play, story

SECRET = "a secret only for tests"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database with the schema and the shipped content, as it is before the first day."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'year.db'}"
        return
    with fresh_database(request.getfixturevalue("postgresql_server")) as url:
        yield url


@pytest.fixture
def year(empty_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[play.Year]:
    """The branch on the morning of the first day, in a year with the story's freeze."""
    calendar = load()
    frozen = type(calendar)(calendar.off, calendar.work, calendar.years, (Freeze(*story.FREEZE),))
    monkeypatch.setattr(setting, "calendar", lambda: frozen)
    monkeypatch.setattr(world, "KEPT", 10**6)
    clock = Clock(SHANGHAI, start=story.BEGIN)
    settings = Settings.model_validate({"database_url": empty_database, "secret_key": SECRET})
    first = composition.build(settings, clock=clock)
    composition.prepare(first)
    first.database.dispose()
    stage = Stage(empty_database, clock, secret=SECRET)
    play.fill(stage)
    yield play.Year(stage)
    stage.close()


def test_a_year_of_a_branch(year: play.Year, empty_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ledger, documents, points, settlements, messages and alarms are what the story, the rules and the calendar make of them."""
    year.play()
    compare.everything(year)
    monkeypatch.setenv("ZHIBU_DATABASE_URL", empty_database)
    monkeypatch.setenv("ZHIBU_SECRET_KEY", SECRET)
    done = CliRunner().invoke(points_command, ["verify"])
    assert (done.exit_code, "all well" in done.output) == (0, True), done.output
