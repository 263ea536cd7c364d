"""导出: what is offered, whom it is for, the link of ten minutes, and the files compared with what happened."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from docx import Document
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.ballot import Vote, VoteState
from bot.models.member import Member, Role
from bot.models.organisation import Organisation
from bot.models.points import PointEntry
from bot.services import attendance, check_in_word, download, organisation, record, study_time
from bot.services.cadence import gather
from bot.services.download import DocumentKind, LinkExpired, LinkForged, Wanted
from bot.web import downloads
from tests.chat import Phone, PhoneBook
from tests.conftest import SECRET, SHANGHAI
from tests.documents.texts import table_texts, words
from tests.services.test_ballot import BALLOTS, FULL, meet

START = datetime(2026, 12, 4, 14, 30, tzinfo=SHANGHAI)
Fetch = Callable[[str], Any]


@pytest.fixture
def web(bot: App) -> FlaskClient:
    """The pages below /m/ alone."""
    flask = Flask(__name__)
    flask.register_blueprint(downloads.blueprint(bot.settings, bot.database, bot.clock), url_prefix="/m")
    return flask.test_client()


def link_in(answer: str) -> str:
    found = re.search(r"https?://[^/]+(/m/download/\S+)", answer)
    assert found, answer
    return found[1]


@pytest.fixture
def theme_day(secretary: Phone, phone: PhoneBook, clock: Clock, bot: App) -> None:
    """A theme day that was held: four came, one corrected, one on leave, the rest absent; two lines, one added later."""
    secretary.script(
        ("发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组", "发布预览"), ("确认", "正在发给 12 人")
    )
    phone("古丽")("请假 下乡巡线")
    secretary("同意 1")
    clock.jump(START - timedelta(minutes=3))
    secretary("主持人 王建国")
    for name in ("王建国", "张伟", "刘芳", "李明"):
        word = re.search(r"签到码：(\S+ \S+)", secretary("签到码"))
        assert word
        assert "签到成功" in phone(name)(f"签到 {word[1]}")
    secretary("补签 孙磊 现场手机没电")
    clock.jump(START + timedelta(minutes=5))
    liu = phone("刘芳")
    liu("记 张伟：线路巡视发现三处隐患，<已登记>&已报。")
    liu("记 讨论了整改办法")
    clock.jump(START + timedelta(minutes=95))
    secretary.script(("结束活动", "要结束"), ("确认", "应到 12 实到 5 请假 1 缺席 6"))
    clock.jump(datetime(2026, 12, 7, 9, 0, tzinfo=SHANGHAI))
    liu("补记 三处隐患已消除")


# In chat


def test_export_alone_lists_what_there_is(secretary: Phone) -> None:
    secretary.script(
        ("导出", "1 导出 本月台账", "2 导出 会议记录", "5 导出 表决结果", "6 导出 手册"),
        ("1", "2026年11月三会一课台账"),
    )
    secretary.script(("导出 工资表", "没看懂", "导出 本月台账"))


def test_the_answer_says_how_long_for_whom_and_that_it_is_made_on_opening(
    theme_day: None, secretary: Phone
) -> None:
    secretary.script(
        (
            "导出 会议记录",
            "12月4日主题党日“宪法宣传进班组”",
            "/m/download/",
            "09:10 前有效",
            "打开时生成",
            "您本人",
            "不要转发",
        )
    )


@pytest.mark.parametrize("said", ["导出 本月台账", "导出 会议记录", "导出", "导出 手册 2026"])
def test_members_and_group_leaders_may_not_export(theme_day: None, phone: PhoneBook, said: str) -> None:
    for name in ("张伟", "马强"):
        answer = phone(name)(said)
        assert "支部书记或委员" in answer
        assert "/m/download/" not in answer


def test_nothing_of_another_branch_is_exported(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    """刘芳 becomes secretary of another branch: numbers of the first one lead nowhere."""
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        liu = session.scalars(select(Member).where(Member.name == "刘芳")).one()
        session.execute(update(Role).where(Role.member_id == liu.id).values(organisation_id=other.id))
        liu.branch_id, liu.group_id = other.id, None
    phone("刘芳").script(
        ("导出 会议记录 #1", "没有找到您能导出的 #1"),
        ("导出 签到表 #1", "没有找到您能导出的 #1"),
        ("导出 通知 #1", "没有找到您能导出的 #1"),
        ("导出 会议记录", "还没有开过活动"),
    )


def test_periods_are_understood_or_refused_with_an_example(secretary: Phone) -> None:
    secretary.script(
        ("导出 台账", "2026年11月"),
        ("导出 上月台账", "2026年10月"),
        ("导出 12月台账", "2025年12月"),
        ("导出 2026年9月的三会一课台账", "2026年9月"),
        ("导出 2027年1月台账", "还没有到"),
        ("导出 13月台账", "没看懂", "导出 本月台账"),
        ("导出 手册", "2026年度"),
        ("导出 2025年手册", "2025年度"),
        ("导出 手册 去年", "2025年度"),
        ("导出 手册 2031", "还没有到"),
        ("导出 手册 二六年", "没看懂", "导出 手册 2026"),
        ("导出 签到表", "还没有活动"),
        ("导出 通知", "还没有发过通知"),
        ("导出 会议记录 甲", "没看懂"),
    )


def test_with_several_the_newest_comes_and_the_others_by_number(
    theme_day: None, secretary: Phone, clock: Clock
) -> None:
    secretary.script(
        ("补录 支委会 12月1日", "已补录"), ("发布主题党日 12月18日14:30 二楼 主题:学安规", "发布预览")
    )
    secretary("确认")
    secretary.script(
        ("导出 会议记录", "12月4日主题党日", "1 12月1日支委会"),
        ("1", "12月1日支委会“支委会”会议记录"),
        ("导出 签到表", "12月18日主题党日“学安规”", "1 12月4日主题党日"),
    )


# The link


def test_making_and_opening_a_link_are_both_on_record(
    theme_day: None, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    path = link_in(secretary("导出 会议记录"))
    assert web.head(path).status_code == 200
    assert web.get(path).status_code == 200
    with database.read() as session:
        rows = session.execute(
            select(AuditEntry.act, AuditEntry.detail, AuditEntry.channel).where(AuditEntry.act.like("%文件"))
        ).all()
    assert [(row.act, row.channel) for row in rows] == [("导出文件", "wecom"), ("下载文件", "web")]
    assert rows[0].detail == "会议记录 #1"


def test_a_link_dies_after_ten_minutes_of_the_bot_s_clock(
    theme_day: None, secretary: Phone, web: FlaskClient, clock: Clock
) -> None:
    path = link_in(secretary("导出 会议记录"))
    clock.sleep(timedelta(minutes=9, seconds=59))
    assert web.get(path).status_code == 200
    clock.sleep(timedelta(seconds=1))
    answer = web.get(path)
    assert answer.status_code == 410
    assert "已经过期" in answer.text
    assert "导出 会议记录" in answer.text
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_changed_link_opens_nothing(theme_day: None, secretary: Phone, web: FlaskClient) -> None:
    path = link_in(secretary("导出 会议记录"))
    head, _, tail = path.rpartition(".")
    for broken in (path[:-1] + ("A" if path[-1] != "A" else "B"), f"{head[:-2]}AA.{tail}", "/m/download/x"):
        assert web.get(broken).status_code == 403


def test_a_token_for_something_else_is_no_download() -> None:
    now = START
    screen = check_in_word.screen_token(SECRET, 1)
    for token in (screen, "", "a.b.c"):
        with pytest.raises(LinkForged):
            download.read(SECRET, token, now=now)
    wanted = Wanted(DocumentKind.SHEET, 3, 7, 9)
    token = download.sign(SECRET, wanted, now=now)
    assert download.read(SECRET, token, now=now + timedelta(minutes=9)) == wanted
    with pytest.raises(LinkExpired):
        download.read(SECRET, token, now=now + timedelta(minutes=10))
    with pytest.raises(LinkForged):
        download.read("another secret", token, now=now)


def test_who_lost_the_right_meanwhile_gets_nothing(
    theme_day: None, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    path = link_in(secretary("导出 本月台账"))
    with database.write() as session:
        session.execute(update(Role).values(ends_on=START.date()))
    assert web.get(path).status_code == 403


def test_the_headers_say_attachment_with_the_real_name_and_keep_nothing(
    theme_day: None, secretary: Phone, web: FlaskClient
) -> None:
    answer = web.get(link_in(secretary("导出 会议记录")))
    disposition = answer.headers["Content-Disposition"]
    assert disposition.isascii()
    name = unquote(disposition.split("filename*=UTF-8''")[1])
    assert disposition.startswith('attachment; filename="document.docx"')
    assert name == "检修党支部_活动记录_2026-12-04_宪法宣传进班组.docx"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


# The files against what happened


def test_the_record_says_what_happened_and_nothing_else(
    theme_day: None, secretary: Phone, web: FlaskClient
) -> None:
    table = table_texts(web.get(link_in(secretary("导出 会议记录"))).data)
    assert table["主题"] == "宪法宣传进班组"
    assert table["时间"] == "2026年12月4日（周五）14:30 至 16:05"
    assert table["地点"] == "三楼会议室"
    assert (table["主持人"], table["记录人"]) == ("王建国", "刘芳")
    assert [table[key] for key in ("应到", "实到", "请假", "缺席")] == ["12 人", "5 人", "1 人", "6 人"]
    assert set(table["到会人员"].split("、")) == {"王建国", "张伟", "刘芳", "李明", "孙磊"}
    assert table["请假人员"] == "古丽（下乡巡线）"
    assert set(table["缺席人员"].split("、")) == {"陈刚", "赵敏", "阿不力孜", "周洁", "马强", "吴霞"}
    assert table["活动内容"] == "1．张伟：线路巡视发现三处隐患，<已登记>&已报。\n2．讨论了整改办法"
    assert table["补记"] == "（2026年12月7日09:00，刘芳补记）三处隐患已消除"
    assert set(table["议定事项"]) <= {"＿", "\n"}


def test_a_closed_vote_stands_in_the_record_of_its_meeting(
    theme_day: None, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    with database.write() as session:
        chair = session.scalars(select(Member).where(Member.name == "王建国")).one()
        about = {"branch_id": chair.branch_id, "activity_id": 1, "rule": "党员大会", "secret": False}
        asked = {"opened_by": chair.id, "opened_at": START, "entitled": 11, "present": 4}
        done = {"state": VoteState.CLOSED, "yes": 5, "no": 1, "abstain": 0}
        session.add(Vote(question="同意整改方案", **about, **asked, **done))
        session.add(Vote(question="还在投", **about, **asked, state=VoteState.OPEN))
    decided = table_texts(web.get(link_in(secretary("导出 会议记录"))).data)["议定事项"]
    assert (
        "1．记名表决“同意整改方案”：有表决权的正式党员应到 11 人，实到 4 人；赞成 5 票，反对 1 票，弃权 0 票；没有通过。"
        in decided
    )
    assert "还在投" not in decided


def test_the_sheet_has_everybody_invited_with_their_time(
    theme_day: None, secretary: Phone, web: FlaskClient
) -> None:
    document = Document(io.BytesIO(web.get(link_in(secretary("导出 签到表"))).data))
    rows = [[cell.text for cell in row.cells] for row in document.tables[1].rows]
    assert rows[0] == ["序号", "姓名", "党小组", "身份", "签到时间", "签名", "备注"]
    people = {row[1]: row for row in rows[1:] if row[1]}
    assert len(people) == 12
    assert people["张伟"][4:] == ["14:27", "", ""]
    assert people["孙磊"][4:] == ["", "", "补签：现场手机没电"]
    assert people["古丽"][4:] == ["", "", "请假：下乡巡线"]
    assert people["陈刚"][4:] == ["", "", "缺席"]
    assert people["李明"][3] == "预备党员"


def test_the_ledger_has_a_row_for_each_activity_and_blanks_for_what_is_unknown(
    theme_day: None, secretary: Phone, web: FlaskClient
) -> None:
    secretary.script(
        ("补录 支委会 12月1日", "已补录"), ("发布主题党日 12月18日14:30 二楼 主题:学安规", "发布预览")
    )
    secretary("确认")
    sheet = load_workbook(io.BytesIO(web.get(link_in(secretary("导出 本月台账"))).data)).worksheets[0]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
    assert rows[0] == [
        "序号",
        "日期",
        "类别",
        "主题",
        "地点",
        "应到",
        "实到",
        "请假",
        "缺席",
        "主持人",
        "记录人",
        "积分",
        "备注",
    ]
    assert rows[1] == [1, "2026-12-01", "支委会", *[None] * 9, "补录"]
    assert rows[2] == [
        2,
        "2026-12-04 14:30",
        "主题党日",
        "宪法宣传进班组",
        "三楼会议室",
        12,
        5,
        1,
        6,
        "王建国",
        "刘芳",
        10,
        "结合生产：带安规问答下班组，收集三条现场隐患，讲清依法作业和劳动保护；补签 1 人",
    ]
    assert rows[3][0].startswith("本月共 2 次")
    assert len(rows) == 4


def test_a_theme_that_looks_like_a_formula_stays_a_text(
    secretary: Phone, web: FlaskClient, clock: Clock
) -> None:
    secretary.script(("发布主题党日 11月24日14:30 三楼 主题:=1+1", "发布预览"), ("确认", "正在发给"))
    clock.jump(datetime(2026, 11, 24, 15, 0, tzinfo=SHANGHAI))
    sheet = load_workbook(io.BytesIO(web.get(link_in(secretary("导出 本月台账"))).data)).worksheets[0]
    cell = sheet.cell(3, 4)
    assert (cell.value, cell.data_type, cell.quotePrefix) == ("=1+1", "s", True)
    assert sheet.cell(3, 13).value == "未结束"
    assert sheet.cell(3, 9).value is None


def test_the_notice_of_an_activity_and_a_free_one(
    theme_day: None, secretary: Phone, web: FlaskClient
) -> None:
    text = words(web.get(link_in(secretary("导出 通知"))).data)
    for fact in (
        "关于开展主题党日的通知",
        "主题：宪法宣传进班组",
        "2026年12月4日14:30",
        "三楼会议室",
        "（12 人）",
        "2026年11月23日",
    ):
        assert fact in text
    secretary.script(("通知 全体 明天停电检修，请提前保存资料。需回执", "确认"), ("确认", "12"))
    free = words(web.get(link_in(secretary("导出 通知"))).data)
    assert "明天停电检修，请提前保存资料" in free
    assert "发送对象 12 人，已回执 1 人" in free  # the author has seen it
    assert "主题党日" not in free


def test_the_handbook_agrees_with_the_roster_the_ledger_and_the_points(
    theme_day: None, secretary: Phone, web: FlaskClient, database: Database, clock: Clock
) -> None:
    data = web.get(link_in(secretary("导出 手册 2026"))).data
    document = Document(io.BytesIO(data))
    headings = [p.text for p in document.paragraphs if p.style and str(p.style.name).startswith("Heading")]
    assert headings == [
        "一、支部与党员",
        "二、支部委员会",
        "三、全年组织生活",
        *(f"{n}月" for n in range(1, 13)),
        "四、党员学习学时",
        "五、党员积分汇总",
    ]
    people, committee, december, study, points = [
        [[cell.text for cell in row.cells] for row in table.rows[1:]] for table in document.tables
    ]
    assert len(people) == 12
    assert ["书记", "王建国"] in [row[:2] for row in committee]
    assert december == [["12月4日", "主题党日", "宪法宣传进班组", "三楼会议室", "12", "5", "1", "6"]]
    assert {row[0]: row[2] for row in study}["张伟"] == "2.0"
    with database.read() as session:
        for name, *_, total in points:
            member = session.scalars(select(Member.id).where(Member.name == name)).one()
            ledger = session.scalars(select(PointEntry.points).where(PointEntry.member_id == member))
            assert int(total) == sum(ledger)
    assert "党员12名，其中正式党员11名、预备党员1名；党小组3个" in words(data)


def test_the_result_of_a_vote_by_name_is_exported_with_who_voted_how(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, database: Database, clock: Clock
) -> None:
    secretary.script(("导出 表决结果", "还没有结束的表决", "表决 事项"))
    meet(database, clock(), FULL[:7])
    secretary.script(("表决 通过明年工作计划", "表决预览"), ("2", "表决开始（记名）"))
    for name in FULL[:6]:
        phone(name)("赞成")
    phone(FULL[6])("反对")
    secretary.script(("导出 表决结果", "还没有结束的表决"), ("结束表决", "已投 7 票"), ("1", "通过"))
    answer = secretary("导出 表决结果")
    assert "第 1 号“通过明年工作计划”的表决结果（Word）" in answer
    assert "09:10 前有效" in answer
    table = table_texts(web.get(link_in(answer)).data)
    assert table["会议"] == "党员大会“第四季度会议”（2026-11-23）"
    assert (table["应到"], table["实到"], table["结果"]) == ("11 人", "7 人（至少 6 人）", "通过")
    assert table["投票名单"] == f"赞成（6）：{'、'.join(FULL[:6])}\n反对（1）：{FULL[6]}"


def test_the_exported_result_of_a_secret_vote_is_what_everybody_was_told(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL[:10])
    secretary.script(("表决 同意发展张三为预备党员", "表决预览"), ("1", "表决开始（无记名）"))
    for name, choice, receipt in BALLOTS[:10]:
        phone(name)(f"{choice.value} {receipt}")
    secretary.script(("结束表决", "已投 10 票"), ("1", "赞成 4，反对 3，弃权 3"))
    told = phone("吴霞").pushes()[-1]
    data = web.get(link_in(secretary("导出 表决结果 #1"))).data
    table = table_texts(data)
    assert [table[one] for one in ("赞成", "反对", "弃权", "结果")] == ["4", "3", "3", "没有通过"]
    for line in table["按暗号公布"].splitlines():
        choice, _, receipts = line.partition("：")
        assert f"{choice[:2]}：{receipts}" in told
    assert not [name for name in FULL if name in words(data)]


def test_with_several_votes_the_newest_comes_and_another_branch_s_never(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL[:7])
    for question in ("通过一月计划", "通过二月计划"):
        secretary.script(
            (f"表决 {question}", "预览"), ("2", "开始"), ("结束表决", "要结束"), ("1", "没有通过")
        )
        clock.sleep(timedelta(minutes=1))
    secretary.script(
        ("导出 表决结果", "“通过二月计划”的表决结果", "1 第 1 号“通过一月计划”"), ("1", "“通过一月计划”的")
    )
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        session.execute(update(Vote).values(branch_id=other.id))
    secretary.script(("导出 表决结果 #1", "没有找到您能导出的 #1"), ("导出 表决结果", "还没有结束的表决"))
    assert "支部书记或委员" in phone("张伟")("导出 表决结果 #1")


def test_the_sheets_of_an_election_follow_roster_and_setting(secretary: Phone, web: FlaskClient) -> None:
    secretary.script(("选举", "选举不在线进行", "导出 选举用表"))
    table = table_texts(web.get(link_in(secretary("导出 选举用表"))).data)
    assert "正式党员 11 人（按2026年11月23日名册）" in table["应到"]
    assert "至少 9 人" in table["到会要求"]
    assert "至少 6 票" in table["当选要求"]
    secretary("选举计票 按实到")
    table = table_texts(web.get(link_in(secretary("导出 选票"))).data)
    assert table["当选要求"].startswith("赞成票超过实到人数的半数")


# The facts


def test_facts_count_as_the_chat_counts(theme_day: None, database: Database, clock: Clock) -> None:
    with database.read() as session:
        facts = record.activity(session, 1)
        counted = attendance.counts(session, 1)
        assert facts.points == attendance.points_given(session, 1) == 10
    assert facts.counts is not None
    assert str(facts.counts) == str(counted)


def test_study_counts_as_the_cadence_check_counts_and_only_within_the_year(
    theme_day: None, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    phone("张伟")("登记 学习强国 25分钟")
    with database.read() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        facts = gather(session, Organisation.id == branch.id, clock())[0]
        ours = Member.id.in_(sorted(facts.members))
        minutes = study_time.of_year(session, ours, 2026, clock())
        shown = {
            one.name: one.study_minutes for one in record.year(session, branch.id, 2026, now=clock()).members
        }
        names = {one.id: one.name for one in session.scalars(select(Member))}
    assert {one: count.total for one, count in minutes.items()} == dict(facts.minutes)
    assert {name: count for name, count in shown.items() if count} == {
        names[one]: count for one, count in facts.minutes.items()
    }
    assert "2小时25分" in phone("张伟")("学习时长")
    clock.jump(datetime(2027, 1, 5, 9, 0, tzinfo=SHANGHAI))
    phone("张伟")("登记 学习强国 40分钟")
    with database.read() as session:
        assert max(one.total for one in study_time.of_year(session, ours, 2026, clock()).values()) == 145
        assert max(one.total for one in study_time.of_year(session, ours, 2027, clock()).values()) == 40


# Templates of a branch


def own_template(bot: App, database: Database, name: str, data: bytes) -> None:
    with database.read() as session:
        branch = session.scalars(select(Organisation.id).where(Organisation.name == "检修党支部")).one()
    folder = downloads.templates_folder(bot.settings) / str(branch)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With PostgreSQL the data folder is ./var: not in the repository."""
    monkeypatch.chdir(tmp_path)


