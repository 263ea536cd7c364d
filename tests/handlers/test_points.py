"""积分 in chat: what a member sees, giving by a rule, taking back, and who may not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.services import points, roster
from tests.chat import Phone, PhoneBook
from tests.conftest import SECRET


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


def award(app: App, name: str, code: str, *facts: str, amount: int | None = None) -> int:
    """Points that the product counted; the last entry's number."""
    with app.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == name)).one()
        for fact in facts:
            done = points.award(
                session, who, code, fact=f"{name} {fact}", reason=fact, now=app.clock(), points=amount
            )
    assert done.entry_id is not None
    return done.entry_id


def number_in(answer: str) -> int:
    found = re.search(r"#(\d+)", answer)
    assert found, answer
    return int(found[1])


def ledger(database: Database, name: str = "张伟") -> list[int]:
    with database.read() as session:
        rows = (
            select(PointEntry.points)
            .join(Member, Member.id == PointEntry.member_id)
            .where(Member.name == name)
        )
        return list(session.scalars(rows.order_by(PointEntry.id)))


def audits(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))


def import_people(app: App, *people: dict[str, str]) -> None:
    rows = [(n, {"党支部": "检修党支部", "身份": "正式党员", **one}) for n, one in enumerate(people, 2)]
    with app.database.write() as session:
        assert not roster.import_rows(session, rows, secret=SECRET, now=app.clock()).rejected


# What a member sees -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["积分", "我的积分", "我有多少分", "我现在多少分了", "查一下积分", "積分"])
def test_points_are_asked_for_in_many_words(zhang: Phone, said: str) -> None:
    assert "张伟，2026年第4季度共 0 分" in zhang(said)


def test_the_answer_has_total_four_bars_and_the_last_five(zhang: Phone, bot: App) -> None:
    for n in range(6):
        award(bot, "张伟", "attend", f"第{n}次活动")
    last = award(bot, "张伟", "model", "抢修带队", amount=5)
    answer = zhang("积分")
    for part in (
        "共 17 分，全年 17 分",
        "■□□□□ 5/25 模范作用发挥",
        "■■■□□ 12/25 党员教育管理",
        "□□□□□ 0/25 业务职责落实",
    ):
        assert part in answer
    assert f"#{last} +5 抢修带队" in answer
    assert "第2次活动" in answer
    assert "第1次活动" not in answer
    assert len(answer.splitlines()) <= 12
    assert "积分明细" in answer


def test_a_dimension_above_its_cap_is_shown_as_its_cap(zhang: Phone, bot: App) -> None:
    award(bot, "张伟", "model", "一", "二", "三", "四", amount=5)
    award(bot, "张伟", "volunteer", "五", amount=12)
    answer = zhang("积分")
    assert "共 25 分" in answer
    assert "■■■■■ 25/25 模范作用发挥" in answer


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    said: list[str] = []

    def listen(_c: object, _cursor: object, statement: str, *_: object) -> None:
        said.append(statement)

    event.listen(database.engine, "before_cursor_execute", listen)
    yield said
    event.remove(database.engine, "before_cursor_execute", listen)


def test_points_cost_two_questions_to_the_database(zhang: Phone, bot: App, database: Database) -> None:
    """The busiest word: no median, no roles; the whole message stays below six statements."""
    award(bot, "张伟", "attend", "活动")
    zhang("积分")
    with statements(database) as said:
        zhang("积分")
    assert len([one for one in said if "point_" in one]) == 2
    assert not [one for one in said if "FROM role" in one]


def test_ten_rows_a_page_and_the_next_page_by_number_or_word(zhang: Phone, bot: App) -> None:
    award(bot, "张伟", "quiz", *(f"答题{n}" for n in range(8)))
    award(bot, "张伟", "attend", *(f"活动{n}" for n in range(5)))
    for word in ("1", "下一页"):
        first = zhang("积分明细")
        assert len(re.findall(r"^#", first, re.MULTILINE)) == 10
        assert "参加组织生活：活动4（自动，11-23）" in first
        second = zhang(word)
        assert "第2页" in second
        assert "答题（当天答对3题）：答题0" in second
        assert len(re.findall(r"^#", second, re.MULTILINE)) == 3
    assert "没有下一页" in zhang("下一页")


def test_the_median_stands_in_the_details_only(zhang: Phone, bot: App) -> None:
    award(bot, "张伟", "attend", "活动")
    assert "中位数 0 分" in zhang("积分明细")
    assert "中位数" not in zhang("积分")


