"""How much counts in a dimension in a quarter: the shipped caps, and over them a branch's own from a quarter to come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchCap
from bot.services import audit, settlement_period
from bot.services.point_rule import rules
from bot.times import quarter

LEAST, MOST = 5, 100


class NoSuchDimension(Refusal):
    text = "没有找到维度“{said}”。有：{names}。例如：积分上限 {first} 30 从下季度"


class NotForThePast(Refusal):
    text = (
        "上限按季度算，只能从下个季度（{next}）起改，已经记的分不变。例如：积分上限 {dimension} 30 从下季度"
    )


class BadCap(Refusal):
    text = f"每个维度每季度的上限要在 {LEAST} 到 {MOST} 分之间，您写的是 {{cap}} 分。"


class NothingChanges(Refusal):
    text = "“{dimension}”从{period}起本来就是 {cap} 分，没有改动。"


class NothingToWithdraw(Refusal):
    text = "“{dimension}”没有还没开始的新上限，不能撤回。发 积分上限 看现在的上限。"


@dataclass(frozen=True, slots=True)
class Caps:
    """The caps of one branch: ``own`` are dimension, first quarter and cap, in the order of their beginning."""

    own: tuple[tuple[str, str, int], ...] = ()

    def of(self, period: str) -> dict[str, int]:
        """Each dimension's cap in a quarter, in the order of the rules."""
        caps = {one.name: one.cap for one in rules().dimensions}
        return caps | {dimension: cap for dimension, since, cap in self.own if since <= period}

    def counted(self, dimension: str, points: int, period: str) -> int:
        """What of a quarter's points in a dimension counts; a dimension that the rules no longer know counts in full."""
        return min(points, self.of(period).get(dimension, points))


# Built once: points are asked for all day, and putting a statement together costs more than running it.
_ROWS = select(*BranchCap.__table__.c["dimension", "period", "cap"]).order_by(BranchCap.period)
_OF_BRANCH = _ROWS.where(BranchCap.branch_id == bindparam("branch"))
_OF_MEMBER = _ROWS.where(
    BranchCap.branch_id == select(Member.branch_id).where(Member.id == bindparam("member")).scalar_subquery()
)


def of_branch(session: Session, branch_id: int) -> Caps:
    """The caps of a branch."""
    return _caps(session.connection().execute(_OF_BRANCH, {"branch": branch_id}))


def of_member(session: Session, member_id: int) -> Caps:
    """The caps of the branch to which a member belongs."""
    return _caps(session.connection().execute(_OF_MEMBER, {"member": member_id}))


def _caps(rows: Iterable[tuple[str, str, int]]) -> Caps:
    return Caps(tuple((dimension, period, cap) for dimension, period, cap in rows))


def named(said: str) -> str:
    """The dimension that a text names in full or in part; :class:`NoSuchDimension` for none or several."""
    names = [one.name for one in rules().dimensions]
    found = [name for name in names if said == name] or [
        name for name in names if len(said) >= 2 and said in name
    ]
    if len(found) != 1:
        raise NoSuchDimension(said=said[:20], names="、".join(names), first=names[0])
    return found[0]


def next_quarter(now: datetime) -> str:
    """The quarter after the one of a moment: 2027Q1."""
    year, _, number = quarter(now).partition("Q")
    return f"{int(year) + int(number) // 4}Q{int(number) % 4 + 1}"


def plan(
    session: Session, branch: Organisation, dimension: str, cap: int, period: str, *, now: datetime
) -> int:
    """The cap that would hold in a quarter without the change. :class:`NotForThePast`, :class:`BadCap`, :class:`NothingChanges`."""
    if period <= quarter(now):
        raise NotForThePast(next=settlement_period.title(next_quarter(now)), dimension=dimension)
    if not LEAST <= cap <= MOST:
        raise BadCap(cap=cap)
    before = of_branch(session, branch.id).of(period)[dimension]
    if before == cap:
        raise NothingChanges(dimension=dimension, period=settlement_period.title(period), cap=cap)
    return before


def change(
    session: Session,
    branch: Organisation,
    dimension: str,
    cap: int,
    period: str,
    *,
    by: Member,
    now: datetime,
    channel: str = "",
) -> None:
    """Set a cap from a quarter on; refusals as of :func:`plan`."""
    before = plan(session, branch, dimension, cap, period, now=now)
    row = {"cap": cap, "set_by": by.id, "set_at": now}
    session.execute(
        upsert(session, BranchCap)
        .values(branch_id=branch.id, dimension=dimension, period=period, **row)
        .on_conflict_do_update(index_elements=["branch_id", "dimension", "period"], set_=row)
    )
    detail = f"{dimension} {settlement_period.title(period)}起：{before} → {cap}"
    audit.record(
        session, actor=by, act="修改积分上限", now=now, channel=channel, branch_id=branch.id, detail=detail
    )


def withdraw(
    session: Session, branch: Organisation, dimension: str, *, by: Member, now: datetime, channel: str = ""
) -> None:
    """Take back what was set for quarters to come; :class:`NothingToWithdraw`."""
    gone = session.execute(
        delete(BranchCap)
        .where(
            BranchCap.branch_id == branch.id,
            BranchCap.dimension == dimension,
            BranchCap.period > quarter(now),
        )
        .returning(BranchCap.period)
        .execution_options(synchronize_session=False)
    ).all()
    if not gone:
        raise NothingToWithdraw(dimension=dimension)
    detail = f"{dimension}：{'、'.join(settlement_period.title(period) for (period,) in gone)}"
    audit.record(
        session, actor=by, act="撤回积分上限", now=now, channel=channel, branch_id=branch.id, detail=detail
    )
