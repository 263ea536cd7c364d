"""The web side: webhook, health, members' pages. Templates print, they decide nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from flask import Flask, Response

from bot.chat import Channel, Message, Reply
from bot.config import Settings
from bot.db import Database
from bot.metrics import Lateness
from bot.web import calendars, downloads, health, pages, photos, pictures
from bot.web.webhook import Webhook

HEADERS = {
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}


def create(
    channels: Mapping[str, Channel],
    dispatch: Callable[[Message], Reply | None],
    clock: Callable[[], datetime],
    settings: Settings,
    database: Database,
    wake: Callable[[], None],
    lateness: Lateness,
) -> Flask:
    """The Flask application."""
    flask = Flask("bot.web", static_folder=None)
    flask.config["MAX_CONTENT_LENGTH"] = 1024 * 1024

    def dispatch_and_wake(message: Message) -> Reply | None:
        reply = dispatch(message)
        wake()
        return reply

    flask.register_blueprint(health.blueprint(database, clock, lateness))
    flask.register_blueprint(downloads.blueprint(settings, database, clock), url_prefix="/m")
    flask.register_blueprint(photos.blueprint(settings, database, clock), url_prefix="/m")
    flask.register_blueprint(pictures.blueprint(settings), url_prefix="/m")
    flask.register_blueprint(calendars.blueprint(settings, database, clock), url_prefix="/m")
    flask.register_blueprint(pages.blueprint(settings, database, clock), url_prefix="/m")

    @flask.after_request
    def secure(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    flask.wsgi_app = Webhook(channels, dispatch_and_wake, clock, flask.wsgi_app)  # type: ignore[assignment, method-assign]
    return flask
