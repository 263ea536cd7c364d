"""Every kind of activity is published with its own people, length and points."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUp
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.points import PointEntry
from bot.services import organisation
from content import activity_kinds
from content.activity_kinds import Attends
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

WHEN = "12月8日15:00 三楼会议室"
BEGINS = datetime(2026, 12, 8, 15, 0, tzinfo=SHANGHAI)
COMMITTEE = {"王建国", "刘芳", "陈刚", "赵敏", "吴霞"}


def only_activity(database: Database) -> Activity:
    with database.read() as session:
        return session.scalars(select(Activity)).one()


def invited(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Member.name).join(SignUp, SignUp.member_id == Member.id)))


def word(phone: Phone) -> str:
    return phone("签到码").split("签到码：")[1].split("\n")[0]


@pytest.fixture
def other_branch(database: Database, clock: Clock) -> int:
    """营销党支部 with its secretary 钱书记, who has an account."""
    from bot.models.identity import Conversation, Identity

    with database.write() as session:
        branch = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        boss = Member(
            name="钱书记", branch_id=branch.id, status=MemberStatus.FULL, created_at=clock(), account="qian"
        )
        session.add(boss)
        session.flush()
        session.add(
            Role(
                member_id=boss.id,
                name=RoleName.SECRETARY,
                organisation_id=branch.id,
                starts_on=clock().date(),
            )
        )
        identity = Identity(channel="wecom", external_id="qian", member_id=boss.id, reachable=True)
        session.add(identity)
        session.flush()
        session.add(Conversation(identity_id=identity.id))
        return branch.id


def test_a_members_meeting_says_who_has_a_vote(secretary: Phone, database: Database) -> None:
    secretary.script(
        (
            f"发布党员大会 {WHEN} 主题:审议年度工作报告",
            "党员大会发布预览",
            "全体党员，应到 12 人（有表决权 11 人）",
        ),
        ("确认", "正在发给 12 人"),
        ("活动", "党员大会：审议年度工作报告"),
    )
    meeting = only_activity(database)
    assert (meeting.kind, meeting.ends_at - meeting.starts_at) == ("党员大会", timedelta(minutes=90))


def test_a_theme_day_has_no_votes_to_count(secretary: Phone) -> None:
    assert "表决权" not in secretary(f"发布主题党日 {WHEN} 主题:学安规")


def test_an_alias_is_kept_under_the_kinds_own_name(secretary: Phone, database: Database) -> None:
    secretary.script((f"发布支部大会 {WHEN} 主题:换届筹备", "党员大会发布预览"), ("确认", "已发布"))
    assert only_activity(database).kind == "党员大会"


def test_a_blank_behind_the_word_does_not_matter(secretary: Phone) -> None:
    secretary.script((f"发布 党课 {WHEN} 主题:讲党史", "党课发布预览", "应到 12 人"))


def test_the_word_alone_lists_the_kinds(secretary: Phone) -> None:
    secretary.script(("发布", "1 发布主题党日", "发布支委会"), ("2", "党员大会的主题"))
    assert "谈心谈话" not in secretary("发布")


def test_a_future_member_in_the_theme_is_no_audience(secretary: Phone) -> None:
    """发展对象 holds the word by which an audience is written."""
    for theme in ("讨论发展对象", "讨论发展对象:李明"):
        assert f"主题：{theme}" in secretary(f"发布党员大会 {WHEN} 主题:{theme}")
    assert "没看懂参加范围" in secretary(f"发布党员大会 {WHEN} 主题:学安规 对象")


def test_a_seminar_may_be_published_by_its_whole_name(secretary: Phone) -> None:
    secretary.script(
        (f"发布集中学习专题研讨 {WHEN} 主题:班组学习", "集中学习发布预览", "地点：三楼会议室\n"),
        ("发布 集中学习专题研讨 12月8日15:00 三楼 会议室 主题:班组学习", "地点：三楼 会议室\n"),
    )


def test_a_talk_is_not_published(secretary: Phone) -> None:
    secretary.script(("发布 谈心谈话 12月8日", "不用发布", "补录 谈心谈话"))


def test_only_the_committee_is_invited_to_its_meeting(
    secretary: Phone, database: Database, phone: PhoneBook
) -> None:
    secretary.script(
        (f"发布支委会 {WHEN} 主题:研究发展党员", "支委，应到 5 人（有表决权 5 人）"),
        ("确认", "正在发给 5 人"),
    )
    assert invited(database) == COMMITTEE
    phone("张伟").script(("活动", "近期没有活动"))
    phone("刘芳").script(("活动", "支委会：研究发展党员"))


def test_a_committee_meeting_has_no_other_audience(secretary: Phone) -> None:
    secretary.script((f"发布支委会 {WHEN} 主题:研究工作 对象:全体党员", "没看懂参加范围", "支委"))


def test_the_month_s_meeting_is_a_theme_when_there_is_no_other(secretary: Phone) -> None:
    secretary.script(
        ("发布支委会 12月8日15:00 三楼会议室", "1 12月支委会"),
        ("2", "主题要写文字"),
        ("1", "主题：12月支委会", "应到 5 人"),
    )


@pytest.mark.parametrize(
    "kind",
    [one for one in activity_kinds.kinds() if one.attends is Attends.MEMBERS],
    ids=lambda kind: kind.name,
)
def test_every_kind_for_all_members_lasts_as_long_as_it_says(
    secretary: Phone, database: Database, kind: activity_kinds.ActivityKind
) -> None:
    secretary.script((f"发布{kind.name} {WHEN} 主题:学安规", "应到 12 人"), ("确认", "正在发给 12 人"))
    activity = only_activity(database)
    assert (activity.kind, activity.ends_at - activity.starts_at) == (
        kind.name,
        timedelta(minutes=kind.minutes),
    )


# Groups


def test_a_groups_leader_publishes_for_the_own_group_only(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    ma, sun = phone("马强"), phone("孙磊")
    ma.script(
        (f"发布党小组会 {WHEN} 主题:学安规", "第二党小组，应到 4 人"),
        ("对象改为第三党小组", "没看懂参加范围", "第二党小组"),
        ("确认", "正在发给 4 人"),
        (f"发布党员大会 {WHEN}", "需要支部书记或委员"),
    )
    assert invited(database) == {"李明", "陈刚", "赵敏", "马强"}
    with database.read() as session:
        activity = session.scalars(select(Activity)).one()
        assert session.get_one(Organisation, activity.group_id).name == "第二党小组"
    assert sun.pushes() == []
    clock.jump(BEGINS)
    phone("李明").script((f"签到 {word(ma)}", "签到成功", "+2 分"))
    sun.script(("签到码", "需要支部书记或委员"), (f"签到 {word(ma)}", "通知名单里没有您"))
    ma.script(("结束活动", "应到 4 实到 1"), ("确认", "已结束"))


def test_another_groups_leader_may_not_end_it(phone: PhoneBook) -> None:
    phone("马强").script((f"发布党小组会 {WHEN} 主题:学安规", "应到 4 人"), ("确认", "已发布"))
    phone("阿不力孜").script(
        ("结束活动 #1", "没有找到"), ("取消活动 #1", "没有找到"), ("修改活动 #1 改到12月9日", "没有找到")
    )
    phone("马强").script(("修改活动 改到12月9日", "修改预览", "应到 4 人"), ("确认", "已修改"))


def test_a_secretary_chooses_the_group(secretary: Phone, database: Database) -> None:
    secretary.script(
        (f"发布党小组会 {WHEN} 主题:学安规", "谁参加", "1 第一党小组", "3 第三党小组"),
        ("3", "第三党小组，应到 3 人"),
        ("取消", "没有发布"),
        (f"发布党小组会 第二党小组 {WHEN} 主题:学安规", "第二党小组，应到 4 人", "地点：三楼会议室"),
    )


def test_a_group_that_the_branch_has_not_is_not_swapped_for_another(secretary: Phone) -> None:
    secretary.script(
        (f"发布党小组会 第五党小组 {WHEN} 主题:学安规", "没看懂参加范围“第五党小组”", "第三党小组"),
        (f"发布党课 {WHEN} 第五党小组活动室 主题:讲党史", "党课发布预览"),
    )


def test_a_member_may_publish_nothing(phone: PhoneBook) -> None:
    phone("张伟").script(
        (f"发布党小组会 {WHEN} 主题:学安规", "需要支部书记或委员"), ("发布", "需要支部书记或委员")
    )


def test_two_meetings_of_different_people_do_not_clash(secretary: Phone) -> None:
    secretary.script((f"发布党小组会 第二党小组 {WHEN} 主题:学安规", "应到 4 人"), ("确认", "已发布"))
    assert "已有" not in secretary(f"发布党小组会 第三党小组 {WHEN} 主题:学安规")
    secretary.script((f"发布党课 {WHEN} 主题:讲党史", "已有“学安规”，李明、陈刚、赵敏等 4 人时间冲突。"))


def test_who_is_double_booked_is_named_unless_on_leave(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script((f"发布党小组会 第三党小组 {WHEN} 主题:学安规", "应到 3 人"), ("确认", "已发布"))
    phone("孙磊")("请假 抢修")
    secretary.script((f"发布党课 {WHEN} 主题:讲党史", "阿不力孜、孙磊、周洁时间冲突"), ("取消", "没有发布"))
    secretary("同意 1")
    secretary.script((f"发布党课 {WHEN} 主题:讲党史", "已有“学安规”，阿不力孜、周洁时间冲突"))


def test_many_clashes_leave_the_preview_short_enough_for_a_phone(secretary: Phone) -> None:
    for number in range(9):
        secretary(f"发布集中学习 {WHEN} 三楼 主题:{'学习安全规程' * 9}{number}")
        secretary("确认")
    preview = secretary(f"发布党课 {WHEN} 三楼 主题:{'讲党史' * 20}")
    assert preview.count("已有“") == 3
    assert "王建国、张伟、古丽等 12 人时间冲突" in preview
    assert "同一时间还有 6 个活动" in preview
    assert "1 确认" in preview
    assert len(preview.encode()) <= 2048


# Points


def test_points_follow_the_kind(secretary: Phone, phone: PhoneBook, clock: Clock, database: Database) -> None:
    secretary.script((f"发布志愿服务 {WHEN} 主题:进社区", "应到 12 人"), ("确认", "已发布"))
    clock.jump(BEGINS)
    phone("张伟").script((f"签到 {word(secretary)}", "签到成功", "模范作用发挥"))
    with database.read() as session:
        assert session.scalars(select(PointEntry.rule)).all() == ["volunteer"]


def test_a_kind_without_points_gives_none(
    secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    secretary.script((f"发布安全检查 {WHEN} 主题:查接地线", "应到 12 人"), ("确认", "已发布"))
    clock.jump(BEGINS)
    phone("张伟").script((f"签到 {word(secretary)}", "签到成功", "不计分"))
    phone("古丽").pushes()
    secretary.script(("补签 古丽 手机没电", "已为古丽补签", "不计分"), ("撤销", "已撤销古丽的补签"))
    assert "为您补签" in phone("古丽").pushes()[0]
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 0


# What was recorded later


def test_a_recorded_activity_is_neither_corrected_nor_reflected_on(secretary: Phone) -> None:
    secretary.script(
        ("补录 支委会 11月12日", "已补录"),
        ("补签 张伟 手机没电", "没有找到可以补签的活动"),
        ("补签 #1 张伟 手机没电", "没有找到可以补签的活动"),
        ("感想 很好", "没有您签到的活动"),
    )


# Two branches


def test_the_partners_secretary_is_told_and_invites_the_own_people(
    secretary: Phone, phone: PhoneBook, other_branch: int, clock: Clock, database: Database
) -> None:
    secretary.script(
        (
            f"发布联建 {WHEN} 和营销党支部联建 主题:保供电",
            "联建单位：营销党支部",
            "应到 12 人",
            "地点：三楼会议室\n",
        ),
        ("确认", "正在告诉对方支部的钱书记", "正在发给 12 人"),
    )
    boss = phone("qian")
    (asked,) = boss.pushes()
    assert "检修党支部邀请贵支部开展联建：保供电" in asked
    line = next(part for part in asked.split("\n") if part.startswith("发布联建"))
    secretary.pushes()
    boss.script(
        (line, "联建单位：检修党支部", "2026年12月8日(周二)15:00", "应到 1 人"),
        ("确认", "正在告诉对方支部的王建国"),
    )
    assert any("已同意联建" in text for text in secretary.pushes())
    with database.read() as session:
        first, second = session.scalars(select(Activity).order_by(Activity.id))
        assert first.secret == second.secret
        assert first.branch_id != second.branch_id
    secretary.script(("活动详情 #1", "联建单位：营销党支部"))
    clock.jump(BEGINS)
    boss.script((f"签到 {word(secretary)}", "签到成功"))


def test_a_branch_that_went_into_another_is_no_partner(
    secretary: Phone, other_branch: int, database: Database
) -> None:
    with database.write() as session:
        session.get_one(Organisation, other_branch).merged_into_id = 1
    secretary.script((f"发布联建 {WHEN} 和营销党支部联建 主题:保供电", "没有找到“营销党支部”"))


def test_a_partner_must_exist(secretary: Phone, other_branch: int) -> None:
    secretary.script(
        (f"发布联建 {WHEN} 主题:保供电", "和哪个党支部联建"),
        ("火星党支部", "没有找到“火星党支部”"),
        ("检修党支部", "没有找到“检修党支部”"),
        ("营销", "联建单位：营销党支部"),
    )
