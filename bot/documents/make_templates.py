"""For developers: ``python -m bot.documents.make_templates`` writes the shipped templates anew.

A template is an ordinary Word or Excel file with placeholders such as {{主题}}; a branch may change everything else about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "templates"
FONT, LATIN = "宋体", "Times New Roman"
SIGN = "＿＿＿＿＿＿＿＿"


def make(folder: Path = FOLDER) -> None:
    """Write all templates into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, build in (
        ("minutes", _minutes),
        ("sheet", _sheet),
        ("notice", _notice),
        ("handbook", _handbook),
        ("vote", _vote),
        ("election", _election),
        ("bulletin", _bulletin),
    ):
        build().save(str(folder / f"{name}.docx"))
    _ledger().save(str(folder / "ledger.xlsx"))


# The documents -----------------------------------------------------------------------------------------------------


def _minutes() -> Any:
    document = _a4()
    _title(document, "{{支部}}{{记录名}}")
    table = _table(document, (2.6, 5.6, 2.6, 5.6))
    _row(table, "类　　别", "{{类别}}", "编　　号", "{{编号}}")
    _row(table, "主　　题", "{{主题}}")
    _row(table, "时　　间", "{{时间}}")
    _row(table, "地　　点", "{{地点}}")
    _row(table, "主 持 人", "{{主持人}}", "记 录 人", "{{记录人}}")
    _row(table, "应　　到", "{{应到}}", "实　　到", "{{实到}}")
    _row(table, "请　　假", "{{请假}}", "缺　　席", "{{缺席}}")
    for label in ("到会人员", "请假人员", "缺席人员", "列席人员"):
        _row(table, label, f"{{{{{label}}}}}")
    with _only_if(table, "结合生产"):
        _row(table, "结合生产", "{{结合生产}}")
    _long(table, "{{内容名}}", "内容", height=5)
    with _only_if(table, "补记"):
        _long(table, "补　　记", "补记")
    _long(table, "议定事项", "议定事项", height=2.2)
    _remove_first_row(table)
    _signatures(document, "主持人签字", "记录人签字", "日期")
    _photos(document)
    _footnote(document, "按支部通里已记录的事实生成；空白处没有记录，请据实填写。{{导出时间}}导出。")
    return document


def _photos(document: Any) -> None:
    """The photos of the minutes, each kept together with what is said of it."""
    _control(document, "for 照 in 照片")
    _control(document, "if 照.图")
    picture = _paragraph(document, "{{照.图}}")
    picture.paragraph_format.keep_with_next = True
    _centred(picture)
    _control(document, "endif")
    _centred(_paragraph(document, "照片：{{照.说明}}"), 10.5)
    _control(document, "endfor")


def _sheet() -> Any:
    document = _a4()
    _title(document, "{{支部}}{{类别}}签到表")
    table = _table(document, (2.6, 13.8))
    _row(table, "主　　题", "{{主题}}")
    _row(table, "时　　间", "{{时间}}")
    _row(table, "地　　点", "{{地点}}")
    _row(table, "人　　数", "{{人数}}")
    _remove_first_row(table)
    document.add_paragraph()
    heads = ("序号", "姓名", "党小组", "身份", "签到时间", "签名", "备注")
    keys = ("序号", "姓名", "党小组", "身份", "签到", "", "备注")
    _list(document, heads, keys, "人员", (1.2, 2.3, 2.6, 2.1, 2.2, 2.7, 3.3), height=0.95)
    _footnote(document, "签名一栏供现场手签。按支部通里已记录的事实生成。{{导出时间}}导出。")
    return document


def _notice() -> Any:
    document = _a4()
    _title(document, "{{标题}}")
    _paragraph(document, "{{称呼}}")
    _control(document, "for 段 in 段落")
    _paragraph(document, "{{段}}", indent=True)
    _control(document, "endfor")
    document.add_paragraph()
    for text in ("{{支部}}", "{{日期}}"):
        _right(_paragraph(document, text))
    _footnote(document, "{{送达}}")
    return document


