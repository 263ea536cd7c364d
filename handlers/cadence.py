"""体检：本月、本季度、今年的组织生活哪些做了、哪些该做、哪些逾期，各有依据。"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import select

from bot import nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.organisation import Organisation
from bot.services import cadence
from bot.services.cadence import BranchSummary, Finding, Status, record, rules
from bot.services.cadence.facts import is_branch
from bot.services.permission import Action
from bot.times import day
from content.activity_kinds import Attends
from content.regulations import Regulation

router = Router()

MAIN_DOCUMENT = "《中国共产党支部工作条例（试行）》"
SHOWN = 7
"""Rules that are not done yet, or branches, in one answer: with head, done ones and what to say next at most twelve lines."""
ORDER = (Status.OVERDUE, Status.DUE, Status.UNKNOWN)
SURE = {
    "high": "多处文本一致",
    "medium": "各地做法可能不同，请以上级要求为准",
    "check": "条文还没有核实，请以上级要求为准",
}
PER_WORDS = {"month": "每月", "quarter": "每季度", "half": "每半年", "year": "每年"}
_BRANCH = re.compile(r"#\s*(\d{1,9})\s*(.*)")
_PAGE = re.compile(r"第\s*(\d{1,3})\s*页")


class NoSuchBranch(Refusal):
    text = "没有找到您能看的支部或项目“{said}”。回复 体检 看看有哪些。"


class NoBranches(Refusal):
    text = "您管理的范围里还没有党支部。请先导入名册。"


# The check ---------------------------------------------------------------------------------------------------------------


@router.command(
    "体检",
    "组织生活体检",
    "支部体检",
    takes="支部或项目",
    optional=True,
    examples=("体检", "体检 支委会"),
    about=("体检 逾期 没开 还差 到期", "支部 组织生活 三会一课 会议"),
    needs=Action.SEE_BRANCH,
)
def check(ctx: Context, said: str = "") -> Reply:
    branches = visible(ctx)
    page = _PAGE.fullmatch(said)
    if len(branches) > 1 and (not said or page):
        return overview(ctx, int(page[1]) if page else 1)
    branch, rest = choose_branch(ctx, branches, said)
    page = _PAGE.fullmatch(rest)
    return (
        one_rule(ctx, branch, rest)
        if rest and not page
        else one_branch(ctx, branch, int(page[1]) if page else 1)
    )


@router.command(
    "本月", "本季度", "本季度还差什么", "本月还差什么", "今年还差什么", "还差什么", needs=Action.SEE_BRANCH
)
def this_month(ctx: Context) -> Reply:
    return check(ctx)


def visible(ctx: Context) -> Sequence[Organisation]:
    """The branches that the sender may see."""
    found = ctx.session.scalars(
        select(Organisation)
        .where(ctx.actor.within(Action.SEE_BRANCH), is_branch())
        .order_by(Organisation.path)
    ).all()
    if not found:
        raise NoBranches
    return found


def choose_branch(ctx: Context, branches: Sequence[Organisation], said: str) -> tuple[Organisation, str]:
    """The branch that "#3 支委会", "检修党支部" or "支委会" is about, and what is left of it."""
    numbered = _BRANCH.fullmatch(said)
    if numbered:
        found = [branch for branch in branches if branch.id == int(numbered[1])]
        rest = numbered[2]
    else:
        found = [branch for branch in branches if said.startswith(branch.name)] or [
            branch for branch in branches if branch.id == ctx.actor.branch_id
        ]
        rest = said.removeprefix(found[0].name).strip() if found else ""
    if not found and len(branches) == 1:
        return branches[0], said
    if not found:
        raise NoSuchBranch(said=said[:20])
    return found[0], rest


def one_branch(ctx: Context, branch: Organisation, page: int = 1) -> Reply:
    """Overdue first, then due, then unknown, with one line for what is done."""
    findings = cadence.check(ctx.session, branch.id, ctx.now)
    counts = Counter(one.status for one in findings)
    open_ = sorted((one for one in findings if one.status in ORDER), key=lambda one: ORDER.index(one.status))
    shown = open_[(page - 1) * SHOWN : page * SHOWN]
    head = f"{branch.name}体检：逾期 {counts[Status.OVERDUE]}，待办 {counts[Status.DUE]}，已完成 {counts[Status.DONE]}"
    lines = [f"{n} {one.status}·{line(one)}" for n, one in enumerate(shown, 1)]
    choices = [f"体检 #{branch.id} {one.rule}" for one in shown]
    if len(open_) > page * SHOWN:
        choices.append(f"体检 #{branch.id} 第{page + 1}页")
        lines.append(f"{len(choices)} 还有 {len(open_) - page * SHOWN} 项")
    done = "、".join(one.rule for one in findings if one.status is Status.DONE)
    tail = ([f"已完成：{done}"] if done else []) + [_next(choices)]
    return Reply("\n".join([head, *lines, *tail]), choices=tuple(choices))


def _next(choices: Sequence[str]) -> str:
    how = "已开没记的请发：" + record.EXAMPLE
    return f"回复数字看依据。{how}" if choices else f"都按时完成了。{how}"


def line(finding: Finding) -> str:
    """支委会：10月没有记录；本月还没有记录，11月30日前（还剩7天）〔第十二条〕."""
    return f"{finding.rule}：{finding.verdict.text}〔{short(finding.clause)}〕"


def short(clause: Regulation) -> str:
    """The article where it is of the regulation on branches; else the document."""
    return (
        clause.article
        if clause.article and clause.document == MAIN_DOCUMENT
        else clause.document.strip("《》")
    )


def one_rule(ctx: Context, branch: Organisation, said: str) -> Reply:
    """What one rule says, where it stands, and how sure that is."""
    findings = cadence.check(ctx.session, branch.id, ctx.now)
    finding = next((one for one in findings if nlu.bare(said) == one.rule), None)
    if finding is None:
        raise NoSuchBranch(said=said[:20])
    clause = finding.clause
    lines = [
        f"{branch.name}·{finding.rule}：{finding.status}",
        finding.verdict.text,
        f"规定：{clause.text}",
        f"依据：{clause.document}{clause.article}（{clause.issued}）",
        f"把握：{SURE[clause.confidence]}",
    ]
    if finding.rule == "换届":
        lines.append("登记或修改请发：换届时间 2024-03-15")
    elif finding.verdict.by:
        lines.append(f"已开没记的请发：补录 {finding.rule} 日期")
    return Reply("\n".join([*lines, "回复 1 回到体检"]), choices=(f"体检 #{branch.id}",))


def overview(ctx: Context, page: int) -> Reply:
    """All branches below an admin in numbers, the most overdue first; a number opens one."""
    paths = sorted(set(ctx.actor.paths(Action.SEE_BRANCH)))
    # A path inside another one would count its branches twice.
    tops = [path for path in paths if not any(path != other and path.startswith(other) for other in paths)]
    all_ = [one for path in tops for one in cadence.roll_up(ctx.session, path, ctx.now)]
    all_.sort(key=lambda one: (-one.overdue, -one.due, one.name))
    shown = all_[(page - 1) * SHOWN : page * SHOWN]
    choices = [f"体检 #{one.branch_id}" for one in shown]
    lines = [f"{n} {one.name}：逾期 {one.overdue}，待办 {one.due}" for n, one in enumerate(shown, 1)]
    if len(all_) > page * SHOWN:
        choices.append(f"体检 第{page + 1}页")
        lines.append(f"{len(choices)} 还有 {len(all_) - page * SHOWN} 个支部")
    tail = "回复数字看这个支部，也可以发：体检 支部名"
    return Reply("\n".join([*_totals(all_), *lines, tail]), choices=tuple(choices))


def _totals(all_: Sequence[BranchSummary]) -> list[str]:
    late = sum(one.overdue > 0 for one in all_)
    open_ = sum(one.overdue == 0 and one.due > 0 for one in all_)
    head = (
        f"{len(all_)} 个支部体检：{late} 个有逾期，{open_} 个有待办，{len(all_) - late - open_} 个都按时完成"
    )
    most = Counter(rule for one in all_ for rule in one.overdue_rules).most_common(3)
    return [head, *(["逾期最多：" + "、".join(f"{rule} {count} 个" for rule, count in most)] if most else [])]


# What was held without the bot -------------------------------------------------------------------------------------------


@router.command(
    "补录",
    "补记活动",
    takes="活动、日期",
    examples=(record.EXAMPLE, "补录 党小组会 第一党小组 11月10日", "补录 谈心谈话 11月12日 王建国 张伟"),
    needs=Action.SEE_GROUP,
)
def keep_held(ctx: Context, text: str) -> Reply:
    told = record.understand(ctx.session, ctx.actor.branch_id, text, now=ctx.now)
    if told.kind.attends is Attends.GROUP and told.group is None:
        return which_group(ctx, text)
    record.recorder(ctx.session, ctx.actor, told)
    activity = record.record(ctx.session, ctx.actor, told, now=ctx.now, channel=ctx.message.channel)
    who = f"（{told.group.name}）" if told.group else "".join(f" {member.name}" for member in told.pair)
    text = f"已补录：{day(told.on, ctx.now)}{told.kind.name}{who}，只记开过，不记签到和积分。"
    return Reply(
        f"{text}\n{_standing(ctx, told.kind.name)}记错了5分钟内回复 撤销。",
        undo=Undo(forget_held, {"number": activity.id}),
    )


def _standing(ctx: Context, rule: str) -> str:
    """Where the rule stands now, for those who may see the branch."""
    if not ctx.actor.may(Action.SEE_BRANCH):
        return ""
    findings = cadence.check(ctx.session, ctx.actor.branch_id, ctx.now)
    found = next((one for one in findings if one.rule == rule), None)
    return f"{rule}：{found.status}，{found.verdict.text}。\n" if found else ""


def which_group(ctx: Context, text: str) -> Reply:
    """The text again with each group's name, to choose one by its number."""
    names = [group.name for group in record.groups(ctx.session, ctx.actor.branch_id)]
    if not names:
        return Reply("本支部名册里没有党小组，不用补录党小组会。回复 体检 可以查看。")
    lines = "\n".join(f"{n} {name}" for n, name in enumerate(names, 1))
    return Reply(
        f"是哪个党小组？\n{lines}\n回复数字即可。", choices=tuple(f"补录 {text} {name}" for name in names)
    )


