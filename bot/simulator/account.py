"""What WeCom and the Official Account have in common: token, menu, media, letters to the bot and its answers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from bot.simulator.envelope import Envelope, Garbled, from_xml, new_aes_key, random_letters, to_xml
from bot.simulator.faults import Answer, ApiError, Call, json_answer
from bot.simulator.world import Bubble, ChannelName, Person, World

TOKEN_LIFE = timedelta(seconds=7200)
MAX_TEXT = 2048
MAX_UPLOAD = 10 * 1024 * 1024

Route = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Credentials:
    """What the platform's console shows to the operator of one application."""

    app_id: str
    secret: str
    envelope: Envelope

    @classmethod
    def new(cls, app_id: str) -> Credentials:
        """Fresh secrets for an application."""
        return cls(app_id, random_letters(43), Envelope(random_letters(24), new_aes_key(), app_id))


class Account:
    """One application on the platform. Subclasses know how it addresses people and what it may send."""

    channel: ClassVar[ChannelName]
    callback: ClassVar[str]
    own_name: str

    def __init__(self, world: World, credentials: Credentials) -> None:
        self.world = world
        self.credentials = credentials
        self.menu: list[dict[str, Any]] = []
        self._tokens: dict[str, datetime] = {}
        self._newest = ""
        self.open_routes: dict[tuple[str, str], Route] = {}
        self.routes: dict[tuple[str, str], Route] = {
            ("POST", "menu/create"): self._create_menu,
            ("GET", "menu/get"): self._get_menu,
            ("GET", "menu/delete"): self._delete_menu,
            ("GET", "media/get"): self._get_media,
            ("POST", "media/upload"): self._upload,
            ("GET", "getcallbackip"): lambda call: json_answer(ip_list=["127.0.0.1"]),
        }

    # the bot's webhook

    def letter(self, person: Person, fields: Mapping[str, Any]) -> str:
        """The inner XML of what ``person`` sent."""
        raise NotImplementedError

    def request(self, person: Person, inner: str) -> tuple[dict[str, str], bytes]:
        """Query and body of the encrypted POST that carries ``inner``, stamped with the platform's time."""
        sealed = self.credentials.envelope.seal(inner)
        body = to_xml("xml", self._outer(sealed)).encode()
        return self._stamp(person, sealed), body

    def url_check(self) -> tuple[dict[str, str], str]:
        """The query of the check when a callback URL is saved, and what the bot must answer."""
        raise NotImplementedError

    def read_answer(self, body: bytes) -> dict[str, Any] | None:
        """The bot's passive answer, None when it has nothing to say; :class:`Garbled` when the platform could not read it."""
        if body in (b"", b"success"):
            return None
        try:
            outer = from_xml(body.decode())
            sealed, signature = str(outer["Encrypt"]), str(outer["MsgSignature"])
            timestamp, nonce = str(outer["TimeStamp"]), str(outer["Nonce"])
        except (KeyError, UnicodeDecodeError) as error:
            raise Garbled(f"the answer lacks {error}") from None
        self.credentials.envelope.check(signature, timestamp, nonce, sealed)
        return from_xml(self.credentials.envelope.open(sealed))

    def touched(self, person: Person, trigger: str) -> None:
        """Take note that ``person`` did something; only an Official Account keeps windows."""

    def cut(self, person: Person, text: str) -> str:
        """The text as the phone gets it: not more than 2048 bytes; a grey line tells of a cut."""
        short = text.encode()[:MAX_TEXT].decode(errors="ignore")
        if short != text:
            self.world.phones.add(person, self.channel, "note", "下一条超过 2048 字节，已被平台截断")
        return short

    def _outer(self, sealed: str) -> dict[str, Any]:
        raise NotImplementedError

    def _stamp(self, person: Person | None, sealed: str) -> dict[str, str]:
        timestamp, nonce = str(int(self.world.now().timestamp())), random_letters(10)
        signature = self.credentials.envelope.sign(timestamp, nonce, sealed)
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}

    # the API

    def call(self, call: Call) -> Answer:
        """Serve one API call."""
        key = (call.method, call.path)
        try:
            if route := self.open_routes.get(key):
                return route(call)
            self._check_token(call.query.get("access_token", ""))
            if route := self.routes.get(key):
                with self.world.lock:
                    return route(call)
            raise ApiError(-1, f"the simulator has no {call.method} {call.path}")
        except ApiError as error:
            return json_answer(error.code, error.text)

    def expire_tokens(self) -> None:
        """Let every token given so far be too old from now on (42001)."""
        with self.world.lock:
            self._tokens = dict.fromkeys(self._tokens, self.world.now())

    def revoke_tokens(self) -> None:
        """Forget every token given so far (40014)."""
        with self.world.lock:
            self._tokens, self._newest = {}, ""

    def _give_token(self, *, fresh: bool = False, retire: bool = False) -> Answer:
        """A token: the same one while it is valid, unless ``fresh``; ``retire`` ends the older ones."""
        now = self.world.now()
        with self.world.lock:
            if retire:
                self._tokens.clear()
            if fresh or retire or self._tokens.get(self._newest, now) <= now:
                self._newest = secrets.token_urlsafe(48)
                self._tokens[self._newest] = now + TOKEN_LIFE
            left = int((self._tokens[self._newest] - now).total_seconds())
            return json_answer(access_token=self._newest, expires_in=left)

    def _check_token(self, token: str) -> None:
        until = self._tokens.get(token)
        if not token:
            raise ApiError(41001, "access_token missing")
        if until is None:
            raise ApiError(40014, "invalid access_token")
        if until <= self.world.now():
            raise ApiError(42001, "access_token expired")

    def _check_secret(self, app_id: object, secret: object) -> None:
        if app_id != self.credentials.app_id:
            raise ApiError(40013, "invalid corpid or appid")
        if secret != self.credentials.secret:
            raise ApiError(40001, "invalid credential")

    def _create_menu(self, call: Call) -> Answer:
        buttons = call.json().get("button")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
            raise ApiError(40016, "invalid button size")
        for button in buttons:
            _check_button(button)
        self.menu = buttons
        return json_answer()

    def _get_menu(self, call: Call) -> Answer:
        if not self.menu:
            raise ApiError(46003, "menu no exist")
        return json_answer(button=self.menu)

    def _delete_menu(self, call: Call) -> Answer:
        self.menu = []
        return json_answer()

    def _get_media(self, call: Call) -> Answer:
        media = self.world.media(call.query.get("media_id", ""))
        if media is None:
            raise ApiError(40007, "invalid media_id")
        return Answer(media.content, media.mimetype)

    def _upload(self, call: Call) -> Answer:
        if call.query.get("type") not in ("image", "voice", "video", "file"):
            raise ApiError(40004, "invalid media type")
        if call.upload is None or len(call.upload.content) < 5:
            raise ApiError(44001, "empty media data")
        if len(call.upload.content) > MAX_UPLOAD:
            raise ApiError(40006, "invalid media size")
        media_id = self.world.keep_media(call.upload.name, call.upload.mimetype, call.upload.content)
        created = str(int(self.world.now().timestamp()))
        return json_answer(type=call.query["type"], media_id=media_id, created_at=created)

    def show(
        self, person: Person, kind: str, content: Mapping[str, Any], *, pushed: bool, msgid: str = ""
    ) -> Bubble:
        """Put what the bot sent on the phone; ``content`` is the object named after the message type, as the API spells it."""
        put = self.world.phones.add
        if kind == "text":
            return put(person, self.channel, "bot", str(content["content"]), pushed=pushed, msgid=msgid)
        if kind == "image":
            media = str(content["media_id"])
            return put(
                person, self.channel, "bot", "[图片]", kind="image", media=media, pushed=pushed, msgid=msgid
            )
        if kind == "news":
            articles = [_article(one) for one in content["articles"]]
            text = "\n".join(one["title"] for one in articles)
            return put(
                person, self.channel, "bot", text, kind="news", articles=articles, pushed=pushed, msgid=msgid
            )
        raise ApiError(40008, "invalid message type")


def _check_button(button: Any, *, inner: bool = False) -> None:
    """The platform's limits: 3 × 5 buttons, names of 16 and 40 bytes, keys of 128 bytes."""
    if not isinstance(button, dict) or not button.get("name"):
        raise ApiError(40018, "invalid button name size")
    if len(str(button["name"]).encode()) > (40 if inner else 16):
        raise ApiError(40018, "invalid button name size")
    below = button.get("sub_button") or []
    if (inner and below) or len(below) > 5:
        raise ApiError(40023, "invalid sub button size")
    for one in below:
        _check_button(one, inner=True)
    if below:
        return
    if button.get("type") == "view" and not button.get("url"):
        raise ApiError(40020, "invalid button url size")
    if button.get("type") in (None, ""):
        raise ApiError(40017, "invalid button type")
    if button["type"] != "view" and not 1 <= len(str(button.get("key", "")).encode()) <= 128:
        raise ApiError(40019, "invalid button key size")


def _article(one: Mapping[str, Any]) -> dict[str, str]:
    if not one.get("title"):
        raise ApiError(41016, "missing title")
    return {name: str(one.get(name) or "") for name in ("title", "description", "url", "picurl")}
