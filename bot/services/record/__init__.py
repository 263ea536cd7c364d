"""The facts of an activity, a month, a year of a branch, as documents need them. Nothing here is guessed: what was not recorded is empty."""

from __future__ import annotations

from bot.services.record.facts import (
    ActivityFacts,
    MemberFacts,
    MonthFacts,
    NoticeFacts,
    Person,
    Post,
    Presence,
    VoteFacts,
    YearFacts,
    full_members,
)
from bot.services.record.held import activity, begun, gather, numbered, to_sign
from bot.services.record.sent import notice, notices
from bot.services.record.span import month, year

__all__ = [
    "ActivityFacts",
    "MemberFacts",
    "MonthFacts",
    "NoticeFacts",
    "Person",
    "Post",
    "Presence",
    "VoteFacts",
    "YearFacts",
    "activity",
    "begun",
    "full_members",
    "gather",
    "month",
    "notice",
    "notices",
    "numbered",
    "to_sign",
    "year",
]
