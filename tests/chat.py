"""A member's phone in a test: what is typed goes through the real dispatcher, what is pushed is read from the outbox."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from bot.app import App
from bot.chat import Kind, Message
from bot.models.member import Member
from bot.models.outbox import Outbox

_numbers = itertools.count(1)


class Phone:
    """Call it with what the member types; it returns the text of the answer ("" for silence)."""

    def __init__(self, app: App, account: str, *, channel: str = "wecom") -> None:
        self.app, self.account, self.channel = app, account, channel
        self._seen = 0
        self.last: Message | None = None

    def __call__(self, text: str) -> str:
        return self.send(text=text)

    def send(self, *, kind: Kind = Kind.TEXT, text: str = "", **more: Any) -> str:
        """Any kind of message; the answer's text."""
        number = f"m{next(_numbers)}"
        self.last = Message(number, self.channel, self.account, kind, self.app.clock(), text, **more)
        return self.deliver(self.last)

    def again(self) -> str:
        """The platform delivers the last message once more."""
        assert self.last is not None
        return self.deliver(replace(self.last))

    def deliver(self, message: Message) -> str:
        reply = self.app.dispatch(message)
        return "" if reply is None else reply.text

    def script(self, *lines: tuple[str, *tuple[str, ...]]) -> None:
        """Say each first string and expect all the others in the answer."""
        for said, *expected in lines:
            answer = self(said)
            for part in expected:
                assert part in answer, f"said {said!r}, expected {part!r} in:\n{answer}"

    def pushes(self) -> list[str]:
        """The texts queued for this person since the last look, oldest first."""
        with self.app.database.read() as session:
            rows = session.execute(
                select(Outbox.id, Outbox.body)
                .join(Member, Member.id == Outbox.member_id)
                .where(Member.account == self.account, Outbox.id > self._seen)
                .order_by(Outbox.id)
            ).all()
        if rows:
            self._seen = rows[-1].id
        return [row.body["text"] for row in rows]


PhoneBook = Callable[[str], Phone]
