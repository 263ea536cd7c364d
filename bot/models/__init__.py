"""All tables; importing this package completes the metadata."""

from bot.models import activity, audit, ballot, identity, job, member, minutes, notice, organisation, outbox, points, quiz, series, study

__all__ = [
    "activity",
    "audit",
    "ballot",
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
    "study",
]
