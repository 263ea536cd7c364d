"""When a meeting may vote and when a motion passes: pure arithmetic on counts, each rule with its source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil

from content import activity_kinds, regulations

MEETING, COMMITTEE, ADMISSION, ELECTION = "党员大会", "支委会", "发展党员", "选举"
HALF = Fraction(1, 2)
TALLY_HINT = "计票 应到 23 实到 20 赞成 15"
_ADMISSION = re.compile(
    r"预备党员|发展.{0,8}(?:入党|为.{0,4}党员)|接收.{0,8}入党|转正|(?:延长|取消).{0,4}预备"
)
_ELECTION = re.compile(
    r"选举|换届|改选|补选|增选|当选|推选.{0,12}(?:书记|委员)|选.{0,12}(?:为|当|任).{0,6}(?:书记|委员)"
)
_ABOUT_ELECTIONS = re.compile(r"方案|办法|请示|报告|监票|计票|日期|时间|议程")


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
    return {one.code: one for one in regulations.load()}


def cite(code: str) -> str:
    """《中国共产党支部工作条例（试行）》第十一条."""
    found = clause(code)
    return f"{found.document}{found.article}"


def clause(code: str) -> regulations.Regulation:
    """The clause of a code, as it is quoted."""
    return _clauses()[code]
