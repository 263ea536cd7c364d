"""Roles: given and taken by somebody above, from a day, perhaps to a day, and changed all at once after an election (换届)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member, Role, RoleName, RoleOrigin
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.permission import Action, Actor, actor_of, rank

COMMITTEE = (
    RoleName.SECRETARY,
    RoleName.DEPUTY_SECRETARY,
    RoleName.ORGANISER,
    RoleName.PUBLICITY,
    RoleName.DISCIPLINE,
)


class NotYourself(Refusal):
    text = "不能对自己{act}，请由其他负责人办理。"


class AlreadySo(Refusal):
    text = "{name}{state}，没有变化。"


class NoGroup(Refusal):
    text = "{name}还没有编入党小组，不能任党小组长。请先在名册里填党小组再导入。"


class EndsBeforeItBegins(Refusal):
    text = "结束日期{ends}早于开始日期{starts}，请核对。"


class NotYet(Refusal):
    text = "{on}还没有到。换届要在选举结果批复以后、从实际任职那天起登记。"


class OnePost(Refusal):
    text = "{role}写了{count}个人（{names}），只能是1人，请核对。"


@dataclass(frozen=True, slots=True)
class Granted:
    """A role that was given. ``node`` is what it is over; ``others`` are the names of those who hold the same role there."""

    role: Role
    node: Organisation
    others: tuple[str, ...]


def grant(
    session: Session,
    actor: Actor | None,
    member: Member,
    name: RoleName,
    *,
    today: date,
    node: Organisation | None = None,
    starts_on: date | None = None,
    ends_on: date | None = None,
) -> Granted:
    """Give a role from a day (today) to a day, inclusive (open). Only somebody above the role may; ``actor`` is None for the operator, who may all.

    Without ``node`` it is over the member's branch: 党小组长 over the group, the admin over the committee above.
    """
    starts_on = starts_on or today
    if actor is not None:
        actor.require_above(rank(name), f"任命{name.value}")
        if member.id == actor.member.id:
            raise NotYourself(act="任命")
    if ends_on is not None and ends_on < starts_on:
        raise EndsBeforeItBegins(starts=starts_on, ends=ends_on)
    node = node or _usual_node(session, member, name)
    held = session.execute(
        select(Role, Member)
        .join(Member, Member.id == Role.member_id)
        .where(
            Role.name == name,
            Role.organisation_id == node.id,
            or_(Role.ends_on.is_(None), Role.ends_on >= starts_on),
            Role.starts_on <= (ends_on or date.max),
            Member.active,
        )
        .order_by(Role.id)
    ).all()
    if any(role.member_id == member.id for role, _ in held):
        raise AlreadySo(name=member.name, state=f"已经是{name.value}")
    origin = RoleOrigin.CHAT if actor else RoleOrigin.CLI
    role = Role(
        member_id=member.id,
        name=name,
        organisation_id=node.id,
        starts_on=starts_on,
        ends_on=ends_on,
        origin=origin,
    )
    session.add(role)
    session.flush()
    return Granted(role, node, tuple(holder.name for _, holder in held))


def _usual_node(session: Session, member: Member, name: RoleName) -> Organisation:
    if name is RoleName.GROUP_LEADER:
        if member.group_id is None:
            raise NoGroup(name=member.name)
        return session.get_one(Organisation, member.group_id)
    branch = session.get_one(Organisation, member.branch_id)
    if name is not RoleName.ADMIN:
        return branch
    above = [int(part) for part in branch.path.strip("/").split("/")]
    committees = select(Organisation).where(
        Organisation.id.in_(above), Organisation.kind == OrganisationKind.COMMITTEE
    )
    return max(session.scalars(committees), key=lambda one: len(one.path), default=branch)


def revoke(
    session: Session,
    actor: Actor | None,
    member: Member,
    name: RoleName,
    *,
    today: date,
    last_day: date | None = None,
) -> int:
    """End a role after its last day (at once); what was to begin later never does. The rows stay as history. Returns how many ended."""
    if actor is not None:
        actor.require_above(rank(name), f"免去{name.value}")
        if member.id == actor.member.id:
            raise NotYourself(act="免职")
    last = last_day or today - timedelta(days=1)
    held = session.scalars(
        select(Role).where(
            Role.member_id == member.id,
            Role.name == name,
            or_(Role.ends_on.is_(None), Role.ends_on > last),
            or_(Role.ends_on.is_(None), Role.ends_on >= Role.starts_on),
        )
    ).all()
    if not held:
        raise AlreadySo(name=member.name, state=f"现在不是{name.value}")
    for role in held:
        role.ends_on = last
    return len(held)


def require_over(
    session: Session, actor: Actor, member: Member, act: str, *, today: date, oneself: bool = False
) -> None:
    """Raise unless the actor stands above the member (or is the member, where ``oneself`` is allowed).

    Nobody puts out of use or takes over an account above the own one.
    """
    if member.id != actor.member.id:
        actor.require_above(actor_of(session, member, on=today).rank, f"{act}{member.name}")
    elif not oneself:
        raise NotYourself(act=act)


def in_force(on: date) -> ColumnElement[bool]:
    """The condition for roles that hold on a day; both ends are inclusive."""
    return (Role.starts_on <= on) & or_(Role.ends_on.is_(None), Role.ends_on >= on)


def roles_of(session: Session, member_id: int, today: date) -> Sequence[Role]:
    """The roles in force on a day."""
    return session.scalars(select(Role).where(Role.member_id == member_id, in_force(today))).all()


def end(session: Session, role: Role, today: date) -> None:
    """The last day is inclusive, so yesterday ends a role now."""
    role.ends_on = today - timedelta(days=1)


# After an election ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Change:
    """What a new committee changes: who goes (with the role), who comes, and who stays in the same role."""

    going: tuple[tuple[Role, Member], ...]
    coming: tuple[tuple[RoleName, Member], ...]
    staying: tuple[tuple[RoleName, Member], ...]


def new_committee(
    session: Session,
    actor: Actor,
    branch: Organisation,
    elected: Sequence[tuple[RoleName, Member]],
    on: date,
    *,
    today: date,
) -> Change:
    """What changes when these people are the committee from a day on; nothing is written. Only somebody above a secretary may ask.

    The election itself is held offline, by 《中国共产党基层组织选举工作条例》; here its result becomes rights.
    """
    actor.on_branch(session, Action.MANAGE_PEOPLE, branch.id)
    actor.require_above(rank(RoleName.SECRETARY), "登记换届")
    if on > today:
        raise NotYet(on=on)
    for name in (RoleName.SECRETARY, RoleName.ORGANISER, RoleName.PUBLICITY, RoleName.DISCIPLINE):
        several = [who.name for role, who in elected if role is name]
        if len(several) > 1:
            raise OnePost(role=name.value, count=len(several), names="、".join(several))
    rows = session.execute(
        select(Role, Member)
        .join(Member, Member.id == Role.member_id)
        .where(
            Role.organisation_id == branch.id,
            Role.name.in_(COMMITTEE),
            or_(Role.ends_on.is_(None), (Role.ends_on >= today) & (Role.ends_on >= Role.starts_on)),
        )
        .order_by(Role.id)
    ).all()
    wanted = {(name, who.id) for name, who in elected}
    # What the old committee was still to begin is over with it.
    held = {(role.name, who.id) for role, who in rows if role.starts_on <= today}
    return Change(
        tuple(
            (role, who) for role, who in rows if (role.name, who.id) not in wanted or role.starts_on > today
        ),
        tuple((name, who) for name, who in elected if (name, who.id) not in held),
        tuple((name, who) for name, who in elected if (name, who.id) in held),
    )


def install(session: Session, branch: Organisation, change: Change, on: date) -> None:
    """Write what :func:`new_committee` found: the old roles end the day before."""
    for role, _ in change.going:
        role.ends_on = on - timedelta(days=1)
    for name, who in change.coming:
        role = Role(
            member_id=who.id,
            name=name,
            organisation_id=branch.id,
            starts_on=on,
            ends_on=None,
            origin=RoleOrigin.CHAT,
        )
        session.add(role)
    session.flush()
