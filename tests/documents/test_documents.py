"""Documents against facts made by hand: blanks, templates that are replaced or broken, odd characters, and how Word and LibreOffice open them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from docx import Document
from docx.oxml.ns import qn
from openpyxl import Workbook, load_workbook

from bot import documents
from bot.documents import BrokenTemplate, File, Templates, make_templates
from bot.documents.file import name_of
from bot.models.settlement import SettlementState
from bot.services.record import Presence
from bot.services.tally import Basis
from tests.documents.samples import (
    BULLETIN,
    DECEMBER,
    DIMENSIONS,
    ELECTION,
    HELD_ELSEWHERE,
    INVITATION,
    MEETING,
    NAMED_VOTE,
    NOTICE,
    NOW,
    SECRET_VOTE,
    THEME_DAY,
    VOID_VOTE,
    YEAR,
    line,
)
from tests.documents.texts import table_texts, words

SHIPPED = Templates(1)
WORD: dict[str, Callable[[Templates], File]] = {
    "minutes": lambda templates: documents.minutes_of(THEME_DAY, templates, now=NOW),
    "sheet": lambda templates: documents.sheet_of(THEME_DAY, templates, now=NOW),
    "notice": lambda templates: documents.notice_of(INVITATION, templates, now=NOW),
    "handbook": lambda templates: documents.handbook_of(YEAR, templates, now=NOW),
    "vote": lambda templates: documents.vote_of(NAMED_VOTE, templates, now=NOW),
    "election": lambda templates: documents.election_of(ELECTION, templates, now=NOW),
    "bulletin": lambda templates: documents.bulletin_of(BULLETIN, templates, now=NOW),
}


# Facts and blanks


def test_what_was_not_recorded_is_a_blank() -> None:
    table = table_texts(documents.minutes_of(HELD_ELSEWHERE, SHIPPED, now=NOW).body)
    for label in ("主题", "地点", "主持人", "记录人", "到会人员", "请假人员", "缺席人员", "列席人员"):
        assert table[label] == "＿＿＿＿", label
    for label in ("应到", "实到", "请假", "缺席"):
        assert table[label] == "＿＿＿＿ 人"
    assert table["时间"] == "2026年12月2日（周三）＿＿＿＿"
    assert set(table["会议内容"]) == {"＿", "\n"}
    assert "补记" not in table
    assert "结合生产" not in table


def test_an_activity_that_goes_on_has_nobody_absent_yet() -> None:
    people = tuple(
        replace(one, presence=Presence.UNKNOWN) if one.presence is Presence.ABSENT else one
        for one in THEME_DAY.people
    )
    going_on = replace(THEME_DAY, ended=False, ends_at=None, people=people)
    table = table_texts(documents.minutes_of(going_on, SHIPPED, now=NOW).body)
    assert (table["实到"], table["缺席"], table["缺席人员"]) == ("6 人", "＿＿＿＿ 人", "＿＿＿＿")
    assert table["时间"].endswith("14:30 至 ＿＿＿＿")


def test_a_meeting_that_votes_names_the_full_members_of_today_s_roster() -> None:
    table = table_texts(documents.minutes_of(MEETING, SHIPPED, now=NOW).body)
    assert table["应到"] == "8 人（按现名册正式党员 7 人）"


def test_closed_votes_stand_in_the_record_with_their_figures() -> None:
    decided = table_texts(documents.minutes_of(MEETING, SHIPPED, now=NOW).body)["议定事项"].splitlines()
    assert decided[0] == (
        "1．无记名表决“同意发展李明为预备党员”：有表决权的正式党员应到 11 人，实到 10 人；"
        "赞成 9 票，反对 1 票，弃权 0 票；通过。"
    )
    assert decided[1].endswith("票数不足，表决无效。")


def test_a_result_has_the_figures_what_they_are_measured_on_and_the_names_of_a_vote_by_name() -> None:
    table = table_texts(documents.vote_of(NAMED_VOTE, SHIPPED, now=NOW).body)
    assert table["表决事项"] == "通过明年工作计划<一>&二"
    assert (table["应到"], table["实到"]) == ("7 人", "6 人（至少 4 人）")
    assert [table[one] for one in ("赞成", "反对", "弃权", "投票合计", "结果")] == [
        "4",
        "1",
        "1",
        "6",
        "通过",
    ]
    assert table["通过要求"] == "赞成超过应到的半数，至少 4 票"
    assert table["依据"] == "《中国共产党支部工作条例（试行）》第十一条"
    assert table["投票名单"].splitlines() == [
        "赞成（4）：王建国、张伟、刘芳、陈刚",
        "反对（1）：阿不力孜",
        "弃权（1）：古丽",
    ]


def test_the_result_of_a_secret_vote_lists_receipts_and_no_name() -> None:
    body = documents.vote_of(SECRET_VOTE, SHIPPED, now=NOW).body
    lists = table_texts(body)["按暗号公布"].splitlines()
    assert lists == [f"赞成（9）：{'、'.join(f'青山{n}' for n in range(10, 19))}", "反对（1）：绿水20"]
    assert "没有保存谁投了什么" in words(body)
    assert not [one.name for one in THEME_DAY.people if one.name in words(body).replace("李明为", "")]


def test_a_void_vote_shows_no_count() -> None:
    table = table_texts(documents.vote_of(VOID_VOTE, SHIPPED, now=NOW).body)
    assert table["结果"] == "无效：投票不足 5 张，为保密票已销毁，要改用纸质票"
    assert [table[one] for one in ("赞成", "反对", "弃权", "投票合计")] == [""] * 4
    assert table["按暗号公布"] == "没有票"


def test_a_bulletin_leaves_open_what_has_not_happened_and_sums_what_has_no_column() -> None:
    nobody = replace(BULLETIN, contact="", appeals=0, granted=0, waiting=0)
    text = words(documents.bulletin_of(nobody, SHIPPED, now=NOW).body)
    assert "也可以向＿＿＿＿反映" in text
    assert "到目前没有收到申诉" in text
    assert "定稿时间：＿＿＿＿" in text
    final = replace(nobody, state=SettlementState.FINAL, final_at=NOW)
    text = words(documents.bulletin_of(final, SHIPPED, now=NOW).body)
    assert "定稿时间：2026年12月7日09:00" in text
    assert "以后的更正计入下一期" in text
    six = replace(
        BULLETIN,
        dimensions=(*DIMENSIONS, "五", "六"),
        rows=(replace(BULLETIN.rows[0], dimensions=(1, 2, 3, 4, 50, 600)),),
    )
    text = words(documents.bulletin_of(six, SHIPPED, now=NOW).body)
    assert "其他" in text
    assert "654" in text


def test_an_election_leaves_names_and_votes_blank_and_says_how_sure_its_clauses_are() -> None:
    body = documents.election_of(ELECTION, SHIPPED, now=NOW).body
    table = table_texts(body)
    assert table["应到"] == "有选举权的正式党员 11 人（按2027年3月1日名册）"
    assert table["到会要求"].startswith("不少于应到的五分之四，至少 9 人")
    assert table["当选要求"] == "赞成票超过应到 11 人的半数，至少 6 票"
    there = replace(ELECTION, basis=Basis.PRESENT, basis_set=True)
    table = table_texts(documents.election_of(there, SHIPPED, now=NOW).body)
    assert table["当选要求"] == "赞成票超过实到人数的半数：实到 ＿＿＿＿ 人，至少 ＿＿＿＿ 票"
    assert table["算法"].startswith("按实到算（本支部设置）")
    _, count, ballot, others = Document(io.BytesIO(body)).tables
    assert [[cell.text for cell in row.cells[1:]] for row in count.rows[1:]] == [[""] * 5] * 8
    assert len(ballot.rows) == 9
    assert len(others.rows) == 3
    assert all(one.text in words(body) for one in ELECTION.clauses)
    assert words(body).count("，以上级要求为准）") == sum(
        one.confidence == "medium" for one in ELECTION.clauses
    )


def test_the_time_of_a_correction_is_not_shown_as_a_check_in() -> None:
    sheet = Document(io.BytesIO(documents.sheet_of(THEME_DAY, SHIPPED, now=NOW).body)).tables[1]
    rows = {row.cells[1].text: [cell.text for cell in row.cells] for row in sheet.rows}
    assert rows["陈刚"][4:] == ["", "", "补签：现场手机没电"]
    assert rows["张伟"][4:] == ["14:27", "", ""]


def test_characters_that_no_file_may_contain_do_not_stop_a_ledger() -> None:
    month = replace(DECEMBER, activities=(replace(THEME_DAY, theme="安\x00全\x0b\ufffe\ud800学习"),))
    sheet = load_workbook(io.BytesIO(documents.ledger_of(month, SHIPPED, now=NOW).body)).worksheets[0]
    assert sheet.cell(3, 4).value == "安全学习"


def test_what_people_write_survives_as_it_is() -> None:
    said = "<隐患>&“两张皮” {{主题}} {% if %}\x0b\x00第一行\n第二行 𠮷"
    odd = replace(THEME_DAY, theme="A<B>&C", lines=(line(1, said, "张伟"),))
    table = table_texts(documents.minutes_of(odd, SHIPPED, now=NOW).body)
    assert table["主题"] == "A<B>&C"
    assert table[
        "活动内容"
    ] == "1．张伟：<隐患>&“两张皮” {{主题}} {% if %}第一行\n第二行 𠮷（附照片 0 张）".replace(
        "（附照片 0 张）", ""
    )


def test_a_notice_keeps_its_text_and_tells_of_receipts_only_where_they_were_asked_for() -> None:
    free = words(documents.notice_of(NOTICE, SHIPPED, now=NOW).body)
    assert "明天停电检修，请提前保存资料。\n有事请联系综合室。" in free
    assert "已回执 9 人" in free
    assert "回执" not in words(documents.notice_of(INVITATION, SHIPPED, now=NOW).body)


def test_the_handbook_ranks_nobody() -> None:
    tables = Document(io.BytesIO(documents.handbook_of(YEAR, SHIPPED, now=NOW).body)).tables
    names = [one.name for one in YEAR.members]
    for table in (tables[0], tables[-2], tables[-1]):
        column = next(n for n, cell in enumerate(table.rows[0].cells) if cell.text == "姓名")
        assert [row.cells[column].text for row in table.rows[1:]] == names
    last = [cell.text for cell in tables[-1].rows[3].cells]
    assert last == ["古丽", "2", "4", "0", "1", "7"]


def test_the_contents_of_the_handbook_refer_to_every_heading() -> None:
    document = Document(io.BytesIO(documents.handbook_of(YEAR, SHIPPED, now=NOW).body))
    headings = [one for one in document.paragraphs if str(one.style and one.style.name).startswith("Heading")]
    marks = [one.get(qn("w:name")) for one in document.element.body.iter(qn("w:bookmarkStart"))]
    codes = [str(one.text).split()[1] for one in document.element.body.iter(qn("w:instrText"))]
    assert len(headings) == 5 + 12
    assert codes == marks == [f"_Toc{n:06}" for n in range(1, 18)]
    lines = [one.text.rstrip("\t") for one in document.paragraphs if one.text.endswith("\t")]
    assert lines == [one.text for one in headings]
    assert document.settings.element.find(qn("w:updateFields")) is not None


def test_an_own_handbook_without_contents_stays_as_it_is(tmp_path: Path) -> None:
    assert (
        words(documents.handbook_of(YEAR, own(tmp_path, "handbook", "{{年度}}"), now=NOW).body).strip()
        == "2026"
    )


@pytest.mark.parametrize("name", WORD)
def test_every_letter_is_set_in_song_ti(name: str) -> None:
    document = Document(io.BytesIO(WORD[name](SHIPPED).body))
    for style in ("Normal", "Heading 1", "Heading 2"):
        assert document.styles[style].element.rPr.rFonts.get(qn("w:eastAsia")) == "宋体"
    fonts = [run.get(qn("w:eastAsia")) for run in document.element.body.iter(qn("w:rFonts"))]
    assert set(fonts) == {"宋体"}


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "'"])
def test_no_text_of_a_ledger_is_a_formula(start: str) -> None:
    theme = f"{start}cmd|' /C calc'!A0"
    month = replace(
        DECEMBER,
        branch=theme,
        activities=(replace(THEME_DAY, theme=theme, place=theme, production=theme, hosts=(theme,)),),
    )
    data = documents.ledger_of(month, SHIPPED, now=NOW).body
    sheet = load_workbook(io.BytesIO(data)).worksheets[0]
    for column in (4, 5, 10):
        cell = sheet.cell(3, column)
        assert (cell.value, cell.data_type, cell.quotePrefix) == (theme, "s", True)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert b"<f>" not in parts.read("xl/worksheets/sheet1.xml")


def test_an_empty_month_says_so() -> None:
    sheet = load_workbook(
        io.BytesIO(documents.ledger_of(replace(DECEMBER, activities=()), SHIPPED, now=NOW).body)
    ).worksheets[0]
    assert str(sheet.cell(3, 1).value).startswith("本月没有记录的活动")


def test_a_file_name_brings_no_path_and_nothing_that_systems_forbid() -> None:
    assert name_of("检修党支部", "记录", "../../etc/passwd\n*?:") == "检修党支部_记录_etcpasswd.docx"
    assert len(name_of("支部", "学" * 300).encode()) <= 255


# Templates


@pytest.mark.parametrize("name", WORD)
def test_the_shipped_templates_are_those_that_the_script_makes(name: str, tmp_path: Path) -> None:
    make_templates.make(tmp_path)
    made, shipped = tmp_path / f"{name}.docx", make_templates.FOLDER / f"{name}.docx"
    for part in ("word/document.xml", "word/styles.xml", "word/settings.xml"):
        with zipfile.ZipFile(made) as one, zipfile.ZipFile(shipped) as other:
            assert one.read(part) == other.read(part)


def own(folder: Path, name: str, text: str) -> Templates:
    document = Document()
    document.add_paragraph(text)
    (folder / "7").mkdir(exist_ok=True)
    document.save(str(folder / "7" / f"{name}.docx"))
    return Templates(7, folder)


@pytest.mark.parametrize("name", WORD)
def test_a_branch_replaces_each_template_for_itself_alone(name: str, tmp_path: Path) -> None:
    mine = own(tmp_path, name, "自己的模板：{{支部}}")
    assert words(WORD[name](mine).body).strip() == "自己的模板：检修党支部"
    for templates in (mine.shipped, replace(mine, branch_id=8)):
        assert "自己的模板" not in words(WORD[name](templates).body)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{{主 题}}", "括号写法有误"),
        ("{{题目}}", "有不认识的字段"),
        ("{% for 人 in 人员 %}{{人}}", "括号写法有误"),
        ("{{主题.没有这个}}", "有不认识的字段"),
        ("{{ ''.__class__.__mro__ }}", "不允许的写法"),
        ("{{ 主题.__class__.__base__.__subclasses__() }}", "不允许的写法"),
    ],
)
def test_a_broken_template_is_told_with_its_name_and_the_error(text: str, told: str, tmp_path: Path) -> None:
    templates = own(tmp_path, "minutes", text)
    with pytest.raises(BrokenTemplate, match=told) as refused:
        documents.minutes_of(THEME_DAY, templates, now=NOW)
    assert "minutes.docx（会议记录）" in str(refused.value)
    assert words(documents.minutes_of(THEME_DAY, templates.shipped, now=NOW).body)


@pytest.mark.parametrize("data", [b"", b"not a Word file", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_word_document_is_told(data: bytes, tmp_path: Path) -> None:
    templates = own(tmp_path, "sheet", "")
    (tmp_path / "7" / "sheet.docx").write_bytes(data)
    with pytest.raises(BrokenTemplate, match="不是完好的 Word 文件"):
        documents.sheet_of(THEME_DAY, templates, now=NOW)


def test_a_workbook_that_is_called_docx_is_told(tmp_path: Path) -> None:
    templates = own(tmp_path, "sheet", "")
    (tmp_path / "7" / "sheet.docx").write_bytes(documents.ledger_of(DECEMBER, SHIPPED, now=NOW).body)
    with pytest.raises(BrokenTemplate, match=r"sheet\.docx"):
        documents.sheet_of(THEME_DAY, templates, now=NOW)


# The ledger's template, an Excel file


def own_ledger(folder: Path, *rows: tuple[str, ...], merged: str = "") -> Templates:
    """A ledger of a branch's own: each tuple is a row."""
    book = Workbook()
    sheet = book.worksheets[0]
    for row in rows:
        sheet.append(row)
    if merged:
        sheet.merge_cells(merged)
    sheet.row_dimensions[sheet.max_row].height = 44
    (folder / "7").mkdir(exist_ok=True)
    book.save(folder / "7" / "ledger.xlsx")
    return Templates(7, folder)


