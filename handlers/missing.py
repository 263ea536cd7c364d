"""谁没报名、谁没签到，催一下只提醒这几位。"""

from __future__ import annotations

import re

from bot.chat import Answer, Context, Reply, Router
from bot.choices import run, which
from bot.journal import keep
from bot.models.activity import Activity, SignUpState
from bot.services import activity as activities
from bot.services import attendance, missing, quorum, setting
from bot.services.permission import Action

router = Router()
NUDGE_HINT = "回复 催一下（或 1）只提醒这几位。"


@router.command(
    "谁没报名",
    "谁没报名的",
    "谁还没报名",
    "没报名",
    "没报名的",
    "报名情况",
    "报名名单",
    "谁没回复",
    takes="活动编号",
    optional=True,
    examples=("谁没报名", "还有谁没报名"),
    about=("谁没报名 谁还没报名 没报名 没报名的 谁没回复",),
    needs=Action.SEE_GROUP,
)
def silent(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = [
        one
        for one in activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
        if number or one.starts_at > ctx.now
    ]
    if len(found) != 1:
        return which(ctx, "谁没报名", found)
    activity = found[0]
    people = missing.missing(ctx.session, ctx.actor, activity, there=False)
    counts = activities.states(ctx.session, activity.id)
    head = f"{activities.short(activity, ctx.now)}\n已报名 {counts[SignUpState.SIGNED_UP]}，请假 {counts[SignUpState.LEAVE_GRANTED]}，待批 {counts[SignUpState.LEAVE_ASKED]}{_queue(activity, counts)}。"
    if not people:
        return f"{head}\n{'您负责的范围内' if _only_group(ctx) else ''}大家都回复了。"
    return Reply(
        f"{head}\n没回复 {len(people)} 人：\n{_grouped(people)}\n{NUDGE_HINT}",
        choices=(f"催一下 报名 #{activity.id}",),
    )


def _queue(activity: Activity, counts: dict[SignUpState, int]) -> str:
    limit = f"（限 {activity.capacity} 人）" if activity.capacity else ""
    return f"，候补 {counts[SignUpState.WAITS]}{limit}" if limit else ""


def _only_group(ctx: Context) -> bool:
    return not ctx.actor.may(Action.SEE_BRANCH)


def _grouped(people: list[missing.Missing]) -> str:
    groups = missing.by_group(people)
    return "\n".join(f"{group} {len(names)} 人：{'、'.join(names)}" for group, names in groups.items())


@router.command(
    "谁没签到",
    "谁还没签到",
    "没签到",
    "没签到的",
    "签到情况",
    "谁没来",
    takes="活动编号",
    optional=True,
    examples=("谁没签到", "还有谁没签到"),
    about=("谁没签到 谁还没签到 没签到 没签到的 谁没来",),
    needs=Action.SEE_GROUP,
)
def absent(ctx: Context, text: str = "") -> Answer:
    number, _ = activities.number_in(text)
    found = [
        one
        for one in activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
        if number or attendance.is_open(one, ctx.now)
    ]
    if not found:
        return "现在没有正在签到的活动（活动开始前60分钟起可以签到）。回复 主题党日 看看安排。"
    if len(found) != 1:
        return which(ctx, "谁没签到", found)
    activity = found[0]
    people = missing.missing(ctx.session, ctx.actor, activity, there=True)
    head = f"{activities.short(activity, ctx.now)}\n{attendance.counts(ctx.session, activity.id)}。"
    if (votes := quorum.of(ctx.session, activity, now=ctx.now)) is not None:
        head += f"\n{votes}。"
    if not people:
        return f"{head}\n该到的都签到了。"
    if not attendance.is_open(activity, ctx.now):
        return f"{head}\n没签到 {len(people)} 人：\n{_grouped(people)}"
    return Reply(
        f"{head}\n没签到 {len(people)} 人：\n{_grouped(people)}\n{NUDGE_HINT}",
        choices=(f"催一下 签到 #{activity.id}",),
    )


@router.command(
    "催一下",
    "催",
    "催办",
    "催报名",
    takes="报名或签到",
    optional=True,
    examples=("催一下", "催一下 签到", "催一下 报名 #3"),
    needs=Action.SEE_GROUP,
)
def nudge(ctx: Context, text: str = "") -> Answer:
    """Nudge the silent, or during check-in those not there. Alone it means the people of the list that was just shown."""
    shown = "" if text else ctx.talk.chosen(1) or ""
    if shown.startswith("催回执"):
        return run(ctx, "催回执", shown.removeprefix("催回执").strip())
    text = text or shown.removeprefix("催一下").strip() if shown.startswith("催一下") else text
    number, _ = activities.number_in(re.sub(r"^(?:报名|签到)\s*", "", text))
    found = activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
    there = [one for one in found if attendance.is_open(one, ctx.now) and not text.startswith("报名")]
    coming = [one for one in found if one.starts_at > ctx.now and not text.startswith("签到")]
    wanted = there or coming
    if len(wanted) != 1:
        return which(ctx, f"催一下 {'签到' if there else '报名'}", wanted)
    names = missing.nudge(ctx.session, ctx.actor, wanted[0], there=bool(there), now=ctx.now)
    keep(ctx, "催签到" if there else "催报名", wanted[0], f"{len(names)}人")
    more = "谁没签到" if there else "谁没报名"
    hours = setting.rules(ctx.session, wanted[0].branch_id).nudge_hours
    return f"正在提醒 {len(names)} 人：{'、'.join(names)}。\n每人{hours}小时内只提醒一次。过一会儿可以再看 {more}。"
