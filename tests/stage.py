"""The whole product with the platform on the other side: encrypted webhook in, real API client out, no socket and no waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from bot import app as composition
from bot import demo
from bot.app import App
from bot.clock import Clock
from bot.config import Settings
from bot.simulator import wire
from bot.simulator.platform import Platform
from bot.simulator.world import Bubble, ChannelName
from scheduler import runner
from scheduler.delivery import deliver
from tests.discretion import WATCH

BASE = "http://platform.test"


class Stage:
    """People with phones on one side, the bot on the other. ``say`` returns what came back on the phone."""

    def __init__(self, database_url: str, clock: Clock, *, secret: str) -> None:
        self.clock = clock
        self.platform = Platform(demo.people(), self._post, clock, base_url=BASE)
        self.settings = Settings.model_validate(
            {
                "database_url": database_url,
                "secret_key": secret,
                "base_url": BASE,
                "wecom_api_base": BASE + wire.API_PATHS["wecom"],
                "oa_api_base": BASE + wire.API_PATHS["oa"],
                **self.platform.settings(),
            }
        )
        WATCH.learn(self.settings)
        self._seen: dict[tuple[str, str], int] = {}
        self.bot = self._start()

    def restart(self) -> None:
        """The bot's process ends and another begins on the same database."""
        self.bot.database.dispose()
        self.bot = self._start()

    def say(self, name: str, text: str, channel: ChannelName = "wecom") -> str:
        """Type and send; the texts that came back as the passive answer, and then what is due is delivered."""
        exchange = self.platform.say(name, text, channel)
        self.deliver()
        return exchange.text

    def script(self, name: str, *lines: tuple[str, *tuple[str, ...]]) -> None:
        """Say each first string and expect the others in the answer."""
        for said, *expected in lines:
            answer = self.say(name, said)
            for part in expected:
                assert part in answer, f"{name} said {said!r}, expected {part!r} in:\n{answer}"

    def pushes(self, name: str, channel: ChannelName = "wecom") -> list[str]:
        """What was pushed to the phone since the last look: texts, or a card's title and description."""
        seen = self._seen.get((name, channel), 0)
        new = [b for b in self.platform.phone(name, channel) if b.id > seen]
        if new:
            self._seen[name, channel] = new[-1].id
        return [_text(b) for b in new if b.pushed]

    def deliver(self) -> int:
        """Send what is due."""
        return deliver(self.bot.node, self.clock())

    def jump(self, to: datetime) -> None:
        """Move the clock hour by hour, running what is due on the way."""
        while self.clock() < to:
            self.clock.jump(min(to, self.clock() + timedelta(hours=1)))
            runner.run_due(self.bot.node, self.clock())
            self.deliver()

    def close(self) -> None:
        """End the bot."""
        WATCH.secrets |= {one._newest for one in (self.platform.wecom, self.platform.oa) if one._newest}
        self.bot.database.dispose()

    def _start(self) -> App:
        bot = composition.build(self.settings, clock=self.clock)
        self._client = composition.create_flask(bot).test_client()
        for name, channel in bot.channels.items():
            http = channel._api._client._http  # type: ignore[attr-defined]  # the one seam: wechatpy's own session
            http.mount(BASE, wire.PlatformAdapter(self.platform, "wecom" if name == "wecom" else "oa"))
        runner.run_due(bot.node, self.clock())
        return bot

    def _post(self, path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        answer = self._client.post(path, query_string=dict(query), data=body, content_type="text/xml")
        return answer.status_code, answer.data


def _text(bubble: Bubble) -> str:
    if not bubble.card:
        return bubble.text
    title = bubble.card.get("main_title", {})
    parts = (title.get("title"), title.get("desc"), bubble.card.get("sub_title_text"))
    return "\n".join(part for part in parts if part)
