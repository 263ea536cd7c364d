"""The Official Account's API: its tokens, and the window for messages nobody asked for."""

from __future__ import annotations

import pytest

from bot.simulator import Platform
from tests.simulator.conftest import Api, Clock


def test_nobody_can_be_written_to_before_they_wrote(api: Api) -> None:
    assert api.custom()["errcode"] == 45015


def test_a_message_opens_the_window_for_five(platform: Platform, api: Api) -> None:
    platform.say("张伟", "你好", "oa")
    assert [api.custom()["errcode"] for _ in range(6)] == [0, 0, 0, 0, 0, 45047]
    assert api.custom(user="oa-guli")["errcode"] == 45015
    platform.say("张伟", "再来", "oa")
    assert api.custom()["errcode"] == 0


def test_the_window_closes_after_two_days(platform: Platform, api: Api, clock: Clock) -> None:
    platform.say("张伟", "你好", "oa")
    clock.jump(hours=47, minutes=59)
    assert api.custom()["errcode"] == 0
    clock.jump(minutes=2)
    assert api.custom()["errcode"] == 45015


@pytest.mark.parametrize("event", ["click", "subscribe", "scan"])
def test_a_tap_opens_one_minute_for_three(platform: Platform, api: Api, clock: Clock, event: str) -> None:
    platform.event("张伟", event, "积分", "oa")
    assert [api.custom()["errcode"] for _ in range(4)] == [0, 0, 0, 45047]
    platform.event("张伟", event, "积分", "oa")
    clock.jump(seconds=61)
    assert api.custom()["errcode"] == 45015


def test_what_is_said_on_wecom_opens_no_window(platform: Platform, api: Api) -> None:
    platform.say("张伟", "你好", "wecom")
    assert api.custom()["errcode"] == 45015


def test_who_left_cannot_be_written_to(platform: Platform, api: Api) -> None:
    platform.say("张伟", "你好", "oa")
    platform.event("张伟", "unsubscribe", channel="oa")
    assert api.custom()["errcode"] == 45015


def test_the_rest_of_the_window_is_known(platform: Platform, clock: Clock, api: Api) -> None:
    person = platform.world.person("张伟")
    platform.say(person, "你好", "oa")
    clock.jump(hours=1)
    api.custom()
    left, count = platform.oa.window(person)
    assert (left.total_seconds(), count) == (47 * 3600, 4)


def test_a_push_lands_on_the_official_accounts_phone(platform: Platform, api: Api) -> None:
    platform.say("张伟", "你好", "oa")
    api.custom("通知")
    assert platform.phone("张伟", "oa")[-1].text == "通知"
    assert platform.phone("张伟", "wecom") == []


def test_strangers_and_long_texts_are_refused(platform: Platform, api: Api) -> None:
    platform.say("张伟", "你好", "oa")
    assert api.custom(user="nobody")["errcode"] == 40003
    assert api.custom(text="党" * 700)["errcode"] == 45002
    assert api.custom(text="")["errcode"] == 44004


def test_a_stable_token_is_stable_and_a_plain_one_retires_it(platform: Platform, api: Api) -> None:
    stable = api.token("oa")
    assert api.token("oa") == stable
    keys = platform.oa.credentials
    query = {"grant_type": "client_credential", "appid": keys.app_id, "secret": keys.secret}
    first = api.get("token", "oa", **query)["access_token"]
    second = api.get("token", "oa", **query)["access_token"]
    assert first != second
    assert api.get("menu/get", "oa", access_token=first)["errcode"] == 40014
    assert api.get("menu/get", "oa", access_token=second)["errcode"] == 46003


def test_a_forced_refresh_gives_a_new_token_and_keeps_the_old_one(platform: Platform, api: Api) -> None:
    keys = platform.oa.credentials
    order = {"grant_type": "client_credential", "appid": keys.app_id, "secret": keys.secret}
    old = api.token("oa")
    new = api.post("stable_token", {**order, "force_refresh": True}, "oa", token="")["access_token"]
    assert old != new
    assert api.get("menu/get", "oa", access_token=old)["errcode"] == 46003
