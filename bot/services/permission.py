"""Who may do what, on whom: the one place that decides it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from sqlalchemy import ColumnElement, bindparam, exists, literal, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind


class Action(StrEnum):
    """Something that not everybody may do."""

    PUBLISH = "发布活动和通知"
    PUBLISH_GROUP = "发布党小组活动"
    SEE_BRANCH = "查看本支部情况"
    SEE_GROUP = "查看本小组情况"
    DECIDE_LEAVE = "审批请假"
    DECIDE_GROUP_LEAVE = "审批本小组请假"
    CORRECT_ATTENDANCE = "补签"
    CORRECT_GROUP_ATTENDANCE = "本小组补签"
    FIRST_REVIEW = "初审本小组申报"
    REVIEW = "审核申报和申诉"
    GIVE_POINTS = "加分和更正"
    CHANGE_SETTINGS = "修改推送设置"
    EDIT_QUESTIONS = "导入题目"
    APPROVE_QUESTIONS = "批准题目"
    MANAGE_PEOPLE = "管理人员和口令"
    MANAGE_TASKS = "管理关键任务"
    SETTLE = "结算积分"
    MOVE_PEOPLE = "转接组织关系和调整支部"
    SEE_AUDIT = "查看操作记录"
    HANDLE_HAZARDS = "派发和复查隐患"


_LEADERS = frozenset({Action.MANAGE_PEOPLE, Action.APPROVE_QUESTIONS, Action.SETTLE})
_ABOVE = frozenset({Action.SEE_AUDIT, Action.MOVE_PEOPLE})
_COMMITTEE = frozenset(Action) - _LEADERS - _ABOVE
RIGHTS: dict[RoleName, frozenset[Action]] = {
    RoleName.SECRETARY: _COMMITTEE | _LEADERS,
    RoleName.DEPUTY_SECRETARY: _COMMITTEE | _LEADERS,
    RoleName.ORGANISER: _COMMITTEE,
    RoleName.PUBLICITY: _COMMITTEE,
    RoleName.DISCIPLINE: _COMMITTEE,
    RoleName.GROUP_LEADER: frozenset(
        {
            Action.SEE_GROUP,
            Action.PUBLISH_GROUP,
            Action.DECIDE_GROUP_LEAVE,
            Action.CORRECT_GROUP_ATTENDANCE,
            Action.FIRST_REVIEW,
        }
    ),
    RoleName.ADMIN: frozenset(Action),
}


_RANK = {RoleName.ADMIN: 3, RoleName.SECRETARY: 2, RoleName.DEPUTY_SECRETARY: 1}
"""Who stands above whom where roles are granted and accounts are handed out; all other roles are 0."""


def rank(role: RoleName) -> int:
    """How high a role stands when somebody above is needed: 3 for the committee's admin, 0 below the deputy secretary."""
    return _RANK.get(role, 0)


class NotAllowed(Refusal):
    text = "这项操作（{action}）需要{who}来办，请联系他们。"

    def __init__(self, *, action: str) -> None:
        super().__init__(action=action, who=_who_may(action))


def _who_may(action: str) -> str:
    """Who is to be asked, the nearest of those who have the right: a secretary is not sent to the secretary."""
    if action in _LEADERS:
        return "支部书记或副书记"
    return "上级党委的管理员" if action in _ABOVE else "支部书记或委员"


class OutsideYourBranch(Refusal):
    text = "只能处理本支部的人和事。没有找到{what}。"


class NeedsSomebodyAbove(Refusal):
    text = "{what}要由上级（{who}）来办。"


