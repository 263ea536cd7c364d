"""The people of a branch: finding somebody by name, what the branch looks like, leaving and coming back, roles, and what is stored about somebody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.identity import Identity
from bot.models.member import Member, MemberStatus, Role, RoleName, RoleOrigin
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.permission import Action, Actor, actor_of, rank

COMMITTEE = (
    RoleName.SECRETARY,
    RoleName.DEPUTY_SECRETARY,
    RoleName.ORGANISER,
    RoleName.PUBLICITY,
    RoleName.DISCIPLINE,
)


class NoSuchMember(Refusal):
    text = "本支部没有叫“{name}”的人。请核对姓名，发 名单 可以查看。"


class AccountOutOfUse(Refusal):
    text = "{name}的账号已停用。要重新启用请发：恢复 {name}"


class Namesakes(Refusal):
    """Several people have the name; ``people`` are (full name for a next try, what tells them apart)."""

    text = "有{count}位{name}：\n{lines}\n请写明是哪一位，例如：{first}"

    def __init__(self, name: str, people: Sequence[tuple[str, str]]) -> None:
        self.name, self.people = name, tuple(people)
        super().__init__(name=name, count=len(people), lines=self.lines, first=people[0][0])

    @property
    def question(self) -> str:
        """What is asked when the answer may be a number."""
        return f"有{len(self.people)}位{self.name}，是哪一位？\n{self.lines}\n回复数字即可。"

    def commands(self, word: str, rest: str = "") -> tuple[str, ...]:
        """The same command again for each of them, by full name: what the numbers stand for."""
        return tuple(f"{word} {full} {rest}".strip() for full, _ in self.people)

    @property
    def lines(self) -> str:
        """The people as a numbered list."""
        return "\n".join(f"{n} {full} {where}" for n, (full, where) in enumerate(self.people, 1))


class NotYourself(Refusal):
    text = "不能对自己{act}，请由其他负责人办理。"


class AlreadySo(Refusal):
    text = "{name}{state}，没有变化。"


class Erased(Refusal):
    text = "{name}的个人资料已清除，不能恢复。重新加入请用名册导入。"


class NoGroup(Refusal):
    text = "{name}还没有编入党小组，不能任党小组长。请先在名册里填党小组再导入。"


def find_by_name(session: Session, actor: Actor, action: Action, name: str, *, active: bool = True) -> Member:
    """The one person of that name on whom the actor may do ``action``.

    ``name`` may end in what tells namesakes apart: 李四(D0013), 李四 第二党小组. :class:`NoSuchMember` outside the own scope as well,
    :class:`Namesakes` for several, :class:`AccountOutOfUse` when only someone who left has the name (unless ``active`` is False).
    """
    plain, which = _split(name)
    rows = session.execute(
        select(Member, Organisation.name)
        .join(Organisation, Organisation.id == func.coalesce(Member.group_id, Member.branch_id))
        .where(Member.name == plain, actor.within(action))
        .order_by(Member.id)
    ).all()
    found = [(member, home) for member, home in rows if not which or which in _marks(member, home)]
    if not found:
        raise NoSuchMember(name=plain[:12])
    wanted = [(member, home) for member, home in found if member.active == active] or (
        found if not active else []
    )
    if not wanted:
        raise AccountOutOfUse(name=plain)
    if len(wanted) > 1:
        raise Namesakes(
            plain, [(full_name(m), "，".join(filter(None, (home, m.crew)))) for m, home in wanted]
        )
    return wanted[0][0]


def _split(name: str) -> tuple[str, str]:
    plain, _, which = name.strip().replace("（", "(").replace("）", ")").replace(" ", "(", 1).partition("(")
    return plain.strip(), which.strip(" ()").lower()


def _marks(member: Member, home: str) -> set[str]:
    marks = {member.staff_no, member.account, member.crew, home, f"#{member.id}"}
    return {mark.lower() for mark in marks if mark}


def full_name(member: Member) -> str:
    """A name that :func:`find_by_name` finds although there are namesakes: 李四(D0013)."""
    return f"{member.name}({member.staff_no or member.account or f'#{member.id}'})"


# Leaving, coming back, roles --------------------------------------------------------------------------------------------


def deactivate(session: Session, actor: Actor, member: Member, *, today: date) -> list[RoleName]:
    """Somebody leaves: the account is out of use, roles end at once, the ledger and all records stay. Returns the roles that ended."""
    require_over(session, actor, member, "停用", today=today)
    if not member.active:
        raise AlreadySo(name=member.name, state="已经停用")
    member.active = False
    member.binding_code = None
    ended = roles_of(session, member.id, today)
    for role in ended:
        end(session, role, today)
    return [role.name for role in ended]


def reactivate(member: Member) -> None:
    """A returning member is taken up again, with all that was there; roles are granted anew."""
    if member.active:
        raise AlreadySo(name=member.name, state="没有停用")
    if member.erased_at is not None:
        raise Erased(name=member.name)
    member.active = True


def appoint(session: Session, actor: Actor, member: Member, name: RoleName, *, today: date) -> Organisation:
    """Grant a role over the member's branch (党小组长: over the group) from today; only somebody above the role may. Returns the node."""
    actor.require_above(rank(name), f"任命{name.value}")
    if member.id == actor.member.id:
        raise NotYourself(act="任命")
    if name is RoleName.GROUP_LEADER and member.group_id is None:
        raise NoGroup(name=member.name)
    node = session.get_one(
        Organisation, member.group_id if name is RoleName.GROUP_LEADER else member.branch_id
    )
    if any(
        role.name is name and role.organisation_id == node.id for role in roles_of(session, member.id, today)
    ):
        raise AlreadySo(name=member.name, state=f"已经是{name.value}")
    session.add(
        Role(
            member_id=member.id,
            name=name,
            organisation_id=node.id,
            starts_on=today,
            ends_on=None,
            origin=RoleOrigin.CHAT,
        )
    )
    return node