def _vote() -> Any:
    document = _a4()
    _title(document, "{{支部}}表决结果")
    table = _table(document, (2.8, 5.4, 2.8, 5.4))
    _row(table, "表决事项", "{{事项}}")
    _row(table, "会　　议", "{{会议}}（{{会议日期}}）")
    _row(table, "地　　点", "{{地点}}", "编　　号", "{{编号}}")
    _row(table, "表决范围", "{{范围}}", "表决方式", "{{方式}}")
    _row(table, "应　　到", "{{应到}} 人", "实　　到", "{{实到}} 人（至少 {{到会要求}} 人）")
    _row(table, "赞　　成", "{{赞成}}", "反　　对", "{{反对}}")
    _row(table, "弃　　权", "{{弃权}}", "投票合计", "{{投票}}")
    _row(table, "通过要求", "赞成超过应到的半数，至少 {{赞成要求}} 票")
    _row(table, "结　　果", "{{结果}}")
    _row(table, "依　　据", "{{依据}}")
    _long(table, "{{名单名}}", "名单", height=2.6)
    _remove_first_row(table)
    _signatures(document, "主持人", "监票人", "计票人")
    _footnote(document, "{{说明}}表决于{{结束时间}}结束，{{导出时间}}导出。")
    return document


def _bulletin() -> Any:
    document = _a4()
    _title(document, "{{支部}}{{期间}}党员积分公示")
    _paragraph(
        document,
        "现将{{起止}}的党员积分予以公示，共{{人数}}人。公示时间：{{公示时间}}。",
        indent=True,
    )
    _paragraph(
        document,
        "对结果有异议的，公示期内可以在支部通里发“申诉 编号 理由”，也可以向{{联系人}}反映，联系电话：＿＿＿＿＿＿。{{申诉}}。",
        indent=True,
    )
    document.add_paragraph()
    heads = ("序号", "姓名", "党小组", *(f"{{{{维度[{n}]}}}}" for n in range(4)), "往期更正", "合计")
    keys = ("序号", "姓名", "党小组", *(f"分[{n}]" for n in range(4)), "往期更正", "合计")
    _list(document, heads, keys, "名单", (1.2, 2.0, 2.4, 1.9, 1.9, 1.9, 1.9, 1.7, 1.5))
    _paragraph(document, "状态：{{状态}}；定稿时间：{{定稿时间}}。{{说明}}")
    _right(_paragraph(document, "{{支部}}"))
    _right(_paragraph(document, "{{日期}}"))
    _footnote(document, "按支部通里已记录的事实生成；空白处没有记录，请据实填写。{{导出时间}}导出。")
    return document


def _election() -> Any:
    document = _a4()
    _title(document, "{{支部}}选举用表")
    _heading(document, "一、人数和票数", 1)
    table = _table(document, (3.6, 12.8))
    _row(table, "应　　到", "有选举权的正式党员 {{应到}} 人（按{{日期}}名册）")
    _row(table, "到会要求", "不少于应到的五分之四，至少 {{到会要求}} 人；实到 ＿＿＿＿ 人")
    _row(table, "当选要求", "{{当选要求}}")
    _row(table, "算　　法", "{{算法}}")
    _row(table, "选　　票", "发出 ＿＿＿ 张，收回 ＿＿＿ 张，有效 ＿＿＿ 张，无效 ＿＿＿ 张")
    _remove_first_row(table)
    _heading(document, "二、现场核对", 1)
    _control(document, "for 条 in 核对")
    _paragraph(document, "{{条}}")
    _control(document, "endfor")
    _heading(document, "三、计票单", 1)
    heads = ("序号", "候选人", "赞成", "不赞成", "弃权", "是否当选")
    _list(document, heads, ("序号", "", "", "", "", ""), "候选人", (1.4, 4.6, 2.6, 2.6, 2.6, 2.6))
    _signatures(document, "监票人", "计票人", "日期")
    document.add_page_break()
    _title(document, "选　票")
    names = ("序号", "候选人（按姓氏笔画）", "赞成", "不赞成", "弃权")
    _list(document, names, ("序号", "", "", "", ""), "选票", (1.8, 6.8, 2.6, 2.6, 2.6), height=1.1)
    _list(
        document,
        ("", "另选他人", "", "", ""),
        ("序号", "", "", "", ""),
        "另选",
        (1.8, 6.8, 2.6, 2.6, 2.6),
        height=1.1,
    )
    _paragraph(
        document,
        "在相应的格里画“○”。赞成的人数不超过应选名额；不赞成的可以另选他人。无记名，请不要写自己的姓名。",
    )
    _footnote(
        document, "选举到会进行，本系统只打印用表、核算票数；以上级批复的选举办法为准。{{导出时间}}导出。"
    )
    return document


def _handbook() -> Any:
    document = _a4()
    document.sections[0].different_first_page_header_footer = True  # the cover has no number
    for _ in range(6):
        document.add_paragraph()
    _title(document, "{{支部}}工作手册", size=32)
    _title(document, "（{{年度}}年度）", size=20)
    for _ in range(12):
        document.add_paragraph()
    _centred(_paragraph(document, "书记：" + SIGN), 14)
    _centred(_paragraph(document, "统计到{{导出日期}}"), 12)
    document.add_page_break()
    _contents(document)
    _handbook_people(document)
    _handbook_months(document)
    _handbook_sums(document)
    _update_fields(document)
    return document


