"""What the cadence check judges: plain facts of branches, read with a fixed number of queries however many branches there are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime, time
from itertools import combinations
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, Role, RoleName
from bot.models.organisation import BranchSetting, Organisation, OrganisationKind
from bot.services import study_time
from bot.times import at_time, local
from content.activity_kinds import Attends, kinds

COMMITTEE_ROLES = (
    RoleName.SECRETARY,
    RoleName.DEPUTY_SECRETARY,
    RoleName.ORGANISER,
    RoleName.PUBLICITY,
    RoleName.DISCIPLINE,
)

Pair = frozenset[int]


@dataclass(frozen=True, slots=True)
class Choices:
    """What a branch sets for its own check, in ``BranchSetting.values``. Hours are 学时 a year; a 学时 has ``study_minutes_per_hour`` minutes."""

    term_started_on: date | None = None
    cadence_lecture_per: str = "quarter"
    study_hours_member: int = 32
    study_hours_leader: int = 56
    study_minutes_per_hour: int = 60


@dataclass(frozen=True, slots=True)
class Held:
    """An activity on a day; ``group_id`` for a group meeting."""

    on: date
    group_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One branch on one day.

    ``full`` and ``probationary`` are ids of active Party members, ``committee`` and ``secretaries`` those with such a role today, ``groups`` the
    names of groups with Party members. ``held`` and ``planned`` are by kind, since the beginning of last year; ``talks`` the pairs that talked
    this year; ``minutes`` the study time of each member this year. Nothing is known from before ``known_since``, unless somebody recorded it.
    """

    branch_id: int
    name: str
    today: date
    known_since: date
    full: frozenset[int] = frozenset()
    probationary: frozenset[int] = frozenset()
    committee: frozenset[int] = frozenset()
    secretaries: frozenset[int] = frozenset()
    groups: Mapping[int, str] = field(default_factory=dict)
    held: Mapping[str, tuple[Held, ...]] = field(default_factory=dict)
    planned: Mapping[str, tuple[Held, ...]] = field(default_factory=dict)
    talks: frozenset[Pair] = frozenset()
    minutes: Mapping[int, int] = field(default_factory=dict)
    choices: Choices = Choices()

    @property
    def members(self) -> frozenset[int]:
        """All active Party members, full and probationary."""
        return self.full | self.probationary


def gather(session: Session, scope: ColumnElement[bool], now: datetime) -> list[Facts]:
    """The facts of all branches that a condition on :class:`Organisation` names, in order of path."""
    branches = session.execute(
        select(Organisation.id, Organisation.name).where(scope, is_branch()).order_by(Organisation.path)
    ).all()
    ids = select(Organisation.id).where(scope, is_branch())
    people, since = _people(session, ids, now)
    committee, secretaries = _committees(session, ids, now.date())
    groups = _groups(session, ids, people)
    held, planned = _activities(session, ids, now)
    talks, choices = _talks(session, ids, now), _choices(session, ids)
    minutes = study_time.of_year(session, Member.branch_id.in_(ids), now.year, now)
    return [
        Facts(
            branch_id=branch,
            name=name,
            today=now.date(),
            known_since=since.get(branch, now.date()),
            full=frozenset(m for m, (status, _) in people[branch].items() if status is MemberStatus.FULL),
            probationary=frozenset(
                m for m, (status, _) in people[branch].items() if status is MemberStatus.PROBATIONARY
            ),
            committee=frozenset(committee[branch]),
            secretaries=frozenset(secretaries[branch]),
            groups=groups[branch],
            held=_frozen(held[branch]),
            planned=_frozen(planned[branch]),
            talks=frozenset(talks[branch]),
            minutes={m: minutes[m].total for m in people[branch] if m in minutes},
            choices=choices.get(branch, Choices()),
        )
        for branch, name in branches
    ]


def is_branch() -> ColumnElement[bool]:
    """A condition on :class:`Organisation`: a branch with a life of its own, not one that went into another."""
    return (Organisation.kind == OrganisationKind.BRANCH) & Organisation.merged_into_id.is_(None)


def _frozen(by_kind: Mapping[str, list[Held]]) -> dict[str, tuple[Held, ...]]:
    return {kind: tuple(days) for kind, days in by_kind.items()}


People = dict[int, dict[int, tuple[MemberStatus, int | None]]]


def _people(session: Session, ids: Select[int], now: datetime) -> tuple[People, dict[int, date]]:
    """The active Party members of each branch with status and group, and since when the branch is on the roster."""
    rows = session.execute(
        select(Member.branch_id, Member.id, Member.status, Member.group_id).where(
            Member.branch_id.in_(ids), Member.active, Member.status.in_(PARTY_MEMBERS)
        )
    )
    people: People = defaultdict(dict)
    for branch, member, status, group in rows:
        people[branch][member] = (status, group)
    first = select(Member.branch_id, func.min(Member.created_at)).where(Member.branch_id.in_(ids))
    since = session.execute(first.group_by(Member.branch_id))
    return people, {branch: local(at, now).date() for branch, at in since}


