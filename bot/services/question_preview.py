"""What an import of questions would do, found without doing it: each row judged against itself, the other rows and the bank."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from rapidfuzz import fuzz
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bot.models.quiz import Question, QuestionKind, QuestionState
from bot.services.question import digest_of
from bot.services.question_formats import BadRow, Reading, Row, code_for, question_of
from content.checks import NEAR_DOUBLE
from content.questions import Part, plain
from content.questions import Question as Checked

# Three letters from every place where one of a fixed thirteenth of all characters stands: an edit elsewhere leaves them as they are.
_LANDMARK = re.compile(f"(?=([a-z0-9{''.join(map(chr, range(0x4E00, 0xA000, 13)))}]..?))")
CONTENT = tuple(one.name for one in fields(Checked))
_BATCH = 5000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A question that would be added; ``number`` is its line."""

    number: int
    question: Checked


@dataclass(frozen=True, slots=True)
class Change:
    """A question of the branch that would be changed; ``before`` is its digest now."""

    number: int
    question: Checked
    id: int
    before: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A line that is not taken, or is taken with a doubt, and why."""

    number: int
    stem: str
    why: str


@dataclass(frozen=True, slots=True)
class Preview:
    """What an import would do. ``near`` are lines among the added and changed that read almost like another question."""

    branch_id: int
    added: list[Entry]
    changed: list[Change]
    doubled: list[Finding]
    near: list[Finding]
    rejected: list[Finding]
    notes: tuple[str, ...] = ()

    @property
    def signature(self) -> str:
        """A hash of what would be written over what: equal previews do the same."""
        said = [(one.question.code, one.question.stem) for one in self.added]
        said += [(one.question.code, one.before) for one in self.changed]
        return hashlib.sha256(repr(said).encode()).hexdigest()[:16]

    @property
    def summary(self) -> str:
        """One line of counts."""
        counts = (
            ("新增", self.added),
            ("修改", self.changed),
            ("重复", self.doubled),
            ("未收", self.rejected),
        )
        return "，".join(f"{name} {len(what)}" for name, what in counts)


Track = Callable[[Sequence[Row]], Iterable[Row]]


def preview(session: Session, reading: Reading, branch_id: int, *, track: Track = iter) -> Preview:
    """Judge every row against itself, the others, the shipped bank and the branch's own questions. Writes nothing."""
    bank = _Bank(session, branch_id, [row.values.get("code", "") for row in reading.rows])
    seen = Preview(branch_id, [], [], [], [], [], reading.notes)
    for row in track(reading.rows):
        try:
            bank.judge(row, seen)
        except BadRow as problem:
            seen.rejected.append(Finding(row.number, str(row.values.get("stem", ""))[:30], str(problem)))
    seen.near.extend(bank.near(seen))
    return seen


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    code: str
    own: bool
    stem: str
    digest: str
    retired: bool


