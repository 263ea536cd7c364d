"""通知：发通知、定时通知、撤回和更正通知。"""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.choices import NO, YES, names_text
from bot.models.notice import Notice
from bot.services import notice as notices
from bot.services import notice_line, recall, recipients
from bot.services.notice import Reach
from bot.services.notice_line import Draft
from bot.services.permission import Action
from bot.times import moment

router = Router()

CHOICES = ("确认", "修改", "取消")
CHANGES = (
    "可以发：\n对象 第一党小组\n内容 新的内容\n需回执 / 不要回执\n定时 明天8点 / 马上发\n加急 原因 / 不加急"
)
_NUMBER = re.compile(r"[#＃]?\s*(\d{1,9})\s*(?:号|条)?(?=$|[\s:：,，])")
_TO = re.compile(r"(?:对象|发给|范围)(?:改为|改成|改到|是)?[\s:：]*(?P<to>\S+)")
_TEXT = re.compile(r"(?:内容|正文)(?:改为|改成|是)?[\s:：]*(?P<text>.+)", re.S)
_URGENT = re.compile(r"(?:加急|紧急)[\s:：]*(?P<reason>.+)", re.S)
_AT = re.compile(r"(?:定时|时间)(?:发送|发)?(?:改为|改成|改到|到|在|是)?[\s:：]*(?P<at>.+)")


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
    text = nlu.as_written(ctx.message.text, said)
    return _preview(ctx, notice_line.read(ctx.session, ctx.actor, text, now=ctx.now))


def _preview(ctx: Context, draft: Draft, head: str = "通知预览，还没有发出") -> Ask:
    found = recipients.find(ctx.session, ctx.actor, draft.to, on=ctx.now.date())
    # Who acts for another branch reads which; whoever names one knows it.
    acted_for = found.node.id == ctx.actor.branch_id != ctx.member.branch_id
    elsewhere = f"（{found.node.name}）" if acted_for else ""
    reach = notices.reach(ctx.session, found.members, now=ctx.now)
    _, article = notices.attached(draft.text)
    lines = [
        head,
        f"对象：{draft.to}{elsewhere}，{_reach_text(reach)}",
        f"内容：{draft.text}",
        *_doubt(draft),
        *([f"{article.title}（显示成可以点开的链接）"] if article else []),
        f"回执：{'需要' if draft.receipt else '不要'}；加急：{draft.urgent or '否'}",
        *_when(ctx, draft),
        "回复 1 确认 2 修改 3 取消",
    ]
    return Ask("\n".join(lines), step=decide, data=asdict(draft), title="通知还没有发出", choices=CHOICES)


def _doubt(draft: Draft) -> list[str]:
    """A line where the first words look like an audience that does not exist: they are read out to everybody then."""
    words = notice_line.not_somebody(draft)
    return [f"注意：没有“{words}”这个对象，会发给全体。要改请写：对象 班组名或姓名"] if words else []


def _when(ctx: Context, draft: Draft) -> list[str]:
    """What is to be said of the time: nothing for a notice that goes out at once."""
    out = notices.goes_out(ctx.session, ctx.actor.branch_id, draft, now=ctx.now)
    if out is None:
        return []
    if draft.sends_at == out:
        return [f"定时：{moment(out, ctx.now)} 发出"]
    which = f"{moment(draft.sends_at, ctx.now)}" if draft.sends_at else "现在"
    return [f"{which}是免打扰时间，将在 {moment(out, ctx.now)} 发出"]


def _reach_text(reach: Reach) -> str:
    parts = [f"{reach.count} 人，{reach.now} 人可推送"]
    if reach.later:
        parts.append(f"{len(reach.later)} 人要等本人发消息时才看到：{names_text(reach.later)}")
    if reach.unreachable:
        parts.append(f"{len(reach.unreachable)} 人联系不上：{names_text(reach.unreachable)}")
    return "；".join(parts)


