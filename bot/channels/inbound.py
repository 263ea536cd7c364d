"""The XML of an authentic message, read into a :class:`~bot.chat.Message`.

What the platform really sent but we cannot read or do not want is None, never an error: any status but 200 makes the platform send it again.
wechatpy's own parser takes ten times as long, knows no card events, and raises a dozen kinds of exceptions.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree

from bot.chat import CardEvent, Kind, Message, Place

log = logging.getLogger(__name__)

UNREADABLE = (ValueError, OverflowError, OSError, ElementTree.ParseError)
"""What decoding and parsing raise on odd input; dates beyond the calendar raise all of the first three."""

LONGEST_ID = 190


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message, and the account it was sent to, from which the answer must come."""

    message: Message
    account: str


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one message; a missing or empty one is "", one that is there twice is an error."""

    element: ElementTree.Element = field(repr=False)

    def __getitem__(self, name: str) -> str:
        found = self.element.findall(name)
        if not found:
            return ""
        if len(found) > 1 or len(found[0]) or found[0].attrib:
            raise ValueError(f"{name} is not one text")
        return (found[0].text or "").strip()

    def within(self, name: str) -> Fields:
        """The fields inside an element, none when it is missing."""
        found = self.element.find(name)
        return Fields(ElementTree.Element(name) if found is None else found)


def read(channel: str, xml: bytes) -> Inbound | None:
    """The message in ``xml``; None for what is unreadable or of no interest."""
    try:
        return _inbound(channel, Fields(_parsed(xml)))
    except UNREADABLE as error:
        log.warning("%s: an authentic message is unreadable (%s)", channel, type(error).__name__)
        return None


def _parsed(xml: bytes) -> ElementTree.Element:
    """The root element. Entities are refused, because a few bytes of them can stand for gigabytes."""
    text = xml.decode("utf-8-sig")  # whatever the declaration says
    if "<!ENTITY" in text.partition("<xml")[0]:
        raise ValueError("declares entities")
    return ElementTree.fromstring(text)  # noqa: S314  # no entities, and the platform's signature holds


def _inbound(channel: str, fields: Fields) -> Inbound | None:
    what = fields["MsgType"].lower()
    reader = EVENTS.get(fields["Event"].lower()) if what == "event" else MESSAGES.get(what, _other)
    if reader is None:
        return None
    if not (what and fields["FromUserName"]):
        raise ValueError("of no kind, or sent by nobody")
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


def _subscribed(fields: Fields) -> dict[str, Any]:
    """The key of a code of ours comes with a prefix when it led to the subscription."""
    return {"kind": Kind.SUBSCRIBE, "text": fields["EventKey"].removeprefix("qrscene_")}


def _scanned(fields: Fields) -> dict[str, Any]:
    return {"kind": Kind.SCAN, "text": fields.within("ScanCodeInfo")["ScanResult"]}


def _card(fields: Fields) -> dict[str, Any]:
    event = CardEvent(fields["TaskId"].partition("@")[0], fields["ResponseCode"], tuple(_chosen(fields)))
    return {"kind": Kind.CARD, "text": fields["EventKey"], "card": event}


def _chosen(fields: Fields) -> list[str]:
    if any((one.text or "").strip() for one in fields.element.findall("SelectedItems")):
        raise ValueError("SelectedItems is text")
    options = fields.element.findall("SelectedItems/SelectedItem/OptionIds/OptionId")
    return [option.text.strip() for option in options if option.text]


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
    "subscribe": _subscribed,
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
