"""身份: one step after the other, intervals that block with their clause, and the secretary is told before a probation ends."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, MemberStatus
from bot.services import development
from scheduler import runner
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI


@pytest.fixture
def newcomer(database: Database, clock: Clock) -> str:
    """钱进, a colleague who has not applied."""
    with database.write() as session:
        branch = session.scalars(select(Member.branch_id).where(Member.name == "张伟")).one()
        session.add(
            Member(
                name="钱进",
                branch_id=branch,
                status=MemberStatus.COLLEAGUE,
                account="qianjin",
                created_at=clock(),
            )
        )
    return "钱进"


def status(database: Database, name: str) -> tuple[MemberStatus, date | None]:
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == name)).one()
        return who.status, who.joined_on


def test_a_probation_of_less_than_a_year_blocks_with_its_clause(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    """李明 joined on 2026-03-20."""
    for said in ("身份 李明 正式党员 2027-03-19", "身份 李明 正式党员", "身份 李明 转正 11月20日"):
        answer = secretary(said)
        for part in ("满1年是 2027-03-20", "预备党员的预备期为一年", "《中国共产党章程》第七条"):
            assert part in answer
    assert "2027-03-20还没有到" in secretary("身份 李明 正式党员 2027-03-20")
    assert status(database, "李明")[0] is MemberStatus.PROBATIONARY
    clock.jump(datetime(2027, 3, 20, 9, tzinfo=SHANGHAI))
    assert "已登记：李明从 2027-03-20 起为正式党员（原预备党员）" in secretary(
        "身份 李明 正式党员 2027-03-20"
    )
    assert status(database, "李明") == (MemberStatus.FULL, date(2026, 3, 20))


def test_the_way_from_colleague_to_full_member(
    secretary: Phone, newcomer: str, database: Database, clock: Clock
) -> None:
    secretary.script(
        ("身份 钱进 积极分子", "不能直接登记为积极分子", "下一步是入党申请人"),
        ("身份 钱进 入党申请人 2025-01-10", "已登记：钱进从 2025-01-10 起为入党申请人"),
        ("身份 钱进 积极分子 2025-12-01", "起为积极分子"),
        ("身份 钱进 发展对象 2026-11-20", "满1年是 2026-12-01", "《中国共产党发展党员工作细则》"),
        ("身份 钱进 积极分子 2025-11-01", "起为积极分子"),
        ("身份 钱进 发展对象 2025-10-01", "满1年是 2026-11-01"),
        ("身份 钱进 发展对象 2026-11-20", "起为发展对象"),
        ("身份 钱进 预备党员 2026-11-01", "早于已登记的发展对象日期2026-11-20"),
        ("身份 钱进 预备党员 2026-11-23", "起为预备党员", "预备期到 2027-11-23 满"),
        ("身份 钱进 群众", "要由上级党组织按程序决定"),
    )
    assert status(database, newcomer) == (MemberStatus.PROBATIONARY, date(2026, 11, 23))
    with database.read() as session:
        who = session.scalars(select(Member.id).where(Member.name == newcomer)).one()
        changes = development.history(session, who)
        assert [one.after for one in changes][-1] is MemberStatus.PROBATIONARY
        acts = session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "登记身份")).all()
        assert len(acts) == len(changes) == 5


def test_an_activist_whose_beginning_nobody_knows_is_asked_for(
    secretary: Phone, newcomer: str, database: Database
) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == newcomer)).one().status = MemberStatus.ACTIVIST
    assert "请先发：身份 钱进 积极分子 2025-01-10" in secretary("身份 钱进 发展对象")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("身份 李明", "请写姓名、身份和日期"),
        ("身份 李明 党员领导", "请写姓名、身份和日期"),
        ("身份 李明 正式党员 2027-13-40", "没看懂日期"),
        ("身份 没有人 正式党员", "没有叫“没有人”的人"),
        ("身份 张伟 群众", "要由上级党组织按程序决定"),
    ],
)
def test_bad_input_is_told(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_only_who_manages_people_may(phone: PhoneBook) -> None:
    assert "需要支部书记或副书记来办" in phone("刘芳")("身份 李明 正式党员 2027-03-20")


def test_the_secretary_is_told_a_month_and_a_week_before_and_on_the_day(
    secretary: Phone, bot: App, clock: Clock
) -> None:
    """2027-03-20 is a Saturday: what falls on it is said on Monday; nothing is said twice."""
    runner.run_due(bot.node, clock())
    told = {}
    for on in [date(2027, 2, 17 + n) for n in range(5)] + [date(2027, 3, n) for n in range(10, 26)]:
        clock.jump(datetime(on.year, on.month, on.day, 8, 50, tzinfo=SHANGHAI))
        runner.run_due(bot.node, clock())
        said = [one for one in secretary.pushes() if "预备期" in one]
        if said:
            told[on.isoformat()] = said
    days = list(told)
    assert len(days) == 3
    assert all(len(one) == 1 for one in told.values())
    assert days[0] in ("2027-02-18", "2027-02-19", "2027-02-20", "2027-02-21", "2027-03-10")
    assert days[1:] == ["2027-03-15", "2027-03-22"]
    assert "提前写转正申请" in told[days[0]][0]
    assert "已满" in told["2027-03-22"][0]


def test_a_year_is_whole_after_a_leap_day() -> None:
    assert development.years_later(date(2024, 2, 29), 1) == date(2025, 3, 1)
    assert development.years_later(date(2026, 3, 20), 1) == date(2027, 3, 20)


# A probation that goes on longer ----------------------------------------------------------------------------------------


def test_an_extended_probation_blocks_until_its_new_end(
    secretary: Phone, clock: Clock, phone: PhoneBook
) -> None:
    """李明 is on probation since 2026-03-20 by the roster's day of joining."""
    secretary.script(("身份 李明 预备党员 2025-11-20", "已登记"))
    secretary.script(
        ("延长预备期 李明 6个月 2026-11-20", "从 2026-11-20 到 2027-05-20", "只能延长一次"),
        ("身份 李明 正式党员 2026-11-21", "已决定延长到 2027-05-20"),
        ("延长预备期 李明 6个月", "已延长过一次（到 2027-05-20）", "发展党员工作细则"),
    )
    clock.jump(datetime(2027, 5, 20, 9, tzinfo=SHANGHAI))
    secretary.script(("身份 李明 正式党员 2027-05-20", "从 2027-05-20 起为正式党员"))


