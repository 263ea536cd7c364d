"""The photo of a claim or of a hazard: /m/photo/<token> and /m/hazard-photo/<token>, links from the chat, valid for ten minutes, for one person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response

from bot.config import Settings
from bot.db import Database
from bot.errors import Refusal
from bot.services import claim_photo, hazard_photo
from bot.services.photo_file import LinkExpired, Links

NO_STORE = {"Cache-Control": "no-store", "Content-Disposition": "inline"}


def blueprint(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Blueprint:
    """GET /photo/<token> and /hazard-photo/<token>, to be registered below /m."""
    pages = Blueprint("photos", __name__)
    secret = settings.secret_key.get_secret_value()

    def shown(links: Links, look: Callable[..., bytes], token: str) -> Response:
        now = clock()
        try:
            number, viewer_id = links.read(secret, token, now=now)
            with database.write() as session:
                body = look(session, number, viewer_id, now=now)
        except Refusal as refusal:
            status = 410 if isinstance(refusal, LinkExpired) else 403
            return Response(str(refusal), status, headers=NO_STORE, mimetype="text/plain")
        return Response(body, mimetype="image/jpeg", headers=NO_STORE)

    @pages.get("/photo/<token>")
    def photo(token: str) -> Response:
        return shown(claim_photo.LINKS, claim_photo.look, token)

    @pages.get("/hazard-photo/<token>")
    def photo_of_hazard(token: str) -> Response:
        return shown(hazard_photo.LINKS, hazard_photo.look, token)

    return pages
