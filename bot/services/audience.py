"""Who is addressed by an activity or a notice: everybody, full members, or one group of a branch."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus
from bot.models.organisation import Organisation, OrganisationKind

EVERYBODY = "全体党员"
FULL_MEMBERS = MemberStatus.FULL.value


class UnknownAudience(Refusal):
    text = "没看懂参加范围“{said}”。可以写：{known}"


class NobodyAddressed(Refusal):
    text = "{audience} 里没有在册党员，请换一个范围。例如：对象改为全体党员"


def audiences(session: Session, branch_id: int) -> tuple[str, ...]:
    """The audiences a branch can choose from: everybody, full members, and its groups."""
    groups = session.scalars(
        select(Organisation.name)
        .where(Organisation.parent_id == branch_id, Organisation.kind == OrganisationKind.GROUP)
        .order_by(Organisation.id)
    )
    return (EVERYBODY, FULL_MEMBERS, *groups)


def named(session: Session, branch_id: int, said: str) -> str:
    """The audience that a text means ("全体", "第一小组"); :class:`UnknownAudience` when it means none or two."""
    known = audiences(session, branch_id)
    found = [name for name in known if _core(name) == _core(said)] or [
        name for name in known if said and said in name
    ]
    if len(found) != 1:
        raise UnknownAudience(said=said[:20], known="、".join(known))
    return found[0]


def _core(name: str) -> str:
    """第一党小组, 第一小组 and 一组 are the same; so are 全体, 全体党员 and 所有人."""
    if name in ("全体", "全部", "所有人", "大家", "全体人员", EVERYBODY):
        return EVERYBODY
    if name in ("正式", FULL_MEMBERS):
        return FULL_MEMBERS
    return name.removeprefix("第").removesuffix("党小组").removesuffix("小组").removesuffix("组")


def addressed(session: Session, branch_id: int, audience: str) -> list[Member]:
    """The active Party members of a branch that an audience names, full and probationary; the organiser is one of them."""
    query = select(Member).where(
        Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS)
    )
    if audience == FULL_MEMBERS:
        query = query.where(Member.status == MemberStatus.FULL)
    elif audience != EVERYBODY:
        query = query.join(Organisation, Organisation.id == Member.group_id).where(
            Organisation.name == audience
        )
    return list(session.scalars(query.order_by(Member.id)))
