"""WeCom (企业微信): one application of one corp."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cards import Card
from bot.channels import outbound
from bot.channels.api import Api, token_of
from bot.channels.application import Application
from bot.channels.envelope import Envelope
from bot.channels.inbound import Inbound
from bot.chat import Kind, Message, Reply, Sent
from bot.config import Settings
from bot.db import Database
from bot.models.identity import Identity
from bot.services.directory import Colleague

NO_SUCH_USER, NOT_PERMITTED = 60111, 48002
TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
USERID = re.compile(r"[0-9A-Za-z][^|\s]{0,63}")
"""Also keeps out "@all", which is everybody."""


class WeCom(Application):
    """The channel "wecom". A userid is written in any case by the platform, and in lower case by us."""

    name = "wecom"
    users_per_call = 1000

    def __init__(self, settings: Settings, database: Database) -> None:
        self._corp, self._agent = settings.wecom_corp_id, settings.wecom_agent_id
        self._secret = settings.wecom_secret.get_secret_value()
        token, key = settings.wecom_token.get_secret_value(), settings.wecom_aes_key.get_secret_value()
        application = f"wecom:{self._corp}:{self._agent}"
        api = Api(settings.wecom_api_base, application, database, self._fetch)
        super().__init__(Envelope(token, key, self._corp), api)

    def verify(self, query: Mapping[str, str]) -> str:
        """The decrypted word of the URL check."""
        return self._envelope.echo(query)

    def accept(self, read: Inbound) -> Message:
        """The message with its sender in lower case."""
        return replace(read.message, sender=read.message.sender.lower())

    def passive(self, message: Message, reply: Reply, now: datetime) -> str:
        """The answer as XML; a pressed button is answered on the button itself, which leaves no room for the text."""
        if reply.button and message.kind is Kind.CARD:
            label = outbound.tag("ReplaceName", reply.button[:10])
            body = f"{outbound.tag('MsgType', 'update_button')}<Button>{label}</Button>"
            return outbound.envelope(message.sender, self._corp, now, body)
        return outbound.passive(message.sender, self._corp, reply, now)

    def can_push(self, identity: Identity, now: datetime) -> bool:
        """At any time, to everybody who has the application."""
        return identity.reachable

    def send(self, users: list[str], body: Mapping[str, Any], now: datetime) -> Sent:
        """One call for up to 1000 users."""
        if len(users) > self.users_per_call:
            raise ValueError(f"WeCom takes {self.users_per_call} users a call")
        valid = [user for user in users if USERID.fullmatch(user)]
        unreached = {user: NO_SUCH_USER for user in users if user not in set(valid)}
        if not valid:
            return Sent(unreached=unreached)
        answer = self._api.post("message/send", self._message(valid, body), now)
        return Sent(str(answer.get("msgid", "")), unreached | _unreached(answer, valid))

    def recall(self, platform_id: str, now: datetime) -> None:
        """Take back what was sent within 24 hours; not in the WeChat plug-in."""
        self._api.post("message/recall", {"msgid": platform_id}, now)

    def probe(self, now: datetime) -> None:
        """Ask the platform about our own application."""
        self._api.get("agent/get", now, agentid=self._agent)

    def colleagues(self, now: datetime) -> list[Colleague]:
        """Everybody whom the application may see: account and name, no more; :class:`SendError` where the platform refuses.

        Departments are asked for one by one, because ``fetch_child`` is no longer documented. Somebody in two of them counts once.
        """
        answer = self._api.get("department/simplelist", now)
        numbers = [one.get("id") for one in answer.get("department_id", ())]
        found: dict[str, Colleague] = {}
        for number in numbers:
            users = self._api.get("user/simplelist", now, department_id=number).get("userlist", ())
            for user in users:
                account = str(user.get("userid", ""))
                if USERID.fullmatch(account):
                    found[account.lower()] = Colleague(account.lower(), str(user.get("name", "")))
        return list(found.values())

    def publish_menu(self, words: list[str]) -> None:
        """Replace the application's menu."""
        self._api.post("menu/create", outbound.click_menu(words), datetime.now(UTC), agentid=self._agent)

    def _message(self, users: list[str], body: Mapping[str, Any]) -> dict[str, Any]:
        card = _own_task(outbound.card_of(body), users)
        content = (card and template_card(card)) or outbound.push(body)
        return {"touser": "|".join(users), "agentid": self._agent, "enable_duplicate_check": 1, **content}

    def _fetch(self, refused: str) -> tuple[str, timedelta]:
        # None keeps wechatpy from adding a token to the call that asks for one.
        params = {"corpid": self._corp, "corpsecret": self._secret, "access_token": None}
        return token_of(self._api.ask("get", "gettoken", params=params))


def _own_task(card: Card | None, users: list[str]) -> Card | None:
    """The card with a task id of its own for these users: the platform takes each id once (42014), and a repeated call must look the same."""
    if card is None:
        return None
    mark = hashlib.sha256("|".join([card.title, card.description, *users]).encode()).hexdigest()[:12]
    return replace(card, task_id=f"{card.task_id}@{mark}")


def _unreached(answer: Mapping[str, Any], users: list[str]) -> dict[str, int]:
    """Whom the answer names as not reached; it writes userids in lower case. The codes are the nearest of the platform's own."""
    spelling = {user.lower(): user for user in users}
    named = {
        user.lower(): code
        for field, code in (("invaliduser", NO_SUCH_USER), ("unlicenseduser", NOT_PERMITTED))
        for user in str(answer.get(field) or "").split("|")
    }
    return {spelling[user]: code for user, code in named.items() if user in spelling}


def template_card(card: Card) -> dict[str, Any] | None:
    """The card as an API message; None when its limits would cut what must be read, so that the text is sent instead.

    Titles, options and buttons have the advised lengths of developer.work.weixin.qq.com/document/path/90236; longer ones end in "…" on the phone.
    An option's id is its number, counted from 1.
    """
    if not TASK_ID.fullmatch(card.task_id) or len(card.title) > 36:
        return None
    common = {"task_id": card.task_id, "main_title": {"title": card.title, "desc": card.description}}
    content = _vote(card) if card.options else _buttons(card)
    return content and {"msgtype": "template_card", "template_card": common | content}


def _buttons(card: Card) -> dict[str, Any] | None:
    keys = {button.key for button in card.buttons}
    if not 1 <= len(keys) == len(card.buttons) <= 6 or len(card.description) > 160:
        return None
    buttons = [{"text": button.text[:10], "style": 1, "key": button.key} for button in card.buttons]
    content: dict[str, Any] = {"card_type": "button_interaction", "button_list": buttons}
    if len(card.description) > 44:
        content |= {"main_title": {"title": card.title}, "sub_title_text": card.description}
    if card.url:
        content["horizontal_content_list"] = [
            {"type": 1, "keyname": "附件", "value": "点此打开", "url": card.url}
        ]
    return content


def _vote(card: Card) -> dict[str, Any] | None:
    if len(card.options) > 20 or len(card.description) > 44 or max(map(len, card.options)) > 17:
        return None
    options = [{"id": str(number), "text": text} for number, text in enumerate(card.options, start=1)]
    box = {"question_key": card.task_id, "mode": int(card.many), "option_list": options}
    return {
        "card_type": "vote_interaction",
        "checkbox": box,
        "submit_button": {"text": "提交", "key": "提交"},
    }
