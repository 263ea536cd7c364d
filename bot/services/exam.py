"""Exams: published to a branch, sat against the clock of the messages themselves, results for all after the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, exists, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.course import Transfer
from bot.models.exam import Exam
from bot.models.member import Member, MemberStatus
from bot.models.outbox import Urgency
from bot.models.quiz import Attempt, QuizKind, QuizRun
from bot.services import exam_plan, outbox, quiz
from bot.services import run as runs
from bot.services.concern import NOW
from bot.services.exam_plan import Plan
from bot.services.permission import Actor
from bot.services.quiz import Answered, Overtaken
from bot.services.run import SECURE, Asked, Place, Run
from bot.times import full_moment, moment

SHOWN = 5
_BULK = {"synchronize_session": False}


class NoExam(Refusal):
    text = "现在没有考试。想练习请回复 答题 或 专项。"


class NotYetOpen(Refusal):
    text = "考试还没开始，{opens} 开放。"


class Closed(Refusal):
    text = "考试已截止（{closes}），不能再答。看成绩请发 考试成绩。"


class NoAttemptsLeft(Refusal):
    text = "您已考过 {count} 次，次数用完了。成绩在 {closes} 截止后公布。"


class AlreadyBegun(Refusal):
    text = "已有 {count} 人开始考试，不能撤销。确实要取消请发：取消考试 #{number}"


class AlreadyOver(Refusal):
    text = "{title}已截止，不能再取消。看成绩请发 考试成绩。"


class Cancelled(Refusal):
    text = "{title}已取消，不用再考。想练习请回复 答题。"


class NothingToCancel(Refusal):
    text = "没有可以取消的考试{number}。看有哪些考试请发 考试成绩。"


@dataclass(frozen=True, slots=True)
class Late:
    """An answer that came after the time: it does not count. ``ended_at`` is when the time was over."""

    exam: Exam
    run: Run
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Void:
    """An answer in an exam that was cancelled meanwhile: nothing of it counts."""

    exam: Exam


@dataclass(frozen=True, slots=True)
class Sat:
    """What the answer to a question of an exam changed."""

    exam: Exam
    done: Answered | Overtaken


def publish(
    session: Session, actor: Actor, plan: Plan, *, now: datetime, rng: random.Random = SECURE
) -> tuple[Exam, int]:
    """Draw the paper and invite the branch for which the actor acts; returns the exam and how many are invited."""
    author, branch_id = actor.member, actor.branch_id
    plan = exam_plan.check(session, branch_id, plan, now)
    assert plan.closes_at is not None
    exam = Exam(
        branch_id=branch_id,
        author_id=author.id,
        topic=plan.topic,
        questions=exam_plan.draw(session, branch_id, plan, now, rng),
        opens_at=plan.opens_at or now,
        closes_at=plan.closes_at,
        minutes=plan.minutes,
        pass_mark=plan.pass_mark,
        attempts=plan.attempts,
        published_at=now,
    )
    session.add(exam)
    session.flush()
    text = f"考试通知：{described(exam, now, at=full_moment)}\n回复 考试 参加。开始后计时，请在不值班时作答。"
    sent = outbox.push(
        session,
        candidates_of(session, exam.branch_id),
        text,
        key=f"exam {exam.id}",
        now=now,
        at=max(now, exam.opens_at),
        expires_at=exam.closes_at,
    )
    return exam, sent


def take_back(session: Session, exam: Exam, *, now: datetime) -> int:
    """Undo the publication; :class:`AlreadyBegun` once somebody began. Returns how many are told, because the notice had reached them."""
    begun = len(begun_by(session, exam))
    if begun:
        raise AlreadyBegun(count=begun, number=exam.id)
    return cancel(session, exam, now=now)[1]


def to_cancel(session: Session, branch_id: int, number: int | None, now: datetime) -> Sequence[Exam]:
    """The exams of a branch that can be cancelled: the one with a number, else all that are not over."""
    if number is None:
        found = current(session, branch_id, now)
    else:
        ours = (Exam.branch_id == branch_id, Exam.id == number, Exam.cancelled_at.is_(None))
        found = session.scalars(select(Exam).where(*ours)).all()
    if not found:
        raise NothingToCancel(number=f"（#{number}）" if number else "")
    if found[0].closes_at <= now:
        raise AlreadyOver(title=title(found[0], now))
    return found


def cancel(session: Session, exam: Exam, *, now: datetime) -> tuple[int, int]:
    """Cancel an exam that is not over. Its answers are deleted, so that nothing of them counts; notices that are not out yet stay in.

    Who had begun is told at once, who had only been invited as well, but less urgently. Returns how many had begun, and how many are told.
    """
    session.refresh(exam, with_for_update=True)
    if exam.cancelled_at is not None:
        raise Cancelled(title=title(exam, now))
    begun = begun_by(session, exam)
    exam.cancelled_at = now
    void_runs = [run.id for run in attempts(session, exam)]
    session.execute(delete(Attempt).where(Attempt.run_id.in_(void_runs)), execution_options=_BULK)
    void = update(QuizRun).where(QuizRun.id.in_(void_runs)).values(right=0, finished_at=now)
    session.execute(void, execution_options=_BULK)
    unread = set(outbox.forget(session, f"exam {exam.id}", now=now))
    invited = set(candidates_of(session, exam.branch_id)) - begun - unread if exam.opens_at <= now else set()
    head = f"{title(exam, now)}已取消，不用再考。"
    told = outbox.push(
        session,
        sorted(begun),
        f"{head}您答过的都不算，也不留记录。",
        key=f"exam {exam.id} cancelled",
        now=now,
        urgency=Urgency.ANSWER,
    )
    told += outbox.push(session, sorted(invited), head, key=f"exam {exam.id} cancelled", now=now)
    return len(begun), told


def described(exam: Exam, now: datetime, at: Callable[[datetime, datetime], str] = moment) -> str:
    """安规 20题，30分钟，80分及格，一次机会，12月10日(周四)18:00 截止. What is read on another day needs another way to say when (``at``)."""
    tries = "一次机会" if exam.attempts == 1 else f"可考 {exam.attempts} 次取最好成绩"
    opens = f"{at(exam.opens_at, now)} 开放，" if exam.opens_at > now else ""
    return (
        f"{exam.topic} {len(exam.questions)}题，限时{exam.minutes}分钟，{exam.pass_mark}分及格，{tries}，"
        f"{opens}{at(exam.closes_at, now)} 截止。"
    )


def candidates_of(session: Session, branch_id: int) -> list[int]:
    """Who is to sit a branch's exams: everybody on its roster but colleagues outside the Party's ranks."""
    ours = (Member.branch_id == branch_id, Member.active, Member.status != MemberStatus.COLLEAGUE)
    return list(session.scalars(select(Member.id).where(*ours).order_by(Member.id)))


IS_OPEN = exists().where(
    Exam.branch_id == Member.branch_id,
    Exam.cancelled_at.is_(None),
    Exam.opens_at <= NOW,
    Exam.closes_at > NOW,
)
"""Whether a member's branch has an open exam."""
# Built once: it is asked under most answers, and putting it together costs more than running it.
_CURRENT = (
    select(Exam)
    .where(
        Exam.branch_id == bindparam("branch"), Exam.cancelled_at.is_(None), Exam.closes_at > bindparam("at")
    )
    .order_by(Exam.closes_at, Exam.id)
)


