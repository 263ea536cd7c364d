"""The platform's directory beside the roster: whose account it can fill in, and what somebody should look at.

The directory knows who works here, not who is a Party member, so nobody is added or put out of use by it: that is for the roster and for people.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.identity import Identity
from bot.models.member import Member
from bot.services.identity import open_identity


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody in the directory. ``name`` is the account again, or empty, where the platform shows no names."""

    account: str
    name: str

    @property
    def hidden(self) -> bool:
        """Whether the platform keeps the name to itself."""
        return self.name.strip().lower() in ("", self.account.lower())


@dataclass(frozen=True, slots=True)
class Plan:
    """What a comparison found; only ``fills`` would be written.

    ``known``: accounts that both have. ``fills``: (member id, name, account). ``renamed``: (name here, name there, account). ``gone``: (name,
    account) of those the directory does not have. ``unclear``: names for which it cannot be said who is who. ``others``: people not on the roster.
    """

    known: int
    fills: tuple[tuple[int, str, str], ...]
    renamed: tuple[tuple[str, str, str], ...]
    gone: tuple[tuple[str, str], ...]
    unclear: tuple[str, ...]
    others: int
    hidden: int


def compare(session: Session, colleagues: Iterable[Colleague]) -> Plan:
    """Accounts are told apart without regard to case; a name counts only where exactly one person on each side has it."""
    there = {one.account.lower(): one for one in colleagues}
    members = session.scalars(select(Member).where(Member.active).order_by(Member.id)).all()
    taken = set(session.scalars(select(Member.account).where(Member.account.is_not(None))))
    free = [one for account, one in there.items() if account not in taken and not one.hidden]
    names = Counter(one.name.strip() for one in free)
    without: dict[str, list[Member]] = defaultdict(list)
    for member in members:
        if member.account is None:
            without[member.name].append(member)
    clear = {name for name, count in names.items() if count == 1 and len(without[name]) == 1}
    both = [(member, there[member.account]) for member in members if member.account in there]
    return Plan(
        known=len(both),
        fills=tuple(
            (without[one.name.strip()][0].id, one.name.strip(), one.account.lower())
            for one in free
            if one.name.strip() in clear
        ),
        renamed=tuple(
            (member.name, one.name, one.account)
            for member, one in both
            if not one.hidden and one.name.strip() != member.name
        ),
        gone=tuple((m.name, m.account) for m in members if m.account and m.account not in there),
        unclear=tuple(sorted(name for name in names if without[name] and name not in clear)),
        others=sum(one.name.strip() not in clear for one in free),
        hidden=sum(one.hidden for one in there.values()),
    )


def fill(session: Session, plan: Plan) -> int:
    """Write the accounts; from now on pushes reach these people although they never wrote. Returns how many."""
    for member_id, _, account in plan.fills:
        session.get_one(Member, member_id).account = account
        session.flush()
        known = session.scalars(
            select(Identity).where(Identity.channel == "wecom", Identity.external_id == account)
        ).one_or_none()
        if known is None:
            open_identity(session, "wecom", account)
        else:
            known.member_id = member_id
    return len(plan.fills)
