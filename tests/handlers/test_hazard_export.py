"""导出 隐患: what stands in the file behind the link, and who may have it."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from openpyxl import load_workbook

from bot.clock import Clock
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.test_document import link_in, web

__all__ = ["web"]


def rows(web: FlaskClient, answer: str) -> list[dict[str, Any]]:
    """The rows of the file behind the link in an answer, by head; the last is the note."""
    response = web.get(link_in(answer))
    assert response.status_code == 200
    book = load_workbook(io.BytesIO(response.data))
    assert not [cell for row in book.active.iter_rows() for cell in row if cell.data_type == "f"]
    head, *found = [tuple(row) for row in book.active.values]
    return [dict(zip(head, row, strict=True)) for row in found]


def test_the_file_holds_the_course_of_each(
    phone: PhoneBook, secretary: Phone, web: FlaskClient, clock: Clock
) -> None:
    clock.jump(datetime(2026, 12, 1, 9, tzinfo=SHANGHAI))
    phone("张伟")("隐患 =2号主变渗油，法兰处 地点：东郊变")
    phone("古丽")("隐患 仓库灭火器过期")
    phone("孙磊")("隐患 报错了的东西")
    phone("孙磊")("撤销")
    secretary("派发 YH1 李明 3天")
    phone("李明")("整改 YH1 已紧固，擦净")
    secretary("复查 YH1 退回 还在渗")
    secretary("撤销")
    secretary("复查 YH1 通过")
    one, other, note = rows(web, secretary("导出 隐患"))
    assert one == {
        "编号": "YH1",
        "报告时间": "2026-12-01 09:00",
        "报告人": "张伟",
        "隐患": "=2号主变渗油，法兰处",
        "地点": "东郊变",
        "级别": "一般",
        "整改人": "李明",
        "整改期限": "2026-12-04",
        "整改情况": "已紧固，擦净",
        "整改时间": "2026-12-01 09:00",
        "复查情况": "王建国 复查退回：还在渗；王建国 撤销；王建国 复查通过",
        "销号时间": "2026-12-01 09:00",
        "状态": "已复查通过、销号",
    }
    assert (other["隐患"], other["状态"], other["整改人"]) == ("仓库灭火器过期", "还没有派发", None)
    assert "2 处" in note["编号"]
    assert rows(web, secretary("导出 隐患台账 2025"))[0]["编号"].startswith(
        "检修党支部，2025年报告的隐患 0 处"
    )


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("导出 隐患台账", "2026年隐患台账（Excel）"),
        ("导出隐患 去年", "2025年隐患台账"),
        ("导出 隐患 2030", "2030年还没有到，没有可以导出的内容"),
        ("导出 本月台账", "三会一课台账"),
        ("导出", "10 导出 隐患"),
    ],
)
def test_it_is_asked_for_as_people_write_it(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_members_get_no_link(phone: PhoneBook) -> None:
    assert "需要支部书记" in phone("张伟")("导出 隐患")
