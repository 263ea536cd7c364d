"""Understanding how people write an activity in one line, and the changes they want."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.orm import Session

from bot import nlu, when
from bot.errors import Refusal
from bot.models.activity import Activity
from bot.services import activity as activities
from bot.services import audience, key_task
from bot.services import draft as drafts
from bot.services.draft import Draft
from bot.times import at_time
from content import activity_kinds
from content.activity_kinds import Attends

_VERB = r"(?:改为|改成|改到|改在|换成|换到|定在|:)"
_LABEL = re.compile(
    rf"(?:(?P<what>主题|时间|日期|地点|(?<!发展)对象|范围)\s*{_VERB}|(?P<closes>(?:报名)?截止)(?:时间)?\s*(?:{_VERB}|到|在)?)"
)
_CAPACITY = re.compile(
    r"[,，;；。]?\s*(?:(?:限额?|名额|最多)\s*(?P<most>\d{1,4})\s*(?:个?人|名)|不限(?:人数|名额))"
)
_PARTNER = re.compile(
    r"(?:和|与|同|跟)\s*(?P<who>[^\s,，。;；:：和与同跟]{2,30}?支部)(?:一起|共同)?(?:开展)?(?:联建|共建)?"
)
_TASK = re.compile(
    r"[,，;；。\s]*(?:(?P<none>(?:不|取消)服务任务)|(?:服务|结合|围绕)?(?:关键)?任务\s*(?:改为|改成|换成|是|为)?\s*[:：]?\s*RW\s*(?P<task>\d{1,9}))[,，;；。\s]*",
    re.IGNORECASE,
)
_GONE = re.compile(r"昨天|昨日|昨晚|前天|前日")
_NO_AUDIENCE = re.compile(r"(?:^|[\s,，;；。])(?:对象|范围)\s*:?\s*$")
_GROUP = re.compile(r"第[^\s第]{1,3}(?:党?小组)")
_MOVE = re.compile(r"^(?:请|把|将|活动)*(?P<verb>改到|改在|换到|改为|改成|改|换成)?\s*")


class ChangeNotUnderstood(Refusal):
    text = "没看懂“{said}”。可以写：改到12月4日、地点改为二楼会议室、主题改为安全大讨论；或回复 确认、取消。"


@dataclass(frozen=True, slots=True)
class Where:
    """The branch whose activity is written, the moment at which it is written, and whom its author may address."""

    session: Session
    branch_id: int
    now: datetime
    known: tuple[str, ...] = ()


def read_line(where: Where, text: str, draft: Draft) -> Draft:
    """One line with everything: "12月5日14:30 三楼会议室 主题:宪法宣传进班组"; what is not labelled is the place, or alone the theme."""
    text, draft = _with_task(where, *_with_capacity(text, draft))
    if _NO_AUDIENCE.search(text):
        raise audience.UnknownAudience(said="（没有写）", known="、".join(where.known))
    head, labels = cut(text)
    _require_no_past_day(where, head)
    head, draft = _with_partner(where, head, text, draft)
    draft = _with_labels(where, draft, [pair for pair in labels if pair[0] != "截止"])
    found = when.find(head, where.now)
    if found.day is None and found.time is None and draft.on is None and " " in draft.theme:
        # "主题:宪法宣传 12月5日 …": the label's value ends at the blank, the rest is the line.
        theme, _, more = draft.theme.partition(" ")
        draft, found = replace(draft, theme=theme), when.find(more, where.now)
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    _require_future(where, draft)
    rest, draft = _without_audience(where, found.rest.strip(" ,。;"), draft)
    _require_known_group(where, rest, draft)
    if rest and not draft.theme and found.day is None and found.time is None:
        draft = replace(draft, theme=rest)
    elif rest and not draft.place:
        draft = replace(draft, place=" ".join(rest.split()))
    return _with_labels(where, draft, [pair for pair in labels if pair[0] == "截止"])


def _with_capacity(text: str, draft: Draft) -> tuple[str, Draft]:
    """The text without "限 20 人" (or 不限人数), and the draft with it. A limit of nobody is none."""
    found = _CAPACITY.search(text)
    if found is None:
        return text, draft
    most = int(found["most"] or 0) or None
    return text[: found.start()] + text[found.end() :], replace(draft, capacity=most)


def _with_task(where: Where, text: str, draft: Draft) -> tuple[str, Draft]:
    """The text without "服务任务 RW12" (or 不服务任务), and the draft with that task, a live one of the branch."""
    found = _TASK.search(text)
    if found is None:
        return text, draft
    rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
    number = int(found["task"]) if found["task"] else None
    if number is not None:
        key_task.require_live(where.session, where.branch_id, number, today=where.now.date())
    return rest, replace(draft, task_id=number)


def _with_partner(where: Where, head: str, text: str, draft: Draft) -> tuple[str, Draft]:
    """For a 联建 the head without "和营销党支部联建", which may also stand in the theme, and the draft with that branch."""
    kind = activity_kinds.lookup(draft.kind)
    found = _PARTNER.search(text) if kind and kind.attends is Attends.JOINT else None
    if found is None:
        return head, draft
    draft = with_partner(where, draft, found["who"])
    return _PARTNER.sub(" ", head, count=1), draft


def _without_audience(where: Where, rest: str, draft: Draft) -> tuple[str, Draft]:
    """The rest without a word that is exactly an audience ("第二党小组"), and the draft with it."""
    for word in rest.split():
        said = audience.exact(where.session, where.branch_id, word, where.known)
        if said and not draft.audience:
            return " ".join(other for other in rest.split() if other != word), replace(draft, audience=said)
    return rest, draft


def _require_known_group(where: Where, rest: str, draft: Draft) -> None:
    """A meeting of a group that the branch has not is asked about, not held with another one."""
    kind, said = activity_kinds.lookup(draft.kind), _GROUP.search(rest)
    if said and kind and kind.attends is Attends.GROUP and not draft.audience:
        raise audience.UnknownAudience(said=said[0], known="、".join(where.known))


def edit(where: Where, draft: Draft, text: str, activity: Activity | None = None) -> Draft:
    """The draft with what the text changes; :class:`ChangeNotUnderstood` when it changes nothing."""
    unlimited, draft = _with_task(where, *_with_capacity(text, draft))
    limited = unlimited != text
    head, labels = cut(unlimited)
    head = nlu.bare(head)
    moved = _MOVE.match(head)
    verb = moved["verb"] if moved else None
    said = head[moved.end() :] if moved else head
    found = when.find(said, where.now)
    before = (draft.on, draft.at)
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    if found.day is None and found.time is None and verb in ("改到", "改在", "换到") and said:
        draft = replace(draft, place=said)
    elif found.rest or not (labels or found.day or found.time or limited):
        raise ChangeNotUnderstood(said=(found.rest or text)[:20])
    draft = _with_labels(
        where, draft, [pair for pair in labels if pair[0] != "截止"], fixed=activity is not None
    )
    _require_future(where, draft)
    if (draft.on, draft.at) != before:
        draft = _with_default_closing(where, draft, activity)
    return _with_labels(where, draft, [pair for pair in labels if pair[0] == "截止"])


def _with_default_closing(where: Where, draft: Draft, activity: Activity | None) -> Draft:
    """At a new time the old end of sign-up is kept only if it was asked for and is still before the start."""
    starts_at = _start(where, draft)
    if activity is None and draft.closes_at and starts_at and draft.closes_at <= starts_at:
        return draft
    return replace(draft, closes_at=None)


def cut(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A line cut at its labels: what stands before the first, and (label, value) pairs."""
    found = list(_LABEL.finditer(text))
    if not found:
        return text, []
    ends = [m.start() for m in found[1:]] + [len(text)]
    pairs = [
        (m["what"] or "截止", text[m.end() : end].strip(" ,。;")) for m, end in zip(found, ends, strict=True)
    ]
    return text[: found[0].start()], pairs


