"""积分结算：按月或按季结算、公示、定稿；本人可查公示结果。"""

from __future__ import annotations

from typing import Any

from bot import journal
from bot.chat import Answer, Ask, Context, Router
from bot.models.organisation import Organisation
from bot.models.settlement import Settlement, SettlementState
from bot.services import point_setting, settlement, settlement_period
from bot.services.permission import Action
from bot.services.point_setting import MONTH, PointSetting
from bot.times import full_moment

router = Router()

CHOICES = ("确认", "取消")


@router.command(
    "结算",
    "积分结算",
    takes="哪一期",
    optional=True,
    examples=("结算", "结算 2026Q3"),
    needs=Action.SETTLE,
)
def begin(ctx: Context, text: str = "") -> Answer:
    branch, today = _branch(ctx), ctx.now.date()
    if text:
        period = settlement_period.named(text, today)
    else:
        period = settlement_period.last_ended(point_setting.read(ctx.session, branch.id).every, today)
    one = settlement.draft(ctx.session, branch, period, by=ctx.member, now=ctx.now)
    return Ask(
        _draft_text(ctx, branch, one),
        step=confirm,
        data={"settlement": one.id},
        title=f"{settlement_period.title(one.period)}积分结算",
        choices=CHOICES,
    )


def _draft_text(ctx: Context, branch: Organisation, one: Settlement) -> str:
    rows = settlement.results(ctx.session, one.id)
    totals = sorted(row.total for row in rows)
    corrected = sum(bool(row.correction) for row in rows)
    days = point_setting.read(ctx.session, branch.id).notice_days
    return (
        f"{branch.name}{settlement_period.title(one.period)}积分结算草稿：{len(rows)} 人，"
        f"最高 {totals[-1]} 分，中位数 {_median(totals):g} 分，没有得分 {sum(not t for t in totals)} 人，含往期更正 {corrected} 人。\n"
        f"确认后公示 {days} 个工作日，每人只收到自己的结果，期间可以申诉；期满自动定稿。\n1 确认\n2 取消（看每人的分请先发 积分表）"
    )


def _median(totals: list[int]) -> float:
    middle = len(totals) // 2
    return totals[middle] if len(totals) % 2 else (totals[middle - 1] + totals[middle]) / 2


