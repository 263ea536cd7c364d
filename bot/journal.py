"""The audit log as handlers use it: acts on activities and on members written into it, and a page of it as an answer."""

from __future__ import annotations

import re

from bot.chat import Context, Reply
from bot.models.activity import Activity
from bot.models.hazard import Hazard
from bot.models.member import Member
from bot.services import activity as activities
from bot.services import audit
from bot.services.audit import CHANNELS, Act
from bot.services.key_task import Task
from bot.times import local

_PAGE = re.compile(r"\s*第\s*(\d{1,4})\s*页$")


def note(
    ctx: Context, act: str, detail: str = "", *, subject_id: int | None = None, branch_id: int | None = None
) -> None:
    """Record that the sender did ``act``; without a branch, in the sender's own."""
    audit.record(
        ctx.session,
        actor=ctx.member,
        act=act,
        now=ctx.now,
        channel=ctx.message.channel,
        subject_id=subject_id,
        branch_id=branch_id,
        detail=detail,
    )


def keep(ctx: Context, act: str, activity: Activity, *details: str, subject_id: int | None = None) -> None:
    """Record that the sender did ``act`` on an activity, on whom, and the details that are not empty."""
    detail = activities.detail(activity, *details)
    note(ctx, act, detail, subject_id=subject_id, branch_id=activity.branch_id)


def keep_of(ctx: Context, act: str, member: Member, detail: str = "") -> None:
    """Record that the sender did ``act`` on a member."""
    note(ctx, act, detail, subject_id=member.id, branch_id=member.branch_id)


def keep_task(ctx: Context, act: str, task: Task, detail: str) -> None:
    """Record that the sender did ``act`` on a key task and its owner."""
    row = task.row
    note(ctx, act, f"{task.title}：{detail}", subject_id=row.owner_id, branch_id=row.branch_id)


def keep_hazard(
    ctx: Context, act: str, hazard: Hazard, detail: str = "", *, subject_id: int | None = None
) -> None:
    """Record that the sender did ``act`` on a hazard, and on whom."""
    text = f"YH{hazard.id}" + (f"：{detail}" if detail else "")
    note(ctx, act, text, subject_id=subject_id, branch_id=hazard.branch_id)


def whose(text: str) -> tuple[str, int]:
    """The name and the page (from 1) in "张三 第2页"."""
    page = _PAGE.search(text)
    return (text[: page.start()] if page else text).strip(), max(int(page[1]), 1) if page else 1


def page(ctx: Context, text: str) -> Reply:
    """Ten acts of and on somebody, or of all, newest first. The sender must have the right to read them."""
    name, number = whose(text)
    acts, more = audit.search(ctx.session, ctx.actor, name, number)
    of = f"{name[:12]}的" if name else ""
    if not acts:
        return Reply(f"没有{'更多' if number > 1 else ''}{of}操作记录。请核对姓名，例如：操作记录 张三")
    following = f"操作记录 {name} 第{number + 1}页".replace("  ", " ")
    tail = "回复 1 看更早的。" if more else ""
    lines = [f"{of}操作记录 第{number}页", *(_line(ctx, act) for act in acts)]
    lines.append(f"{tail}要文件请发：导出操作记录{' ' + name if name else ''}")
    return Reply("\n".join(lines), choices=(following,) if more else ())


def _line(ctx: Context, act: Act) -> str:
    entry = act.entry
    whom = f" {act.subject}" if act.subject and act.subject != act.actor else ""
    detail = f"：{entry.detail[:40]}" if entry.detail else ""
    channel = CHANNELS.get(entry.channel, entry.channel)
    return f"{local(entry.at, ctx.now):%m-%d %H:%M} {act.actor} {entry.act}{whom}{detail}（{channel}）"
