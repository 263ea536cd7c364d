"""Where one conversation stands: open questions, numbered choices, the last reversible act. Kept in :class:`Conversation`."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from bot.chat import Ask, Reply, name_of

DEPTH = 3
SUPPLY = "bot.routing:supply"
"""The step of "请发送…": nothing is lost with it when another command comes, so it is not kept for 继续."""
UNDO_LASTS = timedelta(minutes=5)

Frame = dict[str, Any]
"""One open question: step, data, prompt, title, until (ISO time), choices, acts_for (the branch for which it was begun)."""


COLUMNS = ("frames", "asking", "choices", "hints", "looked_at", "undo", "acts_for")


class State:
    """The columns of a :class:`Conversation` that change. Values are replaced, never changed in place, so that a change is seen."""

    __slots__ = COLUMNS

    def __init__(self, row: RowMapping) -> None:
        self.frames: list[Frame] = row["frames"]
        self.asking: bool = row["asking"]
        self.choices: list[str] = row["choices"]
        self.hints: dict[str, str] = row["hints"]
        self.looked_at: datetime | None = row["looked_at"]
        self.undo: dict[str, Any] = row["undo"]
        self.acts_for: dict[str, Any] = row["acts_for"]


class Talk:
    """Reads and changes where a conversation stands; ``before`` is the row as it was."""

    def __init__(self, before: RowMapping, now: datetime) -> None:
        self.before, self.row, self.now = before, State(before), now
        row = self.row
        chosen = row.acts_for
        self.acts_for: int | None = chosen["branch"] if chosen.get("on") == now.date().isoformat() else None
        """The branch for which the sender has chosen to act today; in a dialogue the one for which it was begun."""
        if any(datetime.fromisoformat(frame["until"]) <= now for frame in row.frames):
            row.frames = [frame for frame in row.frames if datetime.fromisoformat(frame["until"]) > now]
            row.asking = row.asking and bool(row.frames)

    @property
    def changed(self) -> bool:
        """Whether anything differs from the row as it was."""
        return any(getattr(self.row, name) != self.before[name] for name in COLUMNS)

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
        elif not self.row.asking:
            frames = [frame for frame in frames if frame["step"] != SUPPLY]
        if isinstance(reply, Ask):
            step = name_of(reply.step)
            others = [frame for frame in frames if frame["step"] != step]
            frames = [*others[-DEPTH + 1 :], self._frame(reply)]
        self.row.frames = frames
        self.row.asking = isinstance(reply, Ask) or (self.row.asking and not by_step)
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

    def act_for(self, branch_id: int | None) -> None:
        """Act for a branch until the end of the day, or again for the own one."""
        today, self.acts_for = self.now.date().isoformat(), branch_id
        self.row.acts_for = {} if branch_id is None else {"branch": branch_id, "on": today}

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
            "acts_for": self.acts_for,
        }

    def _iso(self, lasts: timedelta) -> str:
        return (self.now + lasts).isoformat()
