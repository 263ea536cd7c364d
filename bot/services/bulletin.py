"""The bulletin of a settlement as a workbook: for the notice board, in the order of the roster, with no ranking and no grades."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.worksheet import Worksheet
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.settlement import Settlement, SettlementState
from bot.services import point_rule, settlement
from bot.times import full_moment

ZONE = ZoneInfo("Asia/Shanghai")


def bulletin(session: Session, settlement_id: int, *, zone: ZoneInfo = ZONE) -> bytes:
    """An .xlsx with one line a member: group, dimensions, earlier corrections, total. Times are shown in ``zone``."""
    one = session.get_one(Settlement, settlement_id)
    branch = session.get_one(Organisation, one.branch_id)
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "积分公示"
    names = [dimension.name for dimension in point_rule.rules().dimensions]
    header = ["序号", "姓名", "党小组", *names, "往期更正", "合计"]
    sheet.append([f"{branch.name}{settlement.title(one.period)}党员积分公示"])
    sheet.append([_about(one, zone)])
    sheet.append(header)
    for number, row in enumerate(_rows(session, one, names), 1):
        sheet.append([number, *row])
    sheet.append([_foot(one)])
    _dress(sheet, len(header))
    file = BytesIO()
    book.save(file)
    return file.getvalue()


def _rows(session: Session, one: Settlement, names: list[str]) -> list[list[str | int]]:
    people = {
        member.id: (member.name, group or "")
        for member, group in session.execute(
            select(Member, Organisation.name).outerjoin(Organisation, Organisation.id == Member.group_id)
        )
    }
    return [
        [*people[row.member_id], *(row.dimensions.get(name, 0) for name in names), row.correction, row.total]
        for row in settlement.results(session, one.id)
    ]


def _about(one: Settlement, zone: ZoneInfo) -> str:
    span = f"积分期间：{one.starts_on}至{one.ends_on}；状态：{one.state.value}"
    if one.published_at is None or one.closes_at is None:
        return span
    shown = [full_moment(at, datetime.now(zone)) for at in (one.published_at, one.closes_at)]
    return f"{span}；公示时间：{shown[0]}至{shown[1]}"


def _foot(one: Settlement) -> str:
    after = (
        "以后的更正计入下一期。" if one.state is SettlementState.FINAL else "对结果有异议的，公示期内可申诉。"
    )
    return f"按姓名登记顺序排列，不排名次。每个维度按季度上限计分。{after}积分只是民主评议党员的参考之一。"


def _dress(sheet: Worksheet, width: int) -> None:
    """Title and notes across the table, words that begin with = stay words, columns as wide as a name."""
    for number in (1, 2, sheet.max_row):
        sheet.merge_cells(start_row=number, end_row=number, start_column=1, end_column=width)
        sheet.cell(number, 1).alignment = Alignment(
            wrap_text=True, horizontal="center" if number == 1 else "left"
        )
    for cells in sheet.iter_rows():
        for cell in cells:
            if isinstance(cell.value, str):
                cell.data_type = "s"
    for row in (1, 3):
        for cell in sheet[row]:
            cell.font = Font(bold=True)
    sheet.row_dimensions[sheet.max_row].height = 32
    for letter in "BCDEFGHI"[: width - 1]:
        sheet.column_dimensions[letter].width = 16
    sheet.freeze_panes = "C4"
