"""PgBouncer in transaction mode between the product and PostgreSQL: more members at once than the server has sessions for them."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.config import Settings
from bot.dispatch import APOLOGY
from scheduler import delivery
from tests.conftest import SECRET, Stock, phones_of
from tests.faults.rig import free_port

SESSIONS = 2
NAMES = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁")


@pytest.fixture
def pooled(stock: Stock, tmp_path: Path, clock: Clock) -> Iterator[App]:
    """The product behind a PgBouncer that has two sessions of the server for it."""
    program = shutil.which("pgbouncer") or shutil.which("/usr/sbin/pgbouncer")
    if program is None:
        pytest.skip("PgBouncer is not installed")
    name = stock.take()
    server = make_url(stock.server)
    port = free_port()
    where = (
        f"host={server.query.get('host') or server.host} port={server.port or 5432} user={server.username}"
    )
    config, log = tmp_path / "pgbouncer.ini", tmp_path / "pgbouncer.log"
    config.write_text(
        f"[databases]\n{name} = {where} dbname={name}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"pool_mode = transaction\ndefault_pool_size = {SESSIONS}\nserver_reset_query_always = 0\n"
    )
    # It refuses to run as root; who runs the server may also enter the folder of its socket.
    other = ["-u", Path(str(server.query["host"])).owner()] if os.geteuid() == 0 else []
    command = [program, *other, str(config)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            _wait(process, port, log)
            url = server.set(database=name, host="127.0.0.1", port=port, query={})
            settings = {
                "database_url": url.render_as_string(hide_password=False),
                "database_pooled": True,
                "secret_key": SECRET,
            }
            app = composition.build(Settings.model_validate(settings), clock=clock)
            yield app
            app.database.dispose()
        finally:
            process.kill()
    stock.give_back(name)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        if process.poll() is not None:
            break
        time.sleep(0.02)
    pytest.fail(log.read_text())


def test_many_members_at_once_share_two_sessions_of_the_server(pooled: App) -> None:
    phones = phones_of(pooled)
    with ThreadPoolExecutor(len(NAMES)) as threads:
        answers = list(
            threads.map(lambda n: phones(NAMES[n % 8])(("积分", "菜单", "今日学习")[n % 3]), range(120))
        )
    assert APOLOGY.text not in answers
    assert all(answers)
    with pooled.database.read() as session:
        sessions = session.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        )
    assert sessions == SESSIONS


def test_a_notice_is_delivered_and_confirmed_behind_it(pooled: App, clock: Clock) -> None:
    secretary, member = (phones_of(pooled)(name) for name in ("王建国", "张伟"))
    secretary("通知 全体 明天停电检修，请提前保存资料 需回执")
    secretary("确认")
    for _ in range(8):
        delivery.deliver(pooled.node, clock())
    assert any("停电检修" in text for text in member.pushes())
    assert "已确认" in member("收到")
