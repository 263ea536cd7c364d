"""For developers: ``python -m bot.migrations.make "what changes"`` writes the next migration from the models."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from bot.db import Database
from bot.migrations import FOLDER, head, upgrade


def make(message: str) -> None:
    """Compare an up-to-date empty database with the models and write what is missing as the next numbered revision."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'empty.db'}")
        versions = list((FOLDER / "versions").glob("[0-9]*.py"))
        if versions:
            upgrade(database)
        config = Config()
        config.set_main_option("script_location", str(FOLDER))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        with database.engine.begin() as connection:
            config.attributes["connection"] = connection
            number = int(head()) + 1 if versions else 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04}")
        database.dispose()


if __name__ == "__main__":
    make(sys.argv[1])