@dataclass(frozen=True, slots=True)
class Actor:
    """A member with the paths of the nodes where each action is allowed, and the branch for which he or she acts when none is named."""

    member: Member
    scopes: tuple[tuple[RoleName, int, str], ...]
    branch_id: int

    def may(self, action: Action) -> bool:
        """Whether the action is allowed anywhere."""
        return any(action in RIGHTS[role] for role, _, _ in self.scopes)

    def paths(self, action: Action) -> tuple[str, ...]:
        """The paths of the nodes at and below which the action is allowed."""
        return tuple(path for role, _, path in self.scopes if action in RIGHTS[role])

    def require(self, action: Action) -> None:
        """Raise :class:`NotAllowed` unless the action is allowed somewhere."""
        if not self.may(action):
            raise NotAllowed(action=action.value)

    @property
    def rank(self) -> int:
        """The highest rank among the member's roles."""
        return max((rank(role) for role, _, _ in self.scopes), default=0)

    def require_above(self, other_rank: int, what: str) -> None:
        """Raise :class:`NeedsSomebodyAbove` unless the member stands above that rank."""
        if self.rank <= other_rank:
            raise NeedsSomebodyAbove(what=what, who="支部书记" if other_rank < 2 else "党委管理员")

    def within(self, action: Action) -> ColumnElement[bool]:
        """A condition on :class:`Organisation` for the nodes where the action is allowed."""
        return or_(
            False, *(Organisation.path.startswith(path, autoescape=True) for path in self.paths(action))
        )

    def gives(self, givers: Collection[str], branch: Organisation) -> bool:
        """Whether the member may give points in a branch by a rule that names these roles as its givers; an admin above always may."""
        return any(
            (role in givers or role is RoleName.ADMIN) and branch.path.startswith(path)
            for role, _, path in self.scopes
            if Action.GIVE_POINTS in RIGHTS[role]
        )

    def may_in(self, session: Session, action: Action, branch_id: int) -> bool:
        """Whether the action is allowed in a branch."""
        return self.may(action) and self._branch(session, action, branch_id) is not None

    def on_branch(self, session: Session, action: Action, branch_id: int) -> Organisation:
        """The branch, if the action is allowed there; :class:`NotAllowed` or :class:`OutsideYourBranch` otherwise."""
        self.require(action)
        found = self._branch(session, action, branch_id)
        if found is None:
            raise OutsideYourBranch(what="该支部")
        return found

    def _branch(self, session: Session, action: Action, branch_id: int) -> Organisation | None:
        return session.scalar(select(Organisation).where(Organisation.id == branch_id, self.within(action)))


HAS_A_ROLE = exists().where(Role.member_id == Member.id)
"""Whether a member has, or had, any role."""
# Built once: most messages ask it, and putting it together costs more than running it.
_ROLES = (
    select(Role.name, Organisation.id, Organisation.path, Organisation.kind)
    .join(Organisation, Organisation.id == Role.organisation_id)
    .where(
        Role.member_id == bindparam("member"),
        Role.starts_on <= bindparam("on"),
        or_(Role.ends_on.is_(None), Role.ends_on >= bindparam("on")),
    )
)


def actor_of(session: Session, member: Member, *, on: date, acts_for: int | None = None) -> Actor:
    """The member with the roles in force on a day, who has chosen to act for a branch, or has not.

    Without a choice it is the own branch; for somebody in charge of nothing but one other branch (a temporary one) it is that one.
    """
    rows = session.execute(_ROLES, {"member": member.id, "on": on}).all()
    scopes = tuple((name, node, path) for name, node, path, _ in rows)
    if acts_for is not None and can_act_for(session, scopes, acts_for):
        return Actor(member, scopes, acts_for)
    elsewhere = [
        node for _, node, _, kind in rows if kind is OrganisationKind.BRANCH and node != member.branch_id
    ]
    only = len(elsewhere) == len(rows) and len(set(elsewhere)) == 1
    return Actor(member, scopes, elsewhere[0] if only else member.branch_id)


def can_act_for(session: Session, scopes: Sequence[tuple[RoleName, int, str]], branch_id: int) -> bool:
    """Whether one of the roles is at the branch or above it."""
    path = session.scalar(select(Organisation.path).where(Organisation.id == branch_id))
    return path is not None and any(path.startswith(above) for _, _, above in scopes)


def holders(session: Session, action: Action, branch_id: int, *, on: date) -> list[Member]:
    """The active members who may do something in a branch on a day: those of the branch itself first, each by the order of roles."""
    path = session.scalar(select(Organisation.path).where(Organisation.id == branch_id))
    able = [role for role in RoleName if action in RIGHTS[role]]
    rows = session.execute(
        select(Member, Role.name, Organisation.path)
        .join(Role, Role.member_id == Member.id)
        .join(Organisation, Organisation.id == Role.organisation_id)
        .where(
            Member.active,
            Role.name.in_(able),
            Role.starts_on <= on,
            or_(Role.ends_on.is_(None), Role.ends_on >= on),
            literal(path).startswith(Organisation.path),
        )
        .order_by(Member.id)
    ).all()
    nearest = sorted(rows, key=lambda row: (-len(row[2]), able.index(row[1])))
    return list(dict.fromkeys(member for member, _, _ in nearest))
