"""Duels of two and the arena of the groups: settled once, left after a day, never a ranking of people. Both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.exam import Duel
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.models.quiz import QuizRun
from bot.services import arena, organisation
from scheduler import duels as job
from tests.chat import Phone, PhoneBook
from tests.conftest import restarted
from tests.handlers.test_quiz import the_answer, the_run


def finish(phone: Phone, database: Database, name: str, *, right: int = 10) -> str:
    said, count = "", 0
    while the_run(database, name).finished_at is None:
        said = phone(the_answer(database, right=count < right, name=name))
        count += 1
    return said


def the_duel(database: Database) -> Duel:
    with database.read() as session:
        return session.scalars(select(Duel).order_by(Duel.id.desc())).first() or Duel()


def test_two_answer_the_same_questions_and_the_better_one_wins(
    bot: App, phone: PhoneBook, database: Database
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    assert "对战 1/10" in zhang("对战 古丽")
    assert "张伟 邀您对战" in gu.pushes()[0]
    assert "对方还没答完" in finish(zhang, database, "张伟", right=7)
    assert "对战 1/10" in gu("应战")
    assert set(the_run(database, "古丽").questions) == set(the_run(database, "张伟").questions)
    last = finish(gu, database, "古丽", right=4)
    assert "您输了：您对 4 题，张伟 对 7 题" in last
    assert "对战得分 +8（游戏分，不是积分）" in last
    [told] = zhang.pushes()
    assert "您赢了：您对 7 题，古丽 对 4 题" in told
    assert "+10" in told
    assert "今年对战 1 场，得分 10" in zhang("对战")
    with database.read() as session:
        rows = session.execute(
            select(PointEntry.rule, PointEntry.points).where(PointEntry.rule == "duel")
        ).all()
    assert [tuple(row) for row in rows] == [("duel", 1), ("duel", 1)]


def test_equal_right_answers_are_decided_by_seconds(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang("对战 古丽")
    clock.sleep(timedelta(seconds=30))
    finish(zhang, database, "张伟")
    gu("应战")
    assert "您赢了：您对 10 题，张伟 对 10 题" in finish(gu, database, "古丽")


def test_points_of_duels_have_a_cap(phone: PhoneBook, database: Database) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    for _ in range(3):
        zhang("对战 古丽")
        finish(zhang, database, "张伟")
        gu("应战")
        finish(gu, database, "古丽", right=0)
    with database.read() as session:
        assert session.scalar(select(func.count()).where(PointEntry.rule == "duel")) == 4


def test_who_leaves_loses_after_a_day_even_over_a_restart(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang("对战 古丽")
    gu("应战")
    gu(the_answer(database, name="古丽"))
    gu("退出")
    finish(zhang, database, "张伟", right=1)
    clock.sleep(timedelta(hours=23, minutes=59))
    job.settle(bot.node, clock())
    assert the_duel(database).settled_at is None
    clock.sleep(timedelta(minutes=1))
    job.settle(bot.node, clock())
    assert the_duel(database).settled_at is None
    clock.sleep(timedelta(minutes=5))
    new = restarted(bot)
    for _ in range(2):
        job.settle(new.node, clock())
    assert [text.partition("。")[2] for text in zhang.pushes()] == [
        "古丽 24小时没有答完，您赢了。对战得分 +10（游戏分，不是积分）。"
    ]
    assert "您24小时没有答完，张伟 赢了" in gu.pushes()[-1]
    assert the_run(database, "古丽").finished_at is not None
    new.database.dispose()


def test_an_invitation_nobody_takes_up_has_no_winner(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang = phone("张伟")
    zhang("对战 古丽")
    finish(zhang, database, "张伟")
    clock.sleep(timedelta(hours=24))
    phone("古丽").script(("应战", "没有人邀您对战"))
    clock.sleep(timedelta(minutes=5))
    job.settle(bot.node, clock())
    assert "没有应战，这场对战取消" in zhang.pushes()[0]
    assert the_duel(database).challenger_score is None


def test_an_invitation_may_be_declined(phone: PhoneBook, database: Database) -> None:
    phone("张伟")("对战 古丽")
    phone("古丽").script(("不应战", "已告诉 张伟"), ("应战", "没有人邀您对战"))
    assert "不应战，没有输赢" in phone("张伟").pushes()[0]
    assert "您答对 10/10 题" in finish(phone("张伟"), database, "张伟")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("对战 张伟", "不能和自己对战"),
        ("对战 诸葛亮", "没有找到“诸葛亮”"),
        ("应战", "没有人邀您"),
        ("不应战", "没有人邀您"),
    ],
)
def test_a_duel_that_cannot_be_is_refused(phone: PhoneBook, said: str, expected: str) -> None:
    assert expected in phone("张伟")(said)


def test_a_pair_has_one_duel_at_a_time(phone: PhoneBook, database: Database) -> None:
    phone("张伟")("对战 古丽")
    assert "还有一场对战没结束" in phone("古丽")("对战 张伟")
    assert "接着对战" in phone("张伟")("对战")


def test_the_arena_compares_groups_of_three_and_never_people(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        groups = session.execute(
            select(Member.group_id, func.min(Member.id))
            .where(Member.group_id.is_not(None))
            .group_by(Member.group_id)
        ).all()
        first = groups[0].group_id
        session.execute(
            update(Member).where(Member.name.in_(("张伟", "古丽", "李明"))).values(group_id=first)
        )
        other = groups[1].group_id
        session.execute(update(Member).where(Member.name == "王建国").values(group_id=other))
    said = ""
    for name, right in (("王建国", 9), ("张伟", 10), ("古丽", 5), ("李明", 6)):
        assert "擂台 1/10" in phone(name)("擂台")
        said = finish(phone(name), database, name, right=right)
    assert "3 人，平均 7.0 题" in said
    assert "1 人（满 3 人才算平均）" in said
    assert "张伟" not in said
    with database.read() as session:
        assert len({frozenset(paper) for paper in session.scalars(select(QuizRun.questions))}) == 1
    assert "本周的擂台您已答过" in phone("张伟")("擂台")
    clock.sleep(timedelta(days=7))
    assert "擂台 1/10" in phone("张伟")("擂台")


def test_last_week_s_arena_has_scores_of_groups_and_takes_no_more_answers(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    names = ("张伟", "古丽", "李明", "王建国", "孙磊", "周洁")
    with database.write() as session:
        groups = session.scalars(select(Member.group_id).where(Member.group_id.is_not(None)).distinct()).all()
        for place, name in enumerate(names):
            session.execute(update(Member).where(Member.name == name).values(group_id=groups[place // 3]))
    for place, name in enumerate(names):
        phone(name)("擂台")
        finish(phone(name), database, name, right=8 if place < 3 else 5)
    assert "上周" not in phone("张伟")("擂台")
    late = phone("吴霞")
    late("擂台")
    clock.sleep(timedelta(days=6, hours=16))
    assert "上周的擂台已经结束，这一条不算" in late(the_answer(database, name="吴霞"))
    assert the_run(database, "吴霞").position == 0
    for name in names[:1]:
        phone(name)("擂台")
        said = finish(phone(name), database, name)
        assert said.count("+10") == said.count("+8") == 1
        assert "上周擂台得分" in said


@pytest.mark.parametrize(
    ("averages", "scores"),
    [
        ((7.0, 5.0, None), (10, 8)),
        ((6.0, 6.0), (9, 9)),
        ((6.0, 6.0, 4.0), (9, 9, 8)),
        ((7.0, None), ()),
        ((), ()),
    ],
)
def test_the_best_group_gets_ten_and_the_others_eight(
    averages: tuple[float | None, ...], scores: tuple[int, ...]
) -> None:
    found = arena.scores([arena.Group(str(place), 3, average) for place, average in enumerate(averages)])
    assert tuple(score for _, score in found) == scores


def test_the_day_of_a_duel_is_counted_by_the_message_s_own_time(
    bot: App, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang("对战 古丽")
    gu("应战")
    start = clock()
    finish(zhang, database, "张伟", right=1)
    while the_run(database, "古丽").position < 8:
        gu(the_answer(database, name="古丽"))
    clock.sleep(timedelta(hours=24, minutes=1))
    job.settle(bot.node, clock())
    assert gu.last is not None
    sent = replace(
        gu.last,
        id="on the way",
        text=the_answer(database, name="古丽"),
        at=start + timedelta(hours=23, minutes=59),
    )
    assert "对战 10/10" in gu.deliver(sent)
    late = replace(
        sent, id="too late", text=the_answer(database, name="古丽"), at=start + timedelta(hours=24)
    )
    assert "已过24小时，这一条不算" in gu.deliver(late)
    assert the_run(database, "古丽").position == 9
    clock.sleep(timedelta(minutes=4))
    job.settle(bot.node, clock())
    assert "您赢了" in zhang.pushes()[-1]


@pytest.mark.parametrize("leaver", ["古丽", "张伟"])
def test_somebody_who_leaves_the_bot_in_the_middle_loses_and_hears_nothing_more(
    bot: App, phone: PhoneBook, database: Database, clock: Clock, leaver: str
) -> None:
    stays = {"古丽": "张伟", "张伟": "古丽"}[leaver]
    phone("张伟")("对战 古丽")
    phone("古丽")("应战")
    phone(leaver)(the_answer(database, name=leaver))
    with database.write() as session:
        session.execute(update(Member).where(Member.name == leaver).values(active=False))
    assert "对方还没答完" in finish(phone(stays), database, stays, right=1)
    clock.sleep(timedelta(hours=24, minutes=5))
    job.settle(bot.node, clock())
    assert f"{leaver} 24小时没有答完，您赢了" in phone(stays).pushes()[-1]
    assert "对战" not in phone(leaver)("对战")
    phone(stays).script(("对战", "今年对战 1 场，得分 10"), (f"对战 {leaver}", "没有找到"))


def test_somebody_who_changes_the_branch_in_the_middle_can_finish(
    phone: PhoneBook, database: Database
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang("对战 古丽")
    gu("应战")
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        session.execute(update(Member).where(Member.name == "古丽").values(branch_id=other.id, group_id=None))
    finish(zhang, database, "张伟", right=2)
    assert "您赢了：您对 3 题，张伟 对 2 题" in finish(gu, database, "古丽", right=3)


@pytest.mark.parametrize("change", ["gone", "moved"])
def test_an_invitation_of_somebody_who_left_is_none(
    phone: PhoneBook, database: Database, change: str
) -> None:
    phone("张伟")("对战 古丽")
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部").id
        values = {"active": False} if change == "gone" else {"branch_id": other, "group_id": None}
        session.execute(update(Member).where(Member.name == "张伟").values(values))
    phone("古丽").script(("应战", "没有人邀您对战"), ("不应战", "没有人邀您对战"))
