"""Everything that is stored about somebody, table by table, and what is left after it was erased: a name in records, and the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Column, ColumnElement, Table, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bot.db import Base
from bot.errors import Refusal
from bot.models.activity import Attendance, Reflection, SignUp
from bot.models.course import Secondment
from bot.models.identity import Conversation, Identity, Inbox
from bot.models.key_task import KeyTaskStep
from bot.models.member import Member, MemberTag
from bot.models.outbox import Outbox
from bot.models.photo import ClaimPhoto
from bot.models.points import Claim
from bot.models.quiz import Attempt, QuizRun, ReviewCard
from bot.models.seminar import SeminarQuestion
from bot.models.study import MaterialRead, PausedWeek, StudyRecord
from bot.times import local

LABELS = {
    "sign_up": "报名请假",
    "attendance": "签到",
    "reflection": "感想",
    "material_read": "学习",
    "study_record": "学习登记",
    "quiz_run": "答题轮次",
    "attempt": "答题",
    "review_card": "错题",
    "point_entry": "积分",
    "point_balance": "积分合计",
    "settlement_result": "积分结算",
    "claim": "申报申诉",
    "claim_photo": "申报照片",
    "audit_entry": "操作记录",
    "receipt": "通知回执",
    "outbox": "推送",
    "role": "任职",
    "identity": "绑定渠道",
    "conversation": "对话进度",
    "inbox": "答复存根",
    "transfer": "组织关系转接",
    "status_change": "身份变化",
    "secondment": "借调",
    "member_tag": "标签",
    "voter": "表决登记",
    "activity_duty": "会议分工",
    "minute_line": "会议记录",
    "minute_photo": "会议照片",
    "activity": "发布的活动",
    "notice": "发布的通知",
    "freeze_period": "设置的保电期",
    "vote": "发起的表决",
    "settlement": "发起的结算",
    "question": "出的题目",
    "question_import": "导入题目",
    "own_material": "添加的学习资料",
    "stopped_question": "停用的题目",
    "seminar_question": "研讨提问",
    "exam": "发布的考试",
    "duel": "答题对战",
    "paused_week": "值班请假的周",
    "series": "定期活动",
    "branch_rule": "定的积分规则",
    "branch_cap": "定的积分上限",
    "hazard": "隐患",
    "hazard_step": "隐患办理",
    "hazard_photo": "隐患照片",
    "key_task": "关键任务",
    "key_task_step": "关键任务进展",
}
_HIDDEN = (
    "id",
    "chain",
    "digest",
    "key",
    "secret",
    "body",
    "reply",
    "frames",
    "state",
    "options",
    "answer",
    "order",
    "questions",
    "media",
    "reminded",
)
_WHOLE: tuple[type[Base], ...] = (
    ReviewCard,
    QuizRun,
    MaterialRead,
    StudyRecord,
    PausedWeek,
    Reflection,
    Outbox,
    MemberTag,
    ClaimPhoto,
)
ERASED = "（已清除）"
_BULK = {"synchronize_session": False}


class NoSuchKind(Refusal):
    text = "没有“{kind}”这一类记录。您有的是：{kinds}"


class StillHere(Refusal):
    text = "{name}还在册，不能清除。确已离开的，请先发：停用 {name}"


class ErasedAlready(Refusal):
    text = "{name}的个人资料已在{on}清除，只剩会议记录里的姓名和积分台账。重新加入请用名册导入。"


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rows of a table name somebody."""

    label: str
    table: str
    count: int


def kept(session: Session, member_id: int) -> list[Kept]:
    """Every table in which the member stands, found by the schema itself, so that a new table is never forgotten."""
    found = []
    for table, mine in _tables(member_id):
        count = session.scalar(select(func.count()).select_from(table).where(mine)) or 0
        if count:
            found.append(Kept(LABELS.get(table.name, table.name), table.name, count))
    order = list(LABELS)
    return sorted(found, key=lambda one: order.index(one.table) if one.table in order else len(order))


def _tables(member_id: int) -> Iterator[tuple[Table, ColumnElement[bool]]]:
    """Each table with the condition for rows that name the member, directly or by an identity on a channel."""
    identities = select(Identity.id).where(Identity.member_id == member_id)
    for table in Base.metadata.sorted_tables:
        columns = [(column, key.column.table.name) for column in table.c for key in column.foreign_keys]
        named: list[ColumnElement[bool]] = [c == member_id for c, target in columns if target == "member"]
        named += [c.in_(identities) for c, target in columns if target == "identity"]
        if named:
            yield table, or_(*named)


