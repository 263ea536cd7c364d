"""通知：发通知、回执、谁没收到、通知情况，以及没送到的消息。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo, Waiting
from bot.models.notice import Notice
from bot.services import notice as notices
from bot.services import outbox, receipt
from bot.services.notice import Draft, Reach
from bot.services.permission import Action
from bot.times import clock, moment

router = Router()

CHOICES = ("确认", "修改", "取消")
CHANGES = "可以发：\n对象 第一党小组\n内容 新的内容\n需回执 / 不要回执\n加急 原因 / 不加急"
MOST_NAMES = 20
_EDGES = " ：:，,。、"
_NUMBER = re.compile(r"[#＃]?\s*(\d+)\s*(?:号|条)?")
_TO = re.compile(r"(?:对象|发给|范围)(?:改为|改成|改到|是)?[\s:：]*(?P<to>\S+)")
_TEXT = re.compile(r"(?:内容|正文)(?:改为|改成|是)?[\s:：]*(?P<text>.+)", re.S)
_URGENT = re.compile(r"(?:加急|紧急)[\s:：]*(?P<reason>.+)", re.S)


# Writing and sending ----------------------------------------------------------------------------------------------------


@router.command(
    "通知",
    "发通知",
    "发布通知",
    takes="通知内容",
    needs=Action.PUBLISH,
    examples=(
        "通知 全体 明天停电检修，请提前保存资料 需回执",
        "通知 张伟、古丽 下午到会议室",
        "通知 第一党小组 周三学习 加急 时间有变",
    ),
)
def write(ctx: Context, said: str) -> Ask:
    draft = notices.write(ctx.session, ctx.member.branch_id, _as_written(ctx, said))
    return _preview(ctx, draft)


def _as_written(ctx: Context, said: str) -> str:
    """What was said with its own punctuation and line breaks, which understanding it has folded or cut off at the ends."""
    raw = ctx.message.text.strip()
    for more in range(4):
        tail = raw[max(len(raw) - len(said) - more, 0) :]
        if nlu.clean(tail).strip(_EDGES) == said.strip(_EDGES):
            return tail.strip()
    return said


def _preview(ctx: Context, draft: Draft, head: str = "通知预览，还没有发出") -> Ask:
    members = notices.audience(ctx.session, ctx.member.branch_id, draft.to)
    reach = notices.reach(ctx.session, members, now=ctx.now)
    until = notices.waits_until(ctx.session, ctx.member.branch_id, draft, now=ctx.now)
    lines = [
        head,
        f"对象：{draft.to}，{_reach_text(reach)}",
        f"内容：{draft.text}",
        f"回执：{'需要' if draft.receipt else '不要'}；加急：{draft.urgent or '否'}",
    ]
    if until is not None:
        lines.append(f"现在是免打扰时间，将在 {moment(until, ctx.now)} 发出")
    lines.append("回复 1 确认 2 修改 3 取消")
    text = "\n".join(lines)
    return Ask(text, step=decide, data=asdict(draft), title="通知还没有发出", choices=CHOICES)


def _reach_text(reach: Reach) -> str:
    parts = [f"{reach.count} 人，{reach.now} 人可推送"]
    if reach.later:
        parts.append(f"{len(reach.later)} 人要等本人发消息时才看到：{_names(reach.later)}")
    if reach.unreachable:
        parts.append(f"{len(reach.unreachable)} 人联系不上：{_names(reach.unreachable)}")
    return "；".join(parts)


def _names(names: tuple[str, ...] | list[str]) -> str:
    shown = "、".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} 等{len(names)}人"


@router.step(words=CHOICES)
def decide(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    draft = Draft(**data)
    if text == "确认":
        return _send(ctx, draft)
    if text == "取消":
        return "通知已取消，没有发给任何人。回复 通知 可以重新写。"
    if text == "修改":
        return Ask(f"要改什么？{CHANGES}", step=decide, data=data, title="通知还没有发出", choices=CHOICES)
    changed = _changed(draft, _as_written(ctx, text))
    if changed is None:
        return _preview(ctx, draft, f"没看懂要改什么，{CHANGES}\n——\n通知预览，还没有发出")
    return _preview(ctx, notices.checked(changed), "已修改，还没有发出")


def _changed(draft: Draft, said: str) -> Draft | None:
    """The draft with one thing changed; None when it is none of those that can be."""
    bare = nlu.bare(nlu.clean(said))
    if bare in ("不要回执", "不需回执", "不需要回执", "无需回执"):
        return replace(draft, receipt=False)
    if bare in ("需回执", "需要回执", "要回执"):
        return replace(draft, receipt=True)
    if bare in ("不加急", "取消加急"):
        return replace(draft, urgent="")
    if found := _TO.fullmatch(said):
        return replace(draft, to=found[1])
    if found := _TEXT.fullmatch(said):
        return replace(draft, text=found[1].strip())
    found = _URGENT.fullmatch(said)
    return replace(draft, urgent=found[1].strip()) if found else None


def _send(ctx: Context, draft: Draft) -> Reply:
    done = notices.publish(ctx.session, ctx.member, draft, now=ctx.now, channel=ctx.message.channel)
    start = f"将在 {moment(done.waits_until, ctx.now)} 发给" if done.waits_until else "正在发送，将发给"
    asks = "可发：通知情况、谁没收到" if draft.receipt else "可发：通知情况"
    text = f"通知 #{done.notice.id} {start} {_reach_text(done.reach)}。\n{asks}；5 分钟内可发 撤销。"
    return Reply(text, undo=Undo(take_back, {"number": done.notice.id}))


@router.undo
def take_back(ctx: Context, number: int) -> str:
    gone, left = notices.withdraw(ctx.session, ctx.member, number, now=ctx.now, channel=ctx.message.channel)
    if not left:
        return f"通知 #{number} 已撤销，{gone} 人都不会收到。"
    return f"通知 #{number} 已撤回 {gone} 人，还有 {left} 人已经发出，来不及撤回。可发 通知 更正……"


# Confirming -------------------------------------------------------------------------------------------------------------


@router.command(
    "收到",
    "已收到",
    "收到通知",
    "确认收到",
    "回执",
    takes="编号",
    optional=True,
    examples=("收到", "收到 #5"),
)
def confirm(ctx: Context, said: str = "") -> Answer:
    found = _NUMBER.match(said)
    if found:
        return _confirm(ctx, int(found[1]))
    waiting = receipt.to_confirm(ctx.session, ctx.member, now=ctx.now)
    if not waiting:
        return _nothing_to_confirm(ctx)
    if said.startswith("全部"):
        for notice in waiting:
            receipt.confirm(ctx.session, ctx.member, notice.id, now=ctx.now)
        return f"已确认 {len(waiting)} 条通知。谢谢！"
    return _confirm(ctx, waiting[0].id) if len(waiting) == 1 else _which(ctx, waiting)


def _confirm(ctx: Context, number: int) -> Reply:
    done = receipt.confirm(ctx.session, ctx.member, number, now=ctx.now)
    if done.again:
        return Reply(f"您已在 {moment(done.at, ctx.now)} 确认过通知 #{number}。", button="已确认")
    left = len(receipt.to_confirm(ctx.session, ctx.member, now=ctx.now))
    more = f"还有 {left} 条等您确认，回复 收到。" if left else "没有其他要确认的了。"
    return Reply(f"已确认 {clock(done.at, ctx.now)}：{_short(done.notice)}。{more}", button="已确认")


def _which(ctx: Context, waiting: list[Notice]) -> Reply:
    shown = waiting[:5]
    lines = [
        f"{n} {_short(notice)}（{moment(notice.created_at, ctx.now)}）" for n, notice in enumerate(shown, 1)
    ]
    lines.append(f"{len(shown) + 1} 全部确认")
    words = (*(f"收到 #{notice.id}" for notice in shown), "收到 全部")
    return Reply(
        f"有 {len(waiting)} 条通知等您确认：\n" + "\n".join(lines) + "\n回复数字即可。", choices=words
    )


def _nothing_to_confirm(ctx: Context) -> str:
    notice = receipt.latest_without_receipt(ctx.session, ctx.member, now=ctx.now)
    if notice is None:
        return "好的。现在没有要您确认的通知。回复 菜单 看看能做什么。"
    return f"好的，知道您看到了：{_short(notice)}。这条不用回执。"


def _short(notice: Notice, most: int = 18) -> str:
    line = notice.text.replace("\n", " ")
    return f"#{notice.id}“{line if len(line) <= most else line[:most] + '…'}”"


# Looking after it -------------------------------------------------------------------------------------------------------


@router.command(
    "谁没收到",
    "谁没回执",
    "谁没确认",
    "没收到的人",
    takes="通知编号",
    optional=True,
    needs=Action.SEE_GROUP,
    examples=("谁没收到", "谁没收到 #5"),
    about=("谁 哪些人", "没收到 没回执 没确认"),
)
def who_is_missing(ctx: Context, said: str = "") -> Reply:
    notice = notices.find(ctx.session, ctx.actor, _number(said), receipts_only=True)
    missing = receipt.unconfirmed(ctx.session, ctx.actor, notice)
    confirmed, count = receipt.confirmed_of(ctx.session, notice)
    head = f"通知 {_short(notice)}：已确认 {confirmed}/{count}"
    if not missing:
        return Reply(f"{head}，没有缺的。发 通知情况 看送达。")
    groups: dict[str, list[str]] = {}
    for group, member in missing:
        groups.setdefault(group, []).append(member.name)
    lines = [f"{group} {len(names)} 人：{_names(names)}" for group, names in groups.items()]
    text = f"{head}，还差 {len(missing)} 人\n" + "\n".join(lines[:8]) + "\n回复 1 催回执（只提醒这些人）"
    return Reply(text, choices=(f"催回执 #{notice.id}",))


@router.command(
    "催回执",
    "催收到",
    "催确认",
    takes="通知编号",
    optional=True,
    needs=Action.SEE_GROUP,
    examples=("催回执", "催回执 #5"),
)
def nudge(ctx: Context, said: str = "") -> str:
    notice, names = receipt.nudge(ctx.session, ctx.actor, _number(said), now=ctx.now)
    return f"通知 #{notice.id}：将提醒还没确认的 {len(names)} 人：{_names(names)}。发 谁没收到 看进展。"


@router.command(
    "通知情况",
    "通知进展",
    "送达情况",
    takes="通知编号",
    optional=True,
    needs=Action.SEE_BRANCH,
    examples=("通知情况", "通知情况 #5"),
    about=("通知", "情况 进展 送达 发到"),
)
def how_it_went(ctx: Context, said: str = "") -> Reply:
    notice = notices.find(ctx.session, ctx.actor, _number(said))
    report = receipt.report(ctx.session, notice)
    lines = [
        f"通知 {_short(notice)}（{moment(notice.created_at, ctx.now)}）",
        f"共 {report.count} 人：已送达 {report.delivered}，等待中 {report.waiting}，未送达 {len(report.missed)}",
    ]
    if notice.needs_receipt:
        lines.append(f"已确认 {report.confirmed}/{report.count}。发 谁没收到 看名单")
    if report.waiting:
        lines.append("等待中的，在免打扰、暂停提醒结束后发；当天条数用完的，18:10 汇总发")
    lines += _missed(report.missed)
    others = [one for one in notices.recent(ctx.session, ctx.actor) if one.id != notice.id][:3]
    lines += [f"{n} 看 {_short(one, 12)}" for n, one in enumerate(others, 1)]
    return Reply("\n".join(lines), choices=tuple(f"通知情况 #{one.id}" for one in others))


def _missed(missed: tuple[tuple[str, str], ...]) -> list[str]:
    """Names together under each reason, so that the list stays short."""
    reasons: dict[str, list[str]] = {}
    for name, why in missed:
        reasons.setdefault(why, []).append(name)
    return [f"{_names(names)}：{why}" for why, names in reasons.items()][:5]


def _number(said: str) -> int | None:
    found = _NUMBER.search(said)
    return int(found[1]) if found else None


# What could not be pushed -----------------------------------------------------------------------------------------------


@router.waiting
def waiting(ctx: Context) -> Iterator[Waiting]:
    held = outbox.held_count(ctx.session, ctx.member.id, ctx.now)
    if held:
        yield Waiting("held", f"有 {held} 条没送到的消息，回复 未读")
    for notice in receipt.to_confirm(ctx.session, ctx.member, now=ctx.now)[:1]:
        yield Waiting(f"notice {notice.id}", f"通知 {_short(notice)} 等您确认，回复 收到")


@router.command("未读", "未读消息", "没送到的消息", about=("未读 没看到 漏掉", "消息 通知"))
def unread(ctx: Context) -> str:
    shown = outbox.show_held(ctx.session, ctx.member.id, now=ctx.now)
    if not shown:
        return "没有未读的消息。回复 菜单 看看能做什么。"
    lines = [f"{n} {row.body['text']}" for n, row in enumerate(shown, 1)]
    left = outbox.held_count(ctx.session, ctx.member.id, ctx.now)
    more = f"还有 {left} 条，再回复 未读" if left else "就这些了。有通知要回执的，请回复 收到"
    return "\n".join([*lines, more])
