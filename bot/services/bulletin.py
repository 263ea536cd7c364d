"""What the bulletin of a settlement says: for the notice board, in the order of the roster, with no ranking and no grades."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import Claim, ClaimKind, ClaimState
from bot.models.settlement import Settlement, SettlementResult, SettlementState
from bot.services import point_rule, settlement_period
from bot.services.permission import Action, holders
from bot.times import local


class NothingPublished(Refusal):
    text = "本支部还没有公示过积分，没有公示文件。先发：结算"


@dataclass(frozen=True, slots=True)
class Row:
    """One member: points by dimension in the order of the bulletin's dimensions."""

    name: str
    group: str
    dimensions: tuple[int, ...]
    correction: int
    total: int


@dataclass(frozen=True, slots=True)
class BulletinFacts:
    """A settlement that is known to the branch. ``contact`` is who decides about appeals, "" for nobody."""

    branch: str
    period: str
    title: str
    starts_on: date
    ends_on: date
    state: SettlementState
    published_at: datetime
    closes_at: datetime
    final_at: datetime | None
    dimensions: tuple[str, ...]
    rows: tuple[Row, ...]
    contact: str
    appeals: int
    granted: int
    waiting: int


def newest(session: Session, branch_id: int) -> Settlement:
    """The branch's newest settlement that is in public notice or final; :class:`NothingPublished` without one."""
    rows = select(Settlement).where(
        Settlement.branch_id == branch_id, Settlement.state != SettlementState.DRAFT
    )
    found = session.scalars(rows.order_by(Settlement.ends_on.desc()).limit(1)).one_or_none()
    if found is None:
        raise NothingPublished
    return found


def facts(session: Session, settlement_id: int, now: datetime) -> BulletinFacts:
    """All that the bulletin says; :class:`NothingPublished` for a draft, which only the secretary sees."""
    one = session.get_one(Settlement, settlement_id)
    if one.published_at is None or one.closes_at is None:
        raise NothingPublished
    names = tuple(dimension.name for dimension in point_rule.rules().dimensions)
    able = holders(session, Action.SETTLE, one.branch_id, on=local(now, now).date())
    appeals = _appeals(session, one)
    return BulletinFacts(
        branch=session.get_one(Organisation, one.branch_id).name,
        period=one.period,
        title=settlement_period.title(one.period),
        starts_on=one.starts_on,
        ends_on=one.ends_on,
        state=one.state,
        published_at=one.published_at,
        closes_at=one.closes_at,
        final_at=one.final_at,
        dimensions=names,
        rows=tuple(_rows(session, one, names)),
        contact=able[0].name if able else "",
        appeals=sum(appeals.values()),
        granted=appeals[ClaimState.GRANTED],
        waiting=appeals[ClaimState.WAITING],
    )


def _rows(session: Session, one: Settlement, names: tuple[str, ...]) -> list[Row]:
    people = select(SettlementResult, Member.name, Organisation.name).join(
        Member, Member.id == SettlementResult.member_id
    )
    found = session.execute(
        people.outerjoin(Organisation, Organisation.id == Member.group_id)
        .where(SettlementResult.settlement_id == one.id)
        .order_by(Member.id)
    )
    return [
        Row(name, group or "", tuple(result.dimensions.get(each, 0) for each in names), result.correction, result.total)
        for result, name, group in found
    ]  # fmt: skip


def _appeals(session: Session, one: Settlement) -> Counter[ClaimState]:
    """The appeals of its members that came while it was in public notice, by how they ended."""
    chosen = select(SettlementResult.member_id).where(SettlementResult.settlement_id == one.id)
    rows = session.execute(
        select(Claim.state, func.count())
        .where(
            Claim.kind == ClaimKind.APPEAL,
            Claim.member_id.in_(chosen),
            Claim.at.between(one.published_at, one.closes_at),
        )
        .group_by(Claim.state)
    )
    return Counter({state: count for state, count in rows})  # noqa: C416
