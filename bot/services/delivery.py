"""Which pushes go out now, and together with which others. Rules only: the network is the caller's.

URGENT obeys the platform's limit alone. ANSWER, about something a member just did, also obeys the quiet hours, but may come half an hour into them.
ROUTINE obeys quiet hours, the member's pause, freeze periods and the branch's budget for a member and day. A freeze period does not hold back
what somebody wrote as a notice, nor what would be worth nothing after it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import freeze, outbox, setting
from bot.services.outbox import MOST_ATTEMPTS, Group, Parcel
from bot.services.setting import BranchRules
from bot.times import at_time

CLAIMING = 7220112
"""The number of PostgreSQL's lock on claiming."""
LEASE = timedelta(seconds=60)
"""How long a claimed row is kept from other senders; a sender that dies loses it then."""
PER_MINUTE = 30
"""WeCom silently drops what is more for one member in a minute."""
MOST_ROWS = 1000
DIGEST_AT = time(18, 10)
"""When what is over a member's budget comes as one digest; not on the full or half hour, as the platform asks."""
DIGEST_CHARACTERS = 600
ANSWER_GRACE = timedelta(minutes=30)


class Door(Protocol):
    """What must be known of a channel to choose it."""

    users_per_call: int

    def can_push(self, identity: Identity, now: datetime) -> bool:
        """May a push reach this person now?"""


Doors = Mapping[str, Door]


@dataclass(frozen=True, slots=True)
class Batch:
    """The groups to send now; ``looked_at`` counts the rows that were due, 0 when there is nothing left to do."""

    groups: list[Group]
    looked_at: int


@dataclass(slots=True)
class Desk:
    """What the decisions of one batch rest on, read in a few queries."""

    now: datetime
    doors: Doors
    rules: Mapping[int, BranchRules]
    identities: Mapping[int, Sequence[Identity]]
    routine_today: Counter[int]
    last_minute: Counter[int]
    digested: set[int]
    frozen_until: Mapping[int, datetime]
    resting: Mapping[str, datetime]

    def address(self, member_id: int) -> Identity | None:
        """The account through which a member is reached: one that may be pushed to now before others, a channel at work before one
        that rests, WeCom before others.
        """
        known = [i for i in self.identities.get(member_id, ()) if i.reachable and i.channel in self.doors]

        def preference(i: Identity) -> tuple[bool, bool, bool, int]:
            return not self.open(i), i.channel in self.resting, i.channel != "wecom", i.id

        return min(known, key=preference, default=None)

    def open(self, identity: Identity) -> bool:
        """Whether the channel can push to this account now."""
        return self.doors[identity.channel].can_push(identity, self.now)

    def count(self, row: Outbox) -> None:
        """A row goes out, which the next decision about the same member must know."""
        self.last_minute[row.member_id] += 1
        self.routine_today[row.member_id] += row.urgency is Urgency.ROUTINE


class _Digest:
    """The verdict that a row is over budget and belongs into the member's digest, now."""


Verdict = Identity | datetime | OutboxState | _Digest
"""Send to this account; wait until then; this is the end; put it into a digest."""


def is_due(session: Session, now: datetime) -> bool:
    """Whether anything is due: a cheap look before a writing transaction."""
    return session.scalar(select(Outbox.id).where(*_due(now)).limit(1)) is not None


def claim(session: Session, now: datetime, doors: Doors, most: int = 50) -> Batch:
    """Decide about the rows that are due, about ``most`` different texts and all that equal them, and lease those that go out now."""
    _alone(session)
    taken = _take(session, now, most)
    desk = _desk(session, [member for _, member in taken], now, doors)
    outgoing: dict[tuple[str, str], list[tuple[Outbox, Identity]]] = defaultdict(list)
    digests: dict[int, Member] = {}
    for row, member in taken:
        match _verdict(row, member, desk):
            case Identity() as identity:
                desk.count(row)
                outgoing[identity.channel, row.digest].append((row, identity))
            case datetime() as until:
                row.available_at = until
            case OutboxState() as end:
                row.state = end
            case _Digest():
                digests[member.id] = member
    groups = [group for rows in outgoing.values() for group in _groups(rows, desk)]
    return Batch(groups + _digests(session, digests, desk), len(taken))


