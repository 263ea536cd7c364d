"""The entry for gunicorn, granian and other servers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = "from werkzeug.test import Client; from bot.wsgi import application; print(Client(application).get('/readyz').status)"


def _ask(folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ZHIBU_")}
    root = str(Path(__file__).parents[1])
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env={**environment, **settings, "PYTHONPATH": root},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_application_of_other_servers_is_ready(tmp_path: Path) -> None:
    done = _ask(tmp_path, ZHIBU_SECRET_KEY="sixteen letters and more")
    assert done.stdout == "200 OK\n", done.stderr


def test_it_does_not_start_with_a_default_secret(tmp_path: Path) -> None:
    done = _ask(tmp_path)
    assert done.returncode
    assert "ZHIBU_SECRET_KEY" in done.stderr


@pytest.mark.parametrize("server", ["gunicorn", "granian"])
def test_the_extra_servers_are_documented(server: str) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    assert f"`{server} " in readme
