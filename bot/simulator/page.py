"""The page with the phones, and the platform's API, as one Flask blueprint that only this machine may use."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import logging
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, jsonify, render_template, request
from werkzeug.exceptions import HTTPException

from bot.simulator import endpoint
from bot.simulator.cast import hints
from bot.simulator.delivery import Slow
from bot.simulator.platform import Platform, button_keys
from bot.simulator.world import Person, shown

log = logging.getLogger(__name__)

MORNING, EVE = time(8, 5), time(17, 0)
MAX_TEXT, MAX_PICTURE, MAX_BODY = 4000, 4 * 1024 * 1024, 12 * 1024 * 1024
PICTURES = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF8": "image/gif",
    b"RIFF": "image/webp",
}
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True, slots=True)
class Controls:
    """What the control bar may do to the product around the platform.

    ``now`` is the injected clock (aware, in the branch's zone); ``jump`` moves it forward to a time and runs what is due until then; ``theme_day``
    is the start of the next activity, None when there is none.
    """

    now: Callable[[], datetime]
    jump: Callable[[datetime], None]
    theme_day: Callable[[], datetime | None]


Later = Callable[[Callable[[], object]], object]
"""How to run something without waiting for it."""


def blueprint(platform: Platform, controls: Controls, later: Later | None = None) -> Blueprint:
    """The page under ``/simulator/``, the API under ``/simulator/api/cgi-bin/`` (WeCom) and ``/simulator/oa-api/cgi-bin/``.

    ``later`` runs what takes time; threads of our own when None.
    """
    pages = Blueprint(
        "simulator", __name__, url_prefix="/simulator", static_folder="static", template_folder="templates"
    )
    desk = Desk(platform, controls, later or ThreadPoolExecutor(8, thread_name_prefix="simulator").submit)
    pages.before_request(only_this_machine)
    pages.after_request(_protect)
    pages.register_error_handler(HTTPException, _say_error)
    pages.add_url_rule("/", "page", desk.page)
    pages.add_url_rule("/state", "state", desk.state)
    pages.add_url_rule("/media/<media_id>", "media", desk.media)
    for name in ("say", "press", "menu", "image", "control"):
        pages.add_url_rule(f"/{name}", name, getattr(desk, name), methods=["POST"])
    endpoint.mount(pages, platform)
    return pages


def only_this_machine() -> None:
    """403 for a caller elsewhere, or a page elsewhere that reaches us under a name of its own."""
    if not (_loopback(request.remote_addr or "") and _loopback(urlsplit(f"//{request.host}").hostname or "")):
        abort(403)
    request.max_content_length = MAX_BODY


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _protect(response: Response) -> Response:
    response.headers.update(
        {
            "Content-Security-Policy": POLICY,
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cache-Control": "no-store",
        }
    )
    return response


def _say_error(error: HTTPException) -> tuple[Response, int]:
    return jsonify(error=error.description), error.code or 500


class Desk:
    """The views, and what runs behind them: a message takes as long as the bot takes, so it travels in a thread of its own."""

    def __init__(self, platform: Platform, controls: Controls, later: Later) -> None:
        self.platform, self.controls = platform, controls
        self.run = secrets.token_hex(4)
        self.busy = ""
        self.trouble = ""
        self.later = later

    # what the page shows

    def page(self) -> str:
        """The page itself; everything on it comes from :meth:`state`."""
        return render_template("simulator/phones.html")

    def state(self) -> Response:
        """What changed after ``since``; ``run`` differs when the platform was started anew."""
        now = self.controls.now()
        rev, bubbles = self.platform.world.phones.since(request.args.get("since", 0, type=int))
        people = [self._person(person, now) for person in shown(self.platform.world.people)]
        known = {person["userid"] for person in people}
        return jsonify(
            run=self.run,
            rev=rev,
            now=now.isoformat(),
            busy=self.busy,
            trouble=self.trouble,
            mode=self.platform.mode,
            slow=self.platform.delivery.slow is not None,
            people=people,
            menu=self.platform.account().menu,
            jumps={name: at and at.isoformat() for name, at in self._jumps(now).items()},
            bubbles=[self._bubble(one, now) for one in bubbles if one["userid"] in known],
        )

    def media(self, media_id: str) -> Response:
        """A stored picture; anything else is a download."""
        found = self.platform.world.media(media_id)
        if found is None:
            abort(404, "没有这个文件")
        mimetype = picture_type(found.content)
        response = Response(found.content, mimetype=mimetype or "application/octet-stream")
        if not mimetype:
            response.headers["Content-Disposition"] = "attachment"
        return response

    def _person(self, person: Person, now: datetime) -> dict[str, Any]:
        left, count = self.platform.oa.window(person)
        seconds = int(left.total_seconds())
        window = (
            f"48 小时窗口剩 {seconds // 3600} 小时 {seconds % 3600 // 60} 分 · {count} 条"
            if seconds > 0
            else "48 小时窗口未开"
        )
        return {**asdict(person), "hints": list(hints(person, now)), "window": window}

    def _bubble(self, bubble: dict[str, Any], now: datetime) -> dict[str, Any]:
        card = bubble["card"]
        return {
            **bubble,
            "at": bubble["at"].astimezone(now.tzinfo).isoformat(),
            "keys": sorted(button_keys(card)) if card else [],
        }

    def _jumps(self, now: datetime) -> dict[str, datetime | None]:
        theme_day = self.controls.theme_day()
        tomorrow = datetime.combine(now + timedelta(days=1), MORNING, now.tzinfo)
        eve = None
        if theme_day:
            # The day before is that of the branch's zone, in whatever zone the time is given.
            eve = datetime.combine(theme_day.astimezone(now.tzinfo) - timedelta(days=1), EVE, now.tzinfo)
        return {
            "hour": now + timedelta(hours=1),
            "morning": tomorrow,
            "eve": eve if eve and eve > now else None,
        }

    # what people do on it

    def say(self) -> tuple[Response, int]:
        """``{"who", "text"}``"""
        order = _order()
        person, text = self._who(order), str(order.get("text", "")).strip()
        if not 0 < len(text) <= MAX_TEXT:
            abort(400, f"请写 1 到 {MAX_TEXT} 个字")
        return self._later(lambda: self.platform.say(person, text))

    def press(self) -> tuple[Response, int]:
        """``{"who", "bubble", "key", "chosen": [option ids]}``"""
        order = _order()
        person, chosen = self._who(order), order.get("chosen") or []
        if not isinstance(order.get("bubble"), int) or not isinstance(chosen, list):
            abort(400, "没有这张卡片")
        number, key, ids = order["bubble"], str(order.get("key")), [str(one) for one in chosen]
        return self._later(lambda: self.platform.press(person, number, key, ids))

    def menu(self) -> tuple[Response, int]:
        """``{"who", "key", "scanned"?}``; with ``scanned`` the button scans a code."""
        order = _order()
        person, key, scanned = self._who(order), str(order.get("key", "")), str(order.get("scanned", ""))
        if not key:
            abort(400, "菜单没有这一项")
        if scanned:
            return self._later(lambda: self.platform.scan(person, scanned, key))
        return self._later(lambda: self.platform.click(person, key))

    def image(self) -> tuple[Response, int]:
        """``{"who", "data"}``: a PNG, JPEG, GIF or WebP in base64."""
        order = _order()
        person = self._who(order)
        try:
            content = base64.b64decode(str(order.get("data", "")), validate=True)
        except (ValueError, binascii.Error):
            content = b""
        mimetype = picture_type(content)
        if not mimetype or len(content) > MAX_PICTURE:
            abort(400, "请选 4 MB 以内的 PNG、JPEG、GIF 或 WebP 图片")
        return self._later(lambda: self.platform.send_image(person, content, mimetype))

    def control(self) -> tuple[Response, int]:
        """``{"do": "hour" | "morning" | "eve"}`` jumps; ``{"do": "slow" | "oa", "on"}`` switches."""
        order = _order()
        what, on = order.get("do"), bool(order.get("on"))
        if what == "slow":
            self.platform.delivery.slow = Slow() if on else None
        elif what == "oa":
            self.platform.mode = "oa" if on else "wecom"
        elif what in ("hour", "morning", "eve"):
            return self._jump(self._jumps(self.controls.now())[what])
        else:
            abort(400, "没有这个按钮")
        return jsonify(ok=True), 200

    def _jump(self, to: datetime | None) -> tuple[Response, int]:
        if to is None:
            abort(409, "还没有将要举行的活动，先在王建国的手机里发布一个")
        with self.platform.world.lock:
            if self.busy:
                abort(409, "正在快进，请稍候")
            self.busy = f"正在快进到 {to.month}月{to.day}日 {to:%H:%M}，到点的提醒正在发出…"
        return self._later(lambda: self._run_jump(to))

    def _run_jump(self, to: datetime) -> None:
        try:
            self.controls.jump(to)
        finally:
            self.busy = ""

    def _who(self, order: dict[str, Any]) -> Person:
        try:
            return self.platform.world.person(str(order.get("who")))
        except KeyError:
            abort(400, "没有这个人")

    def _later(self, work: Callable[[], object]) -> tuple[Response, int]:
        self.later(lambda: self._guarded(work))
        return jsonify(ok=True), 202

    def _guarded(self, work: Callable[[], object]) -> None:
        """The last line of a thread: what goes wrong is logged and told on the page instead of being lost with the thread."""
        try:
            work()
            self.trouble = ""
        except Exception:
            log.exception("the simulator could not finish")
            self.trouble = "刚才的操作没有完成，原因写在程序的日志里。"


def picture_type(content: bytes) -> str:
    """The media type by the first bytes; "" when it is no picture that a browser shows safely."""
    return next((kind for start, kind in PICTURES.items() if content.startswith(start)), "")


def _order() -> dict[str, Any]:
    """The JSON of a POST. Only this content type is read: other sites cannot send it without being asked first."""
    if request.mimetype != "application/json":
        abort(415, "只接受 application/json")
    order = request.get_json(silent=True)
    if not isinstance(order, dict):
        abort(400, "不是 JSON 对象")
    return order
