"""What members read and answer, as plain files people can edit: questions, materials, regulations, point rules, holidays.

Every loader returns frozen dataclasses that check themselves; a mistake in a file is a :class:`ContentError` naming the file and the item.
This package imports nothing of ours, so that it can be checked and edited without the product.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent


class ContentError(ValueError):
    """A content file is wrong: says which file, which item and what to mend."""

    def __init__(self, where: str, what: str) -> None:
        super().__init__(f"{where}: {what}")


def read_toml(path: Path) -> dict[str, Any]:
    """The parsed file; :class:`ContentError` with line and column when it is not TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ContentError(path.name, str(error)) from error


def read_folder(folder: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every ``*.toml`` of ``content/<folder>`` in order of name, parsed."""
    for path in sorted((ROOT / folder).glob("*.toml")):
        yield path, read_toml(path)