def test_why_points_were_taken_shows_who_and_why(zhang: Phone, secretary: Phone, bot: App) -> None:
    entry = award(bot, "张伟", "attend", "活动")
    secretary(f"更正 {entry} 当天请假")
    for said in ("为什么扣分", "凭什么扣分了"):
        assert f"-2 参加组织生活：当天请假（王建国，11-23，更正#{entry}）" in zhang(said)


def test_nobody_sees_another_members_entries(phone: PhoneBook, bot: App) -> None:
    award(bot, "张伟", "attend", "张伟的活动")
    for said in ("积分", "积分明细"):
        assert "张伟的活动" not in phone("古丽")(said)


# Giving -----------------------------------------------------------------------------------------------------------------


def test_the_secretary_gives_by_a_chosen_rule_and_both_see_it(
    secretary: Phone, zhang: Phone, database: Database
) -> None:
    secretary.script(
        ("加分 张伟 3 抢修现场带队", "按哪条规则", "1 急难险重任务中带头"),
        ("1", "已给张伟 +3 分（模范作用发挥·急难险重任务中带头）：抢修现场带队", "本季共 3 分", "撤销"),
    )
    (push,) = zhang.pushes()
    assert "王建国给您记 +3 分（模范作用发挥）：抢修现场带队" in push
    assert "申诉" in push
    assert audits(database) == ["加分"]
    assert "抢修现场带队" in zhang("积分")


@pytest.mark.parametrize(
    "said", ["加分 张伟 3 师带徒", "加分张伟3分，师带徒", "加分 张伟 +3分 师带徒", "加分　张伟　３　师带徒"]
)
def test_words_of_a_rule_choose_it(secretary: Phone, database: Database, said: str) -> None:
    assert "自身综合素质提升·技能取证、师带徒" in secretary(said)
    assert ledger(database) == [3]


def test_giving_is_undone_within_five_minutes(
    secretary: Phone, zhang: Phone, database: Database, clock: Clock
) -> None:
    secretary("加分 张伟 3 师带徒")
    clock.sleep(timedelta(minutes=4))
    assert "-3 分" in secretary("撤销")
    assert ledger(database) == [3, -3]
    assert len(zhang.pushes()) == 2
    secretary("加分 张伟 2 师带徒")
    clock.sleep(timedelta(minutes=6))
    assert "没有可以撤销" in secretary("撤销")
    assert sum(ledger(database)) == 2


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("加分 王建国 3 师带徒", "不能给自己"),
        ("加分 张伟 6 师带徒", "每次可给 1–5 分"),
        ("加分 张伟 -3 师带徒", "大于 0"),
        ("加分 张伟 0 师带徒", "大于 0"),
        ("加分 张伟 3", "写明事由"),
        ("加分 张伟 师带徒", "没看懂"),
        ("加分 张伟 3 明天师带徒", "“明天”还没有到"),
        ("加分 张伟 3 12月5日师带徒", "“12月5日”还没有到"),
        ("加分 张伟 3 2027年3月1日师带徒", "还没有到"),
        ("加分 无此人 3 师带徒", "没有叫“无此人”的人"),
        ("加分 外人 3 师带徒", "没有叫“外人”的人"),
        ("加分 孙磊 3 师带徒", "孙磊的账号已停用"),
    ],
)
def test_what_cannot_be_given_is_refused_with_its_reason(
    secretary: Phone, bot: App, database: Database, said: str, why: str
) -> None:
    import_people(bot, {"姓名": "外人", "工号": "X1", "党支部": "别的公司党委/外部党支部"})
    with database.write() as session:
        session.execute(update(Member).where(Member.name == "孙磊").values(active=False))
    assert why in secretary(said)
    with database.read() as session:
        assert session.scalars(select(PointEntry)).all() == []


def test_a_past_day_of_this_year_is_no_future(secretary: Phone, database: Database) -> None:
    secretary("加分 张伟 3 3月5日师带徒")
    assert ledger(database) == [3]


def test_over_the_cap_says_the_cap_and_gives_nothing(secretary: Phone, bot: App, database: Database) -> None:
    award(bot, "张伟", "skill", "取证", amount=10)
    secretary.script(
        ("加分 张伟 3 师带徒", "每季度最多计 12 分", "还可加 2 分"), ("加分 张伟 2 师带徒", "已给张伟 +2 分")
    )
    assert ledger(database) == [10, 2]