def newest(
    session: Session, member_id: int, label: str, now: datetime, *, most: int = 5
) -> tuple[str, list[str]]:
    """The label of a kind of records and its newest rows as lines; :class:`NoSuchKind` names what there is."""
    there = kept(session, member_id)
    one = next((one for one in there if label in (one.label, one.table)), None)
    if one is None:
        raise NoSuchKind(kind=label[:10], kinds="、".join(kind.label for kind in there))
    table, mine = next((t, m) for t, m in _tables(member_id) if t.name == one.table)
    order = table.c["id"] if "id" in table.c else next(iter(table.primary_key.columns))
    shown = [column for column in table.c if _shown(column)]
    rows: Sequence[Sequence[object]] = (
        session.execute(select(*shown).where(mine).order_by(order.desc()).limit(most)).all() if shown else []
    )
    return one.label, ["，".join(text for value in row if (text := _said(value, now))) for row in rows]


def _shown(column: Column[object]) -> bool:
    return column.name not in _HIDDEN and not column.foreign_keys and not column.name.endswith("_id")


def _said(value: object, now: datetime) -> str:
    """A value as a member reads it; the empty string for nothing."""
    if value is None or value == "" or isinstance(value, (bool, dict, list)):
        return ""
    if isinstance(value, datetime):
        return f"{local(value, now):%Y-%m-%d %H:%M}"
    text = value.isoformat() if isinstance(value, date) else str(value)
    return text if len(text) <= 40 else text[:39] + "…"


# Erasing ----------------------------------------------------------------------------------------------------------------


def erase(session: Session, member: Member, *, now: datetime) -> int:
    """Erase somebody who left, down to the name in minutes. Returns how many rows were deleted.

    Kept: the name, who came to what, votes, minutes, the ledger of points, hazards (to be recorded by 《安全生产法》第四十一条) and what was done in
    office, because they are records of the branch.
    Gone: accounts, phone, staff number, dates, talk, study, answers, reflections, pushes, and the words of claims, leaves and progress of tasks.
    """
    require_gone(member, now)
    gone = _forget_talk(session, member.id)
    runs = select(QuizRun.id).where(QuizRun.member_id == member.id)
    gone += _delete(session, Attempt, Attempt.run_id.in_(runs) | (Attempt.member_id == member.id))
    for whole in _WHOLE:
        gone += _delete(session, whole, whole.__table__.c["member_id"] == member.id)
    gone += _forget_questions(session, member.id)
    blanks: tuple[tuple[type[Base], dict[str, str]], ...] = (
        (SignUp, {"reason": "", "decision": ""}),
        (Attendance, {"reason": ""}),
        (Claim, {"text": ERASED, "remark": "", "decision": ""}),
        (Secondment, {"why": ""}),
        (KeyTaskStep, {"text": ""}),
    )
    for table, blank in blanks:
        mine = table.__table__.c["member_id"] == member.id
        session.execute(update(table).where(mine).values(blank), execution_options=_BULK)
    member.account = member.staff_no = member.phone = member.joined_on = member.paused_until = None
    member.binding_code = member.binding_expires_at = None
    member.crew = member.post = ""
    member.erased_at = now
    return gone


def require_gone(member: Member, now: datetime) -> None:
    """Raise :class:`StillHere` or :class:`ErasedAlready` unless somebody left and can be erased."""
    if member.active:
        raise StillHere(name=member.name)
    if member.erased_at is not None:
        raise ErasedAlready(name=member.name, on=f"{local(member.erased_at, now):%Y-%m-%d}")


def _forget_talk(session: Session, member_id: int) -> int:
    """What was said on any channel, and that the person is on it."""
    mine = select(Identity.id).where(Identity.member_id == member_id)
    gone = _delete(session, Inbox, Inbox.identity_id.in_(mine))
    gone += _delete(session, Conversation, Conversation.identity_id.in_(mine))
    return gone + _delete(session, Identity, Identity.member_id == member_id)


def _forget_questions(session: Session, member_id: int) -> int:
    """Questions for a seminar: those without an answer go, the others are the record's and lose their asker."""
    mine = SeminarQuestion.asker_id == member_id
    gone = _delete(session, SeminarQuestion, mine & (SeminarQuestion.answer == ""))
    nameless = {"asker_id": None, "anonymous": True}
    session.execute(update(SeminarQuestion).where(mine).values(nameless), execution_options=_BULK)
    return gone


def _delete(session: Session, table: type[Base], which: ColumnElement[bool]) -> int:
    key = next(column for column in table.__table__.c if column.primary_key)
    return len(session.scalars(delete(table).where(which).returning(key), execution_options=_BULK).all())
