"""What a branch looks like: people by status, committee and groups, and who is on its list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.models.identity import Identity
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.permission import Action, Actor
from bot.services.role import COMMITTEE, in_force
from bot.services.secondment import Guest, guests


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch in figures: people by status, who holds which committee role, groups with size and leaders, and what the rules say to it."""

    name: str
    statuses: tuple[tuple[MemberStatus, int], ...]
    committee: tuple[tuple[RoleName, tuple[str, ...]], ...]
    groups: tuple[tuple[str, int, tuple[str, ...]], ...]
    check: str
    guests: tuple[Guest, ...]

    @property
    def people(self) -> int:
        """How many active people are on the roster."""
        return sum(count for _, count in self.statuses)


def branch_view(session: Session, branch_id: int, *, today: date) -> BranchView:
    """What everybody in the branch may know of it: counts, committee and groups."""
    branch = session.get_one(Organisation, branch_id)
    people = session.execute(
        select(Member.status, Member.group_id).where(Member.branch_id == branch_id, Member.active)
    ).all()
    groups = session.scalars(
        select(Organisation)
        .where(Organisation.parent_id == branch_id, Organisation.kind == OrganisationKind.GROUP)
        .order_by(Organisation.id)
    ).all()
    held: dict[tuple[RoleName, int], list[str]] = defaultdict(list)
    for role, node, name in _holders(session, [branch_id, *(group.id for group in groups)], today):
        held[role, node].append(name)
    statuses = tuple((s, sum(one.status is s for one in people)) for s in MemberStatus)
    committee = tuple((role, tuple(held[role, branch_id])) for role in COMMITTEE if held[role, branch_id])
    size = len({name for _, names in committee for name in names})
    sizes = [(g, sum(one.group_id == g.id for one in people)) for g in groups]
    return BranchView(
        branch.name,
        tuple((s, n) for s, n in statuses if n),
        committee,
        tuple((g.name, n, tuple(held[RoleName.GROUP_LEADER, g.id])) for g, n in sizes if n),
        committee_check(dict(statuses)[MemberStatus.FULL], size),
        tuple(guests(session, branch_id, today)),
    )


def _holders(session: Session, nodes: list[int], today: date) -> Sequence[tuple[RoleName, int, str]]:
    rows = session.execute(
        select(Role.name, Role.organisation_id, Member.name)
        .join(Member, Member.id == Role.member_id)
        .where(
            Member.active,
            Role.organisation_id.in_(nodes),
            in_force(today),
        )
        .order_by(Role.id)
    )
    return [(role, node, name) for role, node, name in rows]


def committee_check(full_members: int, committee: int) -> str:
    """What the rules say to a committee of this size. Source: 《中国共产党支部工作条例（试行）》第二十条 (DOMAIN: high).

    Below seven full members: one secretary, a deputy if needed, no committee. From seven on: a committee of three to five, at most seven.
    """
    source = "（《中国共产党支部工作条例（试行）》第二十条）"
    if full_members < 7:
        rule, fits = (
            f"正式党员{full_members}名，不足7名：设书记1名，必要时可设副书记1名，不设支委会",
            1 <= committee <= 2,
        )
    else:
        rule, fits = f"正式党员{full_members}名：设支委会，委员3至5名，一般不超过7名", 3 <= committee <= 7
    return f"{rule}。现有{committee}名，{'符合' if fits else '请核对'}{source}"


@dataclass(frozen=True, slots=True)
class Listed:
    """Somebody on the list of a branch. ``mark`` says why pushes do not reach the person, or is empty."""

    name: str
    group: str
    mark: str


def listed(session: Session, actor: Actor, branch_id: int | None = None) -> list[Listed]:
    """The active people whom the actor may see, by group; of one branch if given."""
    bound = (
        select(
            Identity.member_id,
            func.count().label("known"),
            func.sum(case((Identity.reachable, 1), else_=0)).label("reached"),
        )
        .where(Identity.member_id.is_not(None))
        .group_by(Identity.member_id)
        .subquery()
    )
    query = (
        select(Member.name, Organisation.name, Organisation.kind, bound.c.known, bound.c.reached)
        .join(Organisation, Organisation.id == func.coalesce(Member.group_id, Member.branch_id))
        .outerjoin(bound, bound.c.member_id == Member.id)
        .where(Member.active, actor.within(Action.SEE_GROUP))
        .order_by(Organisation.path, Member.id)
    )
    if branch_id is not None:
        query = query.where(Member.branch_id == branch_id)
    return [
        Listed(name, home if kind is OrganisationKind.GROUP else "未编组", _mark(known, reached))
        for name, home, kind, known, reached in session.execute(query)
    ]


def _mark(identities: int | None, reached: int | None) -> str:
    if not identities:
        return "未绑定"
    return "" if reached else "联系不上"


def branches(session: Session, actor: Actor, action: Action) -> list[tuple[Organisation, int]]:
    """The branches with people in which the actor may do something, and how many people each has."""
    rows = session.execute(
        select(Organisation, func.count(Member.id))
        .join(Member, Member.branch_id == Organisation.id)
        .where(Member.active, actor.within(action))
        .group_by(Organisation.id)
        .order_by(Organisation.path)
    )
    return [(branch, count) for branch, count in rows]
