"""A branch's own rules of points: seen by all, changed by the secretary for days to come, never for the past."""

from __future__ import annotations

import threading
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.points import BranchRule, PointEntry
from bot.services import point_rule, points, rule_change
from bot.services.rule_change import NothingChanges, ValidityOverlaps, Wish
from tests.chat import Phone, PhoneBook


def award(bot: App, code: str = "attend", name: str = "张伟", fact: str = "f") -> points.Award:
    with bot.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == name)).one()
        return points.award(session, who, code, fact=fact, reason="参加活动", now=bot.clock())


def branch_of(session: Session, name: str = "王建国") -> tuple[Organisation, Member]:
    member = session.scalars(select(Member).where(Member.name == name)).one()
    return session.get_one(Organisation, member.branch_id), member


def test_a_change_holds_from_its_day_on_and_leaves_the_past_alone(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    before = award(bot)
    secretary.script(
        (
            "积分规则 参加主题党日 3分 从12月1日",
            "2026年12月1日起",
            "每次 2 分",
            "每次 3 分",
            "以前记的分不变",
        ),
        ("确认", "已定：2026年12月1日起，参加组织生活每次 3 分"),
    )
    assert award(bot, fact="still the old rule").points == 2
    clock.sleep(timedelta(days=8))
    after = award(bot, fact="the new rule")
    assert (before.points, after.points) == (2, 3)
    zhang = phone("张伟")
    assert "（attend 第1版），每次 2 分" in zhang(f"积分依据 {before.entry_id}")
    assert "（attend 本支部第1版），每次 3 分" in zhang(f"积分依据 {after.entry_id}")
    assert "党员教育管理：参加组织生活 3分★；" in zhang("积分规则")


def test_other_branches_keep_the_shipped_rule(bot: App, clock: Clock, secretary: Phone) -> None:
    with bot.database.write() as session:
        branch, _ = branch_of(session)
        other = Organisation(name="别的支部", kind=branch.kind, parent_id=branch.parent_id, path="/9/")
        session.add(other)
        session.flush()
        other.path = f"/{other.id}/"
        moved = session.scalars(select(Member).where(Member.name == "李明")).one()
        moved.branch_id = other.id
    secretary.script(("积分规则 参加主题党日 3分", "每次 3 分"), ("确认", "已定"))
    clock.sleep(timedelta(days=1))
    assert award(bot, name="张伟", fact="a").points == 3
    assert award(bot, name="李明", fact="b").points == 2


def test_a_cap_of_the_branch_cuts_and_a_rule_out_of_use_gives_nothing(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    secretary.script(("积分规则 参加活动 上限3分", "每季度最多 3 分"), ("1", "已定"))
    secretary.script(("积分规则 志愿服务 停用", "改为：停用"), ("1", "已定"))
    clock.sleep(timedelta(days=1))
    assert [award(bot, fact=f"f {n}").points for n in range(3)] == [2, 1, 0]
    assert "按上限减少" in phone("张伟")("积分依据 2")
    asked = secretary("加分 张伟 2 送温暖")
    assert "志愿服务" not in asked
    assert "急难险重" in asked
    assert award(bot, "volunteer", fact="out of use").points == 0


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("积分规则 参加活动 3分 从11月1日", "只能从明天起改"),
        ("积分规则 参加活动 3分 从今天", "只能从明天起改"),
        ("积分规则 参加活动 3分 从12月9日 到2026年12月1日", "在开始的日子"),
        ("积分规则 参加活动 99分", "每次 1–25 分"),
        ("积分规则 参加活动 0分", "每次 1–25 分"),
        ("积分规则 参加活动 上限1分", "每次的分不能超过上限"),
        ("积分规则 参加活动 2分", "本来就是这样"),
        ("积分规则 参加活动 恢复默认", "本来就是这样"),
        ("积分规则 跳舞 3分", "没有找到规则“跳舞”"),
        ("积分规则 参加活动 从1月1日", "要怎么改"),
        ("积分规则 参加活动 3分 从2月30日", "没看懂日期"),
        ("积分规则 撤回 参加活动", "没有还没开始的新规则"),
    ],
)
def test_what_cannot_be_is_refused(bot: App, secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)
    with bot.database.read() as session:
        assert session.scalars(select(BranchRule)).all() == []


