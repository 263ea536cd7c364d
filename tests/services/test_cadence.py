"""The cadence check: each rule at its boundaries, then the facts it is fed with, on both databases."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import BranchSetting, Organisation
from bot.models.outbox import Outbox, OutboxState
from bot.models.study import MaterialRead, StudyRecord
from bot.services import cadence, organisation
from bot.services.cadence import Facts, Finding, Status, alarm, period, record
from bot.services.cadence.facts import Choices, Held
from bot.services.setting import calendar
from content.activity_kinds import kinds
from scheduler import cadence as jobs
from scheduler import runner
from tests.conftest import SHANGHAI

BRANCH_LIFE = "《中国共产党支部工作条例（试行）》"
LONG_AGO = date(2020, 1, 1)
FULL = frozenset(range(1, 12))
COMMITTEE = frozenset(range(1, 6))


def facts(today: date, **more: Any) -> Facts:
    """A branch of eleven full members with a committee of five, known for years, of which nothing is recorded."""
    usual: dict[str, Any] = {
        "full": FULL,
        "committee": COMMITTEE,
        "secretaries": frozenset({1}),
        "known_since": LONG_AGO,
    }
    return Facts(branch_id=7, name="检修党支部", today=today, **{**usual, **more})


def held(*days: date, kind: str, group: int | None = None) -> dict[str, tuple[Held, ...]]:
    return {kind: tuple(Held(day, group) for day in days)}


def verdict(code: str, of: Facts) -> Finding:
    return next(one for one in cadence.judge(of) if one.rule == code)


def firsts(months: Iterable[int], year: int = 2026) -> list[date]:
    return [date(year, month, 1) for month in months]


# Periods -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("per", "day", "first", "last", "code"),
    [
        ("month", date(2028, 2, 29), date(2028, 2, 1), date(2028, 2, 29), "2028-02"),
        ("quarter", date(2026, 12, 31), date(2026, 10, 1), date(2026, 12, 31), "2026Q4"),
        ("quarter", date(2026, 1, 1), date(2026, 1, 1), date(2026, 3, 31), "2026Q1"),
        ("half", date(2026, 7, 1), date(2026, 7, 1), date(2026, 12, 31), "2026H2"),
        ("year", date(2026, 6, 5), date(2026, 1, 1), date(2026, 12, 31), "2026"),
    ],
)
def test_a_period_has_its_first_and_last_day(per: str, day: date, first: date, last: date, code: str) -> None:
    found = period.containing(per, day)
    assert (found.first, found.last, found.code) == (first, last, code)
    assert period.before(found).last == first - timedelta(days=1)


def test_in_january_the_month_before_is_last_december() -> None:
    assert [one.code for one in period.completed("month", date(2026, 1, 5))] == ["2025-12"]
    assert [one.code for one in period.completed("month", date(2026, 4, 5))] == [
        "2026-01",
        "2026-02",
        "2026-03",
    ]
    assert [one.code for one in period.completed("year", date(2026, 4, 5))] == ["2025"]


def test_months_later_stays_within_the_month() -> None:
    assert period.months_later(date(2024, 2, 29), 36) == date(2027, 2, 28)
    assert period.months_later(date(2026, 8, 31), -6) == date(2026, 2, 28)
    assert period.months_later(date(2026, 1, 15), -1) == date(2025, 12, 15)


# What recurs -------------------------------------------------------------------------------------------------------------

RECURRING = [
    ("主题党日", "month", "第十六条", "high"),
    ("党员大会", "quarter", "第十一条", "high"),
    ("支委会", "month", "第十二条", "high"),
    ("党课", "quarter", "第十六条", "medium"),
    ("组织生活会", "year", "第十七条", "high"),
    ("民主评议", "year", "第十八条", "high"),
]


@pytest.mark.parametrize(("kind", "per", "article", "confidence"), RECURRING)
def test_it_is_done_from_the_first_to_the_last_day_of_its_period(
    kind: str, per: str, article: str, confidence: str
) -> None:
    today = date(2026, 12, 31)
    now, last = period.containing(per, today), period.before(period.containing(per, today))
    earlier = [one.first for one in period.completed(per, today)]
    for day in (now.first, now.last):
        found = verdict(kind, facts(today, held=held(*earlier, day, kind=kind)))
        assert found.status is Status.DONE, day
        assert (found.clause.document, found.clause.article) == (BRANCH_LIFE, article)
        assert found.clause.confidence == confidence
    only_before = verdict(kind, facts(today, held=held(*earlier, last.last, kind=kind)))
    assert only_before.status is Status.DUE
    assert (only_before.verdict.by, only_before.days_left) == (now.last, 0)


@pytest.mark.parametrize(("kind", "per"), [row[:2] for row in RECURRING])
def test_a_missed_period_is_overdue_on_the_day_after_it(kind: str, per: str) -> None:
    last = period.containing(per, date(2026, 3, 31)).last
    on_time = [one.first for one in period.completed(per, last)]
    assert verdict(kind, facts(last, held=held(*on_time, kind=kind))).status is Status.DUE
    after = verdict(kind, facts(last + timedelta(days=1), held=held(*on_time, kind=kind)))
    assert after.status is Status.OVERDUE
    assert period.name(period.containing(per, last), after.today) in after.verdict.text


def test_a_missed_month_stays_overdue_although_this_month_is_done() -> None:
    days = [day for day in firsts(range(1, 12)) if day.month != 3]
    found = verdict("主题党日", facts(date(2026, 11, 23), held=held(*days, kind="主题党日")))
    assert (found.status, found.verdict.text) == (Status.OVERDUE, "3月没有记录；本月已完成")
    assert found.days_left is None


def test_what_was_before_the_roster_is_not_called_overdue() -> None:
    young = facts(date(2026, 11, 23), known_since=date(2026, 10, 31))
    assert "10月没有记录" in verdict("主题党日", young).verdict.text
    assert "9月" not in verdict("主题党日", young).verdict.text
    new = dataclasses.replace(young, known_since=date(2026, 11, 1))
    found = verdict("主题党日", new)
    assert (found.status, found.days_left) == (Status.DUE, 7)
    assert found.verdict.text == "本月还没有记录，11月30日前（还剩7天）"


def test_what_has_a_date_is_due_but_planned() -> None:
    today, days = date(2026, 11, 23), firsts(range(1, 11))
    ahead = {"主题党日": (Held(date(2026, 11, 27)),)}
    found = verdict("主题党日", facts(today, held=held(*days, kind="主题党日"), planned=ahead))
    assert (found.status, found.verdict.planned) == (Status.DUE, True)
    assert "已安排在11月27日" in found.verdict.text
    next_month = {"主题党日": (Held(date(2026, 12, 1)),)}
    assert not verdict("主题党日", facts(today, planned=next_month)).verdict.planned


def test_a_branch_without_party_members_owes_nothing() -> None:
    empty = facts(date(2026, 11, 23), full=frozenset(), committee=frozenset())
    for kind in ("主题党日", "党员大会", "党课", "组织生活会", "民主评议", "谈心谈话", "学时"):
        assert verdict(kind, empty).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(("full", "status"), [(6, Status.NOT_APPLICABLE), (7, Status.DUE)])
def test_only_a_branch_of_seven_full_members_has_a_committee_that_meets(full: int, status: Status) -> None:
    branch = facts(
        date(2026, 11, 23),
        full=frozenset(range(full)),
        probationary=frozenset({90, 91}),
        held=held(*firsts(range(1, 11)), kind="支委会"),
    )
    assert verdict("支委会", branch).status is status


def test_every_group_meets_each_month() -> None:
    groups = {21: "第一党小组", 22: "第二党小组", 23: "第三党小组"}
    months = firsts(range(1, 11))
    meetings = tuple(Held(day, group) for day in months for group in groups)
    branch = facts(date(2026, 11, 23), groups=groups, held={"党小组会": meetings})
    assert verdict("党小组会", branch).verdict.text == "本月还没有记录，11月30日前（还剩7天）"
    one = dataclasses.replace(branch, held={"党小组会": (*meetings, Held(date(2026, 11, 3), 22))})
    found = verdict("党小组会", one)
    assert found.status is Status.DUE
    assert found.verdict.text == "本月（第一党小组、第三党小组）还没有记录，11月30日前（还剩7天）"
    all_ = dataclasses.replace(
        branch, held={"党小组会": (*meetings, *(Held(date(2026, 11, 3), one) for one in groups))}
    )
    assert verdict("党小组会", all_).status is Status.DONE
    late = dataclasses.replace(
        branch, held={"党小组会": tuple(one for one in meetings if one != Held(months[9], 23))}
    )
    assert "10月（第三党小组）没有记录" in verdict("党小组会", late).verdict.text
    assert verdict("党小组会", branch).clause.article == "第十三条"


def test_a_meeting_without_a_group_is_that_of_the_only_group() -> None:
    days = firsts(range(1, 12))
    branch = facts(date(2026, 11, 23), groups={21: "第一党小组"}, held=held(*days, kind="党小组会"))
    assert verdict("党小组会", branch).status is Status.DONE
    two = dataclasses.replace(branch, groups={21: "第一党小组", 22: "第二党小组"})
    assert verdict("党小组会", two).status is Status.OVERDUE
    assert verdict("党小组会", dataclasses.replace(branch, groups={})).status is Status.NOT_APPLICABLE


@pytest.mark.parametrize(
    ("per", "status"), [("month", Status.OVERDUE), ("quarter", Status.OVERDUE), ("half", Status.DUE)]
)
def test_how_often_a_lecture_is_held_is_a_choice(per: str, status: Status) -> None:
    branch = facts(
        date(2026, 11, 23),
        held=held(date(2026, 6, 30), kind="党课"),
        choices=Choices(cadence_lecture_per=per),
    )
    found = verdict("党课", branch)
    assert found.status is status
    assert found.clause.confidence == "medium"


# Talks -------------------------------------------------------------------------------------------------------------------


def pairs(*two: tuple[int, int]) -> frozenset[frozenset[int]]:
    return frozenset(frozenset(one) for one in two)


def test_talks_are_between_leaders_with_leaders_and_among_members() -> None:
    small = facts(date(2026, 11, 23), full=frozenset({1, 2, 3, 4}), committee=frozenset({1, 2}))
    nothing = verdict("谈心谈话", small)
    assert nothing.status is Status.DUE
    assert "支委之间 0/1 对，党员与支委 0/2 人，党员之间 0/2 人" in nothing.verdict.text
    assert (nothing.clause.article, nothing.clause.confidence) == ("第十九条", "medium")
    almost = dataclasses.replace(small, talks=pairs((1, 2), (1, 3), (3, 4)))
    assert "党员与支委 1/2 人" in verdict("谈心谈话", almost).verdict.text
    done = dataclasses.replace(small, talks=pairs((1, 2), (1, 3), (2, 4), (3, 4)))
    assert verdict("谈心谈话", done).status is Status.DONE


def test_a_single_member_has_nobody_to_talk_with() -> None:
    alone = facts(date(2026, 11, 23), full=frozenset({1}), committee=frozenset({1}))
    assert verdict("谈心谈话", alone).status is Status.NOT_APPLICABLE


# How a branch is set up --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("full", "committee", "status"),
    [
        (6, 1, Status.DONE),
        (6, 2, Status.DONE),
        (6, 3, Status.DUE),
        (7, 2, Status.DUE),
        (7, 3, Status.DONE),
        (7, 5, Status.DONE),
        (20, 6, Status.DONE),
        (20, 7, Status.DONE),
        (20, 8, Status.DUE),
    ],
)
def test_the_size_of_the_committee_follows_the_full_members(
    full: int, committee: int, status: Status
) -> None:
    branch = facts(
        date(2026, 11, 23),
        full=frozenset(range(1, full + 1)),
        probationary=frozenset({90, 91}),
        committee=frozenset(range(1, committee + 1)),
    )
    found = verdict("支委设置", branch)
    assert found.status is status
    assert (found.clause.article, found.clause.confidence) == ("第二十条", "high")


@pytest.mark.parametrize("secretaries", [frozenset[int](), frozenset({1, 2})])
def test_a_branch_has_one_secretary(secretaries: frozenset[int]) -> None:
    found = verdict("支委设置", facts(date(2026, 11, 23), secretaries=secretaries))
    assert found.status is Status.DUE
    assert f"书记有 {len(secretaries)} 人" in found.verdict.text


@pytest.mark.parametrize(
    ("full", "probationary", "status"),
    [
        (2, 5, Status.DUE),
        (3, 0, Status.DONE),
        (49, 1, Status.DONE),
        (49, 2, Status.DUE),
        (50, 0, Status.DONE),
        (51, 0, Status.DUE),
    ],
)
def test_a_branch_has_three_full_members_and_at_most_fifty(
    full: int, probationary: int, status: Status
) -> None:
    branch = facts(
        date(2026, 11, 23),
        full=frozenset(range(1, full + 1)),
        probationary=frozenset(range(100, 100 + probationary)),
    )
    found = verdict("支部规模", branch)
    assert found.status is status
    assert (found.clause.article, found.clause.confidence) == ("第四条", "medium")
    assert found.verdict.by is None


@pytest.mark.parametrize(
    ("today", "status", "left"),
    [
        (date(2026, 9, 14), Status.DONE, None),
        (date(2026, 9, 15), Status.DUE, 181),
        (date(2027, 3, 15), Status.DUE, 0),
        (date(2027, 3, 16), Status.OVERDUE, -1),
    ],
)
def test_a_term_is_three_years_and_due_from_six_months_before(
    today: date, status: Status, left: int | None
) -> None:
    found = verdict("换届", facts(today, choices=Choices(term_started_on=date(2024, 3, 15))))
    assert (found.status, found.days_left) == (status, left)
    assert (found.clause.article, found.clause.confidence) == ("第二十一条", "high")


def test_an_unknown_term_says_how_to_tell_it() -> None:
    found = verdict("换届", facts(date(2026, 11, 23)))
    assert found.status is Status.UNKNOWN
    assert "换届时间 2024-03-15" in found.verdict.text


# Study hours -------------------------------------------------------------------------------------------------------------


def minutes_for(leader: int, member: int) -> dict[int, int]:
    return {one: leader if one in COMMITTEE else member for one in FULL}


@pytest.mark.parametrize(
    ("leader", "member", "status"),
    [(56 * 60, 32 * 60, Status.DONE), (56 * 60 - 1, 32 * 60, Status.DUE), (56 * 60, 32 * 60 - 1, Status.DUE)],
)
def test_members_study_32_and_leaders_56_hours(leader: int, member: int, status: Status) -> None:
    found = verdict("学时", facts(date(2026, 12, 31), minutes=minutes_for(leader, member)))
    assert (found.status, found.clause.confidence) == (status, "medium")
    assert "党员教育培训工作规划" in found.clause.document


def test_the_hours_are_a_choice_of_the_branch() -> None:
    chosen = Choices(study_hours_member=10, study_hours_leader=20, study_minutes_per_hour=45)
    branch = facts(date(2026, 12, 31), minutes=minutes_for(20 * 45, 10 * 45), choices=chosen)
    assert verdict("学时", branch).status is Status.DONE


def test_a_year_that_is_only_partly_known_proves_no_shortfall() -> None:
    found = verdict("学时", facts(date(2026, 11, 23), known_since=date(2026, 1, 2)))
    assert found.status is Status.UNKNOWN
    assert "1月2日以后" in found.verdict.text
    assert verdict("学时", facts(date(2026, 11, 23), known_since=date(2026, 1, 1))).status is Status.DUE


def test_every_rule_has_a_document_and_a_confidence() -> None:
    found = cadence.judge(facts(date(2026, 11, 23), groups={21: "第一党小组"}))
    assert len({one.rule for one in found}) == len(found) == 12
    assert all(one.clause.document and one.clause.confidence in ("high", "medium", "check") for one in found)
    assert {kind.name for kind in kinds() if kind.cadence} <= {one.rule for one in found}


# The facts, from the database --------------------------------------------------------------------------------------------


def branch_of(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(Member.branch_id).where(Member.name == "王建国")).one()


def ended(branch_id: int, kind: str, at: datetime, author: int = 1, **more: Any) -> Activity:
    return Activity(
        branch_id=branch_id,
        kind=kind,
        theme="",
        place="",
        starts_at=at,
        ends_at=at,
        signup_closes_at=at,
        secret="s",
        created_by=author,
        published_at=at,
        **{"state": ActivityState.ENDED, **more},
    )


def found(database: Database, clock: Clock, rule: str) -> Finding:
    with database.read() as session:
        return next(one for one in cadence.check(session, branch_of(database), clock()) if one.rule == rule)


def test_the_facts_of_the_demo_branch(database: Database, clock: Clock) -> None:
    with database.read() as session:
        (one,) = cadence.gather(session, Organisation.id == branch_of(database), clock())
    assert (len(one.full), len(one.probationary), len(one.committee), len(one.secretaries)) == (11, 1, 5, 1)
    assert list(one.groups.values()) == ["第一党小组", "第二党小组", "第三党小组"]
    assert one.known_since == clock().date()


@pytest.mark.parametrize("state", [ActivityState.PUBLISHED, ActivityState.CANCELLED])
def test_only_what_ended_counts(database: Database, clock: Clock, state: ActivityState) -> None:
    with database.write() as session:
        session.add(ended(branch_of(database), "支委会", clock() - timedelta(days=2), state=state))
    assert found(database, clock, "支委会").status is Status.DUE
    with database.write() as session:
        session.add(ended(branch_of(database), "支委会", clock() - timedelta(days=3)))
    assert found(database, clock, "支委会").status is Status.DONE


def test_what_is_published_for_later_is_planned_and_what_is_cancelled_is_not(
    database: Database, clock: Clock
) -> None:
    friday = clock() + timedelta(days=4)
    with database.write() as session:
        session.add(ended(branch_of(database), "支委会", friday, state=ActivityState.PUBLISHED))
        session.add(ended(branch_of(database), "主题党日", friday, state=ActivityState.CANCELLED))
    assert "已安排在11月27日" in found(database, clock, "支委会").verdict.text
    assert "还没有记录" in found(database, clock, "主题党日").verdict.text


def test_an_activity_counts_on_its_day_in_the_branch_zone(database: Database, clock: Clock) -> None:
    just_november = datetime(2026, 11, 1, 0, 30, tzinfo=SHANGHAI)
    with database.write() as session:
        session.add(ended(branch_of(database), "主题党日", just_november - timedelta(hours=1)))
    assert found(database, clock, "主题党日").status is Status.DUE
    with database.write() as session:
        session.add(ended(branch_of(database), "主题党日", just_november))
    assert found(database, clock, "主题党日").status is Status.DONE


def test_another_branch_and_former_members_do_not_count(database: Database, clock: Clock) -> None:
    with database.write() as session:
        node = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        session.add(ended(node.id, "支委会", clock() - timedelta(days=2)))
        for member in session.scalars(select(Member).where(Member.name.in_(("赵敏", "孙磊")))):
            member.active = False
    assert found(database, clock, "支委会").status is Status.DUE
    assert "正式党员 9 人，支委 4 人" in found(database, clock, "支委设置").verdict.text


def test_an_ended_role_is_no_role(database: Database, clock: Clock) -> None:
    with database.write() as session:
        role = session.scalars(select(Role).where(Role.name == RoleName.SECRETARY)).one()
        role.ends_on = clock().date()
    assert found(database, clock, "支委设置").status is Status.DONE
    clock.sleep(timedelta(days=1))
    assert "书记有 0 人" in found(database, clock, "支委设置").verdict.text


def test_study_time_comes_from_activities_materials_and_what_was_told(
    database: Database, clock: Clock
) -> None:
    with database.write() as session:
        lecture = ended(branch_of(database), "党课", clock() - timedelta(days=2))
        talk = ended(branch_of(database), "谈心谈话", clock() - timedelta(days=2))
        old = ended(branch_of(database), "党课", clock() - timedelta(days=400))
        session.add_all([lecture, talk, old])
        session.flush()
        for activity in (lecture, talk, old):
            session.add(Attendance(activity_id=activity.id, member_id=2, at=activity.starts_at))
        session.add(MaterialRead(member_id=2, material="a", year=2026, minutes=5, at=clock()))
        session.add(StudyRecord(member_id=2, what="学习强国", minutes=25, at=clock()))
    with database.read() as session:
        (one,) = cadence.gather(session, Organisation.id == branch_of(database), clock())
    assert one.minutes == {2: 60 + 5 + 25}


def test_study_before_a_transfer_counts_on(database: Database, clock: Clock) -> None:
    with database.write() as session:
        elsewhere = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        lecture = ended(elsewhere.id, "党课", clock() - timedelta(days=30))
        session.add(lecture)
        session.flush()
        session.add(Attendance(activity_id=lecture.id, member_id=2, at=lecture.starts_at))
    with database.read() as session:
        (one,) = cadence.gather(session, Organisation.id == branch_of(database), clock())
    assert one.minutes == {2: 60}


def test_talks_are_the_pairs_that_were_there(database: Database, clock: Clock) -> None:
    with database.write() as session:
        talk = ended(branch_of(database), "谈心谈话", clock() - timedelta(days=2))
        session.add(talk)
        session.flush()
        session.add_all(Attendance(activity_id=talk.id, member_id=member, at=clock()) for member in (1, 2))
    with database.read() as session:
        (one,) = cadence.gather(session, Organisation.id == branch_of(database), clock())
    assert one.talks == {frozenset({1, 2})}


def test_what_a_branch_chose_is_read_beside_its_other_settings(database: Database, clock: Clock) -> None:
    with database.write() as session:
        values = {"budget": 5, "term_started_on": "2023-12-01", "cadence_lecture_per": "year"}
        session.add(BranchSetting(branch_id=branch_of(database), values=values))
    assert found(database, clock, "换届").days_left == 8
    assert "今年还没有记录" in found(database, clock, "党课").verdict.text


def many(database: Database, clock: Clock, count: int) -> None:
    """So many more branches of three members under the demo committee; every second held its theme day."""
    with database.write() as session:
        top = session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).one()
        for number in range(count):
            node = organisation.ensure(session, f"第{number}党支部", parent=top)
            session.add_all(
                Member(
                    name=f"成员{number}-{n}", branch_id=node.id, status=MemberStatus.FULL, created_at=clock()
                )
                for n in range(3)
            )
            if number % 2:
                session.add(ended(node.id, "主题党日", clock() - timedelta(days=1)))


def test_a_roll_up_counts_each_branch_below(database: Database, clock: Clock) -> None:
    many(database, clock, 4)
    with database.write() as session:
        organisation.ensure_path(session, "另一公司党委/外面党支部")
        top = session.scalars(select(Organisation.path).where(Organisation.name == "示范供电公司党委")).one()
    clock.jump(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI))
    with database.read() as session:
        all_ = cadence.roll_up(session, top, clock())
        alone = {one.branch_id: cadence.check(session, one.branch_id, clock()) for one in all_}
    assert {one.name for one in all_} == {"检修党支部", *(f"第{n}党支部" for n in range(4))}
    assert [one.overdue for one in all_] == sorted((one.overdue for one in all_), reverse=True)
    by_name = {one.name: one for one in all_}
    assert "主题党日" in by_name["第0党支部"].overdue_rules
    assert "主题党日" not in by_name["第1党支部"].overdue_rules
    for one in all_:
        statuses = [finding.status for finding in alone[one.branch_id]]
        assert (one.overdue, one.due, one.done) == (
            statuses.count(Status.OVERDUE),
            statuses.count(Status.DUE),
            statuses.count(Status.DONE),
        )


def test_a_roll_up_needs_as_many_queries_for_many_branches_as_for_one(
    database: Database, clock: Clock
) -> None:
    queries: list[str] = []

    def count(_c: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        queries.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    with database.read() as session:
        cadence.roll_up(session, "/", clock())
    few = len(queries)
    many(database, clock, 12)
    queries.clear()
    with database.read() as session:
        assert len(cadence.roll_up(session, "/", clock())) == 13
    event.remove(database.engine, "before_cursor_execute", count)
    assert len(queries) == few <= 14


def test_a_branch_that_went_into_another_is_neither_checked_nor_reminded(bot: App, clock: Clock) -> None:
    with bot.database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        ours = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        ours.merged_into_id = other.id
        number = ours.id
    with bot.database.read() as session:
        assert [one.name for one in cadence.roll_up(session, "/", clock())] == ["运行党支部"]
        assert cadence.check(session, number, clock()) == []
    morning(clock, date(2026, 11, 24))
    jobs.remind(bot.node, clock())
    assert told(bot) == []


def test_what_is_no_branch_has_no_findings(database: Database, clock: Clock) -> None:
    with database.read() as session:
        assert cadence.check(session, 1, clock()) == []


# Alarms ------------------------------------------------------------------------------------------------------------------


def stages(of: Facts) -> list[str]:
    return [one.key for one in alarm.alarms(of, calendar())]


ALL_OTHER = {
    kind: (*(Held(day) for day in firsts(range(1, 13))), *(Held(day) for day in firsts(range(1, 13), 2025)))
    for kind in ("党员大会", "支委会", "党课", "组织生活会", "民主评议")
}


def only_theme_day(today: date) -> Facts:
    """Everything is done but this month's theme day."""
    theme_days = tuple(Held(day) for day in firsts(range(1, today.month)))
    return facts(
        today,
        full=frozenset(range(1, 8)),
        held={**ALL_OTHER, "主题党日": theme_days},
        talks=frozenset(frozenset({a, b}) for a in range(1, 8) for b in range(1, 8) if a != b),
        minutes=dict.fromkeys(range(1, 8), 56 * 60),
        choices=Choices(term_started_on=date(2026, 1, 1)),
    )


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        (date(2026, 11, 13), None),
        (date(2026, 11, 16), "half"),
        (date(2026, 11, 20), "half"),
        (date(2026, 11, 23), "week"),
        (date(2026, 11, 27), "week"),
        (date(2026, 11, 30), "day"),
    ],
)
def test_the_stages_of_a_month(today: date, stage: str | None) -> None:
    assert stages(only_theme_day(today)) == ([f"7 主题党日 2026-11 {stage}"] if stage else [])


