"""The vocabulary of handlers: Message in, Reply or Ask out, Context between, Router to say which words lead where.

Handlers never learn which channel they serve, and never commit: they get a :class:`Context` and return what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from bot.cards import Article
from bot.services.permission import Action, Actor, actor_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement
    from sqlalchemy.orm import Session

    from bot.config import Settings
    from bot.models.identity import Identity
    from bot.models.member import Member
    from bot.talk import Talk


class Kind(StrEnum):
    """What a member sent or did."""

    TEXT = "text"
    IMAGE = "image"
    VOICE = "voice"
    VIDEO = "video"
    FILE = "file"
    LOCATION = "location"
    LINK = "link"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ENTER = "enter"
    CLICK = "click"
    SCAN = "scan"
    CARD = "card"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Place:
    """A position a member chose to send; degrees, WGS or GCJ as the platform gives it."""

    latitude: float
    longitude: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class CardEvent:
    """A click on a template card: ``response_code`` may be used once to change the card, ``chosen`` are the ticked options."""

    task_id: str
    response_code: str = ""
    chosen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """One thing that one person sent, the same on every channel.

    ``id`` is what the platform repeats on a retry: MsgId, or sender+time+event+key for events. ``at`` is the platform's own time (aware).
    ``text`` is the text, the recognised voice, the key of a click or card button, or the value of a scanned code.
    """

    id: str
    channel: str
    sender: str
    kind: Kind
    at: datetime
    text: str = ""
    media: str = ""
    url: str = ""
    place: Place | None = None
    card: CardEvent | None = None


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take back what was just done: a function registered with ``@router.undo`` and the plain data it needs."""

    act: Callable[..., str]
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is said back. ``choices`` are the words that 1, 2, 3 … stand for; ``button`` is shown on a pressed card button.

    ``once``: the text is a secret shown once; a substitute sentence is kept in its place. ``alone``: no line about what waits is added, because
    hundreds get this answer within a minute, and looking would cost more than the rest.
    """

    text: str = field(kw_only=False)
    choices: tuple[str, ...] = ()
    article: Article | None = None
    button: str = ""
    undo: Undo | None = None
    once: bool = False
    alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask(Reply):
    """A reply that waits for an answer: ``step`` gets it, with ``data`` (JSON) as it was now.

    ``title`` names the unfinished thing in the line under other answers, e.g. "专项进行到 2/10"; ``prompt`` is what 继续 shows when it is not
    the whole text (a verdict before the next question need not come again).
    """

    step: Callable[..., Any]
    data: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    prompt: str = ""
    lasts: timedelta = timedelta(days=1)


Answer = Reply | str
"""A handler may return plain text where there is nothing else to say."""


@dataclass(slots=True)
class Context:
    """All a handler may use: the open transaction, who speaks, what was said, and the time (aware, in the branch's zone)."""

    session: Session
    message: Message
    identity: Identity
    now: datetime
    settings: Settings
    router: Router
    talk: Talk
    _actor: Actor | None = None

    @property
    def member(self) -> Member:
        """The sender; only handlers for strangers run without one."""
        assert self.identity.member is not None, "a handler for members ran for a stranger"
        return self.identity.member

    @property
    def actor(self) -> Actor:
        """The sender with roles and scope, read once per message."""
        if self._actor is None:
            self._actor = actor_of(self.session, self.member, on=self.now.date(), acts_for=self.talk.acts_for)
        return self._actor


class Channel(Protocol):
    """A platform seen from inside. Only these objects know XML, encryption and the platform's API."""

    name: str
    users_per_call: int

    def verify(self, query: Mapping[str, str]) -> str:
        """The answer to the platform's URL check; :class:`Unauthentic` when it does not come from the platform."""

    def receive(self, query: Mapping[str, str], body: bytes, now: datetime) -> Message | None:
        """The authentic message; None when authentic but nothing for us; :class:`Unauthentic` otherwise."""

    def render(self, message: Message, reply: Reply | None, now: datetime) -> str:
        """The encrypted passive answer; the empty string for no answer."""

    def can_push(self, identity: Identity, now: datetime) -> bool:
        """May a push reach this person now? (An Official Account only within its window.)"""

    def send(self, users: list[str], body: Mapping[str, Any], now: datetime) -> Sent:
        """One API call for the same ``body`` ({"text", "article"?, "card"?}) to ``users``; :class:`SendError` when none was sent."""

    def recall(self, platform_id: str, now: datetime) -> None:
        """Take what was sent under this id off the phones; :class:`SendError` when the platform will not or cannot."""

    def refresh_token(self, now: datetime) -> None:
        """Renew the access token when it nears its end."""

    def probe(self, now: datetime) -> None:
        """A harmless call that needs the application's rights and a trusted address; :class:`SendError` says what is missing."""

    def publish_menu(self, words: list[str]) -> None:
        """Create the platform's menu; a click says the word."""

    def download(self, media: str, now: datetime) -> bytes:
        """The content of an image or voice that a member sent."""


class Unauthentic(Exception):
    """The request does not come from the platform, or is malformed before that can be known; answered with 4xx and no detail."""

    def __init__(self, why: str, status: int = 403) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Sent:
    """What the platform said to one send: its id for a recall, and who was not reached, with the reason code."""

    platform_id: str = ""
    unreached: Mapping[str, int] = field(default_factory=dict)


class SendError(Exception):
    """A send failed as a whole. ``code`` is the platform's errcode or 0 for the network; ``permanent`` means do not try again."""

    def __init__(
        self, code: int, text: str, *, permanent: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(f"{code} {text}")
        self.code, self.permanent, self.retry_after = code, permanent, retry_after


Handler = Callable[..., Answer]
F = TypeVar("F", bound=Handler)
U = TypeVar("U", bound=Callable[..., str])
L = TypeVar("L", bound=Callable[..., "Iterator[Waiting]"])


@dataclass(frozen=True, slots=True)
class Command:
    """A known word and what it leads to. ``takes`` names what follows the word; ``about`` are word sets for the keyword tier."""

    handler: Handler
    word: str
    also: tuple[str, ...] = ()
    takes: str = ""
    optional: bool = False
    examples: tuple[str, ...] = ()
    about: tuple[frozenset[str], ...] = ()
    whole: bool = False
    needs: Action | None = None
    strangers: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return (self.word, *self.also)


@dataclass(frozen=True, slots=True)
class Step:
    """A place in a dialogue. ``words`` are answers it wants even where they are commands; ``resumes`` recognises its answers when suspended."""

    handler: Handler
    words: frozenset[str] = frozenset()
    resumes: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for the member: ``thing`` names it for "once a day", ``line`` is the one line shown."""

    thing: str
    line: str


@dataclass(frozen=True, slots=True)
class Look:
    """Where something may wait for a member: ``concerns`` says in the database whom it may concern."""

    concerns: ColumnElement[bool]
    at: Callable[[Context], Iterator[Waiting]]


def name_of(function: Callable[..., Any]) -> str:
    """``handlers.quiz:answer``: how a step or undo is stored in the database."""
    return f"{function.__module__}:{function.__qualname__}"


class Router:
    """What one handler module, or all of them together, react to."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.steps: dict[str, Step] = {}
        self.undos: dict[str, Callable[..., str]] = {}
        self.events: dict[Kind, Handler] = {}
        self.waitings: list[Look] = []
        self.for_strangers: Handler | None = None

    def command(
        self,
        word: str,
        *also: str,
        takes: str = "",
        optional: bool = False,
        examples: tuple[str, ...] = (),
        about: tuple[str, ...] = (),
        whole: bool = False,
        needs: Action | None = None,
        strangers: bool = False,
    ) -> Callable[[F], F]:
        """React to ``word`` (or ``also``), alone or followed by ``takes``.

        ``about`` lists sets of words ("积分 分数 多少分", "明细 为什么"): the keyword tier chooses this command when a message has one word
        of every set; with ``whole`` the message itself is then what the command takes. ``needs`` is the permission; without it everybody on the
        roster may; ``strangers`` opens it to people not on the roster. ``examples`` are tested to lead here.
        """

        def register(handler: F) -> F:
            sets = tuple(frozenset(one.split()) for one in about)
            self.commands.append(
                Command(
                    handler, word, also, takes, optional, examples or (word,), sets, whole, needs, strangers
                )
            )
            return handler

        return register

    def step(
        self, *, words: tuple[str, ...] = (), resumes: Callable[[str], bool] | None = None
    ) -> Callable[[F], F]:
        """Mark a function ``(ctx, text, data)`` as a place in a dialogue that :class:`Ask` may name."""

        def register(handler: F) -> F:
            self.steps[name_of(handler)] = Step(handler, frozenset(words), resumes)
            return handler

        return register

    def undo(self, act: U) -> U:
        """Mark a function ``(ctx, **data) -> sentence`` as able to take something back."""
        self.undos[name_of(act)] = act
        return act

    def on(self, kind: Kind) -> Callable[[F], F]:
        """React to a kind of message that is not text (an image, an event)."""

        def register(handler: F) -> F:
            self.events[kind] = handler
            return handler

        return register

    def waiting(self, concerns: ColumnElement[bool]) -> Callable[[L], L]:
        """Register a look at what may wait for a member, for the one line under answers.

        ``concerns`` is a condition on :class:`Member`, with the parameters of :mod:`bot.services.concern`; it holds at least for everybody for
        whom the look would find something. It is asked of many at once, so that most need not be looked at.
        """

        def register(look: L) -> L:
            self.waitings.append(Look(concerns, look))
            return look

        return register

    def stranger(self, handler: F) -> F:
        """Answer people who are not on the roster, whatever they say."""
        self.for_strangers = handler
        return handler

    def include(self, other: Router) -> None:
        """Take over all of another module's router; a kind of event claimed twice is an error."""
        clash = self.events.keys() & other.events.keys()
        if clash:
            raise ValueError(f"two handlers for the same kind of message: {clash}")
        self.commands += other.commands
        self.steps |= other.steps
        self.undos |= other.undos
        self.events |= other.events
        self.waitings += other.waitings
        self.for_strangers = self.for_strangers or other.for_strangers
