"""Study on a phone: today's material, finishing it once, its questions, study elsewhere, the hours of the year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import Member
from bot.models.organisation import BranchSetting, Organisation
from bot.models.points import PointEntry
from bot.models.study import MaterialRead
from bot.services import cadence, study
from content import study_plan
from tests.chat import Phone, PhoneBook

MONDAY = date(2026, 11, 23)


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


def count(database: Database, table: type) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_first_working_day_has_the_plans_material() -> None:
    assert study.of_day(MONDAY).code == study_plan.week_of(study.plan(), MONDAY).material


def test_after_a_holiday_the_week_begins_on_its_first_working_day() -> None:
    assert study.first_workday(date(2026, 1, 1)) == date(2025, 12, 29)
    assert study.first_workday(date(2026, 2, 18)).isocalendar().week == 8


def test_a_month_hardly_repeats_itself_and_fits_the_season() -> None:
    working = [day for n in range(30) if (day := date(2026, 11, 1) + timedelta(n)).weekday() < 5]
    items = [study.of_day(day) for day in working]
    assert len({item.code for item in items}) >= len(items) - 3
    assert {item.month for item in items} <= {None, 11, 12}


def test_todays_study_is_shown_whole_page_by_page(zhang: Phone) -> None:
    item = study.of_day(MONDAY)
    zhang.script(
        ("今日学习", item.title, item.digest, item.source, f"{item.minutes} 分钟", "看全文", "学完了")
    )
    shown = [zhang("1")]
    while "下一页" in shown[-1]:
        shown.append(zhang("下一页"))
    assert all(any(line in page for page in shown) for line in item.body.splitlines())
    assert all(len(page.splitlines()) <= 12 for page in shown)
    assert item.source in shown[-1]


def test_finishing_counts_once_and_asks_its_questions(zhang: Phone, database: Database) -> None:
    item = study.of_day(MONDAY)
    answer = zhang("学完了")
    assert f"已记下：《{item.title}》，{item.minutes} 分钟" in answer
    assert "+1 分（党员教育管理），本季共 1 分" in answer
    assert f"1/{len(item.questions)} 〔" in answer
    zhang("退出")
    zhang.script(("学完了", "已经学过，不重复记"), ("今日学习", "这篇您已经学完"))
    assert (count(database, MaterialRead), count(database, PointEntry)) == (1, 1)


def test_finishing_while_reading_goes_on_to_the_questions(zhang: Phone) -> None:
    zhang.script(("看全文", "1/"), ("看完了", "已记下", "1/"))
    assert "今日学习进行到" not in zhang("菜单")


def test_other_words_while_reading_are_told_what_fits(zhang: Phone) -> None:
    zhang.script(("看全文", "1/"), ("哈哈", "下一页"), ("退出", "已退出今日学习"))


def test_study_elsewhere_is_recorded_and_taken_back(zhang: Phone) -> None:
    zhang.script(
        ("登记 学习强国 25分钟", "已登记：学习强国 25 分钟", "今年共学习 25分钟"),
        ("撤销", "已撤销登记", "今年共学习 0分钟"),
        ("登记 自学党章1小时20分", "自学党章 80 分钟"),
        ("登记 学习强国", "还差学了多长时间"),
        ("登记 学习强国 481分钟", "1 到 480 分钟"),
        ("登记 学习强国 0分钟", "1 到 480 分钟"),
        ("登记 学习强国 480分钟", "今年共学习 9小时20分"),
    )


@pytest.mark.parametrize(
    ("said", "minutes", "what"),
    [
        ("学习强国 25分钟", 25, "学习强国"),
        ("半小时", 30, ""),
        ("1.5小时 国资e学", 90, "国资e学"),
        ("两个半小时看书", 150, "看书"),
        ("党章第3章 20分钟", 20, "党章第3章"),
        ("1小时20分 国资e学", 80, "国资e学"),
        ("学习强国25", 25, "学习强国"),
    ],
)
def test_minutes_are_read_generously(said: str, minutes: int, what: str) -> None:
    assert study.read_minutes(said) == (minutes, what)


def test_hours_count_what_is_study_and_over_everywhere_the_same(
    zhang: Phone, secretary: Phone, database: Database, clock: Clock
) -> None:
    now, there, over = clock(), timedelta(hours=2), ActivityState.ENDED
    held = [
        ("集中学习", 3, there, over),
        ("党课", 4, timedelta(0), over),  # recorded without its hours: as long as a lecture usually is
        ("党员大会", 5, there, over),
        ("主题党日", 6, there, ActivityState.CANCELLED),
        ("主题党日", 1, there, ActivityState.PUBLISHED),
        ("主题党日", 400, there, over),
    ]
    with database.write() as session:
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        for kind, days, length, state in held:
            start = now - timedelta(days=days)
            activity = Activity(
                branch_id=member.branch_id,
                kind=kind,
                theme="保密",
                place="会议室",
                starts_at=start,
                ends_at=start + length,
                signup_closes_at=start,
                state=state,
                secret="s",
                created_by=member.id,
                published_at=start,
            )
            session.add(activity)
            session.flush()
            session.add(Attendance(activity_id=activity.id, member_id=member.id, at=start))
    zhang("登记 学习强国 30分钟")
    zhang.script(
        ("学习时长", "2026年学习 3小时30分，合 3.5 学时，一年要求 32 学时", "集中学习（结束后计入）3小时"),
        ("学习时长", "还差 28小时30分", "60 分钟算 1 学时"),
        ("我的", "学习：2026年 3.5/32 学时"),
    )
    with database.read() as session:
        [facts] = cadence.gather(session, Organisation.id == member.branch_id, now)
    assert facts.minutes == {member.id: 210}
    secretary.script(("学习时长", "一年要求 56 学时"))


def test_the_branch_s_own_choice_of_hours_holds_in_the_chat_too(zhang: Phone, database: Database) -> None:
    with database.write() as session:
        branch = session.scalars(select(Member.branch_id).where(Member.name == "张伟")).one()
        values = {"study_hours_member": 40, "study_minutes_per_hour": 45}
        session.add(BranchSetting(branch_id=branch, values=values))
    zhang("登记 学习强国 90分钟")
    zhang.script(("我的", "2.0/40 学时"), ("学习时长", "合 2.0 学时，一年要求 40 学时", "45 分钟算 1 学时"))


def test_the_week_of_study_stands_in_my_overview(zhang: Phone, clock: Clock) -> None:
    zhang("登记 学习强国 30分钟")
    clock.sleep(timedelta(days=1))
    zhang("登记 学习强国 30分钟")
    zhang.script(("我的", "学习周：本周学了 2 天（3 天算一周）"))
    zhang("今天值班")
    clock.sleep(timedelta(days=1))
    zhang.script(("我的", "值班、请假和保电 1 周不算断"))


def test_a_freeze_period_leaves_its_weeks_out(zhang: Phone, phone: PhoneBook, clock: Clock) -> None:
    zhang("登记 学习强国 30分钟")
    assert "不算断" not in zhang("学习时长")
    phone("王建国")("保电 11月24日到12月1日")
    clock.sleep(timedelta(days=21))
    zhang.script(("学习时长", "值班、请假和保电 2 周不算断"))


def test_a_freeze_period_called_off_at_once_leaves_nothing_out(
    zhang: Phone, phone: PhoneBook, clock: Clock
) -> None:
    zhang("登记 学习强国 30分钟")
    phone("王建国").script(("保电 今天到12月1日", "保电"), ("取消保电 #1", "取消"))
    clock.sleep(timedelta(days=21))
    assert "不算断" not in zhang("学习时长")


def test_the_daily_text_is_short(database: Database) -> None:
    with database.read() as session:
        branch = session.scalars(select(Member.branch_id).limit(1)).one()
        for n in range(60):
            text = study.daily_text(session, branch, MONDAY + timedelta(n))
            assert len(text.splitlines()) <= 12
            assert "回复 今日学习 看全文" in text


def test_next_year_the_same_material_counts_again(zhang: Phone, database: Database, clock: Clock) -> None:
    with database.write() as session:
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        code = study.of_day(MONDAY).code
        assert not study.finish(session, member, code, now=clock()).again
        assert study.finish(session, member, code, now=clock()).again
        assert not study.finish(session, member, code, now=clock() + timedelta(days=364)).again
