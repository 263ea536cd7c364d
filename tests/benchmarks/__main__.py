"""``python -m tests.benchmarks [part …]``: prints every figure with its ratio to the yardstick of the same run. The parts are the keys of ``PARTS``."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime

from tests.benchmarks import (
    cadence,
    demo,
    notice,
    points,
    question_import,
    quiz_growth,
    roster,
    rush,
    scale,
    search,
    webhook,
)

PARTS = {
    "webhook": webhook.run,
    "demo": demo.run,
    "rush": rush.run,
    "roster": roster.run,
    "import": question_import.run,
    "quiz": quiz_growth.run,
    "search": search.run,
    "points": points.run,
    "notice": notice.run,
    "cadence": cadence.run,
    "scale": scale.run,
}


def main() -> None:
    """Run the named parts, or all."""
    names = sys.argv[1:] or list(PARTS)
    if not set(names) <= PARTS.keys():
        sys.exit(f"usage: python -m tests.benchmarks [{'|'.join(PARTS)} …]")
    print(
        f"{datetime.now(UTC):%Y-%m-%d} {platform.python_implementation()} {platform.python_version()} {platform.machine()}"
    )
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
