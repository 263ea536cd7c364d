"""体检, 补录, 换届时间 as people say them, through the dispatcher."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.audit import AuditEntry
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import BranchSetting, Organisation
from bot.models.points import PointEntry
from bot.nlu import clean
from bot.services import organisation
from handlers.cadence import router
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI


def activities(bot: App) -> list[Activity]:
    with bot.database.read() as session:
        return list(session.scalars(select(Activity).order_by(Activity.id)))


def acts(bot: App) -> list[str]:
    with bot.database.read() as session:
        return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))


def number_of(answer: str, rule: str) -> str:
    return next(line.split()[0] for line in answer.splitlines() if f"·{rule}：" in line)


def make_admin(bot: App, name: str = "刘芳") -> None:
    with bot.database.write() as session:
        member = session.scalars(select(Member).where(Member.name == name)).one()
        top = session.scalars(select(Organisation).where(Organisation.name == "示范供电公司党委")).one()
        session.add(
            Role(member_id=member.id, name=RoleName.ADMIN, organisation_id=top.id, starts_on=date(2026, 1, 1))
        )


def more_branches(bot: App, *names: str) -> None:
    with bot.database.write() as session:
        for name in names:
            node = organisation.ensure_path(session, f"示范供电公司党委/{name}")
            for n in range(3):
                session.add(
                    Member(
                        name=f"{name}{n}", branch_id=node.id, status=MemberStatus.FULL, created_at=bot.clock()
                    )
                )


@pytest.mark.parametrize("example", [example for one in router.commands for example in one.examples])
def test_every_example_leads_to_its_command(bot: App, example: str) -> None:
    found = bot.routes.command(clean(example))
    assert found is not None
    assert found.command.handler.__module__ == "handlers.cadence"
    assert example in found.command.examples


# 体检 ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["体检", "本月", "本季度还差什么", "还差什么", "体检一下"])
def test_the_check_says_what_is_due_with_days_and_clause(secretary: Phone, said: str) -> None:
    answer = secretary(said)
    assert answer.startswith("检修党支部体检：逾期 0，待办 ")
    assert "待办·主题党日：本月还没有记录，11月30日前（还剩7天）〔第十六条〕" in answer
    assert len(answer.splitlines()) <= 12


def test_overdue_comes_first_and_done_last(secretary: Phone, clock: Clock) -> None:
    secretary("补录 主题党日 11月6日")
    clock.jump(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI))
    secretary("补录 党员大会 10月20日")
    lines = secretary("体检").splitlines()
    kinds = [line.split()[1].split("·")[0] for line in lines if line[0].isdigit() and "·" in line]
    assert kinds == sorted(kinds, key=["逾期", "待办", "不清楚"].index)
    assert kinds[0] == "逾期"
    assert "党员大会" in next(line for line in lines if line.startswith("已完成："))
    assert not any("主题党日" in line and "11月没有" in line for line in lines)


def test_a_number_shows_the_clause_and_leads_back(secretary: Phone) -> None:
    answer = secretary(number_of(secretary("体检"), "支委会"))
    assert "检修党支部·支委会：待办" in answer
    assert "《中国共产党支部工作条例（试行）》第十二条（2018年）" in answer
    assert "多处文本一致" in answer
    assert len(answer.splitlines()) <= 12
    assert secretary("1").startswith("检修党支部体检")


def test_what_is_local_practice_is_said_in_plain_words(secretary: Phone) -> None:
    secretary.script(
        ("体检 党课", "第十六条", "各地做法可能不同，请以上级要求为准"),
        ("体检 学时", "党员教育培训工作规划", "各地做法可能不同"),
        ("体检 换届", "第二十一条", "换届时间 2024-03-15"),
    )


def test_all_rules_can_be_reached_by_number(secretary: Phone) -> None:
    first = secretary("体检")
    more = next(line.split()[0] for line in first.splitlines() if "还有" in line and "项" in line)
    second = secretary(more)
    shown = {
        line.split("·")[1].split("：")[0]
        for page in (first, second)
        for line in page.splitlines()
        if "·" in line
    }
    done = first.split("已完成：")[1].splitlines()[0].split("、")
    assert len(shown | set(done)) == 12


def test_an_unknown_rule_gets_a_sentence(secretary: Phone) -> None:
    assert "没有找到您能看的支部或项目“茶话会”" in secretary("体检 茶话会")


def test_a_member_may_not_see_the_check(phone: PhoneBook) -> None:
    assert "需要支部书记或委员来办" in phone("张伟")("体检")
    assert "需要支部书记或委员来办" in phone("阿不力孜")("体检")


def test_an_admin_sees_all_branches_below_and_opens_one(bot: App, phone: PhoneBook) -> None:
    make_admin(bot)
    more_branches(bot, "营销党支部", "调度党支部")
    admin = phone("刘芳")
    answer = admin("体检")
    assert answer.startswith("3 个支部体检：0 个有逾期，3 个有待办，0 个都按时完成")
    line = next(line for line in answer.splitlines() if "营销党支部" in line)
    opened = admin(line.split()[0])
    assert opened.startswith("营销党支部体检")
    detail = admin(number_of(opened, "主题党日"))
    assert detail.startswith("营销党支部·主题党日")
    assert admin("1").startswith("营销党支部体检")
    assert admin("体检 调度党支部").startswith("调度党支部体检")


def test_a_branch_that_went_into_another_is_not_shown(bot: App, phone: PhoneBook) -> None:
    make_admin(bot)
    more_branches(bot, "营销党支部", "调度党支部")
    with bot.database.write() as session:
        by_name = {one.name: one for one in session.scalars(select(Organisation))}
        by_name["调度党支部"].merged_into_id = by_name["营销党支部"].id
    admin = phone("刘芳")
    assert admin("体检").startswith("2 个支部体检")
    assert "没有找到" in admin(f"体检 #{by_name['调度党支部'].id}")


def test_many_branches_come_in_pages(bot: App, phone: PhoneBook, clock: Clock) -> None:
    make_admin(bot)
    more_branches(bot, *(f"第{n}运维党支部" for n in range(9)))
    clock.jump(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI))
    answer = phone("刘芳")("体检")
    assert "10 个支部体检：10 个有逾期" in answer
    assert "逾期最多：主题党日 10 个" in answer
    assert len(answer.splitlines()) <= 12
    assert "8 还有 3 个支部" in answer
    second = phone("刘芳")("8")
    assert (
        len(
            [
                line
                for line in second.splitlines()
                if "：逾期" in line and line[0].isdigit() and "支部体检" not in line
            ]
        )
        == 3
    )


def test_a_secretary_cannot_open_another_branch(bot: App, secretary: Phone) -> None:
    more_branches(bot, "营销党支部")
    with bot.database.read() as session:
        other = session.scalars(select(Organisation.id).where(Organisation.name == "营销党支部")).one()
    assert "没有找到" in secretary(f"体检 #{other}")
    assert "没有找到" in secretary("体检 营销党支部")


# 补录 ----------------------------------------------------------------------------------------------------------------------


def test_what_was_held_without_the_bot_counts(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("体检 支委会", "待办"),
        ("补录 支委会 11月12日 研究发展党员", "已补录：11月12日(周四)支委会", "支委会：已完成", "撤销"),
        ("体检 支委会", "检修党支部·支委会：已完成"),
    )
    (kept,) = activities(bot)
    assert (kept.kind, kept.theme, kept.state) == ("支委会", "研究发展党员", ActivityState.ENDED)
    assert kept.starts_at == kept.ends_at == kept.ended_at, "no hours were told, none are invented"
    assert acts(bot)[-1] == "补录活动"
    with bot.database.read() as session:
        assert session.scalars(select(Attendance)).all() == []
        assert session.scalars(select(PointEntry)).all() == []


def test_a_told_time_is_kept(bot: App, secretary: Phone) -> None:
    secretary("补录 党课 11月12日 14:30 书记讲党课")
    (kept,) = activities(bot)
    assert kept.starts_at == datetime(2026, 11, 12, 14, 30, tzinfo=SHANGHAI)
    assert kept.ends_at - kept.starts_at == timedelta(minutes=60)


def test_an_alias_names_the_kind(bot: App, secretary: Phone) -> None:
    secretary("补录 支部大会 10月9日")
    assert activities(bot)[0].kind == "党员大会"


def test_a_record_can_be_taken_back(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("补录 支委会 11月12日", "已补录"),
        ("撤销", "已撤销补录的支委会"),
        ("体检 支委会", "待办"),
        ("补录 支委会 11月12日", "已补录"),
    )
    assert [one.state for one in activities(bot)] == [ActivityState.CANCELLED, ActivityState.ENDED]
    assert acts(bot)[-3:] == ["补录活动", "撤销补录", "补录活动"]


def test_the_same_meeting_is_not_recorded_twice(bot: App, secretary: Phone) -> None:
    secretary.script(("补录 支委会 11月12日", "已补录"), ("补录 支委会 11月12日", "已经有记录，没有重复登记"))
    assert len(activities(bot)) == 1


@pytest.mark.parametrize(
    ("said", "part"),
    [
        ("补录 支委会 12月5日", "还没有过完"),
        ("补录 支委会 今天", "还没有过完"),
        ("补录 支委会 2024年11月12日", "太早了"),
        ("补录 支委会", "还差日期"),
        ("补录 11月12日", "要补录哪种活动"),
        ("补录 支委会 11月12日 " + "研究" * 40, "太长了"),
        ("补录 谈心谈话 11月12日 王建国", "要写两个人的名字"),
    ],
)
def test_a_record_that_is_not_whole_says_what_is_missing(
    bot: App, secretary: Phone, said: str, part: str
) -> None:
    assert part in secretary(said)
    assert activities(bot) == []


def test_a_group_meeting_belongs_to_a_group(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("补录 党小组会 11月10日", "是哪个党小组", "2 第二党小组"),
        ("2", "已补录：11月10日(周二)党小组会（第二党小组）", "本月（第一党小组、第三党小组）还没有记录"),
        ("补录第一党小组会 11月11日", "第一党小组"),
        ("补录 党小组会 第三小组 11月11日", "党小组会：已完成"),
    )
    with bot.database.read() as session:
        names = session.scalars(
            select(Organisation.name)
            .join(Activity, Activity.group_id == Organisation.id)
            .order_by(Activity.id)
        ).all()
    assert names == ["第二党小组", "第一党小组", "第三党小组"]


def test_a_group_leader_records_only_meetings_of_the_own_group(bot: App, phone: PhoneBook) -> None:
    leader = phone("阿不力孜")
    leader.script(
        ("补录 党小组会 第三党小组 11月10日", "已补录"),
        ("补录 党小组会 第一党小组 11月10日", "需要支部书记或委员来办"),
        ("补录 支委会 11月10日", "需要支部书记或委员来办"),
    )
    assert len(activities(bot)) == 1
    assert "需要" in phone("张伟")("补录 支委会 11月12日")


def test_a_talk_has_its_two_people(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("体检 谈心谈话", "支委之间 0/10 对"),
        ("补录 谈心谈话 11月12日 王建国 陈刚", "已补录", "支委之间 1/10 对"),
        ("补录 谈心谈话 11月12日 陈刚 王建国", "已经有记录"),
        ("补录 谈心谈话 11月12日 王建国 张伟", "党员与支委 1/7 人"),
        ("撤销", "已撤销"),
        ("体检 谈心谈话", "党员与支委 0/7 人"),
    )


# 换届时间, 党课频次 ----------------------------------------------------------------------------------------------------------


def test_the_term_is_set_after_a_confirmation(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("换届时间", "还没有登记"),
        ("换届时间 2024-03-15", "2027-03-15 届满", "1 确认"),
        ("体检 换届", "不清楚"),
        ("继续", "1 确认"),
        ("1", "已登记"),
        ("体检 换届", "待办", "本届2027年3月15日届满，还剩112天"),
        ("换届时间", "本届从 2024-03-15 开始"),
    )
    assert acts(bot)[-1] == "登记换届时间"


def test_the_term_can_be_refused_changed_and_taken_back(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("换届时间 2024年3月15日", "2027-03-15"),
        ("取消", "没有改动"),
        ("换届时间 2024-03-15", "2027-03-15"),
        ("2025-03-15", "2028-03-15"),
        ("确认", "已登记"),
        ("撤销", "已改回"),
        ("换届时间", "还没有登记"),
    )


@pytest.mark.parametrize(
    "said", ["换届时间 3月15日", "换届时间 2027-03-15", "换届时间 2015-03-15", "换届时间 不知道"]
)
def test_a_bad_beginning_of_a_term_is_refused(secretary: Phone, said: str) -> None:
    assert "请写本届开始的日期，要有年份" in secretary(said)


def test_only_those_in_charge_set_the_term(phone: PhoneBook) -> None:
    assert "需要支部书记或委员来办" in phone("张伟")("换届时间 2024-03-15")


def test_how_often_a_lecture_is_held_is_set_by_the_branch(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("体检 党课", "本季度还没有记录"),
        ("党课频次 每半年一次", "每季度 → 每半年"),
        ("体检 党课", "本半年还没有记录"),
        ("党课频次 随便", "没看懂党课多久一次"),
        ("撤销", "已改回"),
        ("体检 党课", "本季度还没有记录"),
    )
    with bot.database.read() as session:
        assert session.scalars(select(BranchSetting.values)).all() == [{}]
