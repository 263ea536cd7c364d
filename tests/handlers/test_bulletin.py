"""The bulletin of a settlement: two links in the chat, for who may see the branch, and only of what is published."""

from __future__ import annotations

import io
import re
from datetime import timedelta

import pytest
from docx import Document
from openpyxl import load_workbook

from bot.app import App, create_flask
from bot.clock import Clock
from bot.services import bulletin
from tests.chat import Phone, PhoneBook


def links(bot: App, told: str) -> list[str]:
    """The paths of the two links, Word first."""
    return [one.removeprefix(bot.settings.base_url) for one in re.findall(r"http\S+", told)]


def words(body: bytes) -> str:
    document = Document(io.BytesIO(body))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


def test_both_files_open_by_their_links_for_ten_minutes(
    bot: App, clock: Clock, secretary: Phone, phone: PhoneBook
) -> None:
    secretary.script(("结算", "草稿"), ("确认", "开始公示"))
    phone("古丽")("申诉 8月3日抢修我在场，没有记分")
    told = secretary("积分通报")
    assert "公示中" in told
    word, sheet = links(bot, told)
    client = create_flask(bot).test_client()
    text = words(client.get(word).data)
    for part in (
        "检修党支部2026年第3季度党员积分公示",
        "共12人",
        "收到申诉 1 件",
        "阿不力孜",
        "定稿时间：＿＿＿＿",
    ):
        assert part in text, part
    book = load_workbook(io.BytesIO(client.get(sheet).data)).active
    assert book is not None
    assert book.max_row == 3 + 12 + 1
    clock.sleep(timedelta(minutes=11))
    assert client.get(word).status_code == 410


def test_a_draft_is_no_bulletin(bot: App, secretary: Phone) -> None:
    assert "还没有公示过积分" in secretary("积分通报")
    secretary("结算")
    assert "还没有公示过积分" in secretary("导出 积分公示")
    with bot.database.read() as session, pytest.raises(bulletin.NothingPublished):
        bulletin.facts(session, 1, bot.clock())


def test_members_get_no_links(phone: PhoneBook) -> None:
    assert "需要支部书记或委员来办" in phone("张伟")("积分通报")


def test_the_words_of_an_expired_link_lead_to_a_new_one(bot: App, secretary: Phone) -> None:
    secretary.script(("结算", "草稿"), ("确认", "开始公示"))
    for said in ("导出 积分公示", "导出积分公示", "导出 积分公示表"):
        assert len(links(bot, secretary(said))) == 2, said
