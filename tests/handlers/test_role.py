"""任命, 免去, 换届登记: roles with a first and a last day, given by somebody above, in the chat and on the command line."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from bot.cli import main
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName, RoleOrigin
from bot.models.organisation import BranchSetting, Organisation
from bot.services.permission import actor_of
from tests.chat import Phone, PhoneBook
from tests.conftest import SECRET


@pytest.fixture
def admin(phone: PhoneBook, database: Database, clock: Clock) -> Phone:
    """周洁 as 党委管理员 over the committee."""
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "周洁")).one()
        top = session.scalars(select(Organisation).where(Organisation.name == "示范供电公司党委")).one()
        today = clock().date()
        role = Role(
            member_id=who.id, name=RoleName.ADMIN, organisation_id=top.id, starts_on=today, ends_on=None
        )
        session.add(role)
    return phone("周洁")


def held(database: Database, name: str, on: date) -> set[str]:
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == name)).one()
        return {role.value for role, _, _ in actor_of(session, who, on=on).scopes}


def test_a_role_begins_and_ends_on_its_days(secretary: Phone, database: Database) -> None:
    secretary.script(
        (
            "任命 张伟 宣传委员 2026-12-01至2026-12-31",
            "张伟任检修党支部宣传委员，从2026-12-01起到 2026-12-31 止",
        )
    )
    on = [held(database, "张伟", date(2026, *day)) for day in ((11, 30), (12, 1), (12, 31))]
    assert on == [set(), {"宣传委员"}, {"宣传委员"}]
    assert held(database, "张伟", date(2027, 1, 1)) == set()


@pytest.mark.parametrize("said", ["从12月1日起", "12月1日起", "2026年12月1日", "自2026.12.1"])
def test_a_first_day_is_understood_as_people_write_it(
    secretary: Phone, database: Database, said: str
) -> None:
    secretary.script((f"任命 张伟 宣传委员 {said}", "从2026-12-01起有相应权限"))
    assert held(database, "张伟", date(2026, 11, 30)) == set()
    assert held(database, "张伟", date(2027, 11, 30)) == {"宣传委员"}


def test_a_last_day_is_the_last_day(secretary: Phone, database: Database) -> None:
    secretary("任命 张伟 宣传委员")
    secretary.script(("免去 张伟 宣传委员 2026-12-31", "到 2026-12-31 止"))
    assert held(database, "张伟", date(2026, 12, 31)) == {"宣传委员"}
    assert held(database, "张伟", date(2027, 1, 1)) == set()


def test_what_was_to_begin_later_can_be_taken_back(secretary: Phone, database: Database) -> None:
    secretary("任命 张伟 宣传委员 2026-12-01")
    secretary.script(("免去 张伟 宣传委员", "不再担任宣传委员"), ("免去 张伟 宣传委员", "现在不是宣传委员"))
    assert held(database, "张伟", date(2026, 12, 2)) == set()


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("任命 张伟 宣传委员 2026-12-31至2026-12-01", "早于开始日期"),
        ("任命 张伟 宣传委员 2026-13-41", "没看懂日期"),
        ("任命 张伟 宣传委员 等通知", "没看懂日期"),
        ("任命 张伟", "请写姓名和职务"),
        ("任命 宣传委员", "请写姓名和职务"),
        ("任命 张伟 书记", "要由上级（党委管理员）来办"),
        ("任命 王建国 宣传委员", "不能对自己任命"),
        ("任命 刘芳 组织委员 2027-01-01", "已经是组织委员"),
    ],
)
def test_what_cannot_be_granted_is_refused_with_the_reason(
    secretary: Phone, database: Database, said: str, answer: str
) -> None:
    assert answer in secretary(said)
    with database.read() as session:
        assert session.scalar(select(Role).where(Role.origin != RoleOrigin.ROSTER)) is None


def test_two_holders_of_one_post_are_pointed_out(secretary: Phone) -> None:
    secretary.script(("任命 张伟 组织委员", "现在还有刘芳任组织委员", "免去 刘芳 组织委员"))


# After an election ------------------------------------------------------------------------------------------------------


def test_a_new_committee_is_registered_at_once(admin: Phone, database: Database, clock: Clock) -> None:
    admin.script(
        (
            "换届登记 2026-11-20 书记陈刚，副书记 王建国、组织委员：刘芳，宣传委员 张伟",
            "检修党支部换届，从 2026-11-20 起",
            "新任：陈刚（书记）、王建国（副书记）、张伟（宣传委员）",
            "连任：刘芳（组织委员）",
            "王建国（书记）",
            "第二十条",
        ),
        ("确认", "已登记检修党支部换届：委员 4 人"),
    )
    today = clock().date()
    assert held(database, "陈刚", today) == {"书记"}
    assert held(database, "王建国", today) == {"副书记"}
    assert held(database, "王建国", date(2026, 11, 19)) <= {"书记"}
    assert held(database, "刘芳", today) == {"组织委员"}
    assert held(database, "赵敏", today) == set()
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.act)).all()
        values = session.scalars(select(BranchSetting.values)).one()
    assert acts.count("任命") == 3
    assert values["term_started_on"] == "2026-11-20"


def test_what_the_old_committee_was_still_to_begin_is_over_with_it(
    admin: Phone, secretary: Phone, database: Database
) -> None:
    secretary("任命 张伟 宣传委员 2026-12-01")
    admin.script(("换届登记 2026-11-20 书记陈刚，组织委员刘芳", "张伟（宣传委员）"), ("1", "已登记"))
    assert held(database, "张伟", date(2026, 12, 2)) == set()
    assert held(database, "陈刚", date(2026, 12, 2)) == {"书记"}


def test_only_somebody_above_registers_an_election(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    before = held(database, "王建国", clock().date())
    assert "要由上级（党委管理员）来办" in secretary("换届登记 2026-11-20 书记陈刚")
    assert held(database, "王建国", clock().date()) == before


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("换届登记 2026-12-20 书记陈刚", "还没有到"),
        ("换届登记 2026-11-20 书记陈刚，书记刘芳", "只能是1人"),
        ("换届登记 2026-11-20 书记某人", "没有叫“某人”的人"),
        ("换届登记 书记陈刚", "请写任职日期"),
        ("换届登记 2026-11-20", "请写任职日期"),
        ("换届登记 火星党支部 2026-11-20 书记陈刚", "没有找到您能管理的支部“火星党支部”"),
    ],
)
def test_an_election_that_cannot_be_is_refused(admin: Phone, said: str, answer: str) -> None:
    assert answer in admin(said)


def test_no_election_is_registered_without_a_yes(admin: Phone, database: Database, clock: Clock) -> None:
    admin.script(("换届登记 2026-11-20 书记陈刚", "1 确认"), ("2", "没有登记"))
    assert held(database, "陈刚", clock().date()) == {"副书记"}


# On the command line ----------------------------------------------------------------------------------------------------


@pytest.fixture
def zhibu(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Zhibu:
    monkeypatch.setenv("ZHIBU_DATABASE_URL", database_url)
    monkeypatch.setenv("ZHIBU_SECRET_KEY", SECRET)
    return Zhibu()


class Zhibu:
    """``zhibu members …`` on the test's database."""

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["members", *words])


