"""Who is addressed by an activity or a notice: everybody, full members, the committee, or one group of a branch."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, Role
from bot.models.organisation import Organisation, OrganisationKind
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.permission import Action, Actor
from bot.services.secondment import take_part
from content.activity_kinds import ActivityKind, Attends

EVERYBODY = "全体党员"
FULL_MEMBERS = MemberStatus.FULL.value
COMMITTEE = Attends.COMMITTEE.value


class UnknownAudience(Refusal):
    text = "没看懂参加范围“{said}”。可以写：{known}"


class NobodyAddressed(Refusal):
    text = "{audience} 里没有在册党员，请换一个范围。例如：对象改为全体党员"


class NoCommittee(Refusal):
    text = "名册里没有登记支部委员，不能发布支委会。请先核对名册里的职务（发 名单 看看）。"


class NoGroupOfYours(Refusal):
    text = "没有您可以召集的党小组。党小组会由党小组长或支部委员发布。"


class UnknownPartner(Refusal):
    text = (
        "没有找到“{said}”。请写系统里有的支部名称，例如：和营销党支部联建；对方不在系统里的，请在主题里写明。"
    )


def audiences(session: Session, branch_id: int) -> tuple[str, ...]:
    """The audiences a branch can choose from: everybody, full members, its groups, and the committee."""
    return (EVERYBODY, FULL_MEMBERS, *(group.name for group in _groups(session, branch_id)), COMMITTEE)


def _groups(session: Session, branch_id: int) -> list[Organisation]:
    here = (Organisation.parent_id == branch_id, Organisation.kind == OrganisationKind.GROUP)
    return list(session.scalars(select(Organisation).where(*here).order_by(Organisation.id)))


def allowed(session: Session, actor: Actor, kind: ActivityKind) -> tuple[str, ...]:
    """Whom the actor may address with a kind: the committee with its own meeting, with a group meeting the groups where that is the actor's right.

    Raises :class:`NotAllowed`, :class:`OutsideYourBranch` or :class:`NoGroupOfYours`.
    """
    branch_id = actor.branch_id
    if kind.attends is Attends.GROUP:
        actor.require(Action.PUBLISH_GROUP)
        mine = select(Organisation.id).where(actor.within(Action.PUBLISH_GROUP))
        ids = set(session.scalars(mine))
        names = tuple(group.name for group in _groups(session, branch_id) if group.id in ids)
        if not names:
            raise NoGroupOfYours
        return names
    actor.on_branch(session, Action.PUBLISH, branch_id)
    return (COMMITTEE,) if kind.attends is Attends.COMMITTEE else audiences(session, branch_id)


def usual(kind: ActivityKind, known: tuple[str, ...]) -> str:
    """Whom a kind addresses when nothing else is said; "" where one of several groups must be chosen."""
    if kind.attends in (Attends.MEMBERS, Attends.JOINT):
        return EVERYBODY
    return known[0] if len(known) == 1 else ""


def named(session: Session, branch_id: int, said: str, known: tuple[str, ...] = ()) -> str:
    """The audience that a text means ("全体", "第一小组") among ``known``; :class:`UnknownAudience` when it means none or two."""
    known = known or audiences(session, branch_id)
    one = exact(session, branch_id, said, known)
    found = [one] if one else [name for name in known if said and said in name]
    if len(found) != 1:
        raise UnknownAudience(said=said[:20], known="、".join(known))
    return found[0]


def exact(session: Session, branch_id: int, said: str, known: tuple[str, ...] = ()) -> str:
    """The audience of exactly that name, or its short form; "" when the word is none."""
    known = known or audiences(session, branch_id)
    return next((name for name in known if _core(name) == _core(said)), "")


def _core(name: str) -> str:
    """第一党小组, 第一小组 and 一组 are the same; so are 全体, 全体党员 and 所有人."""
    if name in ("全体", "全部", "所有人", "大家", "全体人员", EVERYBODY):
        return EVERYBODY
    if name in ("正式", FULL_MEMBERS):
        return FULL_MEMBERS
    if name in ("支委会", "支部委员", "委员", COMMITTEE):
        return COMMITTEE
    return name.removeprefix("第").removesuffix("党小组").removesuffix("小组").removesuffix("组")


def addressed(session: Session, branch_id: int, audience: str, *, on: date) -> list[Member]:
    """The active Party members of a branch that an audience names, full and probationary; the organiser is one of them.

    Who is seconded to the branch belongs to everybody and to the full members there, to its committee or a group only by a role or the roster.

    ``on`` decides who is in the committee. Raises :class:`NobodyAddressed` or :class:`NoCommittee`.
    """
    here = (
        take_part(branch_id, on) if audience in (EVERYBODY, FULL_MEMBERS) else Member.branch_id == branch_id
    )
    query = select(Member).where(here, Member.active, Member.status.in_(PARTY_MEMBERS))
    if audience == FULL_MEMBERS:
        query = query.where(Member.status == MemberStatus.FULL)
    elif audience == COMMITTEE:
        query = query.where(Member.id.in_(_committee(branch_id, on)))
    elif audience != EVERYBODY:
        group = group_id(session, branch_id, audience)
        query = query.where(Member.group_id == group)
    found = list(session.scalars(query.order_by(Member.id)))
    if not found:
        raise NoCommittee if audience == COMMITTEE else NobodyAddressed(audience=audience)
    return found


def _committee(branch_id: int, on: date) -> Select[int]:
    return select(Role.member_id).where(
        Role.organisation_id == branch_id,
        Role.name.in_(COMMITTEE_ROLES),
        Role.starts_on <= on,
        or_(Role.ends_on.is_(None), Role.ends_on >= on),
    )


def group_id(session: Session, branch_id: int, name: str) -> int | None:
    """The id of the branch's group of that name; None when the name is none of a group."""
    return next((group.id for group in _groups(session, branch_id) if group.name == name), None)


def partner(session: Session, branch_id: int, said: str) -> Organisation:
    """The other branch that a text names; :class:`UnknownPartner` when there is none, or more than one."""
    core = said.removesuffix("党支部").removesuffix("支部")
    others = select(Organisation).where(
        Organisation.kind == OrganisationKind.BRANCH,
        Organisation.id != branch_id,
        Organisation.merged_into_id.is_(None),
    )
    found = [one for one in session.scalars(others.order_by(Organisation.id)) if one.name == said]
    if not found and core:
        found = list(
            session.scalars(others.where(Organisation.name.contains(core, autoescape=True)).limit(2))
        )
    if len(found) != 1:
        raise UnknownPartner(said=said[:20])
    return found[0]
