"""The roster: every line is taken or named with its reason, and importing again never doubles."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook
from sqlalchemy import func, select

from bot.clock import Clock
from bot.db import Database
from bot.models.identity import Identity
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.services import development, roster, transfer
from bot.services import phone as phones
from bot.services.permission import actor_of
from bot.services.roster import Report, UnreadableRoster
from tests.chat import PhoneBook
from tests.conftest import ROSTER, SECRET

BRANCH = "示范供电公司党委/检修党支部"
HEADER = ",".join(roster.COLUMNS)
Import = Callable[..., Report]


@pytest.fixture
def take(database: Database, clock: Clock, tmp_path: Path) -> Import:
    """Import lines under the usual header, as a secretary's csv file."""

    def importing(*lines: str, header: str = HEADER, encoding: str = "utf-8") -> Report:
        file = tmp_path / "roster.csv"
        file.write_bytes("\n".join([header, *lines, ""]).encode(encoding))
        return load(file)

    def load(file: Path) -> Report:
        with database.write() as session:
            return roster.import_rows(session, roster.read(file), secret=SECRET, now=clock())

    importing.load = load  # type: ignore[attr-defined]
    return importing


def line(name: str, account: str = "", staff_no: str = "", **more: str) -> str:
    cells = {"姓名": name, "账号": account, "工号": staff_no, "党支部": BRANCH, "身份": "正式党员", **more}
    return ",".join(cells.get(column, "") for column in roster.COLUMNS)


def member(database: Database, name: str) -> Member:
    with database.read() as session:
        return session.scalars(select(Member).where(Member.name == name)).one()


def count(database: Database, table: type[object]) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def roles(database: Database, name: str, on: date) -> set[tuple[RoleName, str]]:
    """The roles in force on a day, with the node's name."""
    with database.read() as session:
        who = session.scalars(select(Member).where(Member.name == name)).one()
        nodes = {node.id: node.name for node in session.scalars(select(Organisation))}
        return {(role, nodes[node]) for role, node, _ in actor_of(session, who, on=on).scopes}


def tomorrow(clock: Clock) -> date:
    return (clock() + timedelta(days=1)).date()


def test_the_demo_roster_again_changes_nothing(database: Database, clock: Clock) -> None:
    before = [count(database, table) for table in (Member, Identity, Role, Organisation)]
    with database.write() as session:
        report = roster.import_rows(session, roster.read(ROSTER), secret=SECRET, now=clock())
    assert (report.added, report.updated, report.rejected) == ([], [], [])
    assert report.unchanged == list(range(2, 14))
    assert [count(database, table) for table in (Member, Identity, Role, Organisation)] == before


def test_good_lines_are_kept_and_bad_ones_named(take: Import, database: Database) -> None:
    report = take(
        line("李四", "lisi", "D0101"),
        line("", "wu"),
        line("钱五", "qianwu", 身份="党员代表"),
        line("孙六", "sunliu", 入党日期="去年夏天"),
        line("周七", "zhou qi"),
        line("吴八", 党支部=""),
        line("郑九", "zhengjiu", 手机号="12a"),
        line("王十", "wangshi", 入党日期="2020年2月30日"),
        line("冯<一>", "fengyi"),
        line("陈二", "chener", 班组="班" * 200),
        line("褚三", "chusan", 党支部="第一党小组"),
        line("卫四", "weisi", "D0111"),
    )
    assert report.added == [2, 13]
    reasons = dict(report.rejected)
    assert sorted(reasons) == list(range(3, 13))
    expected = {
        3: "姓名",
        4: "身份",
        5: "入党日期",
        6: "账号",
        7: "党支部",
        8: "手机号",
        9: "入党日期",
        10: "姓名",
        11: "班组",
        12: "党小组",
    }
    for number, word in expected.items():
        assert word in reasons[number]
    assert count(database, Member) == 14


def test_a_rejected_line_leaves_nothing_behind(take: Import, database: Database) -> None:
    nodes = count(database, Organisation)
    report = take(line("褚三", "chusan", 党支部="临时党小组"))
    assert report.rejected
    assert count(database, Organisation) == nodes


def test_the_second_line_of_one_person_does_not_overwrite_the_first(take: Import, database: Database) -> None:
    report = take(line("张伟", "zhangwei", 班组="甲班"), line("张伟", "zhangwei", 班组="乙班"))
    assert report.updated == [2]
    assert report.rejected == [(3, "与第 2 行是同一个人")]
    assert member(database, "张伟").crew == "甲班"


