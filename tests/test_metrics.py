"""What Prometheus reads, and when operators are told."""

from __future__ import annotations

import logging
import re
from datetime import timedelta

import pytest
from sqlalchemy import event, select

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.models.job import JobRun
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.models.outbox import Outbox
from bot.services import outbox
from scheduler import runner
from tests.chat import PhoneBook


def page(bot: App) -> str:
    return composition.create_flask(bot).test_client().get("/metrics").text


def figure(text: str, name: str) -> float:
    """The value behind a name with its labels."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.M)
    assert found, f"no {name} in:\n{text}"
    return float(found[1])


def push(bot: App, name: str, text: str) -> None:
    with bot.database.write() as session:
        member = session.scalars(select(Member.id).where(Member.name == name)).one()
        outbox.push(session, [member], text, key=text, now=bot.clock())


def test_every_message_is_counted_once(bot: App, phone: PhoneBook) -> None:
    before = figure(page(bot), "zhibu_message_seconds_count")
    phone("张伟")("积分")
    phone("张伟").again()
    assert figure(page(bot), "zhibu_message_seconds_count") == before + 2


def test_an_apology_is_counted(bot: App, phone: PhoneBook, monkeypatch: pytest.MonkeyPatch) -> None:
    before = figure(page(bot), "zhibu_apologies_total")
    monkeypatch.setattr(bot.dispatch, "_routed", lambda ctx: 1 / 0)
    assert "出错" in phone("张伟")("积分")
    assert figure(page(bot), "zhibu_apologies_total") == before + 1


def test_the_age_of_the_queue_and_its_ends_are_shown(bot: App, clock: Clock) -> None:
    assert figure(page(bot), "zhibu_outbox_overdue_seconds") == 0
    push(bot, "张伟", "一")
    clock.sleep(timedelta(seconds=90))
    seen = page(bot)
    assert figure(seen, "zhibu_outbox_overdue_seconds") == 90
    assert figure(seen, "zhibu_outbox_waiting") == 1
    assert figure(seen, 'zhibu_outbox_last_day{state="waiting"}') == 1
    assert figure(seen, 'zhibu_outbox_last_day{state="failed"}') == 0
    assert figure(seen, "zhibu_outbox_stuck") == 0
    clock.sleep(timedelta(minutes=9))
    assert figure(page(bot), "zhibu_outbox_stuck") == 1


def test_the_lag_of_a_job_is_the_time_since_it_was_due(bot: App, clock: Clock) -> None:
    runner.run_due(bot.node, clock())
    name = 'zhibu_job_late_seconds{job="reminders"}'
    clock.sleep(timedelta(minutes=4, seconds=59))
    assert figure(page(bot), name) == 0
    clock.sleep(timedelta(minutes=3, seconds=1))
    assert figure(page(bot), name) == 180
    runner.run_due(bot.node, clock())
    assert figure(page(bot), name) == 0


def test_a_run_that_does_not_end_counts_as_late(bot: App, clock: Clock) -> None:
    with bot.database.write() as session:
        session.add(JobRun(job="reminders", slot=clock(), node="dead", claimed_at=clock(), outcome=""))
    clock.sleep(timedelta(minutes=2))
    assert figure(page(bot), 'zhibu_job_late_seconds{job="reminders"}') == 120


def test_the_page_reads_in_one_transaction(bot: App) -> None:
    begun: list[object] = []
    client = composition.create_flask(bot).test_client()
    event.listen(bot.database.engine, "begin", begun.append)
    assert client.get("/metrics").status_code == 200
    assert len(begun) == 1


def test_a_dispatch_line_names_the_message_and_nothing_that_was_said(
    bot: App, phone: PhoneBook, caplog: pytest.LogCaptureFixture
) -> None:
    zhang = phone("张伟")
    with caplog.at_level(logging.DEBUG, "zhibu"):
        zhang("感想 今天学得很实在")
    assert zhang.last is not None
    lines = [record.getMessage() for record in caplog.records if record.name == "zhibu.dispatch"]
    assert len(lines) == 1
    assert lines[0].startswith(f"answered message={zhang.last.id} channel=wecom kind=text ms=")
    assert "实在" not in caplog.text
    assert "zhangwei" not in caplog.text


# Alarms -----------------------------------------------------------------------------------------------------------------


def make_operator(bot: App, name: str) -> None:
    """Give somebody the role 党委管理员."""
    with bot.database.write() as session:
        member = session.scalars(select(Member).where(Member.name == name)).one()
        top = session.scalars(
            select(Organisation).where(Organisation.kind == OrganisationKind.COMMITTEE)
        ).one()
        today = bot.clock().date()
        session.add(Role(member_id=member.id, name=RoleName.ADMIN, organisation_id=top.id, starts_on=today))


def watch(bot: App, clock: Clock, minutes: int) -> None:
    """So many minutes in which the jobs run and nobody delivers."""
    for _ in range(minutes):
        clock.sleep(timedelta(minutes=1))
        runner.run_due(bot.node, clock())


def alarms(texts: list[str]) -> list[str]:
    return [text for text in texts if text.startswith("告警")]


def test_operators_are_told_once_an_hour_that_pushes_do_not_go_out(
    bot: App, clock: Clock, phone: PhoneBook
) -> None:
    make_operator(bot, "赵敏")
    runner.run_due(bot.node, clock())
    push(bot, "张伟", "明天停电")
    watch(bot, clock, 9)
    assert alarms(phone("赵敏").pushes()) == []
    watch(bot, clock, 10)
    told = alarms(phone("赵敏").pushes())
    assert len(told) == 1
    assert "1 条消息超过10分钟没有发出去" in told[0]
    assert "zhibu doctor" in told[0]
    assert alarms(phone("王建国").pushes()) == []
    watch(bot, clock, 60)
    assert len(alarms(phone("赵敏").pushes())) == 1


def test_without_operators_the_log_still_says_it(
    bot: App, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    runner.run_due(bot.node, clock())
    push(bot, "张伟", "明天停电")
    watch(bot, clock, 20)
    assert "outbox" in [record.getMessage() for record in caplog.records if record.name == "zhibu.alarm"]
    with bot.database.read() as session:
        assert session.scalars(select(Outbox.key).where(Outbox.key.startswith("alarm"))).all() == []


def test_a_push_that_keeps_failing_is_an_alarm_and_one_that_waits_for_the_morning_is_not(
    bot: App, clock: Clock, phone: PhoneBook
) -> None:
    make_operator(bot, "赵敏")
    runner.run_due(bot.node, clock())
    push(bot, "张伟", "明天停电")
    with bot.database.write() as session:
        row = session.scalars(select(Outbox)).one()
        row.available_at = clock() + timedelta(hours=10)
    watch(bot, clock, 20)
    assert alarms(phone("赵敏").pushes()) == []
    with bot.database.write() as session:
        session.scalars(select(Outbox).where(Outbox.key.startswith("明天"))).one().code = 60020
    watch(bot, clock, 6)
    assert len(alarms(phone("赵敏").pushes())) == 1


def test_a_job_that_hangs_is_an_alarm(bot: App, clock: Clock, phone: PhoneBook) -> None:
    make_operator(bot, "赵敏")
    runner.run_due(bot.node, clock())
    with bot.database.write() as session:
        slot = clock() + timedelta(minutes=30)
        session.add(
            JobRun(
                job="housekeeping",
                slot=slot,
                node="hangs",
                claimed_at=slot + timedelta(minutes=19),
                outcome="",
            )
        )
    watch(bot, clock, 48)
    assert alarms(phone("赵敏").pushes()) == []
    watch(bot, clock, 8)
    assert ["housekeeping 已经晚了" in text for text in alarms(phone("赵敏").pushes())] == [True]


def test_a_node_that_comes_back_after_a_downtime_does_not_cry_wolf(
    bot: App, clock: Clock, phone: PhoneBook
) -> None:
    make_operator(bot, "赵敏")
    runner.run_due(bot.node, clock())
    clock.sleep(timedelta(hours=30))
    watch(bot, clock, 8)
    assert alarms(phone("赵敏").pushes()) == []
