"""``zhibu documents templates``: the templates that a branch may make its own."""

from __future__ import annotations

import click


@click.group()
def documents() -> None:
    """The documents that are made of the records."""


@documents.command("templates")
@click.option("--branch", "name", default="", help="Which branch; not needed where there is only one.")
def templates(name: str) -> None:
    """Copy the shipped templates to where a branch's own are looked for; those already there stay as they are."""
    from bot.cli_questions import branch_of
    from bot.command import BadInput, opened
    from bot.documents.template import LABELS, shipped
    from bot.web.downloads import templates_folder

    with opened() as app, app.database.read() as session:
        folder = templates_folder(app.settings) / str(branch_of(session, name))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, label in LABELS.items():
            there = (folder / file).exists()
            if not there:
                (folder / file).write_bytes(shipped(file))
            click.echo(f"{file} {label}{'（已有，未改）' if there else ''}")
    except OSError as error:
        raise BadInput(f"{folder}: {error.strerror}") from None
    click.echo(f"{folder.resolve()}：改这里的文件；不改的请删掉，仍用自带的")
