"""The day's study, pushed to each branch at its own time on its own days, and not any more in the evening."""

from __future__ import annotations

from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import String, cast, exists, literal, select
from sqlalchemy.orm import Session

from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox
from bot.services import outbox, setting
from bot.times import at_time
from content import materials, study_plan
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("study", minute="*/5")
def push_study(node: Node, now: datetime) -> None:
    """Queue today's study for every branch whose time has come and whose members have not got it yet.

    It is worth nothing after 20:00, so that a server that was down all day does not wake anybody at midnight.
    """
    today = now.date()
    ends = at_time(today, setting.STUDY_ENDS, now)
    if now >= ends or setting.calendar().frozen(today):
        return
    with node.database.write() as session:
        for branch in _due_branches(session, now):
            text = _daily_text(today)
            readers = _without(session, branch, f"study {today}")
            outbox.push(session, readers, text, key=f"study {today}", now=now, expires_at=ends)


def _due_branches(session: Session, now: datetime) -> list[int]:
    branches = session.scalars(
        select(Organisation.id).where(Organisation.kind == OrganisationKind.BRANCH)
    ).all()
    rules = setting.rules_of(session, branches)
    return [b for b in branches if rules[b].studies_on(now.date()) and rules[b].study_time <= now.time()]


def _without(session: Session, branch: int, key: str) -> list[int]:
    """The readers of a branch for whom nothing was queued yet under this key."""
    queued = exists().where(Outbox.key == literal(f"{key} ") + cast(Member.id, String))
    readers = (Member.branch_id == branch, Member.active, Member.status != MemberStatus.COLLEAGUE)
    return list(session.scalars(select(Member.id).where(*readers, ~queued).order_by(Member.id)))


def _daily_text(day: date) -> str:
    """What the push says of the material of the day's week."""
    item = _texts()[study_plan.week_of(_plan(), day).material]
    return f"今日学习：{item.title}\n{item.digest}\n约{item.minutes}分钟。回复 今日学习 看全文。"


@lru_cache(maxsize=1)
def _plan() -> tuple[study_plan.Week, ...]:
    return study_plan.load()


@lru_cache(maxsize=1)
def _texts() -> dict[str, materials.Material]:
    return {item.code: item for item in materials.load()}
