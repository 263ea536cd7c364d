"""谁没报名、谁没签到，催一下只提醒这几位。"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.chat import Answer, Context, Reply, Router
from bot.choices import run, which
from bot.journal import keep
from bot.models.activity import Activity, SignUpState
from bot.services import activity as activities
from bot.services import attendance, missing, quorum, setting
from bot.services.permission import Action

router = Router()
NUDGE_HINT = "回复 催一下（或 1）只提醒这几位。"


@dataclass(frozen=True, slots=True)
class Listing:
    """One of the two lists of people who are missing: who has not answered, or who is not ``there``.

    ``wanted`` says which activities it may be about when no number is told; only ``still`` can somebody be nudged.
    """

    word: str
    nudged: str
    there: bool
    missing: str
    nobody: str
    wanted: Callable[[Activity, datetime], bool]
    still: Callable[[Activity, datetime], bool]
    figures: Callable[[Context, Activity], str]


def _answers(ctx: Context, activity: Activity) -> str:
    counts = activities.states(ctx.session, activity.id)
    queue = f"，候补 {counts[SignUpState.WAITS]}（限 {activity.capacity} 人）" if activity.capacity else ""
    return (
        f"已报名 {counts[SignUpState.SIGNED_UP]}，请假 {counts[SignUpState.LEAVE_GRANTED]}，"
        f"待批 {counts[SignUpState.LEAVE_ASKED]}{queue}。"
    )


def _presence(ctx: Context, activity: Activity) -> str:
    votes = quorum.of(ctx.session, activity, now=ctx.now)
    enough = f"\n{votes}。" if votes is not None else ""
    return f"{attendance.counts(ctx.session, activity.id)}。{enough}"


SILENT = Listing(
    word="谁没报名",
    nudged="报名",
    there=False,
    missing="没回复",
    nobody="大家都回复了。",
    wanted=lambda one, now: one.starts_at > now,
    still=lambda one, now: True,
    figures=_answers,
)
ABSENT = Listing(
    word="谁没签到",
    nudged="签到",
    there=True,
    missing="没签到",
    nobody="该到的都签到了。",
    wanted=attendance.is_open,
    still=attendance.is_open,
    figures=_presence,
)


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
    about=("谁没报名 谁还没报名 谁没有报名 没报名 没报名的 没有报名的 谁没回复",),
    needs=Action.SEE_GROUP,
)
def silent(ctx: Context, text: str = "") -> Answer:
    return _list(ctx, text, SILENT)


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
    about=("谁没签到 谁还没签到 谁没有签到 没签到 没签到的 没有签到的 谁没来",),
    needs=Action.SEE_GROUP,
)
def absent(ctx: Context, text: str = "") -> Answer:
    return _list(ctx, text, ABSENT)


def _list(ctx: Context, text: str, what: Listing) -> Answer:
    number, _ = activities.number_in(text)
    managed = activities.managed(ctx.session, ctx.actor, Action.SEE_GROUP, number)
    found = [one for one in managed if number or what.wanted(one, ctx.now)]
    if not found and what.there:
        return "现在没有正在签到的活动（活动开始前60分钟起可以签到）。回复 主题党日 看看安排。"
    return _of(ctx, found[0], what) if len(found) == 1 else which(ctx, what.word, found)


def _of(ctx: Context, activity: Activity, what: Listing) -> Answer:
    people = missing.missing(ctx.session, ctx.actor, activity, there=what.there)
    head = f"{activities.short(activity, ctx.now)}\n{what.figures(ctx, activity)}"
    if not people:
        return f"{head}\n{_scope(ctx)}{what.nobody}"
    text = f"{head}\n{what.missing} {len(people)} 人：\n{_grouped(people)}"
    if not what.still(activity, ctx.now):
        return text
    return Reply(f"{text}\n{NUDGE_HINT}", choices=(f"催一下 {what.nudged} #{activity.id}",))


def _scope(ctx: Context) -> str:
    """A group's leader sees the own group only, and is told so."""
    return "" if ctx.actor.may(Action.SEE_BRANCH) else "您负责的范围内"


def _grouped(people: list[missing.Missing]) -> str:
    groups = missing.by_group(people)
    return "\n".join(f"{group} {len(names)} 人：{'、'.join(names)}" for group, names in groups.items())


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
