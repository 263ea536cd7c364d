"""The register of hazards: reporting one, finding it again, and what is open. What is done with it is :mod:`bot.services.hazard_course`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from sqlalchemy import ColumnElement, exists, or_, select, update
from sqlalchemy.orm import Session

from bot import nlu
from bot.errors import Refusal
from bot.models.hazard import OPEN, Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import member as people
from bot.services import outbox
from bot.services.permission import Action, Actor, holders
from content import hazards as file
from content.hazards import HazardRules

LONGEST, LONGEST_PLACE = 300, 60
ALIKE = 0.6
"""The share of the shorter description's words in another one from which both may mean the same place. Our own rule of thumb."""
_PLACE = re.compile(r"[\s,，。;；]*地点\s*[:：]?\s*(?P<place>[^,，。;；]+)[\s,，。;；]*")
# "YH12 …", "12 …", but not the 12 of 12号杆塔已紧固.
_NUMBER = re.compile(r"(?:YH|#)\s*(?P<sure>\d{1,9})|(?P<plain>\d{1,9})(?=[\s,，:：]|$)", re.IGNORECASE)
_JOINTS = " ,，:：。"
MOST_CHOICES = 8
_DIGITS = re.compile(r"\d+")


class TooLong(Refusal):
    text = f"请写短一些，最多 {LONGEST} 个字：在哪里、是什么。例如：隐患 2号主变渗油"


class TooManyWords(Refusal):
    text = f"请写短一些，最多 {LONGEST} 个字，写要点就可以。"


class AlreadyReported(Refusal):
    text = "这处隐患您已经报过（YH{number}），不用再报。看进度请发：隐患 YH{number}"


class NoSuchHazard(Refusal):
    text = "没有找到您能看的 YH{number}。发 隐患 看有哪些。"


class Overtaken(Refusal):
    text = "YH{number} {standing}，{what}。看经过请发：隐患 YH{number}"


@lru_cache(maxsize=1)
def rules() -> HazardRules:
    """Levels and emergency words, read once."""
    return file.load()


def split_place(text: str) -> tuple[str, str]:
    """The description and the place of 2号主变渗油 地点110千伏东郊变; the place is empty when none was named."""
    found = _PLACE.search(text)
    if found is None:
        return text.strip(), ""
    rest = f"{text[: found.start()]} {text[found.end() :]}".strip()
    place = found["place"].strip()[:LONGEST_PLACE]
    return (rest, place) if rest else (place, "")


def numbered(text: str) -> tuple[int | None, str]:
    """The number in front of what is said of a hazard, and the rest."""
    said = text.strip()
    found = _NUMBER.match(said)
    if found is None:
        return None, said
    return int(found["sure"] or found["plain"]), said[found.end() :].strip(_JOINTS)


def require_short(text: str) -> None:
    """Raise :class:`TooManyWords` for what nobody reads on a phone."""
    if len(text) > LONGEST:
        raise TooManyWords


def choice(word: str, found: Sequence[Hazard], rest: str, ask: str) -> tuple[str, tuple[str, ...]]:
    """A question which of several is meant, and the commands that its numbers stand for: ``word`` about each."""
    lines = [f"{n} YH{one.id} {one.text[:16]}" for n, one in enumerate(found[:MOST_CHOICES], 1)]
    rest_of_them = len(found) - MOST_CHOICES
    more = [f"还有 {rest_of_them} 处，发 隐患 看全部"] if rest_of_them > 0 else []
    words = tuple(f"{word} YH{one.id} {rest}".strip() for one in found[:MOST_CHOICES])
    return "\n".join([ask, *lines, *more, "回复数字即可。"]), words


# Reporting --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reported:
    """A new entry; ``alike`` are open ones that may be the same, ``told`` the names of those who hear of it."""

    hazard: Hazard
    alike: tuple[Hazard, ...]
    told: tuple[str, ...]


