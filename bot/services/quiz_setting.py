"""How a branch wants to be asked: the ratio of Party matters and trade in 答题, and whether questions also come as cards."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.db import upsert
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import BranchSetting, Organisation
from bot.services import audit, drawing

MOST = 9
_PART = re.compile(r"(党务|业务|安规|综合)\s*[:：]?\s*(\d{1,3}|[一二两三四五六七八九])")


class BadMix(Refusal):
    text = "请写各部分的份数，0 到 9，至少一项不是 0。例如：答题比例 党务5 业务4 综合1"


def mix(session: Session, branch_id: int) -> Mapping[str, int]:
    """How often 答题 draws from each half of the bank in a branch."""
    stored: Mapping[str, int] = _values(session, branch_id).get("mix", {})
    return stored or drawing.MIX


def cards(session: Session, branch_id: int) -> bool:
    """Whether the question of the day also comes as a card on WeCom."""
    return bool(_values(session, branch_id).get("cards", False))


def read_mix(said: str) -> dict[str, int]:
    """党务5 业务4 综合1; what is not named counts 0. :class:`BadMix` when nothing would be left."""
    numerals = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2}
    parts = {("业务" if name == "安规" else name): number for name, number in _PART.findall(said)}
    found = {
        name: int(parts.get(name, 0)) if parts.get(name, "0").isdigit() else numerals[parts[name]]
        for name in drawing.MIX
    }
    if not any(found.values()) or max(found.values()) > MOST:
        raise BadMix
    return found


def change(
    session: Session,
    branch: Organisation,
    name: str,
    value: Any,
    *,
    actor: Member,
    now: datetime,
    channel: str,
) -> None:
    """Store one of the two settings, with an entry in the audit log."""
    session.execute(
        upsert(session, BranchSetting).values(branch_id=branch.id, values={}).on_conflict_do_nothing()
    )
    row = session.scalars(
        select(BranchSetting).where(BranchSetting.branch_id == branch.id).with_for_update()
    ).one()
    detail = f"{name}: {row.values.get(name)} → {value}"
    row.values = {**row.values, name: value}
    audit.record(
        session, actor=actor, act="修改答题设置", now=now, channel=channel, branch_id=branch.id, detail=detail
    )


def _values(session: Session, branch_id: int) -> Mapping[str, Any]:
    values: Mapping[str, Any] | None = session.scalar(
        select(BranchSetting.values).where(BranchSetting.branch_id == branch_id)
    )
    return values or {}
