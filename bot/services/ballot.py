"""Votes by chat: opening, voting, closing. Whether a meeting may vote is told in :mod:`bot.services.motion`, how a secret vote stays one in
:mod:`bot.services.ballot_box`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from bot.cards import Button, Card
from bot.errors import Refusal
from bot.models.ballot import Choice, Vote, Voter, VoteState
from bot.models.member import Member, MemberStatus
from bot.models.outbox import Urgency
from bot.services import ballot_box, decision, motion, outbox, outcome
from bot.services.ballot_box import FEWEST_BALLOTS
from bot.services.decision import TALLY_HINT
from bot.services.outcome import Turnout
from bot.times import moment

CALL_LASTS = timedelta(hours=2)
"""A call to vote is worthless after that."""


class TooFewForSecret(Refusal):
    text = "无记名表决至少要有 {least} 人投票，现在到会 {present} 人，容易看出是谁投的。请用纸质票（结果可发 {hint}），或选记名。"


class NothingToVoteOn(Refusal):
    text = "现在没有正在进行的表决。主持人开始后会通知您；以前的结果可发 表决结果。"


class NoVoteOnProbation(Refusal):
    text = "预备党员没有表决权（{source}），不能投票，可以参加讨论、发表意见。"


class NotOnTheRegister(Refusal):
    text = "“{question}”由{of}表决，名单里没有您。有疑问请联系支部书记。"


class NotThere(Refusal):
    text = "您还没有签到，到会的人才能投票。请先发：签到 口令；签不了请主持人给您补签。"


class AlreadyVoted(Refusal):
    text = "您已经投过票了。无记名投票只能投一次，不能改。结束后可发 表决结果，凭暗号查票。"


class MoreThanAChoice(Refusal):
    text = "没有投成：这次是记名表决，请只回复 赞成、反对 或 弃权。"


class VoteIsOver(Refusal):
    text = "那一项表决已经结束，不能再投。发 表决结果 看结果。"


class NothingToClose(Refusal):
    text = "没有正在进行的表决。开始表决请发：表决 事项。"


class AlreadyClosed(Refusal):
    text = "“{question}”已在 {when} 结束，不用再结束。发 表决结果 看结果。"


# Opening ----------------------------------------------------------------------------------------------------------------


def open_vote(session: Session, chair: Member, question: str, *, secret: bool, now: datetime) -> Vote:
    """Put a question to the meeting of the chair's branch: write the register and queue the call to all who have a vote.

    Raises what :func:`plan` does, and :class:`TooFewForSecret`.
    """
    ready = motion.plan(session, chair.branch_id, question, now=now)
    if secret and not ready.may_be_secret:
        raise TooFewForSecret(least=FEWEST_BALLOTS, present=ready.present, hint=TALLY_HINT)
    vote = Vote(
        branch_id=chair.branch_id,
        activity_id=ready.activity.id,
        rule=ready.rule.name,
        question=question,
        secret=secret,
        entitled=len(ready.entitled),
        present=ready.present,
        opened_by=chair.id,
        opened_at=now,
    )
    session.add(vote)
    session.flush()
    session.execute(
        insert(Voter), [{"vote_id": vote.id, "member_id": one, "voted": False} for one in ready.entitled]
    )
    outbox.push(
        session,
        ready.entitled,
        slip(vote),
        key=f"vote {vote.id} opened",
        now=now,
        urgency=Urgency.ANSWER,
        expires_at=now + CALL_LASTS,
        card=card(vote),
    )
    return vote


def slip(vote: Vote) -> str:
    """What a voter reads: the same text for everybody, because it is stored with each of them."""
    head = f"表决（{outcome.mode(vote)}）：{vote.question}"
    if not vote.secret:
        return f"{head}\n请回复：赞成、反对 或 弃权。签到的才能投，结束前可以改，结果会公布姓名。"
    return (
        f"{head}\n签到的请回复：选择 暗号，例如：赞成 某某58\n"
        "选择：赞成、反对 或 弃权\n"
        "暗号：下面任选一个词，再加您自己想的两位数，自己记住：\n"
        f"{' '.join(ballot_box.words()[:12])}\n{' '.join(ballot_box.words()[12:])}\n"
        "只能投一次，不能改。公布结果时凭暗号查自己的票，不要告诉别人。"
    )


def card(vote: Vote) -> Card | None:
    """Three buttons for an open vote, so that one press votes. None for a secret one: a press would be an event with userid and choice in one."""
    if vote.secret:
        return None
    buttons = tuple(Button(one.value, f"{one.value} #{vote.id}") for one in Choice)
    return Card(f"vote-{vote.id}", "表决（记名）", vote.question, buttons)


# Voting -----------------------------------------------------------------------------------------------------------------


def to_vote(session: Session, member: Member, *, lock: bool = False) -> tuple[Vote, Voter]:
    """The open vote of the member's branch, and the member's line in the register.

    Raises :class:`NothingToVoteOn`, :class:`NoVoteOnProbation`, :class:`NotOnTheRegister` or :class:`NotThere`. ``lock`` holds both until the
    end of the transaction: then the vote stays open and nobody else votes for this member.
    """
    vote = motion.running(session, member.branch_id, lock=lock)
    if vote is None:
        raise NothingToVoteOn
    voter = session.get(Voter, (vote.id, member.id), with_for_update=lock, populate_existing=lock)
    if voter is None:
        if member.status is MemberStatus.PROBATIONARY:
            raise NoVoteOnProbation(source=decision.cite("DZ-probation-rights"))
        raise NotOnTheRegister(question=vote.question, of=decision.rule(vote.rule).of)
    if not motion.there(session, vote.activity_id, [member.id]):
        raise NotThere
    return vote, voter


@dataclass(frozen=True, slots=True)
class Cast:
    """A vote that was counted. ``before`` is what an open vote said until now; None for the first time, and always in a secret vote."""

    vote: Vote
    before: Choice | None
    turnout: Turnout


def cast(
    session: Session, member: Member, choice: Choice, said: str = "", *, vote_id: int | None = None
) -> Cast:
    """Count the member's vote. ``said`` is the receipt of a secret one; ``vote_id`` the vote that a pressed button was about.

    Raises what :func:`to_vote` does, :class:`VoteIsOver`, :class:`AlreadyVoted`, :class:`MoreThanAChoice`, and what :func:`ballot_box.receipt` and :func:`ballot_box.drop` do.
    """
    vote, voter = to_vote(session, member, lock=True)
    if vote_id not in (None, vote.id):
        raise VoteIsOver
    before = voter.choice
    if vote.secret:
        if voter.voted:
            raise AlreadyVoted
        ballot_box.drop(session, vote.id, ballot_box.receipt(said), choice)
    elif said:
        raise MoreThanAChoice
    else:
        voter.choice = choice
    voter.voted = True
    session.flush()
    return Cast(vote, before, outcome.turnout(session, vote))


# Closing ----------------------------------------------------------------------------------------------------------------


def to_close(session: Session, branch_id: int, *, now: datetime, lock: bool = False) -> Vote:
    """The open vote of a branch; :class:`AlreadyClosed` when its last one was closed today, else :class:`NothingToClose`."""
    vote = motion.running(session, branch_id, lock=lock)
    if vote is not None:
        return vote
    last = session.scalar(
        select(Vote)
        .where(Vote.branch_id == branch_id)
        .order_by(Vote.closed_at.desc(), Vote.id.desc())
        .limit(1)
    )
    if last is None or last.closed_at is None or last.closed_at < now - timedelta(days=1):
        raise NothingToClose
    raise AlreadyClosed(question=last.question, when=moment(last.closed_at, now))


def close(session: Session, chair: Member, vote_id: int, *, now: datetime) -> Vote:
    """Close a vote of the chair's branch: count it and queue the result to all who had a vote.

    A secret one with fewer than five ballots ends as VOID, its ballots destroyed. :class:`AlreadyClosed` the second time.
    """
    vote = to_close(session, chair.branch_id, now=now, lock=True)
    if vote.id != vote_id:
        raise VoteIsOver
    vote.present = outcome.turnout(session, vote).present
    vote.closed_by, vote.closed_at = chair.id, now
    ballots = ballot_box.take_out(session, vote.id) if vote.secret else outcome.named(session, vote.id)
    if vote.secret and len(ballots) < FEWEST_BALLOTS:
        vote.state = VoteState.VOID
    else:
        _count(vote, ballots)
    session.flush()
    told = session.scalars(select(Voter.member_id).where(Voter.vote_id == vote.id)).all()
    outbox.push(
        session,
        told,
        outcome.result(session, vote),
        key=f"vote {vote.id} closed",
        now=now,
        urgency=Urgency.ANSWER,
    )
    return vote


def _count(vote: Vote, ballots: Sequence[tuple[str, Choice]]) -> None:
    choices = [choice for _, choice in ballots]
    vote.state = VoteState.CLOSED
    vote.yes, vote.no, vote.abstain = (choices.count(one) for one in Choice)
    if vote.secret:
        vote.ballots = [[receipt, choice.value] for receipt, choice in ballots]
