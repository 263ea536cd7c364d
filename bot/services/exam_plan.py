"""Reading what a secretary wants of an exam: 安规 20题 30分钟 及格80 12月10日; and the same words again as changes."""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, replace
from datetime import datetime, time
from typing import Any

from sqlalchemy.orm import Session

from bot import nlu, when
from bot.errors import Refusal
from bot.services import drawing, question
from bot.services.question import Candidate
from bot.times import at_time

WHOLE = "综合"
"""An exam over the whole bank."""
CLOSES_AT, OPENS_AT = time(18, 0), time(8, 0)
"""The hours of a day that was named without one."""
_N = r"(\d{1,3}|[一二两三四五六七八九十]{1,3})"
_VERB = r"\s*(?:线|分数)?\s*(?:改为|改成|改到|定为|为|是)?\s*"
_COUNT = re.compile(rf"(?:题数|题量)?(?:改为|改成)?{_N}\s*道?题")
_MINUTES = re.compile(rf"(?:限时|时长)?(?:改为|改成)?{_N}\s*分钟")
_PASS = re.compile(rf"及格{_VERB}{_N}\s*分?(?!钟)")
_TRIES = re.compile(rf"(?:可以?|能|最多)?(?:考|答)?{_N}\s*次(?:机会)?")
_SPAN = re.compile(r"\s*(?:到|至|—|–|~|--)\s*")
_NOISE = re.compile(r"考试|截止|开放|开始|结束|改到|改为|改成|主题|随机|时间")


class EndMissing(Refusal):
    text = "还差截止日期。例如：发布考试 安规 20题 30分钟 及格80 12月10日"


class EndTooSoon(Refusal):
    text = "截止时间要晚于开放时间，并且在现在之后。请重新写，例如：12月10日18:00"


class UnknownTopic(Refusal):
    text = "没有“{topic}”这个主题。现有主题：{known}；全部题目请写 综合。"


class TooFew(Refusal):
    text = "“{topic}”现在有 {have} 道可考的题，请写 1 到 {have} 题。"


class NoPaper(Refusal):
    text = "“{topic}”现在没有可考的题，不能发布考试。可以先导入题目，或换一个主题：{known}"


class NotInParts(Refusal):
    text = "“{topic}”多是分小题的案例题，凑不出正好 {count} 题。请换一个题数，例如 {near} 题。"


class BadNumber(Refusal):
    text = "题数 1–100，时间 5–180 分钟，及格 1–100 分，次数 1–5 次。请重新写。"


@dataclass(frozen=True, slots=True)
class Plan:
    """What an exam is to be; ``opens_at`` None: as soon as it is published. The time limit is in minutes, the pass mark in percent."""

    topic: str = WHOLE
    count: int = 20
    minutes: int = 30
    pass_mark: int = 80
    attempts: int = 1
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def read(session: Session, branch_id: int, text: str, plan: Plan, now: datetime) -> Plan:
    """The plan with what the text says of it, in any order; refusals say what is missing or wrong."""
    numbers = {"pass_mark": _PASS, "minutes": _MINUTES, "count": _COUNT, "attempts": _TRIES}
    for name, pattern in numbers.items():
        if found := pattern.search(text):
            said: dict[str, Any] = {name: when.number(found[1])}
            plan = replace(plan, **said)
            text = f"{text[: found.start()]} {text[found.end() :]}"
    plan, rest = _with_moments(plan, text, now)
    topic = nlu.bare(_NOISE.sub(" ", rest).strip(" ,，。、；;"))
    if topic:
        plan = replace(plan, topic=_topic(session, branch_id, topic, now))
    return check(session, branch_id, plan, now)


def check(session: Session, branch_id: int, plan: Plan, now: datetime) -> Plan:
    """The plan when it can be held."""
    within = (
        1 <= plan.count <= 100
        and 5 <= plan.minutes <= 180
        and 1 <= plan.pass_mark <= 100
        and 1 <= plan.attempts <= 5
    )
    if not within:
        raise BadNumber
    if plan.closes_at is None:
        raise EndMissing
    if plan.closes_at <= (plan.opens_at or now) or plan.closes_at <= now:
        raise EndTooSoon
    _require_paper(session, branch_id, plan, now)
    return plan


def _require_paper(session: Session, branch_id: int, plan: Plan, now: datetime) -> None:
    """Refuse what no paper can be drawn for."""
    found = candidates(session, branch_id, plan, now)
    if not found:
        known = question.topics(session, branch_id, now.date())
        raise NoPaper(topic=plan.topic, known="、".join(known) or "（题库里没有题）")
    have = sum(one.places for one in found)
    if plan.count > have:
        raise TooFew(topic=plan.topic, have=have)
    if not drawing.exactly(found, plan.count):
        # Questions are taken in order, so the first that do not fit any more end on a number that does.
        near = sum(one.places for one in drawing.up_to(found, plan.count)) or found[0].places
        raise NotInParts(topic=plan.topic, count=plan.count, near=near)


def candidates(session: Session, branch_id: int, plan: Plan, now: datetime) -> list[Candidate]:
    """What may be asked: everything of the topic. Each part of a case is a question of the paper and counts like any other."""
    topic = None if plan.topic == WHOLE else plan.topic
    return list(question.approved(session, branch_id, now.date(), topic))


def has_cases(session: Session, branch_id: int, plan: Plan, now: datetime) -> bool:
    """Whether a paper of this plan may have questions of several parts."""
    return any(one.places > 1 for one in candidates(session, branch_id, plan, now))


def draw(session: Session, branch_id: int, plan: Plan, now: datetime, rng: random.Random) -> list[int]:
    """The paper: as many questions as planned, by chance; a case stands in it once for each of its parts."""
    found = candidates(session, branch_id, plan, now)
    rng.shuffle(found)
    return [one.id for one in drawing.exactly(found, plan.count) for _ in range(one.places)]


def _with_moments(plan: Plan, text: str, now: datetime) -> tuple[Plan, str]:
    """The moments in a text: one is the end, two are the beginning and the end."""
    first, *more = _SPAN.split(text, maxsplit=1)
    start, end = when.find(first, now), when.find(more[0], now) if more else None
    if end is not None and end.day is not None and start.day is not None:
        opens_at = at_time(start.day, start.time or OPENS_AT, now)
        closes_at = at_time(end.day, end.time or CLOSES_AT, now)
        return replace(plan, opens_at=opens_at, closes_at=closes_at), f"{start.rest} {end.rest}"
    found = when.find(text, now)
    if found.day is None and found.time is None:
        return plan, text
    old = plan.closes_at.astimezone(now.tzinfo) if plan.closes_at else None
    day = found.day or (old.date() if old else now.date())
    at = found.time or (old.time() if old else CLOSES_AT)
    return replace(plan, closes_at=at_time(day, at, now)), found.rest


def _topic(session: Session, branch_id: int, said: str, now: datetime) -> str:
    known = question.topics(session, branch_id, now.date())
    if said in (WHOLE, "全部", "所有", "不限", "全部题目"):
        return WHOLE
    found = question.named(said, known)
    if len(found) != 1:
        raise UnknownTopic(topic=said[:10], known="、".join(found or known))
    return found[0]


def to_data(plan: Plan) -> dict[str, Any]:
    """The plan as JSON."""
    return {k: v.isoformat() if isinstance(v, datetime) else v for k, v in asdict(plan).items()}


def from_data(data: dict[str, Any]) -> Plan:
    """The plan that :func:`to_data` wrote."""
    moments = {k: datetime.fromisoformat(data[k]) for k in ("opens_at", "closes_at") if data[k]}
    return Plan(**{**data, **moments})
