"""积分：查看积分和明细，按规则加分，更正记错的积分。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from bot import choices, journal
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.models.points import PointEntry
from bot.services import claim as claims
from bot.services import member as people
from bot.services import outbox, point_account, point_reason, point_rule, point_setting, point_story, points
from bot.services.permission import Action
from bot.services.point_account import Line
from bot.services.points import Award
from bot.times import local
from content.points import Rule

router = Router()

CELLS = 5
_GIVE = re.compile(
    r"(?P<name>[^\d\s+\-(]+(?:\s*\([^)]*\))?)\s*(?P<points>[+-]?\d{1,4})\s*分?[\s,，:：。]*(?P<reason>.*)",
    re.DOTALL,
)
_NUMBER = re.compile(r"(?:第|#)?\s*(?P<number>\d{1,10})\s*(?:条|号)?[\s,，:：。]*(?P<reason>.*)", re.DOTALL)


class NotUnderstood(Refusal):
    text = "没看懂。请写姓名、分数和事由，例如：加分 李四 3 抢修现场带队"


class ReasonMissing(Refusal):
    text = "请写明事由，例如：加分 {name} {points} 抢修现场带队"


class NotPositive(Refusal):
    text = "加分要大于 0。要扣回记错的分请发：更正 编号 理由"


class NoMorePages(Refusal):
    text = "没有下一页了。发 积分明细 从头看。"


# What a member sees -----------------------------------------------------------------------------------------------------


@router.command(
    "积分",
    "我的积分",
    "我有多少分",
    "查积分",
    "积分查询",
    examples=("积分", "我有多少分"),
    about=("积分 分数 多少分 几分",),
)
def show(ctx: Context) -> str:
    now, member = ctx.now, ctx.member
    standing = point_account.standing(ctx.session, member.id, now)
    rows = point_account.last_entries(ctx.session, member.id)
    year, quarter = standing.period.split("Q")
    head = f"{member.name}，{year}年第{quarter}季度共 {standing.total} 分，全年 {standing.year} 分"
    bars = [f"{bar(have, cap)} {min(have, cap)}/{cap} {name}" for name, have, cap in standing.dimensions]
    last = [f"#{row.id} {row.points:+d} {points.short(row.reason, 16)}" for row in rows]
    listed = ["最近：", *last] if last else ["还没有积分记录。"]
    return "\n".join([head, *bars, *listed, "可发：积分明细；积分图；申报 事迹；申诉 编号 理由"])


def bar(have: int, cap: int) -> str:
    """A dimension against its cap in five cells; a beginning shows."""
    filled = min(CELLS, -(-have * CELLS // cap)) if have > 0 else 0
    return "■" * filled + "□" * (CELLS - filled)


@router.command(
    "积分明细",
    "为什么扣分",
    "积分记录",
    takes="页码",
    optional=True,
    examples=("积分明细", "为什么扣分"),
    about=("扣分 被扣 少分 减分", "为什么 怎么 为何 凭什么"),
)
def details(ctx: Context, text: str = "") -> Reply:
    found = re.search(r"\d{1,4}", text)
    number = max(int(found[0]), 1) if found else 1
    lines, more = point_account.page(ctx.session, ctx.member.id, number)
    if not lines:
        if number > 1:
            raise NoMorePages
        return Reply("还没有积分记录。参加活动、学习、答题都会记分；做了实事可发：申报 事迹")
    rows = [_line(ctx, line) for line in lines]
    last = "回复 下一页 看更早的；" if more else ""
    foot = f"{last}有异议请发：申诉 编号 理由"
    following = (f"积分明细 第{number + 1}页",) if more else ()
    return Reply("\n".join([_head(ctx, number), *rows, foot]), choices=following)


def _head(ctx: Context, number: int) -> str:
    if number > 1:
        return f"积分明细 第{number}页"
    shown = point_setting.read(ctx.session, ctx.member.branch_id).median
    median = point_account.branch_median(ctx.session, ctx.member.branch_id, ctx.now) if shown else None
    return "积分明细" if median is None else f"积分明细（本季支部中位数 {median:g} 分）"


def _line(ctx: Context, line: Line) -> str:
    entry, rule = line.entry, point_rule.of_entry(ctx.session, line.entry)
    name = rule.name if rule else entry.dimension
    back = f"，更正#{entry.reverses_id}" if entry.reverses_id else ""
    return f"#{entry.id} {entry.points:+d} {name}：{points.short(line.reason, 20)}（{line.giver or '自动'}，{local(entry.at, ctx.now):%m-%d}{back}）"


@router.command(
    "积分依据",
    "积分说明",
    takes="编号",
    examples=("积分依据 128",),
    about=("积分 加分 记分", "依据 规则 哪条"),
)
def explain(ctx: Context, text: str) -> str:
    found = re.search(r"\d{1,10}", text)
    if found is None:
        raise Refusal("请写积分编号，例如：积分依据 128。发 积分明细 可以看到编号。")
    story = point_story.one(ctx.session, ctx.member.id, int(found[0]), ctx.now)
    return story.line.replace("；", "\n") + f"\n有异议请发：申诉 {found[0]} 理由"


@router.command("下一页")
def next_page(ctx: Context) -> Answer:
    """The next page of whatever list was shown last."""
    following = next((word for word in ctx.talk.row.choices if re.search(r" 第\d+页$", word)), None)
    if following is None:
        raise NoMorePages
    word, _, said = following.partition(" ")
    return choices.run(ctx, word, said)


# Giving -----------------------------------------------------------------------------------------------------------------


@router.command(
    "加分", takes="姓名、分数和事由", examples=("加分 李四 3 抢修现场带队",), needs=Action.GIVE_POINTS
)
def give(ctx: Context, text: str) -> Answer:
    found = _GIVE.fullmatch(text.strip())
    if found is None:
        raise NotUnderstood
    name, amount, reason = found["name"].strip(), int(found["points"]), found["reason"].strip()
    if amount <= 0:
        raise NotPositive
    if len(reason) < 2:
        raise ReasonMissing(name=name, points=amount)
    claims.require_past(reason, "加分", ctx.now)
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.GIVE_POINTS, name)
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("加分", f"{amount} {reason}"))
    return _by_rule(ctx, member, amount, reason)


def _by_rule(ctx: Context, member: Member, amount: int, reason: str) -> Answer:
    if member.id == ctx.member.id:
        raise points.Oneself
    fitting = point_rule.fitting(point_rule.given_in(ctx.session, member.branch_id, ctx.now.date()), reason)
    if len(fitting) == 1:
        return _give(ctx, member, fitting[0], amount, reason)
    rules = point_rule.given_by(ctx.session, ctx.actor, member.branch_id, ctx.now.date())
    if not rules:
        raise point_rule.NothingToGiveBy
    data = {"member": member.id, "points": amount, "reason": reason}
    return _ask_rule(rules, f"给{member.name}加 {amount} 分，按哪条规则？", data)


def _ask_rule(rules: Sequence[Rule], head: str, data: dict[str, Any]) -> Ask:
    text = f"{head}\n{point_rule.rule_lines(rules)}\n回复数字；不加了回复 退出。"
    return Ask(text, step=choose_rule, data=data, title="加分", choices=tuple(rule.name for rule in rules))


@router.step()
def choose_rule(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    member = ctx.session.get_one(Member, data["member"])
    rules = point_rule.given_by(ctx.session, ctx.actor, member.branch_id, ctx.now.date())
    chosen = [rule for rule in rules if text in rule.name]
    if len(text) < 2 or len(chosen) != 1:
        return _ask_rule(rules, f"请回复 1–{len(rules)} 中的一个数字：", data)
    ctx.actor.on_branch(ctx.session, Action.GIVE_POINTS, member.branch_id)
    return _give(ctx, member, chosen[0], data["points"], data["reason"])


def _give(ctx: Context, member: Member, rule: Rule, amount: int, reason: str) -> Reply:
    point_rule.require_giver(ctx.session, ctx.actor, rule, member.branch_id)
    giver, fact = ctx.member, f"given {ctx.message.channel} {ctx.message.id}"
    done = points.give(ctx.session, giver.id, member, rule, amount, fact=fact, reason=reason, now=ctx.now)
    journal.keep_of(ctx, "加分", member, f"#{done.entry_id} {rule.name} +{done.points}：{reason}")
    told = f"{giver.name}给您记 +{done.points} 分（{rule.dimension}）：{reason}。本季共 {done.total} 分。有异议可发：申诉 {done.entry_id} 理由"
    outbox.push(ctx.session, [member.id], told, key=f"points {done.entry_id}", now=ctx.now)
    return Reply(_given_text(member, done, reason), undo=Undo(take_back, {"entry": done.entry_id}))


def _given_text(member: Member, done: Award, reason: str) -> str:
    return (
        f"已给{member.name} +{done.points} 分（{done.rule.dimension}·{done.rule.name}）：{reason}。\n"
        f"编号 #{done.entry_id}，{member.name}本季共 {done.total} 分，会通知本人。\n5分钟内可回复 撤销；以后可发：更正 {done.entry_id} 理由"
    )


@router.undo
def take_back(ctx: Context, entry: int) -> str:
    row, member = points.correctable(ctx.session, ctx.actor, entry)
    return _reverse(ctx, row, member, "加分人撤销")


# Correcting -------------------------------------------------------------------------------------------------------------


@router.command("更正", takes="编号和理由", examples=("更正 128 重复登记",), needs=Action.GIVE_POINTS)
def correct(ctx: Context, text: str) -> Answer:
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        raise Refusal("请写积分编号和理由，例如：更正 128 重复登记")
    row, member = points.correctable(ctx.session, ctx.actor, int(found["number"]))
    reason = found["reason"].strip()
    if len(reason) < 2:
        [was] = point_reason.shown(ctx.session, member.id, [row.reason])
        ask = f"#{row.id} {member.name} {row.points:+d} 分：{was}\n要取消这一条，请写一句理由（本人会看到）；不更正回复 退出。"
        return Ask(ask, step=correction_reason, data={"entry": row.id}, title=f"更正 #{row.id}")
    return _corrected(ctx, row, member, reason)


@router.step()
def correction_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    row, member = points.correctable(ctx.session, ctx.actor, data["entry"])
    if len(text) < 2:
        return Ask("请写一句理由，例如：重复登记", step=correction_reason, data=data, title=f"更正 #{row.id}")
    return _corrected(ctx, row, member, text)


def _corrected(ctx: Context, row: PointEntry, member: Member, reason: str) -> Reply:
    text = _reverse(ctx, row, member, reason)
    return Reply(f"{text}\n5分钟内可回复 撤销。", undo=Undo(restore, {"entry": row.id}))


def _reverse(ctx: Context, row: PointEntry, member: Member, reason: str) -> str:
    reversal = points.reverse(ctx.session, row, reason=reason, giver_id=ctx.member.id, now=ctx.now)
    total = points.total(ctx.session, member.id, row.period)
    journal.keep_of(ctx, "更正积分", member, f"#{row.id} {row.points:+d} → #{reversal.id}：{reason}")
    told = f"{ctx.member.name}更正了您的第 {row.id} 条积分（{reversal.points:+d} 分）：{reason}。该季共 {total} 分。有异议可发：申诉 {reversal.id} 理由"
    outbox.push(
        ctx.session, [member.id], told, key=f"points {reversal.id}", now=ctx.now, urgency=Urgency.ANSWER
    )
    return f"已更正 #{row.id}：{member.name} {reversal.points:+d} 分（更正编号 #{reversal.id}），该季共 {total} 分，会通知本人。理由：{reason}"


@router.undo
def restore(ctx: Context, entry: int) -> str:
    row, member = points.correctable(ctx.session, ctx.actor, entry)
    if points.live(ctx.session, row) != (row, False):
        raise points.AlreadyReversed(number=row.id)
    _, new = points.correct(
        ctx.session,
        row,
        row.points,
        reason=f"撤销更正：{row.reason}"[:255],
        giver_id=ctx.member.id,
        now=ctx.now,
    )
    assert new is not None, "an entry has points"
    total = points.total(ctx.session, member.id, row.period)
    journal.keep_of(ctx, "撤销更正", member, f"#{row.id} → #{new.id}")
    told = f"{ctx.member.name}撤销了对第 {row.id} 条积分的更正，已重记 {new.points:+d} 分（#{new.id}），该季共 {total} 分。"
    outbox.push(ctx.session, [member.id], told, key=f"points {new.id}", now=ctx.now, urgency=Urgency.ANSWER)
    return f"已撤销更正：{member.name} 重记 {new.points:+d} 分（#{new.id}），该季共 {total} 分。发 菜单 看其他功能。"
