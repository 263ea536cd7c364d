"""导出 任务台账: what stands in the file behind the link, and who may have it."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient
from openpyxl import load_workbook

from tests.chat import Phone, PhoneBook
from tests.handlers.test_document import link_in, web

__all__ = ["web"]


def opened(web: FlaskClient, answer: str) -> list[tuple[Any, ...]]:
    """The rows of the file behind the link in an answer."""
    response = web.get(link_in(answer))
    assert response.status_code == 200
    sheet = load_workbook(io.BytesIO(response.data))["关键任务"]
    assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return [tuple(row) for row in sheet.values]


def test_the_file_has_a_row_for_each_task_of_the_year(
    secretary: Phone, phone: PhoneBook, web: FlaskClient
) -> None:
    secretary("新建任务\n城西变检修 张伟 12月20日\n=1+1 古丽 12月25日\n线损压降 李明 2027-03-31")
    secretary("确认")
    phone("张伟")("进度 RW1 60% 完成停电申请")
    phone("张伟")("完成任务 RW1 已送电")
    secretary("确认任务 RW1")
    secretary("发布主题党日 12月4日14:30 三楼会议室 主题:检修攻坚 服务任务 RW2")
    secretary("确认")
    head, *rows = opened(web, secretary("导出 任务台账"))
    first, second = (dict(zip(head, row, strict=True)) for row in rows[:2])
    assert first["编号"] == "RW1"
    assert (first["负责人"], first["期限"], first["状态"], first["进度"]) == (
        "张伟",
        "2026-12-20",
        "已完成",
        "60%",
    )
    assert (first["报完成"], first["办理人"], first["最近情况"]) == ("2026-11-23", "王建国", "确认：按期")
    assert (second["任务"], second["状态"], second["服务任务的活动"]) == ("=1+1", "正常", 1)
    assert "期限在2026年内的关键任务 2 项" in rows[-1][0]
    rows = opened(web, secretary("导出 任务 2027"))
    assert [row[0] for row in rows[1:2]] == ["RW3"]


def test_who_may_have_it(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(
        ("导出 任务台账", "还没有关键任务"), ("导出", "导出 任务台账"), ("导出 三会一课台账", "三会一课台账（Excel）"),
        ("新建任务 检修 张伟 年底", "1 确认"), ("1", "RW1"), ("导出 任务 很久", "可以写：导出 任务台账 2026"),
        ("导出 关键任务台账", "期限在2026年的关键任务台账（Excel）"),
    )  # fmt: skip
    assert "书记或委员" in phone("张伟")("导出 任务台账")