def test_a_branch_arranges_the_ledger_as_it_likes(tmp_path: Path) -> None:
    mine = own_ledger(
        tmp_path,
        ("{{支部}} {{年}}年", "次数"),
        ("主题", "实到"),
        ("{{项.序号}}、{{项.主题}}", "{{项.实到}}", "=1+1"),
        ("{{合计}}，共{{次数}}次", "=SUM(B3:B3)"),
        ("审核人",),
        merged="A4:B4",
    )
    sheet = load_workbook(io.BytesIO(documents.ledger_of(DECEMBER, mine, now=NOW).body)).worksheets[0]
    assert [[cell.value for cell in row] for row in sheet.iter_rows(max_col=2)] == [
        ["检修党支部 2026年", "次数"],
        ["主题", "实到"],
        ["1、", None],
        ["2、宪法宣传进班组", 6],
        ['3、=HYPERLINK("http://x")', 6],
        ["本月共 3 次，共3次", None],
        ["审核人", None],
    ]
    assert [str(area) for area in sheet.merged_cells.ranges] == ["A6:B6"]
    assert sheet.row_dimensions[7].height == 44
    assert "自己" not in documents.ledger_of(DECEMBER, mine.shipped, now=NOW).name


def test_an_own_ledger_of_an_empty_month_has_no_row(tmp_path: Path) -> None:
    mine = own_ledger(tmp_path, ("主题",), ("{{项.主题}}",), ("{{次数}}次",), merged="A3:C3")
    empty = replace(DECEMBER, activities=())
    sheet = load_workbook(io.BytesIO(documents.ledger_of(empty, mine, now=NOW).body)).worksheets[0]
    assert [row[0].value for row in sheet.iter_rows()] == ["主题", "0次"]
    assert [str(area) for area in sheet.merged_cells.ranges] == ["A2:C2"]


