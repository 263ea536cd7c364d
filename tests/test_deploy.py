"""The files for operators are in the package, print as they are, and nginx itself takes its own."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from werkzeug.serving import make_server

from bot import app as composition
from bot.cli_operations import deploy
from bot.deploy import FILES, FOLDER, render
from tests.stage import Stage

HOST = "bot.example.com"


@pytest.mark.parametrize("kind", FILES)
def test_every_kind_is_printed_with_the_place_where_it_goes(kind: str) -> None:
    done = CliRunner().invoke(deploy, ["print", kind])
    assert done.exit_code == 0
    assert done.output == render(kind)
    assert done.output.startswith("# ")


def test_every_file_that_is_shipped_is_printed_by_some_kind() -> None:
    shipped = {one.name for one in FOLDER.iterdir() if one.suffix in (".service", ".conf", ".yaml")}
    assert shipped == set(FILES.values())


def test_the_compose_file_carries_nginx_for_its_own_two_processes() -> None:
    text = render("compose")
    assert "server web1:8000;" in text
    assert "server web2:8000;" in text
    assert "127.0.0.1:8000;" not in text
    assert "proxy_set_header Host $$host;" in text
    assert "NGINX\n" not in text
    inside = text[text.index("content: |") : text.index("\nvolumes:")]
    assert all(not line or line.startswith("      ") for line in inside.splitlines()[1:])


@pytest.mark.parametrize("kind", ["systemd", "systemd-web", "systemd-jobs"])
def test_systemd_takes_the_units(kind: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / FILES[kind].replace("@", "@8000")
    unit.write_text(render(kind).replace("/opt/zhibu/bin/zhibu", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [
        line for line in done.stderr.splitlines() if FILES[kind].partition("@")[0].partition(".")[0] in line
    ]
    assert complaints == []


# nginx ------------------------------------------------------------------------------------------------------------------


@pytest.fixture
def nginx(tmp_path: Path) -> Path:
    """A folder with a configuration of nginx's own around ours, with a certificate and free ports."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    _certificate(tmp_path)
    return tmp_path


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as knock:
        return knock.connect_ex(("127.0.0.1", port)) == 0


def _certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*plain))


def _configure(folder: Path, port: int, *servers: int) -> Path:
    upstream = "\n    ".join(f"server 127.0.0.1:{one};" for one in servers)
    ours = (
        render("nginx")
        .replace("server 127.0.0.1:8000;", upstream)
        .replace("/etc/ssl/zhibu", str(folder))
        .replace("/var/log/nginx", str(folder))
        .replace("listen 80;", f"listen 127.0.0.1:{_free()};")
        .replace("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;")
    )
    (folder / "zhibu.conf").write_text(ours)
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    whole = folder / "nginx.conf"
    whole.write_text(
        f"pid {folder}/pid; error_log {folder}/error.log; daemon off; events {{}}\nhttp {{ {places} include {folder}/zhibu.conf; }}\n"
    )
    return whole


@contextlib.contextmanager
def _running(folder: Path, *servers: int) -> Iterator[str]:
    port = _free()
    command = ["nginx", "-e", f"{folder}/error.log", "-c", str(_configure(folder, port, *servers))]
    process = subprocess.Popen(command)
    try:
        while not _listens(port):
            assert process.poll() is None, (folder / "error.log").read_text()
            time.sleep(0.02)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def _serving(stage: Stage) -> Iterator[int]:
    server = make_server("127.0.0.1", 0, composition.create_flask(stage.bot), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_nginx_takes_the_configuration(nginx: Path) -> None:
    whole = _configure(nginx, _free(), 8000, 8001)
    done = subprocess.run(
        ["nginx", "-e", f"{nginx}/error.log", "-t", "-c", str(whole)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_a_message_passes_through_nginx_even_when_one_of_two_processes_is_gone(
    nginx: Path, stage: Stage
) -> None:
    trusted = str(nginx / "fullchain.pem")
    with _serving(stage) as port, _running(nginx, _free(), port) as base:
        for _ in range(4):
            path, query, body = stage.platform.envelope("张伟", "我的")
            answer = requests.post(
                base + path, params=query, data=body, timeout=20, verify=trusted, headers={"Host": HOST}
            )
            assert answer.status_code == 200
            read = stage.platform.wecom.read_answer(answer.content)
            assert read is not None
            assert "张伟" in read["Content"]


def test_what_is_for_operators_stays_inside(nginx: Path, stage: Stage) -> None:
    trusted = str(nginx / "fullchain.pem")
    with _serving(stage) as port, _running(nginx, port) as base:

        def status(path: str) -> int:
            return requests.get(base + path, timeout=20, verify=trusted, headers={"Host": HOST}).status_code

        assert [status(path) for path in ("/metrics", "/readyz", "/console/", "/simulator/")] == [404] * 4
        assert status("/healthz") == 200
        assert status("/m/screen/1?k=secret-right") == 403
    assert "secret-right" not in (nginx / "zhibu.log").read_text()
