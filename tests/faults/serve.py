"""One process of the product under test: ``python -m tests.faults.serve FILE web|jobs|all PORT``; FILE holds settings and the clock's offset."""

from __future__ import annotations

import json
import logging
import sys
from datetime import timedelta
from pathlib import Path

from bot import app as composition
from bot import logs, server
from bot.clock import Clock
from bot.config import Settings


def main() -> None:
    """Serve until killed."""
    file, what, port = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    values = json.loads(file.read_text())
    logs.configure(logging.INFO)
    settings = Settings.model_validate(values["settings"])
    clock = Clock(settings.zone)
    clock.sleep(timedelta(seconds=values["offset"]))
    app = composition.build(settings, clock=clock)
    if what == "jobs":
        server.run_jobs(app)
    else:
        server.serve(app, "127.0.0.1", port, jobs=what == "all")


if __name__ == "__main__":
    main()
