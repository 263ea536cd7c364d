"""Acts on activities by people in charge, written into the audit log."""

from __future__ import annotations

from bot.chat import Context
from bot.models.activity import Activity
from bot.services import activity as activities
from bot.services import audit


def keep(ctx: Context, act: str, activity: Activity, *details: str, subject_id: int | None = None) -> None:
    """Record that the sender did ``act``, on whom, and the details that are not empty."""
    audit.record(
        ctx.session,
        actor=ctx.member,
        act=act,
        now=ctx.now,
        channel=ctx.message.channel,
        subject_id=subject_id,
        branch_id=activity.branch_id,
        detail=activities.detail(activity, *details),
    )
