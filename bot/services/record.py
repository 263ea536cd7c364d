"""The facts of an activity, a month, a year of a branch, as documents need them. Nothing here is guessed: what was not recorded is empty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.ballot import Vote, VoteState
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, Role
from bot.models.minutes import ActivityDuty, Duty
from bot.models.notice import Notice, Receipt
from bot.models.organisation import Organisation
from bot.models.points import PointBalance, PointEntry
from bot.models.study import MaterialRead, StudyRecord
from bot.services import ballot, decision, minutes, points
from bot.services.activity import expected, seen_by
from bot.services.attendance import Counts
from bot.services.cadence import record as cadence_record
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.minutes import Line
from bot.services.permission import Action, Actor
from bot.times import at_time, local
from content import activity_kinds

SAME_MEETING = timedelta(hours=8)
"""An activity that was ended in the chat within this time of its start was really ended then; later, only its record was closed."""


class Presence(StrEnum):
    """Where somebody invited was. UNKNOWN while the activity is not ended and the person is not there yet."""

    PRESENT = "到会"
    LEAVE = "请假"
    ABSENT = "缺席"
    UNKNOWN = ""


@dataclass(frozen=True, slots=True)
class Person:
    """One invited or present person; ``at`` is the check-in, ``note`` the reason of a leave or of a correction."""

    name: str
    group: str
    status: str
    presence: Presence
    at: datetime | None
    note: str
    corrected: bool


@dataclass(frozen=True, slots=True)
class VoteFacts:
    """A closed vote. ``voters`` says of whom ``entitled`` counts; without ``counts`` (yes, no, abstain) it was void."""

    question: str
    mode: str
    voters: str
    entitled: int
    present: int
    counts: tuple[int, int, int] | None
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityFacts:
    """One activity.

    ``ends_at`` is None where nobody knows when it ended, ``hour_known`` False where only the day was told, ``counts`` None where no audience was
    recorded. ``record`` is what its kind calls the record (会议记录, 活动记录 …). ``hosts`` and ``recorders`` were named, or wrote the lines.
    """

    number: int
    branch: str
    group: str
    kind: str
    record: str
    theme: str
    place: str
    production: str
    starts_at: datetime
    ends_at: datetime | None
    hour_known: bool
    ended: bool
    kept_later: bool
    signup_closes_at: datetime
    published_at: datetime
    hosts: tuple[str, ...]
    recorders: tuple[str, ...]
    people: tuple[Person, ...]
    counts: Counts | None
    points: int
    lines: tuple[Line, ...]
    votes: tuple[VoteFacts, ...] = ()

    def named(self, presence: Presence) -> tuple[Person, ...]:
        """The people who were there, on leave, or absent."""
        return tuple(one for one in self.people if one.presence is presence)


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """A notice as it was sent: how many were addressed and how many confirmed; ``activity`` where it invited to one."""

    branch: str
    text: str
    author: str
    at: datetime
    needs_receipt: bool
    addressed: int
    confirmed: int
    activity: ActivityFacts | None


@dataclass(frozen=True, slots=True)
class MonthFacts:
    """The activities of a branch that began in a month, oldest first, as they stood at ``as_of``; cancelled and coming ones are left out."""

    branch: str
    year: int
    month: int
    as_of: datetime
    activities: tuple[ActivityFacts, ...]


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A Party member on the roster with the year's study (minutes) and points (per dimension, each quarter up to its cap)."""

    name: str
    status: str
    group: str
    crew: str
    joined_on: date | None
    study_minutes: int
    hours_asked: int
    points: tuple[int, ...]

    @property
    def total_points(self) -> int:
        """The sum over the dimensions."""
        return sum(self.points)


@dataclass(frozen=True, slots=True)
class Post:
    """A role in the committee: who, from when, until when (None: still)."""

    role: str
    name: str
    starts_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class YearFacts:
    """A year of a branch. ``minutes_per_hour`` says how many minutes the branch counts as one 学时."""

    branch: str
    year: int
    as_of: datetime
    groups: tuple[str, ...]
    members: tuple[MemberFacts, ...]
    committee: tuple[Post, ...]
    term_started_on: date | None
    months: tuple[MonthFacts, ...]
    dimensions: tuple[str, ...]
    minutes_per_hour: int