@router.step(words=CHOICES)
def confirm(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有公示，草稿还在。要重新结算请发：结算"
    one = ctx.session.get_one(Settlement, data["settlement"])
    if text != "确认":
        ask = f"{settlement_period.title(one.period)}积分要公示吗？请回复 确认 或 取消。"
        return Ask(ask, step=confirm, data=data, title="积分结算", choices=CHOICES)
    branch = ctx.actor.on_branch(ctx.session, Action.SETTLE, one.branch_id)
    told = settlement.publish(ctx.session, one, now=ctx.now)
    journal.note(ctx, f"公示{one.period}", f"{told} 人", branch_id=branch.id)
    assert one.closes_at is not None
    until = full_moment(one.closes_at, ctx.now)
    return f"{settlement_period.title(one.period)}积分开始公示，到 {until}。正在把各人自己的结果发给 {told} 人。\n期间的申诉请发 审核 处理；没有未处理的申诉时，期满自动定稿。发 结算情况 查看。"


@router.command("结算情况", "公示情况", needs=Action.SETTLE)
def state(ctx: Context) -> str:
    branch = _branch(ctx)
    one = settlement.newest(ctx.session, branch.id)
    if one is None:
        return "本支部还没有结算过积分。发 结算 开始，发 积分设置 看按月还是按季。"
    lines = [f"{settlement_period.title(one.period)}积分：{one.state.value}", *_course(ctx, one)]
    if one.state is SettlementState.FINAL:
        best = settlement.suggested(ctx.session, one.id)
        names = "、".join(best) if best else "按积分分不出"
        lines.append(
            f"民主评议参考（只给您看，不公布）：积分靠前 {names}。优秀不超过正式党员的三分之一（《中国共产党支部工作条例（试行）》第十八条），"
            "等次由会议按程序评定，积分只是参考之一。"
        )
    files = "" if one.state is SettlementState.DRAFT else "、积分通报（Word 和 Excel）"
    return "\n".join([*lines, f"可发：积分表、审核{files}"])


def _course(ctx: Context, one: Settlement) -> list[str]:
    count = len(settlement.results(ctx.session, one.id))
    if one.state is SettlementState.DRAFT:
        return [f"{count} 人，还没有公示。发 结算 {one.period} 继续。"]
    assert one.closes_at is not None
    if one.state is SettlementState.FINAL:
        assert one.final_at is not None
        return [f"{count} 人，{full_moment(one.final_at, ctx.now)}定稿。以后的更正计入下一期。"]
    appeals = settlement.waiting_appeals(ctx.session, one)
    return [f"{count} 人，公示到 {full_moment(one.closes_at, ctx.now)}。没处理的申诉 {appeals} 件。"]


@router.command("公示结果", "我的公示", "积分公示", "结算结果")
def mine(ctx: Context) -> str:
    found = settlement.own(ctx.session, ctx.member.id)
    if found is None:
        return "您还没有公示过的积分。平时的积分请发：积分"
    one, result = found
    if one.state is SettlementState.NOTICE:
        return settlement.told_text(result, one, ctx.now)
    return f"{settlement_period.title(one.period)}积分已定稿：您共 {result.total} 分（{settlement.parts(result)}）。\n以后的更正计入下一期。可发：积分、积分明细"


# How the branch settles -------------------------------------------------------------------------------------------------


@router.command(
    "积分设置",
    takes="要改的一项",
    optional=True,
    examples=("积分设置", "积分设置 按月", "积分设置 两级审核", "积分设置 公示 5"),
    needs=Action.SETTLE,
)
def settings(ctx: Context, text: str = "") -> str:
    branch = _branch(ctx)
    if not text:
        return f"{branch.name}的积分设置\n{_shown(point_setting.read(ctx.session, branch.id))}\n要改请发，例如：积分设置 按月"
    values = _values(text.replace(" ", ""))
    if values is None:
        return (
            f"没看懂要改哪一项。可以发：{'；'.join(f'积分设置 {word}' for word in _WORDS)}；积分设置 公示 5"
        )
    before, after = point_setting.change(
        ctx.session, branch, actor=ctx.member, now=ctx.now, channel=ctx.message.channel, **values
    )
    if before == after:
        return f"本来就是这样，没有改动。\n{_shown(after)}"
    return f"已改，现在起生效，已经记的分和已公示的结果不变。\n{_shown(after)}"


_WORDS: dict[str, dict[str, Any]] = {
    "按月": {"every": MONTH},
    "按季": {"every": point_setting.QUARTER},
    "一级审核": {"two_steps": False},
    "两级审核": {"two_steps": True},
    "显示中位数": {"median": True},
    "不显示中位数": {"median": False},
    "开积分榜": {"ranking": True},
    "关积分榜": {"ranking": False},
}


def _values(said: str) -> dict[str, Any] | None:
    digits = said.removeprefix("公示").removesuffix("天").removesuffix("个工作日")
    if said.startswith("公示") and digits.isascii() and digits.isdigit():
        return {"notice_days": int(digits[:4])}
    return _WORDS.get(said)


def _shown(now: PointSetting) -> str:
    steps = "两级（党小组长看过，再由书记或委员定）" if now.two_steps else "一级（书记或委员）"
    return (
        f"结算：{'按月' if now.every == MONTH else '按季'}；公示 {now.notice_days} 个工作日\n审核：{steps}\n"
        f"支部中位数：{'显示' if now.median else '不显示'}；积分榜：{'开（只列前三分之一）' if now.ranking else '关'}"
    )


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.SETTLE, ctx.actor.branch_id)
