"""Pictures of points: /m/points/<token>.png, drawn of the signed figures in the address; the platform and phones may keep them."""

from __future__ import annotations

from flask import Blueprint, Response

from bot.config import Settings
from bot.documents.picture import points_picture
from bot.services import point_picture
from bot.services.point_picture import PictureForged

KEEP = {"Cache-Control": "public, max-age=31536000, immutable"}


def blueprint(settings: Settings) -> Blueprint:
    """GET /points/<token>.png, to be registered below /m."""
    pages = Blueprint("pictures", __name__)
    secret = settings.secret_key.get_secret_value()

    @pages.get("/points/<token>.png")
    def points(token: str) -> Response:
        try:
            drawn = point_picture.read(secret, token)
        except PictureForged as refusal:
            return Response(str(refusal), 403, mimetype="text/plain")
        return Response(points_picture(drawn), mimetype="image/png", headers=KEEP)

    return pages
