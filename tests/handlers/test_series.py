"""Activities every month: proposed, confirmed one by one, never published by themselves."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity
from bot.models.audit import AuditEntry
from bot.models.series import Series
from bot.services import series, setting
from content.holidays import Calendar
from scheduler.runner import Node
from scheduler.series import ask
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

LINE = "每月第二个周五 14:30 主题党日 三楼会议室"


@pytest.fixture
def holidays(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second Friday of January 2027 is a holiday, and so is the Monday after it."""
    off = frozenset({date(2027, 1, 8), date(2027, 1, 11)})
    calendar = Calendar(off=off, work=frozenset({date(2027, 1, 9)}), years=frozenset({2026, 2027}))
    monkeypatch.setattr(setting, "calendar", lambda: calendar)


@pytest.fixture
def node(bot: App) -> Node:
    return Node(bot.database, {}, bot.settings, bot.clock, "one")


def days(database: Database) -> list[date]:
    with database.read() as session:
        found = session.scalars(select(Activity.starts_at).order_by(Activity.id))
        return [at.astimezone(SHANGHAI).date() for at in found]


def test_a_series_shows_three_days_and_publishes_only_the_next(
    secretary: Phone, phone: PhoneBook, database: Database, holidays: None
) -> None:
    secretary.script(
        (
            LINE,
            "每月第二个周五14:30，三楼会议室，全体党员",
            "12月11日(周五)14:30\n",
            "2027年1月9日(周六)14:30（1月8日放假，顺延；调休上班日）",
            "2027年2月12日(周五)14:30",
            "1 确认",
        ),
        ("1", "已记住：主题党日", "已发布 #1 12月11日(周五)14:30 宪法宣传进班组", "正在发给 12 人"),
        ("每月安排", "#1 主题党日：每月第二个周五14:30", "下次待发布：2027年1月9日"),
    )
    assert days(database) == [date(2026, 12, 11)]
    assert "宪法宣传进班组" in phone("张伟").pushes()[0]
    with database.read() as session:
        assert session.scalars(select(AuditEntry.act)).all() == ["安排每月活动"]


