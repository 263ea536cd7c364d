"""``zhibu points verify|explain|rules|settle``: prove the ledger, explain entries and rules, make due settlements final."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING

import click

from bot.command import member_named, opened

if TYPE_CHECKING:
    from bot.app import App
    from bot.db import Database
    from bot.services.point_chain import Span, Verified
    from content.points import Rule

ONE_PROCESS = 200_000
"""Entries that are verified faster than more processes start."""
SHARES = 64


@click.group()
def points() -> None:
    """The ledger of points."""


@points.command()
def verify() -> None:
    """Recompute every seal and balance of the ledger; exit status 1 names what was changed."""
    from bot.services import point_chain

    with opened() as app:
        with app.database.read() as session:
            spans = point_chain.spans(session, SHARES) if point_chain.size(session) > ONE_PROCESS else []
        done = verified_by_many(app, spans) if spans else _verified(app.database, point_chain.EVERYBODY)
    for one in done.wrong:
        where = f"entry #{one.entry_id}" if one.entry_id else f"{one.period} {one.dimension}"
        figures = "" if one.entry_id else f" (ledger {one.ledger}, balance {one.balance})"
        click.echo(f"member {one.member_id} {where}: {one.what}{figures}", err=True)
    click.echo(f"{done.rows} entries, " + (f"{len(done.wrong)} findings" if done.wrong else "all well"))
    sys.exit(1 if done.wrong else 0)


def _verified(database: Database, span: Span) -> Verified:
    from bot.services import point_chain

    with database.read() as session:
        return point_chain.verify(session, span)


def verified_by_many(app: App, spans: list[Span]) -> Verified:
    """Each core takes the next share of the members when it has done one; a bar shows how far they are."""
    from rich.console import Console
    from rich.progress import track

    from bot.services.point_chain import Verified

    done, settings = Verified(), (app.settings.database_url, app.settings.database_pooled)
    # A forked process would share the connections of this one.
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        shares = pool.map(partial(_verified_share, *settings), spans)
        bar = track(
            shares,
            "核对积分",
            total=len(spans),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        for share in bar:
            done.rows += share.rows
            done.wrong += share.wrong
    return done


def _verified_share(url: str, pooled: bool, span: Span) -> Verified:
    from bot.db import Database

    database = Database(url, pooled=pooled)
    try:
        return _verified(database, span)
    finally:
        database.dispose()


@points.command()
@click.argument("member")
def explain(member: str) -> None:
    """Every entry of MEMBER (name, account, staff number or #id): rule, version, fact, giver, reviewer, cap."""
    from bot.services import point_story

    with opened() as app, app.database.read() as session:
        who = member_named(session, member)
        click.echo(f"{who.name} #{who.id}")
        for one in point_story.all_of(session, who.id, app.clock()):
            click.echo(one.line)


@points.command()
def rules() -> None:
    """Every version of every rule: the shipped ones, then those that branches made for themselves."""
    from bot.services import point_rule

    with opened() as app, app.database.read() as session:
        for rule in point_rule.rules().rules:
            click.echo(_rule_line("shipped", rule))
        for branch, rule in point_rule.versions(session):
            click.echo(_rule_line(branch, rule))


def _rule_line(whose: str, rule: Rule) -> str:
    """One version: whose, its name, what it gives, and when it holds."""
    from bot.services.point_rule import figures

    until = rule.valid_to or ""
    return f"{whose}\t{rule.code}\t{rule.edition}\t{rule.name}：{figures(rule)}\t{rule.valid_from}..{until}"


@points.command()
def settle() -> None:
    """Make final the settlements whose public notice has ended and that no appeal holds."""
    from bot.services import settlement

    with opened() as app:
        now = app.clock()
        with app.database.read() as session:
            due = settlement.due(session, now)
        done = 0
        for one in due:
            with app.database.write() as session:
                done += settlement.close(session, one, now)
    click.echo(f"{done} final, {len(due) - done} waiting for appeals")
