"""通知回执：收到、谁没收到、催回执、通知情况、电话名单。"""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.chat import Answer, Context, Reply, Router, Waiting
from bot.choices import names_text
from bot.models.notice import Notice
from bot.services import notice as notices
from bot.services import recall, receipt
from bot.services.permission import Action
from bot.times import clock, moment

router = Router()

MOST_CALLS = 15
_NUMBER = re.compile(r"[#＃]?\s*(\d+)\s*(?:号|条)?")
_PAGE = re.compile(r"第\s*(\d+)\s*页")


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
    return Reply(f"已确认 {clock(done.at, ctx.now)}：{notices.short(done.notice)}。{more}", button="已确认")


def _which(ctx: Context, waiting: list[Notice]) -> Reply:
    shown = waiting[:5]
    lines = [
        f"{n} {notices.short(notice)}（{moment(notice.created_at, ctx.now)}）"
        for n, notice in enumerate(shown, 1)
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
    return f"好的，知道您看到了：{notices.short(notice)}。这条不用回执。"


@router.waiting(receipt.IS_TO_CONFIRM)
def waiting(ctx: Context) -> Iterator[Waiting]:
    for notice in receipt.to_confirm(ctx.session, ctx.member, now=ctx.now)[:1]:
        yield Waiting(f"notice {notice.id}", f"通知 {notices.short(notice)} 等您确认，回复 收到")


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
    notice = notices.underway(ctx.session, ctx.actor, _number(said), now=ctx.now, receipts_only=True)
    missing = receipt.unconfirmed(ctx.session, ctx.actor, notice)
    confirmed, count = receipt.confirmed_of(ctx.session, notice)
    head = f"通知 {notices.short(notice)}：已确认 {confirmed}/{count}"
    if not missing:
        return Reply(f"{head}，没有缺的。发 通知情况 看送达。")
    groups: dict[str, list[str]] = {}
    for group, member in missing:
        groups.setdefault(group, []).append(member.name)
    lines = [f"{group} {len(names)} 人：{names_text(names)}" for group, names in groups.items()]
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
    return f"通知 #{notice.id}：将提醒还没确认的 {len(names)} 人：{names_text(names)}。发 谁没收到 看进展。"


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
    lines = [f"通知 {notices.short(notice)}（{moment(notice.sends_at or notice.created_at, ctx.now)}）"]
    lines += _withdrawn(ctx, notice) if notice.withdrawn_at else _course(ctx, notice)
    others = [one for one in notices.recent(ctx.session, ctx.actor) if one.id != notice.id][:3]
    lines += [f"{n} 看 {notices.short(one, 12)}" for n, one in enumerate(others, 1)]
    return Reply("\n".join(lines), choices=tuple(f"通知情况 #{one.id}" for one in others))


def _course(ctx: Context, notice: Notice) -> Iterator[str]:
    if notice.sends_at is not None and notice.sends_at > ctx.now:
        yield f"定时通知，还没有发出。不发了请发 撤回通知 #{notice.id}"
        return
    report = receipt.report(ctx.session, notice)
    yield f"共 {report.count} 人：已送达 {report.delivered}，等待中 {report.waiting}，未送达 {len(report.missed)}"
    if notice.needs_receipt:
        yield f"已确认 {report.confirmed}/{report.count}。发 谁没收到 看名单"
    if report.waiting:
        yield "等待中的，在免打扰、暂停提醒结束后发；当天条数用完的，18:10 汇总发"
    yield from _missed(report.missed)
    if report.missed and ctx.actor.may(Action.MANAGE_PEOPLE):
        yield f"要打电话通知，发 电话名单 #{notice.id}"


def _withdrawn(ctx: Context, notice: Notice) -> Iterator[str]:
    assert notice.withdrawn_at is not None
    gone, going = recall.progress(ctx.session, notice)
    report = receipt.report(ctx.session, notice)
    yield f"已在 {moment(notice.withdrawn_at, ctx.now)} 撤回：收回 {gone} 人，正在收回 {going} 人，收不回 {report.delivered} 人"
    if report.delivered:
        yield f"要告诉已看到的人，发 更正通知 #{notice.id} 新的内容"


def _missed(missed: tuple[tuple[str, str], ...]) -> list[str]:
    """Names together under each reason, so that the list stays short."""
    reasons: dict[str, list[str]] = {}
    for name, why in missed:
        reasons.setdefault(why, []).append(name)
    return [f"{names_text(names)}：{why}" for why, names in reasons.items()][:5]


@router.command(
    "电话名单",
    "联系电话",
    "打电话名单",
    takes="通知编号",
    optional=True,
    needs=Action.MANAGE_PEOPLE,
    examples=("电话名单", "电话名单 #5"),
)
def whom_to_call(ctx: Context, said: str = "") -> Reply:
    """Numbers are shown once and kept nowhere; that somebody looked is kept in the audit log."""
    found = _PAGE.search(said)
    page = max(int(found[1]), 1) if found else 1
    notice = notices.underway(ctx.session, ctx.actor, _number(_PAGE.sub("", said)), now=ctx.now)
    secret = ctx.settings.secret_key.get_secret_value()
    people = receipt.calls(
        ctx.session, ctx.actor, notice, secret=secret, now=ctx.now, channel=ctx.message.channel
    )
    shown = people[(page - 1) * MOST_CALLS : page * MOST_CALLS]
    lines = [f"通知 {notices.short(notice)}，要打电话的 {len(people)} 人："]
    lines += [f"{one.name} {one.number or '没有登记手机'}（{one.why}）" for one in shown]
    if len(people) > page * MOST_CALLS:
        lines.append(f"还有 {len(people) - page * MOST_CALLS} 人，发 电话名单 #{notice.id} 第{page + 1}页")
    return Reply("\n".join([*lines, "查看已记入操作记录，号码请不要转发。"]), once=True)


def _number(said: str) -> int | None:
    found = _NUMBER.search(said)
    return int(found[1]) if found else None