def test_a_branch_s_own_template_wins(
    here: None, theme_day: None, bot: App, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    own, out = Document(), io.BytesIO()
    own.add_paragraph("本支部自己的格式 {{主题}}")
    own.save(out)
    own_template(bot, database, "minutes.docx", out.getvalue())
    assert (
        words(web.get(link_in(secretary("导出 会议记录"))).data).strip() == "本支部自己的格式 宪法宣传进班组"
    )
    assert "签到表" in words(web.get(link_in(secretary("导出 签到表"))).data)


def test_a_broken_template_is_named_and_the_shipped_one_still_works(
    here: None, theme_day: None, bot: App, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    own_template(bot, database, "minutes.docx", b"not a Word file")
    path = link_in(secretary("导出 会议记录"))
    answer = web.get(path)
    assert answer.status_code == 409
    for part in ("minutes.docx", "会议记录", "不是完好的 Word 文件", "?template=shipped", "自带"):
        assert part in answer.text
    assert table_texts(web.get(f"{path}?template=shipped").data)["主题"] == "宪法宣传进班组"
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.act == "下载文件")).all()
    assert len(acts) == 1


def test_a_branch_s_own_ledger_is_used_and_a_broken_one_named(
    here: None, theme_day: None, bot: App, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    book, out = Workbook(), io.BytesIO()
    book.worksheets[0].append(("{{项.主题}}：实到{{项.实到}}",))
    book.save(out)
    own_template(bot, database, "ledger.xlsx", out.getvalue())
    path = link_in(secretary("导出 本月台账"))
    sheet = load_workbook(io.BytesIO(web.get(path).data)).worksheets[0]
    assert [cell.value for cell in sheet["A"]] == ["宪法宣传进班组：实到5"]
    own_template(bot, database, "ledger.xlsx", b"not an Excel file")
    answer = web.get(path)
    assert answer.status_code == 409
    assert "ledger.xlsx（台账）不能用：不是完好的 Excel 文件" in answer.text
    shipped = load_workbook(io.BytesIO(web.get(f"{path}?template=shipped").data)).worksheets[0]
    assert shipped.cell(3, 4).value == "宪法宣传进班组"
