"""Owners are reminded before and after the deadline, those in charge once of what is long overdue."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member, Role
from bot.services import hazard_alarm
from bot.services.setting import calendar
from scheduler import hazards
from scheduler.runner import Node
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI


def december(day: int) -> datetime:
    """A morning of December 2026; the 1st is a Tuesday."""
    return datetime(2026, 12, day, 8, 45, tzinfo=SHANGHAI)


@pytest.fixture
def given(clock: Clock, phone: PhoneBook, secretary: Phone) -> None:
    """李明 has YH1 until 4 December and YH2 until 8 December."""
    clock.jump(december(1))
    for what in ("2号主变渗油", "仓库灭火器过期"):
        phone("张伟")(f"隐患 {what}")
    secretary("派发 YH1 李明 3天")
    secretary("派发 YH2 李明 7天")
    for name in ("李明", "王建国", "张伟"):
        phone(name).pushes()


def on(day: int, node: Node, clock: Clock, phone: PhoneBook, name: str = "李明") -> list[str]:
    """What somebody is told on a morning; the job runs twice."""
    clock.jump(december(day))
    hazards.remind(node, clock())
    hazards.remind(node, clock())
    return phone(name).pushes()


def test_the_owner_is_reminded_once_a_day_of_all_that_is_due(
    given: None, node: Node, clock: Clock, phone: PhoneBook
) -> None:
    assert on(2, node, clock, phone) == []
    (text,) = on(3, node, clock, phone)
    assert "YH1 2号主变渗油：12月4日(周五)到期" in text
    assert "YH2" not in text
    (text,) = on(4, node, clock, phone)
    assert on(5, node, clock, phone) == [], "a Saturday"
    (text,) = on(7, node, clock, phone)
    assert "YH1 2号主变渗油：已超期3天" in text
    assert "YH2 仓库灭火器过期：12月8日(周二)到期" in text
    phone("李明")("整改 YH1 已紧固")
    phone("李明").pushes()
    (text,) = on(8, node, clock, phone)
    assert "YH1" not in text


def test_what_is_long_overdue_is_told_to_the_nearest_in_charge_once(
    given: None, node: Node, clock: Clock, phone: PhoneBook, secretary: Phone
) -> None:
    assert on(7, node, clock, phone, "王建国") == [], "three days are not more than three"
    (text,) = on(8, node, clock, phone, "王建国")
    assert "YH1 2号主变渗油：李明，已超期4天" in text
    assert "派发 YH1" in text
    assert on(9, node, clock, phone, "王建国") == []
    assert phone("陈刚").pushes() == []
    secretary("派发 YH1 李明 1天")
    assert on(11, node, clock, phone, "王建国") == []
    found = on(14, node, clock, phone, "王建国")
    assert len(found) == 1, "a new deadline is told anew"
    assert "YH1" in found[0]


def test_who_is_in_charge_and_has_it_is_not_told_of_himself(
    node: Node, clock: Clock, phone: PhoneBook, secretary: Phone
) -> None:
    clock.jump(december(1))
    phone("张伟")("隐患 2号主变渗油")
    secretary("派发 YH1 王建国 1天")
    secretary.pushes()
    assert all("超期没有整改" not in text for text in on(8, node, clock, phone, "王建国"))
    assert any("超期没有整改" in text for text in phone("陈刚").pushes())


def test_of_what_those_in_charge_know_the_owner_hears_once_a_week(
    given: None, node: Node, clock: Clock, phone: PhoneBook
) -> None:
    for day in (9, 10, 11):
        on(day, node, clock, phone)
    assert len(on(14, node, clock, phone)) == 1
    assert [on(day, node, clock, phone) for day in (15, 16, 17, 18)] == [[], [], [], []]
    assert len(on(21, node, clock, phone)) == 1


def test_in_a_freeze_period_nothing_is_said_and_nothing_is_lost(
    given: None, node: Node, clock: Clock, phone: PhoneBook, secretary: Phone
) -> None:
    secretary("保电 12月2日到12月9日")
    assert on(3, node, clock, phone) == []
    assert on(9, node, clock, phone, "王建国") == []
    (text,) = on(10, node, clock, phone, "王建国")
    assert "YH1" in text
    assert len(phone("李明").pushes()) == 1


def test_where_nobody_is_in_charge_nothing_breaks(given: None, clock: Clock, database: Database) -> None:
    clock.jump(december(9))
    with database.write() as session:
        for role in session.scalars(select(Role).join(Member, Member.id == Role.member_id)):
            role.ends_on = december(1).date()
        assert hazard_alarm.remind(session, clock(), calendar()) == 1
