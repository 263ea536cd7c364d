"""记录：会上一条一条记要点，可改可删；结束后只能补记。"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from bot import journal, nlu
from bot.chat import Answer, Context, Reply, Router, Undo
from bot.errors import Refusal
from bot.models.activity import Activity
from bot.models.member import Member
from bot.models.minutes import Duty
from bot.services import activity as activities
from bot.services import audit, minutes, recording, seminar_question
from bot.services import duty as duties
from bot.services import member as people
from bot.services.minutes import Line
from bot.services.permission import Action
from bot.times import clock, moment

router = Router()

SHOWN = 8
MOST_SHOWN = 60
EXAMPLE = "记 张伟：线路巡视发现三处隐患"
NOBODY = ("无", "没有", "取消", "不要")
_ACTIVITY = re.compile(r"#\s*(\d{1,9})\s*")
_LINE = re.compile(r"第?\s*(\d{1,4})\s*条?\s*[:：,，、]?\s*(?P<text>.*)", re.DOTALL)
_PAGE = re.compile(r"第?\s*(\d{1,3})\s*页?")
_OTHER_WORDS = re.compile(r"记(?:得|住|者|忆|分|账|性|过)")


class NotALine(Refusal):
    text = "没有记下。要记会议内容，请在“记”后面空一格，例如：" + EXAMPLE


class WhichLine(Refusal):
    text = "没看懂是哪一条。请写编号，例如：{example}"


# Writing ----------------------------------------------------------------------------------------------------------------


@router.command("记", "记一条", "记要点", takes="会议内容", examples=(EXAMPLE, "记 会议开始，王建国主持"))
def note(ctx: Context, said: str) -> Answer:
    if _OTHER_WORDS.match(ctx.message.text.strip()):
        raise NotALine
    number, text = _split(nlu.as_written(ctx.message.text, said))
    found = recording.to_write(ctx.session, ctx.actor, number, now=ctx.now)
    if len(found) > 1:
        return _which(ctx, "记", found, text)
    if not text:
        raise NotALine
    done = minutes.add(ctx.session, ctx.actor, found[0], text, now=ctx.now)
    tail = f"改请发：改记 {done.number} 新内容；删请发：删记 {done.number}；有照片接着发。"
    return Reply(f"{_done('已记', found[0], done)}\n{tail}", undo=_undo(unwrite, found[0], done))


def _split(said: str) -> tuple[int | None, str]:
    """The activity's number in front ("#3 张伟：…") and the rest. A bare number belongs to the text: 3处隐患已整改."""
    found = _ACTIVITY.match(said)
    return (int(found[1]), said[found.end() :]) if found else (None, said)


def _done(verb: str, activity: Activity, line: Line) -> str:
    return f"{verb}第 {line.number} 条（{activities.title(activity)}）：{_short(line)}"


def _short(line: Line) -> str:
    text = str(line)
    return text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"


def _undo(act: Callable[..., str], activity: Activity, line: Line) -> Undo:
    return Undo(act, {"activity": activity.id, "number": line.number})


@router.undo
def unwrite(ctx: Context, activity: int, number: int) -> str:
    return _removed(ctx, recording.numbered(ctx.session, ctx.actor, activity), number).text


@router.command(
    "补记", takes="会议内容", examples=("补记 张伟：整改已于12月8日完成", "补记 #3 会议照片已归档")
)
def add_later(ctx: Context, said: str) -> Answer:
    number, text = _split(nlu.as_written(ctx.message.text, said))
    found = recording.to_add_to(ctx.session, ctx.actor, number, now=ctx.now)
    if len(found) > 1 and not _ended_today(ctx, found):
        return _which(ctx, "补记", found, text)
    if not text:
        raise NotALine("没有补记。请写内容，例如：补记 张伟：整改已完成")
    done = minutes.add_later(ctx.session, ctx.actor, found[0], text, now=ctx.now)
    journal.keep(ctx, "补记", found[0], f"第 {done.number} 条")
    tail = f"标明为 {moment(ctx.now, ctx.now)} 补记，不能再改；写错了请再补记一条更正。可发 导出 会议记录。"
    return Reply(f"{_done('已补记', found[0], done)}\n{tail}")


