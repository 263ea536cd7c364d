"""How a message travels to the bot: posted, posted again when nothing comes back in time, and its answer shown."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.simulator.account import Account
from bot.simulator.cards import card_from_xml
from bot.simulator.envelope import Garbled
from bot.simulator.faults import ApiError
from bot.simulator.wecom import WeCom
from bot.simulator.world import Bubble, Person

RETRIES = 3
LIMIT = 5.0
SORRY = "该公众号暂时无法提供服务，请稍后再试"

Post = Callable[[str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Deliver (path, query, body) to the bot; its (status, body). Raises OSError when it cannot be reached or is too slow."""


@dataclass(frozen=True, slots=True)
class Slow:
    """A slow network: the first ``attempts`` answers come ``limit`` seconds late; ``limit`` is shorter than the real one, for show."""

    limit: float = 1.0
    attempts: int = 2


@dataclass(frozen=True, slots=True)
class Exchange:
    """What became of one message: its MsgId ("" for events), how often it was posted, the last status (None: no answer), what was shown."""

    msg_id: str
    attempts: int
    status: int | None
    bubbles: tuple[Bubble, ...] = ()

    @property
    def text(self) -> str:
        """All that the bot answered."""
        return "\n".join(bubble.text for bubble in self.bubbles)


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt; ``why`` says in the phone's words why it does not count."""

    status: int | None = None
    body: bytes = b""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One message on its way: the inner XML is the same in each attempt."""

    account: Account
    person: Person
    inner: str
    pressed: Bubble | None = None
    shown: list[Bubble] = field(default_factory=list)


class Delivery:
    """The road between phones and webhook. ``limit`` is in seconds, measured by ``timer``; ``sleep`` spends them on a slow network.

    ``problems`` collects what a real platform would not have understood in the bot's answers: empty when all is well.
    """

    def __init__(
        self, post: Post, limit: float, timer: Callable[[], float], sleep: Callable[[float], None]
    ) -> None:
        self.post, self.limit, self.timer, self.sleep = post, limit, timer, sleep
        self.slow: Slow | None = None
        self.problems: deque[str] = deque(maxlen=100)

    def exchange(self, letter: Letter, msg_id: str) -> Exchange:
        """Post until the bot answers with 200 in time, at most ``RETRIES`` times more; the letter stays the same."""
        done, attempt = self._try(letter, 0), 0
        while done.why and attempt < RETRIES:
            attempt += 1
            self._note(letter, f"{done.why}，平台重发第 {attempt} 次")
            done = self._try(letter, attempt)
        if done.why:
            self._note(letter, f"{done.why}，平台不再重发")
            self._apologise(letter)
        else:
            self._show(letter, done.body)
        return Exchange(msg_id, attempt + 1, done.status, tuple(letter.shown))

    def _try(self, letter: Letter, attempt: int) -> Try:
        query, body = letter.account.request(letter.person, letter.inner)
        start = self.timer()
        try:
            status, answer = self.post(letter.account.callback, query, body)
        except TimeoutError:
            return Try(why=f"{self.limit:g} 秒无应答")
        except OSError:
            return Try(why="连接不上")
        if self.slow and attempt < self.slow.attempts:
            self.sleep(self.slow.limit)
            return Try(why=f"{self.slow.limit:g} 秒无应答（演示缩短，真实为 {self.limit:g} 秒）")
        if self.timer() - start > self.limit:
            return Try(why=f"{self.limit:g} 秒无应答")
        return Try(status, answer, "" if status == 200 else f"应答 HTTP {status}")

    def _show(self, letter: Letter, body: bytes) -> None:
        try:
            answer = letter.account.read_answer(body)
            if answer is not None:
                self._show_answer(letter, answer)
        except (Garbled, KeyError, TypeError, ApiError) as error:
            self.problems.append(f"{letter.person.name}: {error!r}")
            self._note(letter, "平台读不懂应答")
            self._apologise(letter)

    def _show_answer(self, letter: Letter, answer: Mapping[str, Any]) -> None:
        account, person = letter.account, letter.person
        # The bot may write a userid in lower case, as the platform does itself.
        to, mine = str(answer["ToUserName"]).lower(), person.address(account.channel).lower()
        if to != mine or answer["FromUserName"] != account.own_name:
            raise Garbled("the answer is addressed to somebody else")
        kind = str(answer["MsgType"])
        if kind in ("update_button", "update_template_card"):
            self._change_card(letter, answer)
        elif kind == "text":
            if not answer["Content"]:
                raise Garbled("a text without words")
            text = account.cut(person, str(answer["Content"]))
            letter.shown.append(account.show(person, "text", {"content": text}, pushed=False))
        elif kind == "image":
            letter.shown.append(
                account.show(person, "image", {"media_id": answer["Image"]["MediaId"]}, pushed=False)
            )
        elif kind == "news":
            items = answer["Articles"]["item"]
            articles = [
                {name.lower(): value for name, value in item.items()}
                for item in (items if isinstance(items, list) else [items])
            ]
            letter.shown.append(account.show(person, "news", {"articles": articles}, pushed=False))
        else:
            raise Garbled(f"a passive answer cannot be {kind}")

    def _change_card(self, letter: Letter, answer: Mapping[str, Any]) -> None:
        if letter.pressed is None:
            raise Garbled("only a pressed card can be changed by the answer")
        if answer["MsgType"] == "update_button":
            _wecom(letter).change_card(letter.pressed, button=str(answer["Button"]["ReplaceName"]))
        else:
            _wecom(letter).change_card(letter.pressed, card=card_from_xml(answer["TemplateCard"]))
        letter.shown.append(letter.pressed)

    def _note(self, letter: Letter, text: str) -> None:
        letter.account.world.phones.add(letter.person, letter.account.channel, "note", text)

    def _apologise(self, letter: Letter) -> None:
        if letter.account.channel == "oa":
            self._note(letter, SORRY)


def _wecom(letter: Letter) -> WeCom:
    """Only WeCom has cards."""
    assert isinstance(letter.account, WeCom)
    return letter.account
