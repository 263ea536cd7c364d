"""学习：今日学习、看全文、学完了记一次；自学可以登记，学习时长随时查。"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot import choices, nlu
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.services import own_material, study, study_time, study_week
from bot.services.study import length
from content.materials import Material

router = Router()


DONE = ("学完", "看完", "学习完", "读完")
"""How a reader says 学完了, without the 了 that is padding."""


class ReadOnOrFinish(Refusal):
    text = "正在看全文。回复 下一页 接着看，学完了 记一次，退出 离开。"


@router.command("今日学习", "学习", "今天学什么", "每日学习", about=("今日学习 今天学 学习材料 学习内容",))
def today(ctx: Context) -> Reply:
    item = study.of_branch(ctx.session, ctx.member.branch_id, ctx.now.date())
    read = study.has_read(ctx.session, ctx.member.id, item.code, ctx.now.year)
    lines = [f"今日学习：{item.title}（约 {item.minutes} 分钟）", item.digest, source_of(item)]
    lines += [f"结合生产：{item.production}"] if item.production else []
    lines += [f"相关网站：{item.link}"] if item.link else []
    words = ["看全文"] if read else ["看全文", "学完了"]
    lines += ["这篇您已经学完。"] if read else []
    lines += [f"{place} {word}" for place, word in enumerate(words, 1)]
    if new := own_material.unread(ctx.session, ctx.member, now=ctx.now)[:1]:
        words.append(f"学习资料 {new[0].id}")
        lines.append(f"{len(words)} 支部资料《{new[0].title}》")
    return Reply("\n".join(lines), choices=tuple(words))


def source_of(item: Material) -> str:
    """Where the text comes from, with a caution when nobody has checked it word by word."""
    doubt = "（请以文件原文为准）" if item.confidence == "check" else ""
    return f"出处：{item.source}{doubt}"


@router.command("看全文", "全文", "看原文")
def whole(ctx: Context) -> Ask:
    item = study.of_branch(ctx.session, ctx.member.branch_id, ctx.now.date())
    return page(item, 0)


def page(item: Material, number: int) -> Ask:
    """One page of the body, counted from 0; the last one carries the source."""
    texts = study.pages(item)
    more = number + 1 < len(texts)
    head = f"{item.title}　{number + 1}/{len(texts)}"
    tail = ["1 下一页", "2 学完了"] if more else [source_of(item), "1 学完了"]
    return Ask(
        "\n".join([head, texts[number], *tail]),
        step=reading,
        data={"code": item.code, "page": number},
        title=f"今日学习进行到第{number + 1}页",
        choices=("下一页", "学完了") if more else ("学完了",),
    )


@router.step(words=("下一页", "上一页", "学完了", *DONE))
def reading(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    item = study.library()[data["code"]]
    said, last = nlu.bare(text), len(study.pages(item)) - 1
    if said == "下一页" and data["page"] < last:
        return page(item, data["page"] + 1)
    if said == "上一页":
        return page(item, max(0, data["page"] - 1))
    if said == "学完了" or said in DONE:
        return finish(ctx, item)
    raise ReadOnOrFinish


@router.command("学完了", *DONE, "已学", "已学完")
def finished(ctx: Context) -> Answer:
    return finish(ctx, study.of_branch(ctx.session, ctx.member.branch_id, ctx.now.date()))


def finish(ctx: Context, item: Material) -> Answer:
    """Record the material and go on to its questions."""
    done = study.finish(ctx.session, ctx.member, item.code, now=ctx.now)
    if done.again:
        return f"《{item.title}》您已经学过，不重复记。回复 答题 练一练，或 学习时长 看今年学了多少。"
    total = study.year_of(ctx.session, ctx.actor, ctx.now).done.total
    lines = [f"已记下：《{item.title}》，{item.minutes} 分钟，今年共学习 {length(total)}。"]
    if award := done.award:
        lines.append(f"+{award.points} 分（{award.rule.dimension}），本季共 {award.total} 分。")
    quiz = choices.run(ctx, "学习小测", item.code)
    if not isinstance(quiz, Ask):
        return "\n".join([*lines, "回复 答题 练一练。"])
    return replace(quiz, text="\n".join([*lines, quiz.text]))


@router.command(
    "登记",
    "登记学习",
    "学习登记",
    takes="学了什么和多长时间",
    examples=("登记 学习强国 25分钟", "登记 国资e学 1小时", "登记 自学党章 半小时"),
)
def record(ctx: Context, said: str) -> Reply:
    row = study.record(ctx.session, ctx.member, said, now=ctx.now)
    total = study.year_of(ctx.session, ctx.actor, ctx.now).done.total
    text = (
        f"已登记：{row.what} {row.minutes} 分钟。今年共学习 {length(total)}。\n记错了可在5分钟内回复 撤销。"
    )
    return Reply(text, undo=Undo(forget, {"record": row.id}))


@router.undo
def forget(ctx: Context, record: int) -> str:
    row = study.forget(ctx.session, ctx.member, record)
    if row is None:
        return "这条登记已经不在了。"
    ctx.session.flush()
    total = study.year_of(ctx.session, ctx.actor, ctx.now).done.total
    return f"已撤销登记：{row.what} {row.minutes} 分钟。今年共学习 {length(total)}。"


@router.command(
    "学习时长",
    "学时",
    "我的学时",
    "学习时间",
    about=("学时 学习时长 学习时间 学了多久 学了多少 学了几个小时",),
)
def hours(ctx: Context) -> str:
    year = study.year_of(ctx.session, ctx.actor, ctx.now)
    done, weeks = year.done, study_week.of_member(ctx.session, ctx.member.id, ctx.now)
    return "\n".join(
        [
            f"{ctx.now.year}年学习 {length(done.total)}，合 {year.hours:.1f} 学时，一年要求 {year.asked} 学时。",
            f"学完的材料 {length(done.materials)}",
            f"自己登记的 {length(done.records)}",
            f"到会的{'、'.join(study_time.studies())}（结束后计入）{length(done.activities)}",
            f"还差 {length(year.left)}。" if year.left else "已达到要求。",
            f"学习周：{study_week.described(weeks)}",
            f"{year.per_hour} 分钟算 1 学时，以支部认定为准。回复 今日学习，或 登记 学习强国 25分钟。",
        ]
    )
