"""Minutes by chat: who may write, in which window, correcting, photos, and what is added after the end."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.chat import Kind
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.minutes import ActivityDuty, Duty, MinuteLine, MinutePhoto
from bot.services import minutes
from bot.services.minutes import Line
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

LINE = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"
START = datetime(2026, 12, 4, 14, 30, tzinfo=SHANGHAI)


@pytest.fixture
def planned(secretary: Phone) -> None:
    """A theme day on Friday 2026-12-04 14:30."""
    secretary.script((LINE, "发布预览"), ("确认", "正在发给 12 人"))


@pytest.fixture
def meeting(planned: None, clock: Clock) -> None:
    """It begins now."""
    clock.jump(START)


def lines(database: Database, activity: int = 1) -> list[Line]:
    with database.read() as session:
        return minutes.lines(session, activity)


def texts(database: Database) -> list[str]:
    return [f"{one.number} {one}" for one in lines(database)]


# Writing


def test_lines_become_the_record_in_order_with_who_spoke(
    meeting: None, secretary: Phone, database: Database
) -> None:
    secretary.script(
        ("记 会议开始，共学宪法。", "已记第 1 条", "宪法宣传进班组", "改记 1", "删记 1"),
        ("记 张伟：线路巡视发现三处隐患", "已记第 2 条", "张伟：线路巡视发现三处隐患"),
        ("记：古丽说：“已经整改（2处）”。", "已记第 3 条"),
        ("记录", "共 3 条", "1｜14:30 会议开始，共学宪法", "2｜14:30 张伟：线路巡视", "3｜14:30 古丽："),
    )
    assert texts(database) == [
        "1 会议开始，共学宪法。",
        "2 张伟：线路巡视发现三处隐患",
        "3 古丽：“已经整改（2处）”。",
    ]
    assert [one.speaker for one in lines(database)] == ["", "张伟", "古丽"]


def test_a_colon_makes_nobody_a_speaker_who_is_not_on_the_roster(
    meeting: None, secretary: Phone, database: Database
) -> None:
    for said in ("记 下一步：加强巡视", "记 公司党委李书记：要求抓实", "记 张伟明：同意", "记 3处隐患已整改"):
        assert "已记" in secretary(said)
    assert [(one.speaker, one.text) for one in lines(database)] == [
        ("", "下一步：加强巡视"),
        ("", "公司党委李书记：要求抓实"),
        ("", "张伟明：同意"),
        ("", "3处隐患已整改"),
    ]


def test_a_title_after_the_name_does_not_hide_the_speaker(
    meeting: None, secretary: Phone, database: Database
) -> None:
    secretary("记 王建国书记指出:两张皮要不得")
    assert texts(database) == ["1 王建国：两张皮要不得"]


def test_other_words_that_begin_like_the_command_are_not_lines(
    meeting: None, secretary: Phone, database: Database
) -> None:
    secretary.script(("记得提醒我明天值班", "没有记下", "空一格"), ("记", "请发送会议内容"))
    assert lines(database) == []


def test_a_line_that_is_too_long_is_refused_whole(
    meeting: None, secretary: Phone, database: Database
) -> None:
    secretary.script(("记 " + "学" * 501, "最多 500 个字", "501"))
    assert lines(database) == []
    assert "已记第 1 条" in secretary("记 " + "学" * 500)


def test_a_repeated_delivery_writes_one_line(meeting: None, secretary: Phone, database: Database) -> None:
    assert secretary("记 开会") == secretary.again()
    assert len(lines(database)) == 1


# Who and when


def test_a_member_writes_only_when_named_and_is_told(
    planned: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    zhang = phone("张伟")
    zhang.pushes()
    clock.jump(START)
    zhang.script(("记 张伟：发现隐患", "由王建国", "记录员 张伟"))
    secretary.script(("记录员 张伟", "记录员：张伟", "正在通知"))
    assert any("请您做记录" in text and "宪法宣传进班组" in text for text in zhang.pushes())
    zhang.script(("记 张伟：发现隐患", "已记第 1 条"), ("记录", "共 1 条"))
    phone("孙磊").script(("记 我也来记", "由张伟记录"), ("记录", "由张伟记录"))
    assert texts(database) == ["1 张伟：发现隐患"]


def test_naming_replaces_and_can_be_undone(
    planned: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    secretary.script(
        ("记录员 张伟、古丽", "记录员：张伟、古丽"),
        ("记录员 孙磊", "记录员：孙磊"),
        ("撤销", "记录员：张伟、古丽"),
        ("主持人 陈刚", "主持人：陈刚"),
        ("记录员 无", "记录员：无"),
        ("记录员 李四光", "没有叫“李四光”的人"),
    )
    with database.read() as session:
        rows = session.scalars(select(ActivityDuty)).all()
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert [row.duty for row in rows] == [Duty.HOST]
    assert acts.count("指定记录员") == 4
    clock.jump(START)
    phone("张伟").script(("记 开会", "记录员 张伟"))


def test_a_member_cannot_name_a_recorder(meeting: None, phone: PhoneBook) -> None:
    phone("张伟").script(("记录员 张伟", "支部书记或委员"))


def test_lines_are_taken_from_an_hour_before_the_start(
    planned: None, secretary: Phone, clock: Clock, database: Database
) -> None:
    secretary.script(("记 开会", "还没到时间", "12月4日(周五)13:30"), ("记 #1 开会", "还没到时间"))
    clock.jump(START - timedelta(minutes=61))
    secretary.script(("记 开会", "还没到时间"))
    clock.sleep(timedelta(minutes=1))
    secretary.script(("记 开会", "已记第 1 条"))


def test_without_an_activity_the_answer_says_so(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(
        ("记 开会", "没有正在开的活动"),
        ("记录", "没有正在开的活动"),
        ("补记 开会", "没有您能补记的活动"),
        ("记录员 张伟", "请先发 发布主题党日"),
        ("记 #99 开会", "没有找到您能记录的 #99"),
    )
    phone("张伟").script(("记 开会", "没有正在开的活动"))


def test_with_two_open_activities_the_bot_asks_once(
    planned: None, secretary: Phone, clock: Clock, database: Database
) -> None:
    secretary.script(("发布主题党日 12月4日15:00 二楼 主题:学安规", "发布预览"), ("确认", "正在发给"))
    clock.jump(START)
    secretary.script(
        ("记 张伟：已整改，见照片", "是哪一个"),
        ("2", "已记第 1 条（宪法宣传进班组）"),
        ("记 再学一遍", "（宪法宣传进班组）"),
    )
    secretary.script(("记 #2 学安规第一章", "已记第 1 条（学安规）"))
    assert texts(database) == ["1 张伟：已整改，见照片", "2 再学一遍"]


def test_two_recorders_at_once_lose_nothing_and_share_no_number(
    meeting: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    liu = phone("刘芳")
    secretary("记录")
    liu("记录")  # both are known before they write at once
    writers = [
        threading.Thread(target=lambda who=who: [who(f"记 要点{n}") for n in range(5)])
        for who in (secretary, liu)
    ]
    for one in writers:
        one.start()
    for one in writers:
        one.join()
    written = lines(database)
    assert [one.number for one in written] == list(range(1, 11))
    assert sorted(one.author for one in written) == ["刘芳"] * 5 + ["王建国"] * 5


# Correcting


def test_lines_are_corrected_until_the_end(meeting: None, secretary: Phone, database: Database) -> None:
    secretary.script(
        ("记 一", "第 1 条"),
        ("记 二", "第 2 条"),
        ("记 张伟：三处隐患", "第 3 条"),
        ("改记 3 古丽：两处隐患，已报缺陷。", "已改第 3 条", "古丽：两处隐患"),
        ("撤销", "已改回第 3 条", "张伟：三处隐患"),
        ("删记 2", "已删第 2 条"),
        ("删记 2", "没有第 2 条"),
        ("改记 9 没有", "没有第 9 条"),
        ("改记 内容", "请写编号"),
        ("记 四", "第 4 条"),
    )
    assert texts(database) == ["1 一", "3 张伟：三处隐患", "4 四"]
    with database.read() as session:
        details = session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "改记")).all()
    assert details[0].endswith("张伟：三处隐患 → 古丽：两处隐患，已报缺陷。")


def test_a_new_line_and_a_removal_can_be_undone(meeting: None, secretary: Phone, database: Database) -> None:
    secretary.script(("记 一", "第 1 条"), ("撤销", "已删第 1 条"), ("记 二", "第 2 条"))
    secretary.script(("删记 2", "已删"), ("撤销", "已恢复第 2 条"))
    assert texts(database) == ["2 二"]


def test_after_the_end_lines_are_only_added(
    meeting: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    secretary.script(("记 一", "第 1 条"), ("补记 二", "还没结束", "直接发：记"))
    secretary("记 二")
    secretary.script(("结束活动", "要结束"), ("确认", "已结束"))
    secretary.script(
        ("记 三", "已经结束", "补记"),
        ("改记 1 壹", "已经结束", "补记"),
        ("删记 1", "已经结束"),
        ("记 #1 三", "已经结束"),
    )
    clock.sleep(timedelta(days=2))
    secretary.script(
        ("补记 张伟：整改完成。", "已补记第 3 条", "不能再改"),
        ("撤销", "没有可以撤销"),
        ("记录", "共 3 条", "3｜14:30 张伟：整改完成。（今天14:30补记）"),
    )
    assert [one.later for one in lines(database)] == [False, False, True]
    clock.sleep(timedelta(days=29))
    secretary.script(("补记 又一条", "30天内"))


def test_an_undo_that_comes_after_the_end_changes_nothing(
    meeting: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary("记录员 张伟")
    zhang = phone("张伟")
    zhang("记 一")
    secretary.script(("结束活动", "要结束"), ("确认", "已结束"))
    zhang.script(("撤销", "已经结束"))
    assert texts(database) == ["1 一"]


def test_older_lines_are_on_the_next_page(meeting: None, secretary: Phone) -> None:
    for number in range(1, 12):
        secretary(f"记 内容{number}")
    first = secretary("记录")
    assert "共 11 条" in first
    assert "内容4" in first
    assert "内容3\n" not in first
    assert "前面还有 3 条，回复 1" in first
    secretary.script(("1", "1｜14:30 内容1", "3｜14:30 内容3"), ("记录 第9页", "没有这一页"))


# Photos


def test_photos_belong_to_the_line_before_them(
    meeting: None, secretary: Phone, clock: Clock, database: Database
) -> None:
    secretary("记 现场检查")
    assert "第 1 条记录" in secretary.send(kind=Kind.IMAGE, media="media-1")
    assert "共 2 张" in secretary.send(kind=Kind.IMAGE, media="media-2")
    assert "（照片2）" in secretary("记录")
    clock.sleep(timedelta(minutes=11))
    assert "没有可附" in secretary.send(kind=Kind.IMAGE, media="media-3")
    with database.read() as session:
        kept = session.execute(select(MinutePhoto.media, MinutePhoto.channel).order_by(MinutePhoto.id)).all()
        assert [tuple(one) for one in kept] == [("media-1", "wecom"), ("media-2", "wecom")]


def test_a_photo_goes_to_what_was_written_last(meeting: None, secretary: Phone, clock: Clock) -> None:
    secretary("记 现场检查")
    clock.sleep(timedelta(minutes=1))
    secretary.script(("申报 师带徒 带出1名持证徒弟", "申报已收到"))
    assert "照片已附上" in secretary.send(kind=Kind.IMAGE, media="media-1")
    clock.sleep(timedelta(minutes=1))
    secretary("记 继续检查")
    assert "第 2 条记录" in secretary.send(kind=Kind.IMAGE, media="media-2")


def test_no_photo_changes_a_line_after_the_end(meeting: None, secretary: Phone, database: Database) -> None:
    secretary("记 现场检查")
    secretary.script(("结束活动", "要结束"), ("确认", "已结束"))
    assert "没有可附" in secretary.send(kind=Kind.IMAGE, media="media-1")
    secretary("补记 照片")
    assert "第 2 条记录" in secretary.send(kind=Kind.IMAGE, media="media-2")


def test_the_author_and_the_time_are_kept(meeting: None, secretary: Phone, database: Database) -> None:
    secretary("记 一")
    with database.read() as session:
        row = session.scalars(select(MinuteLine)).one()
    assert row.at == START
    assert lines(database)[0].author == "王建国"
