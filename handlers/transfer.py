"""组织关系：党委管理员转接人员、新建和合并支部；离开的人清除个人资料。"""

from __future__ import annotations

import re
from typing import Any

from bot import journal
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import member as people
from bot.services import personal_data, role, transfer
from bot.services.permission import Action

router = Router()

YES_NO = ("确认", "取消")


class WhoAndWhere(Refusal):
    text = "请写姓名和去哪个支部，例如：转出 张三 到 运行党支部。几个人用顿号隔开。"


class WhichTwo(Refusal):
    text = "请写两个支部，例如：合并 运行党支部 到 检修党支部"


@router.command(
    "转出",
    "转入",
    "转接",
    takes="姓名和支部",
    examples=(
        "转出 张三 到 运行党支部",
        "转入 张三、李四 到 运行党支部",
        "转入 第三党小组 到 运行党支部",
    ),
    needs=Action.MOVE_PEOPLE,
)
def move(ctx: Context, text: str) -> Answer:
    names, branch = _two(text, WhoAndWhere)
    to = transfer.branch_named(ctx.session, ctx.actor, branch)
    if names.endswith("党小组"):
        return _group(ctx, transfer.group_named(ctx.session, ctx.actor, names), to)
    members = []
    for name in filter(None, re.split(r"[、,，;；]", names)):
        try:
            members.append(people.find_by_name(ctx.session, ctx.actor, Action.MOVE_PEOPLE, name))
        except people.Namesakes as several:
            return Reply(several.question, choices=several.commands("转出", f"到 {to.name}"))
    lines = []
    for member in members:
        row = transfer.move(ctx.session, ctx.actor, member, to, why="转接", now=ctx.now)
        before = ctx.session.get_one(Organisation, row.from_id)
        _record(ctx, "转接", member, f"{before.name} → {to.name}", to.id)
        lines.append(f"{member.name}：{before.name} → {to.name}")
    return (
        "已转接：\n"
        + "\n".join(lines)
        + "\n积分和记录随人走，原支部职务已停，党小组请用名册重新编。组织关系介绍信请按规定另办。"
    )


def _group(ctx: Context, group: Organisation, to: Organisation) -> str:
    count = transfer.move_group(ctx.session, ctx.actor, group, to, now=ctx.now)
    _record(ctx, "转接党小组", None, f"{group.name} → {to.name}，{count} 人", to.id)
    return f"已把{group.name}转入{to.name}，{count} 人随组转接。\n积分和记录随人走，原支部职务已停，请重新任命。发 名单 {to.name} 查看。"


@router.command(
    "新建党支部",
    "新建支部",
    "新建党总支",
    takes="名称",
    examples=("新建党支部 运行党支部",),
    needs=Action.MOVE_PEOPLE,
)
def found(ctx: Context, name: str) -> str:
    node = transfer.found(ctx.session, ctx.actor, name)
    _record(ctx, "新建组织", None, node.name, node.id)
    return f"已新建{node.name}，现在 0 人。党支部一般要有正式党员 3 人以上，请按程序批复后再用。\n加人请发：转出 姓名 到 {node.name}，或导入名册"


@router.command(
    "合并",
    "合并支部",
    takes="两个支部",
    examples=("合并 运行党支部 到 检修党支部",),
    needs=Action.MOVE_PEOPLE,
)
def merge(ctx: Context, text: str) -> Answer:
    one, other = (transfer.branch_named(ctx.session, ctx.actor, name) for name in _two(text, WhichTwo))
    ask = f"要把{one.name}的人员和党小组并入{other.name}吗？{one.name}的职务同时停止，记录保留。\n1 确认\n2 取消"
    data = {"one": one.id, "other": other.id}
    return Ask(ask, step=merge_confirmed, data=data, title="合并支部", choices=YES_NO)


@router.step(words=YES_NO)
def merge_confirmed(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有合并。发 名单 看各支部人数。"
    if text != "确认":
        return Ask(
            "要合并吗？请回复 确认 或 取消。",
            step=merge_confirmed,
            data=data,
            title="合并支部",
            choices=YES_NO,
        )
    one, other = (ctx.session.get_one(Organisation, data[key]) for key in ("one", "other"))
    count = transfer.merge(ctx.session, ctx.actor, one, other, now=ctx.now)
    _record(ctx, "合并支部", None, f"{one.name} → {other.name}，{count} 人", other.id)
    return f"已把{one.name}并入{other.name}，转过去 {count} 人。发 名单 {other.name} 查看；职务请重新任命。"


def _two(text: str, refusal: type[Refusal]) -> tuple[str, str]:
    found = re.fullmatch(r"(.+?)(?:\s*(?:转到|转入|并入|到|至|和|与)\s*|\s+)(\S+)", text.strip())
    if found is None:
        raise refusal
    return found[1].strip(), found[2].strip()


# Erasing ----------------------------------------------------------------------------------------------------------------


@router.command("清除", "清除资料", takes="姓名", examples=("清除 张三",), needs=Action.MANAGE_PEOPLE)
def erase(ctx: Context, name: str) -> Answer:
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name, active=False)
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("清除"))
    personal_data.require_gone(member, ctx.now)
    role.require_over(ctx.session, ctx.actor, member, "清除", today=ctx.now.date())
    ask = (
        f"要清除{people.full_name(member)}的个人资料吗？账号、手机、工号、聊天、学习、答题、感想、申报内容都会删除，不能恢复。\n"
        "会议记录里的姓名、签到、表决登记和积分台账按规定保留。\n1 确认\n2 取消"
    )
    return Ask(ask, step=erase_confirmed, data={"member": member.id}, title="清除资料", choices=YES_NO)


@router.step(words=YES_NO)
def erase_confirmed(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有清除。发 名单 看人员。"
    if text != "确认":
        return Ask(
            "要清除吗？请回复 确认 或 取消。",
            step=erase_confirmed,
            data=data,
            title="清除资料",
            choices=YES_NO,
        )
    member = ctx.session.get_one(Member, data["member"])
    ctx.actor.on_branch(ctx.session, Action.MANAGE_PEOPLE, member.branch_id)
    gone = personal_data.erase(ctx.session, member, now=ctx.now)
    _record(ctx, "清除个人资料", member, f"{gone} 条", member.branch_id)
    return (
        f"已清除{member.name}的个人资料，删除 {gone} 条。保留：会议记录里的姓名、签到、表决登记、积分台账。"
    )


def _record(ctx: Context, act: str, member: Member | None, detail: str, branch_id: int) -> None:
    journal.note(ctx, act, detail, subject_id=member.id if member else None, branch_id=branch_id)
