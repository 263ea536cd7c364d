"""Finding the clause that answers a question: words of the question against the library's own ways of asking, and its text.

Nothing is generated: what is found is quoted, and what is not found is said to be missing.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest

from bot import nlu
from content import regulations
from content.regulations import Regulation

SURE = 0.55
"""From this score on a clause is given as the answer; below it only the nearest are named."""
FAINT = 0.12
"""Below this score a clause has nothing to do with the question."""
_COMPARED = 40
_ASKED, _COVERED = 0.65, 0.35
_PAIR, _FORM = 0.5, 0.45
_VOLTAGE = re.compile(r"(\d+)\s*(?:千伏|kv)")
_OTHER_VOLTAGE = 0.5
"""What remains of the score of a clause about other voltages: another safety distance is the worst wrong answer."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_IDLE = frozenset("的了吗呢啊吧是在有和与要会能我你您这那想问开") | {
    "可以",
    "请问",
    "我们",
    "一下",
    "知道",
    "问问",
}
_FORMS = (
    "什么时候",
    "多长时间",
    "多久",
    "多长",
    "多大",
    "多少",
    "几个月",
    "几个人",
    "几年",
    "几天",
    "几次",
    "几个",
    "几人",
    "怎么样",
    "怎么办",
    "怎么",
    "怎样",
    "如何",
    "什么是",
    "是什么",
    "什么",
    "哪些",
    "哪个",
    "哪里",
    "哪几种",
    "为什么",
    "能不能",
    "可不可以",
    "是不是",
    "能否",
    "是否",
    "谁",
)
"""Words that say how is asked, not about what: they count little."""
_FORM_WORDS = re.compile("|".join(_FORMS))


@dataclass(frozen=True, slots=True)
class Hit:
    """A clause with how well it fits the question, from 0 to 1."""

    clause: Regulation
    score: float

    @property
    def sure(self) -> bool:
        return self.score >= SURE


@dataclass(frozen=True, slots=True)
class _Entry:
    """A clause as it is compared: its ways of being asked for, and all its words."""

    clause: Regulation
    asks: tuple[frozenset[str], ...]
    words: frozenset[str]
    voltages: frozenset[str]


class Index:
    """The library prepared for searching: which clauses have a word, and how rare each word is."""

    def __init__(self, clauses: Iterable[Regulation], groups: Iterable[frozenset[str]]) -> None:
        groups = tuple(groups)
        self._same = {word.lower(): min(group) for group in groups for word in group}
        # Cut out first: teaching them to the tokenizer would change what other commands understand.
        longest_first = sorted({*self._same, *_FORMS}, key=len, reverse=True)
        self._whole = re.compile(f"({'|'.join(map(re.escape, longest_first))})")
        self._forms = {self._same.get(word, word) for word in _FORMS}
        self._entries = [self._entry(clause) for clause in clauses]
        self._having: dict[str, list[int]] = {}
        for place, entry in enumerate(self._entries):
            for word in entry.words:
                self._having.setdefault(word, []).append(place)

    def search(self, text: str, *, most: int = 3) -> list[Hit]:
        """The clauses that fit a question best, best first; none when no word of it stands in the library."""
        said = nlu.clean(text).lower()
        asked, voltages = self._words(said), _voltages(said)
        overlap: defaultdict[int, float] = defaultdict(float)
        for word in asked:
            for place in self._having.get(word, ()):
                overlap[place] += self._weight(word)
        near = [
            self._hit(self._entries[place], asked, voltages)
            for place in nlargest(_COMPARED, overlap, key=overlap.__getitem__)
        ]
        best = sorted((hit for hit in near if hit.score >= FAINT), key=lambda hit: -hit.score)
        return best[:most]

    def _hit(self, entry: _Entry, asked: frozenset[str], voltages: frozenset[str]) -> Hit:
        alike = max(self._alike(asked, one) for one in entry.asks)
        covered = self._sum(asked & entry.words) / self._sum(asked)
        factor = 1 if voltages <= entry.voltages else _OTHER_VOLTAGE
        return Hit(entry.clause, factor * (_ASKED * alike + _COVERED * covered))

    def _alike(self, one: frozenset[str], other: frozenset[str]) -> float:
        """How much two questions share, weighted by rarity (Dice)."""
        return 2 * self._sum(one & other) / (self._sum(one) + self._sum(other))

    def _sum(self, words: Iterable[str]) -> float:
        return sum(map(self._weight, words))

    def _weight(self, word: str) -> float:
        """Rare words count more, pairs of characters less than words; an unknown word counts like the rarest."""
        rarity = math.log(1 + len(self._entries) / (1 + len(self._having.get(word, ()))))
        return rarity * (_PAIR if word.startswith("~") else _FORM if word in self._forms else 1)

    def _entry(self, clause: Regulation) -> _Entry:
        asks = tuple(self._words(ask) for ask in (clause.title, *clause.asks))
        rest = self._words(f"{clause.text} {clause.document} {clause.topic}")
        voltages = _voltages(" ".join([clause.title, *clause.asks, clause.text]))
        return _Entry(clause, tuple(ask for ask in asks if ask), rest.union(*asks), voltages)

    def _words(self, text: str) -> frozenset[str]:
        """The words of a text, synonyms as one, and its pairs of characters, which forgive a different cut."""
        said = text.lower()
        words = {self._same.get(word, word) for word in self._cut(said) if word not in _IDLE}
        pairs = {
            f"~{run[at : at + 2]}"
            for run in _CHINESE.findall(_FORM_WORDS.sub(" ", said))
            for at in range(len(run) - 1)
        }
        return frozenset(words | pairs)

    def _cut(self, said: str) -> Iterable[str]:
        """The words of a text; those of the library's own groups are never cut apart."""
        for place, piece in enumerate(self._whole.split(said)):
            yield from [piece] if place % 2 else nlu.words(piece)


def _voltages(text: str) -> frozenset[str]:
    return frozenset(_VOLTAGE.findall(text.lower()))


@lru_cache(maxsize=1)
def index() -> Index:
    """The shipped library, prepared at the first question."""
    return Index(regulations.load(), regulations.synonyms())


def search(text: str, *, most: int = 3) -> list[Hit]:
    """The shipped clauses that fit a question best, best first."""
    return index().search(text, most=most)
