"""How people write a task in one line, in any order: 110kV城西变检修 张伟 12月20日; and how they name one: RW12."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot import when
from bot.errors import Refusal
from bot.models.member import Member
from bot.services import secondment
from bot.services.key_task import register
from bot.services.member import Namesakes, full_name
from bot.times import day

LONGEST = 60
MOST_DAYS = 366 * 2

_CODE = re.compile(r"RW\s*[#\-]?\s*(\d{1,9})(?!\d)", re.IGNORECASE)
_PLAIN = re.compile(r"(?:第|#)?\s*(\d{1,9})(?![\d月日天点.:/\-]|\s*%)\s*号?(?=$|[\s,，。:：、;；])")
_PARTS = re.compile(r"[\s,，、;；。]+")
_LABEL = re.compile(
    r"(?<![\u4e00-\u9fffA-Za-z])(?P<what>负责人|责任人|期限|截止|完成时限|时限|名称|类别|任务名称)\s*(?:改为|改成|改到|换成|是|为)?\s*[:：]?\s*"
)
_KINDS = {
    "负责人": "owner", "责任人": "owner", "期限": "due", "截止": "due", "完成时限": "due", "时限": "due", "名称": "name",
    "任务名称": "name", "类别": "category",
}  # fmt: skip
_YEAR = r"(?P<year>20\d\d年|今年|明年)?"
_MONTH_END = re.compile(_YEAR + r"(?P<month>1[0-2]|[1-9]|本|这个?|下个?|)月(?:底|末)")
_QUARTER_END = re.compile(_YEAR + r"(?P<quarter>[一二三四1-4本]?)季度?(?:底|末)")
_YEAR_END = re.compile(r"(?:(?P<year>20\d\d年|今年|明年)年?|年)(?:底|末)")
_DAY_ALONE = re.compile(r"(\d{1,2})\s*[日号]")
_TO = re.compile(r"^(?:安排给|交给|给|由|请|让)|(?:负责|牵头)$")
_BEFORE = re.compile(r"(?:之?前|以前|为止|止|到期)?(?:完成|办结|做完)?$")


class NameTooLong(Refusal):
    text = f"任务名称太长了（最多 {LONGEST} 个字），请写短一些。"


class TwoOwners(Refusal):
    text = "一项任务只定一位负责人，您写了{names}。请只留一位，其他人可以写在进度里。"


class NoSuchOwner(Refusal):
    text = "本支部没有叫“{name}”的人。请核对姓名，发 名单 可以查看。"


class AlreadyPast(Refusal):
    text = "期限 {day} 已经过去了，请写今天或以后的日期。例如：12月20日"


class TooFar(Refusal):
    text = "期限 {day} 太远了（最多两年），请核对年份。"


class NotADay(Refusal):
    text = "没看懂期限“{said}”。可以写：12月20日、下周五、月底"


class NoSuchCategory(Refusal):
    text = "没有“{said}”这个类别。有：{names}"


@dataclass(frozen=True, slots=True)
class Draft:
    """What is known so far of a task that is being written."""

    name: str = ""
    owner_id: int | None = None
    due_on: date | None = None
    category: str = ""

    @property
    def missing(self) -> str:
        """What is to be asked for next: name, owner or due; the empty string when all is there."""
        wanted = (("name", self.name), ("owner", self.owner_id), ("due", self.due_on))
        return next((what for what, value in wanted if not value), "")


def number_in(text: str) -> tuple[int | None, str]:
    """The number of the task that a text names (RW12 anywhere, 12 at its beginning), and the rest."""
    found = _CODE.search(text) or _PLAIN.match(text)
    if found is None:
        return None, text.strip()
    rest = f"{text[: found.start()]} {text[found.end() :]}"
    return int(found[1]), rest.strip(" ,，。:：、;；\n")


@dataclass(frozen=True, slots=True)
class People:
    """Who may own a task of a branch: everybody who takes part in its life."""

    members: Sequence[Member]

    @classmethod
    def of(cls, session: Session, branch_id: int, *, today: date) -> People:
        """The active people of a branch, guests too."""
        here = secondment.take_part(branch_id, today)
        return cls(session.scalars(select(Member).where(here, Member.active).order_by(Member.id)).all())

    def named(self, said: str) -> list[Member]:
        """Those of that name; 李四(D0013) tells namesakes apart."""
        plain, _, which = said.replace("（", "(").partition("(")
        mark = which.strip(" )）").lower()
        found = [one for one in self.members if one.name == plain.strip()]
        if not mark:
            return found
        return [
            one
            for one in found
            if mark in {str(x).lower() for x in (one.staff_no, one.account, f"#{one.id}")}
        ]

    def one(self, said: str) -> Member:
        """The one person of that name; :class:`NoSuchOwner` or :class:`Namesakes`."""
        found = self.named(said)
        if not found:
            raise NoSuchOwner(name=said[:12])
        if len(found) > 1:
            raise Namesakes(found[0].name, [(full_name(one), one.crew) for one in found])
        return found[0]


def read(text: str, people: People, now: datetime, draft: Draft | None = None) -> Draft:
    """The draft with what a line says of name, owner, day and category, in any order; labels (负责人 …) go before guesses."""
    draft, text = _labelled(text, people, now, draft or Draft())
    parts = [part for part in _PARTS.split(text.strip()) if part]
    rest: list[str] = []
    owners: list[Member] = []
    for part in parts:
        on = whole_day(part, now)
        if on is not None and draft.due_on is None:
            draft = replace(draft, due_on=fit(on, now))
        elif people.named(who := _TO.sub("", part)) or people.named(who := part):
            owners.append(people.one(who))
        elif register().named(part):
            draft = replace(draft, category=part)
        else:
            rest.append(part)
    owners = list(dict.fromkeys(owners))
    if len(owners) + bool(draft.owner_id) > 1:
        raise TwoOwners(names="、".join(one.name for one in owners))
    if owners:
        draft = replace(draft, owner_id=owners[0].id)
    name = " ".join(rest)
    if name and not draft.name:
        draft = _day_within(replace(draft, name=name), now)
    if len(draft.name) > LONGEST:
        raise NameTooLong
    return replace(draft, category=draft.category or register().guess(draft.name))


def _day_within(draft: Draft, now: datetime) -> Draft:
    """A day that is glued to the name (12月20日前完成城西变检修) is the day it is due, and no part of the name."""
    if draft.due_on is not None:
        return draft
    found = re.search(
        r"(?:20\d\d\s*年\s*)?\d{1,2}\s*月\s*\d{1,2}\s*[日号](?:之?前|以前)?(?:完成|办结)?", draft.name
    )
    on = when.find(found[0], now).day if found else None
    if found is None or on is None:
        return draft
    name = f"{draft.name[: found.start()]}{draft.name[found.end() :]}".strip(" ,，。")
    return replace(draft, name=name or draft.name, due_on=fit(on, now))


def _labelled(
    text: str, people: People, now: datetime, draft: Draft, *, whole: bool = False
) -> tuple[Draft, str]:
    """The draft with the labelled values, and the text before the first label and after each value.

    A new task's name is looked through for the rest of the line, unless the name is all that is to be changed (``whole``).
    """
    found = list(_LABEL.finditer(text))
    left = [text[: found[0].start()]] if found else [text]
    for place, label in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(text)
        if _KINDS[label["what"]] == "name" and not whole:
            left.append(text[label.end() : end])
            continue
        value, more = _value(_KINDS[label["what"]], text[label.end() : end], now)
        draft = with_value(draft, _KINDS[label["what"]], value, people, now)
        left.append(more)
    return draft, " ".join(left)


def _value(kind: str, text: str, now: datetime) -> tuple[str, str]:
    """The value of a label and what comes after it: a name of a task is all of it, others end at the blank."""
    text = text.strip(" ,，、;；。")
    if kind == "name":
        return text, ""
    first, *more = _PARTS.split(text, maxsplit=1)
    if kind == "due" and whole_day(first, now) is None:
        return text, ""
    return first, "".join(more)


def with_value(draft: Draft, kind: str, value: str, people: People, now: datetime) -> Draft:
    """The draft with one value as it was said."""
    match kind:
        case "owner":
            return replace(draft, owner_id=people.one(value).id)
        case "due":
            return replace(draft, due_on=day_of(value, now))
        case "category":
            known = register().named(value)
            if not known:
                names = "、".join(one.name for one in register().categories)
                raise NoSuchCategory(said=value[:10], names=names)
            return replace(draft, category=known)
    if len(value) > LONGEST:
        raise NameTooLong
    return replace(draft, name=value)


def changes(text: str, people: People, now: datetime) -> Draft:
    """What a text wants changed (期限 12月25日; 负责人 李静; 名称 …), also without the label where a day or a name stands alone."""
    draft, rest = _labelled(text, people, now, Draft(), whole=True)
    for part in (part for part in _PARTS.split(rest) if part):
        said = re.sub(r"^(?:改为|改到|改成|改由|换成|延期到|延到|推迟到|提前到|交给|给)|负责$", "", part)
        on = whole_day(said, now)
        if on is not None:
            draft = replace(draft, due_on=fit(on, now))
        elif people.named(said):
            draft = replace(draft, owner_id=people.one(said).id)
        elif register().named(said):
            draft = replace(draft, category=said)
    return draft


def day_of(said: str, now: datetime) -> date:
    """The day a text means; :class:`NotADay`, :class:`AlreadyPast` or :class:`TooFar`."""
    on = whole_day(said.strip(), now)
    if on is None:
        on = when.find(said, now).day
    if on is None:
        raise NotADay(said=said[:16])
    return fit(on, now)


def whole_day(said: str, now: datetime) -> date | None:
    """The day that a text is, as a whole: 12月20日前, 2026-12-20, 20号, 下周五, 12月底, 年底; None for anything more."""
    said = _BEFORE.sub("", said.strip())
    ending = _end(said, now.date())
    if ending is not None:
        return ending
    written = when.WRITTEN.fullmatch(said)
    if written:
        try:
            return date(*(int(part) for part in written.groups()))
        except ValueError:
            return None
    if alone := _DAY_ALONE.fullmatch(said):
        return when.next_day(int(alone[1]), now.date())
    found = when.find(said, now)
    # 10.5 of a voltage is no day; 12.5 alone is one, as people write it.
    return found.day if found.day is not None and not found.rest and found.time is None else None


def _end(said: str, today: date) -> date | None:
    """The last day of the month, quarter or year that is meant; without a year it is the next such day. None for anything else."""
    if found := _MONTH_END.fullmatch(said):
        name = found["month"]
        if name.startswith("下"):
            today = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        month = int(name) if name.isdigit() else today.month
    elif found := _QUARTER_END.fullmatch(said):
        name = found["quarter"]
        month = (today.month + 2) // 3 * 3 if name in ("", "本") else when.number(name) * 3
    elif found := _YEAR_END.fullmatch(said):
        month = 12
    else:
        return None
    named = found["year"] or ""
    year = int(named[:4]) if named[:2] == "20" else today.year + (named == "明年")
    if not named and month < today.month:
        year += 1
    return date(year, month, calendar.monthrange(year, month)[1])


def fit(on: date, now: datetime) -> date:
    """The day, if a task can be due on it: :class:`AlreadyPast` or :class:`TooFar`."""
    if on < now.date():
        raise AlreadyPast(day=day(on, now))
    if (on - now.date()).days > MOST_DAYS:
        raise TooFar(day=day(on, now))
    return on


def to_data(draft: Draft) -> dict[str, Any]:
    """The draft as JSON."""
    on = draft.due_on.isoformat() if draft.due_on else None
    return {"name": draft.name, "owner": draft.owner_id, "due": on, "category": draft.category}


def from_data(data: dict[str, Any]) -> Draft:
    """The draft that :func:`to_data` wrote."""
    on = date.fromisoformat(data["due"]) if data["due"] else None
    return Draft(data["name"], data["owner"], on, data["category"])
