"""The demo: the whole product beside a stand-in for the platform, on an embedded database, with a clock that can be moved."""

from __future__ import annotations

import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.config import Settings
from bot.models.activity import Activity, ActivityState
from bot.models.member import Member
from bot.services import identity, roster
from bot.simulator import wire
from bot.simulator.cast import PHONES
from bot.simulator.page import Controls, blueprint
from bot.simulator.platform import Platform
from bot.simulator.world import Person
from content import ROOT, menu
from scheduler import runner
from scheduler.delivery import deliver

if TYPE_CHECKING:
    from flask import Flask

ROSTER = ROOT / "demo" / "roster.csv"
MOST_BYTES = 16 * 1024 * 1024
"""Of one request: pictures come through the page."""
STEP = timedelta(minutes=15)
"""A jump runs what is due every quarter of an hour on its way, so that the evening's reminder comes before the morning's study."""


@dataclass(slots=True)
class Demo:
    """The product and its platform."""

    app: App
    platform: Platform
    clock: Clock
    controls: Controls


def build(folder: Path, base_url: str, *, start: datetime | None = None) -> Demo:
    """Everything together on a fresh database in ``folder``; nothing is started."""
    file = folder / "demo.db"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("demo.db*"):
        old.unlink()
    clock = Clock(Settings().zone, start=start)
    platform = Platform(people(), wire.over_http(base_url), clock, base_url=base_url)
    settings = Settings.model_validate(
        {
            "database_url": f"sqlite:///{file}",
            "secret_key": secrets.token_hex(32),
            "base_url": base_url,
            "wecom_api_base": base_url + wire.API_PATHS["wecom"],
            "oa_api_base": base_url + wire.API_PATHS["oa"],
            **platform.settings(),
        }
    )
    app = composition.build(settings, clock=clock)
    composition.prepare(app)
    fill(app)
    return Demo(app, platform, clock, Controls(clock, _jumper(app, clock), lambda: next_theme_day(app)))


def people() -> list[Person]:
    """The four whose phones are shown, and the rest of the demo branch, whom the platform knows."""
    rows = [row for _, row in roster.read(ROSTER)]
    shown = {person.name for person in PHONES}
    return [*PHONES, *(Person(r["姓名"], r["账号"], shown=False) for r in rows if r["姓名"] not in shown)]


def fill(app: App) -> None:
    """The demo branch of twelve; three of the four people on screen are also bound on the Official Account, 李明 is not."""
    with app.database.write() as session:
        rows = roster.read(ROSTER)
        secret = app.settings.secret_key.get_secret_value()
        roster.import_rows(session, rows, secret=secret, now=app.clock())
        for member in session.scalars(select(Member).where(Member.name != "李明")):
            _, bound = identity.open_identity(session, "oa", f"oa-{member.account}")
            bound.member_id = member.id


def next_theme_day(app: App) -> datetime | None:
    """The start of the next activity."""
    with app.database.read() as session:
        return session.scalar(
            select(Activity.starts_at)
            .where(Activity.state == ActivityState.PUBLISHED, Activity.starts_at > app.clock())
            .order_by(Activity.starts_at)
            .limit(1)
        )


def _jumper(app: App, clock: Clock) -> Callable[[datetime], None]:
    moving = threading.Lock()

    def jump(to: datetime) -> None:
        with moving:
            while clock() < to:
                clock.jump(min(to, clock() + STEP))
                runner.run_due(app.node, clock())
                deliver(app.node, clock())

    return jump


def create_flask(demo: Demo, wake: Callable[[], None]) -> Flask:
    """The product's own pages and the phones."""
    flask = composition.create_flask(demo.app, wake=wake)
    flask.register_blueprint(blueprint(demo.platform, demo.controls))
    flask.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    return flask


@contextmanager
def running(folder: Path, *, port: int = 0, start: datetime | None = None) -> Iterator[Demo]:
    """The demo answering on loopback in a thread of its own; port 0 takes a free one. OSError when the port is taken."""
    from bot.answering import Loop
    from bot.web.webhook import PATHS

    listener = socket.create_server(("127.0.0.1", port))
    demo = build(folder, f"http://127.0.0.1:{listener.getsockname()[1]}", start=start)
    composition.warm(demo.app)
    jobs = runner.start(demo.app.node)
    flask = create_flask(demo, jobs.wake)
    stopping = threading.Event()
    loop = Loop(flask, PATHS, stopping, sockets=[listener], max_request_body_size=MOST_BYTES)
    thread = threading.Thread(target=loop.run, name="web", daemon=True)
    thread.start()
    try:
        for channel in demo.app.channels.values():
            channel.publish_menu(list(menu.load().platform))
        yield demo
    finally:
        jobs.stop()
        stopping.set()
        thread.join()
        demo.app.database.dispose()


def serve(port: int, say: Callable[[str], Any], *, folder: Path = Path("var")) -> None:
    """Run the demo on loopback until it is interrupted."""
    with running(folder, port=port) as demo:
        say(
            f"支部通演示已就绪，请用浏览器打开： {demo.app.settings.base_url}/simulator/   （按 Ctrl+C 结束）"
        )
        stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        with suppress(KeyboardInterrupt):
            stop.wait()
