"""One token for all threads and processes, on both databases, against a real HTTP server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from bot.channels import tokens
from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom
from bot.chat import Sent
from bot.config import Settings
from bot.db import Database
from bot.models.job import PlatformToken
from tests.channels.conftest import AGENT, APP, CORP, NOW
from tests.channels.fake_api import HELLO, SENT, FakeApi, failure, first, refusing


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.dispose()


@pytest.fixture
def other_process(online: Settings, database: Database, api: FakeApi) -> Iterator[WeCom]:
    """The same application in another process: it shares nothing but the database."""
    own = Database(database.url)
    yield WeCom(online, own)
    own.dispose()


def test_a_token_is_fetched_once_and_kept(work: WeCom, api: FakeApi, database: Database) -> None:
    work.send(["a"], HELLO, NOW)
    work.send(["b"], HELLO, NOW + timedelta(minutes=118))
    assert api.paths() == ["gettoken", "message/send", "message/send"]
    assert api.calls[0][1] == {"corpid": CORP, "corpsecret": "a-secret-of-wecom"}
    with database.read() as session:
        row = session.get_one(PlatformToken, f"wecom:{CORP}:{AGENT}")
    assert (row.token, row.expires_at, row.leased_until) == ("token-1", NOW + timedelta(hours=2), None)


def test_a_token_near_its_end_is_fetched_anew(work: WeCom, api: FakeApi) -> None:
    work.send(["a"], HELLO, NOW)
    work.send(["a"], HELLO, NOW + timedelta(minutes=119))
    assert api.tokens_used("message/send") == ["token-1", "token-2"]


@pytest.mark.parametrize(("minutes", "fetched"), [(99, 1), (101, 2)])
def test_the_job_renews_a_token_in_its_last_twenty_minutes(
    work: WeCom, api: FakeApi, minutes: int, fetched: int
) -> None:
    work.refresh_token(NOW)
    work.refresh_token(NOW + timedelta(minutes=minutes))
    assert api.tokens == fetched


def test_eight_threads_and_two_processes_fetch_one_token(
    work: WeCom, other_process: WeCom, api: FakeApi
) -> None:
    together = threading.Barrier(8)

    def send(channel: WeCom) -> Sent:
        together.wait()
        return channel.send(["a"], HELLO, NOW)

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(send, [work, other_process] * 4))
    assert results == [Sent("m1")] * 8
    assert api.tokens == 1
    assert api.tokens_used("message/send") == ["token-1"] * 8


def test_another_process_waits_for_the_one_that_fetches(
    work: WeCom, other_process: WeCom, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def slow_token(query: dict[str, str], data: Any) -> Any:
        asked.set()
        if api.tokens:  # a second fetch, which must not come, would not wait for the first
            go_on.set()
        token = api.give_token(query, data)
        assert go_on.wait(30)
        return token

    api.answers["gettoken"] = slow_token
    # The one that waits lets the other go on.
    monkeypatch.setattr(
        tokens, "time", SimpleNamespace(sleep=lambda pause: go_on.set(), monotonic=lambda: 0.0)
    )
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(work.send, ["a"], HELLO, NOW)
        assert asked.wait(30)
        two = pool.submit(other_process.send, ["a"], HELLO, NOW)
        assert (one.result(), two.result()) == (Sent("m1"), Sent("m1"))
    assert api.tokens == 1


def test_nothing_is_locked_while_the_platform_is_asked(work: WeCom, api: FakeApi, database: Database) -> None:
    def asked(query: dict[str, str], data: Any) -> Any:
        with database.write() as session:
            session.add(PlatformToken(application="something else"))
        return api.give_token(query, data)

    api.answers["gettoken"] = asked
    assert work.send(["a"], HELLO, NOW) == Sent("m1")


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(days=30)])
def test_the_lease_of_a_dead_process_ends(work: WeCom, database: Database, ahead: timedelta) -> None:
    """Also one taken by a clock that ran ahead, as in the demo."""
    with database.write() as session:
        session.add(PlatformToken(application=f"wecom:{CORP}:{AGENT}", leased_until=NOW + ahead))
    assert work.send(["a"], HELLO, NOW) == Sent("m1")


def test_a_failed_fetch_gives_the_lease_back(work: WeCom, api: FakeApi, database: Database) -> None:
    api.answers["gettoken"] = first({"errcode": -1, "errmsg": "busy"}, api.give_token({}, None))
    assert failure(lambda: work.send(["a"], HELLO, NOW)).code == -1
    with database.read() as session:
        assert session.get_one(PlatformToken, f"wecom:{CORP}:{AGENT}").leased_until is None
    assert work.send(["a"], HELLO, NOW) == Sent("m1")


@pytest.mark.parametrize("code", [40001, 40014, 42001])
def test_a_refused_token_is_renewed_once(work: WeCom, api: FakeApi, code: int) -> None:
    api.answers["message/send"] = first({"errcode": code}, SENT)
    assert work.send(["a"], HELLO, NOW) == Sent("m1")
    assert api.tokens_used("message/send") == ["token-1", "token-2"]


def test_eight_threads_renew_a_refused_token_once(work: WeCom, api: FakeApi) -> None:
    work.refresh_token(NOW)
    api.answers["message/send"] = refusing("token-1")
    together = threading.Barrier(8)

    def send(number: int) -> Sent:
        together.wait()
        return work.send([f"user{number}"], HELLO, NOW)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(send, range(8))) == [Sent("m1")] * 8
    assert api.tokens == 2


def test_a_token_refused_twice_is_a_matter_for_the_operator(work: WeCom, api: FakeApi) -> None:
    api.answers["message/send"] = {"errcode": 40001, "errmsg": "invalid credential"}
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (40001, False)
    assert api.paths() == ["gettoken", "message/send", "gettoken", "message/send"]


def test_a_wrong_secret_is_a_matter_for_the_operator(work: WeCom, api: FakeApi) -> None:
    api.answers["gettoken"] = {"errcode": 40001, "errmsg": "invalid credential"}
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (40001, False)
    assert api.paths() == ["gettoken"]


@pytest.mark.parametrize(
    "answer", [{}, {"access_token": ""}, {"access_token": 5, "expires_in": 7200}, [], b"<html>"]
)
def test_a_token_answer_without_token_is_a_failure(work: WeCom, api: FakeApi, answer: Any) -> None:
    api.answers["gettoken"] = answer
    assert failure(lambda: work.send(["a"], HELLO, NOW)).code == 0


def test_an_official_account_uses_the_stable_token(account: OfficialAccount, api: FakeApi) -> None:
    account.send(["o1"], HELLO, NOW)
    path, query, data = api.calls[0]
    assert (path, query) == ("stable_token", {})
    assert data == {
        "grant_type": "client_credential",
        "appid": APP,
        "secret": "a-secret-of-the-account",
        "force_refresh": False,
    }


def test_the_stable_token_is_forced_only_when_the_same_one_comes_back(
    account: OfficialAccount, api: FakeApi
) -> None:
    def stable(query: dict[str, str], data: Any) -> Any:
        return {"access_token": "forced" if data["force_refresh"] else "stale", "expires_in": 7200}

    api.answers["stable_token"] = stable
    api.answers["message/custom/send"] = lambda query, data: (
        {"errcode": 0 if query["access_token"] == "forced" else 40001}
    )
    assert account.send(["o1"], HELLO, NOW) == Sent()
    assert [data["force_refresh"] for data in api.data("stable_token")] == [False, False, True]
