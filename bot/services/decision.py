"""When a meeting may vote and when a motion passes: pure arithmetic on counts, each rule with its source; also the tally of paper votes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import ceil

from bot.errors import Refusal
from content import activity_kinds, regulations

MEETING, COMMITTEE, ADMISSION, ELECTION = "党员大会", "支委会", "发展党员", "选举"
HALF = Fraction(1, 2)
TALLY_HINT = "计票 应到 23 实到 20 赞成 15"
ELECTION_ATTENDANCE = Fraction(4, 5)
"""《中国共产党基层组织选举工作条例》: at least four fifths of those with the right to elect; confidence medium."""
_ADMISSION = re.compile(
    r"预备党员|发展.{0,8}(?:入党|为.{0,4}党员)|接收.{0,8}入党|转正|(?:延长|取消).{0,4}预备"
)
_ELECTION = re.compile(
    r"选举|换届|改选|补选|增选|当选|推选.{0,12}(?:书记|委员)|选.{0,12}(?:为|当|任).{0,6}(?:书记|委员)"
)
_ABOUT_ELECTIONS = re.compile(r"方案|办法|请示|报告|监票|计票|日期|时间|议程")


class BadCounts(Refusal):
    text = "{what}，请核对后再发。例如：计票 应到 23 实到 20 赞成 15 反对 3 弃权 2"


class DecidedOnThoseDue(Refusal):
    text = "表决按应到人数计算，不按实到（{source}）。去掉“按实到”再发一次；选举请发：计票 选举 应到 23 实到 20 赞成 15"


class Basis(StrEnum):
    """Whom a majority is counted on: those who should attend (应到), or those present (实到)."""

    DUE = "应到"
    PRESENT = "实到"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a body votes. ``of`` is who counts, ``share`` of them must be present (``over``: more than that), ``codes`` are the clauses.

    A motion always passes with more than half of those who should attend.
    """

    name: str
    of: str
    share: Fraction
    over: bool
    codes: tuple[str, ...]
    remark: str = ""

    def needed_present(self, due: int) -> int:
        """The fewest people present with whom a vote is valid."""
        return more_than(self.share, due) if self.over else ceil(self.share * due)

    @property
    def source(self) -> str:
        """The documents, with article where one is sure."""
        return "、".join(cite(code) for code in self.codes)


def more_than(share: Fraction, number: int) -> int:
    """The smallest whole number above a share: more than half of 12 is 7, of 11 is 6."""
    return int(share * number) + 1


def needed_yes(due: int) -> int:
    """The fewest yes votes that pass a motion, counted on those who should attend (《支部工作条例》第十一条)."""
    return more_than(HALF, due)


def passes(yes: int, due: int) -> bool:
    """Whether yes is more than half of those who should attend; exactly half does not pass."""
    return yes >= needed_yes(due)


def rule_for(kind: str, question: str) -> Rule:
    """The rule of a meeting of that kind on that question."""
    if kind == COMMITTEE:
        return rule(COMMITTEE)
    return rule(ADMISSION if is_admission(question) else MEETING)


def rule(name: str) -> Rule:
    """The rule of that name.

    党员大会 art. 11 (high): half of the voting members. 支委会 art. 12 (high): half of the committee; that its majority also counts those who
    should attend is our reading (check). Admission and confirmation (《发展党员工作细则》, medium): more than half must be present.
    """
    voters = "有表决权的正式党员"
    if name == COMMITTEE:
        remark = "支委会过半数的算法以上级规定为准。"
        return Rule(COMMITTEE, "支部委员", _quorum(COMMITTEE), False, ("ZB-committee-quorum",), remark)
    if name == ADMISSION:
        remark = "接收预备党员和转正要无记名、逐个表决；事先提交的书面意见要另计入票数（发 计票）。"
        return Rule(ADMISSION, voters, HALF, True, ("ZB-vote", "FZ-vote"), remark)
    return Rule(MEETING, voters, _quorum(MEETING), False, ("ZB-vote",))


def _quorum(kind: str) -> Fraction:
    found = activity_kinds.lookup(kind)
    return found.quorum.share if found and found.quorum else HALF


def is_admission(question: str) -> bool:
    """Whether a question is about admitting or confirming a member, for which stricter rules hold."""
    return bool(_ADMISSION.search(question))


def is_election(question: str) -> bool:
    """Whether a question is really an election, which is never held online; its plan or its rules may be voted on like anything else."""
    return bool(_ELECTION.search(question)) and not _ABOUT_ELECTIONS.search(question)


@lru_cache(maxsize=1)
def _clauses() -> dict[str, regulations.Regulation]:
    return {clause.code: clause for clause in regulations.load()}


def cite(code: str) -> str:
    """《中国共产党支部工作条例（试行）》第十一条."""
    clause = _clauses()[code]
    return f"{clause.document}{clause.article}"


# Paper votes ------------------------------------------------------------------------------------------------------------


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


def tally_election(counts: Counts, basis: Basis = Basis.DUE) -> Tally:
    """One candidate of an election held on paper.

    Four fifths must be present (medium). Sources disagree on whom more than half is counted: the basis is a choice (check), the default is the
    stricter one, which the clause library quotes.
    """
    base = counts.due if basis is Basis.DUE else counts.present
    present = ceil(ELECTION_ATTENDANCE * counts.due)
    return Tally(counts, basis, present, more_than(HALF, base), cite("XJ-attendance"))
