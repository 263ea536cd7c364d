"""``zhibu points``: what it says and how it ends."""

from __future__ import annotations

from datetime import date

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text

from bot import cli_points
from bot.app import App
from bot.cli_points import points as group
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.services import points, rule_change
from bot.services.rule_change import Wish


@pytest.fixture
def zhibu(bot: App, database_url: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    monkeypatch.setenv("ZHIBU_DATABASE_URL", database_url)
    monkeypatch.setenv("ZHIBU_SECRET_KEY", "a secret only for tests, long enough")
    with bot.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        for n in range(3):
            points.award(session, who, "attend", fact=f"attendance {n} 1", reason="主题党日", now=bot.clock())

    def run(*words: str) -> Result:
        return CliRunner().invoke(group, words)

    return run


def test_verify_says_that_all_is_well_or_names_the_entry(bot: App, zhibu) -> None:  # type: ignore[no-untyped-def]
    done = zhibu("verify")
    assert (done.exit_code, "3 entries, all well" in done.output) == (0, True)
    with bot.database.write() as session:
        session.execute(text("UPDATE point_entry SET reason = '改过' WHERE fact = 'attendance 1 1'"))
    done = zhibu("verify")
    assert done.exit_code == 1
    assert ": edited" in done.output
    assert "1 findings" in done.output


def test_many_entries_are_verified_by_several_processes(bot: App, zhibu, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(cli_points, "ONE_PROCESS", 0)
    done = zhibu("verify")
    assert (done.exit_code, "3 entries, all well" in done.output) == (0, True)
    with bot.database.write() as session:
        session.execute(text("UPDATE point_entry SET reason = '改过' WHERE fact = 'attendance 1 1'"))
    done = zhibu("verify")
    assert (done.exit_code, ": edited" in done.output) == (1, True)


def test_explain_tells_rule_version_fact_giver_and_cap(zhibu) -> None:  # type: ignore[no-untyped-def]
    done = zhibu("explain", "张伟")
    assert done.exit_code == 0
    first = done.output.splitlines()[1]
    for part in (
        "+2 分",
        "attend 第1版",
        "签到记录 attendance 0 1",
        "系统自动",
        "上限 20 分",
        "事由：主题党日",
    ):
        assert part in first
    unknown = zhibu("explain", "没有这个人")
    assert unknown.exit_code == 2
    assert "nobody on the roster" in unknown.output


def test_settle_tells_what_became_final(zhibu) -> None:  # type: ignore[no-untyped-def]
    assert "0 final, 0 waiting" in zhibu("settle").output


def test_rules_lists_what_is_shipped_and_what_branches_made_of_it(bot: App, zhibu) -> None:  # type: ignore[no-untyped-def]
    with bot.database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "王建国")).one()
        branch = session.get_one(Organisation, who.branch_id)
        wish = Wish("attend", date(2027, 1, 1), points=3)
        rule_change.change(session, branch, wish, by=who, now=bot.clock())
    lines = [line.split("\t") for line in zhibu("rules").output.splitlines()]
    assert ["shipped", "attend", "第1版"] in [line[:3] for line in lines]
    assert lines[-1][:3] == ["检修党支部", "attend", "本支部第1版"]
    assert lines[-1][-1] == "2027-01-01.."
