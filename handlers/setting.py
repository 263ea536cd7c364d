"""推送设置：本支部的学习时间、学习日、学习主题、免打扰、每天条数、催办间隔和值班电话。"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from bot import when
from bot.chat import Answer, Ask, Context, Reply, Router, Undo
from bot.models.organisation import Organisation
from bot.services import setting
from bot.services.permission import Action
from bot.services.setting import BranchRules

router = Router()

_SPAN = re.compile(r"\s*(?:-|~|—|–|到|至)+\s*")
_WEEKDAY = "一二三四五六日"
_DAY_SPAN = re.compile(
    r"(?:周|星期)?([一二三四五六日天])\s*(?:-|~|—|到|至)\s*(?:周|星期)?([一二三四五六日天])"
)
_DAY = re.compile(r"[一二三四五六日天]")
_PHONE = re.compile(r"\+?\d[\d\- ]{1,18}\d")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the settings: ``read`` makes the new values of what was said, ``show`` tells the value in words."""

    word: str
    example: str
    read: Callable[[str, datetime], dict[str, Any]]
    show: Callable[[BranchRules], str]


def _study_time(said: str, now: datetime) -> dict[str, Any]:
    at = when.find(said, now).time
    if at is None or not setting.EARLIEST_STUDY <= at <= setting.LATEST_STUDY:
        raise setting.BadStudyTime
    return {"study_time": at}


def _study_days(said: str, now: datetime) -> dict[str, Any]:
    if "工作日" in said:
        return {"study_days": ()}
    if "每天" in said or "天天" in said:
        return {"study_days": tuple(range(7))}
    days: set[int] = set()
    for first, last in _DAY_SPAN.findall(said):
        start, end = _weekday(first), _weekday(last)
        days |= set(range(start, end + 1)) if start <= end else {*range(start, 7), *range(end + 1)}
    rest = _DAY_SPAN.sub("", said).replace("星期", "周")
    days |= {_weekday(day) for day in _DAY.findall(rest)}
    if not days or re.sub(r"[周一二三四五六日天、,，和\s。]", "", rest):
        raise setting.BadStudyDays
    return {"study_days": tuple(sorted(days))}


def _weekday(character: str) -> int:
    return _WEEKDAY.index(character.replace("天", "日"))


def _quiet(said: str, now: datetime) -> dict[str, Any]:
    parts = [when.find(part, now).time for part in _SPAN.split(said.strip())]
    if len(parts) != 2 or parts[0] is None or parts[1] is None:
        raise setting.BadQuietHours
    minutes = (_minutes(parts[1]) - _minutes(parts[0])) % (24 * 60)
    if not 4 * 60 <= minutes <= 16 * 60:
        raise setting.BadQuietHours
    return {"quiet_from": parts[0], "quiet_to": parts[1]}


def _minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def _budget(said: str, now: datetime) -> dict[str, Any]:
    count = _count(said)
    if not 1 <= count <= setting.MOST_A_DAY:
        raise setting.BadBudget
    return {"budget": count}


def _nudge_hours(said: str, now: datetime) -> dict[str, Any]:
    hours = _count(said)
    if not 1 <= hours <= setting.MOST_NUDGE_HOURS:
        raise setting.BadNudgeHours
    return {"nudge_hours": hours}


def _count(said: str) -> int:
    """The first number in a text, 0 without one."""
    found = re.search(r"[0-9]{1,3}|[一二两三四五六七八九十]{1,3}", said)
    return when.number(found[0]) if found else 0


def _topics(said: str, now: datetime) -> dict[str, Any]:
    names = [name for name in re.split(r"[\s、,，和]+", said.strip(" 。")) if name]
    if names in (["全部"], ["所有"], ["不限"]):
        return {"topics": ()}
    known = setting.known_topics()
    for name in names:
        if name not in known:
            raise setting.BadTopics(topic=name[:10], known="、".join(known))
    return {"topics": tuple(dict.fromkeys(names))}