class _Bank:
    """What a branch has, and what a preview has met so far: indexes by code and by plain stem, and the half of each topic."""

    def __init__(self, session: Session, branch_id: int, codes: Iterable[str]) -> None:
        self.branch_id = branch_id
        self.halves: dict[str, str] = {}
        self.by_code: dict[str, _Known] = {}
        self.by_stem: dict[str, _Known] = {}
        self.stems: dict[str, int] = {}
        self.codes: dict[str, int] = {}
        self.plain: dict[int, str] = {}
        for known, topic, half in _known(session, branch_id):
            if known.own:
                self.by_code[known.code] = known
            if known.own or not known.retired:
                self.by_stem.setdefault(plain(known.stem), known)
                self.halves.setdefault(topic, half)
        self.elsewhere = taken(session, (code for code in codes if code and code not in self.by_code))

    def judge(self, row: Row, seen: Preview) -> None:
        """Put the row among the added, changed or doubled; :class:`BadRow` says why it is none of them."""
        stem = plain(row.values.get("stem", ""))
        own_code = code_for(self.branch_id, stem)
        question = question_of(row, own_code, self.halves)
        if not stem:
            raise BadRow("题干里没有文字")
        half = self.halves.setdefault(question.topic, question.half)
        if half != question.half:
            raise BadRow(f"主题“{question.topic}”在题库里归入“{half}”，不能又归入“{question.half}”")
        known = self.by_code.get(question.code) or self.by_stem.get(stem)
        code = known.code if known else own_code if question.code in self.elsewhere else question.code
        self._once(row.number, stem, code)
        question = question if code == question.code else replace(question, code=code)
        self._place(row.number, question, stem, known, seen)

    def _once(self, number: int, stem: str, code: str) -> None:
        """Refuse what an earlier line has: the same stem or the same code."""
        for what, key, lines in (("题干", stem, self.stems), ("编号", code, self.codes)):
            before = lines.setdefault(key, number)
            if before != number:
                raise BadRow(f"{what}与第{before}行相同")
        self.plain[number] = stem

    def _place(self, number: int, question: Checked, stem: str, known: _Known | None, seen: Preview) -> None:
        if known is None:
            seen.added.append(Entry(number, question))
            return
        twin = self.by_stem.get(stem, known)
        if not known.own:
            seen.doubled.append(Finding(number, question.stem, "公共题库里已有这道题"))
        elif twin.code != known.code:
            raise BadRow(f"题干与题库里的 {twin.code} 相同")
        elif not known.retired and digest_of(columns(question)) == known.digest:
            seen.doubled.append(Finding(number, question.stem, "本支部题库里已有，没有变化"))
        else:
            seen.changed.append(Change(number, question, known.id, known.digest))

    def near(self, seen: Preview) -> Iterator[Finding]:
        """The near-doubles among the new stems, and between them and the bank."""
        replaced = {change.id for change in seen.changed}
        old = {
            stem: known.code
            for stem, known in self.by_stem.items()
            if known.id not in replaced and not known.retired
        }
        news: list[Entry | Change] = sorted([*seen.added, *seen.changed], key=lambda one: one.number)
        twins = [f"题库里的 {code}" for code in old.values()] + [f"第{one.number}行" for one in news]
        stems = [*old, *(self.plain[one.number] for one in news)]
        for place, twin, ratio in near_doubles(stems, len(old)):
            one = news[place - len(old)]
            yield Finding(one.number, one.question.stem, f"与{twins[twin]}很像（{ratio:.0f}%）")


def near_doubles(stems: Sequence[str], first_new: int) -> Iterator[tuple[int, int, float]]:
    """For each stem from ``first_new`` on, an earlier one that reads almost the same: (place, place of the twin, ratio in percent).

    All pairs of thousands would take seconds. Stems with at most a tenth of their letters different share a landmark, so a stem is
    compared only with the last one before it that has the same landmark; a twin that hides behind several others may go unseen.
    """
    last: dict[str, int] = {}
    for place, stem in enumerate(stems):
        marks = _LANDMARK.findall(stem)
        marks += stem[:5], stem[-5:]
        if place >= first_new:
            for other in set(map(last.get, marks)):
                ratio = 0.0 if other is None else fuzz.ratio(stem, stems[other], score_cutoff=NEAR_DOUBLE)
                if other is not None and ratio:
                    yield place, other, ratio
                    break
        for mark in marks:
            last[mark] = place


def _known(session: Session, branch_id: int) -> Iterator[tuple[_Known, str, str]]:
    columns = (Question.id, Question.code, Question.branch_id, Question.stem, Question.digest, Question.state)
    mine = Question.branch_id.is_(None) | (Question.branch_id == branch_id)
    rows = session.execute(select(*columns, Question.topic, Question.half).where(mine).order_by(Question.id))
    for key, code, branch, stem, digest, state, topic, half in rows:
        known = _Known(key, code, branch is not None, stem, digest, state is QuestionState.RETIRED)
        yield known, topic, half


def taken(session: Session, codes: Iterable[str]) -> set[str]:
    """Those of the codes that some question has."""
    found = select(Question.code).where(Question.code.in_(bindparam("codes", expanding=True)))
    return {code for part in batches(sorted(set(codes))) for code in session.scalars(found, {"codes": part})}


def columns(question: Checked) -> dict[str, Any]:
    """All that is shown and judged, as the table's columns."""
    row: dict[str, Any] = {name: getattr(question, name) for name in CONTENT}
    row |= {
        "kind": QuestionKind(question.kind),
        "options": list(question.options),
        "answer": list(question.answer),
    }
    row["parts"] = [_part(part) for part in question.parts]
    return row


def _part(part: Part) -> dict[str, Any]:
    return {
        **asdict(part),
        "kind": part.kind.value,
        "options": list(part.options),
        "answer": list(part.answer),
    }


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """The items in parts that a database takes as parameters of one statement."""
    return (items[start : start + _BATCH] for start in range(0, len(items), _BATCH))
