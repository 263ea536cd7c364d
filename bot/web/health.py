"""Is it alive, is it ready, what are its figures."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from bot import metrics, migrations
from bot.db import Database
from bot.metrics import Lateness

log = logging.getLogger("zhibu.health")


def blueprint(database: Database, clock: Callable[[], datetime], lateness: Lateness) -> Blueprint:
    """GET /healthz, /readyz and /metrics."""
    pages = Blueprint("health", __name__)

    @pages.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @pages.get("/readyz")
    def readyz() -> Response:
        try:
            found = migrations.revision(database)
        except SQLAlchemyError as error:
            log.error("not ready: %s", type(error).__name__)
            return Response("database unreachable\n", 503, mimetype="text/plain")
        if found != migrations.head():
            return Response(f"schema is {found}, needed {migrations.head()}\n", 503, mimetype="text/plain")
        return Response("ready\n", mimetype="text/plain")

    @pages.get("/metrics")
    def figures() -> Response:
        try:
            page = metrics.exposition(database, clock(), lateness)
        except SQLAlchemyError as error:
            log.error("no metrics: %s", type(error).__name__)
            return Response("database unreachable\n", 503, mimetype="text/plain")
        return Response(page, content_type=CONTENT_TYPE_LATEST)

    return pages
