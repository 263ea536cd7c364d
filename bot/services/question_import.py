"""A branch's own questions from a file or a pasted text: looked at first, taken in as one, and taken back if need be.

Reading and judging change nothing. :func:`accept` writes all of a preview or nothing, and keeps what :func:`take_back` needs.
A secretary's import is asked at once; anybody else's waits as drafts for :func:`approve`, because members learn from what is asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.db import Base
from bot.errors import Refusal
from bot.models.exam import Duel, Exam
from bot.models.member import Member
from bot.models.quiz import Question, QuestionImport, QuestionKind, QuestionState, QuizRun
from bot.services import audit
from bot.services.question import digest_of
from bot.services.question_preview import CONTENT, Change, Preview, batches, columns, preview
from content.questions import Question as Checked

__all__ = [
    "Preview",
    "accept",
    "approve",
    "latest",
    "preview",
    "take_back",
    "waiting",
]

_DAYS = ("valid_from", "valid_to")
_SAVED = (*CONTENT, "digest", "state", "author_id")
_BULK = {"synchronize_session": False}


class BankHasChanged(Refusal):
    text = "题库刚刚有变动，这次没有导入。请重新导入一次，再看一遍预览。"


class NothingToImport(Refusal):
    text = "没有可以导入的题：{why}"


class NoSuchImport(Refusal):
    text = "没有找到可以撤销的导入。导入过的题可以用 停用题目 停用。"


class AlreadyTakenBack(Refusal):
    text = "这次导入已经撤销过了。"


class NothingToApprove(Refusal):
    text = "现在没有等待批准的题目。"


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an accepted import did."""

    import_id: int
    added: int
    changed: int
    state: QuestionState


@dataclass(frozen=True, slots=True)
class TakenBack:
    """What taking back did: added questions deleted or, where somebody met them already, retired; changed ones as before.

    ``left`` counts those that were changed again since and so stay as they are.
    """

    deleted: int
    retired: int
    restored: int
    left: int


# --- taking in -------------------------------------------------------------------------------------------------------


def accept(
    session: Session,
    seen: Preview,
    *,
    actor: Member | None,
    state: QuestionState,
    now: datetime,
    channel: str,
    source: str,
) -> ImportResult:
    """Write what the preview shows, all of it; :class:`BankHasChanged` when the bank is no longer what was looked at.

    ``actor`` is None for the operator; ``source`` names the file or says that the text was pasted.
    """
    if not seen.added and not seen.changed:
        raise NothingToImport(why=seen.summary)
    owned = {"branch_id": seen.branch_id, "state": state, "author_id": actor.id if actor else None}
    added = [_written(entry.question) | owned for entry in seen.added]
    changed = [_written(change.question) | owned | {"id": change.id} for change in seen.changed]
    before = _before(session, seen.changed)
    if added:
        _insert(session, added)
    if changed:
        session.execute(update(Question), changed)
    record = QuestionImport(
        branch_id=seen.branch_id,
        author_id=owned["author_id"],
        at=now,
        source=source[:255],
        state=state,
        added=[row["code"] for row in added],
        before=before,
        written={row["code"]: row["digest"] for row in (*added, *changed)},
    )
    session.add(record)
    session.flush()
    _note(session, record, "导入题目", actor, now, channel, f"{source}：{seen.summary}")
    return ImportResult(record.id, len(added), len(changed), state)


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    try:
        session.execute(insert(Base.metadata.tables[Question.__tablename__]), rows)
    except IntegrityError as error:  # somebody else took one of the codes since the preview
        raise BankHasChanged from error


def _before(session: Session, changes: Sequence[Change]) -> dict[str, Any]:
    """The questions as they are now, by code, locked and compared with what the preview saw."""
    wanted = {change.id: change.before for change in changes}
    found = select(*(getattr(Question, name) for name in ("id", *_SAVED))).with_for_update()
    rows = [
        row
        for part in batches(list(wanted))
        for row in session.execute(found.where(Question.id.in_(part))).mappings()
    ]
    if {row["id"]: row["digest"] for row in rows} != wanted:
        raise BankHasChanged
    return {row["code"]: {name: _plain_value(row[name]) for name in _SAVED} for row in rows}


def _written(question: Checked) -> dict[str, Any]:
    row = columns(question)
    return {**row, "digest": digest_of(row)}