def dismiss(session: Session, actor: Actor, member: Member, name: RoleName, *, today: date) -> None:
    """End a role from today on; the row stays as history."""
    actor.require_above(rank(name), f"免去{name.value}")
    if member.id == actor.member.id:
        raise NotYourself(act="免职")
    ended = [role for role in roles_of(session, member.id, today) if role.name is name]
    if not ended:
        raise AlreadySo(name=member.name, state=f"现在不是{name.value}")
    for role in ended:
        end(session, role, today)


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


def roles_of(session: Session, member_id: int, today: date) -> Sequence[Role]:
    """The roles in force on a day."""
    return session.scalars(
        select(Role).where(
            Role.member_id == member_id,
            Role.starts_on <= today,
            or_(Role.ends_on.is_(None), Role.ends_on >= today),
        )
    ).all()


def end(session: Session, role: Role, today: date) -> None:
    """The last day is inclusive, so yesterday ends a role now."""
    role.ends_on = today - timedelta(days=1)


# What a branch looks like -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BranchView:
    """A branch in figures: people by status, who holds which committee role, groups with size and leaders, and what the rules say to it."""

    name: str
    statuses: tuple[tuple[MemberStatus, int], ...]
    committee: tuple[tuple[RoleName, tuple[str, ...]], ...]
    groups: tuple[tuple[str, int, tuple[str, ...]], ...]
    check: str

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
    )


def _holders(session: Session, nodes: list[int], today: date) -> Sequence[tuple[RoleName, int, str]]:
    rows = session.execute(
        select(Role.name, Role.organisation_id, Member.name)
        .join(Member, Member.id == Role.member_id)
        .where(
            Member.active,
            Role.organisation_id.in_(nodes),
            Role.starts_on <= today,
            or_(Role.ends_on.is_(None), Role.ends_on >= today),
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


# What is stored about somebody ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a member belongs: branch, group, roles in force and channels. Rows are counted by :mod:`bot.services.personal_data`."""

    branch: str
    group: str
    roles: tuple[str, ...]
    channels: tuple[str, ...]


def stored(session: Session, member: Member, *, today: date) -> Stored:
    """Where a member belongs."""
    nodes = {
        node.id: node.name
        for node in session.scalars(
            select(Organisation).where(Organisation.id.in_([member.branch_id, member.group_id]))
        )
    }
    channels = session.scalars(
        select(Identity.channel).where(Identity.member_id == member.id).order_by(Identity.id)
    )
    return Stored(
        nodes[member.branch_id],
        nodes.get(member.group_id or 0, ""),
        tuple(role.name.value for role in roles_of(session, member.id, today)),
        tuple(dict.fromkeys(channels)),
    )
