"""README says what the code does."""

from __future__ import annotations

from tests import readme


def test_the_tables_are_current() -> None:
    text = readme.README.read_text(encoding="utf-8")
    assert readme.render(text) == text, "run: python -m tests.readme"
