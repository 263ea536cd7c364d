"""How a vote stands, and how it ended: turnout, majority, the published result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Attendance
from bot.models.ballot import Choice, Vote, Voter, VoteState
from bot.models.member import PARTY_MEMBERS, Member
from bot.models.organisation import Organisation
from bot.services import decision
from bot.services.ballot_box import FEWEST_BALLOTS
from bot.services.decision import COMMITTEE, TALLY_HINT
from bot.services.permission import Action, Actor


class NoResultYet(Refusal):
    text = "还没有您能看的表决结果。"


class StillOpen(Refusal):
    text = "“{question}”还在表决，已投 {voted} 票。结束后才公布结果。"


def mode(vote: Vote) -> str:
    """记名 or 无记名."""
    return "无记名" if vote.secret else "记名"


@dataclass(frozen=True, slots=True)
class Turnout:
    """Who of the entitled is there, how many have voted, and the names of those there who have not."""

    present: int
    voted: int
    missing: tuple[str, ...]


def turnout(session: Session, vote: Vote) -> Turnout:
    """How far a vote has come; that somebody has voted is no secret, only how."""
    rows = session.execute(
        select(Member.name, Voter.voted, Attendance.id)
        .join(Voter, Voter.member_id == Member.id)
        .outerjoin(
            Attendance, (Attendance.member_id == Member.id) & (Attendance.activity_id == vote.activity_id)
        )
        .where(Voter.vote_id == vote.id)
        .order_by(Member.id)
    ).all()
    missing = tuple(name for name, voted, there in rows if there is not None and not voted)
    return Turnout(sum(there is not None for *_, there in rows), sum(voted for _, voted, _ in rows), missing)


def named(session: Session, vote_id: int) -> list[tuple[str, Choice]]:
    """Who voted how in a vote by name, by the roster."""
    rows = session.execute(
        select(Member.name, Voter.choice)
        .join(Voter, Voter.member_id == Member.id)
        .where(Voter.vote_id == vote_id, Voter.choice.is_not(None))
        .order_by(Member.id)
    )
    return [(name, choice) for name, choice in rows if choice is not None]


def latest(session: Session, actor: Actor, *, number: int | None = None) -> Vote:
    """The newest vote that the actor may know, or vote ``number``.

    A vote of all members is for the Party members of the branch; one of the committee for those who had a vote; both for those who see the
    branch. :class:`StillOpen` before it is closed, :class:`NoResultYet` when there is none.
    """
    member = actor.member
    query = (
        select(Vote).where(Vote.branch_id == member.branch_id).order_by(Vote.opened_at.desc(), Vote.id.desc())
    )
    if number is not None:
        query = query.where(Vote.id == number)
    in_charge = select(Organisation.id).where(
        Organisation.id == member.branch_id, actor.within(Action.SEE_BRANCH)
    )
    if session.scalar(in_charge) is None:
        known = Vote.id.in_(select(Voter.vote_id).where(Voter.member_id == member.id))
        query = query.where(or_(known, Vote.rule != COMMITTEE) if member.status in PARTY_MEMBERS else known)
    vote = session.scalars(query.limit(1)).one_or_none()
    if vote is None:
        raise NoResultYet
    if vote.state is VoteState.OPEN:
        raise StillOpen(question=vote.question, voted=turnout(session, vote).voted)
    return vote


def passed(vote: Vote) -> bool:
    """Whether a closed vote carried: more than half of those who should attend said yes."""
    return vote.state is VoteState.CLOSED and decision.passes(vote.yes or 0, vote.entitled)


def result(session: Session, vote: Vote) -> str:
    """The published result: the figures, the rule, and who or which receipt voted how; the same text for everybody."""
    head = f"表决结果（{mode(vote)}，第 {vote.id} 号）：{vote.question}"
    if vote.state is VoteState.VOID:
        return f"{head}\n投票不足 {FEWEST_BALLOTS} 张，为保密不公布票数，票已销毁，这次表决无效。请改用纸质票，清点后可发：{TALLY_HINT}"
    assert vote.yes is not None, "a result was shown before the vote was counted"
    needed = decision.needed_yes(vote.entitled)
    cast = vote.yes + (vote.no or 0) + (vote.abstain or 0)
    lines = [
        head,
        f"{decision.rule(vote.rule).of}应到 {vote.entitled} 人，实到 {vote.present} 人，投票 {cast} 人",
        f"赞成 {vote.yes}，反对 {vote.no}，弃权 {vote.abstain}",
        f"{'通过' if passed(vote) else '没有通过'}：要超过应到 {vote.entitled} 人的半数，即至少 {needed} 票赞成",
        "按暗号查自己的票：" if vote.secret else "名单：",
    ]
    return "\n".join([*lines, *_list(session, vote)])


def _list(session: Session, vote: Vote) -> Iterator[str]:
    for choice, who in by_choice(session, vote).items():
        if who:
            yield f"{choice.value}：{'、'.join(who)}"


def by_choice(session: Session, vote: Vote) -> dict[Choice, tuple[str, ...]]:
    """What is published of a closed vote: for each choice the names, of a secret one the receipts; all empty for a void one."""
    ballots = [(who, Choice(one)) for who, one in vote.ballots] if vote.secret else named(session, vote.id)
    return {choice: tuple(who for who, one in ballots if one is choice) for choice in Choice}
