"""我的, 支部信息, 名单, 我的数据; roles, leaving and coming back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.identity import Conversation, Identity
from bot.models.member import Member, Role, RoleName
from bot.models.notice import Notice, Receipt
from bot.services import points, roster
from bot.services.branch import committee_check
from tests.chat import Phone, PhoneBook
from tests.conftest import SECRET
from tests.handlers.conftest import COMMITTEE, appoint


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


@pytest.fixture
def admin(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """周洁 as 党委管理员 over the committee."""
    appoint(database, clock, "周洁", RoleName.ADMIN, COMMITTEE)
    return phone("周洁")


def import_people(app: App, *people: dict[str, str]) -> None:
    rows = [(n, {"党支部": "检修党支部", "身份": "正式党员", **one}) for n, one in enumerate(people, 2)]
    with app.database.write() as session:
        assert not roster.import_rows(session, rows, secret=SECRET, now=app.clock()).rejected


def acts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))


# About oneself ----------------------------------------------------------------------------------------------------------


def test_mine_shows_to_dos_activity_hours_and_points(
    zhang: Phone, secretary: Phone, bot: App, database: Database
) -> None:
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        points.award(session, who.id, "attend", fact="f", reason="活动", now=bot.clock())
        notice = Notice(
            branch_id=who.branch_id,
            author_id=who.id,
            text="停电",
            needs_receipt=True,
            urgent=False,
            created_at=bot.clock(),
        )
        session.add(notice)
        session.flush()
        session.add(Receipt(notice_id=notice.id, member_id=who.id))
    secretary("发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组")
    secretary("确认")
    zhang("登记 学习强国 90分钟")
    answer = zhang("我的")
    for part in (
        "1 条通知没确认",
        "1 个活动没回复（报名）",
        "宪法宣传进班组，三楼会议室，还没回复",
        "1.5/32 学时",
        "本季 2 分",
    ):
        assert part in answer
    zhang("报名")
    assert "宪法宣传进班组，三楼会议室，已报名" in zhang("我的")
    assert len(zhang("我的").splitlines()) <= 12


def test_work_that_waits_stands_under_my_own_matters(phone: PhoneBook, secretary: Phone) -> None:
    zhang, li = phone("张伟"), phone("李明")
    zhang("隐患 2号主变渗油")
    assert "1 处隐患待派发（派发）" in secretary("我的")
    assert "隐患" not in phone("古丽")("我的").partition("可发")[0]
    secretary("派发 YH1 李明 3天")
    secretary.script(("新建任务 城西变检修 李明 12月5日", "确认"), ("确认", "已新建"))
    assert "待办：1 处隐患要整改（整改）；1 项任务（我的任务）" in li("我的")
    li("整改 YH1 已紧固法兰")
    li("完成任务 RW1 送电正常")
    assert "1 处隐患待复查（复查）；1 项任务待确认（确认任务）" in secretary("我的")


def test_my_data_names_what_is_stored_and_masks_the_phone(zhang: Phone, bot: App) -> None:
    import_people(
        bot,
        {
            "姓名": "张伟",
            "工号": "D0002",
            "账号": "zhangwei",
            "党小组": "第一党小组",
            "手机号": "13800001234",
        },
    )
    zhang("申报 师带徒")
    answer = zhang("我的数据")
    for part in ("检修党支部，第一党小组", "zhangwei", "D0002", "138****1234", "企业微信", "申报申诉1条"):
        assert part in answer
    assert "13800001234" not in answer


# About the branch -------------------------------------------------------------------------------------------------------


def test_the_branch_in_figures_with_the_rule_on_its_committee(zhang: Phone) -> None:
    answer = zhang("支部信息")
    for part in (
        "检修党支部：共 12 人",
        "正式党员 11，预备党员 1",
        "书记 王建国；副书记 陈刚",
        "第二党小组 4 人，组长 马强",
        "现有5名，符合",
    ):
        assert part in answer
    assert len(answer.splitlines()) <= 12


@pytest.mark.parametrize(
    ("full", "committee", "fits"),
    [
        (6, 1, True),
        (6, 2, True),
        (6, 3, False),
        (6, 0, False),
        (7, 2, False),
        (7, 3, True),
        (50, 7, True),
        (50, 8, False),
    ],
)
def test_committees_begin_at_seven_full_members(full: int, committee: int, fits: bool) -> None:
    text = committee_check(full, committee)
    assert ("符合" in text) == fits
    assert ("不设支委会" in text) == (full < 7)
    assert "第二十条" in text


def test_the_list_marks_who_is_not_reached(secretary: Phone, database: Database) -> None:
    with database.write() as session:
        ids = {name: number for number, name in session.execute(select(Member.id, Member.name))}
        unbound = select(Identity.id).where(Identity.member_id == ids["孙磊"])
        session.execute(delete(Conversation).where(Conversation.identity_id.in_(unbound)))
        session.execute(delete(Identity).where(Identity.member_id == ids["孙磊"]))
        session.execute(update(Identity).where(Identity.member_id == ids["古丽"]).values(reachable=False))
    answer = secretary("名单")
    for part in (
        "检修党支部：12 人",
        "第一党小组 5 人",
        "孙磊（未绑定）",
        "古丽（联系不上）",
        "未绑定 1 人，联系不上 1 人",
    ):
        assert part in answer


def test_a_group_leader_lists_the_own_group(phone: PhoneBook) -> None:
    answer = phone("马强")("名单")
    assert "第二党小组 4 人" in answer
    assert "张伟" not in answer


def test_an_admin_chooses_among_the_branches_below(admin: Phone, bot: App) -> None:
    import_people(
        bot,
        {"姓名": "运行人", "工号": "Y1", "党支部": "示范供电公司党委/运行党支部"},
        {"姓名": "外人", "工号": "X1", "党支部": "别的公司党委/外部党支部"},
    )
    admin.script(
        ("名单", "1 检修党支部 12 人", "2 运行党支部 1 人"), ("2", "运行人"), ("名单 外部党支部", "没有找到")
    )


# Roles ------------------------------------------------------------------------------------------------------------------


def test_a_role_is_granted_and_taken_at_once(secretary: Phone, zhang: Phone, database: Database) -> None:
    assert "需要支部书记或委员" in zhang("审核")
    secretary.script(
        ("任命 张伟 宣传委员", "张伟任检修党支部宣传委员", "免去 张伟 宣传委员"),
        ("任命 张伟 宣传委员", "已经是宣传委员"),
    )
    assert "没有待审核" in zhang("审核")
    secretary.script(("免去 张伟 宣传委员", "不再担任宣传委员"), ("免去 张伟 宣传委员", "现在不是宣传委员"))
    assert "需要支部书记或委员" in zhang("审核")
    assert acts(database) == ["任命", "免去"]
    with database.read() as session:
        kept = session.scalars(select(Role).join(Member).where(Member.name == "张伟")).one()
    assert (kept.starts_on, kept.ends_on) == (date(2026, 11, 23), date(2026, 11, 22))


def test_a_group_leader_leads_the_own_group(secretary: Phone, zhang: Phone, bot: App) -> None:
    assert "第一党小组党小组长" in secretary("任命 张伟为党小组长")
    assert "第一党小组 5 人" in zhang("名单")
    import_people(bot, {"姓名": "新人", "工号": "N1"})
    assert "还没有编入党小组" in secretary("任命 新人 党小组长")


@pytest.mark.parametrize(
    ("who", "said", "why"),
    [
        ("王建国", "任命 张伟 书记", "要由上级（党委管理员）来办"),
        ("陈刚", "任命 张伟 副书记", "要由上级（支部书记）来办"),
        ("陈刚", "免去 王建国 书记", "要由上级（党委管理员）来办"),
        ("陈刚", "停用 王建国", "要由上级（党委管理员）来办"),
        ("陈刚", "任命 陈刚 组织委员", "不能对自己任命"),
        ("王建国", "停用 王建国", "不能对自己"),
        ("王建国", "任命 张伟 党委管理员", "请写姓名和职务"),
        ("王建国", "任命 张伟", "请写姓名和职务"),
        ("王建国", "任命 外人 宣传委员", "没有叫“外人”的人"),
        ("刘芳", "任命 张伟 宣传委员", "需要支部书记或副书记"),
    ],
)
def test_nobody_grants_or_takes_above_the_own_place(
    phone: PhoneBook, database: Database, who: str, said: str, why: str
) -> None:
    assert why in phone(who)(said)
    assert acts(database) == []


def test_the_secretary_is_appointed_by_the_committees_admin(admin: Phone, zhang: Phone) -> None:
    admin.script(("免去 王建国 书记", "不再担任书记"), ("任命 张伟 书记", "张伟任检修党支部书记"))
    assert "按哪条规则" in zhang("加分 古丽 2 抢修")


# Leaving and coming back ------------------------------------------------------------------------------------------------


def test_who_leaves_can_do_nothing_more_and_comes_back_without_roles(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    leader = phone("马强")
    secretary.script(
        ("停用 马强", "要停用马强(D0011)吗"),
        ("好的", "请回复 确认 或 取消"),
        ("1", "已停用马强，党小组长权限已停", "在册 11 人"),
    )
    assert "账号已停用" in leader("积分")
    secretary.script(
        ("口令 马强", "马强的账号已停用"),
        ("停用 马强", "马强的账号已停用"),
        ("恢复 马强", "已恢复马强", "在册 12 人"),
        ("恢复 马强", "没有停用"),
    )
    assert "马强" in leader("积分")
    assert "需要支部书记或委员" in leader("名单")
    assert acts(database) == ["停用", "恢复"]


def test_leaving_can_be_cancelled(secretary: Phone, database: Database) -> None:
    secretary.script(("停用 孙磊", "1 确认"), ("取消", "没有停用"))
    with database.read() as session:
        assert session.scalars(select(Member.active).where(Member.name == "孙磊")).one()


def test_a_secretary_who_loses_the_role_cannot_confirm_any_more(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary("停用 孙磊")
    with database.write() as session:
        session.execute(update(Role).values(ends_on=clock().date() - timedelta(days=1)))
    assert "需要支部书记或副书记" in secretary("确认")
    with database.read() as session:
        assert session.scalars(select(Member.active).where(Member.name == "孙磊")).one()


def test_namesakes_are_chosen_by_number_or_by_what_tells_them_apart(
    secretary: Phone, bot: App, database: Database
) -> None:
    import_people(
        bot,
        {"姓名": "李四", "工号": "D0101", "党小组": "第一党小组", "班组": "输电运检班"},
        {"姓名": "李四", "工号": "D0102", "党小组": "第二党小组"},
    )
    secretary.script(
        ("任命 李四 宣传委员", "有2位李四", "1 李四(D0101) 第一党小组，输电运检班"),
        ("2", "李四任检修党支部宣传委员"),
        ("停用 李四（第一党小组）", "要停用李四(D0101)吗"),
        ("1", "已停用李四"),
        ("停用 李四", "要停用李四(D0102)吗"),
    )
    with database.read() as session:
        holder = session.scalars(
            select(Member.staff_no)
            .join(Role, Role.member_id == Member.id)
            .where(Role.name == RoleName.PUBLICITY, Member.name == "李四")
        ).one()
    assert holder == "D0102"
