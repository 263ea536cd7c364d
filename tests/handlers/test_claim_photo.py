"""The photo of a claim, from the phone through the real client into the database, and back to who decides."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select

from bot import app as composition
from bot.clock import Clock
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.photo import ClaimPhoto
from bot.services import personal_data
from scheduler import runner
from tests.stage import Stage


def jpeg(colour: str = "red", *, place: bool = True) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    if place:
        exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 20.0)})
    Image.new("RGB", (1600, 1200), colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


def send(stage: Stage, name: str, raw: bytes) -> str:
    """A photo goes out, and two minutes later the job has seen it."""
    answer = stage.platform.send_image(name, raw, "image/jpeg").text
    wait(stage)
    return answer


def wait(stage: Stage) -> None:
    for _ in range(2):
        stage.clock.sleep(timedelta(minutes=1))
        runner.run_due(stage.bot.node, stage.clock())
    stage.deliver()


def photos(stage: Stage) -> list[ClaimPhoto]:
    with stage.bot.database.read() as session:
        return list(session.scalars(select(ClaimPhoto).order_by(ClaimPhoto.id)))


def body(stage: Stage, claim_id: int) -> bytes | None:
    with stage.bot.database.read() as session:
        return session.scalars(select(ClaimPhoto.body).where(ClaimPhoto.claim_id == claim_id)).one()


def link_in(text: str) -> str:
    found = re.search(r"/m/photo/\S+", text)
    assert found, text
    return found[0]


def opened(stage: Stage, link: str) -> tuple[int, bytes]:
    got = composition.create_flask(stage.bot).test_client().get(link)
    return got.status_code, got.data


def test_a_photo_is_kept_clean_and_shown_to_who_decides(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    assert "照片已附上" in send(stage, "张伟", jpeg())
    (photo,) = photos(stage)
    assert photo.digest
    kept = body(stage, photo.claim_id)
    assert kept
    assert b"Exif" not in kept
    answer = stage.say("王建国", "审核")
    assert "张伟 申报：师带徒" in answer
    assert len(answer.encode()) < 2048
    status, data = opened(stage, link_in(answer))
    assert (status, data) == (200, kept)
    with stage.bot.database.read() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.act == "查看申报照片")).one()
    assert entry.detail == f"第 {photo.claim_id} 件"


def test_the_link_is_for_ten_minutes_and_for_one_with_the_right(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    send(stage, "张伟", jpeg())
    link = link_in(stage.say("王建国", "审核"))
    assert opened(stage, link + "x")[0] == 403
    with stage.bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "王建国")).one().active = False
    assert opened(stage, link)[0] == 403
    with stage.bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "王建国")).one().active = True
    stage.clock.sleep(timedelta(minutes=11))
    assert opened(stage, link)[0] == 410


def test_the_same_photo_twice_is_noticed_by_both(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    send(stage, "张伟", jpeg())
    stage.pushes("古丽")
    stage.say("古丽", "申报 抢修现场带队完成保电任务")
    send(stage, "古丽", jpeg(place=False))
    assert any("以前在别的申报里用过" in text for text in stage.pushes("古丽"))
    stage.say("王建国", "审核")
    answer = stage.say("王建国", "跳过")
    assert "注意：与第 1 件（张伟）的照片相同" in answer


def test_another_photo_is_no_twin_and_a_second_one_replaces_the_first(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    send(stage, "张伟", jpeg())
    assert "换成这一张" in send(stage, "张伟", jpeg("blue"))
    stage.say("古丽", "申报 抢修现场带队完成保电任务")
    send(stage, "古丽", jpeg())
    assert len(photos(stage)) == 2
    assert not any("用过" in text for text in stage.pushes("古丽"))


@pytest.mark.parametrize("raw", [b"#!AMR\n", jpeg()[:500]])
def test_what_is_no_photo_is_told_to_its_sender_and_the_claim_goes_on(stage: Stage, raw: bytes) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    send(stage, "张伟", raw)
    assert any("没有收下：不是完好的图片" in text for text in stage.pushes("张伟"))
    assert "没有收下" in stage.say("王建国", "审核")
    wait(stage)
    assert stage.pushes("张伟") == []


def test_a_platform_in_trouble_is_asked_again(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    stage.platform.fail(-1, times=2, on="media/get")
    send(stage, "张伟", jpeg())
    assert photos(stage)[0].digest is None
    assert "正在接收" in stage.say("王建国", "审核")
    wait(stage)
    assert photos(stage)[0].digest


def test_after_three_days_it_is_given_up(stage: Stage, clock: Clock) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    stage.platform.fail(-1, times=10_000, on="media/get")
    stage.platform.send_image("张伟", jpeg(), "image/jpeg")
    clock.sleep(timedelta(days=3, minutes=1))
    wait(stage)
    assert photos(stage)[0].trouble == "平台上已经取不到"
    assert any("没有收下" in text for text in stage.pushes("张伟"))


def test_the_photo_goes_with_the_person(stage: Stage) -> None:
    stage.say("张伟", "申报 师带徒 带出1名持证徒弟")
    send(stage, "张伟", jpeg())
    link = link_in(stage.say("王建国", "审核"))
    assert "申报照片1条" in stage.say("张伟", "我的数据")
    with stage.bot.database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        who.active = False
        personal_data.erase(session, who, now=stage.clock())
    assert photos(stage) == []
    assert opened(stage, link)[0] == 403
