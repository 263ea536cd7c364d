"""``zhibu db backup|restore`` and ``zhibu deploy print``: what an operator needs beside the running product."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot import deploy as templates

if TYPE_CHECKING:
    from bot.backup import Summary


@click.command("backup")
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Save the whole database into FILE while the product runs."""
    from bot import backup as work
    from bot.command import BadInput
    from bot.db import Database

    database = Database(_url())
    try:
        summary = work.backup(database, file)
    except work.BackupError as error:
        raise BadInput(str(error)) from None
    finally:
        database.dispose()
    _say("saved", summary)


@click.command("restore")
@click.argument("file", type=click.Path(path_type=Path))
def restore(file: Path) -> None:
    """Put a backup into the empty database of the settings, and verify it."""
    from bot import backup as work
    from bot.command import BadInput

    try:
        summary = work.restore(_url(), file)
    except work.BackupError as error:
        raise BadInput(str(error)) from None
    _say("restored and verified", summary)


def _url() -> str:
    from bot.command import BadInput
    from bot.config import BadSettings, Settings

    try:
        return Settings.from_env().database_url
    except BadSettings as error:
        raise BadInput(str(error)) from None


def _say(what: str, summary: Summary) -> None:
    click.echo(f"{what}: {summary.rows} rows, schema {summary.schema}, digest {summary.digest[:16]}")


@click.group()
def deploy() -> None:
    """Files for running it as a service."""


@deploy.command("print")
@click.argument("kind", type=click.Choice(sorted(templates.FILES)))
def print_template(kind: str) -> None:
    """Print a template; its first lines say where it goes."""
    click.echo(templates.render(kind), nl=False)
