"""The one line under an answer about what waits for the member: at most one, and once a day for the same thing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from bot import nlu
from bot.chat import Context, Look, Reply, Waiting
from bot.models.member import Member
from bot.services.concern import MEMBERS

LOOK_EVERY = timedelta(minutes=10)
"""How often it is looked up what waits for a member who goes on writing."""


class Lookout:
    """Knows where to look. Built once: putting its statement together costs more than running it."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self.looks = looks
        self.conditions = list({id(look.concerns): look.concerns for look in looks}.values())
        self._place = {id(condition): place for place, condition in enumerate(self.conditions, 1)}
        self._concerned: Select[*tuple[Any, ...]] = select(Member.id, *self.conditions).where(
            Member.id.in_(MEMBERS)
        )

    def concerned(self, session: Session, members: Collection[int], now: datetime) -> dict[int, list[Look]]:
        """The looks that may find something, for each of the members."""
        rows = session.connection().execute(self._concerned, {"members": list(members), "now": now})
        return {row[0]: [look for look in self.looks if row[self._place[id(look.concerns)]]] for row in rows}


class Watch:
    """The lookout over the ``members`` who are answered in one transaction; it asks for all of them when the first one is looked up."""

    def __init__(self, lookout: Lookout, members: Collection[int]) -> None:
        self._lookout, self._members = lookout, members
        self._concerned: dict[int, list[Look]] | None = None

    def over(self, ctx: Context, reply: Reply) -> Reply:
        """The reply with the line, if anything waits and there is room for it."""
        if not reply.text or reply.alone or ctx.identity.member is None or ctx.talk.open is not None:
            return reply
        if reply.article and reply.article.picture:
            return reply  # a card with a picture has no room for it; the next answer has
        for waiting in self._found(ctx):
            if waiting.line.endswith(f"回复 {nlu.bare(nlu.clean(ctx.message.text))}"):
                continue  # the answer above is already about it
            if not ctx.talk.hinted_today(waiting.thing):
                ctx.talk.hint(waiting.thing)
                return replace(reply, text=f"{reply.text}\n——\n{waiting.line}")
        return reply

    def _found(self, ctx: Context) -> Iterator[Waiting]:
        frame = ctx.talk.suspended
        # An exam whose time is up is no more to be gone on with; its frame stays, so that a late answer still gets its sentence.
        if frame and frame["title"] and frame["data"].get("ends", "9999") > ctx.now.isoformat():
            yield Waiting(
                f"frame {frame['step']} {frame['data'].get('run', '')}", f"{frame['title']}，回复 继续"
            )
        row = ctx.talk.row
        # Looking costs queries, so a busy sender is not looked up at every message.
        if row.looked_at is None or ctx.now - row.looked_at >= LOOK_EVERY:
            row.looked_at = ctx.now
            for look in self._looks(ctx):
                yield from look.at(ctx)

    def _looks(self, ctx: Context) -> list[Look]:
        if self._concerned is None:
            ctx.session.flush()
            self._concerned = self._lookout.concerned(ctx.session, self._members, ctx.now)
        return self._concerned.get(ctx.member.id, [])