def _ended_today(ctx: Context, found: Sequence[Activity]) -> bool:
    """Whether only the newest was ended today: then no question is needed which one is meant."""
    midnight = ctx.now.replace(hour=0, minute=0, second=0, microsecond=0)
    today = [one for one in found if one.ended_at and one.ended_at >= midnight]
    return today == list(found[:1])


# Correcting -------------------------------------------------------------------------------------------------------------


@router.command("改记", "修改记录", takes="编号和新内容", examples=("改记 3 张伟：线路巡视发现两处隐患",))
def change(ctx: Context, said: str) -> Answer:
    activity, number, text = _meant(ctx, "改记", said)
    if activity is None:
        return _which(ctx, "改记", recording.to_write(ctx.session, ctx.actor, None, now=ctx.now), said)
    if not text:
        raise WhichLine(example=f"改记 {number} 张伟：线路巡视发现两处隐患")
    before, done = minutes.change(ctx.session, ctx.actor, activity, number, text, now=ctx.now)
    journal.keep(ctx, "改记", activity, f"第 {number} 条 {before} → {done}")
    undo = Undo(unchange, {"activity": activity.id, "number": number, "text": before})
    return Reply(f"{_done('已改', activity, done)}\n改错了5分钟内回复 撤销；看全部请发：记录", undo=undo)


@router.undo
def unchange(ctx: Context, activity: int, number: int, text: str) -> str:
    one = recording.numbered(ctx.session, ctx.actor, activity)
    before, done = minutes.change(ctx.session, ctx.actor, one, number, text, now=ctx.now)
    journal.keep(ctx, "改记", one, f"第 {number} 条 {before} → {done}")
    return f"{_done('已改回', one, done)}\n看全部请发：记录"


@router.command("删记", "删除记录", takes="编号", examples=("删记 3",))
def remove(ctx: Context, said: str) -> Answer:
    activity, number, _ = _meant(ctx, "删记", said)
    if activity is None:
        return _which(ctx, "删记", recording.to_write(ctx.session, ctx.actor, None, now=ctx.now), said)
    return _removed(ctx, activity, number)


def _removed(ctx: Context, activity: Activity, number: int) -> Reply:
    gone = minutes.remove(ctx.session, ctx.actor, activity, number, now=ctx.now)
    journal.keep(ctx, "删记", activity, f"第 {number} 条 {gone}")
    text = f"{_done('已删', activity, gone)}\n其他条的编号不变。删错了5分钟内回复 撤销；看全部请发：记录"
    return Reply(text, undo=_undo(unremove, activity, gone))


@router.undo
def unremove(ctx: Context, activity: int, number: int) -> str:
    one = recording.numbered(ctx.session, ctx.actor, activity)
    back = minutes.restore(ctx.session, ctx.actor, one, number, now=ctx.now)
    journal.keep(ctx, "恢复记录", one, f"第 {number} 条")
    return f"{_done('已恢复', one, back)}\n看全部请发：记录"


def _meant(ctx: Context, word: str, said: str) -> tuple[Activity | None, int, str]:
    """The activity, the line's number and the rest of "3 张伟：…"; no activity when several are open and none was named."""
    number, rest = _split(nlu.as_written(ctx.message.text, said))
    line = _LINE.fullmatch(rest)
    if line is None:
        raise WhichLine(example=f"{word} 3" + (" 张伟：线路巡视发现两处隐患" if word == "改记" else ""))
    found = recording.to_write(ctx.session, ctx.actor, number, now=ctx.now)
    return (found[0] if len(found) == 1 else None), int(line[1]), line["text"].strip()


# Looking ----------------------------------------------------------------------------------------------------------------


@router.command(
    "记录", "会议记录", "看记录", "活动记录", takes="页", optional=True, examples=("记录", "记录 第2页")
)
def show(ctx: Context, said: str = "") -> Answer:
    """The last lines, older pages by number. What is more than a page's number was meant as a line: 记录 张伟：……

    To who may read the log of acts, somebody's name alone means that: 记录 张三.
    """
    if audit.is_somebody(ctx.session, ctx.actor, journal.whose(said)[0]):
        return journal.page(ctx, said)
    number, rest = _split(said)
    page = _PAGE.fullmatch(rest)
    if rest and page is None:
        return note(ctx, said)
    activity = recording.to_read(ctx.session, ctx.actor, number, now=ctx.now)
    return _shown(ctx, activity, minutes.lines(ctx.session, activity.id), int(page[1]) if page else 1)


