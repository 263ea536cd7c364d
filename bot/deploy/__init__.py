"""Templates for running it as a service: systemd units, a compose file with PostgreSQL, nginx."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent
FILES = {
    "systemd": "zhibu.service",
    "systemd-web": "zhibu-web@.service",
    "systemd-jobs": "zhibu-jobs.service",
    "compose": "compose.yaml",
    "nginx": "nginx.conf",
}
LOCAL = "server 127.0.0.1:8000;"
IN_COMPOSE = "server web1:8000;\n    server web2:8000;"


def render(kind: str) -> str:
    """The file of this kind; KeyError for an unknown one. The compose file carries nginx's own configuration with it."""
    text = _read(kind)
    if kind != "compose":
        return text
    nginx = _read("nginx").replace(LOCAL, IN_COMPOSE).replace("$", "$$")  # a dollar alone is compose's own
    return text.replace(
        "      NGINX\n", "".join(f"      {line}".rstrip() + "\n" for line in nginx.splitlines())
    )


def _read(kind: str) -> str:
    return (FOLDER / FILES[kind]).read_text(encoding="utf-8")
