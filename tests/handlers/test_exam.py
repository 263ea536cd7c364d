"""An exam from its publication to the results: the clock of the messages decides, restarts and pauses lose nothing. Both databases."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.exam import Exam
from bot.models.points import PointEntry
from bot.models.quiz import Attempt, QuizRun, ReviewCard
from scheduler import exams as job
from tests.chat import Phone, PhoneBook
from tests.conftest import phones_of, restarted
from tests.handlers.test_quiz import the_answer, the_run

LINE = "发布考试 安规 5题 30分钟 及格80 12月10日"


@pytest.fixture
def exam(secretary: Phone) -> None:
    secretary(LINE)
    secretary("确认")


def finish(phone: Phone, database: Database, name: str, *, right: int = 5) -> str:
    said, count = "", 0
    while the_run(database, name).finished_at is None:
        said = phone(the_answer(database, right=count < right, name=name))
        count += 1
    return said


def begin(phone: Phone) -> str:
    phone("考试")
    return phone("1")


def test_an_exam_is_shown_before_it_is_published(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    said = secretary(LINE)
    for part in (
        "考试预览",
        "安规，5 题",
        "限时：30 分钟",
        "及格：80 分",
        "可考：1 次",
        "12月10日(周四)18:00",
        "应考 12 人",
    ):
        assert part in said
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Exam)) == 0
    secretary.script(
        ("及格改为60", "及格：60 分", "5 题"),
        ("可考2次", "2 次，取最好成绩"),
        ("12月8日9:00到12月11日17点", "12月8日(周二)09:00", "12月11日(周五)17:00"),
        ("综合 8题", "综合，8 题"),
        ("确认", "已发布考试 #1", "12 人"),
    )
    with database.read() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.act == "发布考试")) == 1
    assert "综合 8题" in phone("张伟").pushes()[0]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("发布考试 安规 20题", "还差截止日期"),
        ("发布考试 天文学 5题 12月10日", "没有“天文学”这个主题"),
        ("发布考试 安规 0题 12月10日", "题数 1–100"),
        ("发布考试 安规 5题 12月10日 及格101", "及格 1–100"),
        ("发布考试 安规 5题 300分钟 12月10日", "时间 5–180 分钟"),
        ("发布考试 保密 100题 12月10日", "道可考的题"),
        ("发布考试 安规 5题 12月10日18:00到12月9日", "截止时间要晚于"),
    ],
)
def test_an_exam_that_cannot_be_held_is_refused(secretary: Phone, said: str, expected: str) -> None:
    assert expected in secretary(said)


def test_members_do_not_publish(phone: PhoneBook) -> None:
    assert "书记或委员" in phone("张伟")(LINE)


@pytest.mark.usefixtures("exam")
def test_an_exam_is_sat_without_verdicts_and_told_after_its_end(
    bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    assert "考试 1/5" in begin(zhang)
    said = zhang(the_answer(database))
    noted, question = said.split("\n", 1)
    assert noted == "已记下第 1 题。还剩 30 分钟。"
    assert question.startswith("考试 2/5")
    assert "已交卷" in finish(zhang, database, "张伟", right=3)
    begin(gu)
    finish(gu, database, "古丽", right=2)
    zhang.script(("考试成绩", "考过 1 次", "后公布"), ("考试", "安规"), ("1", "您已考过 1 次"))
    assert "2/12 人参加" in secretary("考试成绩 #1")
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 0
        assert session.scalar(select(func.count()).select_from(ReviewCard)) == 0
    for one in (zhang, gu, secretary):
        one.pushes()
    clock.jump(datetime(2026, 12, 10, 18, 4, tzinfo=clock().tzinfo))
    job.look(bot.node, clock())
    assert not zhang.pushes()
    clock.sleep(timedelta(minutes=2))
    for _ in range(2):
        job.look(bot.node, clock())
    assert zhang.pushes() == [
        "安规考试（12月10日）成绩：80 分，及格。\n答错的 1 题已放进错题本，到期回复 错题 复习。"
    ]
    assert "40 分，没及格（80 分及格）" in gu.pushes()[0]
    [summary] = secretary.pushes()
    assert "应考 12 人，参加 2 人，及格 1 人，平均 60 分" in summary
    assert "没及格：古丽" in summary
    zhang.script(("考试成绩", "80 分，及格"), ("考试", "现在没有考试"), ("开始考试 #1", "考试已截止"))
    assert phone("李明")("考试成绩").endswith("没参加")


@pytest.mark.usefixtures("exam")
def test_the_time_is_that_of_the_message_and_not_of_its_arrival(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang = phone("张伟")
    begin(zhang)
    start = clock()
    zhang(the_answer(database))
    clock.sleep(timedelta(minutes=31))
    assert zhang.last is not None
    sent = replace(
        zhang.last, id="late-1", text=the_answer(database), at=start + timedelta(minutes=29, seconds=59)
    )
    assert "已记下第 2 题" in zhang.deliver(sent)
    after = replace(sent, id="late-2", text=the_answer(database), at=start + timedelta(minutes=30))
    said = zhang.deliver(after)
    assert "时间已到（今天09:30）" in said
    assert "答了 2/5 题" in said
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 2
    assert the_run(database).finished_at == start + timedelta(minutes=30)


@pytest.mark.usefixtures("exam")
def test_a_restart_and_other_commands_lose_nothing(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang = phone("张伟")
    begin(zhang)
    zhang(the_answer(database))
    assert "考试进行到 2/5" in zhang("积分")
    clock.sleep(timedelta(minutes=9))
    new = restarted(bot)
    after = phones_of(new)("张伟")
    assert "考试 2/5" in after("继续")
    after("菜单")
    after("考试")
    said = after("1")
    assert said.startswith("接着考：还剩 21 分钟。")
    assert "考试 2/5" in said
    new.database.dispose()


@pytest.mark.usefixtures("exam")
def test_an_exam_whose_time_is_up_is_not_offered_again(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang = phone("张伟")
    begin(zhang)
    zhang(the_answer(database))
    clock.sleep(timedelta(minutes=31))
    assert "考试进行到" not in zhang("积分")
    assert "时间已到" in zhang("A")


def test_the_best_of_two_attempts_counts_after_a_pause_of_a_day(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    secretary(f"{LINE} 可考2次")
    secretary("确认")
    zhang = phone("张伟")
    begin(zhang)
    zhang(the_answer(database))
    clock.sleep(timedelta(days=1))
    assert "时间已到" in zhang(the_answer(database))
    begin(zhang)
    finish(zhang, database, "张伟", right=4)
    assert "用完了" in begin(zhang)
    clock.jump(datetime(2026, 12, 10, 18, 1, tzinfo=clock().tzinfo))
    assert "80 分，及格" in zhang("考试成绩")


def test_nothing_is_answered_before_the_opening(secretary: Phone, phone: PhoneBook, clock: Clock) -> None:
    secretary("发布考试 安规 5题 12月8日9:00到12月10日")
    assert "12月8日(周二)09:00 发给 12 人" in secretary("确认")
    assert "还没开始，12月8日(周二)09:00 开放" in begin(phone("张伟"))
    clock.jump(datetime(2026, 12, 8, 9, 0, tzinfo=clock().tzinfo))
    assert "考试 1/5" in begin(phone("张伟"))


def test_the_end_of_the_exam_ends_an_attempt_too(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    secretary(LINE)
    secretary("确认")
    clock.jump(datetime(2026, 12, 10, 17, 50, tzinfo=clock().tzinfo))
    assert "还剩 10 分钟" in begin(phone("张伟"))
    clock.sleep(timedelta(minutes=10))
    assert "时间已到（今天18:00）" in phone("张伟")(the_answer(database))


@pytest.mark.usefixtures("exam")
def test_an_exam_is_taken_back_only_before_anybody_began(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    begin(phone("张伟"))
    assert "已有 1 人开始考试" in secretary("撤销")
    secretary(LINE)
    secretary("确认")
    assert "已取消考试 #2" in secretary("撤销")
    assert "#2" not in phone("古丽")("考试")


@pytest.mark.usefixtures("exam")
def test_who_has_not_begun_is_reminded_once_a_day_before_the_end(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    begin(phone("张伟"))
    for name in ("张伟", "古丽"):
        phone(name).pushes()
    clock.jump(datetime(2026, 12, 9, 18, 5, tzinfo=clock().tzinfo))
    for _ in range(2):
        job.look(bot.node, clock())
    assert phone("张伟").pushes() == []
    assert [re.sub(r"\d+:\d+", "T", text) for text in phone("古丽").pushes()] == [
        "提醒：安规考试（12月10日）2026年12月10日(周四)T 截止，您还没考。回复 考试 参加。"
    ]


@pytest.mark.usefixtures("exam")
def test_everybody_has_the_same_questions_in_an_order_of_their_own(
    phone: PhoneBook, database: Database
) -> None:
    names = ("张伟", "古丽", "李明", "王建国")
    for name in names:
        begin(phone(name))
    with database.read() as session:
        papers = [tuple(paper) for paper in session.scalars(select(QuizRun.questions))]
    assert len({frozenset(paper) for paper in papers}) == 1
    assert len(set(papers)) > 1
