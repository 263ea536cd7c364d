"""What an organiser reads of an activity before confirming it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from bot.services.draft import Preview
from bot.times import full_moment, moment

MOST = 3
"""So many activities at the same time, and so many names for each, are shown."""


def shown(checked: Preview, *, told: int | None, now: datetime, branch: str = "") -> str:
    """The preview of a new activity, or of a change of which ``told`` people will be told; ``branch`` is named where it is not the own one."""
    lines = [
        f"{branch}{checked.kind}{'发布预览' if told is None else '修改预览'}",
        f"主题：{checked.theme}",
        f"时间：{full_moment(checked.starts_at, now)}",
        f"地点：{checked.place}",
        f"{checked.audience + '，' if checked.audience else ''}{_due(checked)}",
        f"报名截止：{moment(checked.closes_at, now)}",
    ]
    if checked.production:
        lines.append(f"结合生产：{checked.production}")
    if checked.task:
        lines.append(f"服务任务：{checked.task}")
    if checked.partner:
        lines.append(f"联建单位：{checked.partner.name}（确认后告诉对方书记，由对方通知本支部党员）")
    if checked.remarks:
        lines.append(f"注意：{'；'.join(checked.remarks)}。")
    lines += _clashes(checked, now)
    if told is not None:
        lines.append(f"确认后通知已报名的 {told} 人。")
    return "\n".join([*lines, "回复 1 确认 2 修改 3 取消，或直接写：改到12月4日"])


def _clashes(checked: Preview, now: datetime) -> Iterator[str]:
    """注意：12月4日(周五)14:30 已有“宪法宣传进班组”，王建国、张伟、古丽等 12 人时间冲突。"""
    for one in checked.clashes[:MOST]:
        names = "、".join(one.names[:MOST])
        many = f"等 {len(one.names)} 人" if len(one.names) > MOST else ""
        yield f"注意：{moment(one.activity.starts_at, now)} 已有“{one.activity.theme}”，{names}{many}时间冲突。"
    if len(checked.clashes) > MOST:
        yield f"同一时间还有 {len(checked.clashes) - MOST} 个活动。"


def _due(checked: Preview) -> str:
    """应到 12 人（有表决权 11 人），限 20 人报名."""
    voting = "" if checked.voting is None else f"（有表决权 {checked.voting} 人）"
    limit = f"，限 {checked.capacity} 人报名" if checked.capacity else ""
    return f"应到 {len(checked.invited)} 人{voting}{limit}"
