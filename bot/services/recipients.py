"""Whom a notice is for: everybody, a branch, a status, a role, a group, a crew, a tag, names, who got another notice, or several of these."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, MemberTag, Role, RoleName
from bot.models.notice import Notice
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox, OutboxState
from bot.services import audience as audiences
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.permission import Action, Actor

EVERYBODY = "全体"
DELIVERED = (OutboxState.SENT, OutboxState.MERGED, OutboxState.SHOWN)
_SEEN = (*DELIVERED, OutboxState.RECALLING, OutboxState.RECALLED)
"""Who had a notice may have read it before it was taken back."""
_ALL = {EVERYBODY, "全部", "所有人", "大家", "全支部", "全体人员"}
_PARTY = {"全体党员", "党员", "所有党员"}
_COMMITTEE = {"支委", "支委会", "委员", "班子", "支部委员"}
_ROLES = {role.value: role for role in RoleName} | {"小组长": RoleName.GROUP_LEADER}
_GOT = re.compile(r"收到(?:通知)?\s*#?(\d{1,9})\s*(?:号)?的人")
_EVERYWHERE = re.compile(r"(?:全部|所有|各|下属)党?支部的?|全公司的?")
_BETWEEN = re.compile(r"[、,，和]")


class UnknownNames(Refusal):
    text = "本支部没有找到：{names}。请核对姓名，例如：通知 张伟、古丽 下午到会议室"


class NobodyMeant(Refusal):
    text = "“{to}”现在没有对应的人。对象可以写：全体、党小组名、班组名、正式党员、支委、党小组长、标签，或姓名、姓名。"


class NobodyGotIt(Refusal):
    text = "还没有人收到通知 #{number}，不用更正。没发出的可发 撤回通知 #{number}，再发 通知 重新写。"


def who_got(number: int) -> str:
    """The words for those who got a notice, as :func:`find` understands them."""
    return f"收到通知#{number}的人"


@dataclass(frozen=True, slots=True)
class Recipients:
    """The members meant, and the branch (or the node above several) that the notice belongs to."""

    node: Organisation
    members: list[Member]


def find(session: Session, actor: Actor, to: str, *, on: date) -> Recipients:
    """The active members who are meant: of the actor's own branch, or of others where the actor may publish.

    ``on`` decides who is in an office. :class:`NobodyMeant` or :class:`UnknownNames`.
    """
    node, which = _scope(session, actor, to)
    members = _meant(session, node, which, on)
    if not members and (got := _GOT.fullmatch(to)):
        raise NobodyGotIt(number=got[1])
    if not members:
        raise NobodyMeant(to=to[:30])
    return Recipients(node, members)


def is_somebody(session: Session, actor: Actor, to: str, *, on: date) -> bool:
    """Whether words name anybody at all, be it that there is nobody of the kind now; :class:`UnknownNames` for half a list of names."""
    node, which = _scope(session, actor, to)
    return _meant(session, node, which, on) is not None


def _scope(session: Session, actor: Actor, to: str) -> tuple[Organisation, str]:
    """The node whose people are meant, and which of them: 各支部书记 are the 书记 of all branches below, 运行党支部 is everybody there."""
    home = session.get_one(Organisation, actor.branch_id)
    may = actor.within(Action.PUBLISH)
    if found := _GOT.fullmatch(to):
        of_notice = select(Notice.branch_id).where(Notice.id == int(found[1]))
        node = session.scalar(select(Organisation).where(Organisation.id.in_(of_notice), may))
        return node or home, to
    highest = min(actor.paths(Action.PUBLISH), key=len, default=home.path)
    if (everywhere := _EVERYWHERE.match(to)) and len(highest) < len(home.path):
        node = session.scalars(select(Organisation).where(Organisation.path == highest)).one()
        return node, to[everywhere.end() :] or EVERYBODY
    if "支部" not in to:
        return home, to
    branches = session.scalars(select(Organisation).where(may, Organisation.kind == OrganisationKind.BRANCH))
    named = max(
        (one for one in branches if to.startswith(one.name)), key=lambda one: len(one.name), default=None
    )
    return (named, to.removeprefix(named.name).removeprefix("的") or EVERYBODY) if named else (home, to)


def _of(node: Organisation) -> ColumnElement[bool]:
    """The people of a branch, or of all branches below a node."""
    if node.kind is OrganisationKind.BRANCH:
        return Member.branch_id == node.id
    below = select(Organisation.id).where(Organisation.path.startswith(node.path, autoescape=True))
    return Member.branch_id.in_(below)


def _meant(session: Session, node: Organisation, to: str, on: date) -> list[Member] | None:
    """The members meant, an empty list when there are none, None when the words name nobody at all."""
    here = select(Member).where(_of(node), Member.active).order_by(Member.id)
    whole = _condition(session, node, to, on)
    if whole is not None:
        return list(session.scalars(here.where(whole)))
    parts = [part for part in _BETWEEN.split(to) if part]
    known = {part: _condition(session, node, part, on) for part in parts}
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


def _condition(session: Session, node: Organisation, to: str, on: date) -> ColumnElement[bool] | None:
    """What the people have in common whom one word means; None when it is no such word."""
    if to in _ALL:
        return Member.active.is_(True)
    if to in _PARTY:
        return Member.status.in_(PARTY_MEMBERS)
    if to in {status.value for status in MemberStatus}:
        return Member.status == MemberStatus(to)
    if to in _COMMITTEE:
        return _in_office(node, COMMITTEE_ROLES, on)
    if to in _ROLES:
        return _in_office(node, (_ROLES[to],), on)
    if found := _GOT.fullmatch(to):
        return Member.id.in_(
            select(Outbox.member_id).where(Outbox.notice_id == int(found[1]), Outbox.state.in_(_SEEN))
        )
    group = _group(session, node, to) if to.endswith("组") else None
    return group if group is not None else _crew_or_tag(session, node, to)


def _in_office(node: Organisation, roles: Sequence[RoleName], on: date) -> ColumnElement[bool]:
    """Who has a role over a branch or a group below the node, on a day."""
    below = select(Organisation.id).where(Organisation.path.startswith(node.path, autoescape=True))
    in_force = (Role.starts_on <= on, or_(Role.ends_on.is_(None), Role.ends_on >= on))
    return Member.id.in_(
        select(Role.member_id).where(Role.organisation_id.in_(below), Role.name.in_(roles), *in_force)
    )


def _group(session: Session, node: Organisation, to: str) -> ColumnElement[bool] | None:
    try:
        name = audiences.named(session, node.id, to)
    except audiences.UnknownAudience:
        return None
    here = (
        Organisation.parent_id == node.id,
        Organisation.name == name,
        Organisation.kind == OrganisationKind.GROUP,
    )
    return Member.group_id.in_(select(Organisation.id).where(*here))


def _crew_or_tag(session: Session, node: Organisation, to: str) -> ColumnElement[bool] | None:
    here = (_of(node), Member.active)
    if session.scalar(select(Member.id).where(*here, Member.crew == to).limit(1)) is not None:
        return Member.crew == to
    tagged = select(MemberTag.member_id).where(MemberTag.name == to.removeprefix("标签"))
    if session.scalar(select(Member.id).where(*here, Member.id.in_(tagged)).limit(1)) is not None:
        return Member.id.in_(tagged)
    return None


def is_taken(session: Session, actor: Actor, word: str, *, on: date) -> bool:
    """Whether a word already means somebody other than by a tag, so that no tag may be called so."""
    if _BETWEEN.search(word):
        return True
    tagged = select(MemberTag.name).join(Member, Member.id == MemberTag.member_id)
    mine = (Member.branch_id == actor.branch_id, MemberTag.name == word)
    if session.scalar(tagged.where(*mine).limit(1)):
        return False
    return is_somebody(session, actor, word, on=on)
