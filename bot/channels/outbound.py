"""What is said, as the platforms want it: clean, within their limits, as XML for passive answers and JSON for the API."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.cards import Article, Button, Card
from bot.chat import Reply

TEXT_BYTES = 2048
TITLE_BYTES, DESCRIPTION_BYTES = 128, 512
SEEN_CHARACTERS, SEEN_LINES = 90, 3
"""What a phone shows of an article's description before it breaks off."""

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry, and that no JSON message needs."""


def clean(text: str) -> str:
    """``text`` without control characters and lone surrogates."""
    return NOT_XML.sub("", text)


def cut(text: str, limit: int) -> str:
    """At most ``limit`` bytes of UTF-8, cut between characters and marked with "…"."""
    raw = clean(text).encode()
    if len(raw) <= limit:
        return raw.decode()
    return raw[: limit - len("…".encode())].decode(errors="ignore") + "…"


def shown_as_article(text: str, article: Article | None) -> Article | None:
    """The article with ``text`` as its description, when a news card can show all of it; else None, for :func:`shown_as_text`.

    A news card is one message without any other text, and what is not seen on it is lost.
    """
    if article is None or len(text) > SEEN_CHARACTERS or text.count("\n") >= SEEN_LINES:
        return None
    return Article(
        title=cut(article.title, TITLE_BYTES),
        description=cut(text or article.description, DESCRIPTION_BYTES),
        url=article.url,
        picture=article.picture,
    )


def shown_as_text(text: str, article: Article | None = None) -> str:
    """The text within the platform's limit; an article becomes its title and address below (unless they stand in it), never cut off."""
    link = f"\n{article.title}\n{article.url}" if article and article.url not in text else ""
    return cut(text, TEXT_BYTES - len(clean(link).encode())) + clean(link)


def passive(to: str, account: str, reply: Reply, at: datetime) -> str:
    """The XML of a passive answer with text or one article."""
    article = None if reply.choices else shown_as_article(reply.text, reply.article)
    body = _news(article) if article else _text(shown_as_text(reply.text, reply.article))
    return envelope(to, account, at, body)


def envelope(to: str, account: str, at: datetime, body: str) -> str:
    """The XML around the ``body`` of a passive answer."""
    head = (
        tag("ToUserName", to)
        + tag("FromUserName", account)
        + f"<CreateTime>{int(at.timestamp())}</CreateTime>"
    )
    return f"<xml>{head}{body}</xml>"


def tag(name: str, value: str) -> str:
    """An element whose content stays text whatever stands in it."""
    safe = clean(value).replace("]]>", "]]]]><![CDATA[>")
    return f"<{name}><![CDATA[{safe}]]></{name}>"


def _text(content: str) -> str:
    return tag("MsgType", "text") + tag("Content", content)


def _news(article: Article) -> str:
    item = (
        tag("Title", article.title)
        + tag("Description", article.description)
        + tag("PicUrl", article.picture)
        + tag("Url", article.url)
    )
    return f"{tag('MsgType', 'news')}<ArticleCount>1</ArticleCount><Articles><item>{item}</item></Articles>"


def push(body: Mapping[str, Any]) -> dict[str, Any]:
    """The part of an API message that carries text or one article; both platforms want the same."""
    article = Article(**body["article"]) if body.get("article") else None
    text = body.get("text", "")
    shown = shown_as_article(text, article)
    if not shown:
        return {"msgtype": "text", "text": {"content": shown_as_text(text, article)}}
    item = {"title": shown.title, "description": shown.description, "url": shown.url, "picurl": shown.picture}
    return {"msgtype": "news", "news": {"articles": [item]}}


def card_of(body: Mapping[str, Any]) -> Card | None:
    """The card in a stored ``body``, as :func:`dataclasses.asdict` wrote it."""
    raw = body.get("card")
    if not raw:
        return None
    buttons = tuple(Button(**button) for button in raw.get("buttons", ()))
    return Card(**{**raw, "buttons": buttons, "options": tuple(raw.get("options", ()))})


def click_menu(words: list[str]) -> dict[str, Any]:
    """The menu of both platforms: two words at the front, the others (at most five) under 更多; a click says the word.

    The platforms allow three buttons with names of 4 characters, and five under each with names of 8.
    """
    if len(words) <= 3:
        return {"button": [_click(word, 4) for word in words]}
    if len(words) > 7:
        raise ValueError("a menu has room for seven words")
    front, rest = words[:2], words[2:]
    more = {"name": "更多", "sub_button": [_click(word, 8) for word in rest]}
    return {"button": [*(_click(word, 4) for word in front), more]}


def _click(word: str, characters: int) -> dict[str, str]:
    return {"type": "click", "name": word[:characters], "key": word}
