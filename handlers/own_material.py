"""学习资料：支部自己的文章和链接（学习强国、国资e学等），谁都能看，学完了记学习时间。"""

from __future__ import annotations

import re

from bot import nlu
from bot.chat import Answer, Context, Reply, Router, Undo
from bot.models.study import OwnMaterial
from bot.services import own_material as own
from bot.services.permission import Action
from bot.services.study import length

router = Router()

SHOWN = 8
PAGE = 450
"""Characters of a text in one answer: three bytes each, and room for what stands around."""
_NUMBER = re.compile(r"#?\s*(\d{1,9})(?:\s*第?\s*(\d{1,3})\s*页)?")


def number_in(said: str) -> tuple[int, int]:
    """The number of a material and of its page, from 1."""
    found = _NUMBER.fullmatch(said.strip())
    if found is None:
        raise own.NoSuchMaterial(number=said.strip()[:10])
    return int(found[1]), int(found[2] or 1)


@router.command(
    "学习资料",
    "支部资料",
    "资料",
    "自有资料",
    "看资料",
    takes="编号",
    optional=True,
    examples=("学习资料", "学习资料 1"),
)
def materials(ctx: Context, said: str = "") -> Reply:
    """The list, the newest first; with a number the material itself."""
    if said:
        return one(ctx, *number_in(said))
    found = own.of_branch(ctx.session, ctx.member.branch_id)
    if not found:
        hint = f"\n添加请发：{own.EXAMPLE}" if ctx.actor.may(Action.PUBLISH) else ""
        return Reply(f"本支部还没有添加学习资料。每天的学习请回复 今日学习。{hint}")
    shown = found[:SHOWN]
    lines = [f"{place} {one.title}（约 {one.minutes} 分钟）" for place, one in enumerate(shown, 1)]
    more = [f"还有 {len(found) - SHOWN} 份，发 提问 加关键词也能找到。"] if len(found) > SHOWN else []
    text = "\n".join(["本支部的学习资料：", *lines, *more, "回复数字看内容。"])
    return Reply(text, choices=tuple(f"学习资料 {one.id}" for one in shown))


def one(ctx: Context, number: int, page: int) -> Reply:
    """A material: its link, or a page of its text."""
    row = own.numbered(ctx.session, ctx.member.branch_id, number)
    pages = [row.text[at : at + PAGE] for at in range(0, len(row.text), PAGE)] or [""]
    page = min(max(page, 1), len(pages))
    words = [f"学习资料 {number} 第{page + 1}页"] if page < len(pages) else []
    words.append(f"学完资料 {number}")
    lines = [f"{number}《{row.title}》（约 {row.minutes} 分钟）", pages[page - 1]]
    lines += [f"链接：{row.link}"] if row.link else []
    lines += [f"{place} {label(word)}" for place, word in enumerate(words, 1)]
    if ctx.actor.may(Action.PUBLISH):
        lines.append(f"已有 {own.readers(ctx.session, row)} 人学完。不用了请发：删除资料 {number}")
    return Reply("\n".join(line for line in lines if line), choices=tuple(words))


def label(word: str) -> str:
    """How a choice is called in the list."""
    return "下一页" if word.endswith("页") else "学完了"


@router.command("学完资料", "看完资料", takes="编号", examples=("学完资料 1",))
def finished(ctx: Context, said: str) -> str:
    row = own.numbered(ctx.session, ctx.member.branch_id, number_in(said)[0])
    new, award = own.finish(ctx.session, ctx.member, row, now=ctx.now)
    if not new:
        return f"《{row.title}》您已经学过，不重复记。回复 学习资料 看别的，或 学习时长。"
    points = f"+{award.points} 分（{award.rule.dimension}），本季共 {award.total} 分。" if award else ""
    return (
        f"已记下：《{row.title}》，学习 {length(row.minutes)}。{points}\n回复 学习资料 看别的，或 学习时长。"
    )


@router.command(
    "添加资料",
    "添加学习资料",
    "新增资料",
    "上传资料",
    takes="标题和链接，或标题和正文",
    examples=(own.EXAMPLE,),
    needs=Action.PUBLISH,
)
def add(ctx: Context, said: str) -> Reply:
    # As it was written: a link keeps its letters, a text its lines.
    written = own.read(nlu.as_written(ctx.message.text, said))
    row = own.add(ctx.session, ctx.actor, written, now=ctx.now, channel=ctx.message.channel)
    what = "、".join(part for part in (row.link and "链接", row.text and f"正文 {len(row.text)} 字") if part)
    text = (
        f"已添加 {row.id}《{row.title}》（{what}，约 {row.minutes} 分钟）。\n"
        f"大家发 学习资料 或 提问 都能找到，两周内在 今日学习 里提示。错了5分钟内回复 撤销，或发：删除资料 {row.id}"
    )
    return Reply(text, undo=Undo(take_back, {"number": row.id}))


@router.undo
def take_back(ctx: Context, number: int) -> str:
    row = own.remove(ctx.session, ctx.actor, number, now=ctx.now, channel=ctx.message.channel)
    return _gone(row)


@router.command(
    "删除资料", "去掉资料", "删除学习资料", takes="编号", examples=("删除资料 1",), needs=Action.PUBLISH
)
def remove(ctx: Context, said: str) -> Answer:
    number, _ = number_in(said)
    row = own.remove(ctx.session, ctx.actor, number, now=ctx.now, channel=ctx.message.channel)
    return Reply(f"{_gone(row)}删错了5分钟内回复 撤销。", undo=Undo(bring_back, {"number": number}))


def _gone(row: OwnMaterial) -> str:
    return f"已去掉资料《{row.title}》，列表和提问里不再出现；学过的时间不变。"


@router.undo
def bring_back(ctx: Context, number: int) -> str:
    row = own.bring_back(ctx.session, ctx.actor, number, now=ctx.now, channel=ctx.message.channel)
    return f"已恢复资料《{row.title}》。看全部请发：学习资料" if row else "这份资料已经不在了。"
