"""People who go elsewhere, branches that are founded and merged, and what is left of somebody who was erased."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from bot.app import App
from bot.chat import Kind
from bot.clock import Clock
from bot.db import Base, Database
from bot.models.course import Transfer
from bot.models.identity import Identity
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.points import Claim, PointEntry
from bot.services import organisation, personal_data, points, roster
from bot.services.permission import actor_of
from tests.chat import Phone, PhoneBook
from tests.conftest import SECRET


@pytest.fixture
def admin(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """周洁 is the committee's admin; 运行党支部 stands beside the demo branch, 外部党支部 below another committee."""
    with database.write() as session:
        organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        organisation.ensure_path(session, "别的公司党委/外部党支部")
        root = session.scalars(select(Organisation).where(Organisation.name == "示范供电公司党委")).one()
        who = session.scalars(select(Member).where(Member.name == "周洁")).one()
        session.add(
            Role(
                member_id=who.id,
                name=RoleName.ADMIN,
                organisation_id=root.id,
                starts_on=clock().date(),
                ends_on=None,
            )
        )
    return phone("周洁")


def branch_of(database: Database, name: str) -> tuple[str, str]:
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == name)).one()
        group = session.get(Organisation, who.group_id) if who.group_id else None
        return session.get_one(Organisation, who.branch_id).name, group.name if group else ""


@pytest.mark.parametrize("leaves", ["转出", "停用"])
def test_who_leaves_is_not_expected_any_more_and_the_next_in_the_queue_moves_up(
    leaves: str, admin: Phone, phone: PhoneBook, secretary: Phone, clock: Clock
) -> None:
    secretary.script(
        ("发布主题党日 12月4日14:30 三楼会议室 限 2 人 主题:学安规", "预览"), ("确认", "正在发给 12 人")
    )
    secretary.script(("发布党员大会 12月8日15:00 三楼会议室 主题:全年总结", "预览"), ("确认", "已发布"))
    for name, answer in (("马强", "报名成功"), ("张伟", "报名成功"), ("古丽", "候补第 1 位")):
        phone(name).script(("报名 #1", answer))
    phone("古丽").pushes()
    if leaves == "转出":
        admin.script(("转出 马强 到 运行党支部", "已转接"))
    else:
        secretary.script(("停用 马强", "要停用"), ("确认", "已停用"))
    assert any("有名额了" in text for text in phone("古丽").pushes())
    clock.sleep(timedelta(days=15, hours=5, minutes=30))
    secretary.script(("结束活动 #2", "应到 11 实到 0"))


def test_an_admin_moves_people_and_the_past_goes_along(
    admin: Phone, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary("加分 马强 3 师带徒")
    admin.script(
        ("转出 马强 到 运行党支部", "马强：检修党支部 → 运行党支部", "职务已停"),
        ("转出 马强 到 运行党支部", "本来就在运行党支部"),
        ("转入 张伟、古丽 到 运行党支部", "张伟：检修党支部", "古丽：检修党支部"),
    )
    assert branch_of(database, "马强") == ("运行党支部", "")
    assert "共 3 分" in phone("马强")("积分")
    assert "没有叫“马强”的人" in secretary("加分 马强 3 师带徒")
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == "马强")).one()
        assert actor_of(session, who, on=clock().date()).scopes == ()
        row = session.scalars(select(Transfer).where(Transfer.member_id == who.id)).one()
        assert row.why == "转接"
        assert points.verify(session) == []


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("转出 马强 到 外部党支部", "没有找到您能管理的支部"),
        ("转出 马强 到 没有的党支部", "没有找到您能管理的支部"),
        ("转出 不存在 到 运行党支部", "没有叫“不存在”的人"),
        ("转出 马强", "请写姓名和去哪个支部"),
        ("新建党支部 检修党支部", "已经有“检修党支部”了"),
        ("新建党支部 检修班", "要以 党支部 或 党总支 结尾"),
        ("合并 检修党支部 到 外部党支部", "没有找到您能管理的支部"),
        ("合并 检修党支部 到 检修党支部", "要把"),
    ],
)
def test_what_an_admin_cannot_do_is_said(admin: Phone, said: str, answer: str) -> None:
    assert answer in admin(said)


def test_a_branch_is_not_merged_with_itself(admin: Phone) -> None:
    admin.script(("合并 检修党支部 到 检修党支部", "1 确认"), ("确认", "是同一个支部"))


def test_a_secretary_moves_nobody(secretary: Phone) -> None:
    for said in (
        "转出 马强 到 运行党支部",
        "合并 甲党支部 到 乙党支部",
        "新建党支部 甲党支部",
        "操作记录 张伟",
    ):
        assert "需要上级党委的管理员来办" in secretary(said)


def test_a_founded_branch_takes_people(admin: Phone, database: Database) -> None:
    admin.script(
        ("新建党支部 营销党支部", "已新建营销党支部，现在 0 人"),
        ("转出 马强、孙磊 到 营销党支部", "马强：检修党支部 → 营销党支部"),
        ("名单 营销党支部", "营销党支部：2 人"),
    )