def _shown(ctx: Context, activity: Activity, lines: list[Line], page: int) -> Reply:
    head = f"{activities.short(activity, ctx.now)}：共 {len(lines)} 条{_asked(ctx, activity)}"
    end = len(lines) - (page - 1) * SHOWN
    shown = lines[max(end - SHOWN, 0) : max(end, 0)]
    if not shown:
        return Reply(f"{head}{'，没有这一页' if lines else '，还没有记'}。{_next(activity)}")
    older = max(end - SHOWN, 0)
    more = (f"记录 #{activity.id} 第{page + 1}页",) if older else ()
    tail = f"前面还有 {older} 条，回复 1 查看。" if older else _next(activity)
    return Reply("\n".join([head, *(_row(ctx, one) for one in shown), tail]), choices=more)


def _asked(ctx: Context, activity: Activity) -> str:
    """What was asked for a seminar, which the minutes will have as well."""
    asked = seminar_question.of_activities(ctx.session, [activity.id])[activity.id]
    answered = sum(bool(one.answer) for one in asked)
    told = f"，研讨提问 {len(asked)} 条、已答复 {answered} 条（看请发：研讨问题 #{activity.id}）"
    return told if asked else ""


def _row(ctx: Context, line: Line) -> str:
    photos = f"（照片{line.photos}）" if line.photos else ""
    later = f"（{moment(line.at, ctx.now)}补记）" if line.later else ""
    return f"{line.number}｜{clock(line.at, ctx.now)} {_short(line)}{photos}{later}"


def _next(activity: Activity) -> str:
    return "补充请发：补记 内容；要文件请发：导出 会议记录" if activity.ended_at else f"接着记请发：{EXAMPLE}"


# Who leads and who writes -----------------------------------------------------------------------------------------------


@router.command(
    "记录员", "记录人", "指定记录员", takes="姓名", examples=("记录员 张伟",), needs=Action.PUBLISH
)
def name_recorder(ctx: Context, said: str) -> Answer:
    return _named(ctx, Duty.RECORDER, "记录员", said)


@router.command(
    "主持人", "主持", "指定主持人", takes="姓名", examples=("主持人 王建国",), needs=Action.PUBLISH
)
def name_host(ctx: Context, said: str) -> Answer:
    return _named(ctx, Duty.HOST, "主持人", said)


def _named(ctx: Context, duty: Duty, word: str, said: str) -> Answer:
    number, names = _split(said)
    found = duties.to_staff(ctx.session, ctx.actor, number, duty, now=ctx.now)
    if len(found) > 1:
        return _which(ctx, word, found, names)
    members = _people(ctx, names)
    before = duties.assign(ctx.session, ctx.actor, found[0], duty, members, now=ctx.now)
    who = "、".join(one.name for one in members) or "无"
    journal.keep(ctx, f"指定{duty}", found[0], who)
    told = "，正在通知本人" if duty is Duty.RECORDER and members != [ctx.member] and members else ""
    text = f"{activities.short(found[0], ctx.now)}的{duty}：{who}{told}。\n可以发：记 内容、记录、签到码；指定错了5分钟内回复 撤销。"
    return Reply(text, undo=Undo(unname, {"activity": found[0].id, "duty": duty.value, "members": before}))


def _people(ctx: Context, names: str) -> list[Member]:
    """The people of a list of names; nobody for 无."""
    if names in NOBODY:
        return []
    said = [name for name in re.split(r"[、,，;；]\s*", names) if name.strip()]
    found = [people.find_by_name(ctx.session, ctx.actor, Action.PUBLISH, name.strip()) for name in said]
    return list(dict.fromkeys(found))


@router.undo
def unname(ctx: Context, activity: int, duty: str, members: list[int]) -> str:
    one = activities.managed(ctx.session, ctx.actor, Action.PUBLISH, activity)[0]
    back = [ctx.session.get_one(Member, number) for number in members]
    duties.assign(ctx.session, ctx.actor, one, Duty(duty), back, now=ctx.now)
    who = "、".join(member.name for member in back) or "无"
    journal.keep(ctx, f"指定{duty}", one, who)
    return f"已撤销，{activities.short(one, ctx.now)}的{duty}：{who}。"


def _which(ctx: Context, word: str, found: Sequence[Activity], rest: str) -> Reply:
    text, words = activities.choice(found, word, rest, now=ctx.now)
    return Reply(text, choices=words)
