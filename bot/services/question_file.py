"""Questions as files: a file or a pasted text read into rows by its ending, and a branch's bank written into one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.quiz import Question, QuestionState
from bot.services.question_formats import Reading, Unreadable, decode
from content.questions import Kind, Part
from content.questions import Question as Checked

MOST_BYTES = 20 * 1024 * 1024
ENDINGS = (".xlsx", ".csv", ".gift")
"""What :func:`written` can write."""
_WITH_MACROS = (".xlsm", ".xltm", ".xlsb", ".docm", ".xls", ".doc")


class CannotWrite(Refusal):
    text = "写不了文件 {path}：请用 .xlsx、.csv 或 .gift 结尾，并放在可以写入的文件夹里。"


def read(path: Path) -> Reading:
    """The rows of an .xlsx, .csv, .docx, .gift or .txt file; :class:`Unreadable` says what is wrong with it."""
    from bot.services.question_formats import csv, excel, gift, word

    parsers: dict[str, Callable[[bytes], Reading]] = {
        ".xlsx": excel.parse,
        ".csv": csv.parse,
        ".docx": word.parse,
        ".gift": lambda raw: gift.parse(decode(raw)),
        ".txt": lambda raw: read_text(decode(raw)),
    }
    suffix = path.suffix.lower()
    if suffix in _WITH_MACROS:
        raise Unreadable(why=f"{suffix} 文件可能带宏，请另存为 .xlsx 或 .docx")
    if suffix not in parsers:
        raise Unreadable(why=f"不认识 {suffix or path.name} 文件，可用：{'、'.join(parsers)}")
    reading = parsers[suffix](_bytes(path))
    if not reading.rows:
        raise Unreadable(why="文件里没有题目")
    return reading


def read_text(text: str) -> Reading:
    """The rows of a text: GIFT where it has GIFT's braces, else Aiken or numbered questions."""
    from bot.services.question_formats import gift
    from bot.services.question_formats import text as numbered

    return gift.parse(text) if gift.is_gift(text) else numbered.parse(text)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(why="文件超过20MB")
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(why=f"打不开文件 {path}") from error
    if not raw:
        raise Unreadable(why="文件是空的")
    return raw


def write(session: Session, branch_id: int, path: Path, *, own: bool = False) -> int:
    """Write :func:`bank_of` a branch to an .xlsx, .csv or .gift file; how many questions. :class:`CannotWrite` otherwise."""
    if path.suffix.lower() not in ENDINGS:
        raise CannotWrite(path=path)
    bank = bank_of(session, branch_id, own=own)
    try:
        path.write_bytes(written(bank, path.suffix.lower()))
    except OSError as error:
        raise CannotWrite(path=path) from error
    return len(bank)


def written(bank: Iterable[Checked], ending: str) -> bytes:
    """The content of a file with one of :data:`ENDINGS`; reading it gives the same questions."""
    from bot.services.question_formats import csv, excel, gift

    writers: dict[str, Callable[[Iterable[Checked]], bytes]] = {
        ".xlsx": excel.write,
        ".csv": csv.write,
        ".gift": lambda questions: gift.write(questions).encode(),
    }
    return writers[ending](bank)


def bank_of(session: Session, branch_id: int, *, own: bool = False) -> list[Checked]:
    """What a branch has, with the shipped bank unless ``own``, in order of topic and code; retired questions are left out."""
    mine = Question.branch_id == branch_id
    found = (
        select(Question)
        .where(mine if own else mine | Question.branch_id.is_(None), Question.state != QuestionState.RETIRED)
        .order_by(Question.topic, Question.code)
    )
    return [checked(row) for row in session.scalars(found)]


def counted(session: Session, branch_id: int) -> tuple[int, int]:
    """How many questions :func:`bank_of` gives, and how many of them are the branch's own."""
    own = func.coalesce(func.sum(case((Question.branch_id == branch_id, 1), else_=0)), 0)
    mine = (Question.branch_id == branch_id) | Question.branch_id.is_(None)
    found = select(func.count(), own).where(mine, Question.state != QuestionState.RETIRED)
    whole, part = session.execute(found).one()
    return whole, part


def checked(row: Question) -> Checked:
    """The question of a row, as its author wrote it."""
    return Checked(
        code=row.code,
        topic=row.topic,
        half=row.half,
        kind=Kind(row.kind),
        difficulty=row.difficulty,
        stem=row.stem,
        options=tuple(row.options),
        answer=tuple(row.answer),
        tolerance=row.tolerance,
        explanation=row.explanation,
        source=row.source,
        confidence=row.confidence,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        parts=tuple(
            Part(
                Kind(one["kind"]), one["stem"], tuple(one["options"]), tuple(one["answer"]), one["tolerance"]
            )
            for one in row.parts
        ),
    )
