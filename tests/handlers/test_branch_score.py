"""战斗堡垒指数: derived from what is recorded, part by part, for who may see the branch; never a ranking."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.study import StudyRecord
from bot.services import branch_score, settlement_period
from bot.services.branch_score import Score
from content import ROOT, ContentError, read_toml
from content import branch_score as file
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI


def known_since(bot: App, day: datetime) -> None:
    """As if the branch had been on the roster since then."""
    with bot.database.write() as session:
        session.execute(update(Member).values(created_at=day))


def score(bot: App, *, quarter: int = 4) -> Score:
    with bot.database.read() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        period = settlement_period.quarter(2026, quarter)
        return branch_score.of_scope(session, Organisation.id == branch.id, period, bot.clock())[0]


def part(found: Score, code: str) -> tuple[int, int, float | None]:
    one = next(one for one in found.parts if one.part.code == code)
    return one.found.done, one.found.due, one.points


def test_what_is_not_recorded_is_left_out_and_too_little_makes_no_sum(secretary: Phone) -> None:
    told = secretary("堡垒指数")
    assert "有记录的还不到一半，先不算总分" in told
    assert "组织生活按时 未计入" in told
    assert "自拟，没有文件规定" in told
    assert len(told.splitlines()) <= 12


def test_meetings_in_their_month_count_and_the_missing_are_named(
    bot: App, clock: Clock, secretary: Phone
) -> None:
    known_since(bot, datetime(2026, 10, 1, tzinfo=SHANGHAI))
    before = part(score(bot), "cadence")
    secretary.script(("补录 支委会 10月12日", "已补录"), ("补录 主题党日 10月20日 重温入党誓词", "已补录"))
    after = part(score(bot), "cadence")
    assert before[0] == 0
    assert after[:2] == (2, before[1])
    assert after[2] == pytest.approx(40 * 2 / after[1])
    assert "缺 10月党小组会" in secretary("堡垒指数")
    # What goes on counts once it is done, and does not lower the score before.
    secretary("补录 支委会 11月12日")
    assert part(score(bot), "cadence")[:2] == (3, before[1] + 1)


def test_a_hazard_counts_once_somebody_else_has_looked(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    known_since(bot, datetime(2026, 10, 1, tzinfo=SHANGHAI))
    phone("张伟")("隐患 2号主变渗油")
    secretary("派发 YH1 李明 3天")
    phone("李明")("整改 YH1 已紧固法兰")
    assert part(score(bot), "hazards") == (0, 0, None), "neither late nor closed"
    secretary("复查 YH1 通过")
    assert part(score(bot), "hazards") == (1, 1, 20)
    assert "隐患按期闭环 20/20：应整改 1 处，按期闭环 1 处" in secretary("堡垒指数")
    secretary("撤销")
    assert part(score(bot), "hazards") == (0, 0, None)
    clock.sleep(timedelta(days=5))
    assert part(score(bot), "hazards") == (0, 1, 0)
    assert part(score(bot, quarter=3), "hazards") == (0, 0, None)


def test_a_key_task_counts_when_it_is_done_in_time_and_confirmed(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    known_since(bot, datetime(2026, 10, 1, tzinfo=SHANGHAI))
    for name in ("张伟", "李明"):
        secretary.script((f"新建任务 城西变检修 {name} 12月5日", name), ("确认", "已新建"))
    assert part(score(bot), "tasks") == (0, 0, None)
    phone("张伟")("完成任务 RW1 送电正常")
    secretary("确认任务 RW1")
    assert part(score(bot), "tasks") == (1, 1, 20)
    clock.sleep(timedelta(days=30))
    assert part(score(bot), "tasks") == (1, 2, 10)
    assert "关键任务按期完成 10/20：应完成 2 项，按期完成 1 项" in secretary("堡垒指数")


def test_study_is_measured_by_the_days_that_the_branch_is_there(bot: App, clock: Clock) -> None:
    known_since(bot, datetime(2026, 11, 1, tzinfo=SHANGHAI))
    with bot.database.write() as session:
        for name, minutes in (("张伟", 200), ("古丽", 20)):
            who = session.scalars(select(Member.id).where(Member.name == name)).one()
            session.add(StudyRecord(member_id=who, what="自学", minutes=minutes, at=clock()))
    # 22 of 365 days of 32 hours are 116 minutes.
    assert part(score(bot), "study")[:2] == (1, 12)


def test_nothing_is_stored_and_a_past_quarter_goes_by_its_own_facts(
    bot: App, clock: Clock, secretary: Phone
) -> None:
    known_since(bot, datetime(2026, 1, 1, tzinfo=SHANGHAI))
    secretary("补录 支委会 9月12日")
    third = score(bot, quarter=3)
    assert "2026年第3季度战斗堡垒指数" in secretary("堡垒指数 三季度")
    secretary("新建任务 城西变检修 张伟 12月5日")
    secretary("确认")
    secretary("补录 支委会 10月12日")
    clock.jump(datetime(2027, 2, 1, 9, tzinfo=SHANGHAI))
    assert score(bot, quarter=3) == third
    year_end = part(score(bot, quarter=4), "cadence")
    assert year_end[1] > part(third, "cadence")[1], "what is due once a year is due in the last quarter"


def test_an_admin_sees_all_branches_without_a_ranking_and_opens_one(bot: App, phone: PhoneBook) -> None:
    with bot.database.write() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        root = session.get_one(Organisation, branch.parent_id)
        for n in range(10):
            other = Organisation(name=f"第{n}党支部", kind=branch.kind, parent_id=root.id, path="")
            session.add(other)
            session.flush()
            other.path = f"{root.path}{other.id}/"
        chief = session.scalars(select(Member).where(Member.name == "刘芳")).one()
        session.add(
            Role(member_id=chief.id, organisation_id=root.id, name=RoleName.ADMIN, starts_on=date(2026, 1, 1))
        )
    liu = phone("刘芳")
    told = liu("堡垒指数")
    assert "11 个支部（按登记顺序，不排名）" in told
    assert "1 检修党支部：" in told
    assert len(told.splitlines()) <= 12
    assert "第9党支部" in liu("9")
    liu("堡垒指数")
    assert "隐患按期闭环 未计入" in liu("1")


def test_a_secretary_sees_no_other_branch_and_a_member_none(
    bot: App, secretary: Phone, phone: PhoneBook
) -> None:
    with bot.database.write() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        other = Organisation(name="别的支部", kind=branch.kind, parent_id=branch.parent_id, path="/99/")
        session.add(other)
        session.flush()
        number = other.id
    assert "没有找到您能看的支部" in secretary(f"堡垒指数 #{number}")
    assert "需要支部书记或委员来办" in phone("张伟")("堡垒指数")


@pytest.mark.parametrize(
    ("said", "answer"),
    [("堡垒指数 10月", "按季度算"), ("堡垒指数 2027Q1", "还没有开始"), ("堡垒指数 天气", "没看懂")],
)
def test_what_is_no_quarter_is_told(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_a_new_version_judges_only_the_quarters_from_its_day_on(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = read_toml(ROOT / "branch_score.toml")
    old = raw["version"][0]
    known = file.parse({"version": [old, {**old, "number": 2, "valid_from": date(2027, 1, 1)}]})
    monkeypatch.setattr(branch_score, "versions", lambda: known)
    days = (date(2026, 12, 31), date(2027, 3, 31), date(2020, 1, 1))
    assert [branch_score.version_on(day).number for day in days] == [1, 2, 1]


@pytest.mark.parametrize(
    ("where", "values", "told"),
    [
        ("part", {"weight": 41}, "加起来要等于 100"),
        ("part", {"code": "rank"}, "code 只能是"),
        ("part", {"target": 0}, "target"),
        ("part", {"colour": "red"}, "colour"),
        ("version", {"confidence": "sure"}, "confidence"),
        ("version", {"source": ""}, "source"),
    ],
)
def test_a_mistake_in_the_file_is_named(where: str, values: dict[str, Any], told: str) -> None:
    raw = read_toml(ROOT / "branch_score.toml")
    (raw["version"][0]["part"][0] if where == "part" else raw["version"][0]).update(values)
    with pytest.raises(ContentError, match=told):
        file.parse(raw)
