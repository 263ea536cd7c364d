"""Two steps of a claim: the group leader's word first, then the decision; one step where the branch wants it so."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from tests.chat import Phone, PhoneBook


@pytest.fixture
def leader(phone: PhoneBook, database: Database) -> Phone:
    """The leader of 孙磊's group, in a branch with two steps."""
    with database.read() as session:
        name = session.scalars(
            select(Member.name)
            .join(Role, Role.member_id == Member.id)
            .join(Organisation, Organisation.id == Role.organisation_id)
            .where(Role.name == RoleName.GROUP_LEADER, Organisation.name == "第三党小组")
        ).one()
    assert "两级" in phone("王建国")("积分设置 两级审核")
    return phone(name)


def test_the_leader_looks_first_and_the_secretary_decides(
    leader: Phone, phone: PhoneBook, secretary: Phone
) -> None:
    sun = phone("孙磊")
    secretary.pushes()
    assert "先由党小组长初审" in sun("申报 师带徒 带出1名徒弟")
    assert any("回复 初审" in one for one in leader.pushes())
    assert not [one for one in secretary.pushes() if "审核" in one]
    assert "没有待审核的" in secretary("审核")
    leader.script(
        ("初审", "孙磊 申报：师带徒", "1 同意"),
        ("同意 情况属实", "已写上您的意见“同意：情况属实”", "没有其他待初审的"),
        ("初审", "没有待初审的申报"),
    )
    assert any("已由党小组长初审" in one for one in secretary.pushes())
    secretary.script(
        ("审核", "孙磊 申报", "党小组长初审：同意：情况属实"),
        ("同意 3分", "按哪条规则"),
        ("1", "已同意孙磊的申报", "+3 分"),
    )
    assert any("已同意" in one for one in sun.pushes())


def test_a_leader_who_objects_needs_a_reason_and_does_not_decide(
    leader: Phone, phone: PhoneBook, secretary: Phone
) -> None:
    phone("孙磊")("申报 师带徒 带出1名徒弟")
    leader.script(
        ("初审", "1 同意"),
        ("不同意", "不同意 理由"),
        ("不同意 台账没有", "“不同意：台账没有”"),
    )
    assert "党小组长初审：不同意：台账没有" in secretary("审核")


def test_a_claim_does_not_wait_for_a_leader_who_is_silent(
    leader: Phone, phone: PhoneBook, secretary: Phone, clock: Clock
) -> None:
    phone("孙磊")("申报 师带徒 带出1名徒弟")
    clock.sleep(timedelta(days=2))
    assert "没有待审核的" in secretary("审核")
    clock.sleep(timedelta(days=1))
    assert "孙磊 申报" in secretary("审核")
    assert "没有待初审的申报" in leader("初审")


def test_appeals_the_leaders_own_claims_and_groups_without_leader_go_straight_on(
    leader: Phone, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    assert "先由" not in phone("孙磊")("申诉 那天抢修我在场，没有记分")
    assert "先由" not in leader("申报 师带徒 带出2名徒弟")
    with database.write() as session:
        session.execute(
            update(Role)
            .where(Role.name == RoleName.GROUP_LEADER)
            .values(ends_on=clock().date() - timedelta(days=1))
        )
    assert "先由" not in phone("孙磊")("申报 师带徒 带出1名徒弟")
    assert "待审核 3 件" in secretary("审核")


def test_a_leader_sees_only_the_own_group(leader: Phone, phone: PhoneBook) -> None:
    phone("张伟")("申报 师带徒 带出1名徒弟")
    assert "没有待初审的申报" in leader("初审")


def test_one_step_is_the_default(phone: PhoneBook, secretary: Phone) -> None:
    assert "先由" not in phone("孙磊")("申报 师带徒 带出1名徒弟")
    assert "孙磊 申报" in secretary("审核")
