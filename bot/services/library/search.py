"""Finding the entries that answer a question: the database's full-text index names candidates, one function of ours ranks them.

SQLite and PostgreSQL rank differently, so neither is asked to: their indexes only say which entries have a word. Nothing is generated: what is
found is quoted, and what is not found is said to be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, column, select, text
from sqlalchemy.orm import Session

from bot import nlu
from bot.db import dialect_of
from bot.models.library import LibraryEntry, LibraryWord
from bot.models.study import OwnMaterial
from bot.services.library.words import PAIR, voltages, words

SURE = 0.45
"""From this score on an entry is given as the answer; below it only the nearest are named."""
FAINT = 0.2
"""Below this score an entry has nothing to do with the question."""
LONGEST = 120
"""So many characters of a question are read."""
_COMPARED = 50
_MOST_ROWS = 800
"""Common words, which tell little, are left out of the full-text query once the rarer ones match so many entries."""
_ASKED, _COVERED = 0.65, 0.35
_SAID_MORE = 0.35
_OTHER_VOLTAGE = 0.5
"""What remains of the score of a clause about other voltages: another safety distance is the worst wrong answer."""
_OWN = 0.9
"""What a branch added itself stands behind a clause that fits as well: nobody has checked it against the text."""
_OWN_SHOWN, _QUOTED = 3, 200
_UNKNOWN = 5.0
"""The weight of a word that stands nowhere in the library: somewhat like the rarest."""

_CANDIDATES = {
    "sqlite": "SELECT library_search.rowid AS id, weight FROM library_word CROSS JOIN library_search"
    " WHERE word IN :chosen AND library_search MATCH '\"' || word || '\"'",
    "postgresql": "SELECT id, weight FROM library_word, LATERAL (SELECT id FROM library_entry"
    " WHERE library_search @@ to_tsquery('simple', word) OFFSET 0) AS found WHERE word IN :chosen",
}
"""Which entries have which of the chosen words, by the full-text index of each database."""
_BEST = (
    "SELECT id, SUM(weight) AS matched FROM ({}) AS matches GROUP BY id ORDER BY matched DESC, id LIMIT :most"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry with how well it fits the question, from 0 to 1."""

    code: str
    title: str
    text: str
    source: str
    confidence: str
    material: bool
    score: float

    @property
    def sure(self) -> bool:
        return self.score >= SURE


def search(session: Session, question: str, *, branch_id: int | None = None, most: int = 3) -> list[Hit]:
    """The entries that fit a question best, best first, one of each material; none when no word of it stands in the library.

    With a branch its own materials are looked through as well, and nobody else's.
    """
    said = nlu.clean(question)[:LONGEST]
    asked = words(said)
    weights = _weights(session, asked)
    rows = _candidates(session, weights)
    told = {word: weights[word].weight if word in weights else _unknown(word) for word in asked}
    hits = [_hit(row, told, voltages(said)) for row in rows]
    if branch_id is not None:
        hits += _own_hits(session, branch_id, told)
    ranked = sorted((hit for hit in hits if hit.score >= FAINT), key=lambda hit: (-hit.score, hit.code))
    unlike = {hit.title: hit for hit in reversed(ranked)}
    return sorted(unlike.values(), key=lambda hit: (-hit.score, hit.code))[:most]


def named(session: Session, code: str, *, branch_id: int | None = None) -> Hit | None:
    """The entry of a code, as a list of nearest ones offers it; a material of a branch only to that branch."""
    if code.startswith("own/") and code[4:].isdecimal():
        mine = (OwnMaterial.branch_id == branch_id, OwnMaterial.removed_at.is_(None))
        own = session.scalar(select(OwnMaterial).where(OwnMaterial.id == int(code[4:][:9]), *mine))
        return _of_own(own, own.text[:_QUOTED], 1.0) if own else None
    row = session.scalar(select(LibraryEntry).where(LibraryEntry.code == code[:LONGEST]))
    return _of(row, 1.0) if row else None


