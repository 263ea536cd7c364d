"""The reader of the log finds what must not be there."""

from __future__ import annotations

import logging

import pytest

from bot.config import Settings
from tests.conftest import SECRET
from tests.discretion import Discretion

log = logging.getLogger("zhibu.test_discretion")


@pytest.mark.parametrize(
    "line",
    ["called 13900001234 back", f"key is {SECRET}", "GET /cgi-bin/message/send?access_token=abcdefgh12345"],
)
def test_a_telling_line_is_found(line: str, settings: Settings, discretion: Discretion) -> None:
    log.info("%s", line)
    assert discretion.indiscretions() == [line]
    discretion.lines.clear()


def test_a_secret_in_a_traceback_is_found(settings: Settings, discretion: Discretion) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("it broke")
    assert len(discretion.indiscretions()) == 1
    discretion.lines.clear()


def test_numbers_of_messages_are_no_telephones(discretion: Discretion) -> None:
    log.info("answered message=%d ms=%.1f", 713900001234567890, 12.5)
    assert discretion.lines
    assert discretion.indiscretions() == []
