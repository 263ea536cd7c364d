"""What is to be pushed: rows written in the same transaction as the fact, sent later by the delivery worker."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from bot.cards import Article, Card
from bot.db import upsert
from bot.models.outbox import Outbox, OutboxState, Urgency


def body_of(text: str, *, article: Article | None = None, card: Card | None = None) -> dict[str, Any]:
    """What a channel's ``send`` gets: the text twin always, a link or a card where there is one."""
    body: dict[str, Any] = {"text": text}
    if article is not None:
        body["article"] = asdict(article)
    if card is not None:
        body["card"] = asdict(card)
    return body


def push(
    session: Session,
    members: Iterable[int],
    text: str,
    *,
    key: str,
    now: datetime,
    urgency: Urgency = Urgency.ROUTINE,
    notice_id: int | None = None,
    at: datetime | None = None,
    expires_at: datetime | None = None,
    article: Article | None = None,
    card: Card | None = None,
) -> int:
    """Queue one text for members, from ``at`` on (default: now), never after ``expires_at``. Returns how many rows are new.

    ``key`` says what and when ("reminder 12 day-before"); with the member it is unique, so that a repeated job queues nothing twice.
    """
    body = body_of(text, article=article, card=card)
    digest = hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]
    rows = [
        {
            "key": f"{key} {member}",
            "member_id": member,
            "notice_id": notice_id,
            "urgency": urgency,
            "body": body,
            "digest": digest,
            "state": OutboxState.WAITING,
            "available_at": at or now,
            "expires_at": expires_at,
            "created_at": now,
        }
        for member in members
    ]
    if not rows:
        return 0
    new = session.execute(
        upsert(session, Outbox).on_conflict_do_nothing(index_elements=["key"]).returning(Outbox.id), rows
    )
    return len(new.all())
