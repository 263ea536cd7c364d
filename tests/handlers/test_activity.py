"""Publishing, looking at, changing and cancelling a theme day, as it is typed on a phone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, ActivityState, SignUp
from bot.models.audit import AuditEntry
from bot.models.identity import Conversation, Identity
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.notice import Notice, Receipt
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import organisation
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

LINE = "发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组"
FRIDAY = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"
EVERYBODY = (
    "王建国",
    "张伟",
    "古丽",
    "李明",
    "刘芳",
    "陈刚",
    "赵敏",
    "阿不力孜",
    "孙磊",
    "周洁",
    "马强",
    "吴霞",
)


@pytest.fixture
def other_branch(database: Database, clock: Clock) -> int:
    """The number of an activity of another branch, with its own secretary and nobody of ours invited."""
    now = clock()
    with database.write() as session:
        branch = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        boss = Member(
            name="钱书记", branch_id=branch.id, status=MemberStatus.FULL, created_at=now, account="qian"
        )
        session.add(boss)
        session.flush()
        session.add(
            Role(member_id=boss.id, name=RoleName.SECRETARY, organisation_id=branch.id, starts_on=now.date())
        )
        activity = Activity(
            branch_id=branch.id,
            kind="主题党日",
            theme="别家的活动",
            place="营业厅",
            starts_at=now + timedelta(minutes=30),
            ends_at=now + timedelta(hours=2),
            signup_closes_at=now + timedelta(minutes=30),
            secret="another secret",
            created_by=boss.id,
            published_at=now,
        )
        session.add(activity)
        session.flush()
        return activity.id


def published(secretary: Phone, line: str = FRIDAY) -> None:
    """A theme day that is out, with nobody's phone read yet."""
    secretary.script((line, "发布预览"), ("确认", "正在发给 12 人"))


