"""Votes by chat: opening, voting, closing, the result. What passes is arithmetic of :mod:`bot.services.decision`; how a secret vote stays one is
told in :mod:`bot.services.ballot_box`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from bot.cards import Button, Card
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.ballot import Choice, Vote, Voter, VoteState
from bot.models.member import PARTY_MEMBERS, Member, MemberStatus, Role
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.services import ballot_box, decision, outbox
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.decision import COMMITTEE, Rule
from bot.services.permission import Action, Actor
from bot.times import moment
from content import activity_kinds
from content.activity_kinds import Attends

FEWEST_BALLOTS = 5
MOST_QUESTION = 100
CALL_LASTS = timedelta(hours=2)
"""A call to vote is worthless after that."""
TALLY_HINT = "计票 应到 23 实到 20 赞成 15"


class ElectionsAreNotHeldOnline(Refusal):
    text = (
        "选举不在线进行：换届、补选要到会、无记名、用纸质选票（{source}）。\n"
        "现场清点后可以发：计票 选举 应到 23 实到 20 赞成 15，由系统核算。选举办法、工作方案可以照常 表决。"
    )


class QuestionTooLong(Refusal):
    text = "表决事项太长了（最多{most}个字），请写短一些。例如：表决 同意发展李明为预备党员"


class NoMeeting(Refusal):
    text = f"现在没有正在进行的党员大会或支委会，不能表决。请先发布会议，开始后请大家 签到，再发 表决 事项。\n现场举手或纸质投票可以发：{TALLY_HINT}"


class NobodyMayVote(Refusal):
    text = "名册里没有{of}，不能表决。请先核对名册和职务（发 名单 看看）。"


class NoQuorum(Refusal):
    text = (
        "到会人数不够，不能表决：{of}应到 {due} 人，已签到 {present} 人，至少要 {needed} 人（{source}）。\n"
        "在场没签到的请发 签到 口令，或由您 补签 姓名 原因，再发 表决。人确实不够请改期。"
    )


class TooFewForSecret(Refusal):
    text = "无记名表决至少要有 {least} 人投票，现在到会 {present} 人，容易看出是谁投的。请用纸质票（结果可发 {hint}），或选记名。"


class AlreadyVoting(Refusal):
    text = "“{question}”还在表决。请先发 结束表决，再开始下一项。"


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


class NoResultYet(Refusal):
    text = "还没有您能看的表决结果。"


class StillOpen(Refusal):
    text = "“{question}”还在表决，已投 {voted} 票。结束后才公布结果。"


# Opening ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What the chair should know before opening: the meeting, the rule, who has a vote and who of them is there."""

    activity: Activity
    rule: Rule
    question: str
    entitled: tuple[int, ...]
    present: int

    @property
    def may_be_secret(self) -> bool:
        return self.present >= FEWEST_BALLOTS


def plan(session: Session, branch_id: int, question: str, *, now: datetime) -> Plan:
    """Check that the branch can vote on a question now.

    Raises :class:`ElectionsAreNotHeldOnline`, :class:`QuestionTooLong`, :class:`AlreadyVoting`, :class:`NoMeeting`, :class:`NobodyMayVote` or
    :class:`NoQuorum`.
    """
    if decision.is_election(question):
        raise ElectionsAreNotHeldOnline(source=decision.cite("XJ-secret"))
    if len(question) > MOST_QUESTION:
        raise QuestionTooLong(most=MOST_QUESTION)
    running = _open_vote(session, branch_id)
    if running is not None:
        raise AlreadyVoting(question=running.question)
    activity = meeting(session, branch_id, now)
    rule = decision.rule_for(activity.kind, question)
    entitled = entitled_members(session, activity, now)
    if not entitled:
        raise NobodyMayVote(of=rule.of)
    present = _present(session, activity.id, entitled)
    if present < rule.needed_present(len(entitled)):
        needed = rule.needed_present(len(entitled))
        raise NoQuorum(of=rule.of, due=len(entitled), present=present, needed=needed, source=rule.source)
    return Plan(activity, rule, question, entitled, present)


def meeting(session: Session, branch_id: int, now: datetime) -> Activity:
    """The branch's meeting that runs now: 党员大会 or 支委会, the newest first, else another activity of all members (a vote on a theme day)."""
    running = session.scalars(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.group_id.is_(None),
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at <= now,
            Activity.starts_at > now - timedelta(days=1),
        )
        .order_by(Activity.starts_at.desc(), Activity.id.desc())
    ).all()
    kinds = {kind.name: kind for kind in activity_kinds.kinds()}
    voting = [one for one in running if one.kind in kinds and kinds[one.kind].quorum]
    others = [one for one in running if one.kind in kinds and kinds[one.kind].attends is Attends.MEMBERS]
    found = next(iter([*voting, *others]), None)
    if found is None:
        raise NoMeeting
    return found