@router.step(words=CHOICES)
def decide(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    draft = Draft(**data)
    if text == "确认":
        return _send(ctx, notice_line.checked(draft, ctx.now))
    if text == "取消":
        return "通知已取消，没有发给任何人。回复 通知 可以重新写。"
    if text == "修改":
        return Ask(f"要改什么？{CHANGES}", step=decide, data=data, title="通知还没有发出", choices=CHOICES)
    changed = _changed(ctx, draft, nlu.as_written(ctx.message.text, text))
    if changed is None:
        return _preview(ctx, draft, f"没看懂要改什么，{CHANGES}\n——\n通知预览，还没有发出")
    return _preview(ctx, notice_line.checked(changed, ctx.now), "已修改，还没有发出")


def _changed(ctx: Context, draft: Draft, said: str) -> Draft | None:
    """The draft with one thing changed; None when it is none of those that can be."""
    bare = nlu.bare(nlu.clean(said))
    if bare in ("不要回执", "不需回执", "不需要回执", "无需回执"):
        return replace(draft, receipt=False)
    if bare in ("需回执", "需要回执", "要回执"):
        return replace(draft, receipt=True)
    if bare in ("不加急", "取消加急"):
        return replace(draft, urgent="")
    if bare in ("马上发", "立即发", "现在发", "不定时", "取消定时"):
        return replace(draft, at="")
    if found := _TO.fullmatch(said):
        return replace(draft, to=found[1])
    if found := _TEXT.fullmatch(said):
        return replace(draft, text=found[1].strip())
    if found := _URGENT.fullmatch(said):
        return replace(draft, urgent=found[1].strip())
    found = _AT.fullmatch(nlu.clean(said))
    return notice_line.set_for(draft, found["at"] if found else nlu.clean(said), ctx.now)


def _send(ctx: Context, draft: Draft) -> Reply:
    done = notices.publish(ctx.session, ctx.actor, draft, now=ctx.now, channel=ctx.message.channel)
    number = done.notice.id
    start = f"将在 {moment(done.goes_out, ctx.now)} 发给" if done.goes_out else "正在发送，将发给"
    asks = "可发：通知情况、谁没收到" if draft.receipt else "可发：通知情况"
    wrong = f"发错了可发 撤回通知 #{number}"
    if done.goes_out:
        asks, wrong = f"可发：定时通知 看全部，撤回通知 #{number} 就不发了", "5 分钟内可发 撤销"
    text = f"通知 #{number} {start} {_reach_text(done.reach)}。\n{asks}；{wrong}。"
    return Reply(text, undo=Undo(take_back, {"number": number}))


@router.undo
def take_back(ctx: Context, number: int) -> str:
    gone, left = notices.withdraw(ctx.session, ctx.member, number, now=ctx.now, channel=ctx.message.channel)
    if not left:
        return f"通知 #{number} 已撤销，{gone} 人都不会收到。"
    return f"通知 #{number} 已撤回 {gone} 人，还有 {left} 人已经发出。可发 撤回通知 #{number} 或 更正通知 #{number} 新的内容。"


# Set for later ----------------------------------------------------------------------------------------------------------


@router.command(
    "定时通知",
    "定时发送",
    "定时发通知",
    takes="时间和内容",
    optional=True,
    needs=Action.PUBLISH,
    examples=("定时通知", "定时通知 明天8点 全体 下午开会"),
)
def set_for_later(ctx: Context, said: str = "") -> Reply:
    """With a time and a text: the preview of a notice for that time; alone: what is set for later."""
    if not said:
        return _list(ctx)
    at, rest = notice_line.moment_in_front(nlu.as_written(ctx.message.text, said), ctx.now)
    draft = notice_line.read(ctx.session, ctx.actor, rest, now=ctx.now)
    if at is None and not draft.at:
        return _preview(ctx, draft, "没看懂定时的时间，可以回复：定时 明天8点\n——\n通知预览，还没有发出")
    draft = draft if at is None else replace(draft, at=at.isoformat())
    return _preview(ctx, notice_line.checked(draft, ctx.now))


def _list(ctx: Context) -> Reply:
    found = notices.set_for_later(ctx.session, ctx.actor, now=ctx.now)
    if not found:
        return Reply("现在没有定时通知。例如：通知 全体 明天下午开会 明天8点发")
    lines = [
        f"{n} {moment(notice.sends_at or notice.created_at, ctx.now)} {notices.short(notice, 14)}，{count} 人"
        for n, (notice, count) in enumerate(found, 1)
    ]
    text = f"还没发的定时通知 {len(found)} 条：\n" + "\n".join(lines) + "\n不发了，回复数字撤回那一条。"
    return Reply(text, choices=tuple(f"撤回通知 #{notice.id}" for notice, _ in found))


# Calling back and correcting --------------------------------------------------------------------------------------------


@router.command(
    "撤回通知",
    takes="通知编号",
    optional=True,
    needs=Action.PUBLISH,
    examples=("撤回通知", "撤回通知 #5"),
)
def call_back(ctx: Context, said: str = "") -> Ask:
    number, _ = _numbered(said)
    notice = recall.wanted(ctx.session, ctx.actor, number, now=ctx.now)
    seen = recall.outlook(ctx.session, notice, now=ctx.now)
    parts = [f"{seen.unsent} 人还没发，不会再发"] if seen.unsent else []
    if seen.recalled:
        parts.append(f"{seen.recalled} 人已收到，从企业微信收回（在微信里看的收不回）")
    if seen.kept:
        parts.append(f"{len(seen.kept)} 人收不回：{names_text(seen.kept)}")
    text = f"要撤回通知 {notices.short(notice)} 吗？\n" + "\n".join(parts) + "\n1 确认 2 返回"
    return Ask(
        text, step=call_it_back, data={"number": notice.id}, choices=("确认", "返回"), title="撤回通知"
    )


@router.step(words=(*YES, *NO))
def call_it_back(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to "really?"; anything but yes leaves the notice as it is."""
    number = data["number"]
    if nlu.bare(text) not in YES:
        return f"好的，通知 #{number} 没有撤回。"
    notice = recall.wanted(ctx.session, ctx.actor, number, now=ctx.now)
    seen = recall.begin(ctx.session, ctx.actor, notice, now=ctx.now, channel=ctx.message.channel)
    if not seen.recalled and not seen.kept:
        return f"通知 #{number} 已撤回，{seen.unsent} 人都不会收到。"
    parts = [f"通知 #{number} 已撤回。"]
    if seen.unsent:
        parts.append(f"{seen.unsent} 人不会收到。")
    if seen.recalled:
        parts.append(f"正在从 {seen.recalled} 人的企业微信收回，发 通知情况 #{number} 看结果。")
    if seen.kept:
        parts.append(f"{len(seen.kept)} 人收不回：{names_text(seen.kept)}。")
    text = "".join(parts) + "\n已看到的人可以发一条更正：回复 1。"
    return Reply(text, choices=(f"更正通知 #{number}",))


@router.command(
    "更正通知",
    "通知更正",
    takes="通知编号和新的内容",
    needs=Action.PUBLISH,
    examples=("更正通知 #5 停电改到后天", "更正通知 #5"),
)
def correct(ctx: Context, said: str) -> Answer:
    """A new notice to those who have the old one, and to nobody else."""
    number, text = _numbered(nlu.as_written(ctx.message.text, said))
    notice = notices.find(ctx.session, ctx.actor, number)
    if not text:
        ask = f"请发送更正内容，只发给收到通知 {notices.short(notice)} 的人。"
        return Ask(ask, step=correct_to, data={"number": notice.id}, title="更正通知")
    return _correction(ctx, notice, text)


@router.step()
def correct_to(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    notice = notices.find(ctx.session, ctx.actor, data["number"])
    return _correction(ctx, notice, nlu.as_written(ctx.message.text, text))


def _correction(ctx: Context, notice: Notice, text: str) -> Ask:
    written = text if text.startswith("更正") else f"更正：{text}"
    draft = Draft(recipients.who_got(notice.id), written, receipt=notice.needs_receipt)
    return _preview(ctx, notice_line.checked(draft, ctx.now))


def _numbered(said: str) -> tuple[int | None, str]:
    """The notice's number in front, and what follows it."""
    found = _NUMBER.match(said.strip())
    return (int(found[1]), said.strip()[found.end() :].strip(" ：:，,")) if found else (None, said.strip())
