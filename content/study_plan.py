"""The year's study plan: one material for each of 52 ISO weeks, at least a third of them tied to that month's production."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, materials, read_toml

WEEKS = 52
FEWEST_TIED = 18  # more than a third of 52


@dataclass(frozen=True, slots=True, kw_only=True)
class Week:
    """One ISO week: the code of its material, the Party theme, and the production theme of the season (or empty)."""

    week: int
    material: str
    theme: str
    production: str = ""

    def __post_init__(self) -> None:
        if self.week not in range(1, WEEKS + 1):
            raise ContentError(f"week {self.week}", f"week: 1–{WEEKS}")
        if not self.material or not self.theme.strip():
            raise ContentError(f"week {self.week}", "material 和 theme 不能为空")


def load(path: Path = ROOT / "study_plan.toml") -> tuple[Week, ...]:
    """The 52 weeks in order; :class:`ContentError` when one is missing, doubled, without material, or too few are tied to production."""
    plan = tuple(
        sorted((_read(path, table) for table in read_toml(path).get("week", [])), key=lambda week: week.week)
    )
    for complaint in complaints(plan, {item.code for item in materials.load()}):
        raise ContentError(path.name, complaint)
    return plan


def week_of(plan: tuple[Week, ...], day: date) -> Week:
    """The plan's week for a date by the ISO calendar; a 53rd week, which some years have, repeats the 52nd."""
    return plan[min(day.isocalendar().week, WEEKS) - 1]


def _read(path: Path, table: dict[str, Any]) -> Week:
    try:
        return Week(**table)
    except (TypeError, ContentError) as error:
        raise ContentError(path.name, f"week {table.get('week', '?')}: {error}") from error


def complaints(plan: tuple[Week, ...], codes: set[str]) -> list[str]:
    """What is wrong with a plan, given the codes of all materials; empty when it may be used."""
    numbers = [week.week for week in plan]
    used = [week.material for week in plan]
    tied = sum(bool(week.production) for week in plan)
    missing = sorted(set(range(1, WEEKS + 1)) - set(numbers))
    checks = {
        f"缺少第 {missing} 周": not missing,
        f"周次重复：{_doubled(numbers)}": not _doubled(numbers),
        f"没有这些学习材料：{sorted(set(used) - codes)}": set(used) <= codes,
        f"材料排了两次：{_doubled(used)}": not _doubled(used),
        f"结合生产的只有 {tied} 周，至少 {FEWEST_TIED} 周": tied >= FEWEST_TIED,
    }
    return [complaint for complaint, fine in checks.items() if not fine]


def _doubled(values: Sequence[object]) -> list[object]:
    return [value for place, value in enumerate(values) if value in values[:place]]
