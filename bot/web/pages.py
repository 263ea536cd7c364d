"""Members' pages that open from a link in the chat. Every link carries its own signed right; there is no login."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, abort, jsonify, render_template, request
from sqlalchemy.orm import Session

from bot.config import Settings
from bot.db import Database
from bot.models.activity import Activity, ActivityState
from bot.services import attendance, check_in_word
from bot.times import full_moment, local


def blueprint(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Blueprint:
    """The pages below /m/: the screen with the changing check-in word."""
    pages = Blueprint("pages", __name__, template_folder="templates", static_folder="static")
    secret = settings.secret_key.get_secret_value()

    def activity_of(session: Session, number: int) -> Activity:
        if not check_in_word.may_show_screen(secret, number, request.args.get("k", "")):
            abort(403)
        return session.get(Activity, number) or abort(404)

    @pages.get("/screen/<int:number>")
    def screen(number: int) -> str:
        with database.read() as session:
            activity = activity_of(session, number)
            when = full_moment(activity.starts_at, clock())
            return render_template("pages/screen.html", activity=activity, when=when, key=request.args["k"])

    @pages.get("/screen/<int:number>/state")
    def screen_state(number: int) -> Response:
        now = clock()
        with database.read() as session:
            activity = activity_of(session, number)
            counts = attendance.counts(session, number)
        shown = {"here": counts.present, "invited": counts.invited, "word": "", "seconds": 5}
        if activity.state is ActivityState.PUBLISHED and attendance.is_open(activity, now):
            shown |= {"word": check_in_word.word(activity, now).text, "seconds": 60 - local(now, now).second}
        return jsonify(shown)

    @pages.get("/screen/<int:number>/code.svg")
    def screen_code(number: int) -> Response:
        import segno

        with database.read() as session:
            activity = activity_of(session, number)
        picture = io.BytesIO()
        text = f"签到 {check_in_word.word(activity, clock()).text}"
        segno.make(text, error="m").save(picture, kind="svg", scale=8, border=2)
        return Response(picture.getvalue(), mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})

    return pages