@router.undo
def forget_held(ctx: Context, number: int) -> str:
    activity = record.take_back(ctx.session, ctx.member, number, now=ctx.now, channel=ctx.message.channel)
    return f"已撤销补录的{activity.kind}，不再计入。回复 体检 可以查看。"


# What a branch sets ------------------------------------------------------------------------------------------------------


@router.command(
    "换届时间",
    "届次时间",
    "任期",
    takes="本届开始日期",
    optional=True,
    examples=("换届时间 2024-03-15", "换届时间"),
    needs=Action.CHANGE_SETTINGS,
)
def term(ctx: Context, text: str = "") -> Reply:
    ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
    started = record.choices(ctx.session, ctx.actor.branch_id).term_started_on
    if not text:
        now = _term_text(started) if started else "还没有登记本届开始的日期。"
        return Reply(f"{now}\n登记或修改请发：换届时间 2024-03-15")
    wanted = record.term_start(text, ctx.now)
    before = f"（原登记 {started.isoformat()}）" if started else ""
    return Ask(
        f"{_term_text(wanted)}{before}\n届满前6、4、2、1个月提醒书记。回复 1 确认 2 取消",
        step=settle_term,
        data={"started": wanted.isoformat()},
        title="登记换届时间",
        choices=("确认", "取消"),
    )


