"""结算: draft, public notice, appeals, final; what comes later counts in the next period, and nothing counts twice."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date, datetime, timedelta
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from sqlalchemy import select, text, update

from bot import documents
from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation
from bot.models.points import PointEntry
from bot.models.settlement import Settlement, SettlementResult, SettlementState
from bot.services import bulletin, point_chain, point_rule, points, settlement, settlement_period
from bot.services.point_cap import Caps
from bot.services.points import AlreadyReversed, IsAReversal, WrongAmount
from scheduler import runner
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

_facts = (f"settled {n}" for n in itertools.count())
Give = Callable[..., int]


def at(month: int, day: int, hour: int = 9, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, tzinfo=SHANGHAI)


@pytest.fixture
def give(bot: App) -> Give:
    """An entry of a day in the past; its number."""

    def given_on(when: datetime, amount: int = 3, *, to: str = "张伟", code: str = "model") -> int:
        with bot.database.write() as session:
            who = session.scalars(select(Member.id).where(Member.name == to)).one()
            giver = session.scalars(select(Member.id).where(Member.name == "陈刚")).one()
            done = points.award(
                session, who, code, fact=next(_facts), reason="带头", now=when, points=amount, giver_id=giver
            )
            assert done.entry_id
            return done.entry_id

    return given_on


def result(database: Database, period: str, name: str = "张伟") -> SettlementResult:
    with database.read() as session:
        return session.scalars(
            select(SettlementResult)
            .join(Settlement, Settlement.id == SettlementResult.settlement_id)
            .join(Member, Member.id == SettlementResult.member_id)
            .where(Settlement.period == period, Member.name == name)
        ).one()


def only(database: Database) -> Settlement:
    with database.read() as session:
        return session.scalars(select(Settlement)).one()


def later(bot: App, clock: Clock, to: datetime) -> None:
    clock.jump(to)
    runner.run_due(bot.node, clock())


def correct(bot: App, entry: int, right: int) -> None:
    with bot.database.write() as session:
        row = session.get_one(PointEntry, entry)
        giver = session.scalars(select(Member.id).where(Member.name == "王建国")).one()
        points.correct(session, row, right, reason="更正", giver_id=giver, now=bot.clock())


def test_a_quarter_is_settled_made_known_and_final(
    phone: PhoneBook, secretary: Phone, bot: App, clock: Clock, database: Database, give: Give
) -> None:
    runner.run_due(bot.node, clock())
    give(at(8, 3), 4)
    give(at(8, 4), 2, to="古丽", code="duty")
    give(at(10, 2), 5)
    secretary.script(
        ("结算", "2026年第3季度积分结算草稿", "最高 4 分", "公示 5 个工作日", "1 确认"),
        ("1", "开始公示，到 2026年11月30日(周一)18:00", "正在把各人自己的结果发给"),
        ("结算", "2026年第3季度公示中，不用再结算"),
        ("结算情况", "公示中", "没处理的申诉 0 件"),
    )
    zhang = phone("张伟")
    assert any("您共 4 分" in one and "申诉 编号 理由" in one for one in zhang.pushes())
    assert "您共 2 分" in phone("古丽")("公示结果")
    later(bot, clock, at(11, 30, 17))
    assert only(database).state is SettlementState.NOTICE
    later(bot, clock, at(11, 30, 19))
    assert only(database).state is SettlementState.FINAL
    secretary.script(("结算情况", "已定稿", "第十八条", "只给您看"), ("结算", "2026年第3季度已定稿"))
    assert "已定稿：您共 4 分" in zhang("公示结果")
    assert not [one for one in zhang.pushes() if "定稿" in one]


def test_an_appeal_in_the_window_holds_the_final_and_counts_in_it(
    phone: PhoneBook, secretary: Phone, bot: App, clock: Clock, database: Database, give: Give
) -> None:
    """The entry is older than thirty days, but its period is in public notice."""
    runner.run_due(bot.node, clock())
    entry = give(at(7, 6), 1)
    zhang = phone("张伟")
    assert "要在 30 天内提出" in zhang(f"申诉 {entry} 带队两天")
    secretary.script(("结算 三季度", "草稿"), ("确认", "开始公示"))
    zhang.script((f"申诉 {entry} 带队两天", "申诉已收到"))
    later(bot, clock, at(12, 1, 9))
    assert only(database).state is SettlementState.NOTICE
    assert any("还有 1 件申诉没有处理" in one for one in secretary.pushes())
    secretary.script(("审核", "申诉"), ("同意", "重记 +3 分"))
    later(bot, clock, at(12, 1, 10) + timedelta(minutes=15))
    assert result(database, "2026Q3").total == 3
    assert only(database).state is SettlementState.FINAL
    assert any("已定稿：您共 3 分（公示时 1 分）" in one for one in zhang.pushes())
    assert "要在 30 天内提出" in zhang("申诉 1 还是不对")


def test_what_is_corrected_after_the_final_counts_in_the_next_period(
    secretary: Phone, bot: App, clock: Clock, database: Database, give: Give
) -> None:
    runner.run_due(bot.node, clock())
    entry = give(at(8, 3), 4)
    secretary.script(("结算", "草稿"), ("确认", "开始公示"))
    later(bot, clock, at(12, 1, 9))
    correct(bot, entry, 1)
    give(at(12, 2), 2)
    later(bot, clock, at(1, 4, 9, 2027))
    secretary.script(("结算", "2026年第4季度积分结算草稿", "含往期更正 1 人"), ("确认", "开始公示"))
    assert result(database, "2026Q3").total == 4
    fourth = result(database, "2026Q4")
    assert (fourth.correction, fourth.total, sum(fourth.dimensions.values())) == (-3, -1, 2)


def test_a_final_settlement_anchors_the_ledger(
    secretary: Phone, bot: App, clock: Clock, database: Database, give: Give
) -> None:
    """Who rewrites a whole chain consistently cannot rewrite what a final settlement saw."""
    runner.run_due(bot.node, clock())
    entry = give(at(8, 3), 4)
    secretary.script(("结算", "草稿"), ("确认", "开始公示"))
    later(bot, clock, at(12, 1, 9))
    with database.write() as session:
        assert points.verify(session) == []
        row = session.get_one(PointEntry, entry)
        facts = {column.name: getattr(row, column.name) for column in PointEntry.__table__.columns}
        chain = point_chain.seal("", {**facts, "reason": "另一个理由"})
        for table in ("point_entry", "point_balance"):
            session.execute(
                text(f"UPDATE {table} SET chain = :c WHERE chain = :o"), {"c": chain, "o": row.chain}
            )
        session.execute(text("UPDATE point_entry SET reason = '另一个理由' WHERE id = :i"), {"i": entry})
    with database.read() as session:
        found = [(one.entry_id, one.what) for one in points.verify(session)]
    assert found == [(entry, "differs from what a final settlement saw")]


def test_months_share_the_cap_of_their_quarter(
    secretary: Phone, bot: App, clock: Clock, database: Database, give: Give
) -> None:
    runner.run_due(bot.node, clock())
    for number in range(4):
        give(at(10, 8 + number), 5)
    for number in range(4):
        give(at(11, 2 + number), 3, code="volunteer")
    assert "已改" in secretary("积分设置 按月")
    secretary.script(("结算", "2026年10月积分结算草稿", "最高 20 分"), ("确认", "开始公示"))
    later(bot, clock, at(12, 3, 9))
    secretary.script(("结算 11月", "最高 5 分"))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("结算 2026Q4", "还没有结束"),
        ("结算 明年", "没看懂是哪一期"),
        ("结算 13月", "没看懂是哪一期"),
        ("结算 2027-01", "还没有结束"),
        ("积分设置 公示 1", "3 到 15 个工作日"),
        ("积分设置 公示 5", "没有改动"),
        ("积分设置 每天", "没看懂要改哪一项"),
    ],
)
def test_what_cannot_be_settled_is_said(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_periods_do_not_overlap_and_come_in_order(
    secretary: Phone, bot: App, clock: Clock, give: Give
) -> None:
    runner.run_due(bot.node, clock())
    give(at(8, 3), 4)
    secretary.script(
        ("结算 三季度", "草稿"),
        ("取消", "没有公示"),
        ("结算 三季度", "草稿"),
        ("确认", "开始公示"),
        ("结算 9月", "2026年9月与已结算的2026年第3季度有重叠"),
        ("结算 二季度", "2026年第3季度已经结算，2026年第2季度不能再补结"),
        ("结算 10月", "2026年第3季度还在公示，定稿后再结算2026年10月"),
    )


def test_two_secretaries_publish_once(phone: PhoneBook, secretary: Phone, give: Give) -> None:
    give(at(8, 3), 4)
    deputy = phone("陈刚")
    secretary("结算")
    deputy("结算")
    assert "开始公示" in secretary("确认")
    assert "公示中，不用再结算" in deputy("确认")
    assert len([one for one in phone("张伟").pushes() if "积分公示" in one]) == 1


def test_a_new_day_means_a_new_setting_only_for_the_own_branch(phone: PhoneBook) -> None:
    assert "需要支部书记或副书记来办" in phone("张伟")("结算")
    assert "需要支部书记或副书记来办" in phone("张伟")("积分设置 按月")


@pytest.mark.parametrize(
    ("said", "today", "expected"),
    [
        ("三季度", date(2026, 11, 23), "2026Q3"),
        ("第4季度", date(2026, 3, 1), "2025Q4"),
        ("2026Q3", date(2026, 11, 23), "2026Q3"),
        ("2026年三季度", date(2026, 11, 23), "2026Q3"),
        ("10月", date(2026, 11, 23), "2026-10"),
        ("12月份", date(2026, 11, 23), "2025-12"),
        ("2026-09", date(2026, 11, 23), "2026-09"),
        ("2025年9月", date(2026, 11, 23), "2025-09"),
    ],
)
def test_a_period_is_understood(said: str, today: date, expected: str) -> None:
    assert settlement_period.named(said, today).name == expected


def test_the_last_ended_period_follows_the_calendar() -> None:
    assert settlement_period.last_ended("quarter", date(2027, 1, 1)).name == "2026Q4"
    assert settlement_period.last_ended("quarter", date(2026, 12, 31)).name == "2026Q3"
    assert settlement_period.last_ended("month", date(2027, 1, 31)) == settlement_period.month(2026, 12)
    assert settlement_period.month(2026, 12).ends_on == date(2026, 12, 31)


def test_at_most_a_third_is_suggested_and_no_equals_at_the_edge(
    secretary: Phone, database: Database, give: Give
) -> None:
    """Eleven full members: three at most. 4, 4 and 3, 3 at the edge: only the first two are named."""
    with database.write() as session:
        full = [
            m.name
            for m in session.scalars(select(Member).order_by(Member.id))
            if m.status is MemberStatus.FULL
        ]
    assert 9 <= len(full) < 12
    for name, amount in zip(full, (4, 4, 3, 3), strict=False):
        give(at(8, 3), amount, to=name)
    secretary("结算")
    with database.read() as session:
        assert settlement.suggested(session, only(database).id) == full[:2]


def test_nobody_without_points_is_suggested(secretary: Phone, database: Database) -> None:
    secretary("结算")
    with database.read() as session:
        assert settlement.suggested(session, only(database).id) == []


def test_the_bulletin_has_everybody_by_roster_and_no_ranking(
    secretary: Phone, database: Database, clock: Clock, give: Give
) -> None:
    give(at(8, 3), 4, to="古丽")
    with database.write() as session:
        session.execute(update(Organisation).where(Organisation.name == "第一党小组").values(name="=1+1"))
    secretary.script(("结算", "草稿"), ("确认", "开始公示"))
    with database.read() as session:
        facts = bulletin.facts(session, only(database).id, clock())
        sheet = load_workbook(BytesIO(documents.bulletin_sheet_of(facts, now=clock()).body)).active
        expected = list(
            session.scalars(
                select(Member.name)
                .join(SettlementResult, SettlementResult.member_id == Member.id)
                .order_by(Member.id)
            )
        )
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][0] == "检修党支部2026年第3季度党员积分公示"
    assert "公示中" in str(rows[1][0])
    assert rows[2] == (
        "序号",
        "姓名",
        "党小组",
        *(d.name for d in point_rule.rules().dimensions),
        "往期更正",
        "合计",
    )
    assert [row[1] for row in rows[3:-1]] == expected
    assert next(row for row in rows if row[1] == "古丽")[-1] == 4
    assert all(cell.data_type != "f" for cells in sheet.iter_rows() for cell in cells)


ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("give"), st.sampled_from(("model", "volunteer", "duty")), st.integers(1, 5)),
        st.tuples(st.just("correct"), st.just(""), st.integers(0, 12)),
        st.tuples(st.just("later"), st.just(""), st.integers(5, 70)),
        st.tuples(st.just("settle"), st.just(""), st.just(0)),
    ),
    max_size=16,
)


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_settlements_add_up_to_what_counts_in_the_ledger(
    database: Database, acts: list[tuple[str, str, int]]
) -> None:
    """Whatever is given, corrected and settled, in whatever order: the sum of all final results is what the ledger counts to their end."""
    now = at(1, 5)
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        branch = session.get_one(Organisation, who.branch_id)
        for what, code, number in [*acts, ("later", "", 95), ("settle", "", 0)]:
            if what == "give":
                points.award(session, who.id, code, fact=next(_facts), reason="做了", now=now, points=number)
            elif what == "correct":
                _correct(session, number, now)
            elif what == "later":
                now += timedelta(days=number)
            else:
                _settle(session, branch, who, now)
        finals = session.scalars(select(Settlement).where(Settlement.state == SettlementState.FINAL)).all()
        settled = sum(
            one.total
            for final in finals
            for one in settlement.results(session, final.id)
            if one.member_id == who.id
        )
        first, end = min(f.starts_on for f in finals), max(f.ends_on for f in finals)
        rows = session.execute(
            select(PointEntry.period, PointEntry.dimension, PointEntry.points).where(
                PointEntry.member_id == who.id, PointEntry.day >= first, PointEntry.day <= end
            )
        ).all()
        sums: dict[tuple[str, str], int] = {}
        for period, dimension, amount in rows:
            sums[period, dimension] = sums.get((period, dimension), 0) + amount
        assert settled == sum(
            Caps().counted(dimension, amount, period) for (period, dimension), amount in sums.items()
        )
        assert points.verify(session) == []
        session.rollback()


def _correct(session, number: int, now: datetime) -> None:  # type: ignore[no-untyped-def]
    entries = session.scalars(select(PointEntry).order_by(PointEntry.id.desc()).limit(12)).all()
    if entries:
        try:
            points.correct(
                session, entries[number % len(entries)], number % 6, reason="更正", giver_id=1, now=now
            )
        except (AlreadyReversed, IsAReversal, WrongAmount):
            return


def _settle(session, branch: Organisation, who: Member, now: datetime) -> None:  # type: ignore[no-untyped-def]
    """The quarter that ended last, from draft to final at once; an earlier one first, if none was settled in between."""
    try:
        one = settlement.draft(
            session, branch, settlement_period.last_ended("quarter", now.date()), by=who, now=now
        )
    except settlement.AlreadyKnown:
        return
    settlement.publish(session, one, now=now)
    assert settlement.close(session, one.id, now + timedelta(days=30))
