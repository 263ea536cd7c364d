"""积分公示: the results of a settlement for the notice board, as a Word document and as a workbook."""

from __future__ import annotations

import io
from datetime import datetime
from typing import TYPE_CHECKING, Any

from bot.documents.words import BLANK, clean, day, moment, or_blank
from bot.models.settlement import SettlementState
from bot.services.bulletin import BulletinFacts
from bot.times import local

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

COLUMNS = 4
"""The columns that the Word template has for dimensions; where the rules know more, the last one sums the rest."""
ABOUT = "按名册顺序排列，不排名次。每个维度按季度上限计分。积分只是民主评议党员的参考之一。"


def fields(facts: BulletinFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``bulletin``. What has not happened yet is a blank."""
    return {
        "支部": clean(facts.branch),
        "期间": facts.title,
        "起止": f"{day(facts.starts_on)}至{day(facts.ends_on)}",
        "状态": facts.state.value,
        "公示时间": _notice(facts, now),
        "定稿时间": moment(facts.final_at, now) if facts.final_at else BLANK,
        "人数": str(len(facts.rows)),
        "联系人": or_blank(facts.contact),
        "申诉": _appeals(facts),
        "维度": _columns([clean(name) for name in facts.dimensions], "其他"),
        "名单": [
            {
                "序号": str(number),
                "姓名": clean(row.name),
                "党小组": clean(row.group),
                "分": _sums(row.dimensions),
                "往期更正": f"{row.correction:+d}" if row.correction else "",
                "合计": str(row.total),
            }
            for number, row in enumerate(facts.rows, 1)
        ],
        "说明": _after(facts) + ABOUT,
        "日期": day(local(facts.final_at or facts.published_at, now).date()),
        "导出时间": moment(now, now),
    }


def _notice(facts: BulletinFacts, now: datetime) -> str:
    return f"{moment(facts.published_at, now)}至{moment(facts.closes_at, now)}"


def _appeals(facts: BulletinFacts) -> str:
    if not facts.appeals:
        return "没有收到申诉" if facts.state is SettlementState.FINAL else "到目前没有收到申诉"
    waiting = f"，正在处理 {facts.waiting} 件" if facts.waiting else ""
    return f"收到申诉 {facts.appeals} 件，同意 {facts.granted} 件{waiting}"


def _after(facts: BulletinFacts) -> str:
    return "结果已定稿，以后的更正计入下一期。" if facts.state is SettlementState.FINAL else ""


def _columns(names: list[str], rest: str) -> list[str]:
    """As many heads as the template has columns."""
    shown = names if len(names) <= COLUMNS else [*names[: COLUMNS - 1], rest]
    return shown + [""] * (COLUMNS - len(shown))


def _sums(points: tuple[int, ...]) -> list[str]:
    shown = list(points) if len(points) <= COLUMNS else [*points[: COLUMNS - 1], sum(points[COLUMNS - 1 :])]
    return [str(one) for one in shown] + [""] * (COLUMNS - len(shown))


def workbook(facts: BulletinFacts, now: datetime) -> bytes:
    """The same as a workbook, to sort and to file. No cell is a formula, whatever a group is called."""
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "积分公示"
    heads = ["序号", "姓名", "党小组", *facts.dimensions, "往期更正", "合计"]
    sheet.append([f"{facts.branch}{facts.title}党员积分公示"])
    span = f"积分期间：{day(facts.starts_on)}至{day(facts.ends_on)}；状态：{facts.state.value}"
    sheet.append([f"{span}；公示时间：{_notice(facts, now)}；{_appeals(facts)}"])
    sheet.append(heads)
    for number, row in enumerate(facts.rows, 1):
        sheet.append([number, clean(row.name), clean(row.group), *row.dimensions, row.correction, row.total])
    sheet.append([_after(facts) + ABOUT])
    _dress(sheet, len(heads))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _dress(sheet: Worksheet, width: int) -> None:
    """Title and notes across the table, words that begin with = stay words, columns as wide as a name."""
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.properties import PageSetupProperties

    for number in (1, 2, sheet.max_row):
        sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=width)
        place = "center" if number == 1 else "left"
        sheet.cell(number, 1).alignment = Alignment(wrap_text=True, vertical="center", horizontal=place)
        sheet.row_dimensions[number].height = 32
    for cells in sheet.iter_rows():
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for row in (1, 3):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
    for column in range(2, width + 1):
        sheet.column_dimensions[get_column_letter(column)].width = 16
    sheet.freeze_panes = "C4"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
