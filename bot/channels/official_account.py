"""An Official Account (公众号, 服务号) in safe mode. It may push to a person only for a while after that person wrote."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.channels import outbound
from bot.channels.api import Api, token_of
from bot.channels.application import Application
from bot.channels.envelope import Envelope
from bot.channels.inbound import Inbound
from bot.chat import Message, Reply, SendError, Sent
from bot.config import Settings
from bot.db import Database
from bot.models.identity import Identity

PUSH_WINDOW = timedelta(hours=48)
PUSHES_PER_WINDOW = 5
"""Customer service messages after a message of the user (20 until 2021)."""


class OfficialAccount(Application):
    """The channel "oa"; users are openids, cards are shown as text."""

    name = "oa"
    silence = "success"
    users_per_call = 1

    def __init__(self, settings: Settings, database: Database) -> None:
        self._app, self._secret = settings.oa_app_id, settings.oa_secret.get_secret_value()
        token, key = settings.oa_token.get_secret_value(), settings.oa_aes_key.get_secret_value()
        api = Api(settings.oa_api_base, f"oa:{self._app}", database, self._fetch)
        super().__init__(Envelope(token, key, self._app), api)
        self._account = ""

    def verify(self, query: Mapping[str, str]) -> str:
        """The word of the URL check, as it came."""
        return self._envelope.plain_echo(query)

    def accept(self, read: Inbound) -> Message:
        """The message; from it the account's own name (gh_…) is learnt, which is in no console and always the same."""
        self._account = read.account
        return read.message

    def passive(self, message: Message, reply: Reply, now: datetime) -> str:
        """The answer as XML."""
        return outbound.passive(message.sender, self._account, reply, now)

    def can_push(self, identity: Identity, now: datetime) -> bool:
        """Five times within 48 hours after the person wrote."""
        heard = identity.heard_at is not None and now - identity.heard_at < PUSH_WINDOW
        return heard and identity.reachable and identity.pushed_since < PUSHES_PER_WINDOW

    def send(self, users: list[str], body: Mapping[str, Any], now: datetime) -> Sent:
        """One call for each user; who was not reached is named, and :class:`SendError` says that nobody was."""
        failures: dict[str, SendError] = {}
        for user in users:
            try:
                self._api.post("message/custom/send", {"touser": user, **outbound.push(body)}, now)
            except SendError as error:
                failures[user] = error
        if failures and len(failures) == len(users):
            raise failures[users[-1]]
        return Sent(unreached={user: error.code for user, error in failures.items()})

    def probe(self, now: datetime) -> None:
        """Ask the platform from which addresses it calls."""
        self._api.get("getcallbackip", now)

    def publish_menu(self, words: list[str]) -> None:
        """Replace the account's menu; phones show the new one within five minutes."""
        self._api.post("menu/create", outbound.click_menu(words), datetime.now(UTC))

    def _fetch(self, refused: str) -> tuple[str, timedelta]:
        """The stable token, which other programs' fetches do not retire; forced (20 a day) only when the plain one is the refused one."""
        token, lifetime = self._stable_token(force=False)
        if token == refused:
            token, lifetime = self._stable_token(force=True)
        return token, lifetime

    def _stable_token(self, *, force: bool) -> tuple[str, timedelta]:
        data = {
            "grant_type": "client_credential",
            "appid": self._app,
            "secret": self._secret,
            "force_refresh": force,
        }
        return token_of(self._api.ask("post", "stable_token", data=data, params={"access_token": None}))
