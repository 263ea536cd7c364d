"""Ten days before a monthly activity its organisers are asked to publish it. Nothing is ever published by itself."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.series import Series
from bot.services import outbox, series, sign_up
from bot.times import at_time
from content import activity_kinds
from content.activity_kinds import Attends
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("series", hour="9")
def ask(node: Node, now: datetime) -> None:
    """Ask once for every time of a series that nobody has published."""
    with node.database.write() as session:
        for one in session.scalars(select(Series).where(Series.stopped_at.is_(None)).order_by(Series.id)):
            occasion = series.due(session, one, now)
            if occasion is not None:
                _ask(session, one, occasion, now)


def _ask(session: Session, one: Series, occasion: series.Occasion, now: datetime) -> None:
    draft = series.draft_for(one, occasion)
    text = (
        f"按每月安排，该发布{one.kind}了：{series.said(one, occasion, now)}，{one.place}\n"
        f"主题：{draft.theme}\n"
        f"回复 发布下次 看预览，确认后才发出；改时间、改主题可以在预览里改；不再办请发 停止系列 #{one.id}。"
    )
    outbox.push(
        session,
        _organisers(session, one, now),
        text,
        key=f"series {one.id} {occasion.planned:%Y%m}",
        now=now,
        expires_at=at_time(occasion.on, one.at, now),
    )


def _organisers(session: Session, one: Series, now: datetime) -> list[int]:
    """The secretary and deputies; for a group's meeting, and where the branch has none, who arranged it."""
    kind = activity_kinds.lookup(one.kind)
    of_group = kind is not None and kind.attends is Attends.GROUP
    leaders = [] if of_group else sign_up.leaders(session, one.branch_id, on=now.date())
    return [member.id for member in leaders or [series.author(session, one)] if member.active]
