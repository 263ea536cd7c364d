"""Signing up, and who has not answered."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from bot.app import App
from bot.chat import Kind, Message
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUpState
from bot.models.member import Member
from bot.models.notice import Receipt
from tests.chat import PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import state_of


def test_everybody_s_words_for_signing_up_are_understood(theme_day: None, phone: PhoneBook) -> None:
    names = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁", "马强")
    said = ("报名", "我参加", "我要参加", "我想报名一下", "我要报名", "参加", "報名", "报名 #1", "报名。")
    for count, (name, words) in enumerate(zip(names, said, strict=True), 1):
        phone(name).script((words, "报名成功", f"已报名 {count}/12"))


def test_the_answer_names_time_place_and_reminders(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(
        ("报名", "12月4日(周五)14:30", "三楼会议室", "提醒时间：12月3日(周四)17:00、12月4日(周五)13:30")
    )


def test_signing_up_twice_counts_once(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("报名", "报名成功", "已报名 1/12"), ("报名", "已经报过名", "已报名 1/12"))


def test_what_is_not_a_sign_up_is_not_taken_for_one(
    theme_day: None, phone: PhoneBook, database: Database
) -> None:
    phone("张伟").script(("报名不了啊今天", "没看懂", "请假 原因"), ("参加谁的婚礼", "没看懂"))
    assert state_of(database, "张伟").state is SignUpState.INVITED


def test_a_sign_up_can_be_undone_for_five_minutes(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang.script(("报名", "报名成功"), ("撤销", "报名已撤销", "已报名 0/12"), ("报名", "已报名 1/12"))
    clock.sleep(timedelta(minutes=6))
    zhang.script(
        ("撤销", "没有可以撤销"), ("取消报名", "已取消报名", "已报名 0/12"), ("取消报名", "还没有报名")
    )


def test_a_closed_sign_up_is_refused_with_what_to_do(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang("报名")
    clock.jump(datetime(2026, 12, 3, 17, 1, tzinfo=SHANGHAI))
    phone("周洁").script(("报名", "报名成功"))  # who was nudged at 17:00 can still answer
    clock.jump(datetime(2026, 12, 3, 20, 1, tzinfo=SHANGHAI))
    phone("孙磊").script(("报名", "已于 今天20:00 截止", "王建国", "签到"))
    zhang.script(("报名", "已经报过名"))


def test_nothing_to_sign_up_for_is_said(phone: PhoneBook) -> None:
    phone("张伟").script(
        ("报名", "没有可以报名"),
        ("请假 出差", "不用请假"),
        ("报名 #99", "没有找到"),
        ("取消报名", "还没有报名"),
    )


def test_several_open_ones_are_a_choice(second_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(
        ("报名", "有 2 个活动", "1 12月4日", "2 12月11日"),
        ("2", "报名成功", "学安规"),
        ("报名", "报名成功", "宪法宣传"),
        ("请假 出差", "有 2 个活动"),
        ("1", "请假已提交", "宪法宣传", "出差"),
    )


def test_the_card_s_buttons_do_the_same(theme_day: None, phone: PhoneBook, bot: App) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    assert "报名成功" in zhang.send(kind=Kind.CARD, text="报名 #1")
    assert "请发原因" in gu.send(kind=Kind.CARD, text="请假 #1")
    gu.script(("下乡巡线", "请假已提交", "下乡巡线"))


def test_answering_confirms_the_notice(theme_day: None, phone: PhoneBook, database: Database) -> None:
    phone("张伟")("报名")
    phone("古丽")("请假 值班")
    with database.read() as session:
        confirmed = session.scalars(
            select(Member.name)
            .join(Receipt, Receipt.member_id == Member.id)
            .where(Receipt.confirmed_at.is_not(None))
            .order_by(Member.id)
        ).all()
    assert confirmed == ["张伟", "古丽"]


def test_what_waits_is_looked_up_for_all_who_are_answered_together(
    bot: App, theme_day: None, phone: PhoneBook, clock: Clock
) -> None:
    phone("古丽")("报名")
    clock.sleep(timedelta(minutes=11))
    people = ("张伟", "古丽", "李明")
    messages = [
        Message(f"look {name}", "wecom", phone(name).account, Kind.TEXT, clock(), "积分") for name in people
    ]
    answers = bot.dispatch._together(messages)
    assert ["还没回复，回复 报名" in answer.text for answer in answers if answer] == [True, False, True]


def test_an_open_sign_up_waits_in_one_line_once_a_day(
    theme_day: None, phone: PhoneBook, clock: Clock
) -> None:
    zhang = phone("张伟")
    assert "12月4日主题党日还没回复，回复 报名 或 请假 原因" in zhang("帮助")
    clock.sleep(timedelta(minutes=15))
    assert "还没回复" not in zhang("帮助")
    clock.sleep(timedelta(days=1))
    assert "还没回复" in zhang("帮助")
    zhang("报名")
    clock.sleep(timedelta(days=1))
    assert "还没回复" not in zhang("帮助")


def test_the_helpers_for_the_scheduler_tell_the_groups_apart(
    theme_day: None, phone: PhoneBook, database: Database
) -> None:
    from bot.services import activity as activities

    phone("张伟")("报名")
    phone("古丽")("请假 下乡")
    with database.read() as session:
        (activity,) = activities.open_activities(session)
        assert len(activities.signed_up_members(session, activity.id)) == 1
        assert len(activities.silent_members(session, activity.id)) == 10
        assert session.get_one(Activity, activity.id).theme == "宪法宣传进班组"