# Which activity -----------------------------------------------------------------------------------------------------------


def begun(session: Session, actor: Actor, *, now: datetime, most: int = 5) -> Sequence[Activity]:
    """The newest activities of the actor's branch that have begun: what a record can be made of."""
    query = (
        _of_branch(actor)
        .where(Activity.starts_at <= now)
        .order_by(Activity.starts_at.desc(), Activity.id.desc())
    )
    return session.scalars(query.limit(most)).all()


def to_sign(session: Session, actor: Actor, *, now: datetime, most: int = 5) -> Sequence[Activity]:
    """What a sheet is wanted for: what is near, the open or next one first, then those that have begun."""
    coming = _of_branch(actor).where(
        Activity.state == ActivityState.PUBLISHED, Activity.starts_at > now - SAME_MEETING
    )
    near = session.scalars(coming.order_by(Activity.starts_at, Activity.id).limit(most)).all()
    found = {one.id: one for one in (*near, *begun(session, actor, now=now, most=most))}
    return list(found.values())[:most]


def numbered(session: Session, actor: Actor, number: int) -> Activity | None:
    """The activity of a number that the actor may see and that was not cancelled."""
    query = select(Activity).where(
        Activity.id == number, Activity.state != ActivityState.CANCELLED, seen_by(actor, Action.SEE_BRANCH)
    )
    return session.scalar(query)


def _of_branch(actor: Actor) -> Select[Activity]:
    return select(Activity).where(
        Activity.branch_id == actor.member.branch_id,
        Activity.state != ActivityState.CANCELLED,
        seen_by(actor, Action.SEE_BRANCH),
    )


def notices(session: Session, actor: Actor, *, most: int = 5) -> Sequence[Notice]:
    """The newest notices of the actor's branch."""
    mine = Notice.branch_id == actor.member.branch_id
    return session.scalars(select(Notice).where(mine).order_by(Notice.id.desc()).limit(most)).all()


# Facts of activities ------------------------------------------------------------------------------------------------------


def activity(session: Session, activity_id: int) -> ActivityFacts:
    """All that is recorded of one activity."""
    return gather(session, [session.get_one(Activity, activity_id)])[0]


