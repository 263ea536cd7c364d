"""What the phones show, held against what the outbox says was sent."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState
from bot.simulator.platform import Platform

DIGEST = "今天还有"

Shown = Counter[tuple[str, str]]
"""How often each (userid, text)."""


def sent(session: Session) -> Shown:
    """What was sent to each person alone, by the record."""
    rows = session.execute(
        select(Identity.external_id, Outbox.body)
        .join(Member, Member.id == Outbox.member_id)
        .join(Identity, (Identity.member_id == Member.id) & (Identity.channel == "wecom"))
        .where(Outbox.state == OutboxState.SENT)
    )
    return Counter((user, _title(body)) for user, body in rows)


def seen(platform: Platform) -> Shown:
    """What was pushed to each phone, digests left out."""
    bubbles = (
        (person, bubble) for person in platform.world.people for bubble in platform.phone(person, "wecom")
    )
    return Counter(
        (person.userid, bubble.text)
        for person, bubble in bubbles
        if bubble.pushed and not bubble.text.startswith(DIGEST)
    )


def _title(body: dict[str, object]) -> str:
    """As a phone writes it in one line or two."""
    card, article = body.get("card"), body.get("article")
    if isinstance(card, dict):
        return f"{card['title']}\n{card['description']}"
    return str(article["title"]) if isinstance(article, dict) else str(body["text"])
