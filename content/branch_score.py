"""The versions of 战斗堡垒指数: which parts count how much, from when, by whose word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_toml

CODES = ("cadence", "study", "hazards", "tasks")
CONFIDENCES = ("high", "medium", "check")


@dataclass(frozen=True, slots=True)
class Part:
    """One part: it counts ``weight`` of 100 in full from the share ``target`` on."""

    code: str
    name: str
    weight: int
    target: float

    def __post_init__(self) -> None:
        if self.code not in CODES:
            raise ContentError(str(self.code), f"code 只能是 {'、'.join(CODES)}")
        if not (self.name and self.weight > 0 and 0 < self.target <= 1):
            raise ContentError(self.code, "要有 name，weight 大于0，target 在 0 到 1 之间")


@dataclass(frozen=True, slots=True)
class Version:
    """All parts from a day on, with the source and how sure it is."""

    number: int
    valid_from: date
    source: str
    confidence: str
    parts: tuple[Part, ...]

    def __post_init__(self) -> None:
        if sum(part.weight for part in self.parts) != 100:
            raise ContentError(f"第{self.number}版", "各部分的 weight 加起来要等于 100")
        if len({part.code for part in self.parts}) != len(self.parts):
            raise ContentError(f"第{self.number}版", "同一个 code 只能写一次")
        if not self.source or self.confidence not in CONFIDENCES:
            raise ContentError(
                f"第{self.number}版", f"要有 source；confidence 只能是 {'、'.join(CONFIDENCES)}"
            )


def load(path: Path = ROOT / "branch_score.toml") -> tuple[Version, ...]:
    """All versions, the latest first; :class:`ContentError` for a mistake."""
    return parse(read_toml(path))


def parse(raw: dict[str, Any]) -> tuple[Version, ...]:
    """Versions from parsed TOML."""
    try:
        versions = [_version(one) for one in raw["version"]]
    except (TypeError, KeyError) as error:
        raise ContentError("branch_score.toml", str(error)) from error
    if len({one.valid_from for one in versions}) != len(versions):
        raise ContentError("branch_score.toml", "两个版本的 valid_from 相同")
    return tuple(sorted(versions, key=lambda one: one.valid_from, reverse=True))


def _version(raw: dict[str, Any]) -> Version:
    about = {name: value for name, value in raw.items() if name != "part"}
    return Version(**about, parts=tuple(Part(**part) for part in raw["part"]))
