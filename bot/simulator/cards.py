"""Template cards: what the platform refuses, one-time response codes, and cards that change after a click."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.faults import ApiError

TASK_ID = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
INTERACTIVE = {"button_interaction", "vote_interaction", "multiple_interaction"}
CODE_LIFE = timedelta(hours=72)
LISTS = {
    "button_list",
    "option_list",
    "horizontal_content_list",
    "vertical_content_list",
    "jump_list",
    "select_list",
    "action_list",
}
ONE_WORD = {
    "check_box": "checkbox",
    "key_name": "keyname",
    "page_path": "pagepath",
    "app_id": "appid",
    "user_id": "userid",
}


def check_card(card: Any, used: Collection[str]) -> None:
    """Refuse a card as the platform does: 42014 for a bad or used task_id, 41016 without a title, 40058 for the rest of its shape."""
    if not isinstance(card, dict) or not card.get("card_type"):
        raise ApiError(40058, "invalid template_card")
    kind = card["card_type"]
    if kind in INTERACTIVE and (
        not TASK_ID.fullmatch(str(card.get("task_id", ""))) or card["task_id"] in used
    ):
        raise ApiError(42014, "invalid task_id")
    if not _text(card.get("main_title"), "title") and not card.get("sub_title_text"):
        raise ApiError(41016, "missing title")
    if kind in ("text_notice", "news_notice") and not card.get("card_action"):
        raise ApiError(40058, "card_action missing")
    if kind == "button_interaction":
        _check_list(card.get("button_list"), 6, "key")
    if kind == "vote_interaction":
        box = card.get("checkbox")
        _check_list(box.get("option_list") if isinstance(box, dict) else None, 20, "id")
        if not _text(box, "question_key") or not _text(card.get("submit_button"), "key"):
            raise ApiError(40058, "question_key or submit_button missing")
    if len(card.get("horizontal_content_list") or ()) > 6 or len(card.get("jump_list") or ()) > 3:
        raise ApiError(40058, "too many lines or jumps")


def _text(node: Any, name: str) -> str:
    return str(node.get(name) or "") if isinstance(node, Mapping) else ""


def _check_list(items: Any, most: int, key: str) -> None:
    if not isinstance(items, list) or not 1 <= len(items) <= most:
        raise ApiError(40058, f"1 to {most} entries expected")
    keys = [_text(item, key) for item in items if _text(item, "text")]
    if len(keys) < len(items) or not all(keys) or len(set(keys)) < len(keys):
        raise ApiError(40058, f"each entry needs a text and a {key} of its own")


@dataclass(slots=True)
class _Code:
    msgid: str
    until: datetime


class ResponseCodes:
    """The codes that allow to change a card: each works once, for 72 hours."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._codes: dict[str, _Code] = {}

    def issue(self, msgid: str) -> str:
        """A code for the card that was sent as ``msgid``."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = _Code(msgid, self._now() + CODE_LIFE)
        return code

    def spend(self, code: str) -> str:
        """The msgid of the card this code may change. The number for a bad code is not published, so any refusal does."""
        found = self._codes.pop(code, None)
        if found is None or found.until <= self._now():
            raise ApiError(40058, "response_code unknown, used or too old")
        return found.msgid


def card_title(card: Mapping[str, Any]) -> str:
    """What stands in the list of chats, and what tests read."""
    lines = (
        _text(card.get("main_title"), "title"),
        _text(card.get("main_title"), "desc"),
        card.get("sub_title_text"),
    )
    return "\n".join(str(line) for line in lines if line)


def card_from_xml(node: Mapping[str, Any]) -> dict[str, Any]:
    """A card of a passive answer (CardType, MainTitle …) in the spelling of the API (card_type, main_title …)."""
    return dict(_respell(tag, child) for tag, child in node.items())


def _respell(tag: str, child: Any) -> tuple[str, Any]:
    name = re.sub(r"(?<!^)(?=[A-Z])", "_", tag).lower()
    name = ONE_WORD.get(name, name)
    items = child if isinstance(child, list) else [child]
    plain = [card_from_xml(item) if isinstance(item, dict) else item for item in items]
    return name, plain if name in LISTS else plain[0]
