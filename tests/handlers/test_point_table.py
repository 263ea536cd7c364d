"""What a secretary sees of the branch's points, and what everybody sees only where the branch wants it."""

from __future__ import annotations

import io
from datetime import datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import select, update

from bot.app import App, create_flask
from bot.models.member import Member
from bot.services import point_table, points
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI


def award(bot: App, name: str, code: str, amount: int, when: datetime | None = None) -> None:
    with bot.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == name)).one()
        fact = f"{name} {code} {amount} {when}"
        points.award(session, who, code, fact=fact, reason="做了", now=when or bot.clock(), points=amount)


def test_the_table_lists_everybody_by_group_and_not_by_points(secretary: Phone, bot: App) -> None:
    award(bot, "孙磊", "model", 5)
    award(bot, "张伟", "duty", 2)
    first = secretary("积分表")
    second = secretary("下一页")
    assert first.index("第一党小组：王建国 0") < first.index("张伟 2（0、0、0、2）")
    assert "孙磊 5（5、0、0、0）" in first + second
    assert len(first.splitlines()) <= 12
    names = (
        "王建国",
        "张伟",
        "古丽",
        "李明",
        "刘芳",
        "陈刚",
        "赵敏",
        "阿不力孜",
        "孙磊",
        "周洁",
        "马强",
        "吴霞",
    )
    assert all(f"{name} " in first + second for name in names)
    assert "没有这一页了" in secretary("积分表 9")


def test_the_table_is_exported_by_roster_with_figures_as_figures(secretary: Phone, bot: App) -> None:
    award(bot, "孙磊", "model", 5)
    for said in ("导出积分表", "导出 积分表"):
        told = secretary(said)
        assert "2026年第4季度积分表（Excel）" in told
    link = next(word for word in told.split() if word.startswith("http"))
    answer = create_flask(bot).test_client().get(link.removeprefix(bot.settings.base_url))
    rows = list(load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows(values_only=True))
    assert rows[1] == ("党小组", "姓名", *point_table.dimensions(), "合计")
    assert len(rows) == 2 + 12
    assert next(row for row in rows if row[1] == "孙磊")[2:] == (5, 0, 0, 0, 5)
    assert rows[2][1] == "王建国"


def test_members_do_not_see_the_table(phone: PhoneBook) -> None:
    for said in ("积分表", "积分走势", "公平检查", "导出积分表"):
        assert "需要支部书记或委员来办" in phone("张伟")(said)


def test_the_fairness_check_names_people_groups_and_dimensions(secretary: Phone, bot: App) -> None:
    everybody = "全支部 12 人"
    assert secretary("公平检查").count(everybody) == 4
    for name in ("王建国", "张伟", "古丽", "刘芳", "吴霞", "李明", "陈刚", "赵敏", "马强"):
        award(bot, name, "duty", 1, datetime(2026, 8, 3, tzinfo=SHANGHAI))
    award(bot, "张伟", "model", 1)
    told = secretary("公平检查")
    assert "业务职责落实：3 人（阿不力孜、孙磊、周洁）；第三党小组全组没有" in told
    assert "模范作用发挥：11 人" in told
    assert told.count(everybody) == 2


def test_what_was_two_quarters_ago_is_no_chance_now(secretary: Phone, bot: App) -> None:
    award(bot, "张伟", "duty", 1, datetime(2026, 5, 4, tzinfo=SHANGHAI))
    assert "业务职责落实：全支部 12 人" in secretary("公平检查")


def test_the_course_of_four_quarters(secretary: Phone, bot: App) -> None:
    award(bot, "张伟", "model", 5, datetime(2026, 2, 3, tzinfo=SHANGHAI))
    for name in ("张伟", "古丽", "孙磊", "李明", "刘芳", "陈刚", "赵敏"):
        award(bot, name, "model", 4)
    told = secretary("积分走势")
    assert "2026年第1季度：12 人，中位数 0，平均 0.4，没有得分 11 人" in told
    assert "2026年第4季度：12 人，中位数 4，平均 2.3，没有得分 5 人" in told


@pytest.mark.parametrize(
    ("period", "back", "expected"),
    [("2026Q1", 1, "2025Q4"), ("2026Q4", 3, "2026Q1"), ("2026Q2", 0, "2026Q2")],
)
def test_a_quarter_before(period: str, back: int, expected: str) -> None:
    assert point_table.previous(period, back) == expected


def test_no_ranking_unless_the_branch_wants_it_and_then_the_upper_third(
    phone: PhoneBook, secretary: Phone, bot: App
) -> None:
    for name, amount in (("张伟", 5), ("古丽", 4), ("孙磊", 3), ("李明", 2), ("刘芳", 2)):
        award(bot, name, "model", amount)
    ma = phone("马强")
    assert "不公布个人积分排名" in ma("积分榜")
    assert "只列前三分之一" in secretary("积分设置 开积分榜")
    told = ma("积分榜")
    assert "1 张伟 5 分" in told
    assert "3 孙磊 3 分" in told
    assert "李明" not in told  # four places, but the fourth and the fifth are equal


def test_somebody_out_of_use_is_not_listed(secretary: Phone, bot: App) -> None:
    with bot.database.write() as session:
        session.execute(update(Member).where(Member.name == "孙磊").values(active=False))
    assert "孙磊" not in secretary("积分表") + secretary("积分表 2")
