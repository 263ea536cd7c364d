"""Each misbehaviour of the platform alone, on both databases."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from tests.faults.trouble import TROUBLES, everybody, got, notify, wait
from tests.stage import Stage


@pytest.mark.parametrize("trouble", TROUBLES)
def test_everybody_gets_it_once_whatever_the_platform_does(stage: Stage, trouble: str) -> None:
    notify(stage, "平时的通知")
    TROUBLES[trouble](stage.platform, 3)
    assert "正在发送" in notify(stage, "要紧的通知")
    wait(stage, 3)
    stage.platform.behave()
    wait(stage, 6)
    assert got(stage, "要紧的通知") == dict.fromkeys(everybody(stage), 1)
    assert "已送达 12，等待中 0，未送达 0" in stage.say("王建国", "通知情况")
    assert not stage.platform.problems


def test_a_token_that_is_always_refused_costs_two_calls_and_raises_an_alarm(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    stage.platform.fail(40014, times=10**6)
    before = len(stage.platform.calls)
    with caplog.at_level(logging.WARNING):
        notify(stage, "要紧的通知")
        stage.clock.sleep(timedelta(minutes=5))
        stage.deliver()
    calls = list(stage.platform.calls)[before:]
    assert [call.path for call in calls].count("message/send") == 2
    alarms = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(alarms) == 1
    assert "zhibu doctor" in alarms[0].getMessage()
    wait(stage, 3)
    assert [call.path for call in list(stage.platform.calls)[before:]].count("message/send") == 8, (
        "two in each ten minutes"
    )
    stage.platform.behave()
    wait(stage, 1)
    assert got(stage, "要紧的通知") == dict.fromkeys(everybody(stage), 1)


def test_pushes_wait_for_a_rotated_secret_to_be_mended(stage: Stage) -> None:
    good = stage.platform.wecom.credentials
    stage.platform.wecom.credentials = type(good)(good.app_id, "rotated", good.envelope)
    stage.platform.wecom.revoke_tokens()
    notify(stage, "要紧的通知")
    stage.clock.sleep(timedelta(days=2))
    stage.deliver()
    assert "等待中 12" in stage.say("王建国", "通知情况")
    stage.platform.wecom.credentials = good
    wait(stage, 1)
    assert got(stage, "要紧的通知") == dict.fromkeys(everybody(stage), 1)


def test_who_is_not_reached_is_named(stage: Stage) -> None:
    world = stage.platform.world
    world.people = tuple(person for person in world.people if person.name not in ("李明", "吴霞"))
    notify(stage, "要紧的通知")
    wait(stage, 1)
    assert got(stage, "要紧的通知") == dict.fromkeys(everybody(stage), 1)
    report = stage.say("王建国", "通知情况")
    assert "已送达 10，等待中 0，未送达 2" in report
    assert "李明、吴霞：不在企业微信应用的可见范围" in report


def test_when_the_platform_knows_nobody_of_them_they_are_named_and_not_tried_again(stage: Stage) -> None:
    stage.platform.fail(81013)
    notify(stage, "要紧的通知", "张伟、古丽")
    calls = len(stage.platform.calls)
    wait(stage, 3)
    assert [call.path for call in list(stage.platform.calls)[calls:]].count("message/send") == 0
    assert "张伟、古丽：不在企业微信应用的可见范围" in stage.say("王建国", "通知情况")
