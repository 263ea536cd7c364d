"""The Official Account in safe mode: three-part signatures beside the encrypted one, and the window for customer-service messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.account import MAX_TEXT, Account, Credentials
from bot.simulator.envelope import random_letters, to_xml
from bot.simulator.faults import Answer, ApiError, Call, json_answer
from bot.simulator.world import Person, World


@dataclass(slots=True)
class Grant:
    """How many messages may still be sent to somebody, and until when."""

    until: datetime
    left: int


# What somebody did → how many messages within which time (the platform's page on customer-service messages).
GRANTS = {
    "message": (5, timedelta(hours=48)),
    "click": (3, timedelta(minutes=1)),
    "subscribe": (3, timedelta(minutes=1)),
    "scan": (3, timedelta(minutes=1)),
}


class OfficialAccount(Account):
    """A service account. Everybody follows it until they unsubscribe, but nobody has written yet."""

    channel = "oa"
    callback = "/wechat/callback"

    def __init__(self, world: World, credentials: Credentials, gh_id: str) -> None:
        super().__init__(world, credentials)
        self.own_name = gh_id
        self._grants: dict[str, dict[str, Grant]] = {}
        self._left: set[str] = set()
        self.open_routes |= {("GET", "token"): self._token, ("POST", "stable_token"): self._stable_token}
        self.routes[("POST", "message/custom/send")] = self._send

    # the bot's webhook

    def letter(self, person: Person, fields: Mapping[str, Any]) -> str:
        """From an openid to the account's gh_ name."""
        head = {"ToUserName": self.own_name, "FromUserName": person.openid}
        return to_xml("xml", {**head, "CreateTime": int(self.world.now().timestamp()), **fields})

    def url_check(self) -> tuple[dict[str, str], str]:
        """The echostr is plain, signed with three parts, and must come back as it is."""
        word = str(self.world.next_number())
        timestamp, nonce = str(int(self.world.now().timestamp())), random_letters(10)
        signature = self.credentials.envelope.sign(timestamp, nonce)
        return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": word}, word

    def touched(self, person: Person, trigger: str) -> None:
        """A message opens 48 hours for five messages; a menu click, a scan or following opens one minute for three."""
        with self.world.lock:
            if trigger == "unsubscribe":
                self._left.add(person.openid)
                self._grants.pop(person.openid, None)
            if trigger == "subscribe":
                self._left.discard(person.openid)
            if trigger in GRANTS:
                left, lasts = GRANTS[trigger]
                self._grants.setdefault(person.openid, {})[trigger] = Grant(self.world.now() + lasts, left)

    def window(self, person: Person) -> tuple[timedelta, int]:
        """How long and how often the bot may still write to ``person`` unasked."""
        with self.world.lock:
            grants = self._open_grants(person.openid)
            longest = max((grant.until for grant in grants), default=self.world.now())
            return longest - self.world.now(), sum(grant.left for grant in grants)

    def _outer(self, sealed: str) -> dict[str, Any]:
        return {"ToUserName": self.own_name, "Encrypt": sealed}

    def _stamp(self, person: Person | None, sealed: str) -> dict[str, str]:
        query = super()._stamp(person, sealed)
        plain = self.credentials.envelope.sign(query["timestamp"], query["nonce"])
        return {"signature": plain, "openid": person.openid if person else "", "encrypt_type": "aes", **query}

    # the API

    def _token(self, call: Call) -> Answer:
        """The old way: each call retires the token before."""
        self._check_secret(call.query.get("appid"), call.query.get("secret"))
        return self._give_token(retire=True)

    def _stable_token(self, call: Call) -> Answer:
        order = call.json()
        self._check_secret(order.get("appid"), order.get("secret"))
        if order.get("grant_type") != "client_credential":
            raise ApiError(40002, "invalid grant_type")
        return self._give_token(fresh=bool(order.get("force_refresh")))

    def _open_grants(self, openid: str) -> list[Grant]:
        now = self.world.now()
        grants = [grant for grant in self._grants.get(openid, {}).values() if grant.until > now]
        return sorted(grants, key=lambda grant: grant.until)

    def _send(self, call: Call) -> Answer:
        message = call.json()
        person = self.world.at_address(str(message.get("touser", "")), "oa")
        if person is None:
            raise ApiError(40003, "invalid openid")
        kind, content = self._content(message)
        self._use_grant(person)
        self.show(person, kind, content, pushed=True)
        return json_answer()

    def _use_grant(self, person: Person) -> None:
        grants = self._open_grants(person.openid)
        if person.openid in self._left or not grants:
            raise ApiError(45015, "response out of time limit or subscription is canceled")
        grant = next((one for one in grants if one.left > 0), None)
        if grant is None:
            raise ApiError(45047, "out of response count limit")
        grant.left -= 1

    def _content(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = str(message.get("msgtype"))
        content = message.get(kind)
        if kind not in ("text", "image", "news"):
            raise ApiError(40008, "invalid message type")
        if not isinstance(content, dict):
            raise ApiError(47001, "data format error")
        if kind == "text" and not content.get("content"):
            raise ApiError(44004, "empty content")
        if kind == "text" and len(str(content["content"]).encode()) > MAX_TEXT:
            raise ApiError(45002, "content size out of limit")
        if kind == "image" and self.world.media(str(content.get("media_id"))) is None:
            raise ApiError(40007, "invalid media_id")
        if kind == "news" and len(content.get("articles") or ()) != 1:
            raise ApiError(45008, "article size out of limit")
        return kind, content
