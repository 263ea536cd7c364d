"""我的：待办、下次活动、学习和积分；支部信息、名单、我的数据；停用和恢复。"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from sqlalchemy import func, select

from bot import journal
from bot.chat import Answer, Ask, Context, Reply, Router
from bot.errors import Refusal
from bot.models.activity import SignUpState
from bot.models.member import Member
from bot.services import branch as branches
from bot.services import (
    key_task,
    personal_data,
    phone,
    point_account,
    receipt,
    role,
    secondment,
    sign_up,
    study,
    study_week,
    verdict,
)
from bot.services import member as people
from bot.services.branch import BranchView, Listed
from bot.services.member import Namesakes
from bot.services.permission import Action
from bot.times import moment

router = Router()

_STATES = {
    SignUpState.WAITS: "候补",
    SignUpState.INVITED: "还没回复",
    SignUpState.SIGNED_UP: "已报名",
    SignUpState.LEAVE_ASKED: "请假待批",
    SignUpState.LEAVE_GRANTED: "已准假",
}


class NoSuchBranch(Refusal):
    text = "没有找到您能看的支部“{name}”。发 名单 看看有哪些。"


# About oneself ----------------------------------------------------------------------------------------------------------


@router.command("我的", "个人中心", "我的待办")
def mine(ctx: Context) -> str:
    now, member = ctx.now, ctx.member
    standing = point_account.standing(ctx.session, member.id, now)
    year = study.year_of(ctx.session, ctx.actor, now)
    weeks = study_week.of_member(ctx.session, member.id, now)
    todo = list(_to_do(ctx))
    return "\n".join(
        [
            f"{member.name}，您的情况：",
            "待办：" + ("；".join(todo) if todo else "没有"),
            _next_activity(ctx),
            f"学习：{now.year}年 {year.hours:.1f}/{year.asked} 学时",
            f"学习周：{study_week.described(weeks)}",
            f"积分：本季 {standing.total} 分，全年 {standing.year} 分",
            "可发：今日学习、主题党日、积分、我的申报、我的数据",
        ]
    )


def _to_do(ctx: Context) -> Iterator[str]:
    """What waits for the member, each with the word that does it."""
    unconfirmed = len(receipt.to_confirm(ctx.session, ctx.member, now=ctx.now))
    if unconfirmed:
        yield f"{unconfirmed} 条通知没确认（收到）"
    open_ones = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    unanswered = sum(
        row.state is SignUpState.INVITED and activity.signup_closes_at > ctx.now
        for activity, row in open_ones
    )
    if unanswered:
        yield f"{unanswered} 个活动没回复（报名）"
    tasks = len(key_task.mine(ctx.session, ctx.member, today=ctx.now.date()))
    if tasks:
        yield f"{tasks} 项任务（我的任务）"
    if ctx.actor.may(Action.REVIEW):
        cases = len(verdict.waiting(ctx.session, ctx.actor, on=ctx.now.date()))
        if cases:
            yield f"{cases} 件待审核（审核）"


def _next_activity(ctx: Context) -> str:
    coming = sign_up.to_answer(ctx.session, ctx.member, now=ctx.now)
    if not coming:
        return "下次活动：还没有安排"
    activity, row = coming[0]
    return f"下次活动：{moment(activity.starts_at, ctx.now)} {activity.theme}，{activity.place}，{_STATES[row.state]}"


@router.command(
    "我的数据",
    "我的资料",
    "我的信息",
    "个人信息",
    takes="哪一类",
    optional=True,
    examples=("我的数据", "我的数据 积分"),
)
def my_data(ctx: Context, kind: str = "") -> str:
    """All kinds with their counts, or the newest rows of one kind."""
    if kind:
        label, rows = personal_data.newest(ctx.session, ctx.member.id, kind, ctx.now)
        return "\n".join([f"您的{label}，最近 {len(rows)} 条：", *rows, "看全部种类请发：我的数据"])
    member = ctx.member
    kept = people.stored(ctx.session, member, today=ctx.now.date())
    lines = [
        f"{member.name}，系统里存着您的：",
        f"支部：{kept.branch}{'，' + kept.group if kept.group else ''}{'，' + member.crew if member.crew else ''}",
        f"身份：{member.status.value}{'，' + str(member.joined_on) + '入党' if member.joined_on else ''}",
    ]
    away = secondment.current(ctx.session, member.id, ctx.now.date())
    if away:
        lines.append(f"借调：{away[0]}，到 {away[1]}")
    if kept.roles:
        lines.append(f"职务：{'、'.join(kept.roles)}")
    lines.append(f"账号：{member.account or '无'}；工号：{member.staff_no or '无'}；手机：{_phone(ctx)}")
    lines.append(f"绑定渠道：{'、'.join(_CHANNELS.get(one, one) for one in kept.channels) or '无'}")
    counts = (f"{one.label}{one.count}条" for one in personal_data.kept(ctx.session, member.id))
    lines.append("记录：" + ("、".join(counts) or "还没有"))
    lines.append("您发的话不保存，答复存根保留30天。看内容请发，例如：我的数据 积分")
    lines.append("信息有误请联系支部书记更正；离开后可以请书记清除。")
    return "\n".join(lines)


_CHANNELS = {"wecom": "企业微信", "oa": "公众号"}


def _phone(ctx: Context) -> str:
    if not ctx.member.phone:
        return "无"
    number = phone.unseal(ctx.member.phone, ctx.settings.secret_key.get_secret_value())
    return f"{phone.mask(number)}（加密保存）" if number else "加密保存，无法读取"


# About the branch -------------------------------------------------------------------------------------------------------


@router.command("支部信息", "支部情况", "支部概况", "支部委员")
def branch(ctx: Context) -> str:
    view = branches.branch_view(ctx.session, ctx.actor.branch_id, today=ctx.now.date())
    return "\n".join([*_figures(view), view.check, _next_words(ctx)])


def _figures(view: BranchView) -> Iterator[str]:
    yield f"{view.name}：共 {view.people} 人"
    yield "，".join(f"{status.value} {count}" for status, count in view.statuses)
    if view.committee:
        yield "；".join(f"{role.value} {'、'.join(names)}" for role, names in view.committee)
    for name, count, leaders in view.groups[:6]:
        yield f"{name} {count} 人{'，组长 ' + '、'.join(leaders) if leaders else '，还没有组长'}"
    if view.guests:
        yield "借调来的：" + "、".join(f"{one.name}（{one.home}，到 {one.until}）" for one in view.guests[:8])
    if len(view.groups) > 6:
        yield f"另有 {len(view.groups) - 6} 个党小组"


def _next_words(ctx: Context) -> str:
    return "可发：名单、体检" if ctx.actor.may(Action.SEE_BRANCH) else "可发：主题党日、我的"


@router.command(
    "名单",
    "支部名单",
    "人员名单",
    "党员名单",
    takes="支部名",
    optional=True,
    examples=("名单",),
    needs=Action.SEE_GROUP,
)
def roster(ctx: Context, name: str = "") -> Reply:
    seen = [(b, n) for b, n in branches.branches(ctx.session, ctx.actor, Action.SEE_GROUP) if name in b.name]
    if name and not seen:
        raise NoSuchBranch(name=name[:12])
    if len(seen) > 1:
        lines = "\n".join(f"{n} {one.name} {count} 人" for n, (one, count) in enumerate(seen[:10], 1))
        more = f"\n共 {len(seen)} 个支部，也可发：名单 支部名" if len(seen) > 10 else ""
        return Reply(
            f"您能看的支部：\n{lines}{more}\n回复数字看名单。",
            choices=tuple(f"名单 {one.name}" for one, _ in seen[:10]),
        )
    listed = branches.listed(ctx.session, ctx.actor, seen[0][0].id if seen else None)
    return Reply(
        "\n".join(
            _list_lines(
                listed, seen[0][0].name if seen else "您的党小组", ctx.actor.may(Action.MANAGE_PEOPLE)
            )
        )
    )


def _list_lines(listed: list[Listed], title: str, manages: bool) -> Iterator[str]:
    groups: dict[str, list[str]] = defaultdict(list)
    for one in listed:
        groups[one.group].append(f"{one.name}（{one.mark}）" if one.mark else one.name)
    yield f"{title}：{len(listed)} 人"
    for group, names in groups.items():
        yield f"{group} {len(names)} 人：{'、'.join(names)}"
    unbound = sum(one.mark == "未绑定" for one in listed)
    lost = sum(one.mark == "联系不上" for one in listed)
    yield f"未绑定 {unbound} 人，联系不上 {lost} 人。"
    yield "发口令请说：口令 姓名" if manages else "可发：谁没报名、支部信息"


# Leaving and coming back ------------------------------------------------------------------------------------------------


@router.command("停用", takes="姓名", examples=("停用 张三",), needs=Action.MANAGE_PEOPLE)
def leave(ctx: Context, name: str) -> Answer:
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name)
    except Namesakes as several:
        return Reply(several.question, choices=several.commands("停用"))
    role.require_over(ctx.session, ctx.actor, member, "停用", today=ctx.now.date())
    text = f"要停用{people.full_name(member)}吗？停用后不能再用，职务权限同时停止，以往记录都保留。\n1 确认\n2 取消"
    return Ask(
        text, step=leave_confirmed, data={"member": member.id}, title="停用人员", choices=("确认", "取消")
    )


@router.step(words=("确认", "取消"))
def leave_confirmed(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if text == "取消":
        return "没有停用。发 名单 看人员。"
    member = ctx.session.get_one(Member, data["member"])
    if text != "确认":
        ask = f"要停用{member.name}吗？请回复 确认 或 取消。"
        return Ask(ask, step=leave_confirmed, data=data, title="停用人员", choices=("确认", "取消"))
    ctx.actor.on_branch(ctx.session, Action.MANAGE_PEOPLE, member.branch_id)
    ended = people.deactivate(ctx.session, ctx.actor, member, now=ctx.now)
    roles = "、".join(one.value for one in ended)
    journal.keep_of(ctx, "停用", member, roles)
    also = f"，{roles}权限已停" if roles else ""
    return f"已停用{member.name}{also}，本支部在册 {_count(ctx, member)} 人。回来时请发：恢复 {member.name}；不再回来、要删个人资料请发：清除 {member.name}"


@router.command("恢复", takes="姓名", examples=("恢复 张三",), needs=Action.MANAGE_PEOPLE)
def come_back(ctx: Context, name: str) -> Answer:
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name, active=False)
    except Namesakes as several:
        return Reply(several.question, choices=several.commands("恢复"))
    people.reactivate(member)
    journal.keep_of(ctx, "恢复", member, "")
    return f"已恢复{member.name}，以往记录都在，本支部在册 {_count(ctx, member)} 人。职务要重新任命；需要绑定请发：口令 {member.name}"


def _count(ctx: Context, member: Member) -> int:
    ctx.session.flush()
    return (
        ctx.session.scalar(select(func.count()).where(Member.branch_id == member.branch_id, Member.active))
        or 0
    )