def test_a_theme_day_from_the_notice_to_the_make_up_study(
    secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    """Dialogue 1 of the conversation, word for word in its facts."""
    zhang, gu = phone("张伟"), phone("古丽")
    secretary.script(
        (
            LINE,
            "宪法宣传进班组",
            "2026年12月5日(周六)14:30",
            "三楼会议室",
            "应到 12 人",
            "周六为休息日",
            "确认",
            "修改",
            "取消",
        ),
        ("改到12月4日", "2026年12月4日(周五)14:30", "三楼会议室", "应到 12 人"),
    )
    assert "休息日" not in secretary("改到12月4日")
    assert "正在发给 12 人" in secretary("确认")
    notice = zhang.pushes()[-1]
    assert "宪法宣传进班组" in notice
    assert "2026年12月4日(周五)14:30" in notice
    assert "回复 报名" in notice
    assert "请假 原因" in notice
    zhang.script(("我参加", "报名成功", "已报名 1/12", "12月3日(周四)17:00", "12月4日(周五)13:30"))
    secretary.pushes()
    gu.script(("请假 下乡巡线", "等待王建国", "下乡巡线"))
    assert "古丽 请假：下乡巡线。回复 同意 1 或 不同意 1 理由" in secretary.pushes()[0]
    gu.pushes()
    secretary.script(("同意 1", "已同意古丽请假"))
    assert "已批准" in gu.pushes()[0]
    phone("李明").script(("请假 值班", "等待"))
    secretary.script(("同意李明", "已同意李明请假"))
    for name in EVERYBODY:
        if name not in ("张伟", "古丽", "李明"):
            phone(name).script(("报名", "报名成功"))
    secretary.script(("谁没报名", "大家都回复了", "已报名 10，请假 2"))

    clock.jump(datetime(2026, 12, 4, 14, 27, tzinfo=SHANGHAI))
    word = word_in(secretary("签到码"))
    zhang.script(
        (f"签到 {word}", "签到成功 14:27", "+2 分", "党员教育管理", "共 2 分"),
        (f"签到 {word}", "您已在 14:27 签到"),
    )
    for name in EVERYBODY:
        if name not in ("张伟", "古丽", "李明", "孙磊"):
            phone(name).script((f"签到 {word}", "签到成功 14:27"))
    for name in EVERYBODY:
        phone(name).pushes()
    secretary.script(
        ("结束活动", "要结束", "应到 12 实到 9 请假 2 缺席 1", "未到的 3 人"),
        ("返回", "还没结束"),
        ("结束活动", "要结束"),
        ("确认", "应到 12 实到 9 请假 2 缺席 1", "共给 18 分", "补学正在发给 3 人"),
        ("结束活动", "已经结束过了", "应到 12 实到 9 请假 2 缺席 1"),
    )
    for name in ("古丽", "李明", "孙磊"):
        assert "今日学习" in phone(name).pushes()[0]
    assert zhang.pushes() == []


def word_in(answer: str) -> str:
    """The two words in the answer to 签到码."""
    return answer.split("签到码：")[1].split("\n")[0]


def test_the_guided_dialogue_asks_one_thing_after_the_other(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日", "主题"),
        ("安全大讨论", "什么时候"),
        ("12月4日", "几点钟"),
        ("下午两点半", "2026年12月4日(周五)14:30", "哪里"),
        ("地点是二楼活动室", "谁参加", "1 全体党员", "正式党员", "第一党小组"),
        ("2", "应到 11 人", "正式党员", "安全大讨论", "二楼活动室", "报名截止：12月3日(周四)20:00"),
        ("1", "正在发给 11 人"),
    )


def test_confirming_too_early_is_no_theme(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日 12月3日 14:30 三楼会议室", "主题是什么"),
        ("确认", "请先发主题"),
        ("学习安全规程", "学习安全规程"),
    )


def test_the_month_s_idea_can_be_taken_with_its_number(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日 12月4日14:30 地点:三楼会议室", "本月参考：1 宪法宣传进班组"),
        ("1", "主题：宪法宣传进班组", "结合生产：带安规问答"),
    )


def test_only_what_is_missing_is_asked(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日 12月4日 三楼会议室 主题:学安规", "几点钟"),
        ("14:30", "学安规", "三楼会议室", "应到 12 人"),
    )


def test_the_theme_may_stand_first(secretary: Phone) -> None:
    secretary.script(
        (
            "发布主题党日 主题：学安规 12月4日14:30 三楼会议室",
            "主题：学安规\n",
            "(周五)14:30",
            "地点：三楼会议室",
        )
    )


def test_a_group_can_be_addressed(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script((f"{FRIDAY} 对象:第一小组", "第一党小组", "应到 5 人"), ("确认", "正在发给 5 人"))
    assert phone("孙磊").pushes() == []
    assert "通知" in phone("张伟").pushes()[0]


def test_an_unknown_audience_is_refused_with_the_known_ones(secretary: Phone) -> None:
    secretary.script((f"{FRIDAY} 对象:第九小组", "没看懂参加范围", "全体党员、正式党员、第一党小组"))


def test_a_past_date_is_refused(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日 11月20日14:30 三楼会议室 主题:学安规", "已经过去了", "例如"),
        ("发布主题党日 今天8:30 三楼会议室 主题:学安规", "已经过去了"),
        ("发布主题党日 主题:学安规 地点:三楼", "什么时候"),
        ("昨天下午", "昨天 已经过去了", "11月30日 14:30"),
        ("11月20日14:30", "已经过去了"),
        ("12月4日14:30", "发布预览"),
        ("改到11月20日", "已经过去了"),
        ("确认", "正在发给 12 人"),
    )


def test_everything_in_the_preview_can_be_changed(secretary: Phone) -> None:
    secretary.script(
        (LINE, "报名截止：12月4日(周五)20:00"),
        ("修改", "改到12月4日"),
        ("改到12月4日", "2026年12月4日(周五)14:30", "报名截止：12月3日(周四)20:00"),
        ("报名截止12月3日 12:00", "报名截止：12月3日(周四)12:00"),
        ("地点改为二楼会议室", "地点：二楼会议室"),
        ("主题改为安全大讨论", "主题：安全大讨论"),
        ("改到15:00吧", "(周五)15:00", "报名截止：12月3日(周四)12:00"),
        ("对象改为正式党员", "应到 11 人"),
        ("换到一楼大厅", "地点：一楼大厅"),
        ("随便", "没看懂“随便”", "地点改为"),
        ("报名截止12月9日", "报名截止要在"),
        ("确认", "正在发给 11 人", "12月3日(周四)12:00"),
    )


def test_giving_up_publishes_nothing(secretary: Phone, phone: PhoneBook, database: Database) -> None:
    secretary.script((LINE, "发布预览"), ("取消", "没有发布"), ("主题党日", "近期没有活动", "发布主题党日"))
    assert phone("张伟").pushes() == []
    with database.read() as session:
        assert session.scalars(select(Activity)).all() == []


@pytest.mark.parametrize("day", ["昨天", "前天", "昨日"])
def test_a_day_that_is_gone_is_refused_and_not_lost(secretary: Phone, day: str) -> None:
    secretary.script(
        (f"发布主题党日 {day}14:30 三楼 主题:学安规", f"{day} 已经过去了", "例如：11月30日"),
        ("发布主题党日 三楼 主题:学安规", "请发日期"),
        (f"{day}下午三点", f"{day} 已经过去了"),
        ("明天下午三点", "主题党日发布预览"),
    )


def test_an_audience_that_was_left_open_is_asked_for(secretary: Phone) -> None:
    secretary.script(
        (
            "发布主题党日 12月4日14:30 三楼 主题:学安规 对象:",
            "没看懂参加范围“（没有写）”",
            "全体党员、正式党员",
        )
    )


def test_sign_up_for_today_closes_at_the_start(secretary: Phone) -> None:
    secretary.script(("发布主题党日 今天15:00 三楼会议室 主题:学安规", "报名截止：今天15:00"))


def test_a_second_activity_within_two_hours_is_pointed_out(secretary: Phone) -> None:
    published(secretary)
    secretary.script(
        ("发布主题党日 12月4日16:00 二楼 主题:学安规", "注意：12月4日(周五)14:30 已有“宪法宣传进班组”"),
    )
    assert "已有" not in secretary("改到17:00")


def test_a_holiday_and_a_year_without_data_are_pointed_out(secretary: Phone) -> None:
    secretary.script(
        ("发布主题党日 2029年1月6日14:30 三楼 主题:学安规", "周六为休息日", "2029年放假安排还没有录入")
    )


def test_publishing_writes_invitations_a_notice_receipts_and_cards(
    secretary: Phone, database: Database
) -> None:
    published(secretary)
    with database.read() as session:
        activity = session.scalars(select(Activity)).one()
        assert len(session.scalars(select(SignUp)).all()) == 12
        notice = session.scalars(select(Notice)).one()
        assert notice.activity_id == activity.id
        assert len(session.scalars(select(Receipt).where(Receipt.notice_id == notice.id)).all()) == 12
        rows = session.scalars(select(Outbox).where(Outbox.notice_id == notice.id)).all()
        assert len(rows) == 12
        assert {row.urgency for row in rows} == {Urgency.ROUTINE}
        assert {row.expires_at for row in rows} == {activity.starts_at}
        card = rows[0].body["card"]
        assert card["task_id"] == f"activity-{activity.id}"
        assert [b["key"] for b in card["buttons"]] == [f"报名 #{activity.id}", f"请假 #{activity.id}"]
        assert session.scalars(select(AuditEntry.act)).all() == ["发布活动"]


def test_colleagues_and_those_who_left_are_not_addressed(secretary: Phone, database: Database) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "李明")).one().status = MemberStatus.ACTIVIST
        session.scalars(select(Member).where(Member.name == "周洁")).one().active = False
    secretary.script((FRIDAY, "应到 10 人"))


