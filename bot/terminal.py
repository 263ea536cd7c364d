"""The demo in a terminal: what is typed goes through the same encrypted webhook, what is pushed appears between the lines."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import click

from bot.demo import Demo, running
from bot.simulator.world import Bubble


def chat(name: str) -> None:
    """Talk as one of the demo's people until 再见 or the end of input; KeyError when there is nobody of that name."""
    logging.getLogger().setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, running(Path(folder)) as demo:
        demo.platform.world.person(name)
        click.echo(f"您是 {name}。试试：菜单、答题、主题党日。输入 再见 结束。")
        _talk(demo, name)


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
