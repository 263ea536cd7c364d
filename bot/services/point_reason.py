"""What an entry is for, in words. The ledger is sealed, so what a member wrote is not in it: points for a claim name the claim."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.points import Claim, ClaimKind

_CLAIM = re.compile(r"(?P<kind>申报|申诉)第(?P<number>\d{1,18})件")


def of_claim(claim: Claim) -> str:
    """The reason that goes into the ledger: 申报第12件."""
    return f"{claim.kind.value}第{claim.id}件"


def shown(session: Session, member_id: int, reasons: Sequence[str]) -> list[str]:
    """The reasons of a member's entries for reading, with the words of the member's own claims while they exist."""
    named = [_CLAIM.fullmatch(reason) for reason in reasons]
    numbers = [int(found["number"]) for found in named if found]
    if not numbers:
        return list(reasons)
    rows = session.scalars(select(Claim).where(Claim.id.in_(numbers), Claim.member_id == member_id))
    claims = {claim.id: claim for claim in rows}
    return [
        _words(claims.get(int(found["number"])), reason) if found else reason
        for found, reason in zip(named, reasons, strict=True)
    ]


def _words(claim: Claim | None, reason: str) -> str:
    if claim is None:
        return reason
    return claim.text if claim.kind is ClaimKind.CLAIM else f"{reason}同意：{claim.text}"
