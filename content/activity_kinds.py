"""The kinds of activity of a branch as data: who attends, when a vote is valid, what is recorded, how often, by which clause."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from content import ROOT, ContentError, points, read_toml, regulations
from content.regulations import Regulation

PERIODS = ("month", "quarter", "half", "year")


class Attends(StrEnum):
    """Who takes part."""

    MEMBERS = "全体党员"
    COMMITTEE = "支委"
    GROUP = "党小组"
    PAIR = "两人"
    JOINT = "与其他支部"


@dataclass(frozen=True, slots=True)
class Quorum:
    """A vote needs at least ``share`` of those who are named in ``of``."""

    share: Fraction
    of: str


@dataclass(frozen=True, slots=True)
class Cadence:
    """At least ``times`` in each ``per``; a branch may override ``per`` by ``setting`` where that is only local practice."""

    times: int
    per: str
    setting: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityKind:
    """One kind; a mistake in it is a :class:`ContentError` that names it.

    ``points`` is the code of the rule that attendance earns (empty: none), ``study`` whether its time counts as study, ``minutes`` its usual
    length, ``clause`` what prescribes it (None where no Party document does), ``questions`` whether members send questions before it.
    """

    name: str
    attends: Attends
    record: str
    points: str
    study: bool
    minutes: int
    aliases: tuple[str, ...] = ()
    quorum: Quorum | None = None
    cadence: Cadence | None = None
    clause: Regulation | None = None
    questions: bool = False

    def __post_init__(self) -> None:
        for complaint in _complaints(self):
            raise ContentError(str(self.name), complaint)

    @property
    def names(self) -> tuple[str, ...]:
        """The name and all aliases."""
        return (self.name, *self.aliases)


def load(path: Path = ROOT / "activity_kinds.toml") -> tuple[ActivityKind, ...]:
    """All kinds in the order of the file; :class:`ContentError` for a bad one, or a name used twice."""
    clauses = {clause.code: clause for clause in regulations.load()}
    rules = {rule.code for rule in points.load().rules}
    kinds = tuple(_read(path, table, clauses, rules) for table in _tables(path))
    names = [name for kind in kinds for name in kind.names]
    for name in names:
        if names.count(name) > 1:
            raise ContentError(path.name, f"“{name}”用了两次")
    return kinds


@lru_cache(maxsize=1)
def kinds() -> tuple[ActivityKind, ...]:
    """The shipped kinds, read once."""
    return load()


def lookup(name: str) -> ActivityKind | None:
    """The kind of that name or alias."""
    return next((kind for kind in kinds() if name in kind.names), None)


def named_in(text: str) -> tuple[ActivityKind, str] | None:
    """The kind whose name or alias stands first in the text (the longest of those), and the text without it."""
    found = [
        (text.index(name), -len(name), name, kind) for kind in kinds() for name in kind.names if name in text
    ]
    if not found:
        return None
    _, _, name, kind = min(found, key=lambda one: one[:2])
    return kind, text.replace(name, " ", 1)


def _tables(path: Path) -> list[dict[str, Any]]:
    tables = read_toml(path).get("kind")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ContentError(path.name, "请写成 [[kind]]")
    return tables


def _read(
    path: Path, table: dict[str, Any], clauses: Mapping[str, Regulation], rules: Iterable[str]
) -> ActivityKind:
    where = f"{path.name} {table.get('name', '?')}"
    if table.get("points") and table["points"] not in rules:
        raise ContentError(where, f"points: points.toml 里没有 {table['points']}")
    if "clause" in table and table["clause"] not in clauses:
        raise ContentError(where, f"clause: regulations 里没有 {table['clause']}")
    try:
        return ActivityKind(**{**table, **_typed(table, clauses)})
    except ContentError:
        raise
    except (TypeError, ValueError, ZeroDivisionError) as error:
        raise ContentError(where, str(error)) from error


def _typed(table: dict[str, Any], clauses: Mapping[str, Regulation]) -> dict[str, Any]:
    typed: dict[str, Any] = {"attends": Attends(table["attends"])} if "attends" in table else {}
    typed["aliases"] = tuple(table.get("aliases", ()))
    if "quorum" in table:
        typed["quorum"] = Quorum(Fraction(table["quorum"]["share"]), table["quorum"]["of"])
    if "cadence" in table:
        typed["cadence"] = Cadence(**table["cadence"])
    if "clause" in table:
        typed["clause"] = clauses[table["clause"]]
    return typed


def _complaints(kind: ActivityKind) -> Iterator[str]:
    if not all(isinstance(name, str) and name.strip() for name in kind.names):
        yield "name、aliases：不能为空，要用文字"
        return
    checks = {
        "record: 写明留什么记录": bool(kind.record.strip()),
        "study: 只能是 true 或 false": isinstance(kind.study, bool),
        "questions: 只能是 true 或 false": isinstance(kind.questions, bool),
        "minutes: 15 到 480": isinstance(kind.minutes, int) and 15 <= kind.minutes <= 480,
        "quorum: share 在 0 和 1 之间，of 写明是谁": kind.quorum is None
        or (0 < kind.quorum.share <= 1 and bool(kind.quorum.of.strip())),
        f"cadence: times 至少 1，per 只能是 {'、'.join(PERIODS)}": kind.cadence is None
        or (kind.cadence.times >= 1 and kind.cadence.per in PERIODS),
        "clause: 有 cadence 就要有依据": kind.cadence is None or kind.clause is not None,
    }
    yield from (complaint for complaint, fine in checks.items() if not fine)
