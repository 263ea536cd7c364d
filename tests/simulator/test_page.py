"""The page's server side: who may use it, what it shows, and what its buttons do."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.simulator import Person, Platform
from bot.simulator.cast import PHONES, hints
from bot.simulator.page import Controls, blueprint
from bot.simulator.wire import API_PATHS
from tests.simulator.conftest import Api, Clock
from tests.simulator.echo import CARD

ZONE = ZoneInfo("Asia/Shanghai")
PNG = b"\x89PNG\r\n\x1a\n picture"


class Desk:
    """The page behind a test client, with a product whose clock can jump."""

    def __init__(self, platform: Platform, clock: Clock) -> None:
        self.theme_day: datetime | None = None
        self.clock = clock
        controls = Controls(lambda: clock.now().astimezone(ZONE), self.jump, lambda: self.theme_day)
        app = Flask("page")
        app.register_blueprint(blueprint(platform, controls, later=lambda work: work()))
        self.client = app.test_client()
        self.jumps: list[datetime] = []

    def jump(self, to: datetime) -> None:
        """What the composition root would do."""
        self.jumps.append(to)
        self.clock.at = to

    def post(self, path: str, **order: object) -> TestResponse:
        """POST JSON to the page."""
        return self.client.post(f"/simulator/{path}", json=order)

    def state(self, since: int = 0) -> dict[str, object]:
        """What the page would show."""
        data = self.client.get(f"/simulator/state?since={since}").json
        assert isinstance(data, dict)
        return data


@pytest.fixture
def desk(platform: Platform, clock: Clock) -> Desk:
    return Desk(platform, clock)


@pytest.mark.parametrize("path", ["", "state", "api/cgi-bin/gettoken", "oa-api/cgi-bin/token"])
@pytest.mark.parametrize(
    ("address", "host", "status"),
    [
        ("127.0.0.1", "localhost:8000", 200),
        ("127.0.0.1", "127.0.0.1", 200),
        ("::1", "[::1]:8000", 200),
        ("192.168.1.7", "localhost:8000", 403),
        ("127.0.0.1", "evil.example", 403),
        ("127.0.0.1", "127.0.0.1.evil.example", 403),
        ("127.0.0.1", "localhost.evil.example", 403),
        ("", "localhost", 403),
    ],
)
def test_only_this_machine_may_use_it(desk: Desk, path: str, address: str, host: str, status: int) -> None:
    environ = {"REMOTE_ADDR": address, "HTTP_HOST": host}
    assert desk.client.get(f"/simulator/{path}", environ_overrides=environ).status_code == status


@pytest.mark.parametrize("path", ["say", "press", "menu", "image", "control"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_site_cannot_post(desk: Desk, platform: Platform, path: str, kind: str) -> None:
    body = '{"who": "zhangwei", "text": "甲", "do": "oa", "on": true}'
    assert desk.client.post(f"/simulator/{path}", data=body, content_type=kind).status_code == 415
    assert platform.phone("张伟") == []
    assert platform.mode == "wecom"


def test_the_page_allows_nothing_from_outside_and_nothing_inline(desk: Desk) -> None:
    answer = desk.client.get("/simulator/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in answer.text.replace('xmlns="http', "")
    assert " style=" not in answer.text
    assert "onclick" not in answer.text


def test_a_word_typed_in_a_phone_is_said_and_answered(desk: Desk) -> None:
    assert desk.post("say", who="zhangwei", text=" 积分 ").status_code == 202
    bubbles = desk.state()["bubbles"]
    assert isinstance(bubbles, list)
    assert [(one["userid"], one["side"], one["text"]) for one in bubbles] == [
        ("zhangwei", "me", "积分"),
        ("zhangwei", "bot", "您说：积分"),
    ]
    assert bubbles[0]["at"] == "2026-11-23T14:26:00+08:00"


def test_the_state_tells_only_what_is_new(desk: Desk, platform: Platform, api: Api) -> None:
    api.card({**CARD, "task_id": "t1"})
    rev = desk.state()["rev"]
    assert isinstance(rev, int)
    assert desk.state(rev)["bubbles"] == []
    platform.wecom.change_card(platform.phone("张伟")[-1], button="已报名")
    bubbles = desk.state(rev)["bubbles"]
    assert isinstance(bubbles, list)
    assert [one["card"]["replaced"] for one in bubbles] == ["已报名"]


def test_the_state_holds_no_secret(desk: Desk, platform: Platform, api: Api) -> None:
    token = api.token()
    text = desk.client.get("/simulator/state").text
    assert token not in text
    assert not any(value in text for name, value in platform.settings().items() if "_id" not in name)


def test_a_card_is_pressed_by_its_number(desk: Desk, platform: Platform, api: Api, bot: object) -> None:
    api.card({**CARD, "task_id": "t1"})
    card = platform.phone("张伟")[-1]
    assert desk.post("press", who="zhangwei", bubble=card.id, key="报名", chosen=[]).status_code == 202
    assert platform.phone("张伟")[-1].side == "bot"


def test_a_menu_button_is_tapped_or_scans(desk: Desk, platform: Platform, bot: object) -> None:
    desk.post("menu", who="zhangwei", key="积分")
    assert platform.phone("张伟")[0].text == "点了菜单「积分」"
    desk.post("menu", who="zhangwei", key="扫码", scanned="签到 青松明月")
    assert bot.heard[-1].scan_result == "签到 青松明月"  # type: ignore[attr-defined]


def test_a_picture_is_sent_and_shown(desk: Desk, platform: Platform) -> None:
    desk.post("image", who="zhangwei", data=base64.b64encode(PNG).decode())
    bubble = platform.phone("张伟")[0]
    answer = desk.client.get(f"/simulator/media/{bubble.media}")
    assert (answer.data, answer.mimetype) == (PNG, "image/png")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_no_picture_is_refused_or_only_downloaded(desk: Desk, platform: Platform) -> None:
    page = b"<script>alert(1)</script>"
    assert desk.post("image", who="zhangwei", data=base64.b64encode(page).decode()).status_code == 400
    media = platform.world.keep_media("x.html", "text/html", page)
    answer = desk.client.get(f"/simulator/media/{media}")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment"


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("say", {"who": "nobody", "text": "甲"}),
        ("say", {"who": "zhangwei", "text": "  "}),
        ("say", {"who": "zhangwei", "text": "甲" * 4001}),
        ("say", {}),
        ("press", {"who": "zhangwei", "bubble": "1", "key": "k"}),
        ("menu", {"who": "zhangwei"}),
        ("image", {"who": "zhangwei", "data": "***"}),
        ("control", {"do": "explode"}),
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(desk: Desk, path: str, order: dict[str, object]) -> None:
    answer = desk.client.post(f"/simulator/{path}", json=order)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"]


def test_the_clock_jumps_where_the_buttons_say(desk: Desk) -> None:
    start = desk.clock.now().astimezone(ZONE)
    desk.post("control", do="hour")
    desk.post("control", do="morning")
    desk.theme_day = datetime(2026, 12, 5, 6, 30, tzinfo=UTC)
    desk.post("control", do="eve")
    assert desk.jumps == [
        start + timedelta(hours=1),
        datetime(2026, 11, 24, 8, 5, tzinfo=ZONE),
        datetime(2026, 12, 4, 17, 0, tzinfo=ZONE),
    ]
    assert desk.state()["now"] == "2026-12-04T17:00:00+08:00"
    assert desk.state()["busy"] == ""


def test_there_is_no_jump_to_a_theme_day_that_is_not_planned_or_already_near(desk: Desk) -> None:
    assert desk.post("control", do="eve").status_code == 409
    desk.theme_day = datetime(2026, 11, 24, 9, 0, tzinfo=ZONE)
    desk.clock.at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    assert desk.post("control", do="eve").status_code == 409
    assert desk.jumps == []


def test_the_switches_change_network_and_channel(desk: Desk, platform: Platform) -> None:
    desk.post("control", do="slow", on=True)
    desk.post("control", do="oa", on=True)
    desk.post("say", who="zhangwei", text="你好")
    assert [one.side for one in platform.phone("张伟", "oa")] == ["me", "note", "note", "bot"]
    state = desk.state()
    people = state["people"]
    assert isinstance(people, list)
    assert (state["slow"], state["mode"]) == (True, "oa")
    assert people[1]["window"] == "48 小时窗口剩 48 小时 0 分 · 5 条"
    assert people[2]["window"] == "48 小时窗口未开"
    desk.post("control", do="slow", on=False)
    desk.post("control", do="oa", on=False)
    assert (desk.state()["slow"], desk.state()["mode"]) == (False, "wecom")


def test_what_fails_behind_the_page_is_told_on_it(
    desk: Desk, platform: Platform, caplog: pytest.LogCaptureFixture
) -> None:
    desk.post("press", who="zhangwei", bubble=999, key="报名")
    assert "没有完成" in str(desk.state()["trouble"])
    assert "this card has no such button" in caplog.text
    desk.post("say", who="zhangwei", text="你好")
    assert desk.state()["trouble"] == ""


def test_the_api_is_served_under_the_page(desk: Desk, platform: Platform) -> None:
    keys = platform.wecom.credentials
    base = API_PATHS["wecom"]
    query = {"corpid": keys.app_id, "corpsecret": keys.secret}
    token = desk.client.get(f"{base}/gettoken", query_string=query).json
    assert token is not None
    order = {"touser": "zhangwei", "agentid": 1000002, "msgtype": "text", "text": {"content": "通知"}}
    query = {"access_token": token["access_token"]}
    assert desk.client.post(f"{base}/message/send", query_string=query, json=order).json is not None
    assert platform.phone("张伟")[-1].text == "通知"
    upload = {"media": (BytesIO(PNG), "a.png", "image/png")}
    answer = desk.client.post(
        f"{base}/media/upload", query_string={**query, "type": "image"}, data=upload
    ).json
    assert answer is not None
    assert platform.world.media(answer["media_id"]) is not None


def test_people_without_a_phone_on_the_page_stay_off_it(clock: Clock, platform: Platform) -> None:
    platform.world.people += (Person("赵强", "zhaoqiang", shown=False),)
    desk = Desk(platform, clock)
    platform.world.phones.add(platform.world.person("赵强"), "wecom", "bot", "通知")
    state = desk.state()
    assert state["bubbles"] == []
    assert isinstance(state["people"], list)
    assert len(state["people"]) == 4


def test_the_hint_of_the_secretary_names_a_friday_to_come() -> None:
    for day in range(1, 29):
        now = datetime(2026, 11, day, 12, tzinfo=ZONE)
        first = next(hints(PHONES[0], now))
        month, _, rest = first.removeprefix("发布主题党日 ").partition("月")
        date = datetime(2026, int(month), int(rest.partition("日")[0]), tzinfo=ZONE)
        assert date.weekday() == 4
        assert timedelta(days=6) < date - now < timedelta(days=15)