def test_a_deadline_on_a_weekend_is_said_on_friday() -> None:
    # 31 October 2026 is a Saturday, 24 October as well.
    assert stages(only_theme_day(date(2026, 10, 30))) == ["7 主题党日 2026-10 day"]
    assert stages(only_theme_day(date(2026, 10, 23))) == ["7 主题党日 2026-10 week"]
    assert stages(only_theme_day(date(2026, 10, 22))) == ["7 主题党日 2026-10 half"]


def test_what_is_planned_or_done_is_not_alarmed() -> None:
    today = date(2026, 11, 23)
    branch = only_theme_day(today)
    assert stages(branch)
    assert not stages(dataclasses.replace(branch, planned={"主题党日": (Held(date(2026, 11, 27)),)}))
    assert not stages(
        dataclasses.replace(
            branch, held={**branch.held, "主题党日": tuple(Held(d) for d in firsts(range(1, 12)))}
        )
    )


@pytest.mark.parametrize(
    ("today", "stage"),
    [
        (date(2026, 9, 14), None),
        (date(2026, 9, 15), "6-months"),
        (date(2026, 11, 13), "4-months"),
        (date(2027, 1, 15), "2-months"),
        (date(2027, 2, 15), "1-months"),
        (date(2027, 3, 15), "1-months"),
        (date(2027, 3, 16), None),
    ],
)
def test_a_term_is_announced_six_four_two_and_one_months_before(today: date, stage: str | None) -> None:
    branch = facts(today, choices=Choices(term_started_on=date(2024, 3, 15)))
    mine = [key for key in stages(branch) if "换届" in key]
    assert mine == ([f"7 换届 2027-03-15 {stage}"] if stage else [])