def test_one_account_on_two_people_is_refused(take: Import, database: Database) -> None:
    report = take(line("李四", "same"), line("赵六", "same"))
    assert report.added == [2]
    assert report.rejected[0][0] == 3
    assert "第 2 行重复" in report.rejected[0][1]


def test_a_staff_number_given_in_this_file_cannot_be_given_again(take: Import) -> None:
    take(line("李四", "lisi"))
    report = take(line("李四", "lisi", "D0200"), line("赵六", "zhaoliu", "D0200"))
    assert report.updated == [2]
    assert "第 2 行重复" in report.rejected[0][1]


def test_account_and_staff_number_of_different_people_are_refused(take: Import) -> None:
    report = take(line("张伟", "zhangwei", "D0003"))
    assert "账号属于张伟，工号属于古丽" in report.rejected[0][1]


def test_namesakes_are_two_people_when_their_numbers_differ(take: Import, database: Database) -> None:
    assert take(line("李四", "", "D0101"), line("李四", "", "D0102")).added == [2, 3]
    report = take(line("李四"))
    assert "2位李四" in report.rejected[0][1]


def test_gbk_from_a_chinese_excel_is_read(take: Import, database: Database) -> None:
    assert take(line("李四", "lisi"), encoding="gbk").added == [2]
    assert member(database, "李四").account == "lisi"


def test_an_xlsx_with_real_dates_and_numbers_is_read(
    take: Import, database: Database, tmp_path: Path
) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["姓名", "工号", "党支部", "身份", "入党日期", "手机号"])
    sheet.append(["李四", 20101, BRANCH, "预备党员", datetime(2025, 7, 1), 13800000000])  # noqa: DTZ001 - Excel has no zones
    sheet.append([])
    sheet.append(["赵六", 20102, BRANCH, "群众", "20190701", None])
    file = tmp_path / "roster.xlsx"
    book.save(file)
    report = take.load(file)  # type: ignore[attr-defined]
    assert (report.added, report.rejected) == ([2, 4], [])
    who = member(database, "李四")
    assert (who.staff_no, who.joined_on, who.status) == ("20101", date(2025, 7, 1), MemberStatus.PROBATIONARY)
    assert member(database, "赵六").joined_on == date(2019, 7, 1)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("roster.xlsx", b"PK\x03\x04 and then nothing", "Excel"),
        ("roster.xlsx", b"not a workbook", "Excel"),
        ("roster.csv", b"", "空的"),
        ("roster.csv", "姓名,账号\n张伟,zhangwei\n".encode(), "第1行缺少列：党支部、身份"),
        ("roster.csv", b"\xff\xfe\x00\x81\x20\xff", "编码"),
        ("roster.csv", '姓名,党支部,身份\n"张伟,a,b\n'.encode(), "CSV"),
    ],
)
def test_what_is_no_roster_is_refused_with_a_reason(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(UnreadableRoster, match=why):
        roster.read(file)


def test_a_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRoster, match="nowhere"):
        roster.read(tmp_path / "nowhere.csv")


def test_a_phone_number_is_stored_encrypted(take: Import, database: Database) -> None:
    row = line("李四", "lisi", 手机号="13800001234")
    take(row)
    stored = member(database, "李四").phone
    assert stored is not None
    assert "1380000" not in stored
    assert phones.unseal(stored, SECRET) == "13800001234"
    assert take(row).unchanged == [2]


def test_a_post_gives_its_roles_and_losing_it_ends_them(
    take: Import, database: Database, clock: Clock
) -> None:
    take(line("李四", "lisi", 党小组="第二党小组", 职务="党小组长、宣传委员"))
    assert roles(database, "李四", clock().date()) == {
        (RoleName.GROUP_LEADER, "第二党小组"),
        (RoleName.PUBLICITY, "检修党支部"),
    }
    report = take(line("李四", "lisi", 党小组="第二党小组", 职务="宣传委员"))
    assert report.updated == [2]
    assert roles(database, "李四", tomorrow(clock)) == {(RoleName.PUBLICITY, "检修党支部")}


def test_who_moves_to_another_branch_loses_the_roles_over_the_old_one(
    take: Import, database: Database, clock: Clock
) -> None:
    take(line("王建国", "wangjianguo", 党支部="示范供电公司党委/运行党支部", 职务="书记"))
    assert roles(database, "王建国", tomorrow(clock)) == {(RoleName.SECRETARY, "运行党支部")}


