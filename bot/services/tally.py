"""The tally of votes on paper and by show of hands: arithmetic on what was counted in the room, each rule with its source."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import ceil

from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.organisation import BranchSetting
from bot.services.decision import ADMISSION, HALF, MEETING, cite, more_than, needed_yes, rule

ELECTION_ATTENDANCE = Fraction(4, 5)
"""《中国共产党基层组织选举工作条例》: at least four fifths of those with the right to elect; confidence medium."""
BASIS = "election_basis"
"""The name of the setting of a branch that says on whom the majority of an election is counted."""


class BadCounts(Refusal):
    text = "{what}，请核对后再发。例如：计票 应到 23 实到 20 赞成 15 反对 3 弃权 2"


class DecidedOnThoseDue(Refusal):
    text = "表决按应到人数计算，不按实到（{source}）。去掉“按实到”再发一次；选举请发：计票 选举 应到 23 实到 20 赞成 15"


class Basis(StrEnum):
    """Whom a majority is counted on: those who should attend (应到), or those present (实到)."""

    DUE = "应到"
    PRESENT = "实到"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What was counted by hand. ``written`` are opinions handed in before by members who could not come; zero where nothing was said."""

    due: int
    present: int
    yes: int
    no: int = 0
    abstain: int = 0
    written: int = 0
    spoilt: int = 0
    issued: int = 0
    returned: int = 0

    def __post_init__(self) -> None:
        cast = self.yes + self.no + self.abstain + self.spoilt
        for wrong, what in (
            (self.due < 1, "应到人数要至少 1 人"),
            (self.present > self.due, f"实到 {self.present} 人比应到 {self.due} 人多"),
            (
                self.present + self.written > self.due,
                f"实到和书面意见合计 {self.present + self.written} 人，比应到 {self.due} 人多",
            ),
            (
                cast > self.present + self.written,
                f"票数合计 {cast} 张，比能投票的 {self.present + self.written} 人多",
            ),
            (self.issued > self.present, f"发出 {self.issued} 张票，比实到 {self.present} 人多"),
        ):
            if wrong:
                raise BadCounts(what=what)


@dataclass(frozen=True, slots=True)
class Tally:
    """The arithmetic of one count: is the meeting valid, are the papers, do the votes reach the majority on ``basis``."""

    counts: Counts
    basis: Basis
    needed_present: int
    needed_yes: int
    source: str

    @property
    def attended(self) -> bool:
        return self.counts.present >= self.needed_present

    @property
    def papers_valid(self) -> bool:
        """More papers back than were handed out make an election invalid."""
        return not self.counts.issued or self.counts.returned <= self.counts.issued

    @property
    def enough(self) -> bool:
        return self.counts.yes >= self.needed_yes

    @property
    def passed(self) -> bool:
        return self.attended and self.papers_valid and self.enough

    @property
    def other_needed(self) -> int:
        """The votes that the other basis would need."""
        other = self.counts.present if self.basis is Basis.DUE else self.counts.due
        return more_than(HALF, other)


def tally_decision(counts: Counts, *, admission: bool = False) -> Tally:
    """A vote of the meeting on paper or by show of hands, by the rules of :func:`rule`."""
    law = rule(ADMISSION if admission else MEETING)
    return Tally(counts, Basis.DUE, law.needed_present(counts.due), needed_yes(counts.due), law.source)


def election_basis(session: Session, branch_id: int) -> Basis | None:
    """What a branch has set for its elections; None where it has set nothing."""
    row = session.get(BranchSetting, branch_id)
    return Basis(row.values[BASIS]) if row and row.values.get(BASIS) else None


def tally_election(counts: Counts, basis: Basis = Basis.DUE) -> Tally:
    """One candidate of an election held on paper.

    Four fifths must be present (medium). Sources disagree on whom more than half is counted: the basis is a choice (check), the default is the
    stricter one, which the clause library quotes.
    """
    base = counts.due if basis is Basis.DUE else counts.present
    present = election_quorum(counts.due)
    return Tally(counts, basis, present, more_than(HALF, base), cite("XJ-attendance"))


def election_quorum(due: int) -> int:
    """The fewest of those with a vote who must come to an election: four fifths."""
    return ceil(ELECTION_ATTENDANCE * due)
