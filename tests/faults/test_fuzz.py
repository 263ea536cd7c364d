"""The short version of the fuzzer; always the same examples."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.faults import fuzz
from tests.stage import Stage

SEED = 20261123


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Stage]:
    """The product with things under way, on SQLite."""
    with fuzz.staged(fuzz.database_in(tmp_path)) as stage:
        yield stage


def test_every_text_is_answered_with_something(busy: Stage) -> None:
    assert fuzz.chat(busy, 2000, SEED) >= 2000


def test_a_bent_request_has_no_effect(busy: Stage) -> None:
    assert fuzz.envelopes(busy, 500, SEED) > 200


def test_odd_messages_with_a_valid_signature_do_no_harm(busy: Stage) -> None:
    assert fuzz.inner(busy, 500, SEED) >= 500


def test_a_number_beyond_all_measure_is_answered(stage: Stage) -> None:
    for command in stage.bot.routes.router.commands:
        stage.clock.sleep(timedelta(seconds=1))
        said = f"{command.word} 9223372036854775808"
        answer = stage.platform.say("王建国", said).text
        assert answer, said
        assert fuzz.APOLOGY not in answer, said
        stage.platform.say("王建国", "退出")
