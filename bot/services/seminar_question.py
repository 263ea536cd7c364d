"""Questions for a seminar: who may ask, what is kept of it, and how it is shown. An anonymous one names its asker to nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, SignUp
from bot.models.member import Member
from bot.models.seminar import SeminarQuestion
from bot.services import activity as activities
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


def kinds() -> list[str]:
    """The kinds of activity that collect questions."""
    return [kind.name for kind in activity_kinds.kinds() if kind.questions]


# Asking ----------------------------------------------------------------------------------------------------------------


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
    found = shown(session, [row for row, _ in rows])
    return [(activity, asked) for (_, activity), asked in zip(rows, found, strict=True)]


# Reading ---------------------------------------------------------------------------------------------------------------


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
    for row, asked in zip(rows, shown(session, rows), strict=True):
        found[row.activity_id].append(asked)
    return found


def shown(session: Session, rows: Sequence[SeminarQuestion]) -> list[Asked]:
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
