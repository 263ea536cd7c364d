"""申报与申诉：为做的事申报积分，对记错的积分申诉，由别人审核。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot import journal
from bot.chat import Answer, Ask, Context, Router, Waiting
from bot.errors import Refusal
from bot.models.points import Claim, ClaimState
from bot.services import claim as claims
from bot.services import claim_photo, first_review, point_reason, point_rule, points, verdict
from bot.services.claim import Course
from bot.services.permission import HAS_A_ROLE, Action
from bot.services.verdict import Case, Decided
from bot.times import clock, day, local
from content.points import Rule

router = Router()

# "128 那天我在场", "第128条…", but not the 11 of 11月20日 nor the 14 of 14:30.
_ENTRY = re.compile(
    r"(?:[#第]\s*(?P<sure>\d{1,10})\s*(?:条|号)?|(?P<plain>\d{1,10})(?![\d月日号年点时分个次.\-/]|:\d))条?[\s,，:：。]*(?P<text>.*)",
    re.DOTALL,
)
_VERDICT = re.compile(r"(?P<word>不同意|同意|跳过)[\s,，:：。]*(?P<rest>.*)", re.DOTALL)
_AMOUNT = re.compile(r"\+?(?P<points>\d{1,3})\s*分?")


class NotHere(Refusal):
    text = "这里正在审核“{what}”。同意请回复 同意 或 同意 3分；不同意请回复 不同意 加理由。要批请假请先发 请假审批。"


# Asking -----------------------------------------------------------------------------------------------------------------


@router.command("申报", "申报积分", takes="做了什么事", examples=("申报 师带徒 带出1名持证徒弟",))
def submit(ctx: Context, text: str) -> str:
    claim = claims.submit(ctx.session, ctx.member, text, now=ctx.now)
    return f"申报已收到（第 {claim.id} 件）：{points.short(text, 30)}\n{_who(ctx, claim)}\n10分钟内可以发一张照片作附件。发 我的申报 看进度。"


@router.command(
    "申诉",
    "积分申诉",
    takes="编号和理由",
    examples=("申诉 128 那天我在场", "申诉 11月20日主题党日我在场，没有记分"),
)
def appeal(ctx: Context, text: str) -> Answer:
    number, why = _entry_and_reason(text)
    if number is not None and not why:
        ask = f"请写第 {number} 条为什么不对，例如：那天我在场"
        return Ask(ask, step=appeal_reason, data={"number": number}, title=f"申诉 {number}")
    return _appealed(ctx, number, why)


def _entry_and_reason(text: str) -> tuple[int | None, str]:
    found = _ENTRY.fullmatch(text.strip())
    if found is None:
        return None, text.strip()
    return int(found["sure"] or found["plain"]), found["text"].strip()


@router.step()
def appeal_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return _appealed(ctx, data["number"], text)


def _appealed(ctx: Context, number: int | None, why: str) -> str:
    claim = claims.appeal(ctx.session, ctx.member, number, why, now=ctx.now)
    what = f"第 {number} 条" if number is not None else "漏记的积分"
    return f"申诉已收到（第 {claim.id} 件）：{what}，{points.short(why, 30)}\n{_who(ctx, claim)}\n10分钟内可以发一张照片作附件。发 我的申报 看进度。"


def _who(ctx: Context, claim: Claim) -> str:
    able = claims.deciders(ctx.session, claim, ctx.member.branch_id, on=ctx.now.date())
    if not able.people:
        return "本支部没有其他人有权审核，请联系上级党委。"
    alone = "（本支部没有其他人有权审核）" if able.alone else ""
    first = "先由党小组长初审，再" if _waits_for_leader(ctx, claim) else ""
    until = local(claim.decide_by, ctx.now).date()
    return f"{first}由{_names(tuple(one.name for one in able.people))}审核{alone}，{day(until, ctx.now)}前答复您。"


def _waits_for_leader(ctx: Context, claim: Claim) -> bool:
    return first_review.held_back(ctx.session, claim, ctx.member, on=ctx.now.date())


def _names(names: tuple[str, ...]) -> str:
    return "、".join(names[:3]) + ("等" if len(names) > 3 else "")


@router.command("我的申报", "我的申诉", "申报进度", "申诉进度", about=("申报 申诉", "进度 结果 怎么样"))
def mine(ctx: Context) -> str:
    courses = claims.mine(ctx.session, ctx.member, on=ctx.now.date())
    if not courses:
        return "您还没有申报或申诉。做了实事可发：申报 事迹；积分不对可发：申诉 编号 理由"
    return "\n".join([*(_course(ctx, one) for one in courses), "积分变化请发：积分明细"])


def _course(ctx: Context, one: Course) -> str:
    claim, people = one.claim, _names(one.people)
    head = f"{claim.id} {claims.subject(claim)}{'（有照片）' if claim_photo.of(ctx.session, claim.id) else ''}：{claims.STATES[claim.state]}"
    if claim.state is ClaimState.WAITING:
        until = local(claim.decide_by, ctx.now).date()
        return f"{head}，由{people or '上级党委'}审核，{day(until, ctx.now)}前答复"
    return f"{head}，{claim.decision}（{people}，{day(local(claim.decided_at or claim.at, ctx.now).date(), ctx.now)}）"


# Deciding ---------------------------------------------------------------------------------------------------------------


@router.waiting(HAS_A_ROLE)
def reviews(ctx: Context) -> Iterator[Waiting]:
    if ctx.actor.may(Action.REVIEW):
        cases = verdict.waiting(ctx.session, ctx.actor, on=ctx.now.date())
        if cases:
            yield Waiting(f"review {cases[-1].claim.id}", f"有 {len(cases)} 件待审核，回复 审核")


@router.command("审核", "待审核", "积分审核", needs=Action.REVIEW)
def review(ctx: Context) -> Answer:
    return _next(ctx, [], "")


def _next(ctx: Context, skipped: list[int], done: str) -> Answer:
    """The oldest waiting case that was not skipped, under what was just done."""
    cases = [
        one
        for one in verdict.waiting(ctx.session, ctx.actor, on=ctx.now.date())
        if one.claim.id not in skipped
    ]
    if not cases:
        left = (
            f"跳过的 {len(skipped)} 件还在，回复 审核 再看。"
            if skipped
            else "没有其他待审核的了。发 菜单 看其他功能。"
        )
        return f"{done}\n{left}" if done else left.replace("其他待审核", "待审核")
    text = _case_text(ctx, cases[0], len(cases))
    return Ask(
        f"{done}\n\n{text}" if done else text,
        step=decide,
        data={"claim": cases[0].claim.id, "skipped": skipped},
        title=f"审核还有 {len(cases)} 件",
        prompt=text,
        choices=("同意", "不同意", "跳过"),
    )


def _case_text(ctx: Context, one: Case, count: int) -> str:
    claim = one.claim
    what = f"申诉 #{claim.entry_id}" if claim.entry_id else claim.kind.value
    lines = [
        f"待审核 {count} 件。{one.member.name} {what}：{claim.text}",
        *filter(None, [_photo(ctx, claim.id)]),
    ]
    if one.entry is not None:
        counts, by_rule, _ = verdict.default_points(ctx.session, one.entry)
        [was] = point_reason.shown(ctx.session, one.member.id, [one.entry.reason])
        lines.append(
            f"#{one.entry.id} {one.entry.points:+d} 分：{points.short(was, 40)}；现计 {counts} 分，按规则 {by_rule} 分"
        )
    if claim.remark:
        lines.append(f"党小组长初审：{claim.remark}")
    if one.alone:
        lines.append("这一条是您给的分；本支部没有其他人有权审核，由您决定并注明。")
    at = local(claim.at, ctx.now)
    lines.append(
        f"提出：{day(at.date(), ctx.now)}{clock(claim.at, ctx.now)}；请在{day(local(claim.decide_by, ctx.now).date(), ctx.now)}前答复"
    )
    return "\n".join([*lines, "1 同意（可写 同意 3分）\n2 不同意（请写 不同意 理由）\n3 跳过"])


def _photo(ctx: Context, claim_id: int) -> str:
    secret, base = ctx.settings.secret_key.get_secret_value(), ctx.settings.base_url
    return claim_photo.line(
        ctx.session, claim_id, ctx.member.id, secret_key=secret, base_url=base, now=ctx.now
    )


@router.step(words=("同意", "不同意", "跳过"))
def decide(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    found = _VERDICT.fullmatch(text.strip())
    try:
        one = verdict.case(ctx.session, ctx.actor, data["claim"], on=ctx.now.date())
        if found is None:
            return _again(ctx, one, data)
        if found["word"] == "跳过":
            return _next(ctx, [*data["skipped"], one.claim.id], "")
        if found["word"] == "不同意":
            return _refuse(ctx, one, found["rest"].strip(), data)
        return _grant(ctx, one, found["rest"].strip(), data)
    except (verdict.AlreadyDecided, verdict.NotYoursToDecide) as gone:
        # Nothing was written yet, so the next case can be shown in the same answer.
        return _next(ctx, data["skipped"], str(gone))


def _again(ctx: Context, one: Case, data: dict[str, Any]) -> Ask:
    text = f"正在审核{one.member.name}的{claims.subject(one.claim)}。请回复：同意 / 不同意 理由 / 跳过"
    return Ask(text, step=decide, data=data, title="审核", choices=("同意", "不同意", "跳过"))


def _refuse(ctx: Context, one: Case, why: str, data: dict[str, Any]) -> Answer:
    if re.fullmatch(r"\d{0,3}", why):
        ask = f"请写一句不同意的理由，{one.member.name}会看到。例如：与台账不符"
        return Ask(ask, step=refusal_reason, data=data, title="审核")
    verdict.refuse(ctx.session, ctx.actor, one, why[:200], now=ctx.now)
    _record(ctx, one, f"不同意：{why[:200]}")
    return _next(ctx, data["skipped"], f"已记为不同意，会通知{one.member.name}。理由：{why[:200]}")


@router.step()
def refusal_reason(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    return decide(ctx, f"不同意 {text}", data)


def _grant(ctx: Context, one: Case, rest: str, data: dict[str, Any]) -> Answer:
    if re.fullmatch(r"\d{1,3}", rest):
        raise NotHere(what=claims.subject(one.claim))
    found = _AMOUNT.fullmatch(rest)
    amount = int(found["points"]) if found else None
    if one.entry is not None:
        done = verdict.grant_appeal(ctx.session, ctx.actor, one, amount, now=ctx.now)
        return _granted(ctx, one, done, data)
    return _ask_rule(ctx, one, {**data, "points": amount}, "")


def _ask_rule(ctx: Context, one: Case, data: dict[str, Any], head: str) -> Ask:
    rules = _rules(ctx, one)
    if not rules:
        raise point_rule.NothingToGiveBy
    lines = point_rule.rule_lines(rules)
    amount = f" {data['points']} 分" if data["points"] else ""
    text = f"{head or f'同意{one.member.name}的{claims.subject(one.claim)}，按哪条规则记{amount}分？'.replace('分分', '分')}\n{lines}"
    tail = "回复数字即可。" if data["points"] else "回复数字按规则分记；要改分数可写：1 4分"
    return Ask(
        f"{text}\n{tail}",
        step=choose_rule,
        data=data,
        title="审核",
        choices=tuple(rule.name for rule in rules),
    )


def _rules(ctx: Context, one: Case) -> list[Rule]:
    """The rules to choose from, those that the claim's words name first."""
    rules = verdict.given_rules(ctx.session, ctx.actor, one, ctx.now.date())
    fitting = point_rule.fitting(rules, one.claim.text)
    return [*fitting, *(rule for rule in rules if rule not in fitting)]


