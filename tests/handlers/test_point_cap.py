"""A branch's own caps of the dimensions: from a quarter to come, never for what was earned."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchCap
from bot.services import point_account, point_cap, point_table, points, settlement, settlement_period
from bot.services.point_cap import Caps
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

DIMENSION = "党员教育管理"
SPRING = datetime(2027, 2, 1, 9, tzinfo=SHANGHAI)


def earn(bot: App, count: int) -> None:
    """Points for attendance (2 each) and study for 张伟, so many entries of both."""
    with bot.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        for n in range(count):
            for code in ("attend", "study"):
                fact = f"{code} {bot.clock()} {n}"
                points.award(session, who, code, fact=fact, reason="参加活动", now=bot.clock())


def raise_cap(secretary: Phone, cap: int = 10) -> None:
    secretary.script(
        (f"积分上限 {DIMENSION} {cap} 从下季度", f"2027年第1季度起每季度最多计 {cap} 分（原来 25 分）"),
        ("确认", "已定", "撤销"),
    )


def test_a_cap_holds_from_its_quarter_on_and_leaves_the_past_alone(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    earn(bot, 6)
    raise_cap(secretary)
    zhang = phone("张伟")
    zhang.script(("积分", "2026年第4季度共 17 分", "17/25 党员教育管理"))
    clock.jump(SPRING)
    earn(bot, 6)
    zhang.script(
        ("积分", "2027年第1季度共 10 分，全年 10 分", "10/10 党员教育管理"),
        ("积分上限", "党员教育管理：10 分", "模范作用发挥：25 分"),
    )
    with bot.database.read() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        assert [points.total(session, who.id, period) for period in ("2026Q4", "2027Q1")] == [17, 10]
        rows = {
            period: next(
                row for row in point_table.table(session, who.branch_id, period) if row.name == "张伟"
            )
            for period in ("2026Q4", "2027Q1")
        }
        assert [row.total for row in rows.values()] == [17, 10]
        assert point_account.branch_median(session, who.branch_id, clock()) == 0


def test_a_settlement_counts_by_the_branch_s_caps(bot: App, clock: Clock, secretary: Phone) -> None:
    raise_cap(secretary)
    clock.jump(SPRING)
    earn(bot, 6)
    clock.jump(datetime(2027, 4, 2, 9, tzinfo=SHANGHAI))
    with bot.database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        node = session.get_one(Organisation, who.branch_id)
        drawn = settlement.draft(session, node, settlement_period.quarter(2027, 1), by=who, now=clock())
        totals = dict(settlement._totals(session, drawn.id))
    assert totals[who.id] == 10


def test_other_branches_keep_the_shipped_caps(bot: App, secretary: Phone, database: Database) -> None:
    raise_cap(secretary)
    with database.read() as session:
        assert point_cap.of_branch(session, 0).of("2027Q1")[DIMENSION] == 25


def test_it_can_be_taken_back_before_it_begins(secretary: Phone, database: Database, clock: Clock) -> None:
    raise_cap(secretary)
    secretary.script(("撤销", "已撤回"), ("积分上限", "党员教育管理：25 分"))
    raise_cap(secretary, 40)
    assert "2027年第1季度起 党员教育管理：40 分" in secretary("积分上限")
    secretary.script(
        ("积分上限 撤回 党员教育管理", "已撤回"), ("积分上限 撤回 党员教育管理", "没有还没开始的新上限")
    )
    raise_cap(secretary, 40)
    clock.jump(SPRING)
    secretary.script(("积分上限 撤回 党员教育", "没有还没开始的新上限"))
    with database.read() as session:
        assert session.scalars(select(BranchCap.cap)).all() == [40]
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.act.like("%积分上限"))).all()
    assert acts == ["修改积分上限", "撤回积分上限", "修改积分上限", "撤回积分上限", "修改积分上限"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("积分上限 党员教育管理 30 从今天", "只能从下个季度（2027年第1季度）起改"),
        ("积分上限 党员教育管理 30 从四季度", "2027年第4季度起"),
        ("积分上限 党员教育管理 30 从2026年四季度", "只能从下个季度"),
        ("积分上限 党员教育管理 30 从1月1日", "2027年第1季度起"),
        ("积分上限 党员教育管理 4", "5 到 100 分之间"),
        ("积分上限 党员教育管理 101", "5 到 100 分之间"),
        ("积分上限 党员教育管理 25", "本来就是 25 分"),
        ("积分上限 跳舞 30", "没有找到维度“跳舞”"),
        ("积分上限 党员教育管理", "没看懂要怎么改"),
        ("积分上限 党员教育管理 30 从2月30日", "没看懂日期"),
        ("积分上限 教育 30", "“党员教育管理”，2027年第1季度起每季度最多计 30 分"),
    ],
)
def test_what_is_said_is_understood_or_refused(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_only_who_settles_may_change_it(phone: PhoneBook, secretary: Phone) -> None:
    phone("张伟").script(
        ("积分上限", "党员教育管理：25 分"), ("积分上限 党员教育管理 30", "需要支部书记或副书记来办")
    )
    secretary.script(("积分上限 党员教育管理 30", "1 确认"), ("随便", "1 确认"), ("2", "没有改动"))


def test_caps_are_read_by_quarter() -> None:
    caps = Caps((("甲", "2027Q1", 10), ("甲", "2027Q3", 20)))
    assert [caps.of(period).get("甲") for period in ("2026Q4", "2027Q1", "2027Q2", "2027Q3", "2028Q1")] == [
        None, 10, 10, 20, 20,
    ]  # fmt: skip
    assert [caps.counted("甲", 15, period) for period in ("2026Q4", "2027Q1", "2027Q3")] == [15, 10, 15]
