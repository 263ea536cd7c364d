"""Which activity a document is wanted for, and all that is recorded of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.models.activity import Activity, ActivityState, Attendance, SignUp, SignUpState
from bot.models.ballot import Vote, VoteState
from bot.models.member import Member
from bot.models.minutes import ActivityDuty, Duty
from bot.models.organisation import Organisation
from bot.services import attendance_points, decision, minutes, outcome, seminar_question
from bot.services.activity import expected, seen_by
from bot.services.attendance import Counts
from bot.services.minutes import Line
from bot.services.permission import Action, Actor
from bot.services.record.facts import ActivityFacts, Person, Presence, VoteFacts
from bot.services.seminar_question import Asked
from content import activity_kinds

SAME_MEETING = timedelta(hours=8)
"""An activity that was ended in the chat within this time of its start was really ended then; later, only its record was closed."""


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
        Activity.branch_id == actor.branch_id,
        Activity.state != ActivityState.CANCELLED,
        seen_by(actor, Action.SEE_BRANCH),
    )


# Facts of activities ------------------------------------------------------------------------------------------------------


def activity(session: Session, activity_id: int) -> ActivityFacts:
    """All that is recorded of one activity."""
    return gather(session, [session.get_one(Activity, activity_id)])[0]


def gather(session: Session, found: Sequence[Activity]) -> list[ActivityFacts]:
    """The facts of several activities, in a fixed number of queries."""
    ids = [one.id for one in found]
    names = organisations(
        session, {number for one in found for number in (one.branch_id, one.group_id) if number}
    )
    people, invited = _people(session, found)
    known = _Known(
        names,
        people,
        invited,
        _duties(session, ids),
        minutes.lines_of(session, ids),
        attendance_points.given(session, ids),
        _votes(session, ids),
        seminar_question.of_activities(session, ids),
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
    questions: Mapping[int, list[Asked]]


def _votes(session: Session, ids: Sequence[int]) -> dict[int, tuple[VoteFacts, ...]]:
    """The closed votes of each activity, oldest first."""
    rows = session.scalars(
        select(Vote).where(Vote.activity_id.in_(ids), Vote.state != VoteState.OPEN).order_by(Vote.id)
    ).all()
    return {number: tuple(vote_facts(one) for one in rows if one.activity_id == number) for number in ids}


def vote_facts(one: Vote) -> VoteFacts:
    """The figures of a closed vote."""
    counted = (one.yes, one.no or 0, one.abstain or 0) if one.yes is not None else None
    voters = decision.rule(one.rule).of
    return VoteFacts(
        one.question, outcome.mode(one), voters, one.entitled, one.present, counted, outcome.passed(one)
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
        speakers=tuple(known.duties.get((one.id, Duty.SPEAKER), ())),
        questions=tuple(known.questions[one.id]),
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


def organisations(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """The names of branches and groups by their id."""
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