def entitled_members(session: Session, activity: Activity, now: datetime) -> tuple[int, ...]:
    """应到会有表决权: all full members of the branch, invited or not (党章第七条: none on probation); for a 支委会 its committee."""
    query = select(Member.id).where(
        Member.active, Member.branch_id == activity.branch_id, Member.status == MemberStatus.FULL
    )
    if activity.kind == COMMITTEE:
        today = now.date()
        posts = select(Role.member_id).where(
            Role.organisation_id == activity.branch_id,
            Role.name.in_(COMMITTEE_ROLES),
            Role.starts_on <= today,
            or_(Role.ends_on.is_(None), Role.ends_on >= today),
        )
        query = query.where(Member.id.in_(posts))
    return tuple(session.scalars(query.order_by(Member.id)))


def _present(session: Session, activity_id: int, members: Sequence[int]) -> int:
    there = select(func.count()).where(
        Attendance.activity_id == activity_id, Attendance.member_id.in_(members)
    )
    return session.scalar(there) or 0


def open_vote(session: Session, chair: Member, question: str, *, secret: bool, now: datetime) -> Vote:
    """Put a question to the meeting of the chair's branch: write the register and queue the call to all who have a vote.

    Raises what :func:`plan` does, and :class:`TooFewForSecret`.
    """
    ready = plan(session, chair.branch_id, question, now=now)
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
    head = f"表决（{mode(vote)}）：{vote.question}"
    if not vote.secret:
        return f"{head}\n请回复：赞成、反对 或 弃权。签到的才能投，结束前可以改，结果会公布姓名。"
    return (
        f"{head}\n签到的请回复：选择 暗号，例如：赞成 某某58\n"
        "选择：赞成、反对 或 弃权\n"
        "暗号：下面任选一个词，再加您自己想的两位数，自己记住：\n"
        f"{' '.join(ballot_box.words()[:12])}\n{' '.join(ballot_box.words()[12:])}\n"
        "只能投一次，不能改。公布结果时凭暗号查自己的票，不要告诉别人。"
    )


def mode(vote: Vote) -> str:
    """记名 or 无记名."""
    return "无记名" if vote.secret else "记名"


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
    vote = _open_vote(session, member.branch_id, lock=lock)
    if vote is None:
        raise NothingToVoteOn
    voter = session.get(Voter, (vote.id, member.id), with_for_update=lock, populate_existing=lock)
    if voter is None:
        if member.status is MemberStatus.PROBATIONARY:
            raise NoVoteOnProbation(source=decision.cite("DZ-probation-rights"))
        raise NotOnTheRegister(question=vote.question, of=decision.rule(vote.rule).of)
    if not _present(session, vote.activity_id, [member.id]):
        raise NotThere
    return vote, voter


def _open_vote(session: Session, branch_id: int, *, lock: bool = False) -> Vote | None:
    query = select(Vote).where(Vote.branch_id == branch_id, Vote.state == VoteState.OPEN)
    if lock:
        # Not against readers of the key: another branch's ballot puts those of this vote back too, and would wait for us while we wait for the box.
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalar(query)


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
    return Cast(vote, before, turnout(session, vote))


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


# Closing ----------------------------------------------------------------------------------------------------------------


def to_close(session: Session, branch_id: int, *, now: datetime, lock: bool = False) -> Vote:
    """The open vote of a branch; :class:`AlreadyClosed` when its last one was closed today, else :class:`NothingToClose`."""
    vote = _open_vote(session, branch_id, lock=lock)
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
    vote.present = turnout(session, vote).present
    vote.closed_by, vote.closed_at = chair.id, now
    ballots = ballot_box.take_out(session, vote.id) if vote.secret else _named(session, vote.id)
    if vote.secret and len(ballots) < FEWEST_BALLOTS:
        vote.state = VoteState.VOID
    else:
        _count(vote, ballots)
    session.flush()
    told = session.scalars(select(Voter.member_id).where(Voter.vote_id == vote.id)).all()
    outbox.push(
        session, told, result(session, vote), key=f"vote {vote.id} closed", now=now, urgency=Urgency.ANSWER
    )
    return vote


def _count(vote: Vote, ballots: Sequence[tuple[str, Choice]]) -> None:
    choices = [choice for _, choice in ballots]
    vote.state = VoteState.CLOSED
    vote.yes, vote.no, vote.abstain = (choices.count(one) for one in Choice)
    if vote.secret:
        vote.ballots = [[receipt, choice.value] for receipt, choice in ballots]


def _named(session: Session, vote_id: int) -> list[tuple[str, Choice]]:
    rows = session.execute(
        select(Member.name, Voter.choice)
        .join(Voter, Voter.member_id == Member.id)
        .where(Voter.vote_id == vote_id, Voter.choice.is_not(None))
        .order_by(Member.id)
    )
    return [(name, choice) for name, choice in rows if choice is not None]


# The result -------------------------------------------------------------------------------------------------------------


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
    ballots = [(who, Choice(one)) for who, one in vote.ballots] if vote.secret else _named(session, vote.id)
    for choice in Choice:
        cast = "、".join(who for who, one in ballots if one is choice)
        if cast:
            yield f"{choice.value}：{cast}"
