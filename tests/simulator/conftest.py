"""A platform with the demo's four people and an echo bot on the other side, without a socket and without real time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests
from werkzeug.test import Client

from bot.simulator import Platform
from bot.simulator.cast import PHONES
from bot.simulator.envelope import from_xml
from bot.simulator.wire import PlatformAdapter
from bot.simulator.world import ChannelName
from tests.simulator.echo import EchoBot, over_requests

BASE = "http://platform.test/cgi-bin"


class Clock:
    """Both clocks of a platform: the injected one, and the stop-watch for its time limit."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 23, 6, 26, tzinfo=UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        """The injected clock."""
        return self.at

    def jump(self, **much: float) -> None:
        """Move the injected clock."""
        self.at += timedelta(**much)

    def timer(self) -> float:
        """The stop-watch."""
        return self.seconds

    def sleep(self, seconds: float) -> None:
        """Only the stop-watch moves."""
        self.seconds += seconds


class Wire:
    """Between platform and bot: keeps what was posted, and can be cut or slowed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.client: Client | None = None
        self.posted: list[tuple[str, Mapping[str, str], bytes]] = []
        self.troubles: list[OSError | float | tuple[int, bytes]] = []

    def post(self, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        """One POST: an ordered trouble is an exception, seconds of delay, or an answer of its own."""
        assert self.client is not None
        self.posted.append((path, query, body))
        trouble = self.troubles.pop(0) if self.troubles else 0.0
        if isinstance(trouble, OSError):
            raise trouble
        if isinstance(trouble, tuple):
            return trouble
        self.clock.sleep(trouble)
        answer = self.client.post(path, query_string=dict(query), data=body)
        return answer.status_code, answer.data

    def letters(self, platform: Platform) -> list[dict[str, Any]]:
        """The inner XML of all that was posted, opened with the platform's own keys."""
        return [
            from_xml(account.credentials.envelope.open(str(from_xml(body.decode())["Encrypt"])))
            for path, _, body in self.posted
            for account in (platform.wecom, platform.oa)
            if account.callback == path
        ]


class Api:
    """The bot's side of the API: a real HTTP client whose socket ends in the platform."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.sessions = {name: requests.Session() for name in ("wecom", "oa")}
        self.sessions["wecom"].mount(BASE, PlatformAdapter(platform, "wecom"))
        self.sessions["oa"].mount(BASE, PlatformAdapter(platform, "oa"))

    def token(self, channel: ChannelName = "wecom") -> str:
        """A token, the proper way."""
        keys = self.platform.account(channel).credentials
        if channel == "wecom":
            query = {"corpid": keys.app_id, "corpsecret": keys.secret}
            return str(self.get("gettoken", channel, **query)["access_token"])
        order = {"grant_type": "client_credential", "appid": keys.app_id, "secret": keys.secret}
        return str(self.post("stable_token", order, channel, token="")["access_token"])

    def get(self, path: str, channel: ChannelName = "wecom", **query: str) -> Any:
        """GET, the answer as JSON."""
        return self.sessions[channel].get(f"{BASE}/{path}", params=query, timeout=5).json()

    def post(
        self, path: str, order: Mapping[str, Any], channel: ChannelName = "wecom", token: str | None = None
    ) -> Any:
        """POST JSON, the answer as JSON."""
        token = self.token(channel) if token is None else token
        url = f"{BASE}/{path}"
        return self.sessions[channel].post(url, params={"access_token": token}, json=order, timeout=5).json()

    def send(self, user: str = "zhangwei", text: str = "你好", **more: Any) -> Any:
        """message/send with a text."""
        order = {"touser": user, "agentid": 1000002, "msgtype": "text", "text": {"content": text}}
        return self.post("message/send", order | more)

    def card(self, card: Mapping[str, Any], user: str = "zhangwei") -> Any:
        """message/send with a template card."""
        return self.send(user, msgtype="template_card", template_card=card)

    def custom(self, text: str = "你好", user: str = "oa-zhangwei") -> Any:
        """message/custom/send with a text."""
        return self.post(
            "message/custom/send", {"touser": user, "msgtype": "text", "text": {"content": text}}, "oa"
        )


@pytest.fixture
def clock() -> Clock:
    """Time that stands still unless moved."""
    return Clock()


@pytest.fixture
def wire(clock: Clock) -> Wire:
    """The connection from platform to bot."""
    return Wire(clock)


@pytest.fixture
def platform(clock: Clock, wire: Wire) -> Platform:
    """The platform with the demo's people."""
    return Platform(PHONES, wire.post, clock.now, timer=clock.timer, sleep=clock.sleep)


@pytest.fixture
def api(platform: Platform) -> Api:
    """The API as the bot sees it."""
    return Api(platform)


@pytest.fixture(autouse=True)
def bot(platform: Platform, api: Api, wire: Wire) -> EchoBot:
    """The echo bot, connected."""
    bot = EchoBot(platform.settings(), over_requests(api.sessions["wecom"], BASE))
    wire.client = Client(bot.app())
    return bot
