"""Where one conversation stands: open questions, numbered choices, the last reversible act. Kept in :class:`Conversation`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bot.chat import Ask, Reply, name_of
from bot.models.identity import Conversation

DEPTH = 3
UNDO_LASTS = timedelta(minutes=5)

Frame = dict[str, Any]
"""One open question: step, data, prompt, title, until (ISO time), choices."""


class Talk:
    """Reads and changes a :class:`Conversation`; touches a column only when it changes."""

    def __init__(self, row: Conversation, now: datetime) -> None:
        self.row, self.now = row, now
        if any(datetime.fromisoformat(frame["until"]) <= now for frame in row.frames):
            row.frames = [frame for frame in row.frames if datetime.fromisoformat(frame["until"]) > now]
            row.asking = row.asking and bool(row.frames)

    @property
    def open(self) -> Frame | None:
        """The question that is being asked now."""
        return self.row.frames[-1] if self.row.asking and self.row.frames else None

    @property
    def suspended(self) -> Frame | None:
        """The newest unfinished question that is not being asked now."""
        return self.row.frames[-1] if self.row.frames and not self.row.asking else None

    def chosen(self, number: int) -> str | None:
        """The word that a number stands for after the last list."""
        choices = self.row.choices
        return choices[number - 1] if 1 <= number <= len(choices) else None

    def suspend(self) -> None:
        """Put the open question aside, because a command came."""
        if self.row.asking:
            self.row.asking = False

    def resume(self) -> Reply | None:
        """Ask the newest unfinished question again; None when there is none."""
        if not self.row.frames:
            return None
        self.row.asking = True
        frame = self.row.frames[-1]
        return Reply(frame["prompt"], choices=tuple(frame["choices"]))

    def leave(self) -> Frame | None:
        """Drop the newest unfinished question and return it."""
        if not self.row.frames:
            return None
        frame: Frame = self.row.frames[-1]
        self.row.frames = self.row.frames[:-1]
        self.row.asking = False
        return frame

    def answered(self, reply: Reply, *, by_step: bool) -> None:
        """Record what the answer leaves open: the step that answered is done, an :class:`Ask` opens the next."""
        frames = list(self.row.frames)
        if by_step:
            frames.pop()
        if isinstance(reply, Ask):
            step = name_of(reply.step)
            frames = [frame for frame in frames if frame["step"] != step][-DEPTH + 1 :] + [self._frame(reply)]
        if frames != self.row.frames:
            self.row.frames = frames
        asking = isinstance(reply, Ask) or (self.row.asking and not by_step)
        if asking != self.row.asking:
            self.row.asking = asking
        if list(reply.choices) != self.row.choices:
            self.row.choices = list(reply.choices)
        if reply.undo is not None:
            data = dict(reply.undo.data)
            self.row.undo = {"act": name_of(reply.undo.act), "data": data, "until": self._iso(UNDO_LASTS)}

    def take_undo(self) -> tuple[str, dict[str, Any]] | None:
        """The last reversible act and its data, once, within five minutes."""
        undo = self.row.undo
        if not undo:
            return None
        self.row.undo = {}
        return (undo["act"], undo["data"]) if datetime.fromisoformat(undo["until"]) > self.now else None

    def hinted_today(self, thing: str) -> bool:
        """Whether this waiting thing was already shown today."""
        return bool(self.row.hints.get(thing) == self.now.date().isoformat())

    def hint(self, thing: str) -> None:
        """Remember that this waiting thing was shown today; older days are forgotten."""
        today = self.now.date().isoformat()
        self.row.hints = {k: v for k, v in self.row.hints.items() if v == today} | {thing: today}

    def _frame(self, ask: Ask) -> Frame:
        return {
            "step": name_of(ask.step),
            "data": dict(ask.data),
            "prompt": ask.prompt or ask.text,
            "title": ask.title,
            "until": self._iso(ask.lasts),
            "choices": list(ask.choices),
        }

    def _iso(self, lasts: timedelta) -> str:
        return (self.now + lasts).isoformat()