def _with_labels(
    where: Where, draft: Draft, labels: Iterable[tuple[str, str]], *, fixed: bool = False
) -> Draft:
    for label, value in labels:
        if not value:
            raise ChangeNotUnderstood(said=label)
        match label:
            case "主题":
                draft = replace(draft, theme=value)
            case "地点":
                draft = replace(draft, place=value)
            case "时间" | "日期":
                draft = with_moment(where, draft, value)
            case "截止":
                draft = _with_closing(where, draft, value)
            case _ if fixed:
                raise ChangeNotUnderstood("活动发布后不能改参加范围。可以回复 取消活动 后重新发布。")
            case _:
                draft = with_audience(where, draft, value)
    return draft


def with_moment(where: Where, draft: Draft, text: str) -> Draft:
    """The draft with the day, the time, or both that a text says."""
    _require_no_past_day(where, text)
    found = when.find(text, where.now)
    if found.day is None and found.time is None:
        raise when.WhenNotUnderstood(said=text[:20])
    draft = replace(draft, on=found.day or draft.on, at=found.time or draft.at)
    _require_future(where, draft)
    return draft


def _with_closing(where: Where, draft: Draft, text: str) -> Draft:
    starts_at = _start(where, draft)
    if starts_at is None:
        return replace(draft, closes_at=when.moment(text, where.now))
    default = at_time(activities.eve(starts_at, where.now), activities.CLOSES_AT, where.now)
    closes_at = when.change(text, default, where.now)
    return replace(draft, closes_at=drafts.closing(starts_at, closes_at, where.now))


def with_audience(where: Where, draft: Draft, text: str) -> Draft:
    """The draft with the audience that a text means, of those its author may address."""
    return replace(draft, audience=audience.named(where.session, where.branch_id, text, where.known))


def with_partner(where: Where, draft: Draft, text: str) -> Draft:
    """The draft with the other branch that a text names."""
    return replace(draft, partner_id=audience.partner(where.session, where.branch_id, text).id)


def _start(where: Where, draft: Draft) -> datetime | None:
    return at_time(draft.on, draft.at, where.now) if draft.on and draft.at else None


def _require_future(where: Where, draft: Draft) -> None:
    """Refuse a past moment at once, while the question about it is still open."""
    starts_at = _start(where, draft)
    if draft.on and (draft.on < where.now.date() or (starts_at and starts_at <= where.now)):
        raise drafts.AlreadyPast.of(starts_at or at_time(draft.on, time(), where.now), where.now)


def _require_no_past_day(where: Where, text: str) -> None:
    """Days that only the past has are no dates for :mod:`bot.when`, and would be lost without a word."""
    gone = _GONE.search(text)
    if gone:
        later = where.now + timedelta(days=7)
        raise drafts.AlreadyPast(when=gone[0], example=f"{later.month}月{later.day}日 14:30")


def to_data(draft: Draft) -> dict[str, str | int]:
    """The draft as JSON."""
    plain = (str, int)
    return {
        k: v if isinstance(v, plain) else v.isoformat() for k, v in asdict(draft).items() if v is not None
    }


def from_data(data: dict[str, Any]) -> Draft:
    """The draft that :func:`to_data` wrote."""
    read: dict[str, Callable[[str], Any]] = {
        "on": date.fromisoformat,
        "at": time.fromisoformat,
        "closes_at": datetime.fromisoformat,
    }
    return Draft(**{k: read[k](v) if k in read else v for k, v in data.items()})
