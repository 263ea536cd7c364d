"""``python -m tests.documents.render FOLDER``: every document as a picture of each page, to be looked at. Needs LibreOffice and poppler."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bot import documents
from bot.documents import File, Templates
from tests.documents.samples import (
    BULLETIN,
    DECEMBER,
    ELECTION,
    HELD_ELSEWHERE,
    INVITATION,
    MEETING,
    NAMED_VOTE,
    NOTICE,
    NOW,
    PEOPLE,
    SECRET_VOTE,
    THEME_DAY,
    YEAR,
    line,
)

MISSING = None if shutil.which("soffice") and shutil.which("pdftoppm") else "needs LibreOffice and poppler"
"""Why nothing can be rendered here; None where it can."""
SHIPPED = Templates(1)
LONG = "学习贯彻安全生产工作部署，结合迎峰度冬保供电开展隐患排查，讨论班组作业中依法合规的要求。"

MANY = replace(
    THEME_DAY,
    theme="学习宪法精神，推动依法治企，保障迎峰度冬期间电网安全稳定运行和可靠供电",
    people=tuple(
        replace(one, name=f"{one.name}{n}" if n else one.name, note=one.note and f"{one.note}，{LONG[:20]}")
        for n in range(6)
        for one in PEOPLE
    ),
    lines=tuple(line(n, LONG, one.name) for n, one in enumerate(PEOPLE * 3, 1)),
)
FULL_MONTH = replace(DECEMBER, activities=(*DECEMBER.activities, MANY) * 9)
CROWD = tuple(f"成员{n:02}" for n in range(50))
CROWDED_VOTE = replace(
    NAMED_VOTE,
    vote=replace(NAMED_VOTE.vote, question="通过" + LONG * 2, entitled=60, present=58, counts=(50, 1, 0)),
    ballots={"赞成": CROWD, "反对": ("阿不力孜",), "弃权": ()},
)
BIG_YEAR = replace(
    YEAR,
    members=tuple(replace(one, name=f"{one.name}{n}") for n in range(6) for one in YEAR.members),
    months=tuple(replace(FULL_MONTH, month=one.month) for one in YEAR.months),
)

FILES: dict[str, Callable[[], File]] = {
    "minutes": lambda: documents.minutes_of(THEME_DAY, SHIPPED, now=NOW),
    "minutes-blank": lambda: documents.minutes_of(HELD_ELSEWHERE, SHIPPED, now=NOW),
    "minutes-voted": lambda: documents.minutes_of(MEETING, SHIPPED, now=NOW),
    "minutes-long": lambda: documents.minutes_of(MANY, SHIPPED, now=NOW),
    "sheet": lambda: documents.sheet_of(THEME_DAY, SHIPPED, now=NOW),
    "sheet-long": lambda: documents.sheet_of(MANY, SHIPPED, now=NOW),
    "notice": lambda: documents.notice_of(NOTICE, SHIPPED, now=NOW),
    "notice-invitation": lambda: documents.notice_of(INVITATION, SHIPPED, now=NOW),
    "vote": lambda: documents.vote_of(NAMED_VOTE, SHIPPED, now=NOW),
    "vote-secret": lambda: documents.vote_of(SECRET_VOTE, SHIPPED, now=NOW),
    "vote-long": lambda: documents.vote_of(CROWDED_VOTE, SHIPPED, now=NOW),
    "election": lambda: documents.election_of(ELECTION, SHIPPED, now=NOW),
    "bulletin": lambda: documents.bulletin_of(BULLETIN, SHIPPED, now=NOW),
    "bulletin-sheet": lambda: documents.bulletin_sheet_of(BULLETIN, now=NOW),
    "ledger": lambda: documents.ledger_of(DECEMBER, SHIPPED, now=NOW),
    "ledger-long": lambda: documents.ledger_of(FULL_MONTH, SHIPPED, now=NOW),
    "handbook": lambda: documents.handbook_of(YEAR, SHIPPED, now=NOW),
    "handbook-long": lambda: documents.handbook_of(BIG_YEAR, SHIPPED, now=NOW),
}
"""Each document as it usually is, and with as much in it as there may be."""


def render(folder: Path) -> dict[str, Path]:
    """Write the documents into the folder and let LibreOffice make a PDF of each; by name."""
    for name, make in FILES.items():
        file = make()
        (folder / f"{name}.{file.name.rsplit('.')[-1]}").write_bytes(file.body)
    paths = [str(path) for path in folder.iterdir() if path.suffix in (".docx", ".xlsx")]
    with tempfile.TemporaryDirectory() as profile:
        command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", "pdf"]
        subprocess.run(
            [*command, "--outdir", str(folder), *paths], check=True, capture_output=True, timeout=300
        )
    return {name: folder / f"{name}.pdf" for name in FILES}


def pages(pdf: Path) -> list[str]:
    """The words of each page without the blanks that the layout puts between letters."""
    done = subprocess.run(
        ["pdftotext", "-layout", str(pdf), "-"], check=True, capture_output=True, timeout=60
    )
    return ["".join(page.split()) for page in done.stdout.decode().split("\f")[:-1]]


def fonts(pdf: Path) -> set[str]:
    """The names of the fonts that a PDF is set in."""
    done = subprocess.run(["pdffonts", str(pdf)], check=True, capture_output=True, timeout=60)
    return {row.split()[0].split("+")[-1] for row in done.stdout.decode().splitlines()[2:]}


def picture(pdf: Path) -> None:
    """A PNG of each page beside the PDF."""
    subprocess.run(
        ["pdftoppm", "-r", "60", "-png", str(pdf), str(pdf.with_suffix(""))], check=True, timeout=120
    )


def main() -> None:
    """Render all into the folder named on the command line."""
    if MISSING:
        sys.exit(MISSING)
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, pdf in render(folder).items():
        picture(pdf)
        print(name, len(pages(pdf)), "pages", sorted(fonts(pdf)))


if __name__ == "__main__":
    main()
