"""体检 of 500 branches with a year of organisation life behind them, on SQLite (FULL) and PostgreSQL: the roll-up and the morning's reminders."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from bot import migrations
from bot.db import Database
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.study import MaterialRead
from bot.services import cadence
from bot.services.cadence import alarm
from bot.services.setting import calendar
from tests.benchmarks.webhook import postgresql
from tests.faults.rig import SHANGHAI

BRANCHES, GROUPS, MEMBERS = 500, 2, 20
ALLOWED_S = 2.0
"""What issue 4 allows a check of all branches."""
NOW = datetime(2026, 11, 23, 9, tzinfo=SHANGHAI)
MONTHLY = ("主题党日", "支委会")
QUARTERLY = ("党员大会", "党课")
READ = 12
"""Materials that each member finished this year."""
TIMES = 3


def run(say: Callable[[str], None] = print) -> None:
    """Fill each database, then check all branches three times; the best counts, as the machine has other work."""
    with tempfile.TemporaryDirectory() as name, postgresql(Path(name)) as postgres:
        for kind, url in (("SQLite", f"sqlite:///{Path(name) / 'cadence.db'}"), ("PostgreSQL", postgres)):
            if url is None:
                continue
            database = Database(url)
            migrations.upgrade(database)
            with database.write() as session:
                fill(session)
                # What a database at work has done by itself long ago.
                session.execute(text("ANALYZE"))
            _say(say, kind, database)
            database.dispose()


def _say(say: Callable[[str], None], kind: str, database: Database) -> None:
    with database.read() as session:
        held = session.scalar(select(func.count()).select_from(Activity))
        came = session.scalar(select(func.count()).select_from(Attendance))
    checked, busy = min(_timed(database) for _ in range(TIMES))
    with database.write() as session:
        start = time.perf_counter()
        told = alarm.remind(session, NOW, calendar())
        reminded = time.perf_counter() - start
    say(
        f"体检 of {BRANCHES} branches with {held} activities and {came} check-ins, {kind}: {checked:.2f} s, "
        f"{checked / ALLOWED_S:.2f} of the {ALLOWED_S:.0f} s allowed ({busy:.2f} s of processor time here); reminders to {told} people {reminded:.2f} s"
    )


def _timed(database: Database) -> tuple[float, float]:
    """Seconds on the clock and of this process for a check in a transaction of its own, as a message has it."""
    start, before = time.perf_counter(), time.process_time()
    with database.read() as session:
        found = cadence.roll_up(session, "/", NOW)
    assert len(found) == BRANCHES
    return time.perf_counter() - start, time.process_time() - before


def fill(session: Session) -> None:
    """The tree, its people, and what they did since the beginning of last year."""
    top = Organisation(name="示范集团党委", kind=OrganisationKind.COMMITTEE, path="/1/")
    session.add(top)
    session.flush()
    branches = _nodes(session, top, OrganisationKind.BRANCH, BRANCHES, "第{}党支部")
    members: list[dict[str, Any]] = []
    groups = {one.id: _nodes(session, one, OrganisationKind.GROUP, GROUPS, "第{}党小组") for one in branches}
    for branch in branches:
        members += (_member(branch, groups[branch.id][n % GROUPS].id, n) for n in range(MEMBERS))
    session.execute(insert(Member), members)
    people: dict[int, list[int]] = {}
    for number, branch_id in session.execute(select(Member.id, Member.branch_id).order_by(Member.id)):
        people.setdefault(branch_id, []).append(number)
    session.execute(insert(Role), [row for branch, ids in people.items() for row in _posts(branch, ids)])
    session.execute(
        insert(Activity), [row for b in branches for row in _activities(b, groups[b.id], people[b.id][0])]
    )
    rows = session.execute(select(Activity.id, Activity.branch_id, Activity.starts_at)).all()
    session.execute(
        insert(Attendance),
        [
            {"activity_id": one, "member_id": member, "at": at, "reason": ""}
            for one, branch, at in rows
            for member in people[branch][: MEMBERS - one % 4]
        ],
    )
    session.execute(insert(MaterialRead), [row for ids in people.values() for row in _read(ids)])


def _nodes(
    session: Session, above: Organisation, kind: OrganisationKind, many: int, name: str
) -> list[Organisation]:
    nodes = [Organisation(name=name.format(n), kind=kind, parent_id=above.id, path="") for n in range(many)]
    session.add_all(nodes)
    session.flush()
    for node in nodes:
        node.path = f"{above.path}{node.id}/"
    session.flush()
    return nodes


def _member(branch: Organisation, group_id: int, number: int) -> dict[str, Any]:
    status = MemberStatus.PROBATIONARY if number == MEMBERS - 1 else MemberStatus.FULL
    created = NOW - timedelta(days=800)
    return {
        "name": f"成员{number}",
        "branch_id": branch.id,
        "group_id": group_id,
        "status": status,
        "active": True,
        "created_at": created,
    }


def _posts(branch: int, ids: list[int]) -> Iterator[dict[str, Any]]:
    names = (RoleName.SECRETARY, RoleName.DEPUTY_SECRETARY, RoleName.ORGANISER, RoleName.PUBLICITY)
    for name, member in zip(names, ids, strict=False):
        yield {
            "name": name,
            "member_id": member,
            "organisation_id": branch,
            "starts_on": NOW.date() - timedelta(days=700),
        }


def _activities(branch: Organisation, groups: list[Organisation], author: int) -> Iterator[dict[str, Any]]:
    """Every month since January of last year; some branches miss some, so that there is something to say."""
    for month in range(23):
        day = datetime(2025 + month // 12, month % 12 + 1, 5 + branch.id % 20, 15, tzinfo=SHANGHAI)
        if day > NOW or (branch.id + month) % 17 == 0:
            continue
        kinds = [(kind, None) for kind in MONTHLY] + [("党小组会", group.id) for group in groups]
        if month % 3 == 0:
            kinds += [(kind, None) for kind in QUARTERLY]
        for kind, group_id in kinds:
            yield {
                "branch_id": branch.id,
                "group_id": group_id,
                "kind": kind,
                "theme": f"{month + 1}月{kind}",
                "place": "会议室",
                "starts_at": day,
                "ends_at": day + timedelta(hours=2),
                "signup_closes_at": day,
                "state": ActivityState.ENDED,
                "secret": "word maker",
                "created_by": author,
                "published_at": day - timedelta(days=7),
                "ended_at": day + timedelta(hours=2),
            }


def _read(ids: list[int]) -> Iterator[dict[str, Any]]:
    for member in ids:
        for n in range(READ):
            at = datetime(2026, n % 11 + 1, 10, 9, tzinfo=SHANGHAI)
            yield {"member_id": member, "material": f"M{n}", "year": 2026, "minutes": 20, "at": at}
