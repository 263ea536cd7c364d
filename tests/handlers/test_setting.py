"""The branch's settings, changed by reply, and a member's pause."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.organisation import BranchSetting, Organisation
from bot.models.outbox import Outbox, Urgency
from bot.services import outbox, setting
from bot.services.setting import BranchRules
from tests.chat import Phone, PhoneBook


def rules(bot: App) -> BranchRules:
    with bot.database.read() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        return setting.rules(session, branch.id)


def test_settings_are_shown_and_changed_by_reply(secretary: Phone, bot: App) -> None:
    secretary.script(
        ("推送设置", "学习时间：08:05", "工作日", "免打扰：21:30-07:30", "每天最多：3 条"),
        ("学习时间 8:30", "学习时间已改为 08:30（原来 08:05）"),
        ("推送设置 免打扰 22:00-7:00", "免打扰已改为 22:00-07:00（原来 21:30-07:30）"),
        ("推送设置", "学习时间：08:30"),
        ("每天最多 2 条", "每天最多已改为 2 条（原来 3 条）"),
    )
    assert rules(bot).budget == 2
    with bot.database.read() as session:
        acts = session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "修改推送设置")).all()
    assert acts[0] == "study_time: 08:05 → 08:30"
    assert len(acts) == 3


def test_a_number_chooses_a_line_and_asks_for_its_value(secretary: Phone, bot: App) -> None:
    secretary.script(("推送设置", "1 学习时间"), ("1", "改成什么", "例如"), ("早上九点", "改为 09:00"))


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("学习日 周一到周五", "周一、周二、周三、周四、周五"),
        ("学习日 周一、周三，周五", "周一、周三、周五"),
        ("学习日 一三五", "周一、周三、周五"),
        ("学习日 周六到周一", "周一、周六、周日"),
        ("学习日 工作日", "本来就是 工作日"),
        ("学习主题 安规 党史", "安规、党史"),
        ("学习时间改为早上八点半", "08:30"),
        ("免打扰 晚上十点到早上七点", "22:00-07:00"),
        ("每天最多两条", "2 条"),
        ("催办间隔 8小时", "8 小时"),
    ],
)
def test_values_are_understood_as_people_write_them(secretary: Phone, said: str, shown: str) -> None:
    assert shown in secretary(f"推送设置 {said}")


@pytest.mark.parametrize(
    "said",
    [
        "学习时间 三更半夜",
        "学习时间 23:00",
        "学习日 随便",
        "学习主题 八卦",
        "免打扰 22:00",
        "免打扰 22:00-23:00",
        "每天最多 0 条",
        "每天最多 很多",
        "每天最多 99 条",
        "催办间隔 0 小时",
    ],
)
def test_a_bad_value_gets_a_sentence_with_an_example(secretary: Phone, bot: App, said: str) -> None:
    assert "例如" in secretary(f"推送设置 {said}")
    assert rules(bot) == BranchRules()


def test_a_change_can_be_taken_back(secretary: Phone, bot: App) -> None:
    secretary.script(
        ("推送设置 学习日 周一", "撤销"), ("撤销", "学习日已改回 工作日"), ("推送设置 学习日 周一", "已改为")
    )
    assert rules(bot).study_days == (0,)


def test_what_other_features_store_stays(secretary: Phone, bot: App) -> None:
    with bot.database.write() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        session.add(BranchSetting(branch_id=branch.id, values={"ranking": True}))
    secretary("推送设置 每天最多 5 条")
    with bot.database.read() as session:
        assert session.scalars(select(BranchSetting)).one().values == {"ranking": True, "budget": 5}


def test_a_member_may_not_change_settings(phone: PhoneBook) -> None:
    phone("张伟").script(("推送设置", "需要支部书记"), ("推送设置 每天最多 1 条", "需要支部书记"))


def paused_until(bot: App) -> datetime | None:
    with bot.database.read() as session:
        return session.scalars(select(Member.paused_until).where(Member.name == "张伟")).one()


@pytest.mark.parametrize(
    ("said", "until"),
    [
        ("暂停提醒 3天", "2026-11-26 09:00"),
        ("暂停提醒三天", "2026-11-26 09:00"),
        ("暂停提醒 2小时", "2026-11-23 11:00"),
        ("暂停提醒 半天", "2026-11-23 21:00"),
        ("暂停提醒 一周", "2026-11-30 09:00"),
        ("暂停提醒 到12月5日", "2026-12-06 00:00"),
        ("暂停提醒 到明天下午5点", "2026-11-24 17:00"),
        ("今天值班", "2026-11-24 08:00"),
        ("暂停提醒 30天", "2026-12-23 09:00"),
    ],
)
def test_a_pause_says_until_when(phone: PhoneBook, bot: App, clock: Clock, said: str, until: str) -> None:
    answer = phone("张伟")(said)
    assert "已暂停提醒" in answer
    assert "紧急通知仍会发给您" in answer
    paused = paused_until(bot)
    assert paused is not None
    assert f"{paused.astimezone(clock().tzinfo):%Y-%m-%d %H:%M}" == until


@pytest.mark.parametrize("said", ["31天", "到明年", "很久", "0天", "到昨天"])
def test_a_pause_that_is_too_long_or_unclear_is_refused(phone: PhoneBook, bot: App, said: str) -> None:
    assert "例如" in phone("张伟")(f"暂停提醒 {said}")
    assert paused_until(bot) is None


def test_a_pause_without_length_is_asked_for(phone: PhoneBook) -> None:
    phone("张伟").script(
        ("暂停提醒", "请发送暂停多久", "例如"), ("2天", "已暂停提醒，到 11月25日(周三)09:00")
    )


def test_resuming_sends_what_had_waited(phone: PhoneBook, bot: App, clock: Clock) -> None:
    zhang = phone("张伟")
    assert "没有暂停" in zhang("恢复提醒")
    zhang("暂停提醒 3天")
    until = clock() + timedelta(days=3)
    with bot.database.write() as session:
        member = session.scalars(select(Member).where(Member.name == "张伟")).one()
        outbox.push(session, [member.id], "等", key="a", now=clock(), at=until)
        outbox.push(session, [member.id], "别的", key="b", now=clock(), at=until + timedelta(hours=1))
        outbox.push(session, [member.id], "急", key="c", now=clock(), at=until, urgency=Urgency.URGENT)
    clock.sleep(timedelta(hours=1))
    assert "暂停期间有 1 条" in zhang("恢复提醒")
    assert paused_until(bot) is None
    with bot.database.read() as session:
        due = session.scalars(select(Outbox.body).where(Outbox.available_at <= clock())).all()
    assert [body["text"] for body in due] == ["等"]
