"""The people of a branch."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class MemberStatus(StrEnum):
    """Where a person stands. Only FULL and PROBATIONARY are Party members; only FULL members vote (党章第七条)."""

    FULL = "正式党员"
    PROBATIONARY = "预备党员"
    PROSPECT = "发展对象"
    ACTIVIST = "积极分子"
    APPLICANT = "入党申请人"
    COLLEAGUE = "群众"


PARTY_MEMBERS = (MemberStatus.FULL, MemberStatus.PROBATIONARY)


class Member(Base):
    """A person on the roster. ``account`` is the WeCom userid in lower case; ``phone`` is encrypted; an erased one is a name in records.

    ``calendar_no`` is part of the address of the person's calendar: a higher one makes all earlier addresses worthless.
    """

    __tablename__ = "member"

    id: Mapped[Key]
    name: Mapped[str] = mapped_column(index=True)
    account: Mapped[str | None] = mapped_column(unique=True)
    staff_no: Mapped[str | None] = mapped_column(unique=True)
    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    group_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    crew: Mapped[str] = mapped_column(default="")
    status: Mapped[MemberStatus]
    post: Mapped[str] = mapped_column(default="")
    joined_on: Mapped[date | None]
    phone: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(default=True)
    paused_until: Mapped[datetime | None]
    binding_code: Mapped[str | None]
    binding_expires_at: Mapped[datetime | None]
    binding_tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]
    calendar_no: Mapped[int] = mapped_column(default=0)


class MemberTag(Base):
    """A word by which a branch addresses some of its people, such as 带电作业."""

    __tablename__ = "member_tag"

    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("member.id"))
    at: Mapped[datetime]


class RoleName(StrEnum):
    """What somebody is in charge of."""

    SECRETARY = "书记"
    DEPUTY_SECRETARY = "副书记"
    ORGANISER = "组织委员"
    PUBLICITY = "宣传委员"
    DISCIPLINE = "纪检委员"
    GROUP_LEADER = "党小组长"
    ADMIN = "党委管理员"


class RoleOrigin(StrEnum):
    """Where a role was given. What was given in the chat or on the command line is not taken away by a roster that is silent about it."""

    ROSTER = "名册"
    CHAT = "聊天"
    CLI = "命令行"


class Role(Base):
    """A role over one node of the tree, from a day, perhaps to a day (inclusive)."""

    __tablename__ = "role"

    id: Mapped[Key]
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    name: Mapped[RoleName]
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), index=True)
    starts_on: Mapped[date]
    ends_on: Mapped[date | None]
    origin: Mapped[RoleOrigin] = mapped_column(default=RoleOrigin.ROSTER)
