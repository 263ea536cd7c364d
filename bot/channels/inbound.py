"""The XML of an authentic message, read into a :class:`~bot.chat.Message`.

What the platform really sent but we cannot read or do not want is None, never an error: any status but 200 makes the platform send it again.
"""

from __future__ import annotations

import hashlib
import logging
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.parsers.expat import ExpatError

from wechatpy import parse_message
from wechatpy.exceptions import WeChatException

from bot.chat import CardEvent, Kind, Message, Place

log = logging.getLogger(__name__)

UNREADABLE = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    struct.error,
    OverflowError,
    OSError,
    RecursionError,
    ExpatError,
    WeChatException,
)
"""Everything that decoding and parsing were seen to raise on odd input."""

LONGEST_ID = 190


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message, and the account it was sent to, from which the answer must come."""

    message: Message
    account: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one message; a missing or empty one is "", one that is there twice is an error."""

    raw: dict[str, Any] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        value = self.raw.get(name)
        if value is not None and not isinstance(value, str):
            raise TypeError(f"{name} is not one text")
        return value or ""

    def within(self, name: str) -> Fields:
        """The fields inside an element, none when it is missing."""
        return Fields(self.raw.get(name) or {})

    def every(self, name: str) -> list[Any]:
        """The elements of this name: none, one (not a list in xmltodict) or many."""
        value = self.raw.get(name)
        if value is None:
            return []
        return value if isinstance(value, list) else [value]


def read(channel: str, xml: bytes) -> Inbound | None:
    """The message in ``xml``; None for what is unreadable or of no interest."""
    try:
        return _inbound(channel, Fields(parse_message(xml)._data))
    except UNREADABLE as error:
        log.warning("%s: an authentic message is unreadable (%s)", channel, type(error).__name__)
        return None


def _inbound(channel: str, fields: Fields) -> Inbound | None:
    what = fields["MsgType"].lower()
    reader = EVENTS.get(fields["Event"].lower()) if what == "event" else MESSAGES.get(what, _other)
    if reader is None:
        return None
    if not fields["FromUserName"]:
        raise ValueError("nobody sent it")
    message = Message(
        id=_id(fields),
        channel=channel,
        sender=fields["FromUserName"],
        at=datetime.fromtimestamp(int(fields["CreateTime"]), UTC),
        **reader(fields),
    )
    return Inbound(message, fields["ToUserName"])


def _id(fields: Fields) -> str:
    """What a repeated delivery repeats. Events have no MsgId, and two clicks within a second differ in their key only."""
    if fields["MsgId"] and len(fields["MsgId"]) <= LONGEST_ID:
        return fields["MsgId"]
    parts = [fields[name] for name in ("FromUserName", "CreateTime", "Event", "EventKey", "TaskId", "MsgId")]
    return "event-" + hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _text(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.TEXT, "text": fields["Content"]}


def _image(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.IMAGE, "media": fields["MediaId"], "url": fields["PicUrl"]}


def _voice(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.VOICE, "media": fields["MediaId"], "text": fields["Recognition"]}


def _video(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.VIDEO, "media": fields["MediaId"]}


def _file(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.FILE, "media": fields["MediaId"], "text": fields["Title"]}


def _link(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.LINK, "text": fields["Title"], "url": fields["Url"]}


def _location(fields: Fields) -> dict[str, Any]:
    latitude, longitude = float(fields["Location_X"]), float(fields["Location_Y"])
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):
        raise ValueError("not on Earth")
    return {"kind": Kind.LOCATION, "place": Place(latitude, longitude, fields["Label"])}


def _other(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.OTHER}


def _keyed(kind: Kind) -> Callable[[Fields], dict[str, Any]]:
    return lambda fields: {"kind": kind, "text": fields["EventKey"]}


def _scanned(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.SCAN, "text": fields.within("ScanCodeInfo")["ScanResult"]}


def _card(fields: Fields) -> dict[str, Any]:
    event = CardEvent(fields["TaskId"].partition("@")[0], fields["ResponseCode"], tuple(_chosen(fields)))
    return {"kind": Kind.CARD, "text": fields["EventKey"], "card": event}


def _chosen(fields: Fields) -> list[str]:
    items = [Fields(item) for item in fields.within("SelectedItems").every("SelectedItem")]
    options = [option for item in items for option in item.within("OptionIds").every("OptionId")]
    return [option for option in options if isinstance(option, str)]


MESSAGES: dict[str, Callable[[Fields], dict[str, Any]]] = {
    "text": _text,
    "image": _image,
    "voice": _voice,
    "video": _video,
    "shortvideo": _video,
    "file": _file,
    "link": _link,
    "location": _location,
}

EVENTS: dict[str, Callable[[Fields], dict[str, Any]]] = {
    "subscribe": _keyed(Kind.SUBSCRIBE),
    # wechatpy's name for a subscription by a code of ours; it has taken "qrscene_" off the key
    "subscribe_scan": _keyed(Kind.SUBSCRIBE),
    "unsubscribe": _keyed(Kind.UNSUBSCRIBE),
    "enter_agent": lambda fields: {"kind": Kind.ENTER},
    "click": _keyed(Kind.CLICK),
    "scan": _keyed(Kind.SCAN),
    "scancode_push": _scanned,
    "scancode_waitmsg": _scanned,
    "template_card_event": _card,
    "template_card_menu_event": _card,
}
"""What is not here is of no interest: positions reported every 5 s, opened links, results of other jobs."""
