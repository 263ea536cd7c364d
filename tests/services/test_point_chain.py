"""The seal on the ledger: whoever changes, removes or adds a row behind the product's back is found, and the row is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from bot import migrations
from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member
from bot.models.points import PointBalance, PointEntry
from bot.services import point_chain, points


def fill(database: Database, clock: Clock, count: int = 5) -> list[int]:
    """Some entries of 张伟, one of 古丽 between them; the numbers of 张伟's."""
    with database.write() as session:
        ids = {name: number for number, name in session.execute(select(Member.id, Member.name))}
        made = []
        for n in range(count):
            one = points.award(
                session,
                ids["张伟"],
                "model",
                fact=f"a {n}",
                reason="带头“抢修”\n第二行",
                now=clock(),
                points=1 + n,
            )
            made.append(one.entry_id or 0)
            if n == 1:
                points.award(session, ids["古丽"], "model", fact="b", reason="带队", now=clock())
        points.reverse(
            session,
            session.get_one(PointEntry, made[0]),
            reason="重复",
            giver_id=ids["王建国"],
            now=clock(),
        )
        assert points.verify(session) == []
    return made


def tamper(database: Database, statement: str, **values: object) -> list[tuple[int | None, str]]:
    with database.write() as session:
        session.execute(text(statement), values)
    with database.read() as session:
        return [(one.entry_id, one.what) for one in points.verify(session)]


@pytest.mark.parametrize(
    "change",
    [
        "reason = '另一个理由'",
        "giver_id = NULL, fact = 'other'",
        "at = '2026-01-01 00:00:00.000000'",
        "rule = 'duty'",
    ],
)
def test_an_edited_row_is_named(database: Database, clock: Clock, change: str) -> None:
    made = fill(database, clock)
    assert tamper(database, f"UPDATE point_entry SET {change} WHERE id = :id", id=made[2]) == [
        (made[2], "edited")
    ]


def test_edited_points_are_found_although_the_balance_was_edited_too(
    database: Database, clock: Clock
) -> None:
    made = fill(database, clock)
    with database.write() as session:
        session.execute(
            text(
                "UPDATE point_balance SET points = points + 2 WHERE member_id ="
                " (SELECT member_id FROM point_entry WHERE id = :id)"
            ),
            {"id": made[3]},
        )
    assert tamper(database, "UPDATE point_entry SET points = points + 2 WHERE id = :id", id=made[3]) == [
        (made[3], "edited")
    ]


def test_a_removed_row_leaves_a_gap(database: Database, clock: Clock) -> None:
    made = fill(database, clock)
    found = tamper(database, "DELETE FROM point_entry WHERE id = :id", id=made[2])
    assert (made[3], "1 removed before this row") in found
    assert (None, "balance is not the sum of the ledger") in found
    assert len(found) == 2


def test_the_newest_row_cannot_be_removed_unseen(database: Database, clock: Clock) -> None:
    made = fill(database, clock)
    with database.write() as session:
        session.execute(
            text(
                "UPDATE point_balance SET points = points + 1 WHERE member_id ="
                " (SELECT member_id FROM point_entry WHERE id = :id)"
            ),
            {"id": made[0]},
        )
    assert tamper(database, "DELETE FROM point_entry WHERE reverses_id IS NOT NULL") == [
        (None, "newest row removed or inserted")
    ]


@pytest.mark.parametrize("chain", ["'5-0123'", "''", "'nonsense'", "(SELECT MAX(chain) FROM point_entry)"])
def test_an_inserted_row_is_named(database: Database, clock: Clock, chain: str) -> None:
    """Between two rows, by moving a later one's number up."""
    made = fill(database, clock)
    columns = "member_id, rule, version, dimension, points, reason, period, giver_id, at, day"
    with database.write() as session:
        session.execute(text("UPDATE point_entry SET id = 1000 WHERE id = :id"), {"id": made[4]})
        session.execute(text("UPDATE point_entry SET id = 1001 WHERE reverses_id IS NOT NULL"))
        session.execute(
            text(
                f"INSERT INTO point_entry (id, fact, chain, {columns})"
                f" SELECT 900, 'false', {chain}, {columns} FROM point_entry WHERE id = :id"
            ),
            {"id": made[3]},
        )
    with database.read() as session:
        found = [(one.entry_id, one.what) for one in points.verify(session)]
    assert (900, "inserted") in found
    assert (None, "balance is not the sum of the ledger") in found
    assert len(found) == 2


