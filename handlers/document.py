"""导出：会议记录、签到表、通知、表决结果、台账、手册、题目，从已记录的事实生成，给十分钟有效的下载链接。"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from bot.cards import Article
from bot.chat import Answer, Context, Reply, Router
from bot.errors import Refusal
from bot.models.activity import Activity
from bot.models.ballot import Vote
from bot.models.notice import Notice
from bot.services import activity as activities
from bot.services import download, key_task_ledger, question_file, record
from bot.services.download import DocumentKind, Wanted
from bot.services.permission import Action
from bot.times import clock, local, moment

router = Router()

FIRST_YEAR = 2000
MOST_OTHERS = 4
WORDS = (
    "导出 本月台账",
    "导出 会议记录",
    "导出 签到表",
    "导出 通知",
    "导出 表决结果",
    "导出 手册",
    "导出 题目",
    "导出 学习情况",
    "导出 任务台账",
    "导出 隐患",
)
_MONTH = re.compile(r"(?:(?P<year>20\d\d)\s*[年\-/.]\s*)?(?P<month>1[0-2]|0?[1-9])\s*月?份?")
_YEAR = re.compile(r"(?P<year>\d{4})\s*年?度?")
_NUMBER = re.compile(r"#?\s*(\d{1,9})\s*(?:号)?")
_NAMES = {
    "任务": DocumentKind.KEY_TASKS,
    "隐患": DocumentKind.HAZARDS,
    "台账": DocumentKind.LEDGER,
    "三会一课": DocumentKind.LEDGER,
    "签到表": DocumentKind.SHEET,
    "签到册": DocumentKind.SHEET,
    "会议记录": DocumentKind.MINUTES,
    "活动记录": DocumentKind.MINUTES,
    "记录": DocumentKind.MINUTES,
    "通知": DocumentKind.NOTICE,
    "表决结果": DocumentKind.VOTE,
    "表决": DocumentKind.VOTE,
    "选举用表": DocumentKind.ELECTION,
    "选举": DocumentKind.ELECTION,
    "选票": DocumentKind.ELECTION,
    "计票单": DocumentKind.ELECTION,
    "手册": DocumentKind.HANDBOOK,
    "学习情况": DocumentKind.LEARNING,
    "题目": DocumentKind.QUESTIONS,
    "题库": DocumentKind.QUESTIONS,
    "试题": DocumentKind.QUESTIONS,
}
"""Longer words first: 三会一课台账 is a ledger, 会议记录 no 记录 of its own, 隐患台账 no ledger of meetings."""


class UnknownDocument(Refusal):
    text = f"没看懂要导出什么“{{said}}”。可以写：{'、'.join(WORDS)}"


class UnknownPeriod(Refusal):
    text = "没看懂“{said}”。可以写：{example}"


class NotYetThere(Refusal):
    text = "{what}还没有到，没有可以导出的内容。可以写：{example}"


class NothingHeld(Refusal):
    text = "本支部还没有开过活动，没有会议记录可以导出。已在别处开过的请发：补录 支委会 11月12日"


class NothingToSign(Refusal):
    text = "本支部还没有活动，没有签到表可以导出。可以先发：发布主题党日"


class NothingSent(Refusal):
    text = "本支部还没有发过通知，没有可以导出的。可以先发：通知 内容"


class NothingDecided(Refusal):
    text = "本支部还没有结束的表决，没有结果可以导出。会上可以发：表决 事项"


class NoTasks(Refusal):
    text = "本支部还没有关键任务，没有可以导出的。可以先发：新建任务 城西变检修 张伟 12月20日"


class NoOwnQuestions(Refusal):
    text = "本支部还没有自己的题目。可以先发：导入题目；公共题库请发：导出 题目"


class NoSuchSubject(Refusal):
    text = "没有找到您能导出的 #{number} 号{what}。回复 导出 {kind} 看有哪些。"


@router.command(
    "导出",
    "导出文件",
    "下载",
    takes="要导出什么",
    optional=True,
    examples=(
        "导出 本月台账",
        "导出 会议记录",
        "导出 签到表 #3",
        "导出 表决结果 #2",
        "导出 手册 2026",
        "导出 题目",
        "导出",
    ),
    about=("导出 下载 生成", "台账 手册 签到表 会议记录 学习情况 题目 题库 表决结果 积分表 选票"),
    whole=True,
    needs=Action.SEE_BRANCH,
)
def export(ctx: Context, said: str = "") -> Answer:
    ctx.actor.on_branch(ctx.session, Action.SEE_BRANCH, ctx.actor.branch_id)
    kind, rest = _kind_of(said)
    match kind:
        case DocumentKind.LEDGER:
            return _ledger(ctx, rest)
        case DocumentKind.HANDBOOK:
            return _handbook(ctx, rest)
        case DocumentKind.MINUTES | DocumentKind.SHEET:
            return _of_activity(ctx, kind, rest)
        case DocumentKind.NOTICE:
            return _notice(ctx, rest)
        case DocumentKind.VOTE:
            return _vote(ctx, rest)
        case DocumentKind.ELECTION:
            text = "选举用表（Word）：人数和票数要求、核对清单、计票单、选票"
            return _link(ctx, kind, ctx.actor.branch_id, text)
        case DocumentKind.LEARNING:
            return _learning(ctx)
        case DocumentKind.QUESTIONS:
            return _questions(ctx, said)
        case DocumentKind.KEY_TASKS:
            return _tasks(ctx, rest)
        case DocumentKind.HAZARDS:
            year = _year(rest, ctx.now.date(), "导出 隐患")
            if year > ctx.now.year:
                raise NotYetThere(what=f"{year}年", example="导出 隐患")
            return _link(ctx, kind, year, f"{year}年隐患台账（Excel）")
    if said:
        raise UnknownDocument(said=said[:20])
    return _offer()


def _offer() -> Reply:
    lines = activities.numbered(WORDS)
    return Reply(
        f"可以导出：\n{lines}\n回复数字即可；也可以写 导出 10月台账、导出 手册 2025。", choices=WORDS
    )


def _kind_of(said: str) -> tuple[DocumentKind | None, str]:
    """What is to be exported, and the rest of the text: the number, the month or the year."""
    for name, kind in _NAMES.items():
        if name in said:
            rest = re.sub(
                r"导出|下载|生成|文件|三会一课|台账|工作|支部|年度|的", " ", said.replace(name, " ")
            )
            return kind, " ".join(rest.split())
    return None, said


# By period --------------------------------------------------------------------------------------------------------------


def _ledger(ctx: Context, rest: str) -> Reply:
    year, month = _month(rest, ctx.now.date())
    if (year, month) > (ctx.now.year, ctx.now.month):
        raise NotYetThere(what=f"{year}年{month}月", example="导出 本月台账")
    text = f"{year}年{month}月三会一课台账（Excel）"
    return _link(ctx, DocumentKind.LEDGER, year * 100 + month, text)


def _month(said: str, today: date) -> tuple[int, int]:
    """本月, 上月, 10月, 2025年12月; a month without a year is the last such month."""
    if said in ("", "本月", "这个月", "当月"):
        return today.year, today.month
    if said in ("上月", "上个月"):
        return (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)
    found = _MONTH.fullmatch(said)
    if found is None:
        raise UnknownPeriod(said=said[:20], example="导出 本月台账、导出 上月台账、导出 2026年10月台账")
    month = int(found["month"])
    return (int(found["year"]) if found["year"] else today.year - (month > today.month)), month


def _handbook(ctx: Context, rest: str) -> Reply:
    year = _year(rest, ctx.now.date())
    if year > ctx.now.year:
        raise NotYetThere(what=f"{year}年", example=f"导出 手册 {ctx.now.year}")
    return _link(ctx, DocumentKind.HANDBOOK, year, f"{year}年度支部工作手册（Word）")


def _learning(ctx: Context) -> Reply:
    text = f"本周和{ctx.now.year}年的学习情况（Excel）"
    return _link(
        ctx, DocumentKind.LEARNING, ctx.now.year, text, note="按名册顺序，不排名次，请不要公开张贴。"
    )


def _tasks(ctx: Context, rest: str) -> Reply:
    if not key_task_ledger.has_any(ctx.session, ctx.actor.branch_id):
        raise NoTasks
    year = _year(rest.replace("关键", "").strip(), ctx.now.date(), "导出 任务台账")
    text = f"期限在{year}年的关键任务台账（Excel）"
    return _link(ctx, DocumentKind.KEY_TASKS, year, text)


def _year(said: str, today: date, example: str = "导出 手册") -> int:
    if said in ("", "今年", "本年", "全年"):
        return today.year
    if said == "去年":
        return today.year - 1
    found = _YEAR.fullmatch(said)
    if found is None or int(found["year"]) < FIRST_YEAR:
        raise UnknownPeriod(said=said[:20], example=f"{example} {today.year}")
    return int(found["year"])


# By number --------------------------------------------------------------------------------------------------------------


def _of_activity(ctx: Context, kind: DocumentKind, rest: str) -> Reply:
    """The record or sheet of the newest activity, or of the one with a number; the others as a numbered choice."""
    if rest:
        one = record.numbered(ctx.session, ctx.actor, _number(rest, kind))
        if one is None:
            raise NoSuchSubject(number=rest.strip("# 号"), what="活动", kind=kind)
        return _link(ctx, kind, one.id, _named(ctx, one, kind), branch_id=one.branch_id)
    found = _newest(ctx, kind)
    others = tuple((f"导出 {kind} #{one.id}", _line(ctx, one)) for one in found[1:])
    return _link(ctx, kind, found[0].id, _named(ctx, found[0], kind), others)


def _newest(ctx: Context, kind: DocumentKind) -> Sequence[Activity]:
    """What the kind is usually wanted for, the likeliest first; a refusal when there is nothing."""
    most = MOST_OTHERS + 1
    if kind is DocumentKind.MINUTES:
        found = record.begun(ctx.session, ctx.actor, now=ctx.now, most=most)
    else:
        found = record.to_sign(ctx.session, ctx.actor, now=ctx.now, most=most)
    if not found:
        raise NothingHeld if kind is DocumentKind.MINUTES else NothingToSign
    return found


def _named(ctx: Context, one: Activity, kind: DocumentKind) -> str:
    note = "" if one.ended_at or kind is DocumentKind.SHEET else "（还没结束，内容到现在为止）"
    return f"{_line(ctx, one)}{kind}（Word）{note}"


def _line(ctx: Context, one: Activity) -> str:
    there = local(one.starts_at, ctx.now)
    return f"{there.month}月{there.day}日{one.kind}“{activities.title(one)}”"


def _number(rest: str, kind: DocumentKind) -> int:
    found = _NUMBER.fullmatch(rest)
    if found is None:
        raise UnknownPeriod(said=rest[:20], example=f"导出 {kind}、导出 {kind} #3")
    return int(found[1])


def _notice(ctx: Context, rest: str) -> Reply:
    found = record.notices(ctx.session, ctx.actor, most=MOST_OTHERS + 1)
    if rest:
        number = _number(rest, DocumentKind.NOTICE)
        one = ctx.session.get(Notice, number)
        if one is None or one.branch_id != ctx.actor.branch_id:
            raise NoSuchSubject(number=number, what="通知", kind=DocumentKind.NOTICE)
        found = [one]
    if not found:
        raise NothingSent
    others = tuple((f"导出 通知 #{one.id}", _subject(ctx, one)) for one in found[1:])
    return _link(ctx, DocumentKind.NOTICE, found[0].id, f"{_subject(ctx, found[0])}（Word）", others)


def _subject(ctx: Context, one: Notice) -> str:
    first = one.text.splitlines()[0]
    return f"{moment(one.created_at, ctx.now)}的通知“{first[:16]}{'…' if len(first) > 16 else ''}”"


def _vote(ctx: Context, rest: str) -> Reply:
    found = record.votes(ctx.session, ctx.actor, most=MOST_OTHERS + 1)
    if rest:
        number = _number(rest, DocumentKind.VOTE)
        one = record.closed_vote(ctx.session, ctx.actor, number)
        if one is None:
            raise NoSuchSubject(number=number, what="表决的结果", kind=DocumentKind.VOTE)
        found = [one]
    if not found:
        raise NothingDecided
    others = tuple((f"导出 表决结果 #{one.id}", _question(one)) for one in found[1:])
    text = f"{_question(found[0])}的表决结果（Word）"
    return _link(ctx, DocumentKind.VOTE, found[0].id, text, others, branch_id=found[0].branch_id)


def _question(one: Vote) -> str:
    return f"第 {one.id} 号“{one.question[:20]}{'…' if len(one.question) > 20 else ''}”"


# Questions --------------------------------------------------------------------------------------------------------------


def _questions(ctx: Context, said: str) -> Reply:
    """The bank as Excel, or as GIFT; with 本支部 only the branch's own part of it."""
    ctx.actor.on_branch(ctx.session, Action.EDIT_QUESTIONS, ctx.actor.branch_id)
    whole, own = question_file.counted(ctx.session, ctx.actor.branch_id)
    only_own = re.search("本支部|支部自|自己|自编|自有", said) is not None
    if only_own and not own:
        raise NoOwnQuestions
    kind = DocumentKind.GIFT if "gift" in said.casefold() else DocumentKind.QUESTIONS
    many = f"本支部题目 {own} 道" if only_own else f"题目 {whole} 道，其中本支部 {own} 道"
    form = "GIFT 文本" if kind is DocumentKind.GIFT else "Excel"
    ways = (
        ("题目", "全部，Excel", 0),
        ("题目 GIFT", "全部，GIFT 文本", 0),
        ("本支部题目", "只要本支部的，Excel", 1),
    )
    here = ("本支部" if only_own else "") + ("题目 GIFT" if kind is DocumentKind.GIFT else "题目")
    others = tuple((f"导出 {word}", line) for word, line, least in ways if word != here and own >= least)
    text = f"{many}（{form}）"
    return _link(ctx, kind, int(only_own), text, others, note="文件里有答案。")


# The link ---------------------------------------------------------------------------------------------------------------


def _link(
    ctx: Context,
    kind: DocumentKind,
    subject: int,
    text: str,
    others: Sequence[tuple[str, str]] = (),
    *,
    branch_id: int | None = None,
    note: str = "没有记录的地方留空。",
) -> Reply:
    """The answer with a fresh link; the document itself is made when the link is opened."""
    wanted = Wanted(kind, branch_id or ctx.actor.branch_id, subject, ctx.member.id)
    token = download.sign(ctx.settings.secret_key.get_secret_value(), wanted, now=ctx.now)
    download.record(
        ctx.session, wanted, "导出文件", member=ctx.member, now=ctx.now, channel=ctx.message.channel
    )
    url = f"{ctx.settings.base_url}/m/download/{token}"
    until = clock(ctx.now + download.LASTS, ctx.now)
    lines = [text, url, f"{until} 前有效，打开时生成。只限您本人使用，请不要转发。{note}"]
    if others:
        lines += ["其他的回复数字：", activities.numbered(line for _, line in others)]
    else:
        lines.append("还可以发：导出 看其他文件")
    return Reply(
        "\n".join(lines), choices=tuple(word for word, _ in others), article=Article(text, "打开时生成", url)
    )
