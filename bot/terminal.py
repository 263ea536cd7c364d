"""The demo in a terminal: what is typed goes through the same encrypted webhook, what is pushed appears between the lines."""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path

import click

from bot import app as composition
from bot import demo as demonstration
from bot.demo import Demo
from bot.simulator.world import Bubble
from scheduler import runner


def chat(name: str) -> None:
    """Talk as one of the demo's people until 再见 or the end of input; KeyError when there is nobody of that name."""
    from waitress import create_server

    logging.getLogger().setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        demo, server = _start(Path(folder), create_server)
        demo.platform.world.person(name)
        handle = runner.start(demo.app.node)
        flask = demonstration.create_flask(demo, handle.wake)
        server.application = flask
        threading.Thread(target=server.run, daemon=True).start()
        click.echo(f"您是 {name}。试试：菜单、答题、主题党日。输入 再见 结束。")
        try:
            _talk(demo, name)
        finally:
            handle.stop()
            server.close()
            demo.app.database.dispose()


def _start(folder: Path, create_server):  # type: ignore[no-untyped-def]  # waitress has no types
    server = create_server(None, host="127.0.0.1", port=0, threads=8)
    demo = demonstration.build(folder, f"http://127.0.0.1:{server.effective_port}")
    composition.warm(demo.app)
    return demo, server


def _talk(demo: Demo, name: str) -> None:
    seen = 0
    while True:
        try:
            said = click.prompt("", prompt_suffix="> ", default="", show_default=False).strip()
        except (click.Abort, EOFError):
            return
        if said == "再见":
            return
        if said:
            demo.platform.say(name, said, "wecom")
        bubbles = [b for b in demo.platform.phone(name, "wecom") if b.rev > seen]
        seen = max([seen, *(b.rev for b in bubbles)])
        for bubble in bubbles:
            if bubble.side != "me":
                click.echo(_shown(bubble))


def _shown(bubble: Bubble) -> str:
    lines = [bubble.text, *(f"{a['title']} {a['url']}" for a in bubble.articles)]
    text = "\n".join(line for line in lines if line)
    return f"〔推送〕{text}" if bubble.pushed else text
