"""What every command of ``zhibu`` shares: a complaint in one line, and the app of the environment's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bot.app import App


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
