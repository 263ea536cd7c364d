"""借调: somebody works with a temporary branch for a time, takes part in its activities, and belongs to the home branch all the same.

Dues, votes, points, appraisal and elections stay with the home branch; a temporary one, as a rule, admits nobody, disciplines nobody, collects no
dues and elects nothing (《中国共产党支部工作条例（试行）》, confidence: check).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.course import Secondment
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services.permission import Action, Actor


class AtHome(Refusal):
    text = "{name}本来就在{branch}，不用借调。"


class WrongSpan(Refusal):
    text = "借调的结束日期{ends}要在开始日期{starts}之后，也不能早于今天，请核对。"


class Overlaps(Refusal):
    text = "{name}在这段时间已借调到{branch}（{starts} 至 {ends}）。先结束请发：结束借调 {name}"


class NotSeconded(Refusal):
    text = "{name}现在没有借调，也没有已登记的借调。"


@dataclass(frozen=True, slots=True)
class Guest:
    """Somebody from another branch, and until when."""

    name: str
    home: str
    until: date


def begin(
    session: Session,
    actor: Actor,
    member: Member,
    to: Organisation,
    starts_on: date,
    ends_on: date,
    *,
    why: str,
    now: datetime,
) -> Secondment:
    """Send somebody to another branch from a day to a day, both inclusive. By an admin above both branches."""
    home = actor.on_branch(session, Action.MOVE_PEOPLE, member.branch_id)
    actor.on_branch(session, Action.MOVE_PEOPLE, to.id)
    if home.id == to.id:
        raise AtHome(name=member.name, branch=to.name)
    if ends_on < starts_on or ends_on < now.date():
        raise WrongSpan(starts=starts_on, ends=ends_on)
    other = session.execute(
        select(Secondment, Organisation.name)
        .join(Organisation, Organisation.id == Secondment.to_id)
        .where(
            Secondment.member_id == member.id,
            Secondment.starts_on <= ends_on,
            Secondment.ends_on >= starts_on,
        )
        .limit(1)
    ).one_or_none()
    if other is not None:
        row, branch = other
        raise Overlaps(name=member.name, branch=branch, starts=row.starts_on, ends=row.ends_on)
    row = Secondment(
        member_id=member.id,
        to_id=to.id,
        starts_on=starts_on,
        ends_on=ends_on,
        why=why,
        by_id=actor.member.id,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def finish(
    session: Session, member: Member, last_day: date, *, to_id: int | None = None
) -> Sequence[tuple[Secondment, str]]:
    """End what goes on after a day, and what was to begin later (only those to one branch, if given); the rows stay as history.

    Returns them with the branch's name.
    """
    query = (
        select(Secondment, Organisation.name)
        .join(Organisation, Organisation.id == Secondment.to_id)
        .where(
            Secondment.member_id == member.id,
            Secondment.ends_on > last_day,
            Secondment.ends_on >= Secondment.starts_on,
        )
    )
    rows = session.execute(query if to_id is None else query.where(Secondment.to_id == to_id)).all()
    for row, _ in rows:
        row.ends_on = max(last_day, row.starts_on - timedelta(days=1))
    return [(row, name) for row, name in rows]


def take_part(branch_id: int, on: date) -> ColumnElement[bool]:
    """The condition for members who take part in a branch's life on a day: its own, and those who are there for a time."""
    there = select(Secondment.member_id).where(
        Secondment.to_id == branch_id, Secondment.starts_on <= on, Secondment.ends_on >= on
    )
    return or_(Member.branch_id == branch_id, Member.id.in_(there))


def guests(session: Session, branch_id: int, on: date) -> list[Guest]:
    """Who is with a branch for a time."""
    rows = session.execute(
        select(Member.name, Organisation.name, Secondment.ends_on)
        .join(Secondment, Secondment.member_id == Member.id)
        .join(Organisation, Organisation.id == Member.branch_id)
        .where(
            Secondment.to_id == branch_id, Secondment.starts_on <= on, Secondment.ends_on >= on, Member.active
        )
        .order_by(Secondment.id)
    )
    return [Guest(*row) for row in rows]


def current(session: Session, member_id: int, on: date) -> tuple[str, date] | None:
    """Where somebody is for a time, and until when."""
    row = session.execute(
        select(Organisation.name, Secondment.ends_on)
        .join(Secondment, Secondment.to_id == Organisation.id)
        .where(Secondment.member_id == member_id, Secondment.starts_on <= on, Secondment.ends_on >= on)
        .limit(1)
    ).one_or_none()
    return (row[0], row[1]) if row else None