def test_two_branches_merge_with_their_groups(admin: Phone, phone: PhoneBook, database: Database) -> None:
    admin.script(
        ("合并 检修党支部 到 运行党支部", "要把检修党支部", "1 确认"),
        ("1", "已把检修党支部并入运行党支部，转过去 12 人"),
        ("名单 运行党支部", "运行党支部：12 人", "第三党小组"),
        ("转出 马强 到 检修党支部", "没有找到您能管理的支部"),
    )
    assert branch_of(database, "孙磊") == ("运行党支部", "第三党小组")
    with database.read() as session:
        for node in session.scalars(select(Organisation)):
            above = session.get_one(Organisation, node.parent_id).path if node.parent_id else "/"
            assert node.path == f"{above}{node.id}/"
    assert "需要支部书记或委员来办" in phone("王建国")("加分 张伟 3 师带徒")


# Audit ------------------------------------------------------------------------------------------------------------------


def test_acts_are_found_by_name_ten_a_page(admin: Phone, secretary: Phone) -> None:
    for n in range(11):
        secretary(f"加分 {'张伟' if n else '古丽'} 1 志愿服务{n}")
    admin.script(
        (
            "操作记录 张伟",
            "张伟的操作记录 第1页",
            "王建国 加分 张伟",
            "志愿服务10（企业微信）",
        ),
        ("操作记录 没有这人", "没有没有这人的操作记录"),
    )
    first = admin("操作记录 王建国")
    assert len(re.findall(r"王建国 加分", first)) == 10
    assert "加分 古丽" not in first
    assert "加分 古丽" in admin("下一页")


def test_an_admin_sees_the_acts_of_the_own_tree_only(admin: Phone, database: Database, clock: Clock) -> None:
    with database.write() as session:
        other = session.scalars(select(Organisation).where(Organisation.name == "外部党支部")).one()
        session.execute(
            text(
                "INSERT INTO audit_entry (at, branch_id, channel, act, detail)"
                " VALUES ('2026-11-01 00:00:00', :b, 'cli', '外部的事', '')"
            ),
            {"b": other.id},
        )
    assert "外部的事" not in admin("操作记录")


# What is stored, and erasing --------------------------------------------------------------------------------------------


def fill(zhang: Phone, secretary: Phone) -> None:
    """Something in many tables."""
    secretary("加分 张伟 3 师带徒")
    for said in ("申报 带出徒弟甲乙丙", "登记 学习强国 25分钟", "答题", "A", "积分"):
        zhang(said)
    secretary("口令 张伟")


def test_my_data_counts_every_table_that_names_me(
    phone: PhoneBook, secretary: Phone, database: Database
) -> None:
    zhang = phone("张伟")
    fill(zhang, secretary)
    told = zhang("我的数据")
    for part in ("积分1条", "申报申诉1条", "学习登记1条", "推送", "绑定渠道1条", "答复存根"):
        assert part in told
    assert len(told.splitlines()) <= 12
    assert "师带徒" in zhang("我的数据 积分")
    assert "带出徒弟甲乙丙" in zhang("我的数据 申报申诉")
    assert "没有“秘密”这一类记录。您有的是" in zhang("我的数据 秘密")
    with database.read() as session:
        who = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        for one in personal_data.kept(session, who):
            label, rows = personal_data.newest(session, who, one.label, zhang.app.clock())
            assert label == one.label
            assert len(rows) <= 5


def test_every_table_that_names_a_member_is_looked_at() -> None:
    named = {
        table.name
        for table in Base.metadata.sorted_tables
        if any(key.column.table.name in ("member", "identity") for c in table.c for key in c.foreign_keys)
    }
    assert {table.name for table, _ in personal_data._tables(1)} == named


def test_who_left_is_erased_down_to_the_name_and_the_ledger(
    phone: PhoneBook, secretary: Phone, database: Database, bot: App
) -> None:
    zhang = phone("张伟")
    fill(zhang, secretary)
    account = zhang.account
    secretary.script(
        ("清除 张伟", "还在册，不能清除"),
        ("停用 张伟", "1 确认"),
        ("1", "已停用张伟", "清除 张伟"),
        ("清除 张伟", "不能恢复", "1 确认"),
        ("取消", "没有清除"),
        ("清除 张伟", "1 确认"),
        ("1", "已清除张伟的个人资料", "积分台账"),
        ("清除 张伟", "已在2026-11-23清除"),
        ("恢复 张伟", "个人资料已清除，不能恢复"),
    )
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        assert (who.account, who.staff_no, who.phone, who.joined_on, who.crew, who.post) == (
            None,
            None,
            None,
            None,
            "",
            "",
        )
        assert session.scalars(select(Identity).where(Identity.external_id == account)).all() == []
        assert session.scalars(select(Claim.text)).one() == personal_data.ERASED
        assert session.scalars(select(PointEntry.member_id)).all() == [who.id]
        assert points.verify(session) == []
        left = {one.table for one in personal_data.kept(session, who.id)}
        assert (
            left
            == {"point_entry", "point_balance", "claim", "audit_entry", "voter", "attendance", "role"} & left
        )
        assert "甲乙丙" not in str(
            [session.execute(select(table)).all() for table in Base.metadata.sorted_tables]
        )
    assert "没有绑定" in zhang.send(kind=Kind.TEXT, text="积分")


def test_a_returning_member_is_taken_up_by_the_roster(secretary: Phone, bot: App) -> None:
    secretary.script(("停用 张伟", "1 确认"), ("1", "已停用"), ("清除 张伟", "1 确认"), ("1", "已清除"))
    row = {"姓名": "张伟", "账号": "zhangwei2", "党支部": "检修党支部", "身份": "正式党员"}
    with bot.database.write() as session:
        roster.import_rows(session, [(2, row)], secret=SECRET, now=bot.clock() + timedelta(days=1))
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        assert (who.active, who.erased_at, who.account) == (True, None, "zhangwei2")