def test_an_added_last_row_is_named(database: Database, clock: Clock) -> None:
    made = fill(database, clock)
    columns = "member_id, rule, version, dimension, points, reason, period, giver_id, at, day"
    found = tamper(
        database,
        f"INSERT INTO point_entry (id, fact, chain, {columns})"
        f" SELECT 900, 'false', '7-00', {columns} FROM point_entry WHERE id = :id",
        id=made[3],
    )
    assert (900, "edited") in found


def test_two_rows_that_changed_places_are_found(database: Database, clock: Clock) -> None:
    made = fill(database, clock)
    with database.write() as session:
        for old, new in ((made[1], 5000), (made[2], made[1]), (5000, made[2])):
            session.execute(
                text("UPDATE point_entry SET id = :new WHERE id = :old"), {"old": old, "new": new}
            )
        assert points.verify(session)


def test_rows_from_before_the_seal_are_sealed_by_the_upgrade(tmp_path: Path, clock: Clock) -> None:
    """A database of the schema before, with a correction in the ledger, goes through the migration and verifies."""
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")
    with database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(migrations.FOLDER))
        config.attributes["connection"] = connection
        command.upgrade(config, "0008")
        _old_rows(connection)
    migrations.upgrade(database)
    with database.read() as session:
        assert points.verify(session) == []
        days = session.scalars(select(PointEntry.day).order_by(PointEntry.id)).all()
        assert [day.isoformat() for day in days] == ["2026-10-01", "2026-10-01", "2026-10-01"]
    with database.write() as session:
        _one_more(session, clock)
        assert points.verify(session) == []
    database.dispose()


def _old_rows(connection: sa.Connection) -> None:
    run = connection.exec_driver_sql
    run("INSERT INTO organisation (id, name, kind, path) VALUES (1, '检修党支部', '党支部', '/1/')")
    run(
        "INSERT INTO member (id, name, branch_id, crew, status, post, active, binding_tries, created_at)"
        " VALUES (1, '张伟', 1, '', '正式党员', '', 1, 0, '2026-01-01 00:00:00')"
    )
    for number, fact, reverses, at, amount in (
        (1, "a", "NULL", "2026-09-30 18:00:00.000000", 1),
        (2, "reversal 1", "1", "2026-11-01 18:00:00.000000", -1),
        (3, "correction 1", "NULL", "2026-11-01 18:00:00.000000", 3),
    ):
        run(
            "INSERT INTO point_entry (id, member_id, rule, version, dimension, points, fact, reason, period, reverses_id, at)"
            f" VALUES ({number}, 1, 'model', 1, '模范作用发挥', {amount}, '{fact}', '带头', '2026Q4', {reverses}, '{at}')"
        )
    run("INSERT INTO point_balance VALUES (1, '2026Q4', '模范作用发挥', 3)")


def _one_more(session: Session, clock: Clock) -> None:
    assert points.award(session, 1, "model", fact="new", reason="带头", now=clock()).entry_id == 4


@pytest.mark.parametrize("count", [1, 2, 3, 64])
def test_shares_of_the_members_find_what_the_whole_finds(
    database: Database, clock: Clock, count: int
) -> None:
    made = fill(database, clock)
    edit = "UPDATE point_entry SET reason = 'x' WHERE id = :id"
    assert tamper(database, edit, id=made[2]) == [(made[2], "edited")]
    with database.write() as session:
        last = session.scalars(select(Member.id).order_by(Member.id.desc())).first()
        moved = {"member_id": last, "period": "2026Q4", "dimension": "模范作用发挥", "points": 5, "chain": ""}
        session.execute(sa.insert(PointBalance).values(moved))
    with database.read() as session:
        whole = point_chain.verify(session)
        spans = point_chain.spans(session, count)
        shares = [point_chain.verify(session, span) for span in spans]
    assert len(spans) <= count
    assert sum(share.rows for share in shares) == whole.rows == 7
    assert [one for share in shares for one in share.wrong] == whole.wrong
    assert {one.member_id for one in whole.wrong} >= {last}
