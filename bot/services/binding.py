"""Binding a channel's person to the roster: a six-digit code from the secretary, kept only as an HMAC, for seven days, used once."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from sqlalchemy import update
from sqlalchemy.orm import Session

from bot.models.identity import Identity
from bot.models.member import Member

CODE_LASTS = timedelta(days=7)
LOCK_LASTS = timedelta(hours=1)
WRONG_PER_PERSON = 5
"""Wrong codes from one identity before it is locked."""
TRIES_PER_CODE = 10
"""Tries of one code, from any identity, before it is void: a million codes cannot be guessed from many accounts either."""


class Outcome(Enum):
    """What came of a try. WRONG says nothing about whether the name exists."""

    BOUND = "bound"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Try:
    """``left`` tries remain before the lock; ``until`` is when a lock ends."""

    outcome: Outcome
    member: Member | None = None
    left: int = 0
    until: datetime | None = None


def make_code(member: Member, *, secret: str, now: datetime) -> str:
    """A new code for a member, to be told to nobody else; an older one is void at once."""
    code = f"{secrets.randbelow(10**6):06d}"
    member.binding_code = _seal(member.id, code, secret)
    member.binding_expires_at = now + CODE_LASTS
    member.binding_tries = 0
    return code


def bind(session: Session, identity: Identity, name: str, code: str, *, secret: str, now: datetime) -> Try:
    """Try a name and a code. Nothing is raised: a wrong try is counted, and a refusal would roll the count back."""
    if identity.locked_until is not None and identity.locked_until > now:
        return Try(Outcome.LOCKED, until=identity.locked_until)
    member_id = _match(session, name, code, secret, now)
    if member_id is None:
        return _wrong(identity, now)
    member = session.get_one(Member, member_id, populate_existing=True)
    member.binding_code = member.binding_expires_at = None
    _replace(session, identity, member)
    return Try(Outcome.BOUND, member)


def _match(session: Session, name: str, code: str, secret: str, now: datetime) -> int | None:
    """Whose code it is. The try is counted before it is judged, in one statement, so that tries at the same time count as well."""
    tried = session.execute(
        update(Member)
        .where(
            Member.name == name,
            Member.active,
            Member.binding_code.is_not(None),
            Member.binding_expires_at > now,
            Member.binding_tries < TRIES_PER_CODE,
        )
        .values(binding_tries=Member.binding_tries + 1)
        .returning(Member.id, Member.binding_code)
        .execution_options(synchronize_session=False)
    ).all()
    # A name that is not there costs one comparison too, so that the time says nothing.
    candidates = [(row.id, row.binding_code or "") for row in tried] or [(0, "")]
    matches = [one for one, sealed in candidates if hmac.compare_digest(sealed, _seal(one, code, secret))]
    return matches[0] if matches else None


def _wrong(identity: Identity, now: datetime) -> Try:
    identity.wrong_codes += 1
    if identity.wrong_codes < WRONG_PER_PERSON:
        return Try(Outcome.WRONG, left=WRONG_PER_PERSON - identity.wrong_codes)
    identity.wrong_codes, identity.locked_until = 0, now + LOCK_LASTS
    return Try(Outcome.LOCKED, until=identity.locked_until)


def _replace(session: Session, identity: Identity, member: Member) -> None:
    """One person has one identity on a channel: a former one (a lost phone, an old account) is unbound."""
    session.execute(
        update(Identity)
        .where(
            Identity.member_id == member.id, Identity.channel == identity.channel, Identity.id != identity.id
        )
        .values(member_id=None)
        .execution_options(synchronize_session=False)
    )
    identity.member = member
    identity.wrong_codes, identity.locked_until = 0, None


def _seal(member_id: int, code: str, secret: str) -> str:
    return hmac.new(secret.encode(), f"binding {member_id} {code}".encode(), hashlib.sha256).hexdigest()
