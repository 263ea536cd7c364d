"""Practising on a phone: the dialogue of the conversation, every way to practise, leaving, coming back, doubles and other people's runs."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.models.quiz import Attempt, Question, QuestionKind, QuestionState, QuizKind, QuizRun
from bot.services.answer import item_of
from tests.chat import Phone, PhoneBook
from tests.conftest import phones_of, restarted


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


@pytest.fixture
def only_single(database: Database) -> None:
    """Only single-choice questions may be asked, so that every question has letters."""
    with database.write() as session:
        others = Question.kind != QuestionKind.SINGLE
        session.execute(update(Question).where(others).values(state=QuestionState.RETIRED))


def the_run(database: Database, name: str = "张伟") -> QuizRun:
    """The newest run of a member."""
    with database.read() as session:
        mine = select(QuizRun).join(Member, Member.id == QuizRun.member_id).where(Member.name == name)
        run = session.scalars(mine.order_by(QuizRun.id.desc())).first()
        assert run is not None
        return run


def the_answer(database: Database, *, right: bool = True, name: str = "张伟") -> str:
    """What to type to be right, or wrong, at the open question."""
    run = the_run(database, name)
    with database.read() as session:
        question = session.get_one(Question, run.questions[run.position])
    item = item_of(question, run.questions[: run.position].count(question.id))
    if item.options:
        letters = item.right_letters(run.order)
        wrong = next(one for one, _ in item.shown(run.order) if one not in letters)
        return letters if right else wrong
    if item.kind is QuestionKind.JUDGE:
        return item.answer[0] if right else {"对": "错", "错": "对"}[item.answer[0]]
    return item.answer[0] if right else "不是这个"


def answer_all(phone: Phone, database: Database, *, right: int = 1000) -> str:
    """Answer to the end of the run, so many right, the rest wrong; the last reply."""
    said, count = "", 0
    while the_run(database).finished_at is None:
        said = phone(the_answer(database, right=count < right))
        count += 1
    return said


@pytest.mark.usefixtures("only_single")
def test_the_quiz_dialogue_goes_on_after_a_restart(bot: App, database: Database, zhang: Phone) -> None:
    first = zhang("专项 安规")
    assert re.match(r"1/10 〔单选〕.+\nA .+\nB .+\nC .+\nD ", first)
    right = the_answer(database)
    verdict = zhang(f"{right.lower()}。")
    assert verdict.startswith("正确。")
    assert "出处：《" in verdict
    second = verdict.split("——\n")[1]
    assert second.startswith("2/10 〔单选〕")
    points = zhang("积分")
    assert "2/10 〔单选〕" not in points
    assert points.endswith("专项进行到 2/10，回复 继续")
    assert zhang("继续") == second
    count = len(re.findall(r"^[A-H] ", second, re.MULTILINE))
    assert zhang("H").startswith(f"请回复 A–{'ABCDEFGH'[count - 1]} 中的一个字母")
    right = the_answer(database)
    new = restarted(bot)
    after = phones_of(new)("张伟")(the_answer(database, right=False))
    new.database.dispose()
    assert f"不对，正确答案 {right}。" in after
    assert "出处：" in after
    assert "3/10 〔单选〕" in after


@pytest.mark.usefixtures("only_single")
def test_a_letter_after_another_command_is_still_the_answer(database: Database, zhang: Phone) -> None:
    zhang("专项 安规")
    zhang("菜单")
    assert "2/10" in zhang(f"选{the_answer(database)}")


def test_the_score_comes_at_the_end(database: Database, zhang: Phone) -> None:
    zhang("专项 党章")
    assert "专项 党章 完成：10 题答对 7 题" in answer_all(zhang, database, right=7)


def test_a_left_run_is_resumed_where_it_was(database: Database, zhang: Phone) -> None:
    zhang("专项 安规")
    zhang(the_answer(database))
    zhang("退出")
    assert "2/" in zhang("专项 安规").splitlines()[0]
    assert "1/" in zhang("专项 党章").splitlines()[0]


def test_a_run_left_for_more_than_a_week_is_closed(database: Database, zhang: Phone, clock: Clock) -> None:
    zhang("专项 安规")
    zhang(the_answer(database))
    old = the_run(database)
    clock.sleep(timedelta(days=7, minutes=1))
    assert zhang("专项 安规").startswith("1/10")
    with database.read() as session:
        assert session.get_one(QuizRun, old.id).finished_at is not None


def test_without_a_topic_the_topics_are_listed_with_counts(zhang: Phone) -> None:
    listed = zhang("专项")
    assert re.search(r"1 \S+（\d+题）", listed)
    assert len(listed.splitlines()) <= 12
    assert zhang("1").startswith("1/10")


@pytest.mark.parametrize("said", ["专项 安规", "专项安规", "专项：安规", "专项 按规", "专项 安规的题"])
def test_a_topic_is_understood_generously(zhang: Phone, database: Database, said: str) -> None:
    assert zhang(said).startswith("1/10")
    assert the_run(database).title == "安规"


def test_an_unknown_topic_is_answered_with_the_list(zhang: Phone) -> None:
    zhang.script(("专项 天文学", "没有“天文学”这个主题", "安规"))


def test_one_question_ends_with_what_to_say_next(database: Database, zhang: Phone) -> None:
    assert "〔" in zhang("来一题")
    assert "回复 下一题" in zhang(the_answer(database))
    assert "〔" in zhang("下一题")
    zhang.script(("下一题", "请先答这一题"), ("不会", "不对，正确答案", "出处："))


def test_the_daily_question_is_the_same_for_the_branch_and_comes_once(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang("每日一题")
    gu("每日一题")
    asked = the_run(database, "张伟").questions
    assert asked == the_run(database, "古丽").questions
    zhang.script(
        (the_answer(database), "明天再来"), ("每日一题", "今天的每日一题已答过，明天再来；想多练回复 答题")
    )
    clock.sleep(timedelta(days=1))
    zhang("每日一题")
    assert the_run(database).questions != asked


def test_the_daily_question_stays_when_the_bank_changes_in_mid_day(
    phone: PhoneBook, database: Database
) -> None:
    phone("张伟")("每日一题")
    with database.write() as session:
        half = Question.id % 2 == 0
        session.execute(update(Question).where(half).values(state=QuestionState.RETIRED))
    phone("古丽")("每日一题")
    assert the_run(database, "古丽").questions == the_run(database, "张伟").questions


def test_a_challenge_ends_with_the_first_mistake_and_keeps_the_best(database: Database, zhang: Phone) -> None:
    zhang.script(("挑战", "最好成绩 0 题", "第1题"))
    assert "第2题" in zhang(the_answer(database))
    zhang(the_answer(database))
    assert "连对 2 题，新的最好成绩" in zhang(the_answer(database, right=False))
    zhang.script(("挑战", "最好成绩 2 题"))
    assert "连对 0 题，最好成绩 2 题" in zhang(the_answer(database, right=False))


def test_a_missed_question_comes_back_and_goes_after_two_right_days(
    database: Database, zhang: Phone, clock: Clock
) -> None:
    zhang.script(("错题", "没有要复习的错题"))
    zhang("来一题")
    zhang(the_answer(database, right=False))
    missed = the_run(database).questions
    zhang.script(("错题", "今天没有到期的错题，下次复习：11月24日"))
    clock.sleep(timedelta(days=1))
    assert zhang("错题").startswith("1/1")
    assert the_run(database).questions == missed
    done = zhang(the_answer(database))
    due = re.search(r"下次复习 (\d+)月(\d+)日", done)
    assert due is not None
    while "1/1" not in zhang("错题"):
        clock.sleep(timedelta(days=1))
    now = clock()
    assert (now.month, now.day) == (int(due[1]), int(due[2]))
    assert "已移出错题本" in zhang(the_answer(database))
    clock.sleep(timedelta(days=200))
    zhang.script(("错题", "没有要复习的错题"))


def test_three_right_answers_a_day_earn_once(database: Database, zhang: Phone, clock: Clock) -> None:
    zhang("专项 党史")
    replies = [zhang(the_answer(database)) for _ in range(5)]
    assert ["+1 分" in reply for reply in replies] == [False, False, True, False, False]
    assert "本季共 1 分" in replies[2]
    clock.sleep(timedelta(days=1))
    assert not any("+1 分" in zhang(the_answer(database)) for _ in range(2))
    assert "本季共 2 分" in zhang(the_answer(database))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 2


def test_the_same_message_twice_is_one_answer(database: Database, zhang: Phone) -> None:
    zhang("专项 安规")
    first = zhang(the_answer(database))
    assert zhang.again() == first
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1


def test_an_answer_from_a_second_channel_is_told_where_the_run_stands(
    bot: App, database: Database, zhang: Phone
) -> None:
    other = Phone(bot, "oa-zhangwei", channel="oa")
    other("你好")
    with database.write() as session:
        member = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        session.execute(update(Identity).where(Identity.channel == "oa").values(member_id=member))
    zhang("专项 安规")
    other("专项 安规")
    said = the_answer(database)
    zhang(said)
    answered = other(said)
    assert answered.startswith("上一题已经答过，现在是这一题：")
    assert "2/10" in answered
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 1


def test_a_question_that_changed_since_it_was_shown_is_shown_again(database: Database, zhang: Phone) -> None:
    zhang("来一题")
    with database.write() as session:
        session.execute(update(Question).values(digest="new", stem="新的题干"))
    zhang.script(("不会", "这道题刚更新过", "新的题干"), ("不会", "不对，正确答案"))


def test_a_case_is_asked_whole_and_explained_at_its_end(database: Database, zhang: Phone) -> None:
    with database.write() as session:
        cases = Question.kind == QuestionKind.CASE
        session.execute(update(Question).where(~cases).values(state=QuestionState.RETIRED))
        topic = session.scalars(select(Question.topic).where(cases)).first()
    assert "问：" in zhang(f"专项 {topic}")
    total = len(the_run(database).questions)
    replies = [zhang(the_answer(database)) for _ in range(total)]
    assert ["出处：" in reply for reply in replies].count(True) == len(set(the_run(database).questions))
    assert "出处：" not in replies[0]
    assert "出处：" in replies[-1]
    assert f"{total} 题答对 {total} 题" in replies[-1]


def test_the_finished_run_takes_no_more_answers(database: Database, zhang: Phone) -> None:
    zhang("每日一题")
    with database.write() as session:
        session.execute(update(QuizRun).values(finished_at=func.now()))
    zhang.script(("不会", "这组题已经结束了"), ("菜单", "答题"))


def test_every_reply_of_a_run_fits_a_phone(database: Database, zhang: Phone) -> None:
    zhang("挑战")
    for _ in range(12):
        reply = zhang(the_answer(database))
        assert len(reply.encode()) <= 2048
        assert len(reply.splitlines()) <= 14


def test_an_unfinished_topic_is_mentioned_once_a_day(zhang: Phone, database: Database, clock: Clock) -> None:
    zhang("专项 安规")
    clock.sleep(timedelta(minutes=11))
    assert zhang("退出").endswith("专项 安规 做到 1/10，回复 专项 安规")
    clock.sleep(timedelta(minutes=11))
    assert "做到" not in zhang("菜单")
    assert the_run(database).kind is QuizKind.TOPIC
