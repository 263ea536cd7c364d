"""关键任务：看自己的、看本支部的、看一项的经过。"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from sqlalchemy import exists

from bot import choices
from bot.chat import Answer, Context, Reply, Router, Waiting
from bot.errors import Refusal
from bot.models.activity import Activity
from bot.models.key_task import KeyTask, TaskState
from bot.models.organisation import Organisation
from bot.services import key_task
from bot.services.key_task import Task, Told
from bot.services.key_task_line import number_in
from bot.services.permission import HAS_A_ROLE, Action
from bot.services.points import short
from bot.times import local

router = Router()

SHOWN = 8
LAST_STEPS, LAST_ACTIVITIES = 5, 2
_PAGE = re.compile(r"第?\s*(\d{1,3})\s*页")
_PERCENT = re.compile(r"(?:已经?)?(?:完成|做完|进度)?(?:了|到)?\s*\d{1,4}\s*%")
_WORDS = {
    "进度": "进度", "求助": "求助", "完成": "完成任务", "做完": "完成任务", "确认": "确认任务", "退回": "退回任务", "回复": "回复任务",
    "取消": "取消任务",
}  # fmt: skip
"""What follows a number, and the command that it means."""
_OWN = ("完成", "做完", "进度", "求助")
"""Which of them an owner says without a number, too."""
_HOW = re.compile(r"怎么|怎样|如何|什么|咋")
HOW = (
    "报进度：进度 RW12 60% 完成停电申请\n有困难：求助 RW12 缺吊车\n做完了：完成任务 RW12，再由支部书记或委员确认\n"
    "编号发 我的任务 可以看到；按期完成、确认后自动记分"
)
_ENDED = ("已完成", "完成", "完成的", "历史", "已取消", "办结")
_STATES = {"逾期": "逾期", "求助": "求助", "待确认": "待确认", "临近": "临近", "正常": "正常"}


class NotUnderstood(Refusal):
    text = "没看懂“{said}”。可以写：任务；任务 RW12；任务 逾期；任务 已完成；任务 张伟"


class NoSuchPage(Refusal):
    text = "没有第 {page} 页。发 {word} 从头看。"


# Lists ------------------------------------------------------------------------------------------------------------------


@router.command(
    "我的任务",
    "我负责的任务",
    takes="页码",
    optional=True,
    examples=("我的任务", "我有什么任务"),
    about=("我 我的 我有", "任务"),
)
def mine(ctx: Context, text: str = "") -> Answer:
    if text and not _PAGE.search(text):
        return look(ctx, text)
    tasks = key_task.mine(ctx.session, ctx.member, today=ctx.now.date())
    if not tasks:
        return Reply("您现在没有负责的任务。看支部的请发：任务", choices=("任务",))
    rows = [f"{_named(one)}：{one.until}{_percent(one)}" for one in tasks]
    code = tasks[0].code
    return _page(
        f"您负责的任务 {len(tasks)} 项",
        tasks,
        rows,
        "我的任务",
        text,
        f"回复数字看详情；可发：进度 {code} 60% 情况；求助 {code} 缺什么；完成任务 {code}",
    )


@router.command(
    "任务",
    "关键任务",
    "任务清单",
    "支部任务",
    "看任务",
    "RW",
    "rw",
    takes="编号或状态",
    optional=True,
    examples=("任务", "任务 RW12", "RW12 60%", "任务 逾期", "任务 已完成"),
)
def look(ctx: Context, text: str = "") -> Answer:
    """A list, one task, or, because people say the number first (RW12 完成), what another command does with it."""
    page = _PAGE.search(text)
    said = _PAGE.sub(" ", text).strip() if page else text.strip()
    number, rest = number_in(said)
    if number is not None and not rest:
        return _story(ctx, key_task.find(ctx.session, ctx.actor, number, today=ctx.now.date()))
    if number is not None:
        return _acted(ctx, number, rest)
    if _HOW.search(said):
        return HOW
    branch_id = ctx.actor.branch_id if ctx.actor.may(Action.MANAGE_TASKS) else ctx.member.branch_id
    leads = ctx.actor.may_in(ctx.session, Action.MANAGE_TASKS, branch_id)
    word = next((one for one in _OWN if said.startswith(one)), "")
    if word and not (leads and said == word) and key_task.mine(ctx.session, ctx.member, today=ctx.now.date()):
        return choices.run(ctx, _WORDS[word], said.removeprefix(word).strip("了 "))
    if said in _ENDED:
        return _ended(ctx, branch_id, said, text, leads=leads)
    tasks = key_task.of_branch(ctx.session, branch_id, today=ctx.now.date())
    if said:
        tasks = _chosen(tasks, said)
    if not tasks:
        return _none(said, leads=leads)
    rows = [_row(one, leads=leads) for one in tasks]
    own = branch_id == ctx.member.branch_id
    where = "本支部" if own else ctx.session.get_one(Organisation, branch_id).name
    head = f"{f'“{said}”的' if said else where}任务 {len(tasks)} 项{'' if said else _counts(tasks)}"
    waits = any(one.row.state is TaskState.REPORTED for one in tasks)
    tail = f"可发：{'确认任务' if waits else '新建任务'}；任务 已完成" if leads else "可发：我的任务"
    return _page(head, tasks, rows, f"任务 {said}".strip(), text, f"回复数字看详情；{tail}")


def _acted(ctx: Context, number: int, rest: str) -> Answer:
    """What another command does: RW12 60% 完成停电申请, RW12 求助 缺吊车. What else an owner says of a task is how it goes."""
    task = key_task.find(ctx.session, ctx.actor, number, today=ctx.now.date())
    word = next((one for one in _WORDS if rest.startswith(one)), "")
    if _PERCENT.match(rest):
        word, more = "进度", rest.removeprefix("进度")
    elif word:
        more = rest.removeprefix(word)
    elif _HOW.search(rest) or rest.endswith(("吗", "?")):
        return _story(ctx, task)
    elif task.row.owner_id == ctx.member.id:
        word, more = "进度", rest
    else:
        raise NotUnderstood(said=rest[:12])
    return choices.run(ctx, _WORDS[word], f"{task.code} {more.strip()}".strip())


def _chosen(tasks: Sequence[Task], said: str) -> list[Task]:
    """Those of a state or an owner; :class:`NotUnderstood` for anything else."""
    known = {one.owner.name for one in tasks}
    if said in _STATES:
        return [one for one in tasks if _STATES[said] in one.light]
    if said in known:
        return [one for one in tasks if one.owner.name == said]
    raise NotUnderstood(said=said[:12])


def _none(said: str, *, leads: bool) -> Reply:
    if said:
        return Reply(f"没有“{said}”的任务。看全部请发：任务", choices=("任务",))
    if leads:
        return Reply("本支部还没有正在做的关键任务。可以发：新建任务 城西变检修 张伟 12月20日")
    return Reply("本支部现在没有正在做的关键任务。看自己做完的请发：任务 已完成", choices=("任务 已完成",))


def _ended(ctx: Context, branch_id: int, said: str, text: str, *, leads: bool) -> Reply:
    tasks = key_task.ended(ctx.session, branch_id, today=ctx.now.date())
    if not tasks:
        return Reply("本支部还没有做完的关键任务。看正在做的请发：任务", choices=("任务",))
    rows = [f"{_named(one)} {one.owner.name} {one.light}{_late(one)}" for one in tasks]
    foot = f"回复数字看经过{'；要表格请发：导出 任务台账' if leads else ''}"
    return _page(f"做完和取消的任务 {len(tasks)} 项", tasks, rows, f"任务 {said}", text, foot)


def _late(one: Task) -> str:
    late = one.row.state is TaskState.DONE and one.row.reported_on and one.row.reported_on > one.row.due_on
    return "（超期）" if late else ""


def _counts(tasks: Sequence[Task]) -> str:
    """（逾期 2，求助 1）, for what somebody must act on."""
    kinds = {word: sum(word in one.light for one in tasks) for word in ("逾期", "求助", "待确认")}
    said = "，".join(f"{word} {count}" for word, count in kinds.items() if count)
    return f"（{said}）" if said else ""


def _row(one: Task, *, leads: bool) -> str:
    until = f"{one.row.due_on.month}月{one.row.due_on.day}日"
    if not leads:
        return f"{_named(one)} {one.owner.name} {until}{'，逾期' if one.left < 0 else ''}"
    gone = "" if one.owner.active else "（已离开）"
    return f"{one.light}｜{_named(one)} {one.owner.name}{gone} {until}{_percent(one)}"


def _named(one: Task) -> str:
    return f"{one.code} {short(one.row.name, 14)}"


def _percent(one: Task) -> str:
    return f"，{one.row.progress}%" if one.row.progress and one.row.state is TaskState.OPEN else ""


def _page(head: str, tasks: Sequence[Task], rows: Sequence[str], word: str, text: str, foot: str) -> Reply:
    """Eight tasks of a list; a number opens one, the last one the next page."""
    found = _PAGE.search(text)
    page = max(int(found[1]), 1) if found else 1
    shown = slice((page - 1) * SHOWN, page * SHOWN)
    if not rows[shown]:
        raise NoSuchPage(page=page, word=word)
    lines = [f"{n} {row}" for n, row in enumerate(rows[shown], 1)]
    words = [f"任务 {one.code}" for one in tasks[shown]]
    if len(rows) > page * SHOWN:
        words.append(f"{word} 第{page + 1}页")
        lines.append(f"{len(words)} 还有 {len(rows) - page * SHOWN} 项")
    return Reply("\n".join([head, *lines, foot]), choices=tuple(words))


# One task ---------------------------------------------------------------------------------------------------------------


def _story(ctx: Context, one: Task) -> Reply:
    row = one.row
    category = f"（{row.category}）" if row.category else ""
    gone = "" if one.owner.active else "（已离开）"
    told, count = key_task.story(ctx.session, row, most=LAST_STEPS)
    earlier = [f"（前面还有 {count - len(told)} 条）"] if count > len(told) else []
    leads = ctx.actor.may_in(ctx.session, Action.MANAGE_TASKS, row.branch_id)
    light = f"，{one.light}" if one.light in ("临近", "求助") or one.light.endswith("求助") else ""
    lines = [
        f"{one.title}{category}",
        f"负责人 {one.owner.name}{gone}，期限 {key_task.due(row, ctx.now)}，{one.until}",
        *([f"进度 {row.progress}%{light}"] if row.state is TaskState.OPEN else []),
        *earlier,
        *(_line(ctx, step) for step in told),
        *(_served(ctx, act) for act in key_task.activities_of(ctx.session, row, most=LAST_ACTIVITIES)),
        *_next(ctx, one, leads),
    ]
    decides = leads and row.state is TaskState.REPORTED and row.owner_id != ctx.member.id
    return Reply("\n".join(lines), choices=(f"确认任务 {one.code}",) if decides else ())


def _line(ctx: Context, told: Told) -> str:
    text = f"：{short(told.step.text, 40)}" if told.step.text else ""
    at = local(told.step.at, ctx.now)
    return f"{at.month}-{at.day} {told.who} {told.step.kind.value}{text}"


def _served(ctx: Context, activity: Activity) -> str:
    at = local(activity.starts_at, ctx.now)
    return f"{at.month}-{at.day} {activity.kind}“{short(activity.theme, 20)}”服务本任务"


def _next(ctx: Context, one: Task, leads: bool) -> Iterator[str]:
    """What can be said to it by the reader, who ``leads`` its branch or does not."""
    if one.row.state not in key_task.LIVE:
        return
    code, own = one.code, one.row.owner_id == ctx.member.id
    waits = one.row.state is TaskState.REPORTED
    if own and not waits:
        yield f"可发：进度 {code} 60% 情况；求助 {code} 缺什么；完成任务 {code}"
    elif own:
        yield "已报完成，等支部确认。"
    if leads and waits and not own:
        yield f"回复 1 确认；不行请发：退回任务 {code} 原因"
    elif leads and not waits:
        yield f"可发：回复任务 {code} 内容；改任务 {code} 期限 12月25日；取消任务 {code} 原因；发布活动时可加：服务任务 {code}"


# What waits -------------------------------------------------------------------------------------------------------------


@router.waiting(HAS_A_ROLE & exists().where(KeyTask.state == TaskState.REPORTED))
def to_confirm(ctx: Context) -> Iterator[Waiting]:
    """Tasks that their owners have done, to those in charge."""
    if ctx.actor.may(Action.MANAGE_TASKS):
        tasks = key_task.to_confirm(ctx.session, ctx.actor, today=ctx.now.date())
        if tasks:
            yield Waiting(f"task {tasks[-1].row.id}", f"有 {len(tasks)} 项任务等您确认，回复 确认任务")
