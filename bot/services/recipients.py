"""Whom a notice is for: everybody, a status, a role, a group, a crew, a tag, names, who got another notice, or several of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, MemberTag, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState
from bot.services import audience as audiences
from bot.services.cadence.facts import COMMITTEE_ROLES

EVERYBODY = "全体"
DELIVERED = (OutboxState.SENT, OutboxState.MERGED, OutboxState.SHOWN)
_SEEN = (*DELIVERED, OutboxState.RECALLING, OutboxState.RECALLED)
"""Who had a notice may have read it before it was taken back."""
_ALL = {EVERYBODY, "全部", "所有人", "大家", "全支部", "全体人员"}
_PARTY = {"全体党员", "党员", "所有党员"}
_COMMITTEE = {"支委", "支委会", "委员", "班子", "支部委员"}
_ROLES = {role.value: role for role in RoleName} | {"小组长": RoleName.GROUP_LEADER}
_GOT = re.compile(r"收到(?:通知)?\s*#?(\d{1,9})\s*(?:号)?的人")
_BETWEEN = re.compile(r"[、,，和]")


class UnknownNames(Refusal):
    text = "本支部没有找到：{names}。请核对姓名，例如：通知 张伟、古丽 下午到会议室"


class NobodyMeant(Refusal):
    text = "“{to}”里现在没有人。对象可以写：全体、党小组名、班组名、正式党员、支委、党小组长、标签，或姓名、姓名。"


def who_got(number: int) -> str:
    """The words for those who got a notice, as :func:`find` understands them."""
    return f"收到通知#{number}的人"


def find(session: Session, branch_id: int, to: str, *, on: date) -> list[Member]:
    """The active members of a branch who are meant; :class:`NobodyMeant` or :class:`UnknownNames`.

    ``on`` decides who is in an office.
    """
    members = meant(session, branch_id, to, on=on)
    if not members:
        raise NobodyMeant(to=to[:30])
    return members


def meant(session: Session, branch_id: int, to: str, *, on: date) -> list[Member] | None:
    """The members meant, an empty list when there are none, None when the words name nobody at all."""
    here = select(Member).where(Member.branch_id == branch_id, Member.active).order_by(Member.id)
    whole = _condition(session, branch_id, to, on)
    if whole is not None:
        return list(session.scalars(here.where(whole)))
    parts = [part for part in _BETWEEN.split(to) if part]
    known = {part: _condition(session, branch_id, part, on) for part in parts}
    conditions = [one for one in known.values() if one is not None]
    names = [part for part, one in known.items() if one is None]
    return _together(session, here, conditions, names)


def _together(
    session: Session, here: Select[Member], conditions: Sequence[ColumnElement[bool]], names: Sequence[str]
) -> list[Member] | None:
    found = list(session.scalars(here.where(or_(False, Member.name.in_(names), *conditions))))
    missing = [name for name in names if name not in {member.name for member in found}]
    if len(missing) == len(names) and not conditions:
        return None
    if missing:
        raise UnknownNames(names="、".join(missing))
    return found


def _condition(session: Session, branch_id: int, to: str, on: date) -> ColumnElement[bool] | None:
    """What the people have in common whom one word means; None when it is no such word."""
    if to in _ALL:
        return Member.active.is_(True)
    if to in _PARTY:
        return Member.status.in_(PARTY_MEMBERS)
    if to in {status.value for status in MemberStatus}:
        return Member.status == MemberStatus(to)
    if to in _COMMITTEE:
        return _in_office(branch_id, COMMITTEE_ROLES, on)
    if to in _ROLES:
        return _in_office(branch_id, (_ROLES[to],), on)
    if found := _GOT.fullmatch(to):
        return Member.id.in_(
            select(Outbox.member_id).where(Outbox.notice_id == int(found[1]), Outbox.state.in_(_SEEN))
        )
    group = _group(session, branch_id, to) if to.endswith("组") else None
    return group if group is not None else _crew_or_tag(session, branch_id, to)


def _in_office(branch_id: int, roles: Sequence[RoleName], on: date) -> ColumnElement[bool]:
    """Who has a role over the branch, or over one of its groups, on a day."""
    node = select(Organisation.id).where(
        (Organisation.id == branch_id) | (Organisation.parent_id == branch_id)
    )
    in_force = (Role.starts_on <= on, or_(Role.ends_on.is_(None), Role.ends_on >= on))
    return Member.id.in_(
        select(Role.member_id).where(Role.organisation_id.in_(node), Role.name.in_(roles), *in_force)
    )


def _group(session: Session, branch_id: int, to: str) -> ColumnElement[bool] | None:
    try:
        name = audiences.named(session, branch_id, to)
    except audiences.UnknownAudience:
        return None
    here = (
        Organisation.parent_id == branch_id,
        Organisation.name == name,
        Organisation.kind == OrganisationKind.GROUP,
    )
    return Member.group_id.in_(select(Organisation.id).where(*here))


def _crew_or_tag(session: Session, branch_id: int, to: str) -> ColumnElement[bool] | None:
    here = (Member.branch_id == branch_id, Member.active)
    if session.scalar(select(Member.id).where(*here, Member.crew == to).limit(1)) is not None:
        return Member.crew == to
    tagged = select(MemberTag.member_id).where(MemberTag.name == to.removeprefix("标签"))
    if session.scalar(select(Member.id).where(*here, Member.id.in_(tagged)).limit(1)) is not None:
        return Member.id.in_(tagged)
    return None


def is_taken(session: Session, branch_id: int, word: str, *, on: date) -> bool:
    """Whether a word already means somebody other than by a tag, so that no tag may be called so."""
    if _BETWEEN.search(word):
        return True
    tagged = select(MemberTag.name).join(Member, Member.id == MemberTag.member_id)
    if session.scalar(tagged.where(Member.branch_id == branch_id, MemberTag.name == word).limit(1)):
        return False
    return meant(session, branch_id, word, on=on) is not None