def current(session: Session, branch_id: int, at: datetime) -> Sequence[Exam]:
    """The exams of a branch that are not over, the one that ends first in front."""
    return session.scalars(_CURRENT, {"branch": branch_id, "at": at}).all()


def latest(session: Session, branch_id: int, number: int | None = None) -> Sequence[Exam]:
    """The newest exams of a branch, or the one with a number."""
    ours = select(Exam).where(Exam.branch_id == branch_id, Exam.cancelled_at.is_(None))
    chosen = ours.where(Exam.id == number) if number else ours
    return session.scalars(chosen.order_by(Exam.id.desc()).limit(SHOWN)).all()


def numbered(session: Session, branch_id: int, number: int) -> Sequence[Exam]:
    """The exam of a branch with a number, also a cancelled one, which then says so."""
    ours = (Exam.branch_id == branch_id, Exam.id == number)
    return session.scalars(select(Exam).where(*ours)).all()


def sit(
    session: Session, member: Member, exam: Exam, *, at: datetime, rng: random.Random = SECURE
) -> tuple[Asked, bool]:
    """Begin an attempt, or go on with the open one; whether it is new. ``at`` is the message's own time: it alone decides what is in time."""
    session.refresh(exam, with_for_update={"read": True})
    if exam.cancelled_at is not None:
        raise Cancelled(title=title(exam, at))
    if at < exam.opens_at:
        raise NotYetOpen(opens=moment(exam.opens_at, at))
    if at >= exam.closes_at:
        raise Closed(closes=moment(exam.closes_at, at))
    mine = attempts(session, exam, member.id)
    going = next((run for run in mine if run.finished_at is None), None)
    if going is not None and at < ends_at(exam, going):
        return runs.resume(session, going, now=at, rng=rng), False
    if going is not None:
        end(session, going, ends_at(exam, going))
    if len(mine) >= exam.attempts:
        raise NoAttemptsLeft(count=len(mine), closes=moment(exam.closes_at, at))
    order = list(dict.fromkeys(exam.questions))
    rng.shuffle(order)
    # The parts of a case stay together.
    order = [one for one in order for _ in range(exam.questions.count(one))]
    name = f"{exam.id}/{len(mine) + 1}"
    return runs.begin_with(session, member, QuizKind.EXAM, name, order, at, rng), True


