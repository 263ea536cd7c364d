"""提问：从规定和学习材料里找依据，给出条文、文件和日期；找不到就直说。"""

from __future__ import annotations

from bot.chat import Context, Reply, Router
from bot.services.library import search
from bot.services.library.search import Hit

router = Router()

ALSO_NEAR = 0.6
"""From this score on a second clause is named under the answer."""
PLAIN = 0.85
"""Below this score the question was put in other words than the library knows: the next two clauses are offered as well."""

# What people ask about and how, in words that no other command answers to.
_ASKED_WITH = "多久 多长时间 几个月 几个月一次 多久一次 频次 什么是 是什么意思 规定 条例 党章 第几条 依据 可以吗 能不能 可不可以 合规吗 违规吗"
_ASKED_ABOUT = (
    "党员大会 支委会 党小组会 党课 三会一课 组织生活会 民主评议 谈心谈话 换届 选举 任期 党费 预备期 转正 入党 入党介绍人 发展对象 积极分子 "
    "组织关系 处分 脱党 工作票 操作票 接地线 验电 安全距离 高处作业 登高 触电 心肺复苏 火灾 动火 有限空间 密级 涉密 职代会"
)


@router.command(
    "提问",
    "查规定",
    "查依据",
    "请教",
    takes="问题",
    examples=("提问 党员大会多久开一次", "党费按什么比例交", "预备期多久"),
    about=(f"{_ASKED_WITH} {_ASKED_ABOUT}",),
    whole=True,
)
def ask(ctx: Context, question: str) -> Reply:
    branch = ctx.member.branch_id
    if chosen := search.named(ctx.session, question, branch_id=branch):
        return with_choices(quoted(chosen), "", [], "")
    hits = search.search(ctx.session, question, branch_id=branch)
    if hits and hits[0].sure:
        doubt = hits[0].score < PLAIN
        near = [hit for hit in hits[1:] if doubt or hit.score >= ALSO_NEAR]
        head = "如果问的不是这一条：" if doubt else "相近的规定："
        return with_choices(quoted(hits[0]), head, near, "回复数字查看，或接着问：提问 加问题。")
    if hits:
        return with_choices(
            "没有找到依据。", "最接近的是：", hits[:2], "回复数字查看，或换个说法；也可以问支部书记。"
        )
    return Reply("没有找到依据。请换个说法，例如：提问 党员大会多久开一次。也可以问支部书记。")


def quoted(hit: Hit) -> str:
    """The passage with its document, article and date; with a caution unless several texts agree on it."""
    lines = [f"{hit.title}：", hit.text, f"依据：{hit.source}"]
    if hit.material:
        lines = [hit.text, f"来自学习材料《{hit.title}》，依据：{hit.source}"]
    if hit.confidence == "check":
        lines.append("这一条尚未逐字核对，请以文件原文为准。")
    return "\n".join(lines)


def with_choices(text: str, head: str, hits: list[Hit], tail: str) -> Reply:
    """The text, then entries to choose from by number."""
    if not hits:
        return Reply(f"{text}\n还想问，回复：提问 加问题。")
    lines = [f"{number} {hit.title}" for number, hit in enumerate(hits, 1)]
    return Reply("\n".join([text, head, *lines, tail]), choices=tuple(f"提问 {hit.code}" for hit in hits))
