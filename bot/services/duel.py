"""Duels: two members of a branch answer the same ten questions. The score is a game's; nobody is ranked by it.

No cases are asked: seconds decide between equals, and a case's parts are read at once but answered one by one.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.exam import Duel
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.models.quiz import Attempt, QuizKind, QuizRun
from bot.services import drawing, outbox, points, question, quiz_setting
from bot.services import run as runs
from bot.services.run import SECURE, Asked, Run

LENGTH = 10
WINNER, LOSER, EVEN = 10, 8, 9
LASTS = timedelta(hours=24)
"""Who has not finished so long after the duel was accepted has left it."""
SETTLED = timedelta(minutes=5)
"""Answers sent just before the end may still be on their way."""


class NoSuchOpponent(Refusal):
    text = "本支部没有找到“{name}”。请写全名，同名的再加班组，例如：对战 李明 一班"


class Yourself(Refusal):
    text = "不能和自己对战。想自己练请回复 挑战。"


class AlreadyDuelling(Refusal):
    text = "您和{name}还有一场对战没结束，回复 对战 接着答。"


class NoInvitation(Refusal):
    text = "现在没有人邀您对战。想邀别人请发：对战 姓名"


@dataclass(frozen=True, slots=True)
class Side:
    """How one of the two stands: ``seconds`` are those of all answers, the tie-break."""

    member_id: int
    name: str
    right: int
    seconds: int
    finished: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """A settled duel, seen from nobody's side. Scores are those of the game."""

    sides: tuple[Side, Side]
    scores: tuple[int, int]

    def of(self, member_id: int) -> tuple[Side, int, Side]:
        """The member's own side and score, and the other side."""
        mine = 0 if self.sides[0].member_id == member_id else 1
        return self.sides[mine], self.scores[mine], self.sides[1 - mine]


def challenge(
    session: Session, member: Member, said: str, *, now: datetime, rng: random.Random = SECURE
) -> tuple[Member, Asked]:
    """Invite somebody of the own branch by name, and begin with the first question."""
    opponent = _named(session, member, said)
    pair = (member.id, opponent.id)
    going = select(Duel.id).where(
        Duel.challenger_id.in_(pair), Duel.opponent_id.in_(pair), Duel.settled_at.is_(None)
    )
    if session.scalar(going.limit(1)):
        raise AlreadyDuelling(name=opponent.name)
    whole = [one for one in question.approved(session, member.branch_id, now.date()) if one.places == 1]
    mix, drawn = quiz_setting.mix(session, member.branch_id), set[int]()
    while len(drawn) < min(LENGTH, len(whole)):
        drawn.add(drawing.one_of_the_mix(whole, drawn, rng, mix).id)
    if not drawn:
        raise drawing.NoQuestions
    duel = Duel(challenger_id=member.id, opponent_id=opponent.id, questions=sorted(drawn), started_at=now)
    session.add(duel)
    session.flush()
    text = f"{member.name} 邀您对战：{len(drawn)} 道同样的题，看谁答对得多。\n回复 应战 开始，不想答回复 不应战。24小时内有效。"
    outbox.push(
        session, [opponent.id], text, key=f"duel {duel.id} invitation", now=now, expires_at=now + LASTS
    )
    return opponent, _begin(session, member, duel, now, rng)


def go_on(session: Session, member: Member, *, now: datetime, rng: random.Random = SECURE) -> Asked | None:
    """The open question of the member's newest unfinished duel; None without any."""
    going = [one for one in runs.open_runs(session, member.id, now) if one.kind is QuizKind.DUEL]
    return runs.resume(session, going[-1], now=now, rng=rng) if going else None


def accept(session: Session, member: Member, *, now: datetime, rng: random.Random = SECURE) -> Asked:
    """Take up the newest invitation."""
    duel = _invitation(session, member, now)
    duel.accepted_at = now
    session.flush()
    return _begin(session, member, duel, now, rng)