def test_cells_that_are_joined_in_the_row_are_joined_in_every_row(tmp_path: Path) -> None:
    mine = own_ledger(tmp_path, ("主题",), ("{{项.主题}}", "", "{{项.地点}}"), ("完",), merged="A2:B2")
    sheet = load_workbook(io.BytesIO(documents.ledger_of(DECEMBER, mine, now=NOW).body)).worksheets[0]
    assert sorted(str(area) for area in sheet.merged_cells.ranges) == ["A2:B2", "A3:B3", "A4:B4"]
    assert [sheet.cell(row, 3).value for row in (2, 3)] == [None, "三楼会议室"]


def test_what_people_wrote_is_not_searched_for_fields() -> None:
    odd = replace(DECEMBER, activities=(replace(THEME_DAY, theme="{{支部}}{{没有}}{{项.主题}}"),))
    sheet = load_workbook(io.BytesIO(documents.ledger_of(odd, SHIPPED, now=NOW).body)).worksheets[0]
    assert sheet.cell(3, 4).value == "{{支部}}{{没有}}{{项.主题}}"


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ((("{{支部}}",),), "现在有 0 行"),
        ((("{{项.主题}}",), ("{{项.地点}}",)), "现在有 2 行"),
        ((("{{书记}}",), ("{{项.主题}}",)), "有不认识的字段（书记）"),
        ((("{{项.书记}}",),), "有不认识的字段（项.书记）"),
    ],
)
def test_a_broken_ledger_is_told_with_the_error(
    rows: tuple[tuple[str, ...], ...], told: str, tmp_path: Path
) -> None:
    mine = own_ledger(tmp_path, *rows)
    with pytest.raises(BrokenTemplate, match=told) as refused:
        documents.ledger_of(DECEMBER, mine, now=NOW)
    assert "ledger.xlsx（台账）" in str(refused.value)
    assert documents.ledger_of(DECEMBER, mine.shipped, now=NOW).body


@pytest.mark.parametrize("data", [b"", b"not an Excel file", b"PK\x03\x04 broken"])
def test_a_file_that_is_no_workbook_is_told(data: bytes, tmp_path: Path) -> None:
    mine = own_ledger(tmp_path)
    (tmp_path / "7" / "ledger.xlsx").write_bytes(data)
    with pytest.raises(BrokenTemplate, match="不是完好的 Excel 文件"):
        documents.ledger_of(DECEMBER, mine, now=NOW)


def test_the_shipped_ledger_is_the_one_that_the_script_makes(tmp_path: Path) -> None:
    make_templates.make(tmp_path)
    made, shipped = tmp_path / "ledger.xlsx", make_templates.FOLDER / "ledger.xlsx"
    for part in ("xl/worksheets/sheet1.xml", "xl/styles.xml"):
        with zipfile.ZipFile(made) as one, zipfile.ZipFile(shipped) as other:
            assert one.read(part) == other.read(part)