def _committees(
    session: Session, ids: Select[int], today: date
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """Who is on the committee of each branch, and who of them is secretary. A member with two posts is one person."""
    rows = session.execute(
        select(Role.organisation_id, Role.member_id, Role.name)
        .join(Member, Member.id == Role.member_id)
        .where(
            Role.organisation_id.in_(ids),
            Role.name.in_(COMMITTEE_ROLES),
            Role.starts_on <= today,
            or_(Role.ends_on.is_(None), Role.ends_on >= today),
            Member.active,
        )
    )
    committee: dict[int, set[int]] = defaultdict(set)
    secretaries: dict[int, set[int]] = defaultdict(set)
    for branch, member, role in rows:
        committee[branch].add(member)
        if role is RoleName.SECRETARY:
            secretaries[branch].add(member)
    return committee, secretaries


def _groups(session: Session, ids: Select[int], people: People) -> dict[int, dict[int, str]]:
    """The groups of each branch that have Party members."""
    peopled = {group for members in people.values() for _, group in members.values()}
    rows = session.execute(
        select(Organisation.parent_id, Organisation.id, Organisation.name)
        .where(Organisation.parent_id.in_(ids), Organisation.kind == OrganisationKind.GROUP)
        .order_by(Organisation.id)
    )
    groups: dict[int, dict[int, str]] = defaultdict(dict)
    for branch, group, name in rows:
        if branch is not None and group in peopled:
            groups[branch][group] = name
    return groups


ByKind = dict[int, dict[str, list[Held]]]


def _activities(session: Session, ids: Select[int], now: datetime) -> tuple[ByKind, ByKind]:
    """What was held since the beginning of last year, and what is still to come."""
    rows = session.execute(
        select(
            Activity.branch_id, Activity.kind, Activity.group_id, Activity.starts_at, Activity.state
        ).where(
            Activity.branch_id.in_(ids),
            Activity.starts_at >= at_time(date(now.year - 1, 1, 1), time.min, now),
            or_(
                Activity.state == ActivityState.ENDED,
                (Activity.state == ActivityState.PUBLISHED) & (Activity.starts_at > now),
            ),
        )
    )
    held: ByKind = defaultdict(lambda: defaultdict(list))
    planned: ByKind = defaultdict(lambda: defaultdict(list))
    days: dict[
        datetime, date
    ] = {}  # many begin at the same moment, and finding its day costs more than the rest
    for branch, kind, group, starts_at, state in rows:
        into = held if state is ActivityState.ENDED else planned
        if starts_at not in days:
            days[starts_at] = local(starts_at, now).date()
        into[branch][kind].append(Held(days[starts_at], group))
    return held, planned


def _new_year(now: datetime) -> datetime:
    return at_time(date(now.year, 1, 1), time.min, now)


def _talks(session: Session, ids: Select[int], now: datetime) -> dict[int, set[Pair]]:
    """The pairs of each branch with a recorded talk this year; a talk of three is three pairs."""
    names = [kind.name for kind in kinds() if kind.attends is Attends.PAIR]
    rows = session.execute(
        select(Activity.branch_id, Activity.id, Attendance.member_id)
        .join(Attendance, Attendance.activity_id == Activity.id)
        .where(
            Activity.branch_id.in_(ids),
            Activity.state == ActivityState.ENDED,
            Activity.kind.in_(names),
            Activity.starts_at >= _new_year(now),
        )
    )
    present: dict[tuple[int, int], list[int]] = defaultdict(list)
    for branch, activity, member in rows:
        present[branch, activity].append(member)
    pairs: dict[int, set[Pair]] = defaultdict(set)
    for (branch, _), members in present.items():
        pairs[branch].update(frozenset(two) for two in combinations(members, 2))
    return pairs


def _choices(session: Session, ids: Select[int]) -> dict[int, Choices]:
    rows = session.scalars(select(BranchSetting).where(BranchSetting.branch_id.in_(ids)))
    return {row.branch_id: choices_of(row.values) for row in rows}


def choices_of(stored: Mapping[str, Any]) -> Choices:
    """The choices among the stored settings of a branch; what is not there has its default."""
    values = {item.name: stored[item.name] for item in fields(Choices) if item.name in stored}
    if values.get("term_started_on"):
        values["term_started_on"] = date.fromisoformat(values["term_started_on"])
    return Choices(**values)