def test_namesakes_are_told_apart_by_a_number(secretary: Phone, bot: App, database: Database) -> None:
    import_people(
        bot,
        {"姓名": "李四", "工号": "D0101", "党小组": "第一党小组"},
        {"姓名": "李四", "工号": "D0102", "党小组": "第二党小组"},
    )
    secretary.script(("加分 李四 3 师带徒", "有2位李四", "2 李四(D0102) 第二党小组"), ("2", "已给李四 +3 分"))
    with database.read() as session:
        assert (
            session.scalar(select(Member.staff_no).join(PointEntry, PointEntry.member_id == Member.id))
            == "D0102"
        )


def test_a_rule_is_asked_for_until_it_is_named(secretary: Phone, database: Database) -> None:
    secretary.script(
        ("加分 张伟 3 干得好", "按哪条规则"),
        ("9", "请回复 1–4"),
        ("好", "请回复 1–4"),
        ("业务攻关", "业务职责落实"),
    )
    assert ledger(database) == [3]


def test_the_same_message_twice_gives_once(secretary: Phone, database: Database) -> None:
    first = secretary("加分 张伟 3 师带徒")
    assert secretary.again() == first
    assert ledger(database) == [3]


# Correcting -------------------------------------------------------------------------------------------------------------


def test_a_correction_is_a_row_with_a_reason_and_the_member_is_told(
    secretary: Phone, zhang: Phone, bot: App, database: Database
) -> None:
    entry = award(bot, "张伟", "attend", "活动")
    secretary.script(
        (f"更正 {entry}", "请写一句理由"), ("当天请假", f"已更正 #{entry}", "-2 分", "该季共 0 分")
    )
    assert ledger(database) == [2, -2]
    (push,) = zhang.pushes()
    assert "当天请假" in push
    assert audits(database) == ["更正积分"]
    assert "已经更正过了" in secretary(f"更正 {entry} 再来")


def test_a_correction_is_undone_by_another_row(secretary: Phone, bot: App, database: Database) -> None:
    entry = award(bot, "张伟", "attend", "活动")
    secretary(f"更正 {entry} 写错了人")
    assert "重记 +2 分" in secretary("撤销")
    assert ledger(database) == [2, -2, 2]


def test_entries_of_other_branches_and_own_ones_cannot_be_corrected(
    secretary: Phone, bot: App, database: Database
) -> None:
    import_people(bot, {"姓名": "外人", "工号": "X1", "党支部": "别的公司党委/外部党支部"})
    outside, own = award(bot, "外人", "attend", "活动"), award(bot, "王建国", "attend", "活动")
    secretary.script(
        (f"更正 {outside} 写错了", "没有找到"),
        (f"更正 {own} 写错了", "不能给自己"),
        ("更正 9999999999 写错了", "没有找到"),
        ("更正 那一条", "请写积分编号"),
    )
    assert ledger(database, "外人") == [2]


def test_an_entry_explains_itself_to_its_owner_only(phone: PhoneBook, secretary: Phone) -> None:
    number = re.search(r"#(\d+)", secretary("加分 张伟 3 师带徒"))
    assert number is not None
    zhang = phone("张伟")
    told = zhang(f"积分依据 {number[1]}")
    for part in (
        "+3 分",
        "技能取证、师带徒（skill 第1版）",
        "每季度上限 12 分",
        "记分：王建国",
        "事由：师带徒",
    ):
        assert part in told
    assert len(told.splitlines()) <= 12
    assert "没有找到您的第" in phone("古丽")(f"积分依据 {number[1]}")
    assert "请写积分编号" in zhang("积分依据 是什么")


def test_a_branch_may_hide_its_median(phone: PhoneBook, secretary: Phone) -> None:
    secretary("加分 张伟 3 师带徒")
    zhang = phone("张伟")
    assert "本季支部中位数" in zhang("积分明细")
    assert "不显示" in secretary("积分设置 不显示中位数")
    assert "中位数" not in zhang("积分明细")


def test_what_a_person_gave_is_explained_without_the_id_of_a_message(zhang: Phone, secretary: Phone) -> None:
    secretary.script(("加分 张伟 3 抢修现场带队", "按哪条规则"), ("1", "编号 #1"))
    assert "依据：负责人加分\n" in zhang("积分依据 1")
