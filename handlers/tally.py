"""计票：核算纸质票、举手表决和选举的票数。"""

from __future__ import annotations

import re

from bot.chat import Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.services import decision
from bot.services import tally as tallies
from bot.services.cadence import record
from bot.services.permission import Action
from bot.services.tally import Basis, Counts, Tally

router = Router()

_COUNT = re.compile(
    r"(应到|实到|赞成|同意|得票|反对|不赞成|弃权|书面|废票|无效票|发出|收回)(?:票|人|数|意见)*\s*:?\s*(\d{1,5})"
)
_FIELDS = {
    "应到": "due",
    "实到": "present",
    "赞成": "yes",
    "同意": "yes",
    "得票": "yes",
    "反对": "no",
    "不赞成": "no",
    "弃权": "abstain",
    "书面": "written",
    "废票": "spoilt",
    "无效票": "spoilt",
    "发出": "issued",
    "收回": "returned",
}


@router.command(
    "计票",
    "算票",
    "核算票数",
    takes="应到、实到和票数",
    examples=(
        "计票 应到 23 实到 20 赞成 15 反对 3 弃权 2",
        "计票 选举 应到 23 实到 20 赞成 15",
        "计票 选举 按实到 应到 23 实到 20 赞成 15",
    ),
)
def tally(ctx: Context, text: str) -> str:
    counts = _counts(text)
    if "选举" in text or "换届" in text or "得票" in text:
        basis, why = _basis(ctx, text)
        return _election(counts, tallies.tally_election(counts, basis), why)
    if "按实到" in text:
        raise tallies.DecidedOnThoseDue(source=decision.cite("ZB-vote"))
    return _decision(counts, tallies.tally_decision(counts, admission=decision.is_admission(text)))


def _counts(text: str) -> Counts:
    found = {_FIELDS[name]: int(number) for name, number in _COUNT.findall(text)}
    missing = [name for name in ("应到", "实到", "赞成") if _FIELDS[name] not in found]
    if missing:
        raise tallies.BadCounts(what=f"缺少{'、'.join(missing)}")
    return Counts(**found)


def _basis(ctx: Context, text: str) -> tuple[Basis, str]:
    """Whom the majority is counted on, and who says so: the sender, else the branch, else the stricter reading."""
    said = re.search(r"按(应到|实到)", text)
    if said:
        return Basis(said[1]), "您指定"
    chosen = tallies.election_basis(ctx.session, ctx.actor.branch_id)
    return (chosen, "本支部设置") if chosen else (Basis.DUE, "没有设置，用较严的")


def _decision(counts: Counts, done: Tally) -> str:
    written = f"（含事先书面意见 {counts.written} 人）" if counts.written else ""
    return "\n".join(
        [
            f"计票（表决）{'通过' if done.passed else '没有通过' if done.attended else '无效：到会人数不够'}",
            _attendance(counts, done),
            f"赞成 {counts.yes} 票{written}，反对 {counts.no}，弃权 {counts.abstain}；要超过应到 {counts.due} 人的半数，至少 {done.needed_yes} 票",
            f"依据：{done.source}，按应到计算，不按实到",
            "这里只核算、不存档，会议记录请按规定留存。",
        ]
    )


def _election(counts: Counts, done: Tally, why: str) -> str:
    base = counts.due if done.basis is Basis.DUE else counts.present
    other = Basis.PRESENT if done.basis is Basis.DUE else Basis.DUE
    lines = [
        f"计票（选举，每位候选人算一次）：{_verdict(done)}",
        f"{_attendance(counts, done)}（应到的五分之四）",
        f"得赞成 {counts.yes} 票；本次按{done.basis.value}算（{why}），要超过 {base} 人的半数，至少 {done.needed_yes} 票",
    ]
    if counts.issued:
        lines.append(
            f"发出 {counts.issued} 张，收回 {counts.returned} 张{'' if done.papers_valid else '：收回多于发出，选举无效'}"
        )
    lines += [
        f"若按{other.value}算，至少 {done.other_needed} 票。各地说法不一，以上级选举办法为准。",
        f"依据：{done.source}（条文请核对）。换算法可写：计票 选举 按{other.value} …",
    ]
    return "\n".join(lines)


def _verdict(done: Tally) -> str:
    if not done.attended:
        return "到会人数不够，选举无效"
    if not done.papers_valid:
        return "选举无效"
    return "达到当选票数" if done.enough else "没有达到当选票数"


def _attendance(counts: Counts, done: Tally) -> str:
    return f"应到 {counts.due} 人，实到 {counts.present} 人，至少要 {done.needed_present} 人{'，够' if done.attended else '，不够'}"


# On whom a majority is counted ------------------------------------------------------------------------------------------


class BadBasis(Refusal):
    text = "没看懂按什么算。请发：选举计票 按应到，或 选举计票 按实到"


@router.command(
    "选举计票",
    "选举计票办法",
    "选举算法",
    takes="按应到或按实到",
    optional=True,
    examples=("选举计票", "选举计票 按实到"),
    needs=Action.CHANGE_SETTINGS,
)
def basis(ctx: Context, text: str = "") -> Reply:
    branch = ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
    chosen = tallies.election_basis(ctx.session, branch.id)
    if not text:
        now = f"按{chosen.value}（本支部设置）" if chosen else f"按{Basis.DUE.value}（没有设置，用较严的）"
        return Reply(
            f"{branch.name}选举计票{now}：得赞成票超过{(chosen or Basis.DUE).value}人数的半数。\n"
            "各地说法不一，以上级批复的选举办法为准。表决不受影响，一律按应到。\n要改请发：选举计票 按实到，或 选举计票 按应到"
        )
    said = re.search(r"应到|实到", text)
    if said is None:
        raise BadBasis
    before = _choose(ctx, said[0])
    return Reply(
        f"选举计票已改为按{said[0]}（原来{f'按{before}' if before else '没有设置'}），以后发 计票 选举 就这样算。\n"
        "请与上级批复的选举办法一致。改错了5分钟内可发 撤销。",
        undo=Undo(put_back, {"value": before}),
    )


@router.undo
def put_back(ctx: Context, value: str | None) -> str:
    ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
    _choose(ctx, value)
    return f"选举计票已改回{f'按{value}' if value else '没有设置（按应到）'}。发 选举计票 可以查看。"


def _choose(ctx: Context, value: str | None) -> str | None:
    branch, channel = ctx.actor.branch_id, ctx.message.channel
    before: str | None = record.choose(
        ctx.session,
        branch,
        tallies.BASIS,
        value,
        actor=ctx.member,
        act="修改选举计票",
        now=ctx.now,
        channel=channel,
    )
    return before