def test_a_day_without_a_make_up_day_moves_to_the_next_working_day(
    secretary: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    off = frozenset({date(2026, 12, 11), date(2026, 12, 14)})
    monkeypatch.setattr(
        setting, "calendar", lambda: Calendar(off=off, work=frozenset(), years=frozenset({2026}))
    )
    secretary.script(
        (
            LINE,
            "12月15日(周二)14:30（12月11日放假，顺延）",
            "2027年1月8日(周五)14:30（2027年放假安排还没有录入",
        )
    )


def test_giving_up_keeps_nothing(secretary: Phone, database: Database) -> None:
    secretary.script(
        (LINE, "接下来三次"),
        ("取消", "没有安排"),
        ("每月安排", "还没有每月安排"),
        ("发布下次", "还没有每月安排"),
    )
    assert days(database) == []


def test_the_secretary_is_asked_ten_days_before_and_publishes_the_next_by_confirming(
    secretary: Phone, phone: PhoneBook, clock: Clock, database: Database, node: Node, holidays: None
) -> None:
    secretary.script((LINE, "接下来三次"), ("确认", "已发布 #1"))
    secretary.pushes()
    clock.jump(datetime(2026, 12, 29, 9, 0, tzinfo=SHANGHAI))
    ask(node, clock())
    assert secretary.pushes() == []
    clock.jump(datetime(2026, 12, 30, 9, 0, tzinfo=SHANGHAI))
    ask(node, clock())
    ask(node, clock())
    (asked,) = secretary.pushes()
    assert "该发布主题党日了：2027年1月9日(周六)14:30（1月8日放假，顺延" in asked
    assert "党员突击队保供暖" in asked
    assert "发布下次" in asked
    assert days(database) == [date(2026, 12, 11)], "nothing is published by itself"
    zhang = phone("张伟")
    zhang.pushes()
    secretary.script(
        (
            "发布下次",
            "每月安排的下一次：2027年1月9日",
            "发布预览",
            "党员突击队保供暖",
            "三楼会议室",
            "应到 12 人",
        ),
        ("确认", "已发布 #2"),
    )
    assert days(database) == [date(2026, 12, 11), date(2027, 1, 9)]
    assert "党员突击队保供暖" in zhang.pushes()[0]


def test_who_published_by_hand_is_not_asked(
    secretary: Phone, clock: Clock, node: Node, holidays: None
) -> None:
    secretary.script((LINE, "接下来三次"), ("确认", "已发布 #1"))
    clock.jump(datetime(2026, 12, 28, 9, 0, tzinfo=SHANGHAI))
    secretary.script(("发布主题党日 2027年1月20日15:00 二楼 主题:学安规", "发布预览"), ("确认", "已发布 #2"))
    secretary.pushes()
    clock.jump(datetime(2027, 1, 4, 9, 0, tzinfo=SHANGHAI))
    ask(node, clock())
    assert secretary.pushes() == []
    secretary.script(("发布下次", "每月安排的下一次：2月12日"))


def test_a_stopped_series_asks_nobody(secretary: Phone, clock: Clock, node: Node, holidays: None) -> None:
    secretary.script((LINE, "接下来三次"), ("确认", "已发布 #1"), ("停止系列", "已停止：主题党日"))
    secretary.pushes()
    clock.jump(datetime(2027, 1, 4, 9, 0, tzinfo=SHANGHAI))
    ask(node, clock())
    assert secretary.pushes() == []
    secretary.script((LINE, "接下来三次"))


def test_one_kind_has_one_series_and_another_kind_its_own(secretary: Phone, holidays: None) -> None:
    secretary.script(
        (LINE, "接下来三次"),
        ("确认", "已记住"),
        ("每月第三个周五 14:30 主题党日 三楼会议室", "已有每月安排：每月第二个周五14:30", "停止系列 #1"),
        ("每月最后一个周一 15:00 支委会 党建活动室", "11月30日(周一)15:00", "12月28日(周一)15:00", "支委"),
        ("确认", "已发布 #2 11月30日(周一)15:00 11月支委会，正在发给 5 人"),
        ("发布下次", "有 2 个每月安排", "2 支委会"),
        ("2", "支委会发布预览", "12月支委会", "2026年12月28日(周一)15:00"),
    )


def test_what_is_missing_is_said(secretary: Phone) -> None:
    secretary.script(
        ("每月第二个周五 主题党日 三楼会议室", "还差几点钟"),
        ("每月第二个周五 14:30 主题党日", "还差地点"),
        ("每月第五个周五 14:30 主题党日 三楼", "不是每个月都有第五个"),
        ("每月第二次 14:30 主题党日 三楼", "要写第几个周几"),
        ("每月第一个周一 15:00 党小组会 班组会议室", "要写明是哪个党小组"),
        ("每月第一个周一 15:00 党小组会 第二党小组 班组会议室", "第二党小组", "12月7日(周一)15:00"),
    )


def test_a_groups_leader_is_asked_for_the_own_group(
    secretary: Phone, phone: PhoneBook, clock: Clock, node: Node, holidays: None
) -> None:
    ma = phone("马强")
    ma.script(
        ("每月第一个周一 15:00 党小组会 班组会议室", "第二党小组", "12月7日"), ("确认", "正在发给 4 人")
    )
    phone("阿不力孜").script(("每月安排", "还没有每月安排"), ("停止系列 #1", "还没有每月安排"))
    ma.pushes()
    secretary.pushes()
    clock.jump(datetime(2026, 12, 28, 9, 0, tzinfo=SHANGHAI))
    ask(node, clock())
    assert "该发布党小组会了" in ma.pushes()[0]
    assert secretary.pushes() == []


def test_a_member_arranges_nothing(phone: PhoneBook) -> None:
    phone("张伟").script((LINE, "需要支部书记或委员"), ("发布下次", "需要支部书记或委员"))


@pytest.mark.parametrize(
    ("month", "week", "weekday", "expected"),
    [
        (12, 2, 4, date(2026, 12, 11)),
        (5, 1, 4, date(2026, 5, 1)),
        (2, 4, 6, date(2026, 2, 22)),
        (2, 0, 5, date(2026, 2, 28)),
        (11, 0, 0, date(2026, 11, 30)),
        (12, 0, 3, date(2026, 12, 31)),
    ],
)
def test_the_day_in_a_month(month: int, week: int, weekday: int, expected: date) -> None:
    assert series.day_in(2026, month, week, weekday) == expected


def test_a_saturday_that_was_chosen_is_not_moved() -> None:
    saturday = Series(week=1, weekday=5, at=time(9))
    nearest = next(series.occasions(saturday, datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)))
    assert (nearest.on, nearest.moved) == (date(2026, 12, 5), False)
