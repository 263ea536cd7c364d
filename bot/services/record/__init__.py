"""The facts of an activity, a month, a year of a branch, as documents need them. Nothing here is guessed: what was not recorded is empty."""

from __future__ import annotations

from bot.services.record.election import ElectionFacts, election
from bot.services.record.facts import (
    ActivityFacts,
    MemberFacts,
    MonthFacts,
    NoticeFacts,
    Person,
    Post,
    Presence,
    ResultFacts,
    VoteFacts,
    YearFacts,
    full_members,
)
from bot.services.record.held import activity, begun, gather, numbered, to_sign
from bot.services.record.sent import notice, notices
from bot.services.record.span import month, year
from bot.services.record.voted import closed_vote, result, votes

__all__ = [
    "ActivityFacts",
    "ElectionFacts",
    "MemberFacts",
    "MonthFacts",
    "NoticeFacts",
    "Person",
    "Post",
    "Presence",
    "ResultFacts",
    "VoteFacts",
    "YearFacts",
    "activity",
    "begun",
    "closed_vote",
    "election",
    "full_members",
    "gather",
    "month",
    "notice",
    "notices",
    "numbered",
    "result",
    "to_sign",
    "votes",
    "year",
]
