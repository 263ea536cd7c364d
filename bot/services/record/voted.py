"""Votes that are over, with what is published of them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot.models.ballot import Vote, VoteState
from bot.models.organisation import Organisation
from bot.services import decision, outcome
from bot.services.permission import Action, Actor
from bot.services.record.facts import ResultFacts
from bot.services.record.held import activity, vote_facts


def votes(session: Session, actor: Actor, *, most: int = 5) -> Sequence[Vote]:
    """The votes of the actor's branch that were closed last, the newest first."""
    mine = _closed(actor).where(Vote.branch_id == actor.branch_id)
    return session.scalars(mine.order_by(Vote.closed_at.desc(), Vote.id.desc()).limit(most)).all()


def closed_vote(session: Session, actor: Actor, number: int) -> Vote | None:
    """The closed vote of a number, if the actor sees its branch."""
    return session.scalar(_closed(actor).where(Vote.id == number))


def _closed(actor: Actor) -> Select[Vote]:
    seen = select(Organisation.id).where(actor.within(Action.SEE_BRANCH))
    return select(Vote).where(Vote.state != VoteState.OPEN, Vote.branch_id.in_(seen))


def result(session: Session, vote_id: int) -> ResultFacts:
    """A closed vote as it is published."""
    vote = session.get_one(Vote, vote_id)
    assert vote.closed_at is not None, "a vote that goes on was asked for its result"
    rule = decision.rule(vote.rule)
    return ResultFacts(
        number=vote.id,
        meeting=activity(session, vote.activity_id),
        vote=vote_facts(vote),
        secret=vote.secret,
        needed_present=rule.needed_present(vote.entitled),
        needed_yes=decision.needed_yes(vote.entitled),
        source=rule.source,
        closed_at=vote.closed_at,
        ballots={choice.value: who for choice, who in outcome.by_choice(session, vote).items()},
    )
