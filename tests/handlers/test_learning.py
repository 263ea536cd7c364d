"""What the secretary sees of a branch's learning, the ratio of 答题, and the weeks of study, on both databases."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import delete, func, insert, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.quiz import Attempt, Question, QuizKind, QuizRun
from bot.services import drawing, item_statistics, question, quiz_setting
from scheduler import questions as job
from tests.chat import Phone, PhoneBook


def answered(
    database: Database, clock: Clock, rows: Iterable[tuple[str, int, bool]], *, at: datetime | None = None
) -> None:
    """Attempts as (name, place of the question in the bank, right), each in a run of its own."""
    moment = at or clock()
    with database.write() as session:
        people = {name: key for key, name in session.execute(select(Member.id, Member.name))}
        ids = session.scalars(select(Question.id).order_by(Question.code)).all()
        for name, place, right in rows:
            run = QuizRun(
                member_id=people[name],
                kind=QuizKind.TOPIC,
                title="安规",
                questions=[ids[place]],
                position=1,
                right=int(right),
                order=[],
                shown="",
                started_at=moment,
                asked_at=moment,
                finished_at=moment,
            )
            session.add(run)
            session.flush()
            row = {"run_id": run.id, "position": 0, "member_id": run.member_id, "question_id": ids[place]}
            session.execute(
                insert(Attempt).values({**row, "given": "A", "right": right, "seconds": 20, "at": moment})
            )


def cast_of(database: Database, count: int) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(Member.name).order_by(Member.id).limit(count)))


def test_the_secretary_sees_who_studied_and_what_is_hard(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    secretary.script(("学习情况", "本周学习：0/12 人", "还没有人答题", "作答还不够多"))
    answered(database, clock, [("张伟", 0, False)] * 4 + [("古丽", 0, True), ("古丽", 1, True)])
    phone("李明")("学完了")
    said = secretary("学习情况")
    assert "本周学习：3/12 人" in said
    assert "对 20%" in said
    assert len(said.splitlines()) <= 12
    assert set(secretary("1").partition("：")[2].split("、")) == {"张伟", "古丽", "李明"}
    secretary("学习情况")
    assert "本周还没学 9 人" in secretary("2")
    secretary.script(("学习情况 最难的题", "对 20%（5次）"), ("学习情况 各主题正确率", "%"))


def test_last_week_does_not_count_as_this_week(secretary: Phone, database: Database, clock: Clock) -> None:
    answered(database, clock, [("张伟", 0, True)], at=clock() - timedelta(hours=9, minutes=1))
    assert "0/12 人" in secretary("学习情况")
    answered(database, clock, [("古丽", 0, True)], at=clock() - timedelta(hours=9))
    assert "1/12 人" in secretary("学习情况")


def test_members_see_nothing_of_it(phone: PhoneBook) -> None:
    phone("张伟").script(
        ("学习情况", "书记或委员"), ("题目分析", "书记或委员"), ("答题比例 党务9", "书记或委员")
    )


def test_a_question_that_the_good_ones_miss_is_flagged_once(
    bot: App, secretary: Phone, database: Database, clock: Clock
) -> None:
    names = cast_of(database, 10)
    good, bad = names[:5], names[5:]
    answered(database, clock, [(n, 1, True) for n in good] + [(n, 1, False) for n in bad])
    answered(database, clock, [(n, 0, n in bad) for n in names] * 2)
    job.count(bot.node, clock())
    assert "都正常" in secretary("题目分析")
    answered(database, clock, [(n, 0, n in bad) for n in names])
    job.count(bot.node, clock())
    said = secretary("题目分析")
    assert "对 50%，30 次" in said
    assert "平时答得好的人反而常答错" in said
    for _ in range(2):
        job.flag(bot.node, clock())
    pushed = [text for text in secretary.pushes() if "建议看一看" in text]
    assert len(pushed) == 1
    assert "30 次" in pushed[0]
    clock.sleep(timedelta(days=7, hours=1))
    answered(database, clock, [(n, 0, n in bad) for n in names] * 2)
    job.count(bot.node, clock())
    job.flag(bot.node, clock())
    assert not secretary.pushes(), "twenty more answers"
    answered(database, clock, [(n, 0, n in bad) for n in names])
    job.count(bot.node, clock())
    clock.sleep(timedelta(days=7))
    job.flag(bot.node, clock())
    (pushed_again,) = secretary.pushes()
    assert "60 次" in pushed_again
    clock.sleep(timedelta(days=358, hours=-1))  # the first thirty are forgotten
    answered(database, clock, [(n, 1, n in good) for n in names])
    job.count(bot.node, clock())
    job.flag(bot.node, clock())
    assert not secretary.pushes(), "thirty are left, and somebody was told of sixty"
    answered(database, clock, [(n, 0, n in bad) for n in names] * 3)
    job.count(bot.node, clock())
    clock.sleep(timedelta(days=7))
    job.flag(bot.node, clock())
    assert "60 次" in secretary.pushes()[-1]


def test_what_is_a_year_old_is_forgotten(
    bot: App, secretary: Phone, database: Database, clock: Clock
) -> None:
    answered(database, clock, [(n, 0, False) for n in cast_of(database, 10)] * 3)
    job.count(bot.node, clock())
    assert "几乎没人答对" in secretary("题目分析")
    clock.sleep(timedelta(days=366))
    job.count(bot.node, clock())
    assert "都正常" in secretary("题目分析")


@pytest.mark.parametrize("still", [True, False], ids=["on the committee", "no longer"])
def test_the_author_is_told_while_able_to_mend_the_question_else_the_secretary(
    bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock, still: bool
) -> None:
    with database.write() as session:
        author = session.scalars(select(Member).join(Role).where(Role.name == RoleName.PUBLICITY)).one()
        session.execute(update(Question).values(author_id=author.id, branch_id=author.branch_id))
        if not still:
            session.execute(delete(Role).where(Role.member_id == author.id))
    answered(database, clock, [(n, 0, False) for n in cast_of(database, 10)] * 3)
    job.count(bot.node, clock())
    job.flag(bot.node, clock())
    told, other = (phone(author.name), secretary) if still else (secretary, phone(author.name))
    assert not other.pushes()
    (pushed,) = told.pushes()
    assert "对 0%，30 次，一般 20 秒；几乎没人答对" in pushed
    assert "停用题目" in told("看题 " + pushed.rpartition("看题 ")[2].partition("；")[0])


def test_a_number_after_the_analysis_shows_the_question(
    bot: App, secretary: Phone, database: Database, clock: Clock
) -> None:
    answered(database, clock, [(n, 0, False) for n in cast_of(database, 10)] * 3)
    job.count(bot.node, clock())
    secretary.script(
        ("题目分析", "1 ", "（公共）", "几乎没人答对", "回复数字看原题"), ("1", "答案：", "编号：")
    )


@pytest.mark.parametrize(
    ("rights", "scores", "expected"),
    [
        ([True, True, False, False], [1.0, 1.0, 0.0, 0.0], 1.0),
        ([True, False, True, False], [0.5, 1.0, 0.5, 1.0], -1.0),
        # Worked by hand: means 0.8 and 0.5, deviation of all 0.2, p = q = 1/2: 0.3 / 0.2236 * 0.5.
        ([True, True, False, False], [0.9, 0.7, 0.7, 0.3], 0.6882),
        ([True, True], [0.1, 0.9], None),
    ],
)
def test_discrimination_is_the_point_biserial(
    rights: list[bool], scores: list[float], expected: float | None
) -> None:
    found = item_statistics.point_biserial(rights, scores)
    assert found == (expected if expected is None else pytest.approx(expected, abs=1e-4))


def test_the_ratio_decides_what_is_drawn_and_can_be_taken_back(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.script(("答题比例", "党务 5、业务 4、综合 1"), ("答题比例 业务3", "党务 0、业务 3、综合 0"))
    for name in ("张伟", "古丽", "李明", "王建国"):
        phone(name)("来一题")
    with database.read() as session:
        asked = session.scalars(select(QuizRun.questions)).all()
        halves = set(
            session.scalars(select(Question.half).where(Question.id.in_([q for run in asked for q in run])))
        )
    assert halves == {"业务"}
    secretary.script(("答题比例 业务0", "至少一项不是 0"), ("答题比例 今天", "例如：答题比例"))
    secretary.script(("答题比例 党务1", "党务 1"), ("撤销", "党务 0、业务 3"))
    with database.read() as session:
        assert session.scalar(select(func.count()).where(AuditEntry.act == "修改答题设置")) == 3


def test_a_half_with_nothing_fresh_left_is_not_waited_for(database: Database) -> None:
    import random

    with database.read() as session:
        every = question.approved(session, 1, date(2026, 11, 23))
    party = [one for one in every if one.half == "党务"]
    chosen = drawing.one_of_the_mix(party, set(), random.Random(1), {"党务": 0, "业务": 1, "综合": 0})
    assert chosen.half == "党务"


def test_cards_are_off_until_the_branch_switches_them_on(secretary: Phone, database: Database) -> None:
    secretary.script(
        ("答题卡片", "现在关着"),
        ("答题卡片 开", "已打开"),
        ("答题卡片", "现在开着"),
        ("答题卡片 关", "已关闭"),
    )
    with database.read() as session:
        branch = session.scalars(select(Member.branch_id).where(Member.name == "王建国")).one()
        assert quiz_setting.cards(session, branch) is False


def study_on(clock: Clock, phone: Phone, *days: int) -> None:
    """Record some study on these days of the coming fortnight."""
    start = clock()
    for day in days:
        clock.jump(start + timedelta(days=day))
        phone("登记 学习强国 10分钟")


def test_three_days_make_a_week_of_study(phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang.script(("学习时长", "本周学了 0 天（3 天算一周）"))
    study_on(clock, zhang, 0, 1)
    zhang("登记 国资e学 20分钟")
    zhang.script(("学习时长", "本周学了 2 天"))
    study_on(clock, zhang, 1)
    zhang.script(("学习时长", "本周学了 3 天（3 天算一周），近12周有 1 周"))
    clock.jump(datetime(2026, 11, 30, 9, tzinfo=clock().tzinfo))
    zhang.script(("学习时长", "本周学了 0 天（3 天算一周），近12周有 1 周。"))


def test_a_week_of_duty_is_left_out(phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    study_on(clock, zhang, 0, 1, 2)
    clock.jump(datetime(2026, 11, 30, 9, tzinfo=clock().tzinfo))
    zhang("值班")
    clock.jump(datetime(2026, 12, 7, 9, tzinfo=clock().tzinfo))
    zhang.script(("学习时长", "近12周有 1 周，值班、请假和保电 1 周不算断"))