def morning(clock: Clock, day: date) -> None:
    clock.jump(datetime(day.year, day.month, day.day, 8, 35, tzinfo=SHANGHAI))


def told(bot: App, name: str = "王建国") -> list[str]:
    """The messages that go out to somebody: not the parts that were merged into one."""
    with bot.database.read() as session:
        rows = session.scalars(
            select(Outbox.body)
            .join(Member, Member.id == Outbox.member_id)
            .where(
                Member.name == name, Outbox.state == OutboxState.WAITING, Outbox.key.startswith("cadence ")
            )
            .order_by(Outbox.id)
        )
        return [body["text"] for body in rows]


def test_the_secretary_is_told_once_in_one_message(bot: App, clock: Clock) -> None:
    morning(clock, date(2026, 11, 24))
    for _ in range(2):
        jobs.remind(bot.node, clock())
    (text,) = told(bot)
    assert "主题党日：本月还没有记录，11月30日前（还剩6天）" in text
    assert "支委会" in text
    assert "组织生活会" in text
    assert text.count("\n") <= 11
    assert told(bot, "张伟") == []


def test_the_runner_does_it_at_its_hour(bot: App, clock: Clock) -> None:
    runner.run_due(bot.node, clock())
    clock.jump(datetime(2026, 11, 24, 8, 34, tzinfo=SHANGHAI))
    runner.run_due(bot.node, clock())
    assert told(bot) == []
    morning(clock, date(2026, 11, 24))
    runner.run_due(bot.node, clock())
    assert len(told(bot)) == 1