def test_overlapping_validity_is_refused_and_nothing_is_lost(bot: App, secretary: Phone) -> None:
    secretary.script(("积分规则 答题 2分 从1月1日到3月31日", "2027年1月1日至2027年3月31日"), ("确认", "已定"))
    for said in ("从2月1日", "从3月31日", "从12月1日", "从12月1日 到1月1日", "从1月1日"):
        assert "有效期重叠，没有改" in secretary(f"积分规则 答题 3分 {said}")
    secretary.script(("积分规则 答题 3分 从4月1日", "每次 3 分"), ("确认", "本支部第2版"))
    with bot.database.read() as session:
        kept = session.execute(select(BranchRule.points, BranchRule.valid_from).order_by(BranchRule.id)).all()
    assert [tuple(row) for row in kept] == [(2, date(2027, 1, 1)), (3, date(2027, 4, 1))]


def test_a_version_for_some_weeks_lies_over_one_without_an_end(
    bot: App, clock: Clock, secretary: Phone
) -> None:
    secretary.script(("积分规则 参加活动 3分", "每次 3 分"), ("确认", "已定"))
    secretary.script(("积分规则 参加活动 4分 从12月1日 到12月7日", "每次 4 分"), ("确认", "已定"))
    secretary.script(("积分规则 参加活动 恢复默认 从12月20日", "每次 2 分"), ("确认", "已定"))
    given_points = []
    for wait in (1, 7, 7, 14):
        clock.sleep(timedelta(days=wait))
        given_points.append(award(bot, fact=f"{clock():%m-%d}").points)
    assert given_points == [3, 4, 3, 2]


def test_a_version_that_has_not_begun_is_taken_back(bot: App, clock: Clock, secretary: Phone) -> None:
    secretary.script(("积分规则 参加活动 4分", "每次 4 分"), ("确认", "撤销"))
    secretary.script(("积分规则 参加活动 3分 从1月1日 到1月31日", "每次 3 分"), ("1", "已定"))
    assert "2027年1月1日至2027年1月31日" in secretary("撤销")
    assert "2026年11月24日起" in secretary("积分规则 撤回 参加活动")
    secretary.script(("积分规则 参加活动 4分", "每次 4 分"), ("确认", "撤销"))
    clock.sleep(timedelta(days=1))
    assert "没有还没开始的新规则" in secretary("积分规则 撤回 参加活动")
    with bot.database.read() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert [act for act in acts if "积分规则" in act] == [
        "修改积分规则",
        "修改积分规则",
        "撤回积分规则",
        "撤回积分规则",
        "修改积分规则",
    ]


def test_members_see_the_rules_and_do_not_change_them(phone: PhoneBook, secretary: Phone) -> None:
    told = phone("张伟")("怎么得分")
    assert "党员教育管理：参加组织生活 2分；" in told
    assert len(told.splitlines()) <= 12
    assert "要改可发" not in told
    assert "要改可发" in secretary("积分规则")
    assert "需要支部书记" in phone("张伟")("积分规则 参加活动 3分")
    assert "需要支部书记" in phone("张伟")("积分规则 撤回 参加活动")


