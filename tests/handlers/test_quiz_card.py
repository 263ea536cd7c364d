"""The question of the day as a card: through the encrypted webhook and the real API client, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.cards import Card
from bot.db import Database
from bot.models.member import Member
from bot.models.quiz import Attempt, Question, QuestionKind, QuestionState
from bot.services import organisation, quiz_card
from bot.services.answer import LETTERS
from bot.simulator.world import Bubble
from scheduler import quiz_cards as job
from tests.stage import Stage

KINDS = [QuestionKind.SINGLE, QuestionKind.MULTIPLE, QuestionKind.JUDGE]


@pytest.fixture
def cards(stage: Stage) -> Stage:
    stage.script("王建国", ("答题卡片 开", "已打开"))
    return stage


def only(database: Database, kind: QuestionKind) -> None:
    """Only questions of one kind that fit on a card may be asked."""
    with database.write() as session:
        others = (Question.kind != kind) | (func.length(Question.stem) > 44)
        session.execute(update(Question).where(others).values(state=QuestionState.RETIRED))
        for one in session.scalars(select(Question).where(Question.kind == kind)):
            if one.options and max(map(len, one.options)) > 17:
                one.state = QuestionState.RETIRED


def pushed_card(stage: Stage, name: str = "张伟") -> Bubble:
    job.push_cards(stage.bot.node, stage.clock())
    stage.deliver()
    return [one for one in stage.platform.phone(name, "wecom") if one.kind == "card"][-1]


def the_card(stage: Stage) -> tuple[Card, Question]:
    with stage.bot.database.read() as session:
        daily = quiz_card.of_branch(session, _branch(stage), stage.clock())
        assert daily.card is not None
        return daily.card, session.get_one(Question, int(daily.card.task_id.split("-")[3]))


def _branch(stage: Stage) -> int:
    with stage.bot.database.read() as session:
        return session.scalars(select(Member.branch_id).where(Member.name == "张伟")).one()


def ticks(stage: Stage, *, right: bool) -> list[str]:
    """The ids of the options to tick."""
    card, question = the_card(stage)
    wanted = (
        {question.options[LETTERS.index(one)] for one in question.answer}
        if question.options
        else set(question.answer)
    )
    ids = [str(place) for place, option in enumerate(card.options, 1) if option in wanted]
    other = [str(place) for place, option in enumerate(card.options, 1) if option not in wanted]
    return ids if right else other[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_card_turns_into_its_verdict(cards: Stage, kind: QuestionKind) -> None:
    only(cards.bot.database, kind)
    for name, right in (("张伟", True), ("古丽", False)):
        bubble = pushed_card(cards, name)
        cards.pushes(name)
        cards.platform.press(name, bubble.id, "提交", ticks(cards, right=right))
        assert bubble.card["replaced"] == ("正确" if right else "不对")
        cards.deliver()
        [told] = cards.pushes(name)
        assert told.startswith("正确。" if right else "不对，正确答案：")
        assert "出处：" in told
        assert "今天的每日一题已答过" in cards.say(name, "每日一题")
    with cards.bot.database.read() as session:
        assert sorted(session.scalars(select(Attempt.right))) == [False, True]


def test_cards_come_only_where_the_branch_wants_them_and_once(stage: Stage) -> None:
    only(stage.bot.database, QuestionKind.SINGLE)
    job.push_cards(stage.bot.node, stage.clock())
    stage.deliver()
    assert not [one for one in stage.platform.phone("张伟", "wecom") if one.kind == "card"]
    stage.say("王建国", "答题卡片 开")
    first = pushed_card(stage)
    assert pushed_card(stage).id == first.id


def test_the_text_twin_always_works(cards: Stage) -> None:
    only(cards.bot.database, QuestionKind.SINGLE)
    bubble = pushed_card(cards)
    assert "〔单选〕" in cards.say("张伟", "每日一题")
    card, question = the_card(cards)
    cards.platform.press("张伟", bubble.id, "提交", ticks(cards, right=True))
    assert bubble.card["replaced"] == "正确"
    assert card.description == question.stem
    assert "没有看到选了什么" in cards.say("张伟", "提交")


def test_a_question_that_does_not_fit_comes_as_text(cards: Stage) -> None:
    with cards.bot.database.write() as session:
        session.execute(
            update(Question).where(Question.kind != QuestionKind.BLANK).values(state=QuestionState.RETIRED)
        )
    job.push_cards(cards.bot.node, cards.clock())
    cards.deliver()
    assert any(text.startswith("每日一题：") and "回复 每日一题" in text for text in cards.pushes("张伟"))


def test_an_old_or_changed_card_is_refused_and_nothing_is_written(cards: Stage) -> None:
    only(cards.bot.database, QuestionKind.SINGLE)
    bubble = pushed_card(cards)
    chosen = ticks(cards, right=True)
    with cards.bot.database.write() as session:
        session.execute(update(Question).values(digest="0123456789"))
    assert "已经过期或刚更新过" in cards.platform.press("张伟", bubble.id, "提交", chosen).text
    cards.clock.sleep(timedelta(days=1))
    assert "已经过期或刚更新过" in cards.platform.press("张伟", bubble.id, "提交", chosen).text
    with cards.bot.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 0


def test_a_card_of_another_branch_is_refused_and_nothing_is_written(cards: Stage) -> None:
    only(cards.bot.database, QuestionKind.SINGLE)
    bubble = pushed_card(cards)
    chosen = ticks(cards, right=True)
    with cards.bot.database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部").id
        session.execute(update(Member).where(Member.name == "张伟").values(branch_id=other, group_id=None))
    assert "是发给另一个支部的" in cards.platform.press("张伟", bubble.id, "提交", chosen).text
    with cards.bot.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Attempt)) == 0
