"""A notice to 10,000 members on SQLite: rows written, against one bulk insert of equally many rows, and calls made to send it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select

from bot import migrations
from bot.chat import Sent
from bot.config import Settings
from bot.db import Database
from bot.models.identity import Identity
from bot.models.member import Member, MemberStatus
from bot.models.notice import Notice, Receipt
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import notice, organisation
from bot.services.notice_line import Draft
from bot.services.permission import actor_of
from scheduler.delivery import deliver
from scheduler.runner import Node

PEOPLE = 10_000
ROUNDS = 5
NOW = datetime(2026, 11, 23, 9, tzinfo=ZoneInfo("Asia/Shanghai"))
DRAFT = Draft("全体", "明天停电检修，请提前保存资料", receipt=True)


class Counting:
    """A channel that takes a thousand people a call and keeps how many each call had."""

    name = "wecom"
    users_per_call = 1000

    def __init__(self) -> None:
        self.calls: list[int] = []

    def can_push(self, identity: Identity, now: datetime) -> bool:
        return identity.reachable

    def send(self, users: list[str], body: Mapping[str, Any], now: datetime) -> Sent:
        self.calls.append(len(users))
        return Sent(f"m{len(self.calls)}")


def run(say: Callable[[str], None] = print) -> None:
    """Write it five times, then send the last one; the best time of each, taken in turn with the yardstick."""
    with tempfile.TemporaryDirectory() as folder:
        database = filled(Path(folder), PEOPLE)
        plain, written = [], []
        for _ in range(ROUNDS):
            _emptied(database)
            plain.append(_seconds(lambda: _inserted(database)))
            _emptied(database)
            written.append(_seconds(lambda: published(database)))
        start = time.perf_counter()
        calls = sent(database)
        seconds = time.perf_counter() - start
        database.dispose()
    best, yard = min(written), min(plain)
    say(
        f"notice to {PEOPLE} members, SQLite: rows written in {best:.2f} s (bulk insert of as many rows {yard:.2f} s, ratio {best / yard:.1f})"
    )
    say(
        f"notice to {PEOPLE} members: sent in {len(calls)} calls, {seconds:.1f} s with a platform that answers at once"
    )


def filled(folder: Path, people: int) -> Database:
    """A database with a branch of so many, all on WeCom."""
    database = Database(f"sqlite:///{folder}/benchmark.db")
    migrations.upgrade(database)
    with database.write() as session:
        branch = organisation.ensure(session, "压测党支部").id
        rows = [
            {
                "name": f"党员{n}",
                "account": f"user{n}",
                "branch_id": branch,
                "status": MemberStatus.FULL,
                "created_at": NOW,
            }
            for n in range(people)
        ]
        members = session.scalars(
            insert(Member).returning(Member.id, sort_by_parameter_order=True), rows
        ).all()
        accounts = [
            {"channel": "wecom", "external_id": f"user{n}", "member_id": member}
            for n, member in enumerate(members)
        ]
        session.execute(insert(Identity), accounts)
    return database


def published(database: Database) -> None:
    """What 确认 does, in a transaction of its own."""
    with database.write() as session:
        author = session.scalars(select(Member).order_by(Member.id).limit(1)).one()
        notice.publish(session, actor_of(session, author, on=NOW.date()), DRAFT, now=NOW)


def sent(database: Database) -> list[int]:
    """The number of people in each call that the delivery makes."""
    channel = Counting()
    node = Node(database, {"wecom": channel}, Settings(), lambda: NOW, "benchmark")  # type: ignore[dict-item]
    deliver(node, NOW)
    with database.read() as session:
        done = session.scalar(select(func.count()).where(Outbox.state == OutboxState.SENT))
    assert done == sum(channel.calls), "what was sent and what was recorded differ"
    return channel.calls


def _inserted(database: Database) -> None:
    with database.write() as session:
        members = session.scalars(select(Member.id)).all()
        row = Notice(
            branch_id=1,
            author_id=members[0],
            text=DRAFT.text,
            needs_receipt=True,
            urgent=False,
            created_at=NOW,
        )
        session.add(row)
        session.flush()
        session.execute(insert(Receipt), [{"notice_id": row.id, "member_id": one} for one in members])
        common = {
            "body": {"text": DRAFT.text},
            "digest": "x",
            "urgency": Urgency.ROUTINE,
            "notice_id": row.id,
        }
        times = {"available_at": NOW, "created_at": NOW}
        queued = [{"key": f"notice {row.id} {one}", "member_id": one, **common, **times} for one in members]
        session.execute(insert(Outbox), queued)


def _emptied(database: Database) -> None:
    with database.write() as session:
        for table in (Outbox, Receipt, Notice):
            session.execute(delete(table))


def _seconds(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