def test_two_secretaries_at_once_make_one_version(database: Database, clock: Clock) -> None:
    gate, results = threading.Barrier(2), []

    def set_rule() -> None:
        gate.wait()
        try:
            with database.write() as session:
                branch, member = branch_of(session)
                wish = Wish("attend", clock().date() + timedelta(days=1), points=3)
                rule_change.change(session, branch, wish, by=member, now=clock())
            results.append("done")
        except (ValidityOverlaps, NothingChanges) as refused:
            results.append(type(refused).__name__)

    threads = [threading.Thread(target=set_rule) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["ValidityOverlaps", "done"]
    with database.read() as session:
        assert len(session.scalars(select(BranchRule)).all()) == 1


WISHES = st.lists(
    st.tuples(
        st.integers(1, 40), st.none() | st.integers(0, 20), st.none() | st.integers(1, 9), st.booleans()
    ),
    max_size=6,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(wishes=WISHES)
def test_whatever_is_wished_an_entry_always_knows_the_rule_that_made_it(
    database: Database, clock: Clock, wishes: list[tuple[int, int | None, int | None, bool]]
) -> None:
    now = clock()
    with database.write() as session:
        branch, member = branch_of(session)
        for start, length, amount, active in wishes:
            since = now.date() + timedelta(days=start)
            to = None if length is None else since + timedelta(days=length)
            wish = Wish("attend", since, to, points=amount, active=active)
            try:
                rule_change.change(session, branch, wish, by=member, now=now)
            except (ValidityOverlaps, NothingChanges):
                continue
        for day in range(0, 45, 3):
            at = now + timedelta(days=day)
            rule = point_rule.for_member(session, member.id, "attend", at.date())
            assert rule in point_rule.in_branch(session, branch.id, at.date())
            done = points.award(session, member.id, "attend", fact=f"day {day}", reason="做了", now=at)
            assert done.points <= (rule.points if rule.active else 0)
            if done.entry_id:
                entry = session.get_one(PointEntry, done.entry_id)
                assert point_rule.of_entry(session, entry) == rule
        assert points.verify(session) == []
        session.rollback()


def test_the_cap_may_be_written_as_it_is_shown(secretary: Phone) -> None:
    """积分规则 lists "1分，每月8"."""
    secretary.script(("积分规则 答题 2分 每月10", "改为：每次 2 分，每月最多 10 分"), ("取消", "没有改动"))


def test_a_branch_says_who_gives_by_a_rule(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    organiser = phone("刘芳")
    secretary.script(
        ("积分规则 急难险重 由书记、副书记给", "由书记或委员给（第1版）", "由书记、副书记给（本支部第1版）"),
        ("确认", "由书记、副书记给"),
    )
    organiser.script(("加分 张伟 3 抢修现场带头 急难险重任务中带头", "+3 分"))
    clock.sleep(timedelta(days=1))
    organiser.script(
        ("加分 李明 3 急难险重任务中带头", "按“急难险重任务中带头”由书记、副书记给分"),
        ("加分 李明 3 送温暖", "1 志愿服务、办实事"),
    )
    assert "急难险重" not in organiser("加分 李明 3 送温暖")
    organiser.script(("2", "业务攻关、隐患整改"))
    secretary.script(("加分 李明 3 急难险重任务中带头", "+3 分"), ("积分规则 急难险重", "由书记、副书记给"))


def test_a_claim_is_granted_by_a_rule_of_the_decider_s_own(
    clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    for rule in ("急难险重", "业务攻关", "技能取证"):
        secretary(f"积分规则 {rule} 由书记给")
        secretary("确认")
    clock.sleep(timedelta(days=1))
    phone("张伟")("申报 师带徒 带出1名持证徒弟")
    organiser = phone("刘芳")
    organiser.script(("审核", "张伟"), ("同意 2分", "1 志愿服务、办实事"))
    assert "技能取证" not in organiser("审核")


def test_who_may_give_by_no_rule_is_told_so(clock: Clock, secretary: Phone, phone: PhoneBook) -> None:
    for rule in ("急难险重", "志愿服务", "业务攻关", "技能取证"):
        secretary(f"积分规则 {rule} 由书记给")
        secretary("确认")
    clock.sleep(timedelta(days=1))
    phone("张伟")("申报 师带徒 带出1名持证徒弟")
    phone("刘芳").script(
        ("加分 李明 3 送温暖", "本支部没有由您给分的规则"),
        ("审核", "张伟"),
        ("同意", "本支部没有由您给分的规则"),
    )


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("积分规则 急难险重 由张伟给", "没看懂由谁给：“张伟”"),
        ("积分规则 急难险重 由委员给", "本来就是这样"),
        ("积分规则 参加活动 由书记给", "“参加组织生活”由系统自动记分"),
    ],
)
def test_givers_that_cannot_be_are_refused(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_a_shipped_rule_that_is_still_to_come_is_shown_as_it_will_be(secretary: Phone, clock: Clock) -> None:
    coming = [one for one in point_rule.rules().rules if one.valid_from > clock().date()]
    for rule in coming:
        since = f"{rule.valid_from.year}年{rule.valid_from.month}月{rule.valid_from.day}日起"
        assert f"{since}有效" in secretary(f"积分规则 {rule.name}")
        assert f"{since}才有" in secretary(f"积分规则 {rule.name} 3分")
        assert "不能撤回" in secretary(f"积分规则 撤回 {rule.name}")
