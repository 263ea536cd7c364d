"""The API client against a real HTTP server that behaves as badly as the platform and the proxies before it do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.channels import api as client
from bot.channels.official_account import OfficialAccount
from bot.channels.wecom import WeCom
from bot.chat import Sent
from bot.config import Settings
from bot.db import Database
from tests.channels.conftest import AGENT, NOW
from tests.channels.fake_api import CLOSE, HELLO, SENT, FakeApi, failure

BAD_ANSWERS: dict[str, Any] = {
    "HTML": b"<html>please log in</html>",
    "a list": [1, 2],
    "a number": b"5",
    "nothing": b"",
    "an errcode that is a word": {"errcode": "none"},
    "an errcode that is a list": {"errcode": [0]},
    "an endless list": b"[" * 100_000,
    "502": (502, b"bad gateway"),
    "404": (404, b"{}"),
    "a closed connection": CLOSE,
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_what_is_no_answer_of_the_platform_is_tried_again_later(work: WeCom, api: FakeApi, name: str) -> None:
    api.answers["message/send"] = BAD_ANSWERS[name]
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (0, False)
    assert api.paths().count("message/send") == 1


@pytest.mark.parametrize("path", ["gettoken", "message/send"])
def test_a_platform_that_hangs_is_left(
    online: Settings, database: Database, api: FakeApi, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = threading.Event()
    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    api.answers["message/send"] = SENT
    api.answers[path] = lambda query, data: done.wait(30) and CLOSE
    error = failure(lambda: WeCom(online, database).send(["a"], HELLO, NOW))
    done.set()
    assert (error.code, error.permanent) == (0, False)
    assert "Timeout" in str(error)


def test_a_platform_that_answers_drop_by_drop_is_left(
    online: Settings, database: Database, api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = threading.Event()

    def drops(query: dict[str, str], data: Any) -> Iterator[bytes]:
        for _ in range(1000):
            yield b" "
            left.wait(0.01)

    monkeypatch.setattr(client, "TIMEOUT_S", 0.1)
    api.answers["message/send"] = drops
    error = failure(lambda: WeCom(online, database).send(["a"], HELLO, NOW))
    left.set()
    assert (error.code, error.permanent) == (0, False)
    assert "Timeout" in str(error)


def test_an_answer_without_end_is_left(work: WeCom, api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "MOST_BYTES", 1000)
    api.answers["media/get"] = b"x" * 1001
    assert failure(lambda: work.download("m7", NOW)).code == 0
    api.answers["media/get"] = b"x" * 1000
    assert work.download("m7", NOW) == b"x" * 1000


def test_a_compressed_answer_is_read(work: WeCom, api: FakeApi) -> None:
    api.compress = True
    assert work.send(["a"], HELLO, NOW) == Sent("m1")


def test_a_platform_that_is_not_there_is_tried_again_later(wecom: WeCom) -> None:
    error = failure(lambda: wecom.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (0, False)


def test_failures_and_logs_do_not_tell_secrets(
    work: WeCom, wecom: WeCom, api: FakeApi, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        api.answers["message/send"] = CLOSE
        told = [
            str(failure(lambda channel=channel: channel.send(["a"], HELLO, NOW))) for channel in (work, wecom)
        ]
    for secret in ("a-secret-of-wecom", "token-1"):
        assert secret not in " ".join(told) + caplog.text


@pytest.mark.parametrize("code", [-1, 45009, 45011, 45033])
def test_a_busy_platform_is_given_time(work: WeCom, api: FakeApi, code: int) -> None:
    api.answers["message/send"] = {"errcode": code, "errmsg": "later"}
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (code, False)
    assert error.retry_after is not None
    assert error.retry_after >= timedelta(seconds=30)


@pytest.mark.parametrize("code", [43004, 45015, 45047, 48002, 60111, 81013, 42014])
def test_what_cannot_heal_is_not_repeated(work: WeCom, api: FakeApi, code: int) -> None:
    api.answers["message/send"] = {"errcode": code, "errmsg": "never"}
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (code, True)
    assert api.paths().count("message/send") == 1


@pytest.mark.parametrize("code", [40013, 40056, 40164, 48001, 60020])
def test_what_an_operator_can_mend_is_not_final(work: WeCom, api: FakeApi, code: int) -> None:
    api.answers["message/send"] = {"errcode": code, "errmsg": "not set up"}
    error = failure(lambda: work.send(["a"], HELLO, NOW))
    assert (error.code, error.permanent) == (code, False)


# what is sent


def test_a_text_goes_to_many_in_one_call(work: WeCom, api: FakeApi) -> None:
    users = [f"user{number}" for number in range(1000)]
    assert work.send(users, HELLO, NOW) == Sent("m1")
    assert api.data("message/send") == [
        {
            "touser": "|".join(users),
            "agentid": AGENT,
            "enable_duplicate_check": 1,
            "msgtype": "text",
            "text": {"content": "您好"},
        }
    ]


def test_more_than_the_platform_takes_is_an_error_of_the_caller(work: WeCom) -> None:
    with pytest.raises(ValueError):
        work.send(["a"] * 1001, HELLO, NOW)


def test_those_the_platform_does_not_know_are_named_as_we_write_them(work: WeCom, api: FakeApi) -> None:
    api.answers["message/send"] = SENT | {"invaliduser": "zhangwei|nobody", "unlicenseduser": "guli"}
    sent = work.send(["ZhangWei", "guli", "liming"], HELLO, NOW)
    assert sent == Sent("m1", {"ZhangWei": 60111, "guli": 48002})


@pytest.mark.parametrize("user", ["@all", "a|b", "", "|"])
def test_a_userid_that_would_reach_others_is_not_sent(work: WeCom, api: FakeApi, user: str) -> None:
    assert work.send([user, "liming"], HELLO, NOW).unreached == {user: 60111}
    assert [data["touser"] for data in api.data("message/send")] == ["liming"]
    assert work.send([user], HELLO, NOW) == Sent(unreached={user: 60111})
    assert len(api.data("message/send")) == 1


def test_an_article_is_sent_as_news(work: WeCom, account: OfficialAccount, api: FakeApi) -> None:
    article = {"title": "今日学习", "description": "三分钟", "url": "https://a.example/1", "picture": ""}
    work.send(["a"], {"text": "", "article": article}, NOW)
    account.send(["o"], {"text": "", "article": article}, NOW)
    expected = {"title": "今日学习", "description": "三分钟", "url": "https://a.example/1", "picurl": ""}
    for path in ("message/send", "message/custom/send"):
        [data] = api.data(path)
        assert (data["msgtype"], data["news"]) == ("news", {"articles": [expected]})


def test_an_official_account_sends_to_each_and_names_those_not_reached(
    account: OfficialAccount, api: FakeApi
) -> None:
    api.answers["message/custom/send"] = lambda query, data: {
        "errcode": 45015 if data["touser"] == "o2" else 0
    }
    assert account.send(["o1", "o2", "o3"], HELLO, NOW) == Sent(unreached={"o2": 45015})
    assert [data["touser"] for data in api.data("message/custom/send")] == ["o1", "o2", "o3"]


def test_an_official_account_that_reaches_nobody_says_so(account: OfficialAccount, api: FakeApi) -> None:
    api.answers["message/custom/send"] = {"errcode": 45047}
    assert failure(lambda: account.send(["o1"], HELLO, NOW)).permanent


def test_an_official_account_shows_a_card_as_its_text(account: OfficialAccount, api: FakeApi) -> None:
    account.send(["o1"], {"text": "回复 报名", "card": {"task_id": "t", "title": "党日"}}, NOW)
    assert api.data("message/custom/send")[0]["text"] == {"content": "回复 报名"}


def test_a_probe_asks_for_something_harmless(work: WeCom, account: OfficialAccount, api: FakeApi) -> None:
    api.answers["agent/get"] = {"errcode": 60020, "errmsg": "not allow to access from your ip"}
    api.answers["getcallbackip"] = {"ip_list": ["127.0.0.1"]}
    assert failure(lambda: work.probe(NOW)).code == 60020
    account.probe(NOW)
    assert api.paths() == ["gettoken", "agent/get", "stable_token", "getcallbackip"]


def test_a_recall_names_the_message(work: WeCom, api: FakeApi) -> None:
    api.answers["message/recall"] = {"errcode": 0}
    work.recall("m1", NOW)
    assert api.data("message/recall") == [{"msgid": "m1"}]


WORDS = ["今日学习", "答题", "主题党日", "签到", "我的"]


def test_the_menu_has_two_words_at_the_front_and_the_rest_behind(
    work: WeCom, account: OfficialAccount, api: FakeApi
) -> None:
    api.answers["menu/create"] = {"errcode": 0}
    work.publish_menu(WORDS)
    account.publish_menu(WORDS)
    wecoms, oas = api.data("menu/create")
    assert wecoms == oas
    assert [button["name"] for button in oas["button"]] == ["今日学习", "答题", "更多"]
    assert oas["button"][0] == {"type": "click", "name": "今日学习", "key": "今日学习"}
    assert [button["key"] for button in oas["button"][2]["sub_button"]] == WORDS[2:]
    menu_calls = [query for path, query, _ in api.calls if path == "menu/create"]
    assert [query.get("agentid") for query in menu_calls] == [str(AGENT), None]


def test_a_menu_has_room_for_seven_words(work: WeCom) -> None:
    with pytest.raises(ValueError):
        work.publish_menu([*WORDS, "a", "b", "c"])


def test_media_is_downloaded(work: WeCom, api: FakeApi) -> None:
    api.answers["media/get"] = b"\xff\xd8\xff picture"
    assert work.download("m7", NOW) == b"\xff\xd8\xff picture"
    assert api.calls[-1][1]["media_id"] == "m7"


def test_media_that_is_gone_is_a_failure(work: WeCom, api: FakeApi) -> None:
    api.answers["media/get"] = {"errcode": 40007, "errmsg": "invalid media_id"}
    assert failure(lambda: work.download("m7", NOW)).code == 40007