def decline(session: Session, member: Member, *, now: datetime) -> str:
    """Refuse the newest invitation: nobody wins. Returns who had invited."""
    duel = _invitation(session, member, now)
    _close(session, duel, None, None, now)
    text = f"{member.name} 这次不应战，没有输赢。您的题照样可以答完，回复 对战。"
    _tell(session, duel.challenger_id, duel, text, now)
    return session.get_one(Member, duel.challenger_id).name


def is_over(session: Session, run_id: int, member_id: int, at: datetime) -> bool:
    """Whether a message sent at ``at`` comes too late for the member's run of a duel: it was won by leaving, or its 24 hours are over."""
    mine = (QuizRun.id == run_id, QuizRun.member_id == member_id, QuizRun.kind == QuizKind.DUEL)
    title = session.scalar(select(QuizRun.title).where(*mine))
    duel = session.get(Duel, int(title)) if title else None
    # Until it is accepted, or when nobody plays any more, the questions can be answered for oneself.
    return duel is not None and duel.accepted_at is not None and at >= duel.accepted_at + LASTS


def finished(session: Session, run: Run, *, now: datetime) -> Outcome | None:
    """Settle the duel of a finished run when the other side has finished too; None while it has not, or nobody plays any more."""
    duel = session.scalars(select(Duel).where(Duel.id == int(run.title)).with_for_update()).one()
    sides = _sides(session, duel)
    if duel.settled_at is not None or not all(side.finished for side in sides):
        return None
    return _settled(session, duel, sides, now, told=run.member_id)


def expire(session: Session, *, now: datetime) -> int:
    """Settle the duels that somebody left, be it the branch or the bot: after 24 hours who finished has won; returns how many."""
    began = func.coalesce(Duel.accepted_at, Duel.started_at)
    left = select(Duel).where(Duel.settled_at.is_(None), began <= now - LASTS - SETTLED).order_by(Duel.id)
    found = session.scalars(left.with_for_update(skip_locked=True)).all()
    for duel in found:
        sides = _sides(session, duel)
        if duel.accepted_at is not None and any(side.finished for side in sides):
            _settled(session, duel, sides, now)
            continue
        _close(session, duel, None, None, now)
        if duel.accepted_at is None:
            _tell(
                session,
                duel.challenger_id,
                duel,
                f"{sides[1].name} 24小时没有应战，这场对战取消，没有输赢。",
                now,
            )
    return len(found)


def score(session: Session, member_id: int, since: datetime) -> tuple[int, int]:
    """How many settled duels a member played since a moment, and the sum of their scores in the game."""
    mine = func.sum(Duel.challenger_score).filter(Duel.challenger_id == member_id)
    theirs = func.sum(Duel.opponent_score).filter(Duel.opponent_id == member_id)
    played = (
        or_(Duel.challenger_id == member_id, Duel.opponent_id == member_id),
        Duel.settled_at >= since,
        Duel.challenger_score.is_not(None),
    )
    count, first, second = session.execute(select(func.count(), mine, theirs).where(*played)).one()
    return count, (first or 0) + (second or 0)


def result_text(outcome: Outcome, member_id: int) -> str:
    """How it ended, to one of the two."""
    own, gained, other = outcome.of(member_id)
    if not other.finished:
        head = f"{other.name} 24小时没有答完，您赢了。"
    elif not own.finished:
        head = f"您24小时没有答完，{other.name} 赢了。"
    else:
        word = {WINNER: "您赢了", LOSER: "您输了"}.get(gained, "平局")
        head = f"{word}：您对 {own.right} 题，{other.name} 对 {other.right} 题。"
    return f"对战结束。{head}对战得分 +{gained}（游戏分，不是积分）。"


