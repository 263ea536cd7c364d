"""One question of the bank by its code: looked at as it may be pasted again, and a branch's own stopped at once when it is wrong."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.models.quiz import Question, QuestionState
from bot.services import audit


class NoSuchQuestion(Refusal):
    text = "题库里没有编号为 {code} 的题。回复 题目分析 或 导出 题目 可以看到编号。"


class NotOurs(Refusal):
    text = "{code} 是公共题库的题，支部不能停用。有错请告诉系统管理员，由他统一改。"


class AlreadyRetired(Refusal):
    text = "{code} 已经停用了。要恢复，把它重新导入一次即可：导入题目"


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
    """Ask the branch's question no more; with the state that it had. What was answered stays, and a run that has it goes on."""
    found = find(session, branch_id, code)
    if found.branch_id is None:
        raise NotOurs(code=found.code)
    if found.state is QuestionState.RETIRED:
        raise AlreadyRetired(code=found.code)
    before, found.state = found.state, QuestionState.RETIRED
    _note(session, found, "停用题目", actor, now, channel)
    return found, before


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
    found.state = state
    _note(session, found, "恢复题目", actor, now, channel)
    return found


def _note(session: Session, one: Question, act: str, actor: Member, now: datetime, channel: str) -> None:
    detail = f"{one.code} {one.stem[:30]}"
    audit.record(
        session, actor=actor, act=act, now=now, channel=channel, branch_id=one.branch_id, detail=detail
    )
