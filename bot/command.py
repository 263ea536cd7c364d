"""What every command of ``zhibu`` shares: a complaint in one line, and the app of the environment's settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.app import App
    from bot.models.member import Member


class BadInput(click.ClickException):
    """One line that says what to do; exit status 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        click.echo(f"zhibu: {self.message}", err=True)


def open_app(*, prepared: bool = True) -> App:
    """The app of the environment's settings, its schema current; :class:`BadInput` names what is wrong."""
    from sqlalchemy.exc import SQLAlchemyError

    from bot import app as composition
    from bot import migrations
    from bot.config import BadSettings, Settings

    try:
        app = composition.build(Settings.from_env())
        if app.database.sqlite:
            composition.prepare(app)
        elif prepared and migrations.revision(app.database) != migrations.head():
            raise BadInput("the database schema is not current; run: zhibu db upgrade")
    except BadSettings as error:
        raise BadInput(str(error)) from None
    except SQLAlchemyError as error:
        raise BadInput(f"ZHIBU_DATABASE_URL: database unreachable ({type(error).__name__})") from None
    return app


@contextmanager
def opened() -> Iterator[App]:
    """The app while a command runs. A refusal is bad input: one line, exit status 2."""
    from bot.errors import Refusal

    app = open_app()
    try:
        yield app
    except Refusal as refusal:
        raise BadInput(str(refusal)) from None
    finally:
        app.database.dispose()


def member_named(session: Session, said: str) -> Member:
    """The one member that a name, an account, a staff number or #id means; bad input names the others."""
    from sqlalchemy import or_, select

    from bot.models.member import Member
    from bot.services.member import full_name

    number = int(said[1:]) if said.startswith("#") and said[1:].isdigit() else 0
    named = or_(
        Member.name == said, Member.account == said.lower(), Member.staff_no == said, Member.id == number
    )
    found = session.scalars(select(Member).where(named).order_by(Member.id)).all()
    if not found:
        raise BadInput(f"{said}: nobody on the roster has this name, account or staff number")
    if len(found) > 1:
        raise BadInput(f"{said}: several, say which: {', '.join(f'#{m.id} {full_name(m)}' for m in found)}")
    return found[0]
