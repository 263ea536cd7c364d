"""The command line: exit status and the one line that says what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import ROSTER

KEY = "k" * 43
ENV = {
    "ZHIBU_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "ZHIBU_WECOM_CORP_ID": "ww1",
    "ZHIBU_WECOM_AGENT_ID": "7",
    "ZHIBU_WECOM_SECRET": "only-for-tests",
    "ZHIBU_WECOM_TOKEN": "token",
    "ZHIBU_WECOM_AES_KEY": KEY,
    "ZHIBU_WECOM_API_BASE": "http://127.0.0.1:9/cgi-bin",
}
COMMAND = [sys.executable, "-c", "from bot.cli import main; main()"]


def environment(**settings: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ZHIBU_")}
    return kept | {"PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONIOENCODING": "utf-8"} | settings


def zhibu(folder: Path, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def test_members_are_imported_from_any_folder_and_never_doubled(tmp_path: Path) -> None:
    first = zhibu(tmp_path, "members", "import", str(ROSTER), **ENV)
    *named, counted = first.stdout.strip().splitlines()
    assert (first.returncode, counted) == (0, "新增 12，更新 0，未变 0，未导入 0")
    assert named[0] == "新增：第 2 行 王建国"
    second = zhibu(tmp_path, "members", "import", str(ROSTER), **ENV)
    assert (second.returncode, second.stdout.strip()) == (0, "新增 0，更新 0，未变 12，未导入 0")
    assert sqlite3.connect(tmp_path / "var" / "zhibu.db").execute(
        "SELECT count(*) FROM member"
    ).fetchone() == (12,)


def test_bad_lines_are_listed_and_good_ones_kept(tmp_path: Path) -> None:
    bad = "\n".join([ROSTER.read_text(encoding="utf-8").rstrip(), "赵六,zhaoliu,D9,检修党支部,,,火星人,,,"])
    (tmp_path / "roster.csv").write_text(bad, encoding="utf-8")
    done = zhibu(tmp_path, "members", "import", "roster.csv", **ENV)
    assert done.returncode == 2
    assert "第 14 行未导入：身份" in done.stderr
    assert "新增 12" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "settings", "named"),
    [
        (("serve",), {"ZHIBU_SECRET_KEY": "change-me"}, "ZHIBU_SECRET_KEY"),
        (("serve",), {"ZHIBU_TYPO": "1"}, "ZHIBU_TYPO"),
        (("serve",), {"ZHIBU_WECOM_TOKEN": ""}, "ZHIBU_WECOM_TOKEN"),
        (("jobs",), {"ZHIBU_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "ZHIBU_DATABASE_URL"),
        (("serve",), {"ZHIBU_DATABASE_URL": "nonsense"}, "ZHIBU_DATABASE_URL"),
        (("members", "import", "nowhere.csv"), {}, "nowhere.csv"),
        (("chat", "--as", "无此人"), {}, "无此人"),
    ],
)
def test_bad_input_ends_with_status_2_and_one_line(
    arguments: tuple[str, ...], settings: dict[str, str], named: str, tmp_path: Path
) -> None:
    done = zhibu(tmp_path, *arguments, **(ENV | settings))
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("zhibu:")]
    assert len(lines) == 1
    assert named in lines[0]
    assert "Traceback" not in done.stderr


def test_points_are_verified(tmp_path: Path) -> None:
    done = zhibu(tmp_path, "points", "verify", **ENV)
    assert done.returncode == 0, done.stderr


def test_the_doctor_explains_what_is_wrong(tmp_path: Path) -> None:
    done = zhibu(tmp_path, "doctor", **ENV)
    assert done.returncode == 1
    assert "✓ 数据库可用" in done.stdout
    assert "✗ ZHIBU_BASE_URL" in done.stdout
    assert "✗ wecom 令牌：连不上平台接口" in done.stdout


def test_two_servers_on_one_file_both_answer_and_stop_gracefully(tmp_path: Path) -> None:
    ports = free_port(), free_port()
    servers = [
        subprocess.Popen(
            [*COMMAND, "serve", "--port", str(port)],
            cwd=tmp_path,
            env=environment(**ENV),
            stderr=subprocess.PIPE,
            text=True,
        )
        for port in ports
    ]
    try:
        assert [ready(port) for port in ports] == ["ready\n", "ready\n"]
        assert status(f"http://127.0.0.1:{ports[0]}/nowhere") == 404
        assert status(f"http://127.0.0.1:{ports[0]}/simulator/") == 404
        assert status(f"http://127.0.0.1:{ports[0]}/wechat/callback") == 404
        assert status(f"http://127.0.0.1:{ports[0]}/wecom/callback") in (400, 403)
    finally:
        for server in servers:
            server.terminate()
    for server in servers:
        _, errors = server.communicate(timeout=20)
        assert server.returncode == 0, errors
        assert "Traceback" not in errors


def test_the_terminal_talks_to_the_demo(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "chat", "--as", "张伟"],
        cwd=tmp_path,
        env=environment(),
        input="菜单\n积分\n再见\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "今日学习" in done.stdout
    assert "党员教育管理" in done.stdout


def ready(port: int) -> str:
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
                return str(answer.read().decode())
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    raise AssertionError("the server did not come up")


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_the_templates_are_copied_for_the_branch_and_never_over_its_own(tmp_path: Path) -> None:
    zhibu(tmp_path, "members", "import", str(ROSTER), **ENV)
    first = zhibu(tmp_path, "documents", "templates", **ENV)
    assert first.returncode == 0, first.stderr
    folder = Path(first.stdout.splitlines()[-1].split("：")[0])
    assert folder.is_relative_to(tmp_path / "var" / "templates")
    (folder / "sheet.docx").write_bytes(b"mine")
    (folder / "vote.docx").unlink()
    assert "sheet.docx 签到表（已有，未改）" in zhibu(tmp_path, "documents", "templates", **ENV).stdout
    assert (folder / "sheet.docx").read_bytes() == b"mine"
    assert (folder / "vote.docx").is_file()
    wrong = zhibu(tmp_path, "documents", "templates", "--branch", "没有的支部", **ENV)
    assert (wrong.returncode, "no such branch" in wrong.stderr) == (2, True)
