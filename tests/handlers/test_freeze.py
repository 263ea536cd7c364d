"""Freeze periods: set by chat for a branch or for all below, what they hold back and what not, day by day."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from sqlalchemy import select

from bot.app import App
from bot.models.audit import AuditEntry
from bot.models.freeze import FreezePeriod
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Urgency
from bot.services import freeze, outbox
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.stage import Stage

NOTICE = "通知 全体 明天停电 需回执"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]


def studied(stage: Stage, name: str = "张伟") -> bool:
    return any("学完了" in text for text in stage.pushes(name))


@pytest.mark.parametrize(
    ("said", "first", "last", "reason"),
    [
        ("保电 7月1日到8月31日", date(2027, 7, 1), date(2027, 8, 31), "保电"),
        ("迎峰度夏 7月15日至8月31日", date(2027, 7, 15), date(2027, 8, 31), "迎峰度夏"),
        ("保电 12月20日-1月5日", date(2026, 12, 20), date(2027, 1, 5), "保电"),
        ("保电 12月5日", date(2026, 12, 5), date(2026, 12, 5), "保电"),
        ("保电 12月5日到9日", date(2026, 12, 5), date(2026, 12, 9), "保电"),
        ("保电 今天到周五", date(2026, 11, 23), date(2026, 11, 27), "保电"),
        ("保电3天", date(2026, 11, 23), date(2026, 11, 25), "保电"),
    ],
)
def test_the_days_are_understood(
    secretary: Phone, bot: App, said: str, first: date, last: date, reason: str
) -> None:
    secretary.script((said, f"已设置{reason} #1", "检修党支部", "不推每日学习", "取消保电 #1"))
    with bot.database.read() as session:
        period = session.scalars(select(FreezePeriod)).one()
        assert (period.first_on, period.last_on, period.reason) == (first, last, reason)
        assert "设置保电期" in session.scalars(select(AuditEntry.act)).all()


def test_bad_days_are_refused_with_an_example(secretary: Phone, bot: App) -> None:
    secretary.script(
        ("保电 夏天", "没看懂起止日期", "例如"),
        ("保电 12月1日到13月1日", "没看懂起止日期"),
        ("保电 12月5日到40日", "没看懂起止日期"),
        ("保电 2026年7月1日到2026年8月31日", "已经过去"),
        ("保电 12月1日到2027年12月1日", "最长半年"),
    )
    with bot.database.read() as session:
        assert session.scalars(select(FreezePeriod)).all() == []


def test_they_are_listed_and_called_off(secretary: Phone) -> None:
    secretary.script(
        ("保电", "现在没有保电期", "保电 7月1日到8月31日"),
        ("保电 今天到周五", "#1"),
        ("迎峰度夏 7月1日到8月31日", "#2"),
        ("保电", "1 #1 保电 11月23日(周一)到11月27日(周五)（检修党支部）", "2 #2 迎峰度夏 2027年7月1日"),
        ("取消保电", "1 #1"),
        ("1", "已取消保电 #1"),
        ("取消保电", "已取消迎峰度夏 #2"),
        ("取消保电 #2", "没有找到"),
        ("保电 今天到周五", "#3"),
        ("撤销", "已撤销保电 #3"),
        ("保电", "现在没有保电期"),
    )


def test_only_those_who_may_change_settings(phone: PhoneBook) -> None:
    assert "需要支部书记" in phone("张伟")("保电 3天")
    assert "需要支部书记" in phone("马强")("取消保电 #1")


def test_study_pauses_from_the_first_to_the_last_day(stage: Stage) -> None:
    stage.script("王建国", ("保电 11月25日到11月26日", "已设置保电"))
    stage.pushes("张伟")
    stage.jump(at(2026, 11, 24, 20, 0))
    assert studied(stage), "the day before is a day like any other"
    stage.jump(at(2026, 11, 25, 20, 0))
    assert not studied(stage)
    stage.jump(at(2026, 11, 26, 23, 59))
    assert not studied(stage)
    stage.jump(at(2026, 11, 27, 9, 0))
    assert studied(stage), "the day after it begins again"


def test_nobody_is_nudged_and_those_signed_up_are_reminded(stage: Stage) -> None:
    stage.script("王建国", ("发布主题党日 11月25日14:30 三楼 主题:宪法宣传", "预览"), ("确认", "12 人"))
    stage.say("张伟", "报名")
    stage.script(
        "王建国",
        ("保电 今天到周五", "已设置保电"),
        ("催一下", "现在是保电期间（到11月27日(周五)），不催办", "加急"),
    )
    stage.pushes("张伟")
    stage.pushes("古丽")
    stage.jump(at(2026, 11, 25, 14, 0))
    assert [text for text in stage.pushes("张伟") if text.startswith("提醒：")]
    assert stage.pushes("古丽") == []


def test_notices_activities_and_what_is_urgent_go_out(stage: Stage) -> None:
    stage.script("王建国", ("保电 今天到周五", "已设置保电"))
    stage.script("王建国", (NOTICE, "预览"), ("确认", "正在发送"))
    assert [text for text in stage.pushes("张伟") if "明天停电" in text]
    assert "不催办" in stage.say("王建国", "催回执")
    stage.script("王建国", ("发布主题党日 11月27日14:30 三楼 主题:宪法宣传", "预览"), ("确认", "12 人"))
    assert [text for text in stage.pushes("张伟") if "宪法宣传" in text]
    stage.script("王建国", ("取消活动", "要取消"), ("确认", "已取消"))
    stage.script(
        "王建国", ("通知 全体 撤离一号库房 需回执 加急 现场有险情", "加急：现场有险情"), ("确认", "正在发送")
    )
    assert [text for text in stage.pushes("张伟") if "撤离" in text]
    assert "将提醒" in stage.say("王建国", "催回执 #3"), "an urgent notice may be asked about at any time"


def test_what_waits_for_the_end_goes_out_when_it_is_called_off(stage: Stage) -> None:
    stage.script("王建国", ("保电 今天到周五", "已设置保电"))
    with stage.bot.database.write() as session:
        zhang = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        for text, expires_at in (
            ("长期", None),
            ("周三前有用", at(2026, 11, 25, 0, 0)),
            ("下周前有用", at(2026, 11, 30, 0, 0)),
        ):
            outbox.push(
                session,
                [zhang],
                text,
                key=text,
                now=stage.clock(),
                urgency=Urgency.ROUTINE,
                expires_at=expires_at,
            )
    stage.deliver()
    assert stage.pushes("张伟") == ["周三前有用"], "what is worthless after the period is not held back"
    stage.script("王建国", ("取消保电", "从现在起推送照常"))
    stage.deliver()
    assert sorted(stage.pushes("张伟")) == ["下周前有用", "长期"]


def test_what_waits_goes_out_on_the_day_after(stage: Stage) -> None:
    stage.script("王建国", ("保电 今天到周三", "已设置保电"))
    with stage.bot.database.write() as session:
        zhang = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        outbox.push(session, [zhang], "长期", key="k", now=stage.clock())
    stage.jump(at(2026, 11, 26, 7, 0))
    assert "长期" not in stage.pushes("张伟")
    stage.jump(at(2026, 11, 26, 8, 0))
    assert "长期" in stage.pushes("张伟")


def test_an_admin_sets_it_for_all_below_and_a_secretary_cannot_end_that(
    bot: App, secretary: Phone, phone: PhoneBook
) -> None:
    with bot.database.write() as session:
        company = session.scalars(
            select(Organisation).where(Organisation.kind == OrganisationKind.COMMITTEE)
        ).one()
        zhou = session.scalars(select(Member).where(Member.name == "周洁")).one()
        session.add(
            Role(
                member_id=zhou.id,
                name=RoleName.ADMIN,
                organisation_id=company.id,
                starts_on=date(2026, 1, 1),
                ends_on=None,
            )
        )
        other = Organisation(name="运行党支部", kind=OrganisationKind.BRANCH, parent_id=company.id)
        session.add(other)
        session.flush()
        other.path = f"{company.path}{other.id}/"
        elsewhere = Organisation(name="另一公司", kind=OrganisationKind.COMMITTEE, parent_id=None)
        session.add(elsewhere)
        session.flush()
        elsewhere.path = f"/{elsewhere.id}/"
        branches = (zhou.branch_id, other.id, elsewhere.id)
    phone("周洁").script(("迎峰度夏 全部支部 今天到周五", "示范供电公司党委"))
    with bot.database.read() as session:
        ends = freeze.until(session, branches, now=bot.clock())
    assert ends == {branches[0]: at(2026, 11, 28, 0, 0), branches[1]: at(2026, 11, 28, 0, 0)}
    secretary.script(("保电", "示范供电公司党委"), ("取消保电 #1", "没有找到您能取消的"))
    phone("周洁").script(("取消保电 #1", "已取消迎峰度夏"))


def test_periods_that_touch_are_one(bot: App, secretary: Phone) -> None:
    secretary("保电 今天到周三")
    secretary("保电 11月26日到11月28日")
    secretary("保电 11月30日到12月1日")
    with bot.database.read() as session:
        branch = session.scalars(select(Member.branch_id)).first()
        assert branch is not None
        for day, end in ((23, 29), (26, 29), (28, 29), (30, 32)):
            now = at(2026, 11, day, 12, 0)
            expected = at(2026, 11, end, 0, 0) if end < 31 else at(2026, 12, 2, 0, 0)
            assert freeze.until(session, [branch], now=now) == {branch: expected}
        assert freeze.until(session, [branch], now=at(2026, 11, 29, 12, 0)) == {}
        assert freeze.reason(session, branch, date(2026, 11, 29)) == ""
        assert freeze.reason(session, branch, date(2026, 12, 1)) == "保电"


def test_the_preview_of_an_activity_says_so(secretary: Phone) -> None:
    secretary("迎峰度夏 12月1日到12月6日")
    assert "当天在迎峰度夏期间" in secretary("发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传")
