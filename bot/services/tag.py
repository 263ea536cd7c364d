"""Tags of people: a word of the branch's own by which some of them are addressed, such as 带电作业."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member, MemberTag
from bot.services import audit, recipients
from bot.services import member as people
from bot.services.permission import Action, Actor

MOST = 10
_NAME = re.compile(r"[\w·（）()+-]{2,10}")


class BadTag(Refusal):
    text = "标签要 2 到 10 个字，不带空格和标点。例如：标签 张伟 带电作业"


class TagTaken(Refusal):
    text = "“{name}”已经是组名、班组名、身份或姓名，请换一个标签名。"


class TooManyTags(Refusal):
    text = "{who}已有 {most} 个标签，请先去掉不用的。例如：去掉标签 {who} {first}"


class NoSuchTag(Refusal):
    text = "{who}没有标签“{name}”。发 标签 看看有哪些。"


def people_meant(session: Session, actor: Actor, said: str, *, now: datetime) -> list[Member]:
    """The people of the actor's branch whom names, a group or a crew mean.

    :class:`~bot.services.member.Namesakes` for a name that several bear, and what finding recipients may raise.
    """
    actor.on_branch(session, Action.MANAGE_PEOPLE, actor.branch_id)
    found: dict[int, Member] = {}
    for part in filter(None, re.split(r"[、,，和\s]+", said)):
        for one in _meant(session, actor, part, now):
            found[one.id] = one
    return list(found.values())


def _meant(session: Session, actor: Actor, part: str, now: datetime) -> list[Member]:
    found = recipients.find(session, actor, part, on=now.date()).members
    if len(found) > 1 and {one.name for one in found} == {part}:
        return [people.find_by_name(session, actor, Action.MANAGE_PEOPLE, part)]
    return found


def add(
    session: Session, actor: Actor, members: Sequence[Member], name: str, *, now: datetime, channel: str = ""
) -> int:
    """Give people a tag; returns how many did not have it. :class:`BadTag`, :class:`TagTaken` or :class:`TooManyTags`."""
    if not _NAME.fullmatch(name):
        raise BadTag
    if recipients.is_taken(session, actor, name, on=now.date()):
        raise TagTaken(name=name)
    for member in members:
        had = of_member(session, member.id)
        if len(had) >= MOST and name not in had:
            raise TooManyTags(who=member.name, most=MOST, first=had[0])
    rows = [{"member_id": one.id, "name": name, "by_id": actor.member.id, "at": now} for one in members]
    new = session.execute(
        upsert(session, MemberTag).on_conflict_do_nothing().returning(MemberTag.member_id), rows
    ).all()
    _keep(session, actor, "加标签", members, name, now, channel)
    return len(new)


def remove(
    session: Session, actor: Actor, members: Sequence[Member], name: str, *, now: datetime, channel: str = ""
) -> int:
    """Take a tag away from people; returns from how many. :class:`NoSuchTag` when none of them has it."""
    mine = (MemberTag.name == name, MemberTag.member_id.in_([one.id for one in members]))
    gone = session.scalars(delete(MemberTag).where(*mine).returning(MemberTag.member_id)).all()
    if not gone:
        raise NoSuchTag(who=members[0].name if len(members) == 1 else "他们", name=name[:10])
    _keep(session, actor, "去掉标签", [one for one in members if one.id in set(gone)], name, now, channel)
    return len(gone)


def _keep(
    session: Session,
    actor: Actor,
    act: str,
    members: Sequence[Member],
    name: str,
    now: datetime,
    channel: str,
) -> None:
    for one in members:
        audit.record(
            session, actor=actor.member, act=act, now=now, channel=channel, subject_id=one.id, detail=name
        )


def of_member(session: Session, member_id: int) -> list[str]:
    """The tags of one person."""
    query = select(MemberTag.name).where(MemberTag.member_id == member_id).order_by(MemberTag.name)
    return list(session.scalars(query))


def of_branch(session: Session, branch_id: int) -> list[tuple[str, int]]:
    """The tags in use in a branch, the most used first, each with how many active people have it."""
    count = func.count()
    rows = session.execute(
        select(MemberTag.name, count)
        .join(Member, Member.id == MemberTag.member_id)
        .where(Member.branch_id == branch_id, Member.active)
        .group_by(MemberTag.name)
        .order_by(count.desc(), MemberTag.name)
    )
    return [(name, number) for name, number in rows]


def bearers(session: Session, branch_id: int, name: str) -> list[str]:
    """The names of the active people of a branch who have a tag."""
    query = select(Member.name).join(MemberTag, MemberTag.member_id == Member.id)
    mine = query.where(Member.branch_id == branch_id, Member.active, MemberTag.name == name)
    return list(session.scalars(mine.order_by(Member.id)))