def report(
    session: Session, member: Member, branch_id: int, text: str, place: str, *, urgent: bool, now: datetime
) -> Reported:
    """Take up a hazard. The nearest in charge is told; of an ``urgent`` one all who are in charge of the branch, at any hour.

    :class:`TooLong`, or :class:`AlreadyReported` for the same words of the same person while they are open.
    """
    if len(text) > LONGEST:
        raise TooLong
    known = _open_in(session, Hazard.branch_id == branch_id)
    for one in known:
        if one.reporter_id == member.id and (one.text, one.place) == (text, place):
            raise AlreadyReported(number=one.id)
    hazard = Hazard(
        branch_id=branch_id,
        reporter_id=member.id,
        text=text,
        place=place,
        level=rules().levels[0].name,
        urgent=urgent,
        state=HazardState.REPORTED,
        turn=0,
        closures=0,
        at=now,
    )
    session.add(hazard)
    session.flush()
    session.add(HazardStep(hazard_id=hazard.id, act=HazardAct.REPORT, by_id=member.id, text=text, at=now))
    alike = tuple(one for one in known if _alike(hazard, one))
    return Reported(hazard, alike, _tell_chiefs(session, hazard, member, now))


def _tell_chiefs(session: Session, hazard: Hazard, reporter: Member, now: datetime) -> tuple[str, ...]:
    able = [
        one
        for one in holders(session, Action.HANDLE_HAZARDS, hazard.branch_id, on=now.date())
        if one != reporter
    ]
    near = [one for one in able if one.branch_id == hazard.branch_id] or able
    told = near if hazard.urgent else near[:1]
    head = "【紧急】" if hazard.urgent else ""
    text = f"{head}{reporter.name}报告隐患 YH{hazard.id}：{described(hazard)}\n派人整改请发：派发 YH{hazard.id} 姓名 3天"
    urgency = Urgency.URGENT if hazard.urgent else Urgency.ANSWER
    outbox.push(session, [one.id for one in told], text, key=push_key(hazard), now=now, urgency=urgency)
    return tuple(one.name for one in told)


def push_key(hazard: Hazard) -> str:
    """Under which key those are told of what was done last, so that it can be taken back."""
    return f"hazard {hazard.id} turn {hazard.turn}"


def _alike(new: Hazard, old: Hazard) -> bool:
    """The same place, or most words of the shorter description in the other; 2号主变 and 3号主变 are two places."""
    mine, theirs = nlu.clean(new.text), nlu.clean(old.text)
    if set(_DIGITS.findall(mine)) != set(_DIGITS.findall(theirs)):
        return False
    if new.place and old.place and nlu.clean(new.place) != nlu.clean(old.place):
        return False
    one, other = set(nlu.words(mine)), set(nlu.words(theirs))
    shorter = min(len(one), len(other))
    return shorter > 1 and len(one & other) / shorter >= ALIKE


# Finding ----------------------------------------------------------------------------------------------------------------


def find(session: Session, actor: Actor, number: int) -> Hazard:
    """The hazard of that number, for whoever had to do with it or is in charge of its branch; :class:`NoSuchHazard` otherwise."""
    took_part = exists().where(
        HazardStep.hazard_id == Hazard.id,
        or_(HazardStep.by_id == actor.member.id, HazardStep.to_id == actor.member.id),
    )
    return _one(session, number, or_(took_part, actor.within(Action.HANDLE_HAZARDS)))


def in_charge_of(session: Session, actor: Actor, number: int) -> Hazard:
    """The hazard of that number, if the actor is in charge of its branch; :class:`NoSuchHazard` otherwise."""
    actor.require(Action.HANDLE_HAZARDS)
    return _one(session, number, actor.within(Action.HANDLE_HAZARDS))


def _one(session: Session, number: int, may: ColumnElement[bool]) -> Hazard:
    query = (
        select(Hazard).join(Organisation, Organisation.id == Hazard.branch_id).where(Hazard.id == number, may)
    )
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NoSuchHazard(number=number)
    return found


def steps(session: Session, hazard: Hazard) -> list[tuple[HazardStep, str, str]]:
    """What was done, oldest first, with the names of who did it and of whom it was given to."""
    rows = session.scalars(
        select(HazardStep).where(HazardStep.hazard_id == hazard.id).order_by(HazardStep.id)
    ).all()
    names = people.names_of(session, [one for row in rows for one in (row.by_id, row.to_id)])
    return [(row, names.get(row.by_id, ""), names.get(row.to_id or 0, "")) for row in rows]


