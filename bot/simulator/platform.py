"""The platform: people write, their messages travel encrypted to the bot's webhook, and its answers and pushes land on their phones."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.simulator.account import Account, Credentials
from bot.simulator.delivery import LIMIT, Delivery, Exchange, Letter, Post
from bot.simulator.faults import SENDING, Answer, Call, Fault, FaultKind, Faults, misbehave
from bot.simulator.official_account import OfficialAccount
from bot.simulator.wecom import WeCom
from bot.simulator.world import Bubble, ChannelName, Person, World

CORP_ID, AGENT_ID = "wwzhibudemo0000001", 1000002
APP_ID, GH_ID = "wxzhibudemo0000001", "gh_zhibudemo0001"


class Platform:
    """WeCom and an Official Account for a few people, thread-safe.

    ``post`` reaches the bot's webhook; ``now`` is the injected clock (aware) that stamps and ages everything; ``timer`` and ``sleep`` measure and
    spend real seconds for the platform's time limit of ``limit`` seconds. ``base_url`` is where the page is mounted, for the links of pictures.
    """

    def __init__(
        self,
        people: Iterable[Person],
        post: Post,
        now: Callable[[], datetime],
        *,
        limit: float = LIMIT,
        timer: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        base_url: str = "http://127.0.0.1:8000",
    ) -> None:
        self.world = World(people, now)
        self.wecom = WeCom(self.world, Credentials.new(CORP_ID), AGENT_ID)
        self.oa = OfficialAccount(self.world, Credentials.new(APP_ID), GH_ID)
        self.delivery = Delivery(post, limit, timer, sleep)
        self.base_url = base_url
        self.mode: ChannelName = "wecom"
        self.faults = Faults()
        self.calls: deque[Call] = deque(maxlen=1000)

    def settings(self) -> dict[str, str]:
        """The values for ``bot.config.Settings`` that make the bot talk to this platform (without the two API addresses)."""
        values = {"wecom_corp_id": CORP_ID, "wecom_agent_id": str(AGENT_ID), "oa_app_id": APP_ID}
        for account in (self.wecom, self.oa):
            keys = account.credentials
            values[f"{account.channel}_secret"] = keys.secret
            values[f"{account.channel}_token"] = keys.envelope.token
            values[f"{account.channel}_aes_key"] = keys.envelope.aes_key
        return values

    def account(self, channel: ChannelName | None = None) -> Account:
        """The application behind ``channel``; that of the current mode when None."""
        return self.oa if (channel or self.mode) == "oa" else self.wecom

    @property
    def problems(self) -> list[str]:
        """What a real platform would not have understood in the bot's answers; empty when all is well."""
        return list(self.delivery.problems)

    def phone(self, who: Person | str, channel: ChannelName | None = None) -> list[Bubble]:
        """The bubbles on somebody's phone, oldest first."""
        return self.world.phones.thread(self.world.person(who), channel or self.mode)

    # what people do

    def say(self, who: Person | str, text: str, channel: ChannelName | None = None) -> Exchange:
        """Type ``text`` and send it."""
        return self._message(who, channel, text, {"MsgType": "text", "Content": text})

    def send_image(
        self,
        who: Person | str,
        content: bytes,
        mimetype: str = "image/png",
        name: str = "photo.png",
        channel: ChannelName | None = None,
    ) -> Exchange:
        """Send a picture."""
        media = self.world.keep_media(name, mimetype, content)
        fields = {"MsgType": "image", "PicUrl": f"{self.base_url}/simulator/media/{media}", "MediaId": media}
        return self._message(who, channel, "[图片]", fields, kind="image", media=media)

    def send_voice(
        self, who: Person | str, recognised: str = "", channel: ChannelName | None = None
    ) -> Exchange:
        """Speak; ``recognised`` is what the platform understood, when recognition is on."""
        media = self.world.keep_media("voice.amr", "audio/amr", b"#!AMR\n")
        fields = {"MsgType": "voice", "MediaId": media, "Format": "amr"}
        if recognised:
            fields["Recognition"] = recognised
        return self._message(who, channel, f"[语音] {recognised}".strip(), fields)

    def send_location(
        self,
        who: Person | str,
        latitude: str,
        longitude: str,
        label: str = "",
        channel: ChannelName | None = None,
    ) -> Exchange:
        """Send a place in degrees."""
        fields = {
            "MsgType": "location",
            "Location_X": latitude,
            "Location_Y": longitude,
            "Scale": 16,
            "Label": label,
        }
        return self._message(who, channel, f"[位置] {label}".strip(), fields)

    def send_link(
        self, who: Person | str, title: str, url: str, channel: ChannelName | None = None
    ) -> Exchange:
        """Share a link."""
        fields = {"MsgType": "link", "Title": title, "Description": "", "Url": url, "PicUrl": ""}
        return self._message(who, channel, f"[链接] {title}", fields)

    def event(
        self, who: Person | str, event: str, key: str = "", channel: ChannelName | None = None, **more: Any
    ) -> Exchange:
        """An event in WeCom's spelling (subscribe, enter_agent, click, scancode_waitmsg …); ``more`` are further fields."""
        account, person = self.account(channel), self.world.person(who)
        name = (
            event.upper()
            if account.channel == "oa" and event in ("click", "view", "scan", "location")
            else event
        )
        account.touched(person, "scan" if event == "scancode_waitmsg" else event)
        fields = {"MsgType": "event", "Event": name, "EventKey": key, **more}
        return self.delivery.exchange(Letter(account, person, account.letter(person, fields)), "")

    def click(self, who: Person | str, key: str, channel: ChannelName | None = None) -> Exchange:
        """Tap a button of the menu."""
        person, account = self.world.person(who), self.account(channel)
        self.world.phones.add(person, account.channel, "note", f"点了菜单「{menu_name(account, key)}」")
        return self.event(person, "click", key, account.channel)

    def scan(
        self, who: Person | str, value: str, key: str = "scan", channel: ChannelName | None = None
    ) -> Exchange:
        """Scan a code through the menu; ``value`` is what stands in it."""
        person, account = self.world.person(who), self.account(channel)
        self.world.phones.add(person, account.channel, "note", "扫了一个二维码")
        result = {"ScanType": "qrcode", "ScanResult": value}
        return self.event(person, "scancode_waitmsg", key, account.channel, ScanCodeInfo=result)

    def press(self, who: Person | str, bubble_id: int, key: str, chosen: Iterable[str] = ()) -> Exchange:
        """Press a button of a template card, with the options ticked; ValueError when the card is dead or has no such button."""
        person = self.world.person(who)
        card = next(
            (one for one in self.phone(person, "wecom") if one.id == bubble_id and one.kind == "card"), None
        )
        if card is None or card.recalled or card.card.get("replaced") or key not in button_keys(card.card):
            raise ValueError("this card has no such button any more")
        picked = list(chosen)
        fields = {"MsgType": "event", "Event": "template_card_event", "EventKey": key}
        fields |= {"TaskId": str(card.card.get("task_id", "")), "CardType": str(card.card["card_type"])}
        with self.world.lock:
            fields["ResponseCode"] = self.wecom.codes.issue(card.msgid)
        content: dict[str, Any] = dict(fields)
        if picked:
            self.world.phones.change(card, card={**card.card, "chosen": picked})
            item = {
                "QuestionKey": card.card.get("checkbox", {}).get("question_key", ""),
                "OptionIds": {"OptionId": picked},
            }
            content["SelectedItems"] = {"SelectedItem": item}
        letter = Letter(self.wecom, person, self.wecom.letter(person, content), card)
        return self.delivery.exchange(letter, "")

    def envelope(
        self, who: Person | str, text: str, channel: ChannelName | None = None
    ) -> tuple[str, dict[str, str], bytes]:
        """Path, query and body of an authentic text message that is not sent: for tests that bend it."""
        account, person = self.account(channel), self.world.person(who)
        fields = {"MsgType": "text", "Content": text, "MsgId": self.world.next_number()}
        return account.callback, *account.request(person, account.letter(person, fields))

    def _message(
        self,
        who: Person | str,
        channel: ChannelName | None,
        shown: str,
        fields: dict[str, Any],
        **bubble: Any,
    ) -> Exchange:
        account, person = self.account(channel), self.world.person(who)
        number = self.world.next_number()
        self.world.phones.add(person, account.channel, "me", shown, **bubble)
        account.touched(person, "message")
        letter = Letter(account, person, account.letter(person, {**fields, "MsgId": number}))
        return self.delivery.exchange(letter, str(number))

    # what the bot calls

    def call(self, channel: ChannelName, call: Call) -> Answer:
        """Serve one API call, or the misbehaviour ordered for it."""
        self.calls.append(call)
        account = self.account(channel)
        fault = self.faults.take(call.path)
        return misbehave(fault, lambda: account.call(call)) if fault else account.call(call)

    def fail(self, code: int, *, times: int = 1, on: str = SENDING) -> None:
        """Answer the next ``times`` calls whose path contains ``on`` with this errcode; nothing is done."""
        self.faults.order(Fault("code", times, on, code=code))

    def hang(self, seconds: float = 30, *, times: int = 1, on: str = SENDING) -> None:
        """Keep silent for ``seconds``; nothing is done."""
        self._order("hang", seconds, times, on)

    def html(self, *, times: int = 1, on: str = SENDING) -> None:
        """Answer 200 with a login page, as a company's proxy does; nothing is done."""
        self._order("html", 0, times, on)

    def close(self, *, times: int = 1, on: str = SENDING) -> None:
        """Break the connection in the middle of the answer; nothing is done."""
        self._order("close", 0, times, on)

    def drip(self, seconds: float = 30, *, times: int = 1, on: str = SENDING) -> None:
        """Do the work, then spread the bytes of the answer over ``seconds``."""
        self._order("drip", seconds, times, on)

    def accept_then_timeout(self, seconds: float = 30, *, times: int = 1, on: str = SENDING) -> None:
        """Do the work, then keep the answer back for ``seconds``."""
        self._order("accept_then_timeout", seconds, times, on)

    def behave(self) -> None:
        """Forget all misbehaviour ordered so far, and the slow network."""
        self.faults.clear()
        self.delivery.slow = None

    def _order(self, kind: FaultKind, seconds: float, times: int, on: str) -> None:
        self.faults.order(Fault(kind, times, on, seconds=seconds))


def button_keys(card: Mapping[str, Any]) -> set[str]:
    """The keys that can be pressed on a card as it is now."""
    buttons = [one for one in card.get("button_list", ()) if not one.get("type")]
    submit = card.get("submit_button")
    return {str(one.get("key")) for one in [*buttons, *([submit] if submit else [])]}


def menu_name(account: Account, key: str) -> str:
    """What stands on the menu button with this key; the key itself when there is none."""
    for button in account.menu:
        for one in [button, *(button.get("sub_button") or [])]:
            if one.get("key") == key:
                return str(one["name"])
    return key
