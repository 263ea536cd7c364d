"""``python -m tests.faults kill|time|platform|fuzz [more]``: the long versions, with their figures."""

from __future__ import annotations

import importlib
import sys

PARTS = {"kill": "kill", "time": "days", "platform": "trouble", "fuzz": "fuzz"}


def main() -> None:
    """Run one part; exit status 0 means that all held."""
    if len(sys.argv) < 2 or sys.argv[1] not in PARTS:
        sys.exit(f"usage: python -m tests.faults {'|'.join(PARTS)}")
    importlib.import_module(f"tests.faults.{PARTS[sys.argv[1]]}").main(sys.argv[2:])


if __name__ == "__main__":
    main()
