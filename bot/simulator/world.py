"""What the platform knows: people, their phones with bubbles, stored media, and the time."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

ChannelName = Literal["wecom", "oa"]
Side = Literal["me", "bot", "note"]
KEPT = 500
MEDIA_LIFE = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone. ``hints`` are words offered above the keyboard; one that ends in a space is completed by hand.

    ``shown`` is False for people whom the platform knows but whose phone stands on nobody's screen.
    """

    name: str
    userid: str
    title: str = ""
    hints: tuple[str, ...] = ()
    shown: bool = True

    @property
    def openid(self) -> str:
        """The name of the same person on the Official Account."""
        return f"oa-{self.userid}"

    def address(self, channel: ChannelName) -> str:
        """What the platform calls this person on ``channel``."""
        return self.userid if channel == "wecom" else self.openid


@dataclass(slots=True)
class Bubble:
    """One thing on a phone's screen. ``side`` is "me", "bot" or "note" (a grey line of the platform's own).

    ``pushed`` marks what the bot sent unasked; ``card`` is the template card as sent, with "replaced" (the text on its dead button) and "chosen"
    (ticked options) once they exist; ``rev`` grows with each change, so that a screen can ask for what is new.
    """

    id: int
    rev: int
    userid: str
    channel: ChannelName
    side: Side
    kind: Literal["text", "image", "news", "card"]
    text: str
    at: datetime
    pushed: bool = False
    media: str = ""
    articles: list[dict[str, str]] = field(default_factory=list)
    card: dict[str, Any] = field(default_factory=dict)
    msgid: str = ""
    recalled: bool = False


class Phones:
    """All bubbles of all phones, the newest ``KEPT`` of each; every change gets the next revision number."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.RLock()
        self._rev = 0
        self._bubbles: dict[tuple[str, ChannelName], list[Bubble]] = {}

    def add(self, person: Person, channel: ChannelName, side: Side, text: str = "", **more: Any) -> Bubble:
        """Put a bubble on the phone."""
        with self._lock:
            self._rev += 1
            kind = more.pop("kind", "text")
            bubble = Bubble(
                self._rev, self._rev, person.userid, channel, side, kind, text, self._now(), **more
            )
            thread = self._bubbles.setdefault((person.userid, channel), [])
            thread.append(bubble)
            del thread[:-KEPT]
            return bubble

    def change(self, bubble: Bubble, **fields: Any) -> None:
        """Change a bubble that is already on the screen."""
        with self._lock:
            self._rev += 1
            for name, value in (fields | {"rev": self._rev}).items():
                setattr(bubble, name, value)

    def thread(self, person: Person, channel: ChannelName) -> list[Bubble]:
        """The bubbles of one phone, oldest first."""
        with self._lock:
            return list(self._bubbles.get((person.userid, channel), ()))

    def find(self, match: Callable[[Bubble], bool]) -> list[Bubble]:
        """All bubbles for which ``match`` holds."""
        with self._lock:
            return [bubble for thread in self._bubbles.values() for bubble in thread if match(bubble)]

    def since(self, rev: int) -> tuple[int, list[dict[str, Any]]]:
        """The newest revision, and the bubbles that changed after ``rev`` as plain data, in the order of their arrival."""
        with self._lock:
            changed = self.find(lambda bubble: bubble.rev > rev)
            return self._rev, [asdict(one) for one in sorted(changed, key=lambda bubble: bubble.id)]


@dataclass(frozen=True, slots=True)
class Media:
    """A stored picture, voice or file."""

    name: str
    mimetype: str
    content: bytes
    kept_until: datetime


class World:
    """People, phones and media of one simulated platform, with one lock and one clock."""

    def __init__(self, people: Iterable[Person], now: Callable[[], datetime]) -> None:
        self.people = tuple(people)
        self.now = now
        self.lock = threading.RLock()
        self.phones = Phones(now)
        self._media: dict[str, Media] = {}
        # Starts anywhere, because a database may outlive the platform and must not meet an old number again.
        self._number = secrets.randbelow(10**17) + 10**17

    def person(self, who: Person | str) -> Person:
        """The person of that name or userid; KeyError when there is none."""
        if isinstance(who, Person):
            return who
        for one in self.people:
            if who in (one.name, one.userid):
                return one
        raise KeyError(who)

    def at_address(self, address: str, channel: ChannelName) -> Person | None:
        """The person behind a userid (case does not matter) or an openid."""
        for one in self.people:
            mine = one.address(channel)
            if mine == address or (channel == "wecom" and mine.lower() == address.lower()):
                return one
        return None

    def next_number(self) -> int:
        """A number never given before, for MsgId and the like."""
        with self.lock:
            self._number += 1
            return self._number

    def keep_media(self, name: str, mimetype: str, content: bytes) -> str:
        """Store a file; its media id."""
        media_id = secrets.token_urlsafe(24)
        with self.lock:
            self._media[media_id] = Media(name, mimetype, content, self.now() + MEDIA_LIFE)
        return media_id

    def media(self, media_id: str) -> Media | None:
        """The stored file, unless unknown or older than three days."""
        with self.lock:
            found = self._media.get(media_id)
        return found if found and found.kept_until > self.now() else None


def shown(people: Iterable[Person]) -> Iterator[Person]:
    """Those whose phones are on the page."""
    return (person for person in people if person.shown)
