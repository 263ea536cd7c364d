"""People go from branch to branch, branches are founded and merged; what was stays on record. By an admin above both sides only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.course import Transfer
from bot.models.member import Member, Role
from bot.models.organisation import Organisation, OrganisationKind
from bot.services import hazard, key_task, organisation, role, secondment, sign_up
from bot.services.permission import Action, Actor


class NoSuchBranch(Refusal):
    text = "没有找到您能管理的支部“{name}”。请写全名，例如：转出 张三 到 运行党支部"


class NoSuchGroup(Refusal):
    text = "{count}叫“{name}”的党小组，不知道转哪一个。请写姓名，例如：转入 张三、李四 到 运行党支部"


class AlreadyThere(Refusal):
    text = "{name}本来就在{branch}，没有变化。"


class AlreadyExists(Refusal):
    text = "已经有“{name}”了，不用再建。"


class BadName(Refusal):
    text = "支部名称要以 党支部 或 党总支 结尾，最多 40 个字。例如：新建党支部 运行党支部"


class NotMergeable(Refusal):
    text = "不能把{one}并入{other}：{why}。"


def branch_named(session: Session, actor: Actor, name: str) -> Organisation:
    """The one branch of that name in the actor's scope; :class:`NoSuchBranch` otherwise. Merged ones are gone."""
    found = session.scalars(
        select(Organisation).where(
            Organisation.name == name.strip(),
            Organisation.kind == OrganisationKind.BRANCH,
            Organisation.merged_into_id.is_(None),
            actor.within(Action.MOVE_PEOPLE),
        )
    ).all()
    if len(found) != 1:
        raise NoSuchBranch(name=name[:20])
    return found[0]


def move(
    session: Session, actor: Actor, member: Member, to: Organisation, *, why: str, now: datetime
) -> Transfer:
    """Somebody goes to another branch: roles and invitations of the old one end, group is open, points and records go along."""
    if member.branch_id != to.id:
        sign_up.leave_branch(session, member, now=now)
    return _moved(session, actor, member, to, why=why, now=now)


def _moved(
    session: Session, actor: Actor, member: Member, to: Organisation, *, why: str, now: datetime
) -> Transfer:
    before = actor.on_branch(session, Action.MOVE_PEOPLE, member.branch_id)
    actor.on_branch(session, Action.MOVE_PEOPLE, to.id)
    if before.id == to.id:
        raise AlreadyThere(name=member.name, branch=to.name)
    _end_roles(session, member, before, now.date())
    row = Transfer(
        member_id=member.id, from_id=before.id, to_id=to.id, why=why, by_id=actor.member.id, at=now
    )
    session.add(row)
    member.branch_id, member.group_id = to.id, None
    secondment.finish(session, member, now.date() - timedelta(days=1), to_id=to.id)
    session.flush()
    return row


def _end_roles(session: Session, member: Member, before: Organisation, today: date) -> None:
    """Only those over the old branch and its groups; an admin of the committee stays one."""
    below = select(Organisation.id).where(Organisation.path.startswith(before.path, autoescape=True))
    for one in role.roles_of(session, member.id, today):
        if one.organisation_id in set(session.scalars(below)):
            role.end(session, one, today)


def group_named(session: Session, actor: Actor, name: str) -> Organisation:
    """The one group of that name in the actor's scope; :class:`NoSuchGroup` otherwise."""
    found = session.scalars(
        select(Organisation).where(
            Organisation.name == name,
            Organisation.kind == OrganisationKind.GROUP,
            actor.within(Action.MOVE_PEOPLE),
        )
    ).all()
    if len(found) != 1:
        raise NoSuchGroup(name=name[:20], count=f"有{len(found)}个" if found else "没有")
    return found[0]


def move_group(
    session: Session, actor: Actor, group: Organisation, to: Organisation, *, now: datetime
) -> int:
    """A group goes to another branch with its people, as when a branch splits. Returns how many went."""
    if group.parent_id == to.id:
        raise AlreadyThere(name=group.name, branch=to.name)
    members = session.scalars(select(Member).where(Member.group_id == group.id).order_by(Member.id)).all()
    here = next((one for one in _groups(session, to).values() if one.name == group.name), None)
    for member in members:
        move(session, actor, member, to, why=f"{group.name}转入{to.name}", now=now)
        member.group_id = here.id if here else group.id
    if here is None:
        group.parent_id, group.path = to.id, f"{to.path}{group.id}/"
    session.flush()
    return sum(member.active for member in members)


def history(session: Session, member_id: int) -> Sequence[tuple[datetime, str, str]]:
    """When somebody went from where to where, oldest first."""
    names = {node.id: node.name for node in session.scalars(select(Organisation))}
    rows = session.scalars(select(Transfer).where(Transfer.member_id == member_id).order_by(Transfer.id))
    return [(row.at, names[row.from_id], names[row.to_id]) for row in rows]


def found(session: Session, actor: Actor, name: str) -> Organisation:
    """A new branch below the actor's own node."""
    name = name.strip()
    kind = organisation.kind_of(name)
    fits = name.endswith(("党支部", "党总支")) and len(name) <= 40
    if not fits or kind not in (OrganisationKind.BRANCH, OrganisationKind.GENERAL_BRANCH):
        raise BadName
    actor.require(Action.MOVE_PEOPLE)
    path = min(actor.paths(Action.MOVE_PEOPLE), key=len)
    parent = session.scalars(select(Organisation).where(Organisation.path == path)).one()
    known = select(Organisation.id).where(
        Organisation.name == name, Organisation.path.startswith(path, autoescape=True)
    )
    if session.scalar(known):
        raise AlreadyExists(name=name)
    return organisation.ensure(session, name, parent=parent, kind=kind)


def merge(session: Session, actor: Actor, one: Organisation, other: Organisation, *, now: datetime) -> int:
    """All people of ``one`` go to ``other`` with their groups; the emptied node stays for its records. Returns how many went."""
    for node in (one, other):
        actor.on_branch(session, Action.MOVE_PEOPLE, node.id)
    if one.id == other.id:
        raise NotMergeable(one=one.name, other=other.name, why="是同一个支部")
    groups = _groups(session, one)
    here = {group.name: group for group in _groups(session, other).values()}
    members = session.scalars(select(Member).where(Member.branch_id == one.id).order_by(Member.id)).all()
    for member in members:
        group = groups.get(member.group_id or 0)
        _moved(session, actor, member, other, why=f"{one.name}并入{other.name}", now=now)
        if group is not None:
            member.group_id = here.get(group.name, group).id
    for group in groups.values():
        if group.name not in here:
            group.parent_id, group.path = other.id, f"{other.path}{group.id}/"
    for one_role in session.scalars(
        select(Role).where(Role.organisation_id == one.id, Role.ends_on.is_(None))
    ):
        role.end(session, one_role, now.date())
    hazard.move_open(session, one.id, other.id)
    key_task.move_live(session, one.id, other.id)
    one.merged_into_id = other.id
    session.flush()
    return sum(member.active for member in members)


def _groups(session: Session, branch: Organisation) -> dict[int, Organisation]:
    rows = select(Organisation).where(
        Organisation.parent_id == branch.id, Organisation.kind == OrganisationKind.GROUP
    )
    return {group.id: group for group in session.scalars(rows)}