@router.step(words=("跳过",))
def choose_rule(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    try:
        one = verdict.case(ctx.session, ctx.actor, data["claim"], on=ctx.now.date())
        if text == "跳过":
            return _next(ctx, [*data["skipped"], one.claim.id], "")
        chosen = _chosen(_rules(ctx, one), text, data["points"])
        if chosen is None:
            return _ask_rule(ctx, one, data, "请回复规则前的数字：")
        rule, amount = chosen
        done = verdict.grant(ctx.session, ctx.actor, one, rule, amount, now=ctx.now)
        return _granted(ctx, one, done, data)
    except (verdict.AlreadyDecided, verdict.NotYoursToDecide) as gone:
        return _next(ctx, data["skipped"], str(gone))


def _chosen(rules: list[Rule], text: str, amount: int | None) -> tuple[Rule, int] | None:
    """ "技能取证、师带徒" (what a number stands for), "4 5分" or "师带徒 4分"; None when it names no rule."""
    found = re.fullmatch(r"(?P<rule>.+?)(?:[\s,，]+\+?(?P<points>\d{1,3})\s*分?)?", text)
    if found is None:
        return None
    said = found["rule"]
    if said.isdigit():
        fits = rules[int(said) - 1 : int(said)] if said != "0" else []
    else:
        fits = [rule for rule in rules if len(said) >= 2 and said in rule.name]
    if len(fits) != 1:
        return None
    return fits[0], int(found["points"] or amount or fits[0].points)


def _granted(ctx: Context, one: Case, done: Decided, data: dict[str, Any]) -> Answer:
    change = verdict.change(done)
    _record(ctx, one, f"同意：{change}")
    alone = "（已注明由加分人本人审核）" if one.alone else ""
    return _next(
        ctx,
        data["skipped"],
        f"已同意{one.member.name}的{claims.subject(one.claim)}：{change}。会通知本人。{alone}",
    )


def _record(ctx: Context, one: Case, detail: str) -> None:
    journal.keep_of(ctx, f"审核{one.claim.kind.value}", one.member, f"第 {one.claim.id} 件 {detail}")