def test_the_next_message_has_only_what_is_new(bot: App, clock: Clock) -> None:
    morning(clock, date(2026, 11, 24))
    jobs.remind(bot.node, clock())
    morning(clock, date(2026, 11, 25))
    jobs.remind(bot.node, clock())
    assert len(told(bot)) == 1
    morning(clock, date(2026, 11, 30))
    jobs.remind(bot.node, clock())
    assert len(told(bot)) == 2
    assert "主题党日：本月还没有记录，11月30日前（今天是最后一天）" in told(bot)[1]
    assert "组织生活会" not in told(bot)[1]


def test_nothing_is_said_on_a_day_off(bot: App, clock: Clock) -> None:
    morning(clock, date(2026, 11, 28))
    jobs.remind(bot.node, clock())
    assert told(bot) == []


def test_without_a_secretary_the_committee_is_told(bot: App, clock: Clock) -> None:
    with bot.database.write() as session:
        session.scalars(select(Role).where(Role.name == RoleName.SECRETARY)).one().ends_on = date(
            2026, 11, 23
        )
    morning(clock, date(2026, 11, 24))
    jobs.remind(bot.node, clock())
    assert told(bot) == []
    assert len(told(bot, "陈刚")) == 1


def test_the_parts_of_a_message_never_go_out_themselves(bot: App, clock: Clock) -> None:
    morning(clock, date(2026, 11, 24))
    jobs.remind(bot.node, clock())
    with bot.database.read() as session:
        states = Counter(session.scalars(select(Outbox.state)))
    assert states[OutboxState.WAITING] == 1
    assert states[OutboxState.MERGED] > 3


# Days as people write them -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "now", "day"),
    [
        ("11月12日", date(2026, 11, 23), date(2026, 11, 12)),
        ("3月5日", date(2026, 11, 23), date(2026, 3, 5)),
        ("12月5日", date(2027, 1, 10), date(2026, 12, 5)),
        ("2025年6月1日", date(2026, 11, 23), date(2025, 6, 1)),
        ("昨天", date(2026, 11, 23), date(2026, 11, 22)),
    ],
)
def test_a_past_day_without_a_year_is_the_last_such_day(text: str, now: date, day: date) -> None:
    assert record.past_day(text, datetime(now.year, now.month, now.day, 9, tzinfo=SHANGHAI))[0] == day


@pytest.mark.parametrize("text", ["今天", "明天", "12月5日", "2027年1月1日"])
def test_a_day_that_is_not_over_is_refused(text: str, clock: Clock) -> None:
    with pytest.raises(record.NotYetHeld):
        record.past_day(text, clock())


def test_a_day_long_ago_is_refused(clock: Clock) -> None:
    assert record.past_day("2025年1月1日", clock())[0] == date(2025, 1, 1)
    with pytest.raises(record.TooLongAgo):
        record.past_day("2024年12月31日", clock())
