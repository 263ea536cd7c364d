"""One server under test: the echo and the peer on waitress, the product on its own loop: ``python -m tests.benchmarks.serve echo|zhibu|peer SETTINGS PORT``."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from flask import Flask
from waitress import serve

from bot import app as composition
from bot.answering import Loop
from bot.config import Settings
from bot.web.webhook import PATHS
from tests.benchmarks import echo

THREADS = 32
"""One for each connection of the load."""


def main() -> None:
    """Serve until killed."""
    kind, file, port = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    values = json.loads(file.read_text())
    made = {"echo": _echo, "zhibu": _zhibu, "peer": _peer}[kind](values)
    if kind == "zhibu":
        Loop(made, PATHS, threading.Event(), host="127.0.0.1", port=port).run()
    # WeRoBot's session storage is one connection, which breaks when threads share it.
    serve(made, host="127.0.0.1", port=port, threads=1 if kind == "peer" else THREADS)


def _echo(values: dict[str, str]) -> Flask:
    return echo.create(values["wecom_token"], values["wecom_aes_key"], values["wecom_corp_id"])


def _peer(values: dict[str, str]) -> Any:
    from tests.benchmarks import peer

    return peer.create(values["oa_token"], values["oa_aes_key"], values["oa_app_id"], values["sessions"])


def _zhibu(values: dict[str, str]) -> Flask:
    app = composition.build(Settings.model_validate(values))
    composition.warm(app)
    return composition.create_flask(app)


if __name__ == "__main__":
    main()
