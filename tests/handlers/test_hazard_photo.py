"""The photo of a hazard: of the report and of what was put right, fetched, kept clean, shown to who may see it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot import app as composition
from bot.models.audit import AuditEntry
from bot.models.hazard import HazardPhoto
from bot.models.member import Member
from tests.handlers.test_claim_photo import jpeg, send
from tests.stage import Stage


def opened(stage: Stage, text: str) -> list[int]:
    """How each link in an answer is answered."""
    web = composition.create_flask(stage.bot).test_client()
    return [web.get(link).status_code for link in re.findall(r"/m/hazard-photo/\S+", text)]


@pytest.fixture
def shown(stage: Stage) -> str:
    """张伟 reported YH1 with a photo; what the secretary reads of it."""
    stage.say("张伟", "隐患 2号主变渗油")
    assert "照片已附上：隐患 YH1" in send(stage, "张伟", jpeg())
    return stage.say("王建国", "YH1")


def test_who_may_see_the_hazard_sees_its_photos(stage: Stage, shown: str) -> None:
    assert "报告照片" in shown
    assert opened(stage, shown) == [200]
    with stage.bot.database.read() as session:
        assert b"Exif" not in (session.scalars(select(HazardPhoto.body)).one() or b"")
        assert session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "查看隐患照片")).all() == [
            "YH1"
        ]
    stage.say("王建国", "派发 YH1 李明 3天")
    stage.say("李明", "整改 YH1 已紧固法兰")
    send(stage, "李明", jpeg("blue"))
    assert "换成这一张" in send(stage, "李明", jpeg("green"))
    answer = stage.say("王建国", "YH1")
    assert opened(stage, answer) == [200, 200]
    assert "整改照片" in answer
    assert len(answer.encode()) < 2048


def test_a_long_story_with_photos_stays_short(stage: Stage, shown: str) -> None:
    for n in range(3):
        stage.say("王建国", "派发 YH1 李明 3天")
        stage.say("李明", "整改 YH1 已紧固法兰")
        send(stage, "李明", jpeg("blue"))
        stage.say("王建国", f"复查 YH1 退回 第{n}次还在渗油")
    told = stage.say("王建国", "YH1")
    assert "张伟报告" in told
    assert "中间 4 步" in told
    assert "第2次还在渗油" in told
    assert len(told.splitlines()) <= 12


def test_a_link_is_for_ten_minutes_and_for_one_with_the_right(stage: Stage, shown: str) -> None:
    with stage.bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "王建国")).one().active = False
    assert opened(stage, shown) == [403]
    with stage.bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "王建国")).one().active = True
    stage.clock.sleep(timedelta(minutes=11))
    assert opened(stage, shown) == [410]


def test_a_photo_belongs_to_what_was_written_last(stage: Stage) -> None:
    stage.say("张伟", "隐患 2号主变渗油")
    stage.clock.sleep(timedelta(minutes=1))
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    assert "第 1 件" in send(stage, "张伟", jpeg())
    stage.say("张伟", "隐患 仓库灭火器过期")
    assert "隐患 YH2" in send(stage, "张伟", jpeg())
    stage.clock.sleep(timedelta(minutes=11))
    assert "没有可附的" in send(stage, "张伟", jpeg())


def test_what_is_no_photo_is_told_to_its_sender(stage: Stage) -> None:
    stage.say("张伟", "隐患 2号主变渗油")
    send(stage, "张伟", jpeg()[:500])
    assert any("YH1 附的照片没有收下：不是完好的图片" in text for text in stage.pushes("张伟"))
    assert "报告照片没有收下" in stage.say("王建国", "YH1")


def test_of_a_report_taken_back_no_photo_is_kept(stage: Stage) -> None:
    stage.say("张伟", "隐患 2号主变渗油")
    stage.say("张伟", "撤销")
    assert "没有可附的" in send(stage, "张伟", jpeg())
