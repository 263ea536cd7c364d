"""Why an entry is in the ledger: rule and version, the fact that earned it, who gave and who reviewed it, and whether a cap cut it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.points import Claim, PointEntry
from bot.services import point_reason, point_rule
from bot.services.point_rule import PER
from bot.times import local
from content.points import Rule


class NotYours(Refusal):
    text = "没有找到您的第 {number} 条积分。发 积分明细 可以看到编号。"


@dataclass(frozen=True, slots=True)
class Story:
    """One entry explained; ``cut`` says that a cap gave less than the rule."""

    entry: PointEntry
    rule: Rule | None
    giver: str
    reviewer: str
    fact: str
    reason: str
    cut: bool
    on: datetime

    @property
    def line(self) -> str:
        """The whole story in one line."""
        entry, rule = self.entry, self.rule
        name = (
            f"{rule.name}（{entry.rule} {rule.edition}），每次 {rule.points} 分"
            if rule
            else f"{entry.rule} 第{entry.version}版"
        )
        cap = f"；{PER[rule.per]}上限 {rule.cap} 分{'，本条已按上限减少' if self.cut else ''}" if rule else ""
        reviewer = f"；审核：{self.reviewer}" if self.reviewer else ""
        return (
            f"#{entry.id} {entry.points:+d} 分，{self.on:%Y-%m-%d %H:%M}，计入 {entry.period}；{entry.dimension}·{name}{cap}；"
            f"依据：{self.fact}；记分：{self.giver}{reviewer}；事由：{self.reason}"
        )


_FACTS = {
    "attendance": "签到记录",
    "material": "学习记录",
    "study": "学习记录",
    "quiz": "答题记录",
    "reflection": "感想",
    "claim": "申报",
    "task": "关键任务",
    "given": "负责人加分",
    "hazard": "隐患记录",
    "reversal": "更正",
    "correction": "重记",
}


def all_of(session: Session, member_id: int, now: datetime) -> Iterator[Story]:
    """Every entry of a member, oldest first."""
    yield from _stories(session, now, member_id)


def one(session: Session, member_id: int, number: int, now: datetime) -> Story:
    """One entry of a member; :class:`NotYours` when the number is somebody else's or nobody's."""
    found = list(_stories(session, now, member_id, PointEntry.id == number))
    if not found:
        raise NotYours(number=number)
    return found[0]


def _stories(session: Session, now: datetime, member_id: int, *which: ColumnElement[bool]) -> Iterator[Story]:
    giver, reviewer = aliased(Member), aliased(Member)
    rows = session.execute(
        select(PointEntry, giver.name)
        .outerjoin(giver, giver.id == PointEntry.giver_id)
        .where(PointEntry.member_id == member_id, *which)
        .order_by(PointEntry.id)
    ).all()
    claims = [int(e.fact.removeprefix("claim ")) for e, _ in rows if e.fact.startswith("claim ")]
    decided = (
        select(Claim.id, reviewer.name)
        .join(reviewer, reviewer.id == Claim.decided_by)
        .where(Claim.id.in_(claims))
    )
    reviewers: dict[int, str] = {claim: name for claim, name in session.execute(decided)}  # noqa: C416
    reasons = point_reason.shown(session, member_id, [entry.reason for entry, _ in rows])
    for (entry, name), reason in zip(rows, reasons, strict=True):
        rule = point_rule.of_entry(session, entry)
        word, _, rest = entry.fact.partition(" ")
        claim = int(rest) if word == "claim" else 0
        cut = rule is not None and entry.giver_id is None and 0 < entry.points < rule.points
        yield Story(
            entry, rule, name or "系统自动", reviewers.get(claim, ""), _named(word, entry.fact), reason, cut,
            local(entry.at, now),
        )  # fmt: skip


def _named(word: str, fact: str) -> str:
    """What earned it, with the key by which it can be found; the id of the giver's message would tell nobody anything."""
    name = _FACTS.get(word, "记录")
    return name if word == "given" else f"{name} {fact}"
