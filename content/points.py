"""The rules of points: dimensions with their caps, and what earns how much."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from content import ROOT, ContentError, read_toml

PERIODS = ("day", "month", "quarter")
GIVERS = ("书记", "副书记", "组织委员", "宣传委员", "纪检委员")
"""Who may stand under ``givers``."""
BRANCH_VERSIONS = 1000
"""Versions from here on are a branch's own; they are in the database."""


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the four dimensions; ``cap`` is the most that counts in a quarter."""

    name: str
    cap: int


@dataclass(frozen=True, slots=True)
class Rule:
    """What earns points. ``given`` rules are awarded by ``givers``, up to ``most`` at a time; at most ``cap`` points count per ``per``.

    ``words`` are what else people call it. ``label`` names a version of a branch's own, which may be out of use (not ``active``).
    """

    code: str
    version: int
    dimension: str
    name: str
    points: int
    per: str
    cap: int
    valid_from: date
    valid_to: date | None = None
    given: bool = False
    most: int = 0
    givers: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    active: bool = True
    label: str = ""

    @property
    def edition(self) -> str:
        """第1版, or 本支部第2版."""
        return self.label or f"第{self.version}版"

    def __post_init__(self) -> None:
        if self.per not in PERIODS:
            raise ContentError(self.code, f"per 只能是 {'、'.join(PERIODS)}")
        if not 0 < self.points <= self.cap:
            raise ContentError(self.code, "points 必须大于0且不超过 cap")
        if not self.label and not 0 < self.version < BRANCH_VERSIONS:
            raise ContentError(self.code, f"version 要在 1 到 {BRANCH_VERSIONS - 1} 之间")
        if self.given and self.most < self.points:
            raise ContentError(self.code, "most 不能小于 points")
        if bool(self.givers) != self.given or not set(self.givers) <= set(GIVERS):
            raise ContentError(self.code, f"given 的规则要写 givers，只能是 {'、'.join(GIVERS)}")

    def valid_on(self, day: date) -> bool:
        """Whether this version is in force on a day."""
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


@dataclass(frozen=True, slots=True)
class PointRules:
    """All dimensions and all versions of all rules."""

    dimensions: tuple[Dimension, ...]
    rules: tuple[Rule, ...]

    def rule(self, code: str, day: date) -> Rule:
        """The version of a rule in force on a day; KeyError when there is none."""
        for rule in self.rules:
            if rule.code == code and rule.valid_on(day):
                return rule
        raise KeyError(code)

    def in_force(self, code: str, day: date) -> bool:
        """Whether a rule has a version in force on a day."""
        return any(rule.code == code and rule.valid_on(day) for rule in self.rules)

    def cap(self, dimension: str) -> int:
        """The most that counts in a quarter in a dimension."""
        return next(d.cap for d in self.dimensions if d.name == dimension)


def load() -> PointRules:
    """The shipped rules; :class:`ContentError` when a rule is wrong or two versions of one overlap."""
    raw = read_toml(ROOT / "points.toml")
    return parse(raw)


def parse(raw: dict[str, Any]) -> PointRules:
    """Rules from parsed TOML."""
    dimensions = tuple(Dimension(**one) for one in raw["dimension"])
    try:
        rules = tuple(_rule(one) for one in raw["rule"])
    except TypeError as error:
        raise ContentError("points.toml", str(error)) from error
    names = {d.name for d in dimensions}
    for rule in rules:
        if rule.dimension not in names:
            raise ContentError(rule.code, f"没有这个维度：{rule.dimension}")
        for other in rules:
            if other is not rule and other.code == rule.code and _overlap(rule, other):
                raise ContentError(rule.code, f"版本 {rule.version} 与 {other.version} 的有效期重叠")
    return PointRules(dimensions, rules)


def _rule(raw: dict[str, Any]) -> Rule:
    return Rule(**{**raw, **{name: tuple(raw.get(name, ())) for name in ("words", "givers")}})


def _overlap(one: Rule, other: Rule) -> bool:
    return (one.valid_to is None or other.valid_from <= one.valid_to) and (
        other.valid_to is None or one.valid_from <= other.valid_to
    )
