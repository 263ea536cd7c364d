"""Signing up, asking leave, deciding it, and who has not answered."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.chat import Kind
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUp, SignUpState
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.notice import Receipt
from bot.models.organisation import BranchSetting
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

LINE = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"


@pytest.fixture
def theme_day(secretary: Phone) -> None:
    """A theme day on Friday 2026-12-04 14:30, notice out, nobody has answered."""
    secretary.script((LINE, "发布预览"), ("确认", "正在发给 12 人"))


@pytest.fixture
def second_day(theme_day: None, secretary: Phone) -> None:
    """Another one a week later."""
    secretary.script(("发布主题党日 12月11日14:30 二楼 主题:学安规", "发布预览"), ("确认", "正在发给 12 人"))


def state_of(database: Database, name: str) -> SignUp:
    with database.read() as session:
        return session.scalars(select(SignUp).join(Member, Member.id == SignUp.member_id).where(Member.name == name)).one()


# Signing up


def test_everybody_s_words_for_signing_up_are_understood(theme_day: None, phone: PhoneBook) -> None:
    names = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁", "马强")
    said = ("报名", "我参加", "我要参加", "我想报名一下", "我要报名", "参加", "報名", "报名 #1", "报名。")
    for count, (name, words) in enumerate(zip(names, said, strict=True), 1):
        phone(name).script((words, "报名成功", f"已报名 {count}/12"))


def test_the_answer_names_time_place_and_reminders(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("报名", "12月4日(周五)14:30", "三楼会议室", "提醒时间：12月3日(周四)17:00、12月4日(周五)13:30"))


def test_signing_up_twice_counts_once(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("报名", "报名成功", "已报名 1/12"), ("报名", "已经报过名", "已报名 1/12"))


def test_what_is_not_a_sign_up_is_not_taken_for_one(theme_day: None, phone: PhoneBook, database: Database) -> None:
    phone("张伟").script(("报名不了啊今天", "没看懂", "请假 原因"), ("参加谁的婚礼", "没看懂"))
    assert state_of(database, "张伟").state is SignUpState.INVITED


def test_a_sign_up_can_be_undone_for_five_minutes(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang.script(("报名", "报名成功"), ("撤销", "报名已撤销", "已报名 0/12"), ("报名", "已报名 1/12"))
    clock.sleep(timedelta(minutes=6))
    zhang.script(("撤销", "没有可以撤销"), ("取消报名", "已取消报名", "已报名 0/12"), ("取消报名", "还没有报名"))


def test_a_closed_sign_up_is_refused_with_what_to_do(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang("报名")
    clock.jump(datetime(2026, 12, 3, 17, 1, tzinfo=SHANGHAI))
    phone("周洁").script(("报名", "报名成功"))  # who was nudged at 17:00 can still answer
    clock.jump(datetime(2026, 12, 3, 20, 1, tzinfo=SHANGHAI))
    phone("孙磊").script(("报名", "已于 今天20:00 截止", "王建国", "签到"))
    zhang.script(("报名", "已经报过名"))


def test_nothing_to_sign_up_for_is_said(phone: PhoneBook) -> None:
    phone("张伟").script(("报名", "没有可以报名"), ("请假 出差", "不用请假"), ("报名 #99", "没有找到"), ("取消报名", "还没有报名"))


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


# Leave


def test_leave_waits_for_a_decision_and_its_asker_is_told(theme_day: None, phone: PhoneBook, secretary: Phone, database: Database) -> None:
    gu, deputy = phone("古丽"), phone("陈刚")
    for one in (gu, deputy, secretary, phone("刘芳")):
        one.pushes()
    gu.script(("请假 下乡巡线", "请假已提交", "等待王建国、陈刚审批"))
    for one in (secretary, deputy):
        assert one.pushes()[0].startswith("古丽 请假：下乡巡线。回复 同意 1 或 不同意 1 理由")
    assert phone("刘芳").pushes() == []
    secretary.script(("请假审批", "古丽 请假：下乡巡线"), ("同意 1", "已同意古丽请假", "正在通知古丽"))
    assert "已批准" in gu.pushes()[0]
    deputy.script(("同意 1", "没有等待审批的第 1 条"), ("请假审批", "没有等待审批"))
    assert state_of(database, "古丽").state is SignUpState.LEAVE_GRANTED
    with database.read() as session:
        assert "同意请假" in session.scalars(select(AuditEntry.act)).all()


def test_a_refusal_needs_a_reason(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    gu, ming = phone("古丽"), phone("李明")
    gu("请假 下乡巡线")
    ming("请假 值班")
    gu.pushes()
    ming.pushes()
    secretary.script(
        ("请假审批", "同意 1｜古丽：下乡巡线", "同意 2｜李明：值班", "共 2 条"),
        ("不同意 2", "李明", "请发理由"),
        ("值班已调整", "没有同意李明请假", "还有 1 条"),
        ("不同意 1 任务可改期", "没有同意古丽请假", "没有其他"),
    )
    assert "值班已调整" in ming.pushes()[0]
    assert "任务可改期" in gu.pushes()[0]
    gu.script(("主题党日", "还没回复"), ("报名", "报名成功"))


def test_the_last_number_is_not_given_again(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("古丽")("请假 下乡巡线")
    secretary("同意 1")
    secretary.pushes()
    phone("李明")("请假 值班")
    assert "同意 2" in secretary.pushes()[0]
    secretary.script(("同意 1", "没有等待审批的第 1 条"))


def test_leave_without_a_reason_asks_for_it(theme_day: None, phone: PhoneBook) -> None:
    phone("古丽").script(("我要请假", "请发原因"), ("原因：孩子发烧", "请假已提交", "原因：孩子发烧"))
    phone("李明").script(("去不了", "请发原因"), ("。", "请写一下原因"), ("值班", "请假已提交"))


def test_leave_in_one_s_own_words_is_understood(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("家里有事去不了", "请假已提交", "家里有事去不了"))
    phone("古丽").script(("我不能参加", "请发原因"), ("孩子发烧", "请假已提交"))
    phone("李明").script(("参加不了，值班", "请假已提交", "原因：值班"))


def test_signing_up_withdraws_a_leave(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    gu = phone("古丽")
    gu.script(("请假 下乡", "请假已提交"), ("报名", "报名成功", "原来的请假已撤回"))
    secretary.script(("请假审批", "没有等待审批"), ("同意 1", "没有等待审批的第 1 条"))


def test_leave_withdraws_a_sign_up_and_can_be_taken_back(theme_day: None, phone: PhoneBook) -> None:
    gu, zhang = phone("古丽"), phone("张伟")
    gu.script(("报名", "已报名 1/12"), ("请假 下乡", "请假已提交"))
    zhang.script(("报名", "已报名 1/12"))
    gu.script(("撤销", "请假已撤回"), ("请假 下乡", "请假已提交"), ("取消请假", "请假已撤回"), ("取消请假", "没有待撤回"))


def test_after_the_start_leave_is_too_late(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    clock.jump(datetime(2026, 12, 4, 14, 31, tzinfo=SHANGHAI))
    phone("古丽").script(("请假 #1 堵车", "已经开始", "王建国"))


def test_nobody_decides_the_own_leave_while_others_can(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    deputy = phone("陈刚")
    deputy.pushes()
    secretary.script(("请假 开会", "等待陈刚审批"), ("同意 1", "自己的请假不能自己批", "陈刚"))
    assert "王建国 请假：开会" in deputy.pushes()[0]
    deputy.script(("同意 1", "已同意王建国请假"))


def test_the_only_one_in_charge_decides_the_own_leave_and_is_told_so(
    theme_day: None, secretary: Phone, database: Database
) -> None:
    with database.write() as session:
        boss = session.scalars(select(Member.id).where(Member.name == "王建国")).one()
        session.execute(
            update(Role).where(Role.member_id != boss, Role.name != RoleName.GROUP_LEADER).values(ends_on=datetime(2026, 1, 1).date())  # noqa: DTZ001
        )
    secretary.script(("请假 开会", "由您自己决定"), ("同意 1", "您自己的请假", "没有其他人可以审批"))


def test_a_member_may_not_decide(theme_day: None, phone: PhoneBook) -> None:
    phone("古丽")("请假 下乡")
    phone("张伟").script(("同意 1", "需要支部书记或委员"), ("请假审批", "需要支部书记或委员"), ("谁没报名", "需要支部书记或委员"))
    phone("马强").script(("同意 1", "需要支部书记或委员"))


def test_an_unknown_number_or_name_is_refused(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(("同意", "没有等待审批"))
    phone("古丽")("请假 下乡")
    secretary.script(("同意 7", "没有等待审批的第 7 条"), ("同意 张三", "没找到“张三”"), ("同意古丽", "已同意古丽请假"))


def test_two_requests_at_once_get_two_numbers(theme_day: None, phone: PhoneBook, database: Database) -> None:
    at_once(*(lambda name=name: phone(name)("请假 值班") for name in ("张伟", "古丽", "李明", "孙磊", "周洁")))
    with database.read() as session:
        numbers = session.scalars(select(SignUp.leave_no).where(SignUp.leave_no.is_not(None))).all()
    assert sorted(number or 0 for number in numbers) == [1, 2, 3, 4, 5]


def test_two_decisions_at_once_count_once(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("古丽")("请假 下乡")
    phone("古丽").pushes()
    deputy = phone("陈刚")
    answers: list[str] = []
    at_once(lambda: answers.append(secretary("同意 1")), lambda: answers.append(deputy("不同意 1 缺人")))
    assert sum("没有等待审批的第 1 条" in answer for answer in answers) == 1
    assert len(phone("古丽").pushes()) == 1


def at_once(*acts: object) -> None:
    """Run all of them at the same moment, each in a thread."""
    barrier = threading.Barrier(len(acts))

    def run(act: object) -> None:
        barrier.wait()
        assert callable(act)
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


# Who is missing


def test_the_silent_are_listed_by_group(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("张伟")("报名")
    phone("古丽")("请假 下乡")
    secretary.script(
        ("谁没报名", "已报名 1，请假 0，待批 1", "没回复 10 人", "第一党小组 3 人：王建国、刘芳、吴霞", "第二党小组 4 人", "第三党小组 3 人", "催一下"),
        ("还有谁没报名呢", "没回复 10 人"),
    )


def test_a_group_leader_sees_and_nudges_the_own_group_only(theme_day: None, phone: PhoneBook) -> None:
    leader = phone("马强")
    for name in ("李明", "陈刚", "赵敏", "孙磊", "张伟"):
        phone(name).pushes()
    answer = leader("谁没报名")
    assert "第二党小组 4 人：李明、陈刚、赵敏、马强" in answer
    assert "第一党小组" not in answer
    leader.script(("催一下", "正在提醒 4 人"))
    assert "还没回复" in phone("李明").pushes()[0]
    assert phone("孙磊").pushes() == []
    assert phone("张伟").pushes() == []


def test_a_nudge_reaches_only_the_silent_and_not_twice_in_four_hours(
    theme_day: None, phone: PhoneBook, secretary: Phone, clock: Clock
) -> None:
    zhang, gu, sun = phone("张伟"), phone("古丽"), phone("孙磊")
    zhang("报名")
    gu("请假 下乡")
    for one in (zhang, gu, sun):
        one.pushes()
    secretary.script(("谁没报名", "没回复 10 人"), ("1", "正在提醒 10 人", "孙磊"), ("催一下", "刚提醒过", "今天13:00"))
    assert len(sun.pushes()) == 1
    assert zhang.pushes() == []
    assert gu.pushes() == []
    clock.sleep(timedelta(hours=4))
    secretary.script(("催一下", "正在提醒 10 人"))


def test_whom_the_group_leader_nudged_the_secretary_does_not_nudge_again(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("马强")("催一下")
    secretary.script(("催一下", "正在提醒 8 人"))


def test_a_nudge_means_the_list_that_was_just_shown(second_day: None, phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(
        ("催一下", "有 2 个活动"),
        ("谁没报名", "有 2 个活动"),
        ("2", "学安规", "没回复 12 人"),
        ("催一下", "正在提醒 12 人"),
    )
    assert "学安规" in phone("张伟").pushes()[-1]


def test_after_the_list_of_unconfirmed_a_nudge_is_about_the_notice(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(
        ("通知 全体 明天停电检修 需回执", "预览"), ("确认", "发送"), ("谁没收到", "还差 11 人"), ("催一下", "还没确认的 11 人")
    )
    assert "明天停电检修" in phone("孙磊").pushes()[-1]


def test_the_branch_s_setting_says_how_often_one_is_nudged(
    theme_day: None, secretary: Phone, clock: Clock, database: Database
) -> None:
    with database.write() as session:
        branch = session.scalars(select(Activity.branch_id)).one()
        session.merge(BranchSetting(branch_id=branch, values={"nudge_hours": 24}))
    secretary("催一下")
    clock.sleep(timedelta(hours=23))
    secretary.script(("催一下", "每人24小时内只提醒一次", "今天09:00"))
    clock.sleep(timedelta(hours=1))
    secretary.script(("催一下", "正在提醒 12 人"))


def test_with_all_answers_there_is_nobody_to_nudge(theme_day: None, secretary: Phone, database: Database) -> None:
    with database.write() as session:
        session.execute(update(SignUp).values(state=SignUpState.SIGNED_UP))
    secretary.script(("谁没报名", "大家都回复了"), ("催一下", "没有需要提醒的人"))


def test_without_an_activity_there_is_nobody_to_ask_about(secretary: Phone) -> None:
    secretary.script(("谁没报名", "没有这样的活动"), ("催一下", "没有这样的活动"), ("谁没签到", "没有正在签到"))


def test_an_open_sign_up_waits_in_one_line_once_a_day(theme_day: None, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    assert "12月4日主题党日还没回复，回复 报名 或 请假 原因" in zhang("帮助")
    clock.sleep(timedelta(minutes=15))
    assert "还没回复" not in zhang("帮助")
    clock.sleep(timedelta(days=1))
    assert "还没回复" in zhang("帮助")
    zhang("报名")
    clock.sleep(timedelta(days=1))
    assert "还没回复" not in zhang("帮助")


def test_the_helpers_for_the_scheduler_tell_the_groups_apart(theme_day: None, phone: PhoneBook, database: Database) -> None:
    from bot.services import activity as activities

    phone("张伟")("报名")
    phone("古丽")("请假 下乡")
    with database.read() as session:
        (activity,) = activities.open_activities(session)
        assert len(activities.signed_up_members(session, activity.id)) == 1
        assert len(activities.silent_members(session, activity.id)) == 10
        assert session.get_one(Activity, activity.id).theme == "宪法宣传进班组"
