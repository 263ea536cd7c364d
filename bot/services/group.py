"""A Party group's own meeting: its leader is asked first, the branch where there is none."""

from __future__ import annotations

from datetime import date

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import activity as activities
from bot.services import sign_up
from bot.services.permission import Action, Actor


def leaders(session: Session, group_id: int | None, *, on: date) -> list[Member]:
    """The active leaders of a group; empty for no group, as an activity of the whole branch or a member without one has it."""
    named = select(Role.member_id).where(
        Role.name == RoleName.GROUP_LEADER,
        Role.organisation_id == group_id,
        Role.starts_on <= on,
        or_(Role.ends_on.is_(None), Role.ends_on >= on),
    )
    return list(
        session.scalars(select(Member).where(Member.active, Member.id.in_(named)).order_by(Member.id))
    )


def in_charge(session: Session, activity: Activity, *, on: date) -> str:
    """Whom to ask about an activity: the leader of the group whose meeting it is, else secretary and deputies of the branch."""
    names = "、".join(one.name for one in leaders(session, activity.group_id, on=on))
    return names or sign_up.in_charge(session, activity.branch_id, on=on)


def scope(actor: Actor, whole: Action, group: Action) -> ColumnElement[bool]:
    """A condition on :class:`Activity`: of a branch where the actor has the right ``whole``, or of a group where the actor has ``group``."""
    groups = select(Organisation.id).where(actor.within(group))
    return activities.seen_by(actor, whole) | Activity.group_id.in_(groups)
