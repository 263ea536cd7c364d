"""A seminar: questions before, order and speakers, answers back to who asked, all of it in the record. Both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from bot import documents
from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.documents import Templates
from bot.models.activity import Activity, SignUp
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox
from bot.models.seminar import SeminarQuestion
from bot.services import organisation, personal_data, record
from tests.chat import Phone, PhoneBook
from tests.conftest import phones_of, restarted
from tests.documents.texts import words
from tests.handlers.conftest import at_once

HELD = "发布集中学习 11月25日14:30-16:00 三楼会议室 主题:安全生产专题研讨"
OPEN_ONE, SECRET_ONE = "班组学习怎么结合现场？", "加班学习能不能少一点？"


@pytest.fixture
def seminar(secretary: Phone) -> None:
    """A seminar the day after tomorrow, everybody invited, nothing asked yet."""
    secretary.script((HELD, "集中学习发布预览"), ("确认", "正在发给 12 人"))


@pytest.fixture
def asked(seminar: None, phone: PhoneBook) -> None:
    """Two questions: one with a name, one without."""
    phone("张伟").script((f"研讨提问 {OPEN_ONE}", "已收到第 1 问", "有了答复会发给您"))
    phone("周洁").script((f"匿名提问 {SECRET_ONE}", "已收到第 2 问", "也看不到是谁提的"))
    for name in ("张伟", "周洁", "李明", "王建国"):
        phone(name).pushes()


def hold(clock: Clock, secretary: Phone) -> None:
    """Let the seminar take place and be ended at 16:00."""
    clock.jump(clock().replace(day=25, hour=16, minute=0))
    secretary.script(("结束活动", "要结束"), ("确认", "应到 12"))


def document(database: Database, now: datetime) -> str:
    with database.read() as session:
        facts = record.activity(session, session.scalars(select(Activity.id)).one())
    return words(documents.minutes_of(facts, Templates(facts.number, None), now=now).body)


# Asking -----------------------------------------------------------------------------------------------------------------


def test_the_notice_says_how_to_ask(seminar: None, phone: PhoneBook) -> None:
    [notice] = phone("张伟").pushes()
    assert "研讨提问 内容" in notice
    assert "匿名提问 内容" in notice
    phone("张伟").script(("主题党日", "有问题请先发：研讨提问 内容"))


def test_other_activities_collect_no_questions(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:宪法", "发布预览"), ("确认", "正在发给"))
    assert "研讨提问" not in phone("张伟").pushes()[0] + phone("张伟")("主题党日")
    phone("张伟").script(
        ("研讨提问 怎么办？", "现在没有在收集问题的集中学习"), ("研讨提问 #1 怎么办？", "#1 号活动不收集")
    )


@pytest.mark.usefixtures("asked")
def test_a_member_sees_the_own_questions_only(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    own = zhang("研讨问题")
    assert OPEN_ONE in own
    assert "还没有答复" in own
    assert SECRET_ONE not in own
    assert OPEN_ONE not in phone("周洁")("研讨问题")
    phone("李明").script(
        ("研讨问题", "还没有提过"), ("研讨问题 1", "还没有提过"), ("研讨问题 #1", "还没有提过")
    )


@pytest.mark.usefixtures("seminar")
def test_questions_are_few_short_and_asked_once(phone: PhoneBook, database: Database) -> None:
    zhang = phone("张伟")
    zhang.script(("研讨提问 第一个？", "第 1 问"), ("研讨提问 第一个？", "已经提过（第 1 问）"))
    zhang.script((f"研讨提问 {'长' * 301}", "最多 300 个字", "301"), ("研讨提问 " + "长" * 300, "第 2 问"))
    for number in (3, 4, 5):
        zhang.script((f"研讨提问 问题{number}", f"第 {number} 问"))
    zhang.script(("研讨提问 再来一个", "您已提了 5 问"))
    phone("古丽").script(("研讨提问 第一个？", "第 6 问"))


@pytest.mark.usefixtures("asked")
def test_a_question_is_taken_back_until_it_is_answered(secretary: Phone, phone: PhoneBook) -> None:
    phone("周洁").script(("撤销", "已撤销第 2 问"), ("研讨问题", "还没有提过"))
    secretary("答复 1 好办")
    phone("张伟").script(("撤销", "已经有答复，不能撤销"))
    secretary.script(("研讨问题", "1 问，已答 1"))


@pytest.mark.usefixtures("seminar")
def test_two_who_ask_at_the_same_moment_get_two_numbers(phone: PhoneBook, database: Database) -> None:
    names = ("张伟", "古丽", "李明", "孙磊")
    phones = [phone(name) for name in names]
    at_once(*[lambda one=one: one("研讨提问 一起问的") for one in phones])
    with database.read() as session:
        assert sorted(session.scalars(select(SeminarQuestion.number))) == [1, 2, 3, 4]


def test_with_two_seminars_one_says_which(secretary: Phone, phone: PhoneBook, seminar: None) -> None:
    secretary("发布集中学习 12月9日14:30 二楼 主题:保密")
    secretary("确认")
    phone("张伟").script(
        ("研讨提问 怎么办？", "有 2 个活动", "2 "), ("2", "第 1 问（12月9日集中学习“保密”）")
    )
    secretary.script(
        ("研讨问题 #2", "保密", "1 问"), ("研讨问题 #1", "还没有人提"), ("研讨问题", "有 2 个活动")
    )


def test_an_ended_or_cancelled_seminar_takes_no_more_questions(
    asked: None, secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    hold(clock, secretary)
    phone("张伟").script(("研讨提问 还有一个", "现在没有在收集问题"), ("研讨提问 #1 还有一个", "不收集"))


def test_who_came_to_the_branch_later_was_not_invited(
    seminar: None, phone: PhoneBook, database: Database
) -> None:
    with database.write() as session:
        sun = session.scalars(select(Member.id).where(Member.name == "孙磊")).one()
        session.execute(delete(SignUp).where(SignUp.member_id == sun))
    phone("孙磊").script(("研讨提问 我也问", "现在没有在收集问题"), ("匿名提问 #1 我也问", "或没有邀请您"))


# Who sees what ----------------------------------------------------------------------------------------------------------


def move(database: Database, name: str) -> None:
    """Into another branch, with whatever role they have."""
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        member = session.scalars(select(Member).where(Member.name == name)).one()
        session.execute(update(Role).where(Role.member_id == member.id).values(organisation_id=other.id))
        member.branch_id, member.group_id = other.id, None


@pytest.mark.usefixtures("asked")
def test_neither_another_secretary_nor_the_committee_above_sees_them(
    phone: PhoneBook, database: Database
) -> None:
    assert OPEN_ONE in phone("陈刚")("研讨问题")
    for name in ("陈刚", "孙磊"):
        move(database, name)
    with database.write() as session:
        above = session.scalars(select(Organisation).where(Organisation.name == "示范供电公司党委")).one()
        sun = session.scalars(select(Member).where(Member.name == "孙磊")).one()
        since = sun.created_at.date()
        session.add(Role(member_id=sun.id, organisation_id=above.id, name=RoleName.ADMIN, starts_on=since))
    assert "本周学习" in phone("孙磊")("学习情况")
    for name in ("陈刚", "孙磊"):
        said = [
            phone(name)(text)
            for text in ("研讨问题", "研讨问题 #1", "研讨问题 1", "答复 1 我来答", "答复 #1 1 我来答")
        ]
        assert not [one for one in said if OPEN_ONE in one or SECRET_ONE in one or "已记下" in one]


@pytest.mark.usefixtures("asked")
def test_the_minutes_in_the_chat_say_what_was_asked(secretary: Phone) -> None:
    secretary.script(
        ("记录 #1", "研讨提问 2 条、已答复 0 条（看请发：研讨问题 #1）"),
        ("答复 1 从班前会讲起", "已记下第 1 问"),
        ("记录 #1", "已答复 1 条"),
        ("研讨问题 #1", OPEN_ONE),
    )


@pytest.mark.usefixtures("asked")
def test_a_speaker_sees_them_as_long_as_named(secretary: Phone, phone: PhoneBook) -> None:
    li = phone("李明")
    secretary.script(("发言人 李明、孙磊", "发言人：李明、孙磊", "正在通知本人"))
    [told] = li.pushes()
    assert "请您发言：集中学习“安全生产专题研讨”，2026年11月25日(周三)14:30" in told
    li.script(("研讨问题", "2 问，已答 0", "1｜张伟：", "2｜匿名："), ("研讨问题 2", SECRET_ONE))
    assert "问题排序" not in li("研讨问题")
    li.script(("问题排序 2 1", "书记或委员"), ("发言人 张伟", "书记或委员"))
    secretary.script(("发言人 孙磊", "发言人：孙磊"))
    assert OPEN_ONE not in li("研讨问题")
    secretary.script(("撤销", "发言人：李明、孙磊"))
    assert OPEN_ONE in li("研讨问题")


@pytest.mark.usefixtures("asked")
def test_a_speaker_who_left_the_branch_sees_them_no_more(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary("发言人 李明")
    assert OPEN_ONE in phone("李明")("研讨问题")
    move(database, "李明")
    assert OPEN_ONE not in phone("李明")("研讨问题")
    assert "没有您能看的" in phone("李明")("答复 1 我还想答")


@pytest.mark.usefixtures("asked")
def test_an_anonymous_question_names_its_asker_nowhere(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    secretary("发言人 李明")
    answered = secretary("答复 2 李明：下个月起不占下班时间")
    seen = [secretary(text) for text in ("研讨问题", "研讨问题 2", "操作记录 周洁")]
    hold(clock, secretary)
    with database.read() as session:
        details = list(session.scalars(select(AuditEntry.detail)))
        zhou = session.scalars(select(Member.id).where(Member.name == "周洁")).one()
        others = [row.body["text"] for row in session.scalars(select(Outbox).where(Outbox.member_id != zhou))]
    text = document(database, clock())
    assert "研讨问题（匿名）：加班学习能不能少一点？" in text
    shown = [answered, *seen[:2], *details, *[one for one in others if SECRET_ONE in one]]
    assert not [one for one in shown if "周洁" in one]
    assert SECRET_ONE not in seen[2]


# Order and answers ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("asked")
def test_the_secretary_orders_the_questions_and_takes_that_back(secretary: Phone, phone: PhoneBook) -> None:
    phone("孙磊")("研讨提问 第三个")
    first = "\n1｜张伟：班组学习怎么结合现场？\n2｜匿名：加班学习能不能少一点？\n3｜孙磊：第三个\n"
    assert first in secretary("研讨问题")
    assert "\n3｜孙磊：第三个\n1｜张伟：班组学习怎么结合现场？\n2｜匿名" in secretary("问题排序 3 1")
    assert first in secretary("撤销")
    secretary.script(
        ("问题排序 9", "没有第 9 问"), ("问题排序 1 1", "没看懂顺序"), ("问题排序 好", "没看懂顺序")
    )
    assert first in secretary("研讨问题")


@pytest.mark.usefixtures("asked")
def test_an_answer_goes_back_to_who_asked_and_a_correction_too(
    bot: App, secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    zhang, zhou = phone("张伟"), phone("周洁")
    secretary.script(
        ("答复 1 李明：先从班前会讲起，5分钟一条", "已记下第 1 问的答复，正在发给提问人", "还有 1 问")
    )
    [told] = zhang.pushes()
    assert "问：班组学习怎么结合现场？\n答：李明：先从班前会讲起，5分钟一条" in told
    assert zhou.pushes() == []
    clock.sleep(timedelta(minutes=1))
    new = restarted(bot)
    after = phones_of(new)("王建国")
    after.script(("答复 1 李明：每天5分钟", "已更正第 1 问"), ("答复 2 已改在上班时间", "问题都有答复了"))
    new.database.dispose()
    assert "答复有更正" in zhang.pushes()[-1]
    assert "答：已改在上班时间" in zhou.pushes()[0]
    zhang.script(("研讨问题", "答：李明：每天5分钟"))
    secretary.script(
        ("研讨问题", "已答 2", "1｜张伟：班组学习怎么结合现场？（已答）"),
        ("研讨问题 1", "答：李明：每天5分钟"),
    )


@pytest.mark.usefixtures("asked")
def test_a_speaker_answers_in_the_own_name(secretary: Phone, phone: PhoneBook) -> None:
    secretary("发言人 李明")
    phone("李明").script(("答复 1 从班前会讲起", "李明：从班前会讲起"))
    assert "答：李明：从班前会讲起" in phone("张伟").pushes()[-1]


@pytest.mark.usefixtures("asked")
def test_nobody_else_answers_and_what_is_no_answer_is_refused(secretary: Phone, phone: PhoneBook) -> None:
    phone("张伟").script(("答复 1 我自己答", "没有您能看的研讨问题"))
    secretary.script(
        ("答复 5 好", "没有第 5 问"),
        ("答复 好的", "没看懂答复的是哪一问"),
        ("答复 1", "请发第 1 问的答复"),
        ("退出", "已退出答复"),
        (f"答复 1 {'长' * 501}", "最多 500 个字"),
    )
    assert phone("张伟").pushes() == []


@pytest.mark.usefixtures("asked")
def test_all_of_it_stands_in_the_record_also_what_was_answered_later(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary("发言人 李明、孙磊")
    secretary("问题排序 2 1")
    hold(clock, secretary)
    text = document(database, clock())
    assert "1．研讨发言人：李明、孙磊" in text
    assert "2．研讨问题（匿名）：加班学习能不能少一点？\n答复：＿＿＿＿" in text
    clock.jump(clock().replace(day=26, hour=9))
    secretary.script(("积分", "有 2 问没有答复，回复 研讨问题"))
    secretary.script(("答复 1 李明：从班前会讲起", "已记下第 1 问"))
    text = document(database, clock())
    assert (
        "3．研讨问题（张伟）：班组学习怎么结合现场？\n答复（2026年11月26日09:00会后）：李明：从班前会讲起"
        in text
    )
    clock.sleep(timedelta(days=31))
    secretary.script(("答复 2 太晚了", "没有您能看的研讨问题"))


@pytest.mark.usefixtures("asked")
def test_who_is_erased_leaves_answered_questions_without_a_name(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary("答复 1 好办")
    for name in ("张伟", "周洁"):
        with database.write() as session:
            member = session.scalars(select(Member).where(Member.name == name)).one()
            assert "研讨提问" in [one.label for one in personal_data.kept(session, member.id)]
            member.active = False
            personal_data.erase(session, member, now=clock())
            assert "研讨提问" not in [one.label for one in personal_data.kept(session, member.id)]
    secretary.script(("研讨问题", "1 问，已答 1", "1｜匿名：班组学习怎么结合现场？"))