def test_who_moves_to_another_group_no_longer_leads_the_old_one(
    take: Import, database: Database, clock: Clock
) -> None:
    take(line("马强", "maqiang", 党小组="第一党小组"))
    assert roles(database, "马强", tomorrow(clock)) == set()


def test_a_changed_account_frees_the_old_one(take: Import, database: Database) -> None:
    take(line("张伟", "zhangwei2", "D0002"))
    with database.read() as session:
        bound = {i.external_id: i.member_id for i in session.scalars(select(Identity))}
    assert bound["zhangwei"] is None
    assert bound["zhangwei2"] == member(database, "张伟").id


def test_an_account_may_pass_to_somebody_else_in_one_file(take: Import, database: Database) -> None:
    report = take(line("张伟", "zhangwei2", "D0002"), line("李四", "zhangwei", "D0101"))
    assert (report.updated, report.added, report.rejected) == ([2], [3], [])
    assert member(database, "李四").account == "zhangwei"


def test_who_left_is_taken_up_again(take: Import, database: Database) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().active = False
    assert take(line("张伟", "zhangwei", "D0002")).updated == [2]
    assert member(database, "张伟").active


# Roles given in the chat ------------------------------------------------------------------------------------------------


def without(column: str) -> str:
    """The usual header with one column fewer; lines are cut with :func:`cut`."""
    return ",".join(name for name in roster.COLUMNS if name != column)


def cut(whole: str, column: str) -> str:
    cells = whole.split(",")
    del cells[roster.COLUMNS.index(column)]
    return ",".join(cells)