def _alone(session: Session) -> None:
    """One claim at a time: a member's limit counts what every other sender has in hand. SQLite has one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(CLAIMING)))


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Outbox.state == OutboxState.WAITING, Outbox.available_at <= now


def _take(session: Session, now: datetime, most: int) -> list[tuple[Outbox, Member]]:
    """The first rows that are due and those that are equal to them, locked until the end of the transaction."""
    order = (case((Outbox.urgency == Urgency.URGENT, 0), else_=1), Outbox.available_at, Outbox.id)
    texts = set(session.scalars(select(Outbox.digest).where(*_due(now)).order_by(*order).limit(most)))
    rows = (
        select(Outbox, Member)
        .join(Member, Member.id == Outbox.member_id)
        .where(*_due(now), Outbox.digest.in_(texts))
        .order_by(*order)
        .limit(MOST_ROWS)
        .with_for_update(of=Outbox, skip_locked=True)
    )
    return [(row, member) for row, member in session.execute(rows)] if texts else []


def _desk(session: Session, members: Sequence[Member], now: datetime, doors: Doors) -> Desk:
    people = {member.id for member in members}
    midnight = at_time(now.date(), time(), now)
    sent = (
        select(Outbox.member_id, func.count()).where(Outbox.member_id.in_(people)).group_by(Outbox.member_id)
    )
    routine = sent.where(
        Outbox.sent_at >= midnight, Outbox.urgency == Urgency.ROUTINE, Outbox.state == OutboxState.SENT
    )
    identities: dict[int, list[Identity]] = defaultdict(list)
    for identity in session.scalars(select(Identity).where(Identity.member_id.in_(people))):
        identities[identity.member_id or 0].append(identity)
    return Desk(
        now,
        doors,
        setting.rules_of(session, {member.branch_id for member in members}),
        identities,
        _counted(session, routine),
        _counted(session, sent.where(Outbox.sent_at > now - timedelta(minutes=1)))
        + _counted(session, sent.where(outbox.in_hand(now), Outbox.available_at <= now + LEASE)),
        set(_counted(session, sent.where(Outbox.sent_at >= midnight, Outbox.state == OutboxState.MERGED))),
        freeze.until(session, {member.branch_id for member in members}, now=now),
        outbox.resting(session, now),
    )


def _counted(session: Session, query: Select[int, int]) -> Counter[int]:
    return Counter({row[0]: row[1] for row in session.execute(query)})


def _verdict(row: Outbox, member: Member, desk: Desk) -> Verdict:
    if row.expires_at is not None and row.expires_at <= desk.now:
        return OutboxState.EXPIRED
    if not member.active or row.attempts >= MOST_ATTEMPTS:
        return OutboxState.FAILED
    identity = desk.address(member.id)
    if identity is None:
        return OutboxState.UNREACHABLE
    until = _not_before(row, member, desk, identity)
    if until is not None:
        # Too late then to be sent, but a member who writes before may still see it.
        return until if row.expires_at is None or until < row.expires_at else OutboxState.HELD
    if not desk.open(identity):
        return OutboxState.HELD
    return _within_budget(row, member, desk) or identity


def _not_before(row: Outbox, member: Member, desk: Desk, identity: Identity) -> datetime | None:
    """The moment before which the row must not be sent; None when it may go."""
    now, rules = desk.now, desk.rules[member.branch_id]
    moments: list[datetime | None] = [desk.resting.get(identity.channel)]
    if desk.last_minute[member.id] >= PER_MINUTE:
        moments.append(now + timedelta(minutes=1))
    if row.urgency is not Urgency.URGENT:
        late_answer = row.urgency is Urgency.ANSWER and rules.quiet_since(now) < ANSWER_GRACE
        moments.append(None if late_answer else rules.quiet_until(now))
    if row.urgency is Urgency.ROUTINE:
        moments += [member.paused_until, _freeze_ends(row, member, desk)]
    return max((moment for moment in moments if moment is not None and moment > now), default=None)


def _freeze_ends(row: Outbox, member: Member, desk: Desk) -> datetime | None:
    """The end of the freeze period that holds a row back."""
    ends = desk.frozen_until.get(member.branch_id)
    worthless = ends is not None and row.expires_at is not None and row.expires_at <= ends
    return None if worthless or row.notice_id is not None else ends


def _within_budget(row: Outbox, member: Member, desk: Desk) -> datetime | _Digest | None:
    """None when the row may go; else when it is looked at again, or that it belongs into a digest.

    What would come too late that way is sent at once: better one message more than a missed activity.
    """
    now, rules = desk.now, desk.rules[member.branch_id]
    if row.urgency is not Urgency.ROUTINE or desk.routine_today[member.id] < rules.budget:
        return None
    tonight = at_time(now.date(), DIGEST_AT, now)
    if now >= tonight and member.id not in desk.digested:
        return _Digest()
    until = tonight if now < tonight else _tomorrow(now, rules)
    return until if row.expires_at is None or until < row.expires_at else None


def _tomorrow(now: datetime, rules: BranchRules) -> datetime:
    return at_time(now.date() + timedelta(days=1), rules.quiet_to, now)


def _groups(rows: Sequence[tuple[Outbox, Identity]], desk: Desk) -> Iterable[Group]:
    """Rows of one text and channel, cut to what one call takes, and leased."""
    size = desk.doors[rows[0][1].channel].users_per_call
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        for row, _ in part:
            _lease(row, desk.now)
        parcels = tuple(Parcel(identity.external_id, identity.id, (row.id,)) for row, identity in part)
        row, identity = part[0]
        yield Group(identity.channel, row.body, parcels, max(row.attempts for row, _ in part))


def _lease(row: Outbox, now: datetime) -> None:
    row.available_at, row.attempts, row.code = now + LEASE, row.attempts + 1, 0


def _digests(session: Session, members: Mapping[int, Member], desk: Desk) -> list[Group]:
    """One group for each member whose over-budget rows go out as one text; what does not fit comes tomorrow."""
    waiting = (
        select(Outbox)
        .where(*_due(desk.now), Outbox.member_id.in_(members), Outbox.urgency == Urgency.ROUTINE)
        .order_by(Outbox.id)
        .with_for_update(skip_locked=True)
    )
    rows_of: dict[int, list[Outbox]] = defaultdict(list)
    for row in session.scalars(waiting) if members else ():
        rows_of[row.member_id].append(row)
    return [_digest(rows, members[member], desk) for member, rows in rows_of.items()]


def _digest(rows: Sequence[Outbox], member: Member, desk: Desk) -> Group:
    merged: list[Outbox] = []
    length = 0
    for row in rows:
        length += len(outbox.told(row))
        if merged and length > DIGEST_CHARACTERS:
            row.available_at = _tomorrow(desk.now, desk.rules[member.branch_id])
            continue
        _lease(row, desk.now)
        merged.append(row)
    lines = "\n".join(f"{n} {outbox.told(row)}" for n, row in enumerate(merged, 1))
    identity = desk.address(member.id)
    assert identity is not None, "a digest was decided for somebody without an address"
    parcel = Parcel(identity.external_id, identity.id, tuple(row.id for row in merged))
    body = {"text": f"今天还有 {len(merged)} 条：\n{lines}"}
    return Group(identity.channel, body, (parcel,), max(row.attempts for row in merged), digest=True)
