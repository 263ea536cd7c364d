"""All tables; importing this package completes the metadata."""

from bot.models import (
    activity,
    audit,
    ballot,
    course,
    identity,
    job,
    member,
    minutes,
    notice,
    organisation,
    outbox,
    points,
    quiz,
    series,
    settlement,
    study,
)

__all__ = [
    "activity",
    "audit",
    "ballot",
    "course",
    "identity",
    "job",
    "member",
    "minutes",
    "notice",
    "organisation",
    "outbox",
    "points",
    "quiz",
    "series",
    "settlement",
    "study",
]