def _named(session: Session, member: Member, said: str) -> Member:
    name, _, crew = said.strip().partition(" ")
    ours = (Member.branch_id == member.branch_id, Member.active, Member.name == name)
    found = [one for one in session.scalars(select(Member).where(*ours)) if crew.strip() in ("", one.crew)]
    if len(found) != 1:
        raise NoSuchOpponent(name=said[:20])
    if found[0].id == member.id:
        raise Yourself
    return found[0]


def _invitation(session: Session, member: Member, now: datetime) -> Duel:
    here = select(Member.id).where(Member.branch_id == member.branch_id, Member.active)
    waiting = select(Duel).where(
        Duel.opponent_id == member.id,
        Duel.challenger_id.in_(here),
        Duel.accepted_at.is_(None),
        Duel.settled_at.is_(None),
        Duel.started_at > now - LASTS,
    )
    found = session.scalars(waiting.order_by(Duel.id.desc()).limit(1).with_for_update()).first()
    if found is None:
        raise NoInvitation
    return found


def _begin(session: Session, member: Member, duel: Duel, now: datetime, rng: random.Random) -> Asked:
    order = list(duel.questions)
    rng.shuffle(order)
    return runs.begin_with(session, member, QuizKind.DUEL, str(duel.id), order, now, rng)


def _sides(session: Session, duel: Duel) -> tuple[Side, Side]:
    first, second = (_side(session, duel, one) for one in (duel.challenger_id, duel.opponent_id))
    return first, second


def _side(session: Session, duel: Duel, member_id: int) -> Side:
    name = session.get_one(Member, member_id).name
    mine = (QuizRun.member_id == member_id, QuizRun.kind == QuizKind.DUEL, QuizRun.title == str(duel.id))
    run = session.execute(
        select(QuizRun.id, QuizRun.right, QuizRun.position, QuizRun.questions).where(*mine)
    ).first()
    if run is None:
        return Side(member_id, name, 0, 0, False)
    seconds = session.scalar(select(func.sum(Attempt.seconds)).where(Attempt.run_id == run.id)) or 0
    return Side(member_id, name, run.right, seconds, run.position == len(run.questions))


def _settled(
    session: Session, duel: Duel, sides: tuple[Side, Side], now: datetime, told: int | None = None
) -> Outcome:
    """Write who won, give those who finished the points of the rule "duel", and tell whoever does not read it anyway (``told``)."""
    outcome = Outcome(sides, _scores(sides))
    _close(session, duel, *outcome.scores, now)
    for side in sides:
        if side.finished:
            reason = f"双人对战第{duel.id}场"
            points.award(
                session,
                side.member_id,
                "duel",
                fact=f"duel {duel.id} {side.member_id}",
                reason=reason,
                now=now,
            )
        if side.member_id != told:
            _tell(session, side.member_id, duel, result_text(outcome, side.member_id), now)
    return outcome


def _scores(sides: tuple[Side, Side]) -> tuple[int, int]:
    """More right answers win, then fewer seconds; who left gets nothing."""
    if not all(side.finished for side in sides):
        return (WINNER, 0) if sides[0].finished else (0, WINNER)
    first, second = ((side.right, -side.seconds) for side in sides)
    if first == second:
        return EVEN, EVEN
    return (WINNER, LOSER) if first > second else (LOSER, WINNER)


def _close(session: Session, duel: Duel, first: int | None, second: int | None, now: datetime) -> None:
    """End the duel; of a run that was left nothing more is asked once somebody has won."""
    duel.settled_at, duel.challenger_score, duel.opponent_score = now, first, second
    session.flush()
    if first is not None:
        left = (QuizRun.kind == QuizKind.DUEL, QuizRun.title == str(duel.id), QuizRun.finished_at.is_(None))
        both = QuizRun.member_id.in_((duel.challenger_id, duel.opponent_id))
        session.execute(update(QuizRun).where(both, *left).values(finished_at=now))


def _tell(session: Session, member_id: int, duel: Duel, text: str, now: datetime) -> None:
    outbox.push(session, [member_id], text, key=f"duel {duel.id} end", now=now, urgency=Urgency.ANSWER)
