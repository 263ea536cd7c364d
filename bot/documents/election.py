"""选举用表: what a branch takes to an election on paper: the figures, what to keep to, the sheet for the count, and a ballot to copy."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bot.documents.words import BLANK, clean, day, moment
from bot.services.record import ElectionFacts
from bot.services.tally import Basis
from content.regulations import Regulation

CANDIDATES, OTHERS = 8, 2
"""Empty lines for candidates, whom nobody tells the chat, and for somebody else whom a voter writes down."""
SURE = {"high": "", "medium": "，以上级要求为准", "check": "，条文待核实"}


def fields(facts: ElectionFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``election``."""
    return {
        "支部": clean(facts.branch),
        "日期": day(facts.on),
        "应到": str(facts.due),
        "到会要求": str(facts.needed_present),
        "当选要求": _needed(facts),
        "算法": f"按{facts.basis.value}算（{'本支部设置' if facts.basis_set else '没有设置，用较严的'}），以上级批复的选举办法为准",
        "核对": [_line(one) for one in facts.clauses],
        "候选人": [{"序号": str(n)} for n in range(1, CANDIDATES + 1)],
        "选票": [{"序号": str(n)} for n in range(1, CANDIDATES + 1)],
        "另选": [{"序号": "另选"} for _ in range(OTHERS)],
        "导出时间": moment(now, now),
    }


def _needed(facts: ElectionFacts) -> str:
    if facts.basis is Basis.DUE:
        return f"赞成票超过应到 {facts.due} 人的半数，至少 {facts.needed_yes} 票"
    return f"赞成票超过实到人数的半数：实到 {BLANK} 人，至少 {BLANK} 票"


def _line(one: Regulation) -> str:
    return f"□ {one.text}（{one.document}{one.article}{SURE[one.confidence]}）"