def answer(
    session: Session, member: Member, place: Place, text: str, *, at: datetime, rng: random.Random = SECURE
) -> Sat | Late | Void:
    """Judge an answer by the time at which its message was sent; after the time it does not count and the attempt is over."""
    mine = (QuizRun.id == place.run, QuizRun.member_id == member.id, QuizRun.kind == QuizKind.EXAM)
    row = session.execute(select(*runs.COLUMNS).where(*mine)).first()
    if row is None:
        raise NoExam
    run = Run(*row)
    # Shared: many answer at once, but a cancellation waits for the answers that are being kept, and they for it.
    number = int(run.title.partition("/")[0])
    exam = session.get_one(Exam, number, with_for_update={"read": True}, populate_existing=True)
    if exam.cancelled_at is not None:
        return Void(exam)
    if at >= ends_at(exam, run):
        end(session, run, ends_at(exam, run))
        return Late(exam, run, ends_at(exam, run))
    return Sat(exam, quiz.answer(session, member, place, text, now=at, rng=rng))


def ends_at(exam: Exam, run: Run) -> datetime:
    """When the time of an attempt is over: its own limit, or the end of the exam."""
    return min(run.started_at + timedelta(minutes=exam.minutes), exam.closes_at)


def end(session: Session, run: Run, at: datetime) -> None:
    """Close an attempt; what was answered until then counts."""
    if run.finished_at is None:
        run.finished_at = at
        session.execute(update(QuizRun).where(QuizRun.id == run.id).values(finished_at=at))


def begun_by(session: Session, exam: Exam) -> set[int]:
    """Who has begun an exam."""
    return {run.member_id for run in attempts(session, exam)}


def title(exam: Exam, now: datetime) -> str:
    """安规考试（12月10日）."""
    closes = exam.closes_at.astimezone(now.tzinfo)
    return f"{exam.topic}考试（{closes.month}月{closes.day}日）"


def attempts(session: Session, exam: Exam, member_id: int | None = None) -> list[Run]:
    """The attempts at an exam, of one member or of all: also of those who have left the branch since."""
    left = select(Transfer.member_id).where(Transfer.from_id == exam.branch_id)
    ours = select(Member.id).where(or_(Member.branch_id == exam.branch_id, Member.id.in_(left)))
    whose = QuizRun.member_id == member_id if member_id else QuizRun.member_id.in_(ours)
    rows = session.execute(
        select(*runs.COLUMNS)
        .where(whose, QuizRun.kind == QuizKind.EXAM, QuizRun.title.like(f"{exam.id}/%"))
        .order_by(QuizRun.id)
    )
    return [Run(*row) for row in rows]


def running(session: Session, branch_id: int, now: datetime) -> list[int]:
    """The attempts at exams of a branch that are not over: nothing may be told from them yet."""
    return [run.id for exam in current(session, branch_id, now) for run in attempts(session, exam)]


def waiting_for(session: Session, exam: Exam) -> list[int]:
    """Who has not begun an exam."""
    begun = begun_by(session, exam)
    return [member for member in candidates_of(session, exam.branch_id) if member not in begun]
