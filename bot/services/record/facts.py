"""What documents are made of: plain facts of an activity, a notice, a month, a year. What was not recorded is empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from bot.models.member import MemberStatus
from bot.services.attendance import Counts
from bot.services.minutes import Line
from bot.services.seminar_question import Asked


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
    ``questions`` are those of a seminar in the order of talk, with their answers.
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
    speakers: tuple[str, ...] = ()
    questions: tuple[Asked, ...] = ()

    def named(self, presence: Presence) -> tuple[Person, ...]:
        """The people who were there, on leave, or absent."""
        return tuple(one for one in self.people if one.presence is presence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultFacts:
    """A closed vote with all that is published of it; ``needed_present`` and ``needed_yes`` are what its rule asks for, ``source`` its clauses.

    ``ballots`` names by choice who voted so; of a secret vote it has the receipts, for nobody knows whose they are.
    """

    number: int
    meeting: ActivityFacts
    vote: VoteFacts
    secret: bool
    needed_present: int
    needed_yes: int
    source: str
    closed_at: datetime
    ballots: Mapping[str, tuple[str, ...]]


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


def full_members(people: Iterable[Person]) -> int:
    """How many of the people are full members on today's roster."""
    return sum(one.status == MemberStatus.FULL for one in people)
