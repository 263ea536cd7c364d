"""Documents to download: /m/download/<token>, a link from the chat that is valid for ten minutes and makes its document when it is opened."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from flask import Blueprint, Response, render_template_string, request
from sqlalchemy.orm import Session

from bot import documents
from bot.config import Settings
from bot.db import Database
from bot.documents import BrokenTemplate, File, Templates
from bot.documents.file import XLSX, name_of
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import (
    audit,
    bulletin,
    download,
    hazard_table,
    key_task_ledger,
    learning,
    minute_photo,
    point_table,
    question_file,
    record,
)
from bot.services.download import DocumentKind, LinkExpired, LinkForged, Wanted
from bot.services.permission import actor_of
from content.questions import Question

PAGE = """<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>支部通</title>
<h1>{{ head }}</h1>
<p>{{ text }}</p>
{% if again %}<p><a href="?template=shipped">用自带的模板生成</a></p>{% endif %}
</html>
"""
NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def templates_folder(settings: Settings) -> Path:
    """Where branches' own templates are: ``templates/<branch id>/`` in the folder of the installation's data."""
    return settings.data_folder / "templates"


def blueprint(settings: Settings, database: Database, clock: Callable[[], datetime]) -> Blueprint:
    """GET /download/<token>, to be registered below /m."""
    pages = Blueprint("downloads", __name__)
    secret, folder = settings.secret_key.get_secret_value(), templates_folder(settings)

    @pages.get("/download/<token>")
    def document(token: str) -> Response:
        now = clock()
        try:
            wanted = download.read(secret, token, now=now)
            with database.read() as session:
                download.permit(session, wanted, now=now)
                make = gathered(session, wanted, now)
            own = request.args.get("template") != "shipped"
            file = make(Templates(wanted.branch_id, folder if own else None))
        except Refusal as refusal:
            return _refused(refusal)
        if request.method != "HEAD":
            with database.write() as session:
                member = download.permit(session, wanted, now=now)
                download.record(
                    session, wanted, "下载文件", member=member, now=now, channel="web", detail=file.name
                )
        return _attachment(file)

    return pages


def gathered(session: Session, wanted: Wanted, now: datetime) -> Callable[[Templates], File]:
    """The facts of the wanted document, read; what is returned makes the document of them without the database."""
    match wanted.kind:
        case DocumentKind.MINUTES:
            held = record.activity(session, wanted.subject)
            photos = minute_photo.pictures(session, wanted.subject)
            return lambda templates: documents.minutes_of(held, templates, pictures=photos, now=now)
        case DocumentKind.SHEET:
            signed = record.activity(session, wanted.subject)
            return lambda templates: documents.sheet_of(signed, templates, now=now)
        case DocumentKind.NOTICE:
            sent = record.notice(session, wanted.subject)
            return lambda templates: documents.notice_of(sent, templates, now=now)
        case DocumentKind.VOTE:
            closed = record.result(session, wanted.subject)
            return lambda templates: documents.vote_of(closed, templates, now=now)
        case DocumentKind.ELECTION:
            coming = record.election(session, wanted.branch_id, on=now.date())
            return lambda templates: documents.election_of(coming, templates, now=now)
        case DocumentKind.LEDGER:
            month = record.month(session, wanted.branch_id, *divmod(wanted.subject, 100), now=now)
            return lambda templates: documents.ledger_of(month, templates, now=now)
        case DocumentKind.AUDIT:
            viewer = session.get_one(Member, wanted.member_id)
            who = session.get_one(Member, wanted.subject).name if wanted.subject else ""
            acts = audit.whole(session, actor_of(session, viewer, on=now.date()), who)
            return lambda _: documents.audit_of(acts, who, now=now)
        case DocumentKind.BULLETIN:
            board = bulletin.facts(session, wanted.subject, now)
            return lambda templates: documents.bulletin_of(board, templates, now=now)
        case DocumentKind.POINT_TABLE:
            period = "{}Q{}".format(*divmod(wanted.subject, 10))
            rows = point_table.table(session, wanted.branch_id, period)
            owner = session.get_one(Organisation, wanted.branch_id).name
            return lambda _: documents.point_table_of(owner, period, rows, now=now)
        case DocumentKind.BULLETIN_SHEET:
            listed = bulletin.facts(session, wanted.subject, now)
            return lambda _: documents.bulletin_sheet_of(listed, now=now)
        case DocumentKind.HANDBOOK:
            year = record.year(session, wanted.branch_id, wanted.subject, now=now)
            return lambda templates: documents.handbook_of(year, templates, now=now)
        case DocumentKind.LEARNING:
            learnt = learning.report(session, wanted.branch_id, now)
            return lambda _: documents.learning_of(learnt, now=now)
        case DocumentKind.KEY_TASKS:
            tasks = key_task_ledger.of_year(session, wanted.branch_id, wanted.subject, today=now.date())
            return lambda _: documents.key_tasks_of(tasks, now=now)
        case DocumentKind.HAZARDS:
            found = hazard_table.table(session, wanted.branch_id, wanted.subject, now)
            return lambda _: documents.hazards_of(found, now=now)
        case DocumentKind.QUESTIONS | DocumentKind.GIFT:
            bank = question_file.bank_of(session, wanted.branch_id, own=wanted.subject == 1)
            branch = session.get_one(Organisation, wanted.branch_id).name
            ending = ".gift" if wanted.kind is DocumentKind.GIFT else ".xlsx"
            return lambda _: _questions(branch, bank, ending, now)


def _questions(branch: str, bank: list[Question], ending: str, now: datetime) -> File:
    name = name_of(branch, "题目", f"{now:%Y-%m-%d}", ending=ending.removeprefix("."))
    return File(name, question_file.written(bank, ending), XLSX if ending == ".xlsx" else "text/plain")


def _attachment(file: File) -> Response:
    """The file under its own name, which is not ASCII (RFC 6266)."""
    ending = file.name.rsplit(".", 1)[-1]
    disposition = f"attachment; filename=\"document.{ending}\"; filename*=UTF-8''{quote(file.name, safe='')}"
    return Response(
        file.body, mimetype=file.mimetype, headers={"Content-Disposition": disposition, **NO_STORE}
    )


def _refused(refusal: Refusal) -> Response:
    """A page with the sentence: 410 for an old link, 409 for a template that does not work, 403 for the rest."""
    status = {LinkExpired: 410, BrokenTemplate: 409, LinkForged: 403}.get(type(refusal), 403)
    page = render_template_string(
        PAGE, head="没有生成文件", text=str(refusal), again=isinstance(refusal, BrokenTemplate)
    )
    return Response(page, status, headers=NO_STORE)
