"""借调: taking part in a temporary branch, counting at home; and a branch that splits."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, SignUp
from bot.models.course import Secondment
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import audience, organisation
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

AWAY = "借调 张伟 到 保电临时党支部 2026-12-01至2027-03-31 迎峰度冬保电"


@pytest.fixture
def admin(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """周洁 over the committee, with a temporary branch whose secretary is 外来人, and a branch elsewhere."""
    with database.write() as session:
        branch = organisation.ensure_path(session, "示范供电公司党委/保电临时党支部")
        organisation.ensure_path(session, "别的公司党委/外部党支部")
        chief = Member(
            name="临时书记",
            account="linshi",
            branch_id=branch.id,
            status=MemberStatus.FULL,
            created_at=clock(),
        )
        session.add(chief)
        session.flush()
        who = session.scalars(select(Member).where(Member.name == "周洁")).one()
        today = clock().date()
        session.add(
            Role(
                member_id=chief.id,
                name=RoleName.SECRETARY,
                organisation_id=branch.id,
                starts_on=today,
                ends_on=None,
            )
        )
        session.add(
            Role(
                member_id=who.id,
                name=RoleName.ADMIN,
                organisation_id=branch.parent_id,
                starts_on=today,
                ends_on=None,
            )
        )
    return phone("周洁")


def addressed(database: Database, branch: str, on: date, whom: str = audience.EVERYBODY) -> set[str]:
    with database.read() as session:
        node = session.scalars(select(Organisation).where(Organisation.name == branch)).one()
        return {one.name for one in audience.addressed(session, node.id, whom, on=on)}


def test_who_is_seconded_takes_part_there_and_counts_at_home(
    admin: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    zhang, chief = phone("张伟"), phone("linshi")
    admin.script((AWAY, "已登记：张伟借调到保电临时党支部，2026-12-01 至 2027-03-31", "结束借调 张伟"))
    assert any("借调到保电临时党支部" in text for text in zhang.pushes())
    on = [
        addressed(database, "保电临时党支部", day)
        for day in (date(2026, 11, 30), date(2026, 12, 1), date(2027, 3, 31), date(2027, 4, 1))
    ]
    assert ["张伟" in names for names in on] == [False, True, True, False]
    assert "张伟" in addressed(database, "检修党支部", date(2026, 12, 1))
    clock.jump(datetime(2026, 12, 2, 9, tzinfo=SHANGHAI))
    chief.script(("发布主题党日 12月5日14:30 变电站 主题:保电一线", "2 人"), ("确认", "2 人"))
    assert any("保电一线" in text for text in zhang.pushes())
    zhang.script(("报名", "报名成功"))
    clock.jump(datetime(2026, 12, 5, 14, 20, tzinfo=SHANGHAI))
    word = chief("签到码").split("：")[1].split()[0:2]
    assert "签到成功" in zhang(f"签到 {' '.join(word)}"), word
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        home = session.get_one(Organisation, who.branch_id)
        held = session.scalars(
            select(Activity).join(SignUp, SignUp.activity_id == Activity.id).where(SignUp.member_id == who.id)
        ).one()
    assert home.name == "检修党支部"
    assert held.branch_id != home.id
    assert "+2" in zhang("积分明细") or "2 分" in zhang("积分")
    assert "借调来的：张伟（检修党支部，到 2027-03-31）" in chief("支部信息")
    assert "借调：保电临时党支部，到 2027-03-31" in zhang("我的数据")


def test_a_group_or_the_committee_is_not_joined_by_a_secondment(admin: Phone, database: Database) -> None:
    admin(AWAY)
    assert addressed(database, "保电临时党支部", date(2026, 12, 1), audience.FULL_MEMBERS) == {
        "临时书记",
        "张伟",
    }
    assert addressed(database, "保电临时党支部", date(2026, 12, 1), audience.COMMITTEE) == {"临时书记"}


def test_coming_back_early(admin: Phone, database: Database, clock: Clock) -> None:
    admin(AWAY)
    admin.script(("结束借调 张伟 2026-12-31", "到 2026-12-31 止"))
    assert "张伟" in addressed(database, "保电临时党支部", date(2026, 12, 31))
    assert "张伟" not in addressed(database, "保电临时党支部", date(2027, 1, 1))
    admin.script(("结束借调 张伟", "已结束"), ("结束借调 张伟", "现在没有借调"))
    assert "张伟" not in addressed(database, "保电临时党支部", date(2026, 12, 1))


def test_who_leaves_or_is_moved_there_is_no_guest_any_more(
    admin: Phone, secretary: Phone, database: Database
) -> None:
    admin(AWAY)
    admin.script(("转出 张伟 到 保电临时党支部", "已转接"))
    admin(AWAY.replace("张伟", "古丽"))
    secretary.script(("停用 古丽", "确认"), ("1", "已停用"))
    with database.read() as session:
        assert all(row.ends_on < row.starts_on for row in session.scalars(select(Secondment)))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("借调 张伟 到 检修党支部 2026-12-01至2027-03-31", "本来就在检修党支部"),
        ("借调 张伟 到 保电临时党支部 2027-03-31至2026-12-01", "要在开始日期"),
        ("借调 张伟 到 保电临时党支部 2025-12-01至2026-03-31", "早于今天"),
        ("借调 张伟 到 保电临时党支部 2026-12-01", "请写姓名、支部和起止日期"),
        ("借调 张伟 到 保电临时党支部 2026-13-01至2027-03-31", "没看懂日期"),
        ("借调 张伟 到 外部党支部 2026-12-01至2027-03-31", "没有找到您能管理的支部"),
        ("借调 某人 到 保电临时党支部 2026-12-01至2027-03-31", "没有叫“某人”的人"),
        ("结束借调 古丽", "现在没有借调"),
    ],
)
def test_what_cannot_be_is_refused(admin: Phone, database: Database, said: str, answer: str) -> None:
    assert answer in admin(said)
    with database.read() as session:
        assert session.scalar(select(Secondment)) is None


def test_nobody_is_in_two_places_for_a_time(admin: Phone) -> None:
    admin.script(
        (AWAY, "已登记"), (AWAY.replace("2026-12-01", "2027-03-31"), "在这段时间已借调到保电临时党支部")
    )


def test_a_secretary_sends_nobody_away(secretary: Phone, admin: Phone) -> None:
    assert "需要上级党委的管理员来办" in secretary(AWAY)


# A branch splits --------------------------------------------------------------------------------------------------------


def test_a_group_goes_to_a_new_branch_with_its_people(
    admin: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    admin.script(
        ("新建党支部 运行党支部", "已新建运行党支部"),
        ("转入 第一党小组 到 运行党支部", "已把第一党小组转入运行党支部", "人随组转接"),
        ("转入 第一党小组 到 运行党支部", "本来就在运行党支部"),
        ("转入 第九党小组 到 运行党支部", "没有叫“第九党小组”的党小组"),
    )
    with database.read() as session:
        group = session.scalars(select(Organisation).where(Organisation.name == "第一党小组")).one()
        branch = session.scalars(select(Organisation).where(Organisation.name == "运行党支部")).one()
        people = session.scalars(select(Member).where(Member.group_id == group.id)).all()
    assert group.parent_id == branch.id
    assert group.path == f"{branch.path}{group.id}/"
    assert people
    assert {one.branch_id for one in people} == {branch.id}
    names = addressed(database, "运行党支部", clock().date() + timedelta(days=1))
    assert names == {
        one.name for one in people if one.status in (MemberStatus.FULL, MemberStatus.PROBATIONARY)
    }
