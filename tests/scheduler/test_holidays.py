"""A year without holidays is told to the admins once, and stops nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from bot import app as composition
from bot import doctor
from bot.app import App
from bot.clock import Clock
from bot.config import BadSettings, Settings
from bot.models.member import Member, Role, RoleName
from bot.services import setting
from scheduler import holidays
from scheduler.runner import Node
from tests.chat import PhoneBook
from tests.conftest import SHANGHAI


@pytest.fixture(autouse=True)
def shipped_again() -> Iterator[None]:
    yield
    setting.use_holidays(None)


@pytest.fixture
def admin(bot: App) -> None:
    with bot.database.write() as session:
        zhou = session.scalars(select(Member).where(Member.name == "周洁")).one()
        role = {"name": RoleName.ADMIN, "organisation_id": zhou.branch_id, "starts_on": date(2026, 1, 1)}
        session.add(Role(member_id=zhou.id, ends_on=None, **role))


def test_the_admins_are_told_once_in_december(
    admin: None, node: Node, clock: Clock, phone: PhoneBook
) -> None:
    holidays.look(node, clock())
    clock.jump(datetime(2026, 11, 30, 23, 59, tzinfo=SHANGHAI))
    holidays.look(node, clock())
    assert phone("周洁").pushes() == []
    clock.jump(datetime(2026, 12, 1, 9, 11, tzinfo=SHANGHAI))
    holidays.look(node, clock())
    (text,) = phone("周洁").pushes()
    assert text.startswith("2027年放假安排还没有录入")
    clock.jump(datetime(2027, 1, 4, 9, 11, tzinfo=SHANGHAI))
    holidays.look(node, clock())
    assert phone("周洁").pushes() == []
    assert phone("王建国").pushes() == []


def test_the_doctor_sees_it(bot: App, clock: Clock) -> None:
    def about() -> list[tuple[bool, str]]:
        return [(one.well, one.what) for one in doctor.examine(bot) if "放假" in one.what]

    assert about() == [(True, "2026年放假安排已录入")]
    clock.jump(datetime(2026, 12, 1, 0, 0, tzinfo=SHANGHAI))
    ((well, what),) = about()
    assert not well
    assert "2027年" in what
    assert "ZHIBU_HOLIDAYS" in what


def own(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"holidays": str(path)})


def test_an_own_file_is_used_from_the_start(settings: Settings, tmp_path: Path, clock: Clock) -> None:
    path = tmp_path / "own.toml"
    path.write_text('[[year]]\nyear = 2027\nsource = "《通知》"\noff = [2027-01-01]\nwork = []\n', "utf-8")
    app = composition.build(own(settings, path), clock=clock)
    assert setting.calendar().day_kind(date(2027, 1, 1)) == "法定节假日"
    assert setting.missing_years(date(2026, 12, 31)) == []
    app.database.dispose()


def test_a_bad_own_file_stops_the_start_with_its_line(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text("\n[[year]]\nyear = 2027\n", "utf-8")
    with pytest.raises(BadSettings, match=r"ZHIBU_HOLIDAYS: own.toml 第2行 2027年"):
        composition.build(own(settings, path))
    assert setting.calendar().has_data(2026)