def described(hazard: Hazard) -> str:
    """2号主变渗油（地点：东郊变，重大隐患）."""
    level = "" if hazard.level == rules().levels[0].name else f"{hazard.level}隐患"
    about = "，".join(filter(None, (f"地点：{hazard.place}" if hazard.place else "", level)))
    return f"{hazard.text}（{about}）" if about else hazard.text


STANDINGS = {
    HazardState.REPORTED: "还没有派发",
    HazardState.DISPATCHED: "正在整改",
    HazardState.FIXED: "已整改，等待复查",
    HazardState.CLOSED: "已复查通过、销号",
    HazardState.DISMISSED: "已确认不是隐患",
    HazardState.WITHDRAWN: "已由报告人撤销",
}


# What is open -----------------------------------------------------------------------------------------------------------


def _open_in(session: Session, where: ColumnElement[bool]) -> Sequence[Hazard]:
    return session.scalars(select(Hazard).where(where, Hazard.state.in_(OPEN)).order_by(Hazard.id)).all()


def move_open(session: Session, branch_id: int, to_id: int) -> None:
    """What is open in a branch goes to the one into which it is merged, whose people see to it from now on."""
    here = (Hazard.branch_id == branch_id, Hazard.state.in_(OPEN))
    session.execute(
        update(Hazard).where(*here).values(branch_id=to_id), execution_options={"synchronize_session": False}
    )


def open_of_branch(session: Session, branch_id: int, *, today: date) -> list[Hazard]:
    """What is open in a branch: overdue first, then what waits for somebody in charge, then by deadline."""
    return sorted(_open_in(session, Hazard.branch_id == branch_id), key=lambda one: _order(one, today))


def open_of_member(session: Session, member_id: int, *, today: date) -> list[Hazard]:
    """What is open of that which a member reported or has to put right, in the same order."""
    mine = or_(Hazard.reporter_id == member_id, Hazard.owner_id == member_id)
    return sorted(_open_in(session, mine), key=lambda one: _order(one, today))


def to_fix(session: Session, member_id: int, *, today: date) -> list[Hazard]:
    """What a member has to put right."""
    mine = (Hazard.owner_id == member_id) & (Hazard.state == HazardState.DISPATCHED)
    return sorted(_open_in(session, mine), key=lambda one: _order(one, today))


HAS_SOMETHING_TO_FIX = exists().where(Hazard.owner_id == Member.id, Hazard.state == HazardState.DISPATCHED)
"""Whether a member has a hazard to put right."""


def to_dispatch(session: Session, actor: Actor, *, today: date) -> list[Hazard]:
    """What waits to be given out in the branch for which the actor acts; nothing where the actor is not in charge."""
    in_charge = exists().where(Organisation.id == actor.branch_id, actor.within(Action.HANDLE_HAZARDS))
    where = (Hazard.branch_id == actor.branch_id) & (Hazard.state == HazardState.REPORTED) & in_charge
    return sorted(_open_in(session, where), key=lambda one: _order(one, today))


def _order(one: Hazard, today: date) -> tuple[bool, bool, bool, date, int]:
    waits = one.state is HazardState.DISPATCHED
    return not is_overdue(one, today), waits, not (one.urgent and not waits), one.due_on or date.min, one.id


def is_overdue(hazard: Hazard, today: date) -> bool:
    """Whether it should be put right by now and is not; one that waits for its check is out of its owner's hands."""
    return hazard.state is HazardState.DISPATCHED and hazard.due_on is not None and hazard.due_on < today


def page_of(
    session: Session, where: ColumnElement[bool], number: int, *, size: int
) -> tuple[Sequence[Hazard], bool]:
    """A page (from 1) of all hazards, the newest first, and whether there are more."""
    query = select(Hazard).where(where).order_by(Hazard.id.desc()).limit(size + 1).offset((number - 1) * size)
    found = session.scalars(query).all()
    return found[:size], len(found) > size