def _duty_phone(said: str, now: datetime) -> dict[str, Any]:
    if said in ("无", "没有", "清空", "取消"):
        return {"duty_phone": ""}
    found = _PHONE.fullmatch(said.strip(" 。"))
    if found is None:
        raise setting.BadDutyPhone
    return {"duty_phone": found[0]}


ITEMS = (
    Item("学习时间", "学习时间 8:30", _study_time, lambda r: f"{r.study_time:%H:%M}"),
    Item("学习日", "学习日 周一到周五", _study_days, lambda r: setting.days_text(r.study_days)),
    Item("学习主题", "学习主题 安规 党史", _topics, lambda r: "、".join(r.topics) or "全部"),
    Item("免打扰", "免打扰 22:00-7:00", _quiet, lambda r: f"{r.quiet_from:%H:%M}-{r.quiet_to:%H:%M}"),
    Item("每天最多", "每天最多 2 条", _budget, lambda r: f"{r.budget} 条"),
    Item("催办间隔", "催办间隔 4 小时", _nudge_hours, lambda r: f"{r.nudge_hours} 小时"),
    Item("值班电话", "值班电话 0906-2123456", _duty_phone, lambda r: r.duty_phone or "没有设"),
)
WORDS = tuple(item.word for item in ITEMS)


@router.command(
    "推送设置",
    "支部设置",
    "修改推送设置",
    takes="要改的一项",
    optional=True,
    needs=Action.CHANGE_SETTINGS,
    examples=("推送设置", "推送设置 学习时间 8:30", "推送设置 免打扰 22:00-7:00"),
)
def show(ctx: Context, said: str = "") -> Answer:
    if said:
        return _change(ctx, said)
    branch = _branch(ctx)
    rules = setting.rules(ctx.session, branch.id)
    lines = [f"{n} {item.word}：{item.show(rules)}" for n, item in enumerate(ITEMS, 1)]
    examples = "；".join(item.example for item in ITEMS[:4])
    text = (
        f"{branch.name}的推送设置\n"
        + "\n".join(lines)
        + f"\n要改请照样子回复，例如：{examples}\n不改请回复 退出"
    )
    return Ask(text, step=change, choices=WORDS, title="推送设置")


@router.step(words=WORDS)
def change(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    if data.get("word") and not text.startswith(WORDS):
        text = f"{data['word']} {text}"
    return _change(ctx, text)


def _change(ctx: Context, said: str) -> Answer:
    item = next((item for item in ITEMS if said.startswith(item.word)), None)
    if item is None:
        return Ask(
            f"没看懂要改哪一项。可以改：{'、'.join(WORDS)}。例如：{ITEMS[0].example}",
            step=change,
            choices=WORDS,
        )
    value = said.removeprefix(item.word).strip(" :：为改成到是")
    if not value:
        return Ask(f"改成什么？例如：{item.example}", step=change, data={"word": item.word}, title="推送设置")
    return _store(ctx, item, item.read(value, ctx.now))


def _store(ctx: Context, item: Item, values: dict[str, Any]) -> Reply:
    branch = _branch(ctx)
    before, after = setting.change(
        ctx.session, branch, actor=ctx.member, now=ctx.now, channel=ctx.message.channel, **values
    )
    if before == after:
        return Reply(f"{item.word}本来就是 {item.show(after)}，没有改动。")
    old = {name: setting.to_json(getattr(before, name)) for name in values}
    return Reply(
        f"{item.word}已改为 {item.show(after)}（原来 {item.show(before)}），现在起生效。\n5 分钟内可发 撤销；再改请发 推送设置。",
        undo=Undo(put_back, {"word": item.word, "values": old}),
    )


@router.undo
def put_back(ctx: Context, word: str, values: dict[str, Any]) -> str:
    item = next(item for item in ITEMS if item.word == word)
    _, after = setting.change(
        ctx.session,
        _branch(ctx),
        actor=ctx.member,
        now=ctx.now,
        channel=ctx.message.channel,
        **setting.from_json(values),
    )
    return f"{word}已改回 {item.show(after)}。"


def _branch(ctx: Context) -> Organisation:
    return ctx.actor.on_branch(ctx.session, Action.CHANGE_SETTINGS, ctx.actor.branch_id)
