"""``zhibu members sync``: the platform's directory beside the roster, through the real client and the simulated platform."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, update

from bot import app as composition
from bot.app import App
from bot.cli import main
from bot.config import Settings
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.organisation import Organisation
from tests.stage import Stage

Zhibu = Callable[..., Result]


@pytest.fixture
def zhibu(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Zhibu:
    """The command line of the staged product, whose HTTP goes to the simulated platform."""

    def open_app(**_: object) -> App:
        return stage.bot

    monkeypatch.setattr("bot.command.open_app", open_app)
    return lambda *words: CliRunner().invoke(main, ["members", *words])


def forget(database: Database, *names: str) -> None:
    """The roster no longer has the accounts of these people."""
    with database.write() as session:
        ids = session.scalars(select(Member.id).where(Member.name.in_(names))).all()
        session.execute(update(Identity).where(Identity.member_id.in_(ids)).values(member_id=None))
        session.execute(update(Member).where(Member.id.in_(ids)).values(account=None))


def account(database: Database, name: str) -> str | None:
    with database.read() as session:
        return session.scalars(select(Member.account).where(Member.name == name)).one()


def test_nothing_is_written_before_somebody_asks_for_it(stage: Stage, zhibu: Zhibu) -> None:
    forget(stage.bot.database, "张伟", "古丽")
    done = zhibu("sync")
    assert done.exit_code == 0, done.output
    assert "补账号：张伟 zhangwei" in done.output
    assert "账号一致 10 人" in done.output
    assert "加 --apply" in done.output
    assert zhibu("sync", "--apply").exit_code == 2
    assert account(stage.bot.database, "张伟") is None


def test_missing_accounts_are_filled_in_and_work_at_once(stage: Stage, zhibu: Zhibu) -> None:
    forget(stage.bot.database, "张伟")
    done = zhibu("sync", "--apply", "--yes")
    assert done.exit_code == 0, done.output
    assert "已补账号 1 个" in done.output
    assert account(stage.bot.database, "张伟") == "zhangwei"
    assert "张伟，您的情况" in stage.say("张伟", "我的")
    with stage.bot.database.read() as session:
        entry = session.scalars(select(AuditEntry)).one()
    assert (entry.act, entry.channel, entry.detail) == ("同步通讯录", "cli", "补账号 1 个")
    assert "补账号" not in zhibu("sync").output


def test_who_is_who_must_be_clear(stage: Stage, zhibu: Zhibu) -> None:
    forget(stage.bot.database, "张伟", "古丽")
    with stage.bot.database.write() as session:
        session.execute(update(Member).where(Member.name == "古丽").values(name="张伟"))
        session.execute(update(Member).where(Member.name == "李明").values(name="李鸣"))
        session.execute(update(Member).where(Member.name == "刘芳").values(account="liufang2"))
    output = zhibu("sync", "--apply", "--yes").output
    assert "重名，请在名册里填账号：张伟" in output
    assert "姓名不一致：名册 李鸣，通讯录 李明" in output
    assert "通讯录里没有：刘芳（liufang2）" in output
    assert "补账号" not in output


def test_hidden_names_bind_nobody(stage: Stage, zhibu: Zhibu) -> None:
    forget(stage.bot.database, "张伟")
    stage.platform.wecom.names_hidden = True
    output = zhibu("sync", "--apply", "--yes").output
    assert "12 人平台不给姓名，只能按账号核对" in output
    assert "补账号" not in output
    assert "姓名不一致" not in output
    assert account(stage.bot.database, "张伟") is None


@pytest.mark.parametrize(
    ("code", "answer"),
    [(48002, "may not read the directory"), (60011, "可见范围"), (60020, "企业可信IP"), (60003, "doctor")],
)
def test_what_the_platform_refuses_is_told_in_one_line(
    stage: Stage, zhibu: Zhibu, code: int, answer: str
) -> None:
    stage.platform.fail(code, times=1, on="simplelist")
    done = zhibu("sync")
    assert done.exit_code == 2
    assert answer in done.output
    assert len(done.output.strip().splitlines()) == 1


def test_without_wecom_there_is_no_directory(bot: App, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = composition.build(Settings.model_validate(bot.settings.model_dump()), clock=bot.clock)
    monkeypatch.setattr("bot.command.open_app", lambda **_: plain)
    done = CliRunner().invoke(main, ["members", "sync"])
    assert done.exit_code == 2
    assert "ZHIBU_WECOM_CORP_ID" in done.output


def test_a_dry_run_says_what_would_change_and_writes_nothing(
    stage: Stage, zhibu: Zhibu, tmp_path: Path
) -> None:
    file = tmp_path / "roster.csv"
    rows = [
        "姓名,账号,党支部,身份,班组",
        "张伟,zhangwei,示范供电公司党委/检修党支部,正式党员,新班",
        "李四,lisi,示范供电公司党委/新党支部,正式党员,甲班",
    ]
    file.write_text("\n".join(rows), encoding="utf-8")
    done = zhibu("import", str(file), "--dry-run")
    assert done.exit_code == 0, done.output
    for said in ("没有写入", "新增 1，更新 1", "更新：第 2 行 张伟", "新增：第 3 行 李四", "新建了"):
        assert said in done.output
    with stage.bot.database.read() as session:
        assert session.scalars(select(Member.crew).where(Member.name == "张伟")).one() != "新班"
        assert not session.scalars(select(Member).where(Member.name == "李四")).all()
        assert not session.scalars(select(Organisation).where(Organisation.name == "新党支部")).all()
        assert not session.scalars(select(AuditEntry)).all()
    assert zhibu("import", str(file)).exit_code == 0
    assert account(stage.bot.database, "李四") == "lisi"