@pytest.mark.parametrize(
    ("said", "until"),
    [("半年", "2027-05-20"), ("一年", "2027-11-20"), ("9个月", "2027-08-20"), ("12月", "2027-11-20")],
)
def test_the_length_is_understood_as_people_write_it(secretary: Phone, said: str, until: str) -> None:
    secretary("身份 李明 预备党员 2025-11-20")
    assert f"到 {until}" in secretary(f"延长预备期 李明 {said}")


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("延长预备期 李明 5个月", "在6到12个月之间"),
        ("延长预备期 李明 13个月", "在6到12个月之间"),
        ("延长预备期 张伟 6个月", "不是预备党员"),
        ("延长预备期 李明 6个月 2027-01-01", "还没有到"),
        ("延长预备期 李明 6个月 2025-01-01", "早于"),
        ("延长预备期 李明", "请写姓名、几个月和决定日期"),
        ("延长预备期 某人 6个月", "没有叫“某人”的人"),
    ],
)
def test_what_is_no_extension_is_told(secretary: Phone, said: str, answer: str) -> None:
    secretary("身份 李明 预备党员 2025-11-20")
    assert answer in secretary(said)


def test_the_reminder_goes_by_the_new_end(secretary: Phone, bot: App, database: Database) -> None:
    secretary("身份 李明 预备党员 2025-11-20")
    secretary("延长预备期 李明 6个月")
    with database.read() as session:
        now = datetime(2027, 5, 13, 9, tzinfo=SHANGHAI)
        assert [
            (one.on.isoformat(), one.stage)
            for one in development.endings(session, now)
            if one.member.name == "李明"
        ] == [("2027-05-20", 7)]
        early = datetime(2026, 11, 23, 9, tzinfo=SHANGHAI)
        assert [one for one in development.endings(session, early) if one.member.name == "李明"] == []


def test_months_are_whole() -> None:
    assert development.months_later(date(2026, 8, 31), 6) == date(2027, 3, 1)
    assert development.months_later(date(2026, 8, 28), 6) == date(2027, 2, 28)
    assert development.months_later(date(2026, 6, 30), 12) == date(2027, 6, 30)
    assert development.months_later(date(2026, 5, 31), 6) == date(2026, 12, 1)