def test_those_without_any_channel_are_named(secretary: Phone, database: Database) -> None:
    with database.write() as session:
        zhou = session.scalars(select(Identity).join(Member).where(Member.name == "周洁")).one()
        session.delete(session.get_one(Conversation, zhou.id))
        session.flush()
        session.delete(zhou)
    secretary.script((FRIDAY, "应到 12 人"), ("确认", "联系不上 1 人：周洁"))


def test_a_member_may_not_publish(phone: PhoneBook, database: Database) -> None:
    phone("张伟").script((LINE, "需要支部书记或委员"))
    with database.read() as session:
        assert session.scalars(select(Activity)).all() == []


def test_confirming_twice_by_a_repeated_delivery_publishes_once(secretary: Phone, database: Database) -> None:
    secretary(FRIDAY)
    first = secretary("确认")
    assert secretary.again() == first
    with database.read() as session:
        assert len(session.scalars(select(Activity)).all()) == 1


def test_the_dialogue_survives_a_question_in_between(secretary: Phone) -> None:
    secretary.script(
        (LINE, "发布预览"), ("签到", "没有可以签到"), ("继续", "发布预览"), ("确认", "正在发给 12 人")
    )


def test_looking_shows_the_own_state(secretary: Phone, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang.script(("主题党日", "近期没有活动"))
    published(secretary)
    zhang.script(
        ("主题党日", "宪法宣传进班组", "12月4日(周五)14:30", "三楼会议室", "还没回复"),
        ("报名", "报名成功"),
        ("活动", "您已报名"),
        ("请假 值班", "已提交"),
        ("活动安排", "等审批"),
    )
    secretary.script(("活动", "已报名 0/12", "待批 1", "没回复 11", "签到码"))
    clock.jump(datetime(2026, 12, 3, 20, 30, tzinfo=SHANGHAI))
    phone("孙磊").script(("主题党日", "明天14:30", "已于 今天20:00 截止"))
    clock.jump(datetime(2026, 12, 4, 17, 0, tzinfo=SHANGHAI))
    zhang.script(("主题党日", "近期没有活动"))
    secretary.script(("主题党日", "宪法宣传进班组", "结束活动"))


def test_several_activities_are_a_numbered_choice(secretary: Phone, phone: PhoneBook) -> None:
    published(secretary)
    published(secretary, "发布主题党日 12月11日14:30 二楼 主题:学安规")
    phone("张伟").script(("主题党日", "1 12月4日", "2 12月11日"), ("2", "学安规", "二楼"))


def test_a_change_is_told_only_to_those_signed_up(secretary: Phone, phone: PhoneBook) -> None:
    published(secretary)
    zhang, sun = phone("张伟"), phone("孙磊")
    zhang("报名")
    zhang.pushes()
    sun.pushes()
    secretary.script(
        ("修改活动", "宪法宣传进班组", "改到12月4日"),
        ("改到12月7日15:00", "2026年12月7日(周一)15:00", "已报名的 1 人"),
        ("确认", "已修改", "正在通知已报名的 1 人"),
    )
    assert "2026年12月7日(周一)15:00" in zhang.pushes()[0]
    assert sun.pushes() == []
    sun.script(("主题党日", "12月7日(周一)15:00", "12月6日(周日)20:00"))


def test_a_change_can_be_written_in_one_line_and_the_audience_stays(secretary: Phone) -> None:
    published(secretary)
    secretary.script(
        ("修改活动 地点改为二楼", "地点：二楼", "应到 12 人"),
        ("对象改为正式党员", "不能改参加范围"),
        ("取消", "没有修改"),
        ("主题党日", "三楼会议室"),
    )


def test_a_new_place_after_the_end_of_sign_up_does_not_open_it_again(
    secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    published(secretary)
    clock.jump(datetime(2026, 12, 4, 9, 0, tzinfo=SHANGHAI))
    secretary.script(
        ("修改活动 地点改为二楼", "地点：二楼", "报名截止：12月3日(周四)20:00"), ("确认", "已修改")
    )
    phone("张伟").script(("报名", "已于 12月3日(周四)20:00 截止", "王建国"))


def test_a_cancelled_activity_is_told_to_those_who_answered(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    published(secretary)
    zhang, gu, sun = phone("张伟"), phone("古丽"), phone("孙磊")
    zhang("报名")
    gu("请假 下乡")
    for one in (zhang, gu, sun):
        one.pushes()
    secretary.script(
        ("取消活动", "要取消", "已报名和请假的 2 人"),
        ("返回", "没有取消"),
        ("取消活动 抢修任务", "要取消"),
        ("确认", "已取消", "正在通知 2 人"),
        ("取消活动", "没有这样的活动"),
        ("取消活动 #1", "已经取消"),
    )
    assert "取消了（抢修任务）" in zhang.pushes()[0]
    assert "取消了" in gu.pushes()[0]
    assert sun.pushes() == []
    zhang.script(("报名 #1", "已经取消"), ("报名", "没有可以报名"))
    with database.read() as session:
        assert session.scalars(select(Activity.state)).one() is ActivityState.CANCELLED
        unsent = session.scalars(select(Outbox.state).where(Outbox.notice_id.is_not(None))).all()
        assert set(unsent) == {OutboxState.EXPIRED}


def test_another_branch_s_activity_is_not_there(secretary: Phone, other_branch: int) -> None:
    secretary.script(
        (f"修改活动 #{other_branch}", "没有找到"),
        (f"取消活动 #{other_branch}", "没有找到"),
        (f"结束活动 #{other_branch}", "没有找到"),
        (f"签到码 #{other_branch}", "没有找到"),
        (f"谁没报名 #{other_branch}", "没有找到"),
        (f"活动详情 #{other_branch}", "没有找到"),
        (f"报名 #{other_branch}", "没有找到"),
        (f"请假 #{other_branch} 值班", "没有找到"),
        ("主题党日", "近期没有活动"),
    )


def test_too_long_a_theme_is_refused(secretary: Phone) -> None:
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:" + "学" * 61, "主题太长了"))


def test_the_clock_moving_past_the_start_stops_a_late_confirmation(secretary: Phone, clock: Clock) -> None:
    secretary("发布主题党日 今天15:00 三楼会议室 主题:学安规")
    clock.sleep(timedelta(hours=7))
    secretary.script(("确认", "已经过去了"), ("改到明天15:00", "发布预览"), ("确认", "正在发给 12 人"))
