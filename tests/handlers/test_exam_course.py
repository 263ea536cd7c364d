"""What else happens to an exam: cases count by their parts, it is cancelled, its mistakes come back, its bank is empty. Both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.course import Transfer
from bot.models.exam import Exam
from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState
from bot.models.quiz import (
    Attempt,
    Question,
    QuestionImport,
    QuestionKind,
    QuestionState,
    QuizRun,
    ReviewCard,
)
from bot.services import organisation, question_import
from bot.services.drawing import exactly
from bot.services.question import Candidate
from scheduler import exams as job
from tests.chat import Phone, PhoneBook
from tests.handlers.test_exam import LINE, begin, finish
from tests.handlers.test_quiz import the_answer, the_run


@pytest.fixture
def exam(secretary: Phone) -> None:
    secretary(LINE)
    secretary("确认")


def close(bot: App, clock: Clock) -> None:
    """Let the exam of ``LINE`` end, and run what comes then."""
    clock.jump(datetime(2026, 12, 10, 18, 6, tzinfo=clock().tzinfo))
    job.look(bot.node, clock())


def keep_only(database: Database, *, cases: int, others: int) -> int:
    """Leave so many questions in the bank; how many answers the cases take."""
    with database.write() as session:
        session.execute(update(Question).values(state=QuestionState.RETIRED))
        case = Question.kind == QuestionKind.CASE
        left = list(session.scalars(select(Question).where(case).order_by(Question.id).limit(cases)))
        left += session.scalars(select(Question).where(~case).order_by(Question.id).limit(others))
        for one in left:
            one.state = QuestionState.APPROVED
        return sum(len(one.parts) for one in left)


def count(database: Database, table: type[Attempt | ReviewCard | Exam]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_the_notice_says_the_day_itself_because_it_may_be_read_later(
    secretary: Phone, phone: PhoneBook
) -> None:
    secretary("发布考试 安规 5题 11月24日18:00")
    assert "明天18:00 截止" in secretary("1")
    assert "2026年11月24日(周二)18:00 截止" in phone("张伟").pushes()[0]


# Cases ------------------------------------------------------------------------------------------------------------------


def test_a_case_in_a_paper_counts_part_by_part(
    bot: App, secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    parts = keep_only(database, cases=1, others=3)
    total = parts + 3
    preview = secretary(f"发布考试 综合 {total}题 30分钟 及格60 12月10日")
    assert f"{total} 题（案例题每个小题算 1 题）" in preview
    secretary("确认")
    zhang = phone("张伟")
    assert f"考试 1/{total}" in begin(zhang)
    asked = the_run(database).questions
    case = next(one for one in asked if asked.count(one) > 1)
    first = asked.index(case)
    assert asked[first : first + parts] == [case] * parts
    for place in range(total):
        said = zhang(the_answer(database, right=place not in (first, first + 1)))
        assert "出处" not in said
    close(bot, clock)
    score = 100 * (total - 2) // total
    assert zhang.pushes()[-1].startswith(f"综合考试（12月10日）成绩：{score} 分")
    with database.read() as session:
        assert session.scalars(select(ReviewCard.question_id)).all() == [case]


def test_a_number_that_the_parts_do_not_make_is_refused_with_one_that_they_do(
    secretary: Phone, database: Database
) -> None:
    parts = keep_only(database, cases=1, others=0)
    secretary.script(
        ("发布考试 综合 1题 12月10日", "凑不出正好 1 题", f"例如 {parts} 题"),
        (f"发布考试 综合 {parts}题 12月10日", "考试预览"),
    )


@pytest.mark.parametrize(
    ("parts", "places", "chosen"),
    [
        ((1, 1, 1), 2, [0, 1]),
        ((3, 1, 1), 4, [0, 1]),
        ((1, 1, 3), 3, [2]),
        ((1, 2, 3), 4, [0, 2]),
        ((2, 3), 4, []),
        ((), 1, []),
    ],
)
def test_a_paper_is_filled_exactly(parts: tuple[int, ...], places: int, chosen: list[int]) -> None:
    found = exactly([Candidate(n, "", "", "", size) for n, size in enumerate(parts)], places)
    assert sum(one.places for one in found) in (places, 0)
    if parts != (1, 1, 3):
        assert [one.id for one in found] == chosen


# Mistakes ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("exam")
def test_mistakes_come_back_for_review_after_the_end_and_not_before(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    begin(zhang)
    finish(zhang, database, "张伟", right=3)
    begin(gu)
    gu(the_answer(database, right=False, name="古丽"))
    assert count(database, ReviewCard) == 0
    assert "没有要复习的错题" in zhang("错题")
    close(bot, clock)
    job.look(bot.node, clock())
    assert "成绩：60 分" in zhang.pushes()[-1]
    gu_told = gu.pushes()[-1]
    assert "答错的 1 题已放进错题本" in gu_told
    assert count(database, ReviewCard) == 3
    assert the_run(database, "古丽").finished_at is not None
    assert "下次复习" in zhang("错题")
    clock.sleep(timedelta(days=7))
    assert "1/2" in zhang("错题")


@pytest.mark.usefixtures("exam")
def test_right_answers_in_an_exam_do_not_show_by_the_day_s_points(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang = phone("张伟")
    begin(zhang)
    finish(zhang, database, "张伟", right=5)
    zhang("答题")
    said = zhang(the_answer(database))
    assert said.startswith("正确")
    assert "今天答对" not in said


@pytest.mark.usefixtures("exam")
def test_the_secretary_s_view_tells_nothing_of_an_exam_that_is_open(
    bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    begin(phone("张伟"))
    finish(phone("张伟"), database, "张伟", right=5)
    secretary.script(("学习情况", "1/12 人学过", "还没有人答题"))
    close(bot, clock)
    secretary.script(("学习情况", "安规 100%"))


# Cancelling -------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("exam")
def test_a_cancelled_exam_counts_for_nothing_and_who_had_begun_is_told(
    bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    begin(zhang)
    zhang(the_answer(database, right=False))
    begin(gu)
    finish(gu, database, "古丽", right=5)
    for one in (zhang, gu, secretary):
        one.pushes()
    with database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.SENT))
    secretary.script(
        ("取消考试 #1", "安规 5题", "已有 2 人开考", "不能恢复", "1 确认 2 不取消"),
        ("2", "考试照常"),
    )
    assert "考试 2/5" in zhang("继续")
    secretary.script(
        ("取消考试", "取消考试 #1"), ("1", "已取消考试 #1", "2 人开考的答题不算", "正在发给 12 人")
    )
    assert zhang.pushes() == ["安规考试（12月10日）已取消，不用再考。您答过的都不算，也不留记录。"]
    assert len(gu.pushes()) == 1
    assert secretary.pushes() == ["安规考试（12月10日）已取消，不用再考。"]
    assert "已取消，不用再考，您答过的都不算" in zhang(the_answer(database))
    zhang.script(
        ("考试", "现在没有考试"),
        ("开始考试 #1", "安规考试（12月10日）已取消"),
        ("考试成绩", "还没有考试"),
    )
    assert (count(database, Attempt), count(database, ReviewCard)) == (0, 0)
    close(bot, clock)
    assert [one.pushes() for one in (zhang, gu, secretary)] == [[], [], []]
    secretary.script(
        ("取消考试 #1", "没有可以取消的考试（#1）"),
        ("取消考试", "没有可以取消的考试"),
        ("学习情况", "还没有人答题"),
    )
    with database.read() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.act == "取消考试")) == 1
        assert set(session.scalars(select(QuizRun.right))) == {0}


@pytest.mark.usefixtures("exam")
@pytest.mark.parametrize("ends", ["cancelled", "closed"])
def test_who_went_to_another_branch_in_the_middle_is_not_forgotten(
    bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock, ends: str
) -> None:
    zhang = phone("张伟")
    begin(zhang)
    zhang(the_answer(database, right=False))
    with database.write() as session:
        branch = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        row = {
            "from_id": member.branch_id,
            "to_id": branch.id,
            "by_id": member.id,
            "why": "转接",
            "at": clock(),
        }
        session.add(Transfer(member_id=member.id, **row))
        member.branch_id, member.group_id = branch.id, None
    assert "已记下第 2 题" in zhang(the_answer(database))
    zhang.pushes()
    with database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.SENT))
    if ends == "cancelled":
        secretary.script(("取消考试 #1", "已有 1 人开考"), ("确认", "1 人开考的答题不算"))
        assert "您答过的都不算" in zhang.pushes()[-1]
        assert count(database, Attempt) == 0
    else:
        close(bot, clock)
        assert "成绩：20 分" in zhang.pushes()[-1]
        assert count(database, ReviewCard) == 1


def test_a_cancelled_exam_that_is_not_open_yet_is_never_announced(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary("发布考试 安规 5题 12月8日9:00到12月10日")
    secretary("确认")
    assert len(phone("张伟").pushes()) == 1
    secretary.script(("取消考试 #1", "还没有人开考"), ("确认", "通知正在发给 0 人"))
    assert phone("古丽").pushes() == []


@pytest.mark.usefixtures("exam")
def test_with_several_exams_the_secretary_says_which(
    secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    secretary("发布考试 保密 5题 30分钟 及格80 12月11日")
    secretary("确认")
    secretary.script(
        ("取消考试", "取消哪一场", "1 安规", "2 保密"), ("2", "取消考试 #2"), ("1", "已取消考试 #2")
    )
    assert "保密" not in phone("古丽")("考试")
    clock.jump(datetime(2026, 12, 10, 18, 1, tzinfo=clock().tzinfo))
    secretary.script(("取消考试 #1", "已截止，不能再取消"))


@pytest.mark.usefixtures("exam")
def test_only_who_publishes_cancels(phone: PhoneBook) -> None:
    assert "书记或委员" in phone("张伟")("取消考试 #1")


@pytest.mark.usefixtures("exam")
def test_a_second_confirmation_cancels_nothing_twice(secretary: Phone, phone: PhoneBook) -> None:
    assert "已取消考试 #1" in [secretary("取消考试 #1"), secretary("确认")][1]
    secretary.again()
    assert len([text for text in phone("张伟").pushes() if "已取消" in text]) <= 1


# Papers that lose their questions ---------------------------------------------------------------------------------------


def test_an_empty_bank_gives_no_paper(secretary: Phone, database: Database) -> None:
    keep_only(database, cases=0, others=0)
    secretary.script(("发布考试 综合 5题 12月10日", "“综合”现在没有可考的题", "先导入题目"))
    assert count(database, Exam) == 0


@pytest.mark.usefixtures("exam")
def test_a_paper_keeps_its_questions_when_the_bank_loses_them(
    bot: App, phone: PhoneBook, database: Database
) -> None:
    keep_only(database, cases=0, others=0)
    begin(phone("张伟"))
    assert "已交卷" in finish(phone("张伟"), database, "张伟", right=5)


def test_an_import_that_a_paper_stands_on_is_not_deleted(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    keep_only(database, cases=0, others=0)
    secretary(
        "导入题目\n1. 班前会由谁主持？\nA. 班长\nB. 值班员\nC. 驾驶员\n答案：A\n出处：《检修班安全手册》"
    )
    assert "已导入：新增 1 题" in secretary("确认")
    with database.write() as session:
        session.execute(
            update(Question).where(Question.branch_id.is_not(None)).values(state=QuestionState.APPROVED)
        )
        number = session.scalars(select(QuestionImport.id)).one()
    secretary("发布考试 综合 1题 12月10日")
    secretary("确认")
    with database.write() as session:
        author = session.scalars(select(Member).where(Member.name == "王建国")).one()
        question_import.take_back(session, number, now=clock(), actor=author)
    assert "班前会由谁主持" in begin(phone("张伟"))
