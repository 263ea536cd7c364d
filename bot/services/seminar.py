"""Seminars (集中学习专题研讨): questions collected before, speakers named, answers that go back to who asked.

A question is seen by who leads the activity in the own branch and by the speakers named for it, by nobody else; who asked anonymously is named to
nobody at all. Questions, speakers and answers stand in the record of the activity, so nothing of it is written down twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp
from bot.models.member import Member
from bot.models.minutes import ActivityDuty, Duty
from bot.models.outbox import Urgency
from bot.models.seminar import SeminarQuestion
from bot.services import activity as activities
from bot.services import minutes, outbox
from bot.services.permission import Actor
from content import activity_kinds

MOST = 300
"""The most characters of a question; an answer may be as long as a line of the minutes."""
MOST_OF_ONE = 5
"""So many questions one member has in one seminar: the others want answers too."""
ANONYMOUS = "匿名"


class NothingCollected(Refusal):
    text = "现在没有在收集问题的{kinds}。想查规定请发：提问 内容"


class NotCollecting(Refusal):
    text = "#{number} 号活动不收集研讨问题，或没有邀请您。看有哪些活动请发：主题党日"


class QuestionTooLong(Refusal):
    text = "一问最多 {most} 个字，这里有 {count} 个字，没有记下。请写短一些，或分成两问。"


class AskedEnough(Refusal):
    text = "这次研讨您已提了 {most} 问，先听听别人的。看自己提的请发：研讨问题"


class AlreadyAsked(Refusal):
    text = "这一问您已经提过（第 {number} 问），不用再提。"


class NothingToSee(Refusal):
    text = "没有您能看的研讨问题。要提问请先等{kinds}的通知，再发：研讨提问 内容"


class NoSuchQuestion(Refusal):
    text = "“{theme}”没有第 {number} 问。看有哪些请发：研讨问题"


class NotToBeOrdered(Refusal):
    text = "没看懂顺序。请写问题的编号，用空格分开，例如：问题排序 3 1 2"


class AnswerMissing(Refusal):
    text = "还差答复的内容。例如：答复 {number} 古丽：先从班前会讲起"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it is shown: ``who`` is 匿名 where the asker wished so, ``speaker`` "" where nobody was named; ``answer`` "" before there is one."""

    number: int
    who: str
    text: str
    answer: str
    speaker: str
    answered_at: datetime | None

    @property
    def reply(self) -> str:
        """古丽：先从…, or the answer alone."""
        return f"{self.speaker}：{self.answer}" if self.speaker else self.answer


@dataclass(frozen=True, slots=True)
class Answered:
    """What the record of an answer did: whether it replaced another, and how many askers are told (0 or 1)."""

    question: Asked
    again: bool
    told: int


def kinds() -> list[str]:
    """The kinds of activity that collect questions."""
    return [kind.name for kind in activity_kinds.kinds() if kind.questions]


# Asking -----------------------------------------------------------------------------------------------------------------


def collecting(session: Session, member: Member, number: int | None) -> Sequence[Activity]:
    """The seminars not ended yet to which a member is invited, nearest first; or the one with a number. A refusal when there is none."""
    invited = select(SignUp.activity_id).where(SignUp.member_id == member.id)
    query = select(Activity).where(
        Activity.kind.in_(kinds()), Activity.state == ActivityState.PUBLISHED, Activity.id.in_(invited)
    )
    if number is not None:
        query = query.where(Activity.id == number)
    found = session.scalars(query.order_by(Activity.starts_at, Activity.id)).all()
    if not found and number is not None:
        raise NotCollecting(number=number)
    if not found:
        raise NothingCollected(kinds="、".join(kinds()))
    return found


