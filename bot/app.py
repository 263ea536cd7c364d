"""Composition root: settings → database, channels, routes, dispatcher, jobs, web. Only this module looks everything up."""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

import handlers
from bot import migrations, nlu
from bot.chat import Channel, Router
from bot.clock import Clock
from bot.config import BadSettings, Settings
from bot.db import Database
from bot.dispatch import Dispatcher
from bot.routing import Routes
from bot.services import setting
from content import ContentError
from scheduler.runner import Node, lateness

if TYPE_CHECKING:
    from flask import Flask


@dataclass(slots=True)
class App:
    """A running product without its web server: everything hangs on it, nothing is global."""

    settings: Settings
    database: Database
    clock: Callable[[], datetime]
    channels: dict[str, Channel]
    routes: Routes
    dispatch: Dispatcher
    node: Node


def build(
    settings: Settings, *, clock: Callable[[], datetime] | None = None, database: Database | None = None
) -> App:
    """Put everything together; nothing is started, no table is touched."""
    use_holidays(settings)
    clock = clock or Clock(settings.zone)
    database = database or open_database(settings)
    routes = Routes(discover_router())
    channels = open_channels(settings, database)
    dispatch = Dispatcher(database, routes, settings, clock)
    node = Node(database, channels, settings, clock, f"{socket.gethostname()}:{os.getpid()}")
    return App(settings, database, clock, channels, routes, dispatch, node)


def use_holidays(settings: Settings) -> None:
    """Read the settings' own table of holidays; :class:`BadSettings` names the line to mend."""
    try:
        setting.use_holidays(Path(settings.holidays) if settings.holidays else None)
    except ContentError as error:
        raise BadSettings(f"ZHIBU_HOLIDAYS: {error}") from None


def open_database(settings: Settings) -> Database:
    """The database of the settings; the folder of a SQLite file is made."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    return Database(settings.database_url, pooled=settings.database_pooled)


def open_channels(settings: Settings, database: Database) -> dict[str, Channel]:
    """The channels that are set up, by name."""
    channels: dict[str, Channel] = {}
    if settings.wecom:
        from bot.channels.wecom import WeCom

        channels["wecom"] = WeCom(settings, database)
    if settings.oa:
        from bot.channels.official_account import OfficialAccount

        channels["oa"] = OfficialAccount(settings, database)
    return channels


def modules(package: ModuleType) -> Iterator[ModuleType]:
    """All modules of a package, in order of name."""
    for info in pkgutil.iter_modules(package.__path__):
        yield importlib.import_module(f"{package.__name__}.{info.name}")


def discover_router() -> Router:
    """All routers of ``handlers/`` as one: a new file there is a new feature, no list to edit."""
    whole = Router()
    for module in modules(handlers):
        router = getattr(module, "router", None)
        if isinstance(router, Router):
            whole.include(router)
    return whole


def prepare(app: App) -> None:
    """Bring the schema and the shipped content of the database up to date. Harmless when it is already."""
    migrations.upgrade(app.database)
    from bot.services import own_material, question
    from bot.services.library import entries
    from content import materials, questions, regulations

    nlu.keep_in(app.settings.data_folder)
    bank = questions.load()
    with app.database.write() as session:
        question.sync(session, bank)
        if entries.sync(session, regulations.load(), materials.load(), bank):
            own_material.cut_anew(session)


def warm(app: App) -> None:
    """Make this process ready to serve, in the background: exact words answer meanwhile."""
    nlu.keep_in(app.settings.data_folder)
    threading.Thread(target=_warm, name="warm", daemon=True).start()


def _warm() -> None:
    """Load jieba's dictionary, then tell the collector that what is there now stays: going through it would stop all answers for a tenth of a second."""
    nlu.warm()
    gc.collect()
    gc.freeze()


def create_flask(app: App, *, wake: Callable[[], None] = lambda: None) -> Flask:
    """The web side of an app. ``wake`` is called after every message, so that pushes go out at once."""
    from bot.web import create

    def late(session: Session, now: datetime) -> Mapping[str, timedelta]:
        return lateness(session, app.settings.zone, now)

    return create(app.channels, app.dispatch, app.clock, app.settings, app.database, wake, late)
