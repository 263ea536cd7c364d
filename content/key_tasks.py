"""The register of key tasks: its categories, and when a task is called near or long overdue."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_toml

FILE = "key_tasks.toml"


@dataclass(frozen=True, slots=True)
class Category:
    """A kind of task, and the words by which it is guessed."""

    name: str
    words: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.name or not self.words or any(len(word) < 2 for word in self.words):
            raise ContentError(FILE, f"“{self.name}”要有 name 和 words，每个词至少两个字")


@dataclass(frozen=True, slots=True)
class Register:
    """All categories, and the days; ``source`` says by whose word."""

    near_days: int
    escalate_days: int
    source: str
    categories: tuple[Category, ...]

    def __post_init__(self) -> None:
        if not 0 < self.near_days <= 30 or not 0 < self.escalate_days <= 90:
            raise ContentError(FILE, "near_days 要在 1 到 30 之间，escalate_days 要在 1 到 90 之间")
        if not self.source:
            raise ContentError(FILE, "要有 source")
        names = [one.name for one in self.categories]
        if not names or len(set(names)) != len(names):
            raise ContentError(FILE, "要有 category，名字不能相同")

    def guess(self, name: str) -> str:
        """The first category of which a word stands in the name of a task; the empty string for none."""
        return next((one.name for one in self.categories if any(word in name for word in one.words)), "")

    def named(self, said: str) -> str:
        """The category of that name; the empty string for none."""
        return next((one.name for one in self.categories if one.name == said), "")


def load(path: Path = ROOT / FILE) -> Register:
    """The shipped register; :class:`ContentError` for a mistake."""
    return parse(read_toml(path))


def parse(raw: dict[str, Any]) -> Register:
    """The register from parsed TOML."""
    try:
        categories = tuple(
            Category(**{**one, "words": tuple(one.get("words", ()))}) for one in raw["category"]
        )
        fields = {name: value for name, value in raw.items() if name != "category"}
        return Register(**fields, categories=categories)
    except (TypeError, KeyError) as error:
        raise ContentError(FILE, str(error)) from error
