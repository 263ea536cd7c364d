"""Links and cards: plain data that handlers, the outbox and channels share."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Article:
    """A link with a title, shown as a news card where the channel can."""

    title: str
    description: str
    url: str
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Button:
    """A button of a card; ``key`` is the word that pressing it says."""

    text: str
    key: str


@dataclass(frozen=True, slots=True)
class Card:
    """A template card with buttons, or with options to tick (``options``, then one submit button). The text twin always goes with it.

    ``url`` is a page that belongs to it, such as an attachment: a line of its own to press.
    """

    task_id: str
    title: str
    description: str = ""
    buttons: tuple[Button, ...] = ()
    options: tuple[str, ...] = ()
    many: bool = False
    url: str = ""
