"""Twelve ideas for the monthly theme day (主题党日), each tied to a production problem that it finds or solves."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, read_toml


@dataclass(frozen=True, slots=True, kw_only=True)
class ThemeDay:
    """One month's idea: what is studied, which production problem it serves, the course of the day, and why."""

    month: int
    theme: str
    production: str
    steps: tuple[str, ...]
    why: str

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ContentError(f"month {self.month}", complaint)


def _complaints(day: ThemeDay) -> list[str]:
    checks = {
        "month: 1–12": day.month in range(1, 13),
        "theme: 不能为空，不超过 20 字": 0 < len(day.theme.strip()) <= 20,
        "production: 要写发现或解决什么生产问题": bool(day.production.strip()),
        "steps: 3–4 步": len(day.steps) in (3, 4),
        "steps: 每步不超过 40 字": all(0 < len(step.strip()) <= 40 for step in day.steps),
        "why: 不能为空": bool(day.why.strip()),
    }
    return [complaint for complaint, fine in checks.items() if not fine]


def load(path: Path = ROOT / "theme_days.toml") -> tuple[ThemeDay, ...]:
    """The twelve ideas, January first; :class:`ContentError` when a month is missing, doubled or badly filled."""
    days = sorted(
        (_read(path, table) for table in read_toml(path).get("theme_day", [])), key=lambda day: day.month
    )
    if [day.month for day in days] != list(range(1, 13)):
        raise ContentError(path.name, f"每月一条，共 12 条，现有月份 {[day.month for day in days]}")
    return tuple(days)


def _read(path: Path, table: dict[str, Any]) -> ThemeDay:
    try:
        return ThemeDay(**{**table, "steps": tuple(table.get("steps", ()))})
    except (TypeError, ContentError) as error:
        raise ContentError(path.name, f"month {table.get('month', '?')}: {error}") from error
