"""The picture of points: what it shows, that it is a real picture, and that its address is ours alone."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from sqlalchemy import select

from bot.app import App, create_flask
from bot.channels import outbound
from bot.chat import Kind, Message, Reply
from bot.documents.picture import (
    BAR_FROM,
    BAR_TO,
    FILL,
    FIRST_ROW,
    FULL,
    ROWS,
    SIZE,
    drawable,
    points_picture,
)
from bot.models.member import Member
from bot.services import point_picture, point_rule, points
from bot.services.point_picture import Figures, PictureForged
from tests.chat import Phone, PhoneBook

DIMENSIONS = tuple((one.name, 5, one.cap) for one in point_rule.rules().dimensions)


def earned(bot: App, name: str, code: str, amount: int) -> None:
    with bot.database.write() as session:
        who = session.scalars(select(Member.id).where(Member.name == name)).one()
        points.award(session, who, code, fact=f"{name} {code}", reason="做了", now=bot.clock(), points=amount)


def answer_to(bot: App, who: str, text: str) -> Reply:
    reply = bot.dispatch(Message("one message", "wecom", who, Kind.TEXT, bot.clock(), text))
    assert reply is not None
    return reply


def colours(body: bytes) -> list[tuple[int, int, int]]:
    image = Image.open(io.BytesIO(body)).convert("RGB")
    assert image.size == SIZE
    raw = image.tobytes()
    return list({(raw[at], raw[at + 1], raw[at + 2]) for at in range(0, len(raw), 3)})


def near(colour: str, others: list[tuple[int, int, int]]) -> bool:
    """Whether one of the others is the colour, as far as a palette keeps it."""
    wanted = tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return any(max(abs(a - b) for a, b in zip(wanted, one, strict=True)) < 8 for one in others)


def bar(body: bytes, row: int) -> int:
    """The filled pixels of a row's bar."""
    image = Image.open(io.BytesIO(body)).convert("RGB")
    middle = FIRST_ROW + ROWS // 4 * row + ROWS // 8
    return sum(image.getpixel((x, middle))[1] < 150 for x in range(BAR_FROM, BAR_TO + 1))  # type: ignore[index]


def test_the_answer_is_a_card_with_the_picture_and_the_same_in_words(bot: App, phone: PhoneBook) -> None:
    earned(bot, "张伟", "model", 5)
    zhang = phone("张伟")
    told = zhang("积分图")
    for part in ("第4季度共 5 分", "模范作用发挥 5/25", "业务职责落实 0/25", "积分"):
        assert part in told
    reply = answer_to(bot, "zhangwei", "积分图")
    assert reply.article is not None
    xml = ET.fromstring(outbound.passive("zhangwei", "corp", reply, bot.clock()))
    assert xml.findtext("MsgType") == "news"
    url = xml.findtext(".//PicUrl") or ""
    answer = create_flask(bot).test_client().get(url.removeprefix(bot.settings.base_url))
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    assert bar(answer.data, 0) - 1 == (BAR_TO - BAR_FROM) * 5 // 25
    assert [bar(answer.data, row) for row in (1, 2, 3)] == [0, 0, 0]


def test_what_waits_for_a_member_comes_with_the_next_answer_not_with_the_picture(
    phone: PhoneBook, secretary: Phone
) -> None:
    phone("张伟")("申报 师带徒 带出1名持证徒弟")
    assert "待审核" not in secretary("积分图")
    assert "待审核" in secretary("积分")


@pytest.mark.parametrize("change", [lambda t: t[:-1], lambda t: "x" + t, lambda t: t.swapcase()])
def test_an_address_that_somebody_made_is_refused(bot: App, change) -> None:  # type: ignore[no-untyped-def]
    token = point_picture.sign("a secret that is long enough", Figures("2026Q4", DIMENSIONS))
    with pytest.raises(PictureForged):
        point_picture.read("a secret that is long enough", change(token))
    assert create_flask(bot).test_client().get(f"/m/points/{token}.png").status_code == 403


def test_bars_grow_with_points_and_a_full_one_looks_full() -> None:
    bodies = [points_picture(Figures("2026Q4", (("模范作用发挥", have, 25),))) for have in (0, 1, 13, 25, 40)]
    widths = [bar(body, 0) for body in bodies]
    assert widths[0] == 0 < widths[1] < widths[2] < widths[3] == widths[4]
    assert near(FULL, colours(bodies[3]))
    assert near(FILL, colours(bodies[2]))
    assert not near(FULL, colours(bodies[2]))


def test_every_word_of_the_shipped_rules_can_be_drawn_and_what_cannot_is_numbered() -> None:
    rules = point_rule.rules()
    for word in (
        *(one.name for one in rules.dimensions),
        *(one.name for one in rules.rules),
        "2026年第4季度 / 分满",
    ):
        assert drawable(word), word
    assert not drawable("龘靐齉")
    odd = points_picture(Figures("2026Q4", (("龘靐齉", 5, 25),)))
    assert odd == points_picture.__wrapped__(Figures("2026Q4", (("鱻麤", 5, 25),)))


def test_the_font_is_small_and_comes_with_its_licence() -> None:
    from importlib import resources

    folder = resources.files("bot.documents").joinpath("fonts")
    assert len(folder.joinpath("NotoSansSC-subset.otf").read_bytes()) < 300_000
    licence = folder.joinpath("OFL.txt").read_text(encoding="utf-8")
    assert re.search("SIL OPEN FONT LICENSE Version 1.1", licence)
    assert "Copyright 2014-2021 Adobe" in licence
