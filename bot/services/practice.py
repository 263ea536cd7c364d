"""The ways to practise: each begins a run of questions, or goes on with the unfinished one of its kind."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.quiz import QuizKind, QuizRun
from bot.services import drawing, quiz_setting, review
from bot.services import question as bank
from bot.services import run as runs
from bot.services.run import Run

LENGTH = 10
LONGEST_CHALLENGE = 100


class DailyDone(Refusal):
    text = "今天的每日一题已答过，明天再来；想多练回复 答题。"


class NothingMissed(Refusal):
    text = "没有要复习的错题。回复 答题 练一练。"


class NothingDue(Refusal):
    text = "今天没有到期的错题，下次复习：{day}。想多练回复 答题。"


def mixed(session: Session, member: Member, *, now: datetime, rng: random.Random = runs.SECURE) -> runs.Asked:
    """One question from the whole bank, drawn by :func:`bot.services.drawing.one_of_the_mix`."""
    run = runs.open_run(session, member, QuizKind.MIXED, "", now)
    if run is not None:
        return runs.resume(session, run, now=now, rng=rng)
    single = [one for one in bank.approved(session, member.branch_id, now.date()) if one.places == 1]
    chosen = drawing.one_of_the_mix(
        single, drawing.recent(session, member.id), rng, quiz_setting.mix(session, member.branch_id)
    )
    return runs.begin(session, member, QuizKind.MIXED, "", [chosen], now, rng)


def daily(session: Session, member: Member, *, now: datetime, rng: random.Random = runs.SECURE) -> runs.Asked:
    """The day's question, the same for the whole branch, once a day; :class:`DailyDone` the second time."""
    mine = session.execute(
        select(*runs.COLUMNS).where(QuizRun.member_id == member.id, *_of_today(now))
    ).first()
    if mine is not None and mine.finished_at is not None:
        raise DailyDone
    if mine is not None:
        return runs.resume(session, Run(*mine), now=now, rng=rng)
    chosen = [of_day(session, member.branch_id, now)]
    return runs.begin_with(session, member, QuizKind.DAILY, now.date().isoformat(), chosen, now, rng)


def of_day(session: Session, branch_id: int, now: datetime) -> int:
    """The id of the day's question in a branch. Asked of somebody already it stays, although the bank may have changed since."""
    asked = session.scalar(
        select(QuizRun.questions)
        .join(Member, Member.id == QuizRun.member_id)
        .where(Member.branch_id == branch_id, *_of_today(now))
        .limit(1)
    )
    if asked:
        return int(asked[0])
    single = [one for one in bank.approved(session, branch_id, now.date()) if one.places == 1]
    return drawing.of_day(single, branch_id, now.date()).id


def _of_today(now: datetime) -> tuple[ColumnElement[bool], ...]:
    since = or_(QuizRun.finished_at.is_(None), QuizRun.finished_at >= runs.midnight(now))
    return QuizRun.kind == QuizKind.DAILY, QuizRun.title == now.date().isoformat(), since


def topic(
    session: Session, member: Member, name: str, *, now: datetime, rng: random.Random = runs.SECURE
) -> runs.Asked:
    """Ten questions of a topic, or the unfinished run of it. What was answered lately comes last."""
    run = runs.open_run(session, member, QuizKind.TOPIC, name, now)
    if run is not None:
        return runs.resume(session, run, now=now, rng=rng)
    candidates = drawing.unseen_first(
        bank.approved(session, member.branch_id, now.date(), name), drawing.recent(session, member.id), rng
    )
    return runs.begin(session, member, QuizKind.TOPIC, name, drawing.up_to(candidates, LENGTH), now, rng)


def challenge(
    session: Session, member: Member, *, now: datetime, rng: random.Random = runs.SECURE
) -> runs.Asked:
    """Questions of the whole bank until the first mistake, at most a hundred."""
    run = runs.open_run(session, member, QuizKind.CHALLENGE, "", now)
    if run is not None:
        return runs.resume(session, run, now=now, rng=rng)
    whole = [one for one in bank.approved(session, member.branch_id, now.date()) if one.places == 1]
    chosen = drawing.up_to(drawing.unseen_first(whole, set(), rng), LONGEST_CHALLENGE)
    return runs.begin(session, member, QuizKind.CHALLENGE, "", chosen, now, rng)


def missed(
    session: Session, member: Member, *, now: datetime, rng: random.Random = runs.SECURE
) -> runs.Asked:
    """What is due for review, at most ten at a time; :class:`NothingDue` says when the next is."""
    run = runs.open_run(session, member, QuizKind.REVIEW, "", now)
    if run is not None:
        return runs.resume(session, run, now=now, rng=rng)
    queue = review.queue(session, member.id, member.branch_id, now)
    if queue.due:
        return runs.begin(session, member, QuizKind.REVIEW, "", drawing.up_to(queue.due, LENGTH), now, rng)
    if queue.next_on is None:
        raise NothingMissed
    raise NothingDue(day=f"{queue.next_on.month}月{queue.next_on.day}日")


def on_material(
    session: Session,
    member: Member,
    code: str,
    questions: Sequence[str],
    *,
    now: datetime,
    rng: random.Random = runs.SECURE,
) -> runs.Asked | None:
    """The questions of a study material; None when none of them may be asked."""
    run = runs.open_run(session, member, QuizKind.MATERIAL, code, now)
    if run is not None:
        return runs.resume(session, run, now=now, rng=rng)
    known = {one.code: one for one in bank.approved(session, member.branch_id, now.date())}
    chosen = [known[one] for one in questions if one in known]
    return runs.begin(session, member, QuizKind.MATERIAL, code, chosen, now, rng) if chosen else None