def _own_hits(session: Session, branch_id: int, told: Mapping[str, float]) -> list[Hit]:
    """The branch's materials that have a word of the question: a few hundred at most, so all are compared."""
    ours = (OwnMaterial.branch_id == branch_id, OwnMaterial.removed_at.is_(None))
    rows = [
        row for row in session.scalars(select(OwnMaterial).where(*ours)) if told.keys() & set(row.words[1])
    ]
    known = _weights(session, {word for row in rows for word in row.words[0]}) if rows else {}
    weights = {word: row.weight for word, row in known.items()}
    scored = sorted(((_own_score(row, told, weights), row.id, row) for row in rows), reverse=True)
    return [_of_own(row, _best_line(row.text, told), score) for score, _, row in scored[:_OWN_SHOWN]]


def _own_score(row: OwnMaterial, told: Mapping[str, float], known: Mapping[str, float]) -> float:
    """By title and text like a clause, or by the text alone when it has nearly all that is asked: nobody wrote ways of asking for it."""
    asked = sum(told.values())
    title, whole = row.words
    total = sum(known.get(word, _unknown(word)) for word in title)
    alike = _alike([total, *title], told, asked) if title else 0.0
    covered = sum(told.get(word, 0.0) for word in whole) / asked
    return round(_OWN * max(_ASKED * alike + _COVERED * covered, covered**2), 6)


def _best_line(text: str, told: Mapping[str, float]) -> str:
    """The paragraph that has most of a question's words, cut to what an answer has room for."""
    return max(text.splitlines() or [""], key=lambda line: len(told.keys() & words(line)))[:_QUOTED]


def _of_own(row: OwnMaterial, quoted: str, score: float) -> Hit:
    text = "\n".join(part for part in (quoted, f"全文请发：学习资料 {row.id}") if part)
    source = row.link or "本支部添加的资料"
    return Hit(f"own/{row.id}", row.title, text, source, "medium", True, score)


def _weights(session: Session, asked: Iterable[str]) -> dict[str, Row[str, int, float]]:
    """The words of a question that stand in the library."""
    columns = (LibraryWord.word, LibraryWord.entries, LibraryWord.weight)
    found = session.execute(select(*columns).where(LibraryWord.word.in_(asked)))
    return {row.word: row for row in found}


def _unknown(word: str) -> float:
    return _UNKNOWN * (0.5 if word.startswith(PAIR) else 1)


def _candidates(session: Session, weights: Mapping[str, Row[str, int, float]]) -> list[Row[Any]]:
    """The entries that have most of a question's rarest words, found by the full-text index."""
    chosen = _rarest(weights.values())
    if not chosen:
        return []
    best = (
        text(_BEST.format(_CANDIDATES[dialect_of(session)]))
        .bindparams(bindparam("chosen", chosen, expanding=True), most=_COMPARED)
        .columns(column("id"), column("matched"))
        .subquery()
    )
    columns = (
        best.c.matched,
        LibraryEntry.code,
        LibraryEntry.title,
        LibraryEntry.text,
        LibraryEntry.source,
        LibraryEntry.confidence,
        LibraryEntry.material,
        LibraryEntry.asks,
    )
    return list(session.execute(select(*columns).join(best, best.c.id == LibraryEntry.id)))


def _rarest(known: Iterable[Row[str, int, float]]) -> list[str]:
    """At least one word, and more while they match few entries. Words hold letters, digits and characters only: nothing in them is an operator."""
    chosen: list[str] = []
    rows = 0
    for word in sorted(known, key=lambda row: (row.entries, row.word)):
        rows += word.entries
        if chosen and rows > _MOST_ROWS:
            break
        chosen.append(word.word)
    return chosen


def _hit(row: Row[Any], told: Mapping[str, float], volts: frozenset[str]) -> Hit:
    asked = sum(told.values())
    alike = max((_alike(ask, told, asked) for ask in row.asks), default=0.0)
    covered = row.matched / asked
    factor = 1 if volts <= voltages(f"{row.title}{row.text}") else _OTHER_VOLTAGE
    score = factor * (_ASKED * alike + _COVERED * covered)
    return _of(row, round(score, 6))


def _of(row: Row[Any] | LibraryEntry, score: float) -> Hit:
    return Hit(row.code, row.title, row.text, row.source, row.confidence, row.material, score)


def _alike(ask: list[Any], told: Mapping[str, float], asked: float) -> float:
    """How much of a way of asking stands in a question, weighted by rarity; what else the question says counts less."""
    total: float = ask[0]
    return sum(told.get(word, 0.0) for word in ask[1:]) / (_SAID_MORE * asked + (1 - _SAID_MORE) * total)
