"""``zhibu questions import|export|undo``: the branch's own questions from a file and into one."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.command import opened
from bot.errors import Refusal

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.services.question_formats import Row
    from bot.services.question_preview import Preview

MOST_SHOWN = 20
LONG_WORK = 500


@click.group()
def questions() -> None:
    """The branch's own questions."""


@questions.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--branch", "name", default="", help="Which branch; not needed where there is only one.")
@click.option("--yes", is_flag=True, help="Take the questions in without asking.")
def import_file(file: Path, name: str, yes: bool) -> None:
    """Take questions from .xlsx, .csv, .docx, .gift or .txt: shows what would change, writes after a yes."""
    from bot.models.quiz import QuestionState
    from bot.services import question_file, question_import

    with opened() as app:
        reading = question_file.read(file)
        with app.database.read() as session:
            branch_id = branch_of(session, name)
            seen = question_import.preview(session, reading, branch_id, track=_tracked)
        _show(seen)
        if not (seen.added or seen.changed):
            sys.exit(2 if seen.rejected else 0)
        _ask(yes)
        with app.database.write() as session:
            done = question_import.accept(
                session,
                seen,
                actor=None,
                state=QuestionState.APPROVED,
                now=app.clock(),
                channel="cli",
                source=file.name,
            )
    click.echo(
        f"已导入 #{done.import_id}：新增 {done.added}，修改 {done.changed}。收回：zhibu questions undo"
    )
    sys.exit(2 if seen.rejected else 0)


@questions.command("export")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--branch", "name", default="", help="Which branch; not needed where there is only one.")
@click.option("--own", is_flag=True, help="Without the shipped bank.")
def export_file(file: Path, name: str, own: bool) -> None:
    """Write the questions to .xlsx, .csv or .gift; importing them again changes nothing."""
    from bot.services import question_file

    with opened() as app, app.database.read() as session:
        count = question_file.write(session, branch_of(session, name), file, own=own)
    click.echo(f"已导出 {count} 题到 {file}")


@questions.command("undo")
@click.option("--branch", "name", default="", help="Which branch; not needed where there is only one.")
def undo(name: str) -> None:
    """Take back the branch's newest import."""
    from bot.services import question_import

    with opened() as app, app.database.write() as session:
        record = question_import.latest(session, branch_of(session, name))
        done = question_import.take_back(session, record.id, now=app.clock())
    counts = f"删除 {done.deleted}，停用 {done.retired}，恢复 {done.restored}，后来改过而没有动 {done.left}"
    click.echo(f"已撤销导入 #{record.id}（{record.source}）：{counts}")


def branch_of(session: Session, name: str) -> int:
    """The branch of that name, or the only one there is; :class:`Refusal` names the choices."""
    from sqlalchemy import select

    from bot.models.organisation import Organisation, OrganisationKind

    rows = session.execute(
        select(Organisation.name, Organisation.id).where(Organisation.kind == OrganisationKind.BRANCH)
    )
    known = [(branch, key) for branch, key in rows if name in ("", branch)]
    if len(known) == 1:
        return known[0][1]
    if not known:
        raise Refusal(
            f"--branch {name}: no such branch" if name else "no branch yet; run: zhibu members import FILE"
        )
    raise Refusal(f"several branches, name one with --branch: {'、'.join(branch for branch, _ in known)}")


def _tracked(rows: Sequence[Row]) -> Iterable[Row]:
    """The rows with a progress bar on a terminal, when there are many."""
    if len(rows) < LONG_WORK or not sys.stderr.isatty():
        return rows
    from rich.console import Console
    from rich.progress import track

    return track(rows, description="核对题目", console=Console(stderr=True), transient=True)


def _show(seen: Preview) -> None:
    for note in seen.notes:
        click.echo(note, err=True)
    for what, findings in (("未收", seen.rejected), ("相近", seen.near), ("重复", seen.doubled)):
        for one in findings[:MOST_SHOWN]:
            click.echo(f"第 {one.number} 行{what}：{one.why}", err=True)
        if len(findings) > MOST_SHOWN:
            click.echo(f"……{what}共 {len(findings)} 行", err=True)
    for change in seen.changed[:MOST_SHOWN]:
        click.echo(f"第 {change.number} 行修改：{change.question.code} {change.question.stem[:30]}")
    click.echo(seen.summary + (f"（其中相近 {len(seen.near)}）" if seen.near else ""))


def _ask(yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refusal("nothing written; add --yes to take the questions in")
    if not click.confirm("导入吗？"):
        click.echo("没有导入。")
        sys.exit(0)
