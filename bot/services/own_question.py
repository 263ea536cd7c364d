"""One question of the bank by its code: looked at as it may be pasted again, and a branch's own stopped at once when it is wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.quiz import Question, QuestionState, StoppedQuestion
from bot.services import audit


class NoSuchQuestion(Refusal):
    text = "题库里没有编号为 {code} 的题。回复 题目分析 或 导出 题目 可以看到编号。"


class AlreadyRetired(Refusal):
    text = (
        "{code} 已经停用了。公共题库的题要恢复，请发：恢复题目 {code}；本支部的题重新导入一次即可：导入题目"
    )


class NotStopped(Refusal):
    text = "{code} 没有被本支部停用。公共题库的题才用 恢复题目；本支部的题重新导入一次即可：导入题目"


def find(session: Session, branch_id: int, code: str) -> Question:
    """A question of the branch or of the shipped bank, in whatever case its code is written; :class:`NoSuchQuestion` otherwise."""
    mine = Question.branch_id.is_(None) | (Question.branch_id == branch_id)
    found = session.scalar(select(Question).where(mine, func.upper(Question.code) == code.upper()).limit(1))
    if found is None:
        raise NoSuchQuestion(code=code[:20])
    return found


def retire(
    session: Session, branch_id: int, code: str, *, actor: Member, now: datetime, channel: str
) -> tuple[Question, QuestionState]:
    """Ask a question no more in the branch; with the state that it had. What was answered stays, and a run that has it goes on.

    One of the shipped bank stays as it is for all other branches.
    """
    found = find(session, branch_id, code)
    before = state_in(session, branch_id, found)
    if before is QuestionState.RETIRED:
        raise AlreadyRetired(code=found.code)
    if found.branch_id is None:
        session.add(StoppedQuestion(branch_id=branch_id, question_id=found.id, by_id=actor.id, at=now))
        session.flush()
    else:
        found.state = QuestionState.RETIRED
    _note(session, found, "停用题目", branch_id, actor, now, channel)
    return found, before


def state_in(session: Session, branch_id: int, found: Question) -> QuestionState:
    """The state that a question has in a branch."""
    stopped = session.get(StoppedQuestion, (branch_id, found.id))
    return found.state if stopped is None else QuestionState.RETIRED


def bring_back(
    session: Session,
    branch_id: int,
    code: str,
    state: QuestionState,
    *,
    actor: Member,
    now: datetime,
    channel: str,
) -> Question:
    """Undo :func:`retire`."""
    found = find(session, branch_id, code)
    stopped = session.get(StoppedQuestion, (branch_id, found.id))
    if stopped is not None:
        session.delete(stopped)
        session.flush()
    elif found.branch_id is not None:
        found.state = state
    _note(session, found, "恢复题目", branch_id, actor, now, channel)
    return found


def start_again(
    session: Session, branch_id: int, code: str, *, actor: Member, now: datetime, channel: str
) -> Question:
    """Ask a question of the shipped bank again in the branch; :class:`NotStopped` when it was not stopped there."""
    found = find(session, branch_id, code)
    if session.get(StoppedQuestion, (branch_id, found.id)) is None:
        raise NotStopped(code=found.code)
    return bring_back(session, branch_id, code, found.state, actor=actor, now=now, channel=channel)


def _note(
    session: Session, one: Question, act: str, branch_id: int, actor: Member, now: datetime, channel: str
) -> None:
    detail = f"{one.code} {one.stem[:30]}"
    audit.record(session, actor=actor, act=act, now=now, channel=channel, branch_id=branch_id, detail=detail)
