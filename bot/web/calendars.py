"""Calendars to subscribe to: /m/calendar/<token>.ics. An address that is none answers as any page that is not there."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, request

from bot.config import Settings
from bot.db import Database
from bot.documents import calendar
from bot.services import calendar_feed


def blueprint(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Blueprint:
    """GET /calendar/<token>.ics, to be registered below /m."""
    pages = Blueprint("calendars", __name__)
    secret = settings.secret_key.get_secret_value()
    host = urlsplit(settings.base_url).hostname or "zhibu"

    @pages.get("/calendar/<token>.ics")
    def feed(token: str) -> Response:
        try:
            with database.read() as session:
                events = calendar_feed.read(session, secret, token, now=clock())
        except calendar_feed.NoSuchFeed:
            abort(404)
        response = _head(events)
        if response.status_code == HTTPStatus.OK:
            response.set_data(calendar.text_of(events, host=host, zone=settings.zone))
        return response

    return pages


def _head(events: list[calendar_feed.Event]) -> Response:
    """200 still without a body, or 304 for a phone that has it already, so that asking often costs little."""
    response = Response(content_type=calendar.MIMETYPE)
    response.set_etag(hashlib.sha256(repr(events).encode()).hexdigest()[:32])
    response.last_modified = calendar.last_change(events)
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response