def _term_text(started: date) -> str:
    end = rules.term_end(started)
    return f"本届从 {started.isoformat()} 开始，任期{rules.TERM_YEARS}年，到 {end.isoformat()} 届满。"


@router.step(words=("确认", "取消", "是", "不是", "好", "不"))
def settle_term(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to the confirmation of a term's beginning; another date is understood as well."""
    said = nlu.bare(text)
    if said in ("取消", "不是", "不"):
        return "好的，没有改动。需要时再发：换届时间 2024-03-15"
    if said not in ("确认", "是", "好"):
        return term(ctx, text)
    started = date.fromisoformat(data["started"])
    before = _choose(ctx, "term_started_on", started.isoformat(), "登记换届时间")
    undo = Undo(restore, {"name": "term_started_on", "value": before})
    return Reply(f"已登记。{_term_text(started)}\n回复 体检 可以查看；记错了5分钟内回复 撤销。", undo=undo)


@router.command(
    "党课频次",
    takes="多久一次",
    examples=("党课频次 每季度", "党课频次 每半年"),
    needs=Action.CHANGE_SETTINGS,
)
def lecture(ctx: Context, text: str) -> Reply:
    ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
    per = record.lecture_per(nlu.bare(text))
    before = _choose(ctx, "cadence_lecture_per", per, "修改党课频次")
    undo = Undo(restore, {"name": "cadence_lecture_per", "value": before})
    was = PER_WORDS[before or "quarter"]
    return Reply(
        f"党课频次：{was} → {PER_WORDS[per]}一次。回复 体检 可以查看；记错了5分钟内回复 撤销。", undo=undo
    )


def _choose(ctx: Context, name: str, value: Any, act: str) -> Any:
    branch, channel = ctx.actor.branch_id, ctx.message.channel
    return record.choose(
        ctx.session, branch, name, value, actor=ctx.member, act=act, now=ctx.now, channel=channel
    )


@router.undo
def restore(ctx: Context, name: str, value: Any) -> str:
    ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
    _choose(ctx, name, value, "撤销体检设置")
    return "已改回原来的设置。回复 体检 可以查看。"
