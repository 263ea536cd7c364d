"""Tells operators when pushes do not get out or a job is late: members with the role 党委管理员, and always the log."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.models.job import JobRun
from bot.models.member import Member, Role, RoleName
from bot.models.outbox import Urgency
from bot.services import backlog, outbox
from scheduler import runner
from scheduler.runner import Jobs, Node

log = logging.getLogger("zhibu.alarm")
jobs = Jobs()

TOO_LATE = 2 * runner.LOST_AFTER
"""A run that a dead node left is repeated after :data:`~scheduler.runner.LOST_AFTER`; only what is late then needs somebody."""
SEEN_BEFORE = timedelta(minutes=11)
"""Only who was awake ten minutes ago can say that a job is late; after a downtime they are being caught up."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """``key`` names it for "once an hour", ``line`` says it to the operator; an urgent one may wake somebody."""

    key: str
    line: str
    urgency: Urgency


@jobs.cron("alarm", minute="2-59/5", catch_up=timedelta(minutes=15))
def watch(node: Node, now: datetime) -> None:
    """Look, and tell each trouble once an hour."""
    with node.database.write() as session:
        told = operators(session, now)
        for trouble in _troubles(session, node, now):
            log.error("%s", trouble.key)
            text = f"告警：{trouble.line}\n请在服务器上运行 zhibu doctor 查看原因。"
            key = f"alarm {trouble.key} {now:%Y-%m-%d %H}"
            outbox.push(
                session,
                told,
                text,
                key=key,
                now=now,
                urgency=trouble.urgency,
                expires_at=now + timedelta(hours=1),
            )


def _troubles(session: Session, node: Node, now: datetime) -> Iterator[Trouble]:
    seen = backlog.look(session, now)
    if seen.stuck:
        yield Trouble("outbox", f"有 {seen.stuck} 条消息超过10分钟没有发出去。", Urgency.URGENT)
    if not _was_awake(session, now):
        return
    for job, lag in runner.lateness(session, node.settings.zone, now).items():
        if lag > TOO_LATE and job != "alarm":
            minutes = int(lag.total_seconds() // 60)
            yield Trouble(f"job {job}", f"定时任务 {job} 已经晚了 {minutes} 分钟。", Urgency.ANSWER)


def _was_awake(session: Session, now: datetime) -> bool:
    before = (JobRun.job == "alarm", JobRun.slot >= now - SEEN_BEFORE, JobRun.finished_at < now)
    return session.scalar(select(JobRun.slot).where(*before).limit(1)) is not None


def operators(session: Session, now: datetime) -> list[int]:
    """The active members with the role 党委管理员 today."""
    today = now.date()
    in_force = (Role.starts_on <= today, or_(Role.ends_on.is_(None), Role.ends_on >= today))
    query = select(Role.member_id).join(Member, Member.id == Role.member_id)
    return list(
        session.scalars(query.where(Role.name == RoleName.ADMIN, Member.active, *in_force).distinct())
    )
