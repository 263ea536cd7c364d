"""Links to documents: signed, for one document and one person, valid for ten minutes by the product's own clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.member import Member
from bot.services import audit
from bot.services.permission import Action, NotAllowed, actor_of

LASTS = timedelta(minutes=10)


class LinkForged(Refusal):
    text = "链接不完整或不正确。请回到对话里，再发一次：导出"


class LinkExpired(Refusal):
    text = "链接已经过期（10分钟内有效）。请回到对话里，再发一次：导出 {what}"


class DocumentKind(StrEnum):
    """What can be exported."""

    MINUTES = "会议记录"
    SHEET = "签到表"
    NOTICE = "通知"
    VOTE = "表决结果"
    ELECTION = "选举用表"
    LEDGER = "台账"
    HANDBOOK = "手册"
    LEARNING = "学习情况"
    QUESTIONS = "题目"
    GIFT = "GIFT 题目"
    AUDIT = "操作记录"
    BULLETIN = "积分公示"
    BULLETIN_SHEET = "积分公示表"
    POINT_TABLE = "积分表"
    KEY_TASKS = "任务台账"
    HAZARDS = "隐患台账"


_NEEDS = {
    DocumentKind.QUESTIONS: Action.EDIT_QUESTIONS,
    DocumentKind.GIFT: Action.EDIT_QUESTIONS,
    DocumentKind.AUDIT: Action.SEE_AUDIT,
}
"""Question files hold the answers; all else is for who may see the branch."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document of one branch for one member.

    ``subject`` is the number of the activity, notice or vote, the month (202612) or the year (2026, also of hazards and key tasks); for questions 1 when
    only the branch's own are wanted; for the audit log somebody's id, or 0 for everybody.
    """

    kind: DocumentKind
    branch_id: int
    subject: int
    member_id: int


def sign(secret_key: str, wanted: Wanted, *, now: datetime) -> str:
    """The token of a link that ends ten minutes from now."""
    until = int((now + LASTS).timestamp())
    return str(
        _signer(secret_key).dumps(
            [wanted.kind.value, wanted.branch_id, wanted.subject, wanted.member_id, until]
        )
    )


def read(secret_key: str, token: str, *, now: datetime) -> Wanted:
    """What a token from :func:`sign` grants; :class:`LinkForged` or :class:`LinkExpired`."""
    try:
        kind, branch_id, subject, member_id, until = _signer(secret_key).loads(token)
        wanted = Wanted(DocumentKind(kind), branch_id, subject, member_id)
    except (BadSignature, ValueError, TypeError):
        raise LinkForged from None
    if now.timestamp() >= until:
        raise LinkExpired(what=wanted.kind.value)
    return wanted


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="document download")


def permit(session: Session, wanted: Wanted, *, now: datetime) -> Member:
    """The member for whom the link was made, who must still have the right; :class:`~bot.services.permission.NotAllowed` otherwise."""
    member = session.get(Member, wanted.member_id)
    if member is None or not member.active:
        raise NotAllowed(action="导出文件")
    needed = _NEEDS.get(wanted.kind, Action.SEE_BRANCH)
    actor_of(session, member, on=now.date()).on_branch(session, needed, wanted.branch_id)
    return member


def record(
    session: Session,
    wanted: Wanted,
    act: str,
    *,
    member: Member,
    now: datetime,
    channel: str,
    detail: str = "",
) -> None:
    """Add to the audit log that a link was made, or a document was downloaded."""
    what = " ".join(filter(None, (wanted.kind.value, f"#{wanted.subject}", detail)))
    audit.record(
        session, actor=member, act=act, now=now, channel=channel, branch_id=wanted.branch_id, detail=what
    )