def test_the_operator_grants_every_role(zhibu: Zhibu, database: Database) -> None:
    done = zhibu("grant", "张伟", "党委管理员", "--from", "2026-01-01")
    assert done.exit_code == 0, done.output
    assert "张伟任示范供电公司党委党委管理员" in done.output
    assert held(database, "张伟", date(2026, 1, 1)) == {"党委管理员"}
    with database.read() as session:
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.actor_id, entry.act, entry.channel) == (None, "任命", "cli")
        assert session.scalars(select(Role.origin).where(Role.name == RoleName.ADMIN)).one() is RoleOrigin.CLI


def test_the_operator_revokes_a_role(zhibu: Zhibu, database: Database) -> None:
    assert zhibu("grant", "张伟", "宣传委员", "--from", "2026-01-01", "--until", "2026-06-30").exit_code == 0
    done = zhibu("revoke", "张伟", "宣传委员", "--last", "2026-03-31")
    assert done.exit_code == 0, done.output
    assert held(database, "张伟", date(2026, 3, 31)) == {"宣传委员"}
    assert held(database, "张伟", date(2026, 4, 1)) == set()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("grant", "某人", "书记"), "nobody on the roster"),
        (("grant", "张伟", "队长"), "队长"),
        (("grant", "张伟", "书记", "--over", "火星党支部"), "火星党支部"),
        (("grant", "张伟", "书记", "--from", "2026-13-01"), "2026-13-01"),
        (("grant", "张伟", "书记", "--from", "2026-12-01", "--until", "2026-11-01"), "早于开始日期"),
        (("grant", "刘芳", "组织委员"), "已经是组织委员"),
        (("revoke", "张伟", "书记"), "现在不是书记"),
    ],
)
def test_bad_input_ends_with_status_2_and_one_line(
    zhibu: Zhibu, database: Database, words: tuple[str, ...], answer: str
) -> None:
    done = zhibu(*words)
    assert done.exit_code == 2
    assert answer in done.output
    with database.read() as session:
        assert session.scalar(select(AuditEntry)) is None


def test_a_role_over_a_named_node(zhibu: Zhibu, database: Database) -> None:
    done = zhibu("grant", "张伟", "党小组长", "--over", "第三党小组")
    assert done.exit_code == 0, done.output
    with database.read() as session:
        node = session.scalars(
            select(Organisation.name)
            .join(Role, Role.organisation_id == Organisation.id)
            .where(Role.origin == RoleOrigin.CLI)
        ).one()
    assert node == "第三党小组"


def test_a_role_that_has_ended_gives_no_right(secretary: Phone, phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    secretary("任命 张伟 宣传委员 2026-11-23至2026-11-24")
    assert "需要支部书记或委员来办" not in zhang("谁没报名")
    clock.sleep(timedelta(days=2))
    assert "需要支部书记或委员来办" in zhang("谁没报名")
