"""What all ways to practise have in common: nothing is lost by a restart or a day's pause, nobody answers for another, no bank is no riddle."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member
from bot.models.quiz import Attempt, Question, QuestionState, QuizRun
from bot.services import quiz
from bot.services.run import Place
from tests.chat import Phone, PhoneBook
from tests.conftest import phones_of, restarted
from tests.handlers.test_quiz import the_answer, the_run

WAYS = ("每日一题", "答题", "专项 安规", "错题", "挑战", "学习小测", "对战 古丽", "擂台")


def prepare(way: str, phone: Phone, database: Database, clock: Clock) -> None:
    """A missed question that is due, for the way that needs one."""
    if way == "错题":
        phone("答题")
        phone(the_answer(database, right=False))
        clock.sleep(timedelta(days=2))


@pytest.mark.parametrize("way", WAYS)
def test_a_restart_and_a_day_lose_nothing(
    bot: App, phone: PhoneBook, database: Database, clock: Clock, way: str
) -> None:
    zhang = phone("张伟")
    prepare(way, zhang, database, clock)
    shown = zhang(way)
    run = the_run(database)
    clock.sleep(timedelta(hours=23))
    new = restarted(bot)
    after = phones_of(new)("张伟")
    after("菜单")
    again = after("继续")
    assert shown.endswith(again.partition("\n——")[0])
    assert (the_run(database).id, the_run(database).order) == (run.id, run.order)
    said = after(the_answer(database))
    assert "正确" in said
    assert the_run(database).position == 1
    new.database.dispose()


@pytest.mark.parametrize("way", WAYS)
def test_the_same_answer_twice_from_two_phones_counts_once(
    bot: App, phone: PhoneBook, database: Database, clock: Clock, way: str
) -> None:
    zhang = phone("张伟")
    prepare(way, zhang, database, clock)
    zhang(way)
    before = the_run(database)
    place = Place(before.id, 0, tuple(before.questions[:2]))
    zhang(the_answer(database))
    with database.write() as session:
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        done = quiz.answer(session, member, place, "不会", now=clock())
    assert isinstance(done, quiz.Overtaken)
    assert (the_run(database).position, the_run(database).right) == (1, 1)


@pytest.mark.parametrize("way", WAYS)
def test_nobody_answers_for_another(phone: PhoneBook, database: Database, clock: Clock, way: str) -> None:
    zhang = phone("张伟")
    prepare(way, zhang, database, clock)
    zhang(way)
    run, before = the_run(database), _attempts(database)
    with database.write() as session:
        gu = session.scalars(select(Member).where(Member.name == "古丽")).one()
        place = Place(run.id, 0, tuple(run.questions[:2]))
        assert quiz.answer(session, gu, place, the_answer(database), now=clock()) == quiz.Overtaken(None)
    assert (the_run(database).position, _attempts(database)) == (0, before)


@pytest.mark.parametrize("way", [*WAYS, "考试"])
def test_an_empty_bank_is_said_in_a_sentence_and_begins_nothing(
    phone: PhoneBook, database: Database, way: str
) -> None:
    with database.write() as session:
        session.execute(update(Question).values(state=QuestionState.RETIRED))
    said = phone("张伟")(way)
    assert "出了点问题" not in said
    assert any(
        part in said
        for part in ("没有可以练的题", "没有要复习", "没有小题", "没有这个主题", "没有“", "没有考试")
    )
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(QuizRun)) == 0


def _attempts(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(Attempt)) or 0