def _handbook_people(document: Any) -> None:
    _heading(document, "一、支部与党员", 1)
    _paragraph(
        document,
        "党员{{党员数}}名，其中正式党员{{正式数}}名、预备党员{{预备数}}名；党小组{{小组数}}个{{小组}}。",
        indent=True,
    )
    heads = ("序号", "姓名", "身份", "党小组", "班组", "入党日期")
    _list(document, heads, heads, "党员", (1.4, 2.6, 2.6, 3.2, 3.4, 3.2))
    _heading(document, "二、支部委员会", 1)
    _paragraph(document, "本届从{{本届开始}}开始。", indent=True)
    posts = ("职务", "姓名", "任职开始", "任职结束")
    _list(document, posts, posts, "委员", (4.0, 4.0, 4.2, 4.2))


def _handbook_months(document: Any) -> None:
    _heading(document, "三、全年组织生活", 1)
    _control(document, "for 月 in 月份")
    _heading(document, "{{月.名}}", 2)
    _control(document, "if 月.活动")
    heads = ("日期", "类别", "主题", "地点", "应到", "实到", "请假", "缺席")
    _list(document, heads, heads, "月.活动", (2.4, 2.2, 4.2, 2.8, 1.2, 1.2, 1.2, 1.2))
    _control(document, "else")
    _paragraph(document, "{{月.说明}}", indent=True)
    _control(document, "endif")
    _control(document, "endfor")


def _handbook_sums(document: Any) -> None:
    _heading(document, "四、党员学习学时", 1)
    _paragraph(document, "每学时按{{每学时}}分钟计。", indent=True)
    hours = ("姓名", "党小组", "已学（学时）", "要求（学时）")
    _list(document, hours, ("姓名", "党小组", "已学", "要求"), "学时", (4.0, 4.2, 4.1, 4.1))
    _heading(document, "五、党员积分汇总", 1)
    _paragraph(document, "各维度按季度封顶后合计，按名册顺序列出，不作排名。", indent=True)
    heads = ("姓名", "{{维度[0]}}", "{{维度[1]}}", "{{维度[2]}}", "{{维度[3]}}", "合计")
    keys = ("姓名", "分[0]", "分[1]", "分[2]", "分[3]", "合计")
    _list(document, heads, keys, "积分", (2.9, 2.9, 2.9, 2.9, 2.9, 1.9))
    _footnote(document, "名册和职务以{{导出时间}}导出时为准；没有记录的内容留空。")


def _ledger() -> Any:
    from openpyxl import Workbook
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "{{年}}年{{月}}月"
    last = len(LEDGER)
    for row in (1, 4):
        sheet.merge_cells(start_row=row, start_column=1, end_row=row, end_column=last)
    _put(sheet, 1, 1, "{{支部}}“三会一课”台账（{{年}}年{{月}}月）", border=False, size=18, bold=True)
    foot = f"填表人：{SIGN[:6]}　　审核人：{SIGN[:6]}　　{{{{导出时间}}}}导出"
    _put(sheet, 4, 1, f"{{{{合计}}}}。空格处没有记录。{foot}", border=False, left=True)
    for column, (head, width) in enumerate(LEDGER, 1):
        _put(sheet, 2, column, head, bold=True)
        _put(sheet, 3, column, f"{{{{项.{head}}}}}", left=head in ("主题", "备注"))
        sheet.column_dimensions[get_column_letter(column)].width = width
    for row, height in ((1, 34), (2, 21), (3, 21), (4, 30)):
        sheet.row_dimensions[row].height = height
    _landscape(sheet)
    return book


LEDGER = (
    ("序号", 6),
    ("日期", 17),
    ("类别", 12),
    ("主题", 30),
    ("地点", 16),
    ("应到", 6.5),
    ("实到", 6.5),
    ("请假", 6.5),
    ("缺席", 6.5),
    ("主持人", 10),
    ("记录人", 10),
    ("积分", 6.5),
    ("备注", 28),
)
"""The columns of the ledger with their width in characters."""


def _put(
    sheet: Any,
    row: int,
    column: int,
    text: str,
    *,
    size: float = 11,
    bold: bool = False,
    left: bool = False,
    border: bool = True,
) -> None:
    from openpyxl.styles import Alignment, Border, Font, Side

    cell = sheet.cell(row, column, text)
    cell.font = Font(name=FONT, size=size, bold=bold)
    cell.alignment = Alignment(horizontal="left" if left else "center", vertical="center", wrap_text=True)
    if border:
        thin = Side(style="thin")
        cell.border = Border(left=thin, right=thin, top=thin, bottom=thin)