def gather(session: Session, found: Sequence[Activity]) -> list[ActivityFacts]:
    """The facts of several activities, in a fixed number of queries."""
    ids = [one.id for one in found]
    names = _organisations(
        session, {number for one in found for number in (one.branch_id, one.group_id) if number}
    )
    people, invited = _people(session, found)
    known = _Known(
        names,
        people,
        invited,
        _duties(session, ids),
        minutes.lines_of(session, ids),
        _points(session, ids),
        _votes(session, ids),
    )
    return [_facts(one, known) for one in found]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was read for several activities at once, by their number; ``names`` are those of branches and groups."""

    names: Mapping[int, str]
    people: Mapping[int, list[Person]]
    invited: set[int]
    duties: Mapping[tuple[int, Duty], list[str]]
    lines: Mapping[int, list[Line]]
    points: Mapping[int, int]
    votes: Mapping[int, tuple[VoteFacts, ...]]


def _votes(session: Session, ids: Sequence[int]) -> dict[int, tuple[VoteFacts, ...]]:
    """The closed votes of each activity, oldest first."""
    rows = session.scalars(
        select(Vote).where(Vote.activity_id.in_(ids), Vote.state != VoteState.OPEN).order_by(Vote.id)
    ).all()
    return {number: tuple(_vote(one) for one in rows if one.activity_id == number) for number in ids}


def _vote(one: Vote) -> VoteFacts:
    counted = (one.yes, one.no or 0, one.abstain or 0) if one.yes is not None else None
    voters = decision.rule(one.rule).of
    return VoteFacts(
        one.question, ballot.mode(one), voters, one.entitled, one.present, counted, ballot.passed(one)
    )


def _facts(one: Activity, known: _Known) -> ActivityFacts:
    kind = activity_kinds.lookup(one.kind)
    people, lines = tuple(known.people.get(one.id, ())), tuple(known.lines[one.id])
    wrote = tuple(dict.fromkeys(line.author for line in lines if not line.later))
    return ActivityFacts(
        number=one.id,
        branch=known.names[one.branch_id],
        group=known.names.get(one.group_id or 0, ""),
        kind=one.kind,
        record=kind.record if kind else "活动记录",
        theme=one.theme,
        place=one.place,
        production=one.production,
        starts_at=one.starts_at,
        ends_at=_really_ended(one),
        hour_known=one.ends_at > one.starts_at,
        ended=one.state is ActivityState.ENDED,
        kept_later=one.published_at > one.starts_at,
        signup_closes_at=one.signup_closes_at,
        published_at=one.published_at,
        hosts=tuple(known.duties.get((one.id, Duty.HOST), ())),
        recorders=tuple(known.duties.get((one.id, Duty.RECORDER), ())) or wrote,
        people=people,
        counts=_counted(people) if one.id in known.invited else None,
        points=known.points.get(one.id, 0),
        lines=lines,
        votes=known.votes[one.id],
    )


def _really_ended(one: Activity) -> datetime | None:
    """When it ended, if it was ended in the chat soon after its start; a planned end is no fact."""
    ended = one.ended_at
    return ended if ended and one.starts_at < ended <= one.starts_at + SAME_MEETING else None


def _counted(people: Sequence[Person]) -> Counts:
    """应到, 实到, 请假, 缺席 as :func:`bot.services.attendance.counts` has them; who is not there yet counts as absent."""
    present = sum(one.presence is Presence.PRESENT for one in people)
    leave = sum(one.presence is Presence.LEAVE for one in people)
    return Counts(len(people), present, leave, len(people) - present - leave, 0)


def _organisations(session: Session, ids: Iterable[int]) -> dict[int, str]:
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(set(ids))))
    return {number: name for number, name in rows}  # noqa: C416


def _people(session: Session, found: Sequence[Activity]) -> tuple[dict[int, list[Person]], set[int]]:
    """The people of each activity by group and roster, and which activities have an audience."""
    ids = [one.id for one in found]
    ended = {one.id for one in found if one.state is ActivityState.ENDED}
    answers = {
        (one.activity_id, one.member_id): one
        for one in session.scalars(
            select(SignUp)
            .join(Activity, Activity.id == SignUp.activity_id)
            .where(SignUp.activity_id.in_(ids), expected())
        )
    }
    came = {
        (one.activity_id, one.member_id): one
        for one in session.scalars(select(Attendance).where(Attendance.activity_id.in_(ids)))
    }
    members = _members(session, {member for _, member in (*answers, *came)})
    people: dict[int, list[Person]] = defaultdict(list)
    for number, member in sorted(
        answers.keys() | came.keys(), key=lambda pair: (pair[0], members[pair[1]][0].group_id or 0, pair[1])
    ):
        who, group = members[member]
        people[number].append(
            _person(who, group, answers.get((number, member)), came.get((number, member)), number in ended)
        )
    return people, {number for number, _ in answers}


def _members(session: Session, ids: Iterable[int]) -> dict[int, tuple[Member, str]]:
    rows = session.execute(
        select(Member, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Member.group_id)
        .where(Member.id.in_(set(ids)))
    )
    return {member.id: (member, group or "") for member, group in rows}


def _person(who: Member, group: str, answer: SignUp | None, came: Attendance | None, ended: bool) -> Person:
    status = who.status.value
    if came is not None:
        corrected = came.corrected_by is not None
        return Person(
            who.name, group, status, Presence.PRESENT, came.at, came.reason if corrected else "", corrected
        )
    if answer is not None and answer.state is SignUpState.LEAVE_GRANTED:
        return Person(who.name, group, status, Presence.LEAVE, None, answer.reason, False)
    return Person(who.name, group, status, Presence.ABSENT if ended else Presence.UNKNOWN, None, "", False)


def _duties(session: Session, ids: Sequence[int]) -> dict[tuple[int, Duty], list[str]]:
    rows = session.execute(
        select(ActivityDuty.activity_id, ActivityDuty.duty, Member.name)
        .join(Member, Member.id == ActivityDuty.member_id)
        .where(ActivityDuty.activity_id.in_(ids))
        .order_by(Member.id)
    )
    found: dict[tuple[int, Duty], list[str]] = defaultdict(list)
    for number, duty, name in rows:
        found[number, duty].append(name)
    return found


def _points(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """The points that attendance earned, without what was reversed, in one reading of the ledger."""
    reversed_ids = select(PointEntry.reverses_id).where(PointEntry.reverses_id.is_not(None))
    facts = [PointEntry.fact.startswith(f"attendance {number} ") for number in ids]
    rows = session.execute(
        select(PointEntry.fact, PointEntry.points).where(
            or_(False, *facts), PointEntry.id.not_in(reversed_ids)
        )
    )
    given: dict[int, int] = defaultdict(int)
    for fact, amount in rows:
        given[int(fact.split(" ")[1])] += amount
    return given


# A notice -----------------------------------------------------------------------------------------------------------------


def notice(session: Session, notice_id: int) -> NoticeFacts:
    """A notice as it was sent, and who confirmed it until now."""
    row = session.get_one(Notice, notice_id)
    addressed, confirmed = session.execute(
        select(func.count(), func.count(Receipt.confirmed_at)).where(Receipt.notice_id == notice_id)
    ).one()
    author = session.get_one(Member, row.author_id).name
    branch = session.get_one(Organisation, row.branch_id).name
    about = activity(session, row.activity_id) if row.activity_id else None
    return NoticeFacts(
        branch, row.text, author, row.created_at, row.needs_receipt, addressed, confirmed, about
    )


# A month, a year ----------------------------------------------------------------------------------------------------------


def month(session: Session, branch_id: int, year: int, number: int, *, now: datetime) -> MonthFacts:
    """What a branch held in a month, until ``now``."""
    return _months(session, branch_id, year, [number], now)[0]


def _months(
    session: Session, branch_id: int, year: int, numbers: Sequence[int], now: datetime
) -> tuple[MonthFacts, ...]:
    name = _organisations(session, [branch_id])[branch_id]
    first, after = _first(year, numbers[0], now), _first(year, numbers[-1] + 1, now)
    found = session.scalars(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.state != ActivityState.CANCELLED,
            Activity.starts_at >= first,
            Activity.starts_at < after,
            Activity.starts_at <= now,
        )
        .order_by(Activity.starts_at, Activity.id)
    ).all()
    facts = gather(session, found)
    return tuple(
        MonthFacts(name, year, n, now, tuple(one for one in facts if local(one.starts_at, now).month == n))
        for n in numbers
    )


def _first(year: int, number: int, now: datetime) -> datetime:
    """The beginning of a month; month 13 is next January."""
    return at_time(date(year + (number - 1) // 12, (number - 1) % 12 + 1, 1), time.min, now)


def year(session: Session, branch_id: int, number: int, *, now: datetime) -> YearFacts:
    """A year of a branch until ``now``, by the roster of now."""
    choices = cadence_record.choices(session, branch_id)
    posts = _posts(session, branch_id, number)
    return YearFacts(
        branch=_organisations(session, [branch_id])[branch_id],
        year=number,
        as_of=now,
        groups=tuple(group.name for group in cadence_record.groups(session, branch_id)),
        members=_year_members(session, branch_id, number, now),
        committee=posts,
        term_started_on=choices.term_started_on,
        months=_months(session, branch_id, number, range(1, 13), now),
        dimensions=tuple(one.name for one in points.rules().dimensions),
        minutes_per_hour=choices.study_minutes_per_hour,
    )


def _posts(session: Session, branch_id: int, number: int) -> tuple[Post, ...]:
    """Who was in the committee during the year, in the order of the roles."""
    rows = session.execute(
        select(Role.name, Member.name, Role.starts_on, Role.ends_on)
        .join(Member, Member.id == Role.member_id)
        .where(
            Role.organisation_id == branch_id,
            Role.name.in_(COMMITTEE_ROLES),
            Role.starts_on <= date(number, 12, 31),
            or_(Role.ends_on.is_(None), Role.ends_on >= date(number, 1, 1)),
        )
        .order_by(Role.starts_on, Role.id)
    ).all()
    posts = [Post(role.value, name, starts, ends) for role, name, starts, ends in rows]
    order = [role.value for role in COMMITTEE_ROLES]
    return tuple(sorted(posts, key=lambda one: order.index(one.role)))


def _year_members(session: Session, branch_id: int, number: int, now: datetime) -> tuple[MemberFacts, ...]:
    """The Party members of the branch by group and roster: a list, not a ranking."""
    rows = session.execute(
        select(Member, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Member.group_id)
        .where(Member.branch_id == branch_id, Member.active, Member.status.in_(PARTY_MEMBERS))
        .order_by(func.coalesce(Member.group_id, 0), Member.id)
    ).all()
    ids = [member.id for member, _ in rows]
    studied, earned = study_minutes(session, ids, number, now), _year_points(session, ids, number)
    choices = cadence_record.choices(session, branch_id)
    leaders = _leaders(session, branch_id, number)
    return tuple(
        MemberFacts(
            member.name,
            member.status.value,
            group or "",
            member.crew,
            member.joined_on,
            studied[member.id],
            choices.study_hours_leader if member.id in leaders else choices.study_hours_member,
            earned[member.id],
        )
        for member, group in rows
    )


def _leaders(session: Session, branch_id: int, number: int) -> set[int]:
    """Who was in the committee at the end of the year, or is now."""
    last = date(number, 12, 31)
    ends = or_(Role.ends_on.is_(None), Role.ends_on >= last)
    held = (Role.organisation_id == branch_id, Role.name.in_(COMMITTEE_ROLES), Role.starts_on <= last, ends)
    return set(session.scalars(select(Role.member_id).where(*held)))


def study_minutes(session: Session, member_ids: Sequence[int], number: int, now: datetime) -> dict[int, int]:
    """Study minutes of a calendar year as the cadence check counts them: activities that are study by their kind's length, materials, told study."""
    first, after = _first(number, 1, now), _first(number, 13, now)
    lengths = {kind.name: kind.minutes for kind in activity_kinds.kinds() if kind.study}
    attended = session.execute(
        select(Attendance.member_id, Activity.kind, func.count())
        .join(Activity, Activity.id == Attendance.activity_id)
        .where(
            Attendance.member_id.in_(member_ids),
            Activity.state == ActivityState.ENDED,
            Activity.kind.in_(lengths),
            Activity.starts_at >= first,
            Activity.starts_at < after,
        )
        .group_by(Attendance.member_id, Activity.kind)
    )
    total: dict[int, int] = defaultdict(int)
    for member, kind, times in attended:
        total[member] += lengths[kind] * times
    for table in (MaterialRead, StudyRecord):
        told = (
            select(table.member_id, func.sum(table.minutes))
            .where(table.member_id.in_(member_ids), table.at >= first, table.at < after)
            .group_by(table.member_id)
        )
        for member, amount in session.execute(told):
            total[member] += int(amount)
    return total


def _year_points(session: Session, member_ids: Sequence[int], number: int) -> dict[int, tuple[int, ...]]:
    """Points per dimension, in the order of the rules; each quarter counts up to the dimension's cap."""
    rows = session.execute(
        select(PointBalance.member_id, PointBalance.dimension, PointBalance.points).where(
            PointBalance.member_id.in_(member_ids), PointBalance.period.startswith(f"{number}Q")
        )
    )
    sums: dict[tuple[int, str], int] = defaultdict(int)
    for member, dimension, amount in rows:
        sums[member, dimension] += points.counted(dimension, amount)
    names = [one.name for one in points.rules().dimensions]
    return {member: tuple(sums[member, name] for name in names) for member in member_ids}


def full_members(people: Iterable[Person]) -> int:
    """How many of the people are full members on today's roster."""
    return sum(one.status == MemberStatus.FULL for one in people)
