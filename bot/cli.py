"""The command ``zhibu``. Exit status 0: all is well; 2: bad input, with one line that says what to do; 1: something else is wrong."""

from __future__ import annotations

import logging
import sys

import click

from bot import __version__
from bot.cli_documents import documents
from bot.cli_members import members
from bot.cli_operations import backup, deploy, restore
from bot.cli_points import points
from bot.cli_questions import questions
from bot.command import BadInput, open_app


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
@click.option("--verbose", is_flag=True, help="Log more.")
def main(verbose: bool) -> None:
    """支部通: a study-and-check-in chatbot for a Party branch."""
    from bot.logs import configure

    configure(logging.DEBUG if verbose else logging.INFO)


@main.command()
@click.option("--port", default=8000, show_default=True)
def demo(port: int) -> None:
    """Everything on this machine with four phones in the browser; no account needed."""
    from bot import demo as demonstration

    try:
        demonstration.serve(port, click.echo)
    except OSError as error:
        raise BadInput(f"port {port}: {error.strerror}; try another with --port") from None


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True)
@click.option("--no-jobs", is_flag=True, help="Web only; run `zhibu jobs` elsewhere.")
def serve(host: str, port: int, no_jobs: bool) -> None:
    """Web, scheduler and delivery in one process."""
    from bot import server
    from bot.config import BadSettings

    app = open_app()
    try:
        app.settings.require_real_secret()
        if not app.channels:
            raise BadSettings("ZHIBU_WECOM_CORP_ID or ZHIBU_OA_APP_ID: set up at least one channel")
        server.serve(app, host, port, jobs=not no_jobs)
    except BadSettings as error:
        raise BadInput(str(error)) from None
    except OSError as error:
        raise BadInput(f"{host}:{port}: {error.strerror}") from None


@main.command()
def jobs() -> None:
    """Scheduler and delivery without web; any number of these may run."""
    from bot import server

    server.run_jobs(open_app())


@main.command()
@click.option("--as", "name", required=True, help="Who speaks, e.g. 张伟.")
def chat(name: str) -> None:
    """Talk to the bot in this terminal as one of the demo branch."""
    from bot import terminal

    try:
        terminal.chat(name)
    except KeyError:
        raise BadInput(f"--as {name}: not in the demo branch; try 王建国, 张伟, 古丽 or 李明") from None


@main.command()
def doctor() -> None:
    """Check database, schema, token, trusted IP and callback address; explain what fails."""
    from bot import doctor as examination

    findings = examination.examine(open_app(prepared=False))
    for finding in findings:
        click.echo(f"{'✓' if finding.well else '✗'} {finding.what}")
    sys.exit(0 if all(finding.well for finding in findings) else 1)


@main.group()
def db() -> None:
    """The database."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring schema and shipped content up to date."""
    from bot import app as composition
    from bot import migrations

    app = open_app(prepared=False)
    composition.prepare(app)
    click.echo(f"schema {migrations.head()}")


db.add_command(backup)
db.add_command(restore)
main.add_command(deploy)
main.add_command(documents)
main.add_command(members)
main.add_command(points)
main.add_command(questions)


@main.group()
def menu() -> None:
    """The platform's own menu."""


@menu.command("publish")
def menu_publish() -> None:
    """Create the menu on every channel that is set up."""
    from bot.chat import SendError
    from content import menu as menus

    app = open_app()
    if not app.channels:
        raise BadInput("ZHIBU_WECOM_CORP_ID or ZHIBU_OA_APP_ID: set up at least one channel")
    words = list(menus.load().platform)
    for name, channel in app.channels.items():
        try:
            channel.publish_menu(words)
        except SendError as error:
            raise BadInput(f"{name}: {error}; run `zhibu doctor`") from None
        click.echo(f"{name}: {'、'.join(words)}")


@main.group()
def content() -> None:
    """The shipped content."""


@content.command("check")
def content_check() -> None:
    """Read all of it; look for doubles, missing sources, skewed answers, expired items, and texts that ask for what the bank has not."""
    from datetime import date

    from content import (
        ContentError,
        activity_kinds,
        branch_score,
        checks,
        hazards,
        holidays,
        key_tasks,
        materials,
        menu,
        points,
        questions,
        regulations,
        study_plan,
        theme_days,
    )

    today = date.today()  # noqa: DTZ011  (the operator's own day)
    try:
        for one in (
            activity_kinds,
            branch_score,
            hazards,
            holidays,
            key_tasks,
            menu,
            points,
            regulations,
            study_plan,
            theme_days,
        ):
            one.load()
        bank, texts = questions.load(), materials.load()
    except ContentError as error:
        raise BadInput(str(error)) from None
    asked, topics = {one.code: one.questions for one in texts}, {one.code: one.topic for one in texts}
    findings = checks.bank_findings(bank, today) + checks.reference_findings(asked, topics, bank, today)
    for finding in findings:
        click.echo(f"{finding.code}: {finding.what}")
    click.echo(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