def test_a_role_given_in_the_chat_stays_when_the_roster_is_silent(
    take: Import, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    phone("王建国").script(("任命 张伟 宣传委员", "已登记"))
    for post in ("", "党小组长"):
        report = take(line("张伟", "zhangwei", 党小组="第一党小组", 职务=post))
        assert [number for number, _ in report.notes] == [2]
        assert "宣传委员是在聊天里任命的，名册没有写，保留" in report.notes[0][1]
        assert (RoleName.PUBLICITY, "检修党支部") in roles(database, "张伟", tomorrow(clock))


def test_the_roster_takes_a_role_away_when_it_says_so(
    take: Import, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    phone("王建国").script(("任命 张伟 宣传委员", "已登记"))
    assert take(line("张伟", "zhangwei", 职务="无")).notes == []
    assert roles(database, "张伟", tomorrow(clock)) == set()


def test_a_role_of_the_roster_ends_with_it_but_not_with_a_missing_column(
    take: Import, database: Database, clock: Clock
) -> None:
    before = roles(database, "王建国", tomorrow(clock))
    assert before
    take(cut(line("王建国", "wangjianguo"), "职务"), header=without("职务"))
    assert roles(database, "王建国", tomorrow(clock)) == before
    take(line("王建国", "wangjianguo"))
    assert roles(database, "王建国", tomorrow(clock)) == set()


def test_what_the_roster_has_no_column_for_stays(take: Import, database: Database) -> None:
    before = member(database, "张伟")
    assert before.group_id
    assert before.crew
    for column in ("党小组", "班组", "入党日期"):
        take(
            cut(
                line(
                    "张伟", "zhangwei", 党小组="第一党小组", 班组=before.crew, 入党日期=str(before.joined_on)
                ),
                column,
            ),
            header=without(column),
        )
        after = member(database, "张伟")
        assert (after.group_id, after.crew, after.joined_on) == (
            before.group_id,
            before.crew,
            before.joined_on,
        )


# The tree ---------------------------------------------------------------------------------------------------------------


def test_a_tree_that_cannot_be_is_refused_and_nothing_is_made(take: Import, database: Database) -> None:
    take(line("李四", "lisi", 党支部="甲公司党委/乙公司党委/丙党支部"))
    nodes = count(database, Organisation)
    report = take(
        line("赵一", "zhaoyi", 党支部="乙公司党委/甲公司党委/丁党支部"),
        line("赵二", "zhaoer", 党支部="甲公司党委/甲公司党委/丁党支部"),
        line("赵三", "zhaosan", 党支部="丁党支部/戊党支部"),
        line("赵四", "zhaosi", 党支部="丁党支部/甲公司党委"),
        line("赵五", "zhaowu", 党支部="/"),
    )
    assert report.added == []
    assert [number for number, _ in report.rejected] == [2, 3, 4, 5, 6]
    expected = (
        "已经是“乙公司党委”的上级",
        "已经是“甲公司党委”的上级",
        "“丁党支部”下面不能有“戊党支部”",
        "下面不能有“甲公司党委”",
        "党支部",
    )
    for (_, why), part in zip(report.rejected, expected, strict=True):
        assert part in why
    assert count(database, Organisation) == nodes


def test_a_branch_name_that_two_have_must_be_written_with_what_is_above(take: Import) -> None:
    take(
        line("李四", "lisi", 党支部="甲公司党委/运行党支部"),
        line("李五", "liwu", 党支部="乙公司党委/运行党支部"),
    )
    report = take(
        line("李六", "liliu", 党支部="运行党支部"), line("李七", "liqi", 党支部="乙公司党委/运行党支部")
    )
    assert report.added == [3]
    assert "有2个“运行党支部”" in report.rejected[0][1]
    assert "甲公司党委/运行党支部" in report.rejected[0][1]


def test_a_branch_that_was_merged_away_is_named_with_its_heir(take: Import, database: Database) -> None:
    take(line("李四", "lisi", 党支部="示范供电公司党委/运行党支部"))
    with database.write() as session:
        nodes = {node.name: node for node in session.scalars(select(Organisation))}
        nodes["运行党支部"].merged_into_id = nodes["检修党支部"].id
    report = take(line("李五", "liwu", 党支部="运行党支部"))
    assert report.rejected == [(2, "运行党支部已并入检修党支部，请改写")]


def test_a_new_branch_is_named_once_because_it_may_be_a_slip(take: Import) -> None:
    report = take(line("李四", "lisi", 党支部="检修党之部"), line("李五", "liwu", 党支部="检修党之部"))
    assert report.added == [2, 3]
    assert [number for number, _ in report.notes] == [2]
    assert "新建了“检修党之部”" in report.notes[0][1]


def test_two_people_of_one_name_without_a_number_are_not_made_one(take: Import, database: Database) -> None:
    report = take(line("李四"), line("李四"), line("李四", 党支部="示范供电公司党委/运行党支部"))
    assert report.added == [2, 4]
    assert report.rejected == [(3, "与第 2 行是同一个人；同名的另一个人请填账号或工号")]
    again = take(line("李四", 党支部="示范供电公司党委/营销党支部"))
    assert any("也有一位李四" in what for _, what in again.notes)


def told(report: Report) -> str:
    return "".join(text for _, text in [*report.notes, *report.rejected])


def test_a_status_before_its_time_is_refused_in_a_roster_too(take: Import, database: Database) -> None:
    early = take(line("李明", "liming", "D0004", 入党日期="2026-03-20"))
    assert early.rejected
    assert "2027-03-20" in told(early)
    unknown = take(line("李四", "lisi", 身份="积极分子"), line("李四", "lisi", 身份="发展对象"))
    assert unknown.added == [2]
    again = take(line("李四", "lisi", 身份="发展对象"))
    assert again.rejected
    assert "满1年" in told(again)
    assert member(database, "李明").status is MemberStatus.PROBATIONARY
    assert member(database, "李四").status is MemberStatus.ACTIVIST


def test_a_status_that_a_roster_changes_is_recorded_and_named(
    take: Import, database: Database, clock: Clock
) -> None:
    clock.jump(clock() + timedelta(days=150))
    report = take(line("李明", "liming", "D0004", 入党日期="2026-03-20"))
    assert report.updated == [2]
    assert f"李明的身份由预备党员改为正式党员，从 {clock().date()} 起登记" in told(report)
    who = member(database, "李明")
    with database.read() as session:
        [row] = development.history(session, who.id)
    assert (row.before, row.after, row.by_id) == (MemberStatus.PROBATIONARY, MemberStatus.FULL, None)


def test_steps_are_skipped_only_with_a_day_of_joining(take: Import, database: Database) -> None:
    take(line("李四", "lisi", 身份="积极分子"))
    assert take(line("李四", "lisi")).rejected
    report = take(line("李四", "lisi", 入党日期="2020-07-01"))
    assert report.updated == [2]
    assert "请核对" in told(report)
    assert member(database, "李四").status is MemberStatus.FULL


def test_a_member_made_less_by_a_roster_is_pointed_out(take: Import) -> None:
    assert "上级党组织的决定" in told(take(line("张伟", "zhangwei", "D0002", 身份="积极分子")))


def test_a_move_by_roster_is_kept_as_history(take: Import, database: Database) -> None:
    assert take(line("张伟", "zhangwei", "D0002", 党支部="示范供电公司党委/运行党支部")).updated == [2]
    with database.read() as session:
        [(_, before, after)] = transfer.history(session, member(database, "张伟").id)
    assert (before, after) == ("检修党支部", "运行党支部")
