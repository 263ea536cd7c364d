"""What the register of hazards goes by: levels with their days, and the words of an emergency."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_toml

CONFIDENCES = ("high", "medium", "check")
LONGEST_DAYS = 365


@dataclass(frozen=True, slots=True)
class Level:
    """How grave a hazard is: ``days`` it is given when nobody names a deadline, ``advice`` for who dispatches it."""

    name: str
    days: int
    advice: str = ""

    def __post_init__(self) -> None:
        if not self.name:
            raise ContentError("level", "要有 name")
        if not 0 < self.days <= LONGEST_DAYS:
            raise ContentError(self.name, f"days 要在 1 到 {LONGEST_DAYS} 之间")


@dataclass(frozen=True, slots=True)
class HazardRules:
    """All of it; the first level is the one that holds when none is named."""

    source: str
    confidence: str
    proposed: str
    emergency: tuple[str, ...]
    escalate_days: int
    levels: tuple[Level, ...]

    def __post_init__(self) -> None:
        if not self.source or self.confidence not in CONFIDENCES:
            raise ContentError("hazards.toml", f"要有 source；confidence 只能是 {'、'.join(CONFIDENCES)}")
        if not self.levels or len({one.name for one in self.levels}) != len(self.levels):
            raise ContentError("hazards.toml", "至少要有一个 level，name 不能重复")
        if any(len(word) < 2 for word in self.emergency):
            raise ContentError("hazards.toml", "emergency 的词至少两个字")
        if self.escalate_days < 1:
            raise ContentError("hazards.toml", "escalate_days 至少是 1")

    def level(self, name: str) -> Level:
        """The level of that name; KeyError when there is none."""
        for one in self.levels:
            if one.name == name:
                return one
        raise KeyError(name)

    def is_emergency(self, text: str) -> bool:
        """Whether a report speaks of danger right now: 着火 does, 火灾隐患 does not."""
        return any(
            re.search(f"{re.escape(word)}(?!的?(?:隐患|风险|危险|可能))", text) for word in self.emergency
        )


def load(path: Path = ROOT / "hazards.toml") -> HazardRules:
    """The shipped rules; :class:`ContentError` for a mistake."""
    return parse(read_toml(path))


def parse(raw: dict[str, Any]) -> HazardRules:
    """Rules from parsed TOML."""
    try:
        levels = tuple(Level(**one) for one in raw["level"])
        about = {name: value for name, value in raw.items() if name not in ("level", "emergency")}
        return HazardRules(**about, emergency=tuple(raw["emergency"]), levels=levels)
    except (TypeError, KeyError) as error:
        raise ContentError("hazards.toml", str(error)) from error
