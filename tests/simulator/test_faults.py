"""The API misbehaves as ordered, for as many calls as ordered, and only where ordered."""

from __future__ import annotations

import pytest
import requests

from bot.simulator import Platform
from tests.simulator.conftest import BASE, Api


def arrived(platform: Platform) -> int:
    return len(platform.phone("张伟"))


def test_a_code_is_answered_as_often_as_ordered(platform: Platform, api: Api) -> None:
    platform.fail(45009, times=2)
    assert [api.send()["errcode"] for _ in range(3)] == [45009, 45009, 0]
    assert arrived(platform) == 1


def test_the_token_call_fails_only_when_it_is_meant(platform: Platform, api: Api) -> None:
    platform.fail(-1, on="gettoken")
    keys = platform.wecom.credentials
    query = {"corpid": keys.app_id, "corpsecret": keys.secret}
    assert api.get("gettoken", "wecom", **query)["errcode"] == -1
    assert api.get("gettoken", "wecom", **query)["errcode"] == 0


def test_silence_is_a_timeout_and_nothing_arrives(platform: Platform, api: Api) -> None:
    platform.hang(30)
    with pytest.raises(requests.ReadTimeout):
        api.send()
    assert arrived(platform) == 0


def test_accepted_but_silent_is_a_timeout_and_it_arrives(platform: Platform, api: Api) -> None:
    platform.accept_then_timeout(30)
    with pytest.raises(requests.ReadTimeout):
        api.send()
    assert arrived(platform) == 1


def test_accepted_but_silent_is_not_doubled_by_a_checked_retry(platform: Platform, api: Api) -> None:
    platform.accept_then_timeout(30)
    with pytest.raises(requests.ReadTimeout):
        api.send(enable_duplicate_check=1)
    assert api.send(enable_duplicate_check=1)["errcode"] == 0
    assert arrived(platform) == 1


def test_a_broken_connection_is_an_error(platform: Platform, api: Api) -> None:
    platform.close()
    with pytest.raises(requests.ConnectionError):
        api.send()
    assert arrived(platform) == 0


def test_a_proxys_login_page_is_no_json(platform: Platform, api: Api) -> None:
    token = api.token()
    platform.html()
    answer = api.sessions["wecom"].post(f"{BASE}/message/send?access_token={token}", json={}, timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert arrived(platform) == 0


def test_all_is_well_again_after_behave(platform: Platform, api: Api) -> None:
    platform.fail(-1, times=100)
    platform.behave()
    assert api.send()["errcode"] == 0


def test_calls_are_remembered(platform: Platform, api: Api) -> None:
    api.send(text="甲")
    assert platform.calls[-1].path == "message/send"
    assert platform.calls[-1].json()["text"] == {"content": "甲"}
