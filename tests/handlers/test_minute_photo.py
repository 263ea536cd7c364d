"""The photos of minutes, from the phone through the real client into the record of the meeting."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from docx import Document
from PIL import Image
from sqlalchemy import select

from bot import documents
from bot.documents import Templates
from bot.models.activity import Activity
from bot.models.minutes import MinutePhoto
from bot.services import minute_photo, record
from scheduler import runner
from tests.stage import Stage

Send = Callable[[bytes], str]


def jpeg(colour: str = "red", size: tuple[int, int] = (1600, 1200)) -> bytes:
    out, exif = io.BytesIO(), Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (39.0, 54.0, 20.0)})
    Image.new("RGB", size, colour).save(out, "JPEG", exif=exif)
    return out.getvalue()


@pytest.fixture
def send(stage: Stage) -> Send:
    """The secretary is writing the minutes of a theme day; a call sends a photo, and two minutes later the job has seen it."""
    stage.script("王建国", ("发布主题党日 11月23日14:30 三楼 主题:宪法宣传", "发布预览"), ("确认", "12 人"))
    with stage.bot.database.read() as session:
        starts_at = session.scalars(select(Activity.starts_at)).one()
    stage.jump(starts_at)
    stage.script("王建国", ("记 现场检查", "第 1 条"))

    def photo(raw: bytes) -> str:
        answer = stage.platform.send_image("王建国", raw, "image/jpeg").text
        for _ in range(2):
            stage.clock.sleep(timedelta(minutes=1))
            runner.run_due(stage.bot.node, stage.clock())
        stage.deliver()
        return answer

    return photo


def minutes(stage: Stage) -> tuple[str, list[bytes]]:
    """The words and the pictures of the record as Word file."""
    with stage.bot.database.read() as session:
        number = session.scalars(select(Activity.id)).one()
        facts, pictures = record.activity(session, number), minute_photo.pictures(session, number)
    file = documents.minutes_of(facts, Templates(1, None), pictures=pictures, now=stage.clock())
    document = Document(io.BytesIO(file.body))
    texts = "\n".join(one.text for one in document.paragraphs)
    shapes = [shape._inline.graphic.graphicData.pic.blipFill.blip.embed for shape in document.inline_shapes]
    return texts, [document.part.related_parts[one].blob for one in shapes]


def test_a_photo_is_kept_clean_and_stands_in_the_record(stage: Stage, send: Send) -> None:
    assert "照片已附到第 1 条记录" in send(jpeg())
    with stage.bot.database.read() as session:
        kept = session.scalars(select(MinutePhoto.body)).one()
    assert kept
    assert b"Exif" not in kept
    texts, shown = minutes(stage)
    assert shown == [kept]
    assert "照片：第 1 条，2026年11月23日14:30" in texts


def test_photos_stand_in_the_order_of_the_lines_and_the_same_one_once(stage: Stage, send: Send) -> None:
    send(jpeg())
    send(jpeg("blue", (900, 1600)))
    send(jpeg())
    _, shown = minutes(stage)
    assert [Image.open(io.BytesIO(one)).size for one in shown] == [(1280, 960), (720, 1280)]


def test_the_photos_of_a_removed_line_are_not_shown(stage: Stage, send: Send) -> None:
    send(jpeg())
    stage.script("王建国", ("记 再查一遍", "第 2 条"))
    send(jpeg("blue", (900, 1600)))
    stage.script("王建国", ("删记 1", "删"))
    texts, shown = minutes(stage)
    assert [Image.open(io.BytesIO(one)).size for one in shown] == [(720, 1280)]
    assert "照片：第 1 条，" in texts


def test_what_is_no_photo_is_told_once_with_its_line(stage: Stage, send: Send) -> None:
    stage.pushes("王建国")
    send(b"#!AMR\n")
    assert [text for text in stage.pushes("王建国") if "第 1 条记录的照片没有收下：不是完好的图片" in text]
    texts, shown = minutes(stage)
    assert shown == []
    assert "（不是完好的图片）" in texts
    send(jpeg())
    assert not any("没有收下" in text for text in stage.pushes("王建国"))


def test_a_photo_on_its_way_says_so_and_comes_later(stage: Stage, send: Send) -> None:
    stage.platform.fail(-1, times=2, on="media/get")
    send(jpeg())
    assert "还在接收" in minutes(stage)[0]
    stage.clock.sleep(timedelta(minutes=1))
    runner.run_due(stage.bot.node, stage.clock())
    texts, shown = minutes(stage)
    assert "还在接收" not in texts
    assert len(shown) == 1
