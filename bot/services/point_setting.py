"""How a branch handles points: settled by month or quarter, claims reviewed in one step or two, what members see of others."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import BranchSetting, Organisation
from bot.services import audit

KEY = "points"
"""Where the values lie among a branch's other settings."""
MONTH, QUARTER = "month", "quarter"
FEWEST_DAYS, MOST_DAYS = 3, 15


class BadNoticeDays(Refusal):
    text = "公示要 3 到 15 个工作日。例如：积分设置 公示 5"


@dataclass(frozen=True, slots=True)
class PointSetting:
    """``notice_days`` are working days of public notice; ``ranking`` shows the upper third by name, off by default: no public ranking."""

    every: str = QUARTER
    two_steps: bool = False
    notice_days: int = 5
    median: bool = True
    ranking: bool = False


def read(session: Session, branch_id: int) -> PointSetting:
    """The setting of a branch."""
    stored = session.scalar(select(BranchSetting.values).where(BranchSetting.branch_id == branch_id)) or {}
    return PointSetting(**stored.get(KEY, {}))


def change(
    session: Session, branch: Organisation, *, actor: Member, now: datetime, channel: str = "", **values: Any
) -> tuple[PointSetting, PointSetting]:
    """Store new values; returns the setting before and after. :class:`BadNoticeDays` for a window too short or too long."""
    before = read(session, branch.id)
    after = replace(before, **values)
    if not FEWEST_DAYS <= after.notice_days <= MOST_DAYS:
        raise BadNoticeDays
    session.execute(
        upsert(session, BranchSetting).values(branch_id=branch.id, values={}).on_conflict_do_nothing()
    )
    row = session.scalars(
        select(BranchSetting).where(BranchSetting.branch_id == branch.id).with_for_update()
    ).one()
    row.values = {**row.values, KEY: asdict(after)}
    audit.record(
        session,
        actor=actor,
        act="修改积分设置",
        now=now,
        channel=channel,
        branch_id=branch.id,
        detail="；".join(f"{name}: {getattr(before, name)} → {value}" for name, value in values.items()),
    )
    return before, after
