"""Filling the library: every clause and every passage of a study material as a row, its words cut and counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain
from typing import Any

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from bot import nlu
from bot.db import dialect_of
from bot.models.library import LibraryEntry, LibraryWord
from bot.services.library.words import PAIR, is_form, words
from content import regulations
from content.materials import Material
from content.questions import Question
from content.regulations import Regulation

METHOD = 1
"""Counted up when words are cut or weighed differently, so that a filled library is made anew."""
QUOTED = ("code", "title", "text", "source", "confidence", "material")
_PAIR_WEIGHT, _FORM_WEIGHT = 0.5, 0.45


_COLON = "："


@dataclass(frozen=True, slots=True)
class Passage:
    """What can be found: the text that is quoted, where it comes from, and ways of asking for it."""

    code: str
    title: str
    text: str
    source: str
    confidence: str
    asks: tuple[str, ...]
    material: bool = False
    about: str = ""


def of_clause(clause: Regulation) -> Passage:
    """A clause is one passage."""
    source = f"{clause.document}{clause.article}（{clause.issued}）"
    asks = tuple(dict.fromkeys([clause.title, *clause.asks]))
    return Passage(
        clause.code, clause.title, clause.text, source, clause.confidence, asks, about=clause.topic
    )


def of_material(material: Material, questions: Iterable[Question]) -> Iterator[Passage]:
    """A study material is its digest and each of its paragraphs. What its questions ask is asked of the paragraph that has most of their words."""
    texts = [material.digest, *material.body.splitlines()]
    named = dict.fromkeys([material.title, *material.title.split(_COLON)])
    asks: list[list[str]] = [list(named), *([] for _ in texts[1:])]
    said = [words(one) for one in texts]
    for question in questions:
        wanted = words(f"{question.stem}{question.explanation}")
        best = max(range(1, len(texts)), key=lambda place: len(wanted & said[place]))
        asks[best].append(question.stem)
    for place, one in enumerate(texts):
        yield Passage(
            f"{material.code}/{place}",
            material.title,
            one,
            material.source,
            material.confidence,
            tuple(asks[place]),
            material=True,
            about=f"{material.title} {material.topic}",
        )


def passages(
    clauses: Sequence[Regulation], materials: Sequence[Material], questions: Sequence[Question]
) -> list[Passage]:
    """Everything that can be found, clauses first."""
    bank = {question.code: question for question in questions}
    studied = (of_material(m, [bank[code] for code in m.questions if code in bank]) for m in materials)
    return [*map(of_clause, clauses), *chain.from_iterable(studied)]


def sync(
    session: Session,
    clauses: Sequence[Regulation],
    materials: Sequence[Material],
    questions: Sequence[Question],
) -> bool:
    """Fill the library anew if the content or the words that cut it have changed; one query when they have not.

    Of two processes that start at once the second waits and finds the work done.
    """
    edition = _edition(clauses, materials, questions)
    if _is_current(session, edition):
        return False
    if dialect_of(session) == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(7220112)"))
        if _is_current(session, edition):
            return False
    refill(session, passages(clauses, materials, questions), edition)
    return True


def refill(session: Session, found: Sequence[Passage], edition: str) -> None:
    """Replace the whole library by these passages."""
    cut = [(passage, [words(ask) for ask in passage.asks], _all_words(passage)) for passage in found]
    counts = Counter(chain.from_iterable(said for _, _, said in cut))
    weights = {word: weight(word, count, len(found)) for word, count in counts.items()}
    rows = [
        {
            **{field: getattr(passage, field) for field in QUOTED},
            "asks": [[sum(map(weights.__getitem__, ask)), *sorted(ask)] for ask in asks if ask],
            "words": " ".join(sorted(said)),
            "edition": edition,
        }
        for passage, asks, said in cut
    ]
    known = [{"word": word, "entries": counts[word], "weight": weights[word]} for word in sorted(counts)]
    for table, values in ((LibraryEntry, rows), (LibraryWord, known)):
        session.execute(delete(table))
        session.execute(insert(table), values)
    if dialect_of(session) == "sqlite":  # PostgreSQL's column is computed with the row
        session.execute(text("INSERT INTO library_search (library_search) VALUES ('rebuild')"))


def weight(word: str, entries: int, of: int) -> float:
    """How much a word tells that stands in so many entries of so many; pairs of characters and words of asking tell less."""
    rarity = math.log(1 + of / (1 + entries))
    return rarity * (_PAIR_WEIGHT if word.startswith(PAIR) else _FORM_WEIGHT if is_form(word) else 1)


def _all_words(passage: Passage) -> frozenset[str]:
    return words(" ".join([passage.text, passage.source, passage.about])).union(*map(words, passage.asks))


def _is_current(session: Session, edition: str) -> bool:
    return session.scalar(select(LibraryEntry.edition).limit(1)) == edition


def _edition(*content: Sequence[Any]) -> str:
    """The digest of everything that the rows are made from."""
    same = sorted(sorted(group) for group in regulations.synonyms())
    return sha256(repr((METHOD, content, same, sorted(nlu.taught()))).encode()).hexdigest()
