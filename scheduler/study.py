"""The day's study, pushed to each branch at its own time on its own days, and not any more in the evening."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, cast, exists, literal, select
from sqlalchemy.orm import Session

from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox
from bot.services import freeze, outbox, setting
from bot.services.study import daily_text
from bot.times import at_time
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("study", minute="*/5")
def push_study(node: Node, now: datetime) -> None:
    """Queue today's study for every branch whose time has come and whose members have not got it yet.

    It is worth nothing after 20:00, so that a server that was down all day does not wake anybody at midnight.
    """
    today = now.date()
    ends = at_time(today, setting.STUDY_ENDS, now)
    if now >= ends:
        return
    with node.database.write() as session:
        for branch, due in _due_branches(session, now):
            text = daily_text(session, branch, today)
            readers = _without(session, branch, f"study {today}", due)
            outbox.push(session, readers, text, key=f"study {today}", now=now, expires_at=ends)


def _due_branches(session: Session, now: datetime) -> list[tuple[int, datetime]]:
    """The branches that study today and whose time has come, with that time."""
    branches = session.scalars(
        select(Organisation.id).where(Organisation.kind == OrganisationKind.BRANCH)
    ).all()
    rules, frozen = setting.rules_of(session, branches), freeze.until(session, branches, now=now)
    due = [
        (b, at_time(now.date(), rules[b].study_time, now))
        for b in branches
        if b not in frozen and rules[b].studies_on(now.date())
    ]
    return [(branch, moment) for branch, moment in due if moment <= now]


def _without(session: Session, branch: int, key: str, due: datetime) -> list[int]:
    """The readers of a branch for whom nothing was queued yet under this key. Who joins later in the day begins tomorrow."""
    queued = exists().where(Outbox.key == literal(f"{key} ") + cast(Member.id, String))
    readers = (Member.branch_id == branch, Member.active, Member.status != MemberStatus.COLLEAGUE)
    known = (*readers, Member.created_at <= due, ~queued)
    return list(session.scalars(select(Member.id).where(*known).order_by(Member.id)))