def ask(
    session: Session, member: Member, activity: Activity, text: str, *, anonymous: bool, now: datetime
) -> SeminarQuestion:
    """Keep a question for a seminar that is still open."""
    text = text.strip()
    if len(text) > MOST:
        raise QuestionTooLong(most=MOST, count=len(text))
    # Against the end of the activity, and against a second question that would get the same number.
    activities.lock_published(session, activity, "提研讨问题")
    here = select(SeminarQuestion).where(SeminarQuestion.activity_id == activity.id)
    own = session.scalars(here.where(SeminarQuestion.asker_id == member.id)).all()
    for one in own:
        if one.text == text:
            raise AlreadyAsked(number=one.number)
    if len(own) >= MOST_OF_ONE:
        raise AskedEnough(most=MOST_OF_ONE)
    last = session.execute(
        select(func.max(SeminarQuestion.number), func.max(SeminarQuestion.place)).where(
            SeminarQuestion.activity_id == activity.id
        )
    ).one()
    row = SeminarQuestion(
        activity_id=activity.id,
        number=(last[0] or 0) + 1,
        place=(last[1] or 0) + 1,
        asker_id=member.id,
        anonymous=anonymous,
        text=text,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def withdraw(session: Session, member: Member, question_id: int) -> SeminarQuestion | None:
    """Take back one's own question before it is answered; None when it is answered or gone."""
    row = session.get(SeminarQuestion, question_id)
    if row is None or row.asker_id != member.id or row.answer:
        return None
    session.delete(row)
    session.flush()
    return row


def mine(session: Session, member: Member, *, most: int = 5) -> list[tuple[Activity, Asked]]:
    """A member's own newest questions with their activity."""
    rows = session.execute(
        select(SeminarQuestion, Activity)
        .join(Activity, Activity.id == SeminarQuestion.activity_id)
        .where(SeminarQuestion.asker_id == member.id)
        .order_by(SeminarQuestion.id.desc())
        .limit(most)
    ).all()
    shown = _shown(session, [row for row, _ in rows])
    return [(activity, asked) for (_, activity), asked in zip(rows, shown, strict=True)]


# Leading ----------------------------------------------------------------------------------------------------------------


def _leads(actor: Actor) -> ColumnElement[bool]:
    """The condition on :class:`Activity` for who may order questions and name speakers: in the own branch, not from above."""
    return activities.led_by(actor) & (Activity.branch_id == actor.member.branch_id)


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
    ended = [one for one in found if one.ended_at and one.ended_at > now - minutes.LATER][-1:]
    return going_on or ((ended or coming) if ended_first else (coming or ended))


def questions(session: Session, activity_id: int) -> list[Asked]:
    """The questions of a seminar in the order of talk."""
    return of_activities(session, [activity_id])[activity_id]


def of_activities(session: Session, ids: Sequence[int]) -> dict[int, list[Asked]]:
    """The questions of several activities, in two queries."""
    rows = session.scalars(
        select(SeminarQuestion)
        .where(SeminarQuestion.activity_id.in_(ids))
        .order_by(SeminarQuestion.activity_id, SeminarQuestion.place, SeminarQuestion.number)
    ).all()
    found: dict[int, list[Asked]] = {one: [] for one in ids}
    for row, asked in zip(rows, _shown(session, rows), strict=True):
        found[row.activity_id].append(asked)
    return found


def _shown(session: Session, rows: Sequence[SeminarQuestion]) -> list[Asked]:
    asker, speaker = aliased(Member), aliased(Member)
    names = session.execute(
        select(SeminarQuestion.id, asker.name, speaker.name)
        .outerjoin(asker, asker.id == SeminarQuestion.asker_id)
        .outerjoin(speaker, speaker.id == SeminarQuestion.speaker_id)
        .where(SeminarQuestion.id.in_([row.id for row in rows]))
    )
    known = {key: (who, said) for key, who, said in names}
    return [
        Asked(
            row.number,
            ANONYMOUS if row.anonymous else known[row.id][0] or ANONYMOUS,
            row.text,
            row.answer,
            known[row.id][1] or "",
            row.answered_at,
        )
        for row in rows
    ]


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
        raise NoSuchQuestion(theme=minutes.title(activity), number=number)


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
        raise NoSuchQuestion(theme=minutes.title(activity), number=number)
    speaker, said = minutes.speaker_of(session, activity.branch_id, minutes.checked(text))
    if not said:
        raise AnswerMissing(number=number)
    if speaker is None and actor.member in minutes.on_duty(session, activity.id, Duty.SPEAKER):
        speaker = actor.member
    again = bool(row.answer)
    row.answer, row.speaker_id = said, speaker.id if speaker else None
    row.answered_by, row.answered_at = actor.member.id, now
    session.flush()
    return Answered(_shown(session, [row])[0], again, _send_back(session, actor, activity, row, again, now))


def _send_back(
    session: Session, actor: Actor, activity: Activity, row: SeminarQuestion, again: bool, now: datetime
) -> int:
    if row.asker_id is None or row.asker_id == actor.member.id:
        return 0
    head = "您提的研讨问题，答复有更正" if again else "您提的研讨问题有答复了"
    [asked] = _shown(session, [row])
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
