"""Seminars (集中学习专题研讨): who sees the questions, their order, and the answers that go back to who asked.

A question is seen by who leads the activity in the own branch and by the speakers named for it, by nobody else. Questions, speakers and answers
stand in the record of the activity, so nothing of it is written down twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState
from bot.models.minutes import ActivityDuty, Duty
from bot.models.outbox import Urgency
from bot.models.seminar import SeminarQuestion
from bot.services import activity as activities
from bot.services import duty as duties
from bot.services import minutes, outbox, recording
from bot.services.permission import Actor
from bot.services.seminar_question import Asked, kinds, shown


class NothingToSee(Refusal):
    text = "没有您能看的研讨问题。要提问请先等{kinds}的通知，再发：研讨提问 内容"


class NoSuchQuestion(Refusal):
    text = "“{theme}”没有第 {number} 问。看有哪些请发：研讨问题"


class NotToBeOrdered(Refusal):
    text = "没看懂顺序。请写问题的编号，用空格分开，例如：问题排序 3 1 2"


class AnswerMissing(Refusal):
    text = "还差答复的内容。例如：答复 {number} 古丽：先从班前会讲起"


@dataclass(frozen=True, slots=True)
class Answered:
    """What the record of an answer did: whether it replaced another, and how many askers are told (0 or 1)."""

    question: Asked
    again: bool
    told: int


def _leads(actor: Actor) -> ColumnElement[bool]:
    """The condition on :class:`Activity` for who may order questions and name speakers: in the own branch, not from above."""
    return activities.led_by(actor) & (Activity.branch_id == actor.branch_id)


def _sees(actor: Actor) -> ColumnElement[bool]:
    """The condition on :class:`Activity` for who may see its questions and answer them."""
    speaks = select(ActivityDuty.activity_id).where(
        ActivityDuty.member_id == actor.member.id, ActivityDuty.duty == Duty.SPEAKER
    )
    return _leads(actor) | (Activity.id.in_(speaks) & (Activity.branch_id == actor.member.branch_id))


def leads(session: Session, actor: Actor, activity: Activity) -> bool:
    """Whether the actor orders its questions and names its speakers."""
    return session.scalar(select(Activity.id).where(Activity.id == activity.id, _leads(actor))) is not None


def to_see(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """The seminars whose questions the actor may see: those going on, else the coming ones, else the last that was ended; empty for others."""
    return _nearest(session, _sees(actor), number, now, ended_first=False)


def to_answer(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """Where an answer may belong: in what is going on, else in the last that was ended, else in what is coming."""
    return _require(_nearest(session, _sees(actor), number, now, ended_first=True))


def to_lead(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Sequence[Activity]:
    """The seminars that the actor leads, as :func:`to_see` picks them."""
    return _require(_nearest(session, _leads(actor), number, now, ended_first=False))


def _require(found: Sequence[Activity]) -> Sequence[Activity]:
    if not found:
        raise NothingToSee(kinds="、".join(kinds()))
    return found


def _nearest(
    session: Session, may: ColumnElement[bool], number: int | None, now: datetime, *, ended_first: bool
) -> Sequence[Activity]:
    query = select(Activity).where(Activity.kind.in_(kinds()), Activity.state != ActivityState.CANCELLED, may)
    if number is not None:
        return session.scalars(query.where(Activity.id == number)).all()
    found = session.scalars(query.order_by(Activity.starts_at, Activity.id)).all()
    open_ = [one for one in found if one.state is ActivityState.PUBLISHED]
    going_on = [one for one in open_ if activities.window_opens(one) <= now]
    coming = [one for one in open_ if one not in going_on]
    ended = [one for one in found if one.ended_at and one.ended_at > now - recording.LATER][-1:]
    return going_on or ((ended or coming) if ended_first else (coming or ended))


def order(session: Session, activity: Activity, numbers: Sequence[int]) -> list[int]:
    """Put these questions first, in this order, the others after them as they stood; returns the order as it was."""
    activities.lock(session, activity)
    rows = session.scalars(
        select(SeminarQuestion)
        .where(SeminarQuestion.activity_id == activity.id)
        .order_by(SeminarQuestion.place, SeminarQuestion.number)
    ).all()
    before = {row.number: row for row in rows}
    for number in numbers:
        _require_known(activity, number, before)
    if len(set(numbers)) < len(numbers) or not numbers:
        raise NotToBeOrdered
    after = [*numbers, *(number for number in before if number not in numbers)]
    for place, number in enumerate(after, 1):
        before[number].place = place
    session.flush()
    return list(before)


def _require_known(activity: Activity, number: int, known: Iterable[int]) -> None:
    if number not in known:
        raise NoSuchQuestion(theme=activities.title(activity), number=number)


def answer(
    session: Session, actor: Actor, activity: Activity, number: int, text: str, *, now: datetime
) -> Answered:
    """Record an answer to a question, and send it to its asker; a second one replaces the first and is sent again.

    "古丽：…" names who spoke; without a name it is the actor, where that is a speaker. Until 30 days after the end.
    """
    activities.lock(session, activity)
    row = session.scalars(
        select(SeminarQuestion).where(
            SeminarQuestion.activity_id == activity.id, SeminarQuestion.number == number
        )
    ).one_or_none()
    if row is None:
        raise NoSuchQuestion(theme=activities.title(activity), number=number)
    speaker, said = minutes.speaker_of(session, activity.branch_id, minutes.checked(text))
    if not said:
        raise AnswerMissing(number=number)
    if speaker is None and actor.member in duties.on_duty(session, activity.id, Duty.SPEAKER):
        speaker = actor.member
    again = bool(row.answer)
    row.answer, row.speaker_id = said, speaker.id if speaker else None
    row.answered_by, row.answered_at = actor.member.id, now
    session.flush()
    return Answered(shown(session, [row])[0], again, _send_back(session, actor, activity, row, again, now))


def _send_back(
    session: Session, actor: Actor, activity: Activity, row: SeminarQuestion, again: bool, now: datetime
) -> int:
    if row.asker_id is None or row.asker_id == actor.member.id:
        return 0
    head = "您提的研讨问题，答复有更正" if again else "您提的研讨问题有答复了"
    [asked] = shown(session, [row])
    text = f"{head}（{activities.short(activity, now)}）\n问：{row.text}\n答：{asked.reply}\n看自己提的请发：研讨问题"
    key = f"seminar {row.id} answer {now.isoformat()}"
    return outbox.push(session, [row.asker_id], text, key=key, now=now, urgency=Urgency.ANSWER)


def unanswered(
    session: Session, actor: Actor, *, now: datetime, within: timedelta
) -> list[tuple[Activity, int]]:
    """The seminars that the actor leads, begun or about to begin (or ended) within a time, with how many questions have no answer yet."""
    near = (
        Activity.kind.in_(kinds()),
        Activity.state != ActivityState.CANCELLED,
        Activity.starts_at <= now + within,
        Activity.starts_at > now - within,
    )
    rows = session.execute(
        select(Activity, func.count())
        .join(SeminarQuestion, SeminarQuestion.activity_id == Activity.id)
        .where(*near, _leads(actor), SeminarQuestion.answer == "")
        .group_by(Activity.id)
        .order_by(Activity.starts_at)
    )
    return [(activity, count) for activity, count in rows]
