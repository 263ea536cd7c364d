"""A node whose channel is a recording stand-in for the platform's edge; everything behind it is real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from bot.app import App
from bot.chat import Message, Reply, Sent
from bot.models.identity import Identity
from scheduler.runner import Node


@dataclass
class FakeChannel:
    """Implements :class:`bot.chat.Channel`: keeps what was sent, and fails or misses people as a test says."""

    name: str = "wecom"
    users_per_call: int = 1000
    calls: list[tuple[list[str], Mapping[str, Any]]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    unreached: dict[str, int] = field(default_factory=dict)
    open: bool = True
    refreshed: list[datetime] = field(default_factory=list)

    def send(self, users: list[str], body: Mapping[str, Any], now: datetime) -> Sent:
        if self.errors:
            raise self.errors.pop(0)
        self.calls.append((users, body))
        return Sent(f"msg-{len(self.calls)}", {u: c for u, c in self.unreached.items() if u in users})

    def can_push(self, identity: Identity, now: datetime) -> bool:
        return self.open and identity.reachable

    def refresh_token(self, now: datetime) -> None:
        self.refreshed.append(now)

    def texts(self, user: str) -> list[str]:
        """What one person got, in order."""
        return [body["text"] for users, body in self.calls if user in users]

    def verify(self, query: Mapping[str, str]) -> str:
        raise NotImplementedError

    def receive(self, query: Mapping[str, str], body: bytes, now: datetime) -> Message | None:
        raise NotImplementedError

    def render(self, message: Message, reply: Reply | None, now: datetime) -> str:
        raise NotImplementedError

    def publish_menu(self, words: list[str]) -> None:
        raise NotImplementedError

    def download(self, media: str, now: datetime) -> bytes:
        raise NotImplementedError


@pytest.fixture
def wecom() -> FakeChannel:
    """WeCom's edge."""
    return FakeChannel()


@pytest.fixture
def oa() -> FakeChannel:
    """An Official Account's edge, one person a call."""
    return FakeChannel(name="oa", users_per_call=1)


@pytest.fixture
def make_node(bot: App, wecom: FakeChannel) -> Callable[..., Node]:
    """A node of the product with the given channels (default: WeCom alone)."""

    def node(*channels: FakeChannel, name: str = "one") -> Node:
        named = {channel.name: channel for channel in channels or (wecom,)}
        return Node(bot.database, named, bot.settings, bot.clock, name)

    return node


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    """A node with WeCom alone."""
    return make_node()