def _plain_value(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _note(
    session: Session,
    record: QuestionImport,
    act: str,
    actor: Member | None,
    now: datetime,
    channel: str,
    detail: str,
) -> None:
    said = f"#{record.id} {detail}"
    audit.record(
        session, actor=actor, act=act, now=now, channel=channel, branch_id=record.branch_id, detail=said
    )


# --- approving and taking back ---------------------------------------------------------------------------------------


def waiting(session: Session, branch_id: int) -> Sequence[QuestionImport]:
    """The branch's imports whose questions wait as drafts, oldest first."""
    rows = session.scalars(
        select(QuestionImport)
        .where(
            QuestionImport.branch_id == branch_id,
            QuestionImport.state == QuestionState.DRAFT,
            QuestionImport.approved_at.is_(None),
            QuestionImport.taken_back_at.is_(None),
        )
        .order_by(QuestionImport.id)
    )
    return rows.all()


def approve(session: Session, record: QuestionImport, *, actor: Member, now: datetime, channel: str) -> int:
    """Let an import's drafts be asked, as far as they are still as it left them; how many are."""
    ids = [key for key, state in _untouched(session, record).values() if state is QuestionState.DRAFT]
    for part in batches(ids):
        _set_state(session, part, QuestionState.APPROVED)
    record.approved_at = now
    _note(session, record, "批准题目", actor, now, channel, f"{len(ids)} 题")
    return len(ids)


def latest(session: Session, branch_id: int) -> QuestionImport:
    """The branch's newest import that was not taken back; :class:`NoSuchImport` when there is none."""
    mine = QuestionImport.branch_id == branch_id, QuestionImport.taken_back_at.is_(None)
    found = session.scalar(select(QuestionImport).where(*mine).order_by(QuestionImport.id.desc()).limit(1))
    if found is None:
        raise NoSuchImport
    return found


def take_back(
    session: Session, import_id: int, *, now: datetime, actor: Member | None = None, channel: str = "cli"
) -> TakenBack:
    """Undo an import once: changed questions are as before, added ones go, or are retired where members met them.

    What was answered stays: attempts, points and shares right are as before. A retired question is neither drawn nor reviewed any more, but a
    run or a paper that has it goes on to its end. Its author may import it again.
    """
    record = session.get(QuestionImport, import_id, with_for_update=True)
    if record is None:
        raise NoSuchImport
    if record.taken_back_at is not None:
        raise AlreadyTakenBack
    untouched = _untouched(session, record)
    added = [untouched[code][0] for code in record.added if code in untouched]
    met = _met(session, added)
    gone = [key for key in added if key not in met]
    for part in batches(sorted(met)):
        _set_state(session, part, QuestionState.RETIRED)
    for part in batches(gone):
        session.execute(delete(Question).where(Question.id.in_(part)), execution_options=_BULK)
    restored = [
        _restored(untouched[code][0], row) for code, row in record.before.items() if code in untouched
    ]
    if restored:
        session.execute(update(Question), restored)
    record.taken_back_at = now
    done = TakenBack(len(gone), len(met), len(restored), len(record.written) - len(untouched))
    _note(
        session,
        record,
        "撤销导入题目",
        actor,
        now,
        channel,
        f"删除 {len(gone)}，停用 {len(met)}，恢复 {len(restored)}",
    )
    return done


def _untouched(session: Session, record: QuestionImport) -> dict[str, tuple[int, QuestionState]]:
    """The import's questions that are still as it left them: code → id, state."""
    found = select(Question.code, Question.id, Question.digest, Question.state)
    rows = (
        row
        for part in batches(list(record.written))
        for row in session.execute(found.where(Question.code.in_(part)).with_for_update())
    )
    return {code: (key, state) for code, key, digest, state in rows if record.written[code] == digest}


def _met(session: Session, ids: Sequence[int]) -> set[int]:
    """Those of the questions that some row refers to, or that somebody is being asked."""
    wanted = set(ids)
    column = Base.metadata.tables[Question.__tablename__].c.id
    keys = [
        key for table in Base.metadata.sorted_tables for key in table.foreign_keys if key.column is column
    ]
    met = {
        one
        for key in keys
        for part in batches(list(ids))
        for one in session.scalars(select(key.parent).where(key.parent.in_(part)).distinct())
    }
    if not wanted:
        return met
    # A paper or a duel that nobody has begun names its questions too.
    asked = (
        select(QuizRun.questions).where(QuizRun.finished_at.is_(None)),
        select(Exam.questions),
        select(Duel.questions).where(Duel.settled_at.is_(None)),
    )
    named = chain.from_iterable(chain.from_iterable(session.scalars(one) for one in asked))
    return met | wanted.intersection(named)


def _restored(key: int, row: Mapping[str, Any]) -> dict[str, Any]:
    days = {name: date.fromisoformat(row[name]) if row[name] else None for name in _DAYS}
    return {**row, **days, "kind": QuestionKind(row["kind"]), "state": QuestionState(row["state"]), "id": key}


def _set_state(session: Session, ids: Sequence[int], state: QuestionState) -> None:
    session.execute(update(Question).where(Question.id.in_(ids)).values(state=state), execution_options=_BULK)
