"""Who may do what on whom: every action × every role × own and other branch, and every command that needs a right."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.app import discover_router
from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import branch, organisation, permission
from bot.services import member as people
from bot.services import role as role_service
from bot.services.permission import (
    Action,
    Actor,
    NeedsSomebodyAbove,
    NotAllowed,
    OutsideYourBranch,
    actor_of,
    holders,
)
from tests.chat import PhoneBook

# What each role is granted, written out once more, so that a slip in the code's table is seen.
COMMITTEE = {
    Action.PUBLISH,
    Action.PUBLISH_GROUP,
    Action.SEE_BRANCH,
    Action.SEE_GROUP,
    Action.DECIDE_LEAVE,
    Action.DECIDE_GROUP_LEAVE,
    Action.CORRECT_ATTENDANCE,
    Action.CORRECT_GROUP_ATTENDANCE,
    Action.FIRST_REVIEW,
    Action.REVIEW,
    Action.GIVE_POINTS,
    Action.CHANGE_SETTINGS,
    Action.EDIT_QUESTIONS,
    Action.HANDLE_HAZARDS,
    Action.MANAGE_TASKS,
}
LEADING = COMMITTEE | {Action.MANAGE_PEOPLE, Action.APPROVE_QUESTIONS, Action.SETTLE}
GRANTED: dict[RoleName | None, set[Action]] = {
    None: set(),
    RoleName.SECRETARY: LEADING,
    RoleName.DEPUTY_SECRETARY: LEADING,
    RoleName.ORGANISER: COMMITTEE,
    RoleName.PUBLICITY: COMMITTEE,
    RoleName.DISCIPLINE: COMMITTEE,
    RoleName.GROUP_LEADER: {
        Action.SEE_GROUP,
        Action.PUBLISH_GROUP,
        Action.DECIDE_GROUP_LEAVE,
        Action.CORRECT_GROUP_ATTENDANCE,
        Action.FIRST_REVIEW,
    },
    RoleName.ADMIN: LEADING | {Action.SEE_AUDIT, Action.MOVE_PEOPLE},
}


@pytest.fixture
def tree(database: Database) -> dict[str, int]:
    """Two branches below one committee, a third below another; ids by name."""
    with database.write() as session:
        for path in ("示范供电公司党委/运行党支部", "别的公司党委/外部党支部"):
            organisation.ensure_path(session, path)
        return {node.name: node.id for node in session.scalars(select(Organisation))}


def with_role(session: Session, clock: Clock, role: RoleName | None, node: int) -> Actor:
    """Somebody plain (孙磊), with one role."""
    who = session.scalars(select(Member).where(Member.name == "孙磊")).one()
    if role is not None:
        session.add(
            Role(member_id=who.id, name=role, organisation_id=node, starts_on=clock().date(), ends_on=None)
        )
        session.flush()
    return actor_of(session, who, on=clock().date())


def verdict(session: Session, actor: Actor, action: Action, node: int) -> str:
    try:
        actor.on_branch(session, action, node)
    except NotAllowed:
        return "not allowed"
    except OutsideYourBranch:
        return "outside"
    return "yes"


def test_the_table_covers_every_role_and_action() -> None:
    assert set(GRANTED) - {None} == set(RoleName)
    assert set(permission.RIGHTS) == set(RoleName)
    assert set().union(*GRANTED.values()) == set(Action)


@pytest.mark.parametrize("role", [None, *RoleName])
def test_a_role_may_what_it_may_in_its_own_node_and_nothing_elsewhere(
    database: Database, clock: Clock, tree: dict[str, int], role: RoleName | None
) -> None:
    own = {RoleName.GROUP_LEADER: "第三党小组", RoleName.ADMIN: "示范供电公司党委"}.get(
        role or RoleName.SECRETARY, "检修党支部"
    )
    with database.read() as session:
        actor = with_role(session, clock, role, tree[own])
        for action in Action:
            granted = action in GRANTED[role]
            assert actor.may(action) == granted
            assert verdict(session, actor, action, tree[own]) == ("yes" if granted else "not allowed"), action
            elsewhere = "outside" if granted else "not allowed"
            assert verdict(session, actor, action, tree["外部党支部"]) == elsewhere, action
            sibling = "yes" if granted and role is RoleName.ADMIN else elsewhere
            assert verdict(session, actor, action, tree["运行党支部"]) == sibling, action


def test_a_group_leader_sees_the_group_and_not_the_branch(
    database: Database, clock: Clock, tree: dict[str, int]
) -> None:
    with database.read() as session:
        actor = with_role(session, clock, RoleName.GROUP_LEADER, tree["第三党小组"])
        assert {one.name for one in branch.listed(session, actor)} == {"阿不力孜", "孙磊", "周洁"}
        with pytest.raises(people.NoSuchMember):
            people.find_by_name(session, actor, Action.SEE_GROUP, "张伟")


def test_a_path_is_no_prefix_of_a_longer_number(
    database: Database, clock: Clock, tree: dict[str, int]
) -> None:
    """/1/2/ must not open /1/20/."""
    with database.read() as session:
        branch = session.get_one(Organisation, tree["检修党支部"])
        twin = Organisation(
            id=branch.id * 10,
            name="别的",
            kind=branch.kind,
            parent_id=branch.parent_id,
            path=f"{branch.path[:-1]}0/",
        )
        session.add(twin)
        session.flush()
        actor = with_role(session, clock, RoleName.SECRETARY, branch.id)
        assert verdict(session, actor, Action.PUBLISH, twin.id) == "outside"


def test_a_role_counts_from_its_first_to_its_last_day(
    database: Database, clock: Clock, tree: dict[str, int]
) -> None:
    today, day = clock().date(), timedelta(days=1)
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == "孙磊")).one()
        session.add(
            Role(
                member_id=who.id,
                name=RoleName.SECRETARY,
                organisation_id=tree["检修党支部"],
                starts_on=today,
                ends_on=today + day,
            )
        )
        session.flush()
        held = [actor_of(session, who, on=today + n * day).may(Action.PUBLISH) for n in range(-1, 3)]
    assert held == [False, True, True, False]


def test_those_who_may_are_named_nearest_first(
    database: Database, clock: Clock, tree: dict[str, int]
) -> None:
    with database.read() as session:
        with_role(session, clock, RoleName.ADMIN, tree["示范供电公司党委"])
        session.scalars(select(Member).where(Member.name == "刘芳")).one().active = False
        session.flush()
        able = holders(session, Action.REVIEW, tree["检修党支部"], on=clock().date())
        assert [one.name for one in able] == ["王建国", "陈刚", "赵敏", "吴霞", "孙磊"]
        assert [
            one.name for one in holders(session, Action.REVIEW, tree["外部党支部"], on=clock().date())
        ] == []


@pytest.mark.parametrize(
    ("role", "grantable"),
    [
        (RoleName.ADMIN, set(RoleName) - {RoleName.ADMIN}),
        (RoleName.SECRETARY, set(RoleName) - {RoleName.ADMIN, RoleName.SECRETARY}),
        (
            RoleName.DEPUTY_SECRETARY,
            set(RoleName) - {RoleName.ADMIN, RoleName.SECRETARY, RoleName.DEPUTY_SECRETARY},
        ),
    ],
)
def test_a_role_is_granted_by_somebody_above_it(
    database: Database, clock: Clock, tree: dict[str, int], role: RoleName, grantable: set[RoleName]
) -> None:
    with database.read() as session:
        actor = with_role(session, clock, role, tree["示范供电公司党委"])
        who = Member(
            name="新人",
            account="xin",
            branch_id=tree["检修党支部"],
            group_id=tree["第一党小组"],
            status=MemberStatus.FULL,
            created_at=clock(),
        )
        session.add(who)
        session.flush()
        granted = set()
        for name in RoleName:
            try:
                role_service.grant(session, actor, who, name, today=clock().date())
            except NeedsSomebodyAbove:
                continue
            granted.add(name)
    assert granted == grantable


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("孙磊", None),
        ("马强", RoleName.GROUP_LEADER),
        ("刘芳", RoleName.ORGANISER),
        ("王建国", RoleName.SECRETARY),
    ],
)
def test_every_command_that_needs_a_right_refuses_who_has_it_not(
    phone: PhoneBook, name: str, role: RoleName | None
) -> None:
    """A new command with ``needs`` is picked up by itself."""
    commands = [one for one in discover_router().commands if one.needs is not None]
    assert len(commands) >= 10
    denied = [one for one in commands if one.needs not in GRANTED[role]]
    said = [text for one in denied for text in (*one.words, *one.examples)]
    who = phone(name)
    answered = [text for text in said if "来办，请联系他们" not in who(text)]
    assert answered == []


def test_a_stranger_gets_nothing_but_the_way_in(phone: PhoneBook) -> None:
    stranger, commands = phone("nobody-knows-me"), discover_router().commands
    said = [text for command in commands for text in (command.word, *command.examples)]
    answered = [text for text in said if not {"口令", "绑定"} <= set(_words(stranger(text)))]
    assert answered == []


def _words(answer: str) -> list[str]:
    return [word for word in ("口令", "绑定") if word in answer]


def test_a_right_is_asked_for_again_when_the_argument_is_supplied(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    """The question "请发送…" was asked of a secretary; by the answer the role may have ended."""
    chief = phone("王建国")
    assert "请发送" in chief("加分")
    with database.write() as session:
        for role in session.scalars(
            select(Role).join(Member, Member.id == Role.member_id).where(Member.name == "王建国")
        ):
            role.ends_on = clock().date() - timedelta(days=1)
    assert "需要支部书记或委员来办" in chief("张伟 3 师带徒")
