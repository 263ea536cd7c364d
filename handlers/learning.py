"""学习情况：谁学了、哪里错得多，题目好不好；答题比例和答题卡片的设置。"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import nlu
from bot.chat import Answer, Context, Reply, Router, Undo
from bot.models.organisation import Organisation
from bot.services import item_statistics, learning, quiz_setting
from bot.services.learning import Learning, Share
from bot.services.permission import Action

router = Router()

NAMES_SHOWN, TOPICS_SHOWN = 12, 4
MOST_ITEMS = 5
VIEWS = ("本周已学", "本周未学", "各主题正确率", "最难的题")


@router.command(
    "学习情况",
    "支部学习情况",
    "学习统计",
    takes="看哪一项",
    optional=True,
    examples=("学习情况", "学习情况 本周未学"),
    needs=Action.SEE_BRANCH,
)
def overview(ctx: Context, view: str = "") -> Reply:
    """Who studied this week and what is hard, without any ranking of people."""
    branch = ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.actor.branch_id)
    seen = learning.of_branch(ctx.session, branch.id, ctx.now)
    match nlu.bare(view):
        case "本周已学":
            return Reply(names("本周已学", seen.studied))
        case "本周未学":
            return Reply(names("本周还没学", seen.silent) + "\n提醒可以发：通知 内容。")
        case "各主题正确率":
            return Reply(shares("近30天各主题正确率，低的在前：", seen.topics, 10))
        case "最难的题":
            return Reply(shares("近30天最难的题（至少5次作答）：", seen.hardest, learning.HARDEST))
    return Reply(summary(seen), choices=tuple(f"学习情况 {one}" for one in VIEWS))


def summary(seen: Learning) -> str:
    """The week in at most twelve lines."""
    weak = "，".join(f"{one.name} {one.percent}%" for one in seen.topics[:TOPICS_SHOWN])
    hard = seen.hardest[0] if seen.hardest else None
    return "\n".join(
        [
            f"本周学习：{len(seen.studied)}/{len(seen.studied) + len(seen.silent)} 人学过",
            f"正确率低的主题（近30天）：{weak or '还没有人答题'}",
            f"最难的题：{hard.name[:20]}… 对 {hard.percent}%" if hard else "最难的题：作答还不够多",
            *(f"{number} {view}" for number, view in enumerate(VIEWS, 1)),
            "回复数字查看。要表格请发 导出 学习情况；题目好不好请发 题目分析。",
        ]
    )


def names(head: str, people: tuple[str, ...]) -> str:
    """How many, and who, in the order of the roster."""
    more = " 等" if len(people) > NAMES_SHOWN else ""
    return f"{head} {len(people)} 人：{'、'.join(people[:NAMES_SHOWN])}{more}" if people else f"{head}：没有"


def shares(head: str, found: tuple[Share, ...], most: int) -> str:
    """Lines of a name with its share right."""
    lines = [
        f"{n} {one.name[:24]} 对 {one.percent}%（{one.answers}次）" for n, one in enumerate(found[:most], 1)
    ]
    return "\n".join([head, *lines] if lines else [head, "作答还不够多。"])


@router.command("题目分析", "试题分析", "题目质量", needs=Action.EDIT_QUESTIONS)
def items(ctx: Context) -> Answer:
    branch = ctx.actor.on_branch(ctx.session, Action.EDIT_QUESTIONS, ctx.actor.branch_id)
    found = item_statistics.findings(ctx.session, branch_id=branch.id)
    if not found:
        return f"作答满 {item_statistics.ENOUGH} 次的题目都正常（每天凌晨统计）。"
    head = f"作答满 {item_statistics.ENOUGH} 次、需要看一看的有 {len(found)} 道（每天凌晨统计）："
    shown = [f"{number} {line}" for number, line in enumerate(item_statistics.lines(found[:MOST_ITEMS]), 1)]
    text = "\n".join([head, *shown, "回复数字看原题；本支部的题可以改好再导入，也可以停用。"])
    return Reply(text, choices=tuple(f"看题 {one.code}" for one in found[:MOST_ITEMS]))


@router.command(
    "答题比例",
    "出题比例",
    takes="各部分的份数",
    optional=True,
    examples=("答题比例", "答题比例 党务5 业务4 综合1"),
    needs=Action.CHANGE_SETTINGS,
)
def ratio(ctx: Context, said: str = "") -> Answer:
    branch = _branch(ctx)
    before = quiz_setting.mix(ctx.session, branch.id)
    if not said:
        return f"答题按这个比例出题：{mix_text(before)}。\n要改请发：答题比例 党务5 业务4 综合1"
    after = quiz_setting.read_mix(said)
    _store(ctx, branch, "mix", after)
    return Reply(
        f"答题比例已改为 {mix_text(after)}（原来 {mix_text(before)}），现在起生效。5分钟内可发 撤销。",
        undo=Undo(put_back, {"name": "mix", "value": dict(before)}),
    )


@router.command(
    "答题卡片",
    "题目卡片",
    takes="开或关",
    optional=True,
    examples=("答题卡片", "答题卡片 开"),
    needs=Action.CHANGE_SETTINGS,
)
def cards(ctx: Context, said: str = "") -> Answer:
    branch = _branch(ctx)
    before = quiz_setting.cards(ctx.session, branch.id)
    wanted = {"开": True, "打开": True, "关": False, "关闭": False}.get(nlu.bare(said))
    if wanted is None:
        now = "开着" if before else "关着"
        return f"企业微信里每日一题的卡片现在{now}。要改请发：答题卡片 开，或 答题卡片 关"
    _store(ctx, branch, "cards", wanted)
    what = "已打开，学习日会把每日一题发成卡片" if wanted else "已关闭，每日一题只用文字"
    return Reply(
        f"答题卡片{what}。5分钟内可发 撤销。", undo=Undo(put_back, {"name": "cards", "value": before})
    )


@router.undo
def put_back(ctx: Context, name: str, value: Any) -> str:
    _store(ctx, _branch(ctx), name, value)
    return f"已改回：{mix_text(value) if name == 'mix' else '卡片' + ('开' if value else '关')}。"


def mix_text(mix: Mapping[str, int]) -> str:
    """党务 5、业务 4、综合 1."""
    return "、".join(f"{name} {number}" for name, number in mix.items())


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)


def _store(ctx: Context, branch: Organisation, name: str, value: Any) -> None:
    quiz_setting.change(
        ctx.session, branch, name, value, actor=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
