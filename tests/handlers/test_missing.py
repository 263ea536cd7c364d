"""Who has not answered, and nudging only these."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUp, SignUpState
from bot.models.organisation import BranchSetting
from tests.chat import Phone, PhoneBook


def test_the_silent_are_listed_by_group(theme_day: None, phone: PhoneBook, secretary: Phone) -> None:
    phone("张伟")("报名")
    phone("古丽")("请假 下乡")
    secretary.script(
        (
            "谁没报名",
            "已报名 1，请假 0，待批 1",
            "没回复 10 人",
            "第一党小组 3 人：王建国、刘芳、吴霞",
            "第二党小组 4 人",
            "第三党小组 3 人",
            "催一下",
        ),
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
    secretary.script(
        ("谁没报名", "没回复 10 人"), ("1", "正在提醒 10 人", "孙磊"), ("催一下", "刚提醒过", "今天13:00")
    )
    assert len(sun.pushes()) == 1
    assert zhang.pushes() == []
    assert gu.pushes() == []
    clock.sleep(timedelta(hours=4))
    secretary.script(("催一下", "正在提醒 10 人"))


def test_whom_the_group_leader_nudged_the_secretary_does_not_nudge_again(
    theme_day: None, phone: PhoneBook, secretary: Phone
) -> None:
    phone("马强")("催一下")
    secretary.script(("催一下", "正在提醒 8 人"))


def test_a_nudge_means_the_list_that_was_just_shown(
    second_day: None, phone: PhoneBook, secretary: Phone
) -> None:
    secretary.script(
        ("催一下", "有 2 个活动"),
        ("谁没报名", "有 2 个活动"),
        ("2", "学安规", "没回复 12 人"),
        ("催一下", "正在提醒 12 人"),
    )
    assert "学安规" in phone("张伟").pushes()[-1]


def test_after_the_list_of_unconfirmed_a_nudge_is_about_the_notice(
    theme_day: None, phone: PhoneBook, secretary: Phone
) -> None:
    secretary.script(
        ("通知 全体 明天停电检修 需回执", "预览"),
        ("确认", "发送"),
        ("谁没收到", "还差 11 人"),
        ("催一下", "还没确认的 11 人"),
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


def test_with_all_answers_there_is_nobody_to_nudge(
    theme_day: None, secretary: Phone, database: Database
) -> None:
    with database.write() as session:
        session.execute(update(SignUp).values(state=SignUpState.SIGNED_UP))
    secretary.script(("谁没报名", "大家都回复了"), ("催一下", "没有需要提醒的人"))


def test_without_an_activity_there_is_nobody_to_ask_about(secretary: Phone) -> None:
    secretary.script(
        ("谁没报名", "没有这样的活动"), ("催一下", "没有这样的活动"), ("谁没签到", "没有正在签到")
    )