def _landscape(sheet: Any) -> None:
    """A4 across, one page wide, the heads repeated on every page, each page with its number."""
    from openpyxl.worksheet.properties import PageSetupProperties

    sheet.freeze_panes = "A3"
    sheet.print_title_rows = "1:2"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_options.horizontalCentered = True
    sheet.oddFooter.center.text = "第 &P 页，共 &N 页"


# Parts ------------------------------------------------------------------------------------------------------------------


def _a4() -> Any:
    from docx import Document
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    document = Document()
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.3)
    section.top_margin = section.bottom_margin = Cm(2.4)
    for name, size in (("Normal", 12), ("Heading 1", 16), ("Heading 2", 14)):
        style = document.styles[name]
        _font(style.font, style.element.get_or_add_rPr(), size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        style.paragraph_format.space_after = Pt(4)
        style.paragraph_format.line_spacing = 1.25
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")  # decides how punctuation is drawn
    document.core_properties.title = ""
    document.core_properties.author = "支部通"
    _page_number(section)
    return document


def _font(font: Any, properties: Any, size: float) -> None:
    """Latin and East Asian letters; the theme's fonts, which headings name, would win over both."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    font.name, font.size = LATIN, Pt(size)
    fonts = properties.get_or_add_rFonts()
    for attribute in [name for name in fonts.attrib if "Theme" in name or "theme" in name]:
        del fonts.attrib[attribute]
    fonts.set(qn("w:eastAsia"), FONT)
    fonts.set(qn("w:hAnsi"), LATIN)


def _run(paragraph: Any, text: str, size: float, *, bold: bool = False) -> Any:
    run = paragraph.add_run(text)
    _font(run.font, run._element.get_or_add_rPr(), size)
    run.bold = bold
    return run


def _title(document: Any, text: str, *, size: float = 22) -> None:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    _run(paragraph, text, size, bold=True)
    _centred(paragraph)
    paragraph.paragraph_format.space_after = Pt(14)


def _centred(paragraph: Any, size: float | None = None) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Pt

    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for run in paragraph.runs if size else ():
        run.font.size = Pt(size or 0)


def _right(paragraph: Any) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH

    paragraph.alignment = WD_ALIGN_PARAGRAPH.RIGHT


def _paragraph(document: Any, text: str, *, indent: bool = False) -> Any:
    from docx.shared import Pt

    paragraph = document.add_paragraph()
    _run(paragraph, text, 12)
    if indent:
        paragraph.paragraph_format.first_line_indent = Pt(24)
    return paragraph


def _control(document: Any, statement: str) -> None:
    """A paragraph that only steers and disappears."""
    document.add_paragraph(f"{{%p {statement} %}}")


def _heading(document: Any, text: str, level: int) -> None:
    document.add_heading(text, level)


def _footnote(document: Any, text: str) -> None:
    """Small print at the foot of every page, where it never needs a page of its own."""
    from docx.shared import RGBColor

    paragraph = document.sections[0].footer.paragraphs[0].insert_paragraph_before()
    _run(paragraph, text, 9).font.color.rgb = RGBColor(0x59, 0x59, 0x59)


def _signatures(document: Any, *labels: str) -> None:
    """Lines to sign on, never alone on a page: the last row of the table above stays with them."""
    from docx.shared import Pt

    for cell in document.tables[-1].rows[-1].cells:
        for above in cell.paragraphs:
            above.paragraph_format.keep_with_next = True
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_before = Pt(16)
    _run(paragraph, "　".join(f"{label}：{SIGN[:6]}" for label in labels), 12)


def _table(document: Any, widths: Sequence[float]) -> Any:
    """A bordered table with one empty row; widths in centimetres."""
    from docx.enum.table import WD_TABLE_ALIGNMENT

    table = document.add_table(rows=1, cols=len(widths), style="Table Grid")
    table.alignment = WD_TABLE_ALIGNMENT.CENTER
    table.autofit = False
    _widths(table, widths)
    return table


def _widths(table: Any, widths: Sequence[float]) -> None:
    from docx.shared import Cm

    for column, width in zip(table.columns, widths, strict=True):
        column.width = Cm(width)
        for cell in column.cells:
            cell.width = Cm(width)


def _row(table: Any, *texts: str) -> Any:
    """Label, value, label, value; with two texts the value is as wide as the rest."""
    from docx.shared import Cm

    row = table.add_row()
    row.height = Cm(0.9)
    cells = row.cells
    if len(texts) < len(cells):
        cells = (cells[0], cells[1].merge(cells[-1]))
    for index, (cell, text) in enumerate(zip(cells, texts, strict=True)):
        _cell(cell, text, label=index % 2 == 0)
    return row


def _cell(cell: Any, text: str, *, label: bool = False, size: float = 12) -> None:
    from docx.enum.table import WD_CELL_VERTICAL_ALIGNMENT
    from docx.shared import Pt

    cell.vertical_alignment = WD_CELL_VERTICAL_ALIGNMENT.CENTER
    paragraph = cell.paragraphs[0]
    paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(1.5)
    _run(paragraph, text, size, bold=label)
    if label:
        _centred(paragraph)


@contextmanager
def _only_if(table: Any, key: str) -> Iterator[None]:
    """The rows made inside are there only if ``key`` is not empty."""
    table.add_row().cells[0].text = f"{{%tr if {key} %}}"
    yield
    table.add_row().cells[0].text = "{%tr endif %}"


def _long(table: Any, label: str, key: str, *, height: float = 0.9) -> None:
    """A row whose value is one paragraph for each line of ``key``."""
    from docx.shared import Cm, Pt

    row = _row(table, label, "")
    row.height = Cm(height)
    cell = row.cells[-1]
    for index, text in enumerate((f"{{%p for 行 in {key} %}}", "{{行}}", "{%p endfor %}")):
        paragraph = cell.paragraphs[0] if index == 0 else cell.add_paragraph()
        paragraph.paragraph_format.space_before = paragraph.paragraph_format.space_after = Pt(3)
        _run(paragraph, text, 12)


def _remove_first_row(table: Any) -> None:
    table._tbl.remove(table.rows[0]._tr)


def _list(
    document: Any,
    heads: Sequence[str],
    keys: Sequence[str],
    items: str,
    widths: Sequence[float],
    *,
    height: float = 0.8,
) -> None:
    """A table with a head that is repeated on every page and a row for each of ``items``."""
    from docx.shared import Cm

    table = _table(document, widths)
    for cell, head in zip(table.rows[0].cells, heads, strict=True):
        _cell(cell, head, label=True, size=10.5)
    _repeat(table.rows[0])
    table.add_row().cells[0].text = f"{{%tr for 项 in {items} %}}"
    row = table.add_row()
    for cell, key in zip(row.cells, keys, strict=True):
        _cell(cell, f"{{{{项.{key}}}}}" if key else "", size=10.5)
        _centred(cell.paragraphs[0])
    table.add_row().cells[0].text = "{%tr endfor %}"
    for one in (table.rows[0], row):
        one.height = Cm(height)
        _keep_whole(one)
    _widths(table, widths)


def _repeat(row: Any) -> None:
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))


def _keep_whole(row: Any) -> None:
    """A row of a list is not parted between two pages."""
    from docx.oxml import OxmlElement

    row._tr.get_or_add_trPr().append(OxmlElement("w:cantSplit"))


def _field(paragraph: Any, code: str, shown: Sequence[str] = ("",)) -> None:
    """A Word field with what is shown until it is updated, one line each."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    def mark(kind: str) -> None:
        element = OxmlElement("w:fldChar")
        element.set(qn("w:fldCharType"), kind)
        paragraph.add_run()._r.append(element)

    mark("begin")
    instruction = OxmlElement("w:instrText")
    instruction.set(qn("xml:space"), "preserve")
    instruction.text = f" {code} "
    paragraph.add_run()._r.append(instruction)
    mark("separate")
    for index, text in enumerate(shown):
        run = _run(paragraph, text, 12)
        if index < len(shown) - 1:
            run.add_break()
    mark("end")


def _page_number(section: Any) -> None:
    paragraph = section.footer.paragraphs[0]
    _centred(paragraph)
    _run(paragraph, "— ", 9)
    _field(paragraph, "PAGE", ("1",))
    _run(paragraph, " —", 9)


def _contents(document: Any) -> None:
    """The table of contents, whose lines :mod:`bot.documents.contents` writes when the headings are known."""
    _title(document, "目　录", size=18)
    _paragraph(document, "{{目录}}")
    document.add_page_break()


def _update_fields(document: Any) -> None:
    """Ask Word to fill the fields when the document is opened."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement("w:updateFields")
    element.set(qn("w:val"), "true")
    document.settings.element.append(element)


if __name__ == "__main__":
    make()
