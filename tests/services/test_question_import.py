"""Imports of questions: what a preview finds, that acceptance is whole, that taking back restores, that an export comes back unchanged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.cli_questions import questions as commands
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.exam import Duel, Exam
from bot.models.member import Member
from bot.models.quiz import Attempt, Question, QuestionState, QuizKind, QuizRun
from bot.services import organisation, question, question_file, question_import
from bot.services.question_formats import Reading, Row, Unreadable, csv, excel, question_of
from bot.services.question_import import BankHasChanged, ImportResult
from bot.services.question_preview import Preview, near_doubles
from content.questions import Kind, load, plain
from content.questions import Question as Checked

SHIPPED = load()


def row(number: int, stem: str, **more: object) -> Row:
    values = {"stem": stem, "kind": Kind.SINGLE, "options": ("甲", "乙", "丙"), "answer": ("A",)}
    return Row(number, values | {"source": "《检修班手册》"} | more)


STEMS = ("检修班的工具柜由谁保管？", "开班前会在哪里开？", "值班电话贴在哪里？")
ROWS = [row(number, stem) for number, stem in enumerate(STEMS, 2)]


@pytest.fixture
def branch(database: Database) -> int:
    """The demo branch, with the shipped bank in the database."""
    with database.write() as session:
        question.sync(session, SHIPPED)
        found = session.scalar(select(Member.branch_id).limit(1))
    assert found is not None
    return found


def looked_at(session: Session, branch: int, rows: Sequence[Row] = ROWS) -> Preview:
    return question_import.preview(session, Reading(list(rows)), branch)


def taken_in(database: Database, clock: Clock, branch: int, rows: Sequence[Row] = ROWS) -> ImportResult:
    with database.write() as session:
        return _accept(session, looked_at(session, branch, rows), clock)


def _accept(session: Session, seen: Preview, clock: Clock) -> ImportResult:
    return question_import.accept(
        session,
        seen,
        actor=None,
        state=QuestionState.APPROVED,
        now=clock(),
        channel="cli",
        source="题目.xlsx",
    )


def own(database: Database) -> list[Question]:
    with database.read() as session:
        found = select(Question).where(Question.branch_id.is_not(None)).order_by(Question.id)
        return list(session.scalars(found))


# --- preview ---------------------------------------------------------------------------------------------------------


def test_looking_writes_nothing(database: Database, branch: int) -> None:
    with database.write() as session:
        assert looked_at(session, branch).summary == "新增 3，修改 0，重复 0，未收 0"
    assert own(database) == []


def test_questions_of_the_shipped_bank_are_doubles(database: Database, branch: int) -> None:
    with database.read() as session:
        seen = looked_at(session, branch, [row(2, SHIPPED[0].stem + "？ "), *ROWS[1:]])
    assert [(one.number, one.why) for one in seen.doubled] == [(2, "公共题库里已有这道题")]
    assert len(seen.added) == 2


def test_a_second_import_tells_changed_from_unchanged(database: Database, clock: Clock, branch: int) -> None:
    taken_in(database, clock, branch)
    changed = row(3, STEMS[1], answer=("B",))
    with database.read() as session:
        seen = looked_at(session, branch, [ROWS[0], changed, row(9, "安全帽多久检查一次？")])
    assert [one.number for one in seen.doubled] == [2]
    assert [(one.number, one.question.answer) for one in seen.changed] == [(3, ("B",))]
    assert [one.number for one in seen.added] == [9]


def test_a_question_is_known_again_by_its_code_when_its_stem_changes(
    database: Database, clock: Clock, branch: int
) -> None:
    taken_in(database, clock, branch, [row(2, STEMS[0], code="JX-1")])
    taken_in(database, clock, branch, [row(2, "工具柜现在由谁保管？", code="JX-1")])
    assert [(one.code, one.stem) for one in own(database)] == [("JX-1", "工具柜现在由谁保管？")]


def test_a_line_that_repeats_an_earlier_one_is_rejected_with_both_numbers(
    database: Database, branch: int
) -> None:
    twins = [
        *ROWS,
        row(7, STEMS[0] + "！"),
        row(8, "另一道题是什么？", code="X"),
        row(9, "还有一道题吗？", code="X"),
    ]
    with database.read() as session:
        seen = looked_at(session, branch, twins)
    assert [(one.number, one.why) for one in seen.rejected] == [
        (7, "题干与第2行相同"),
        (9, "编号与第8行相同"),
    ]


def test_near_doubles_are_named_in_the_file_and_in_the_bank(database: Database, branch: int) -> None:
    stem = SHIPPED[0].stem
    almost = stem.replace("党", "挡", 1) if "党" in stem else stem[:-2] + "呢？"
    near = row(3, "检修班组的工具柜，该由谁来保管？")
    with database.read() as session:
        seen = looked_at(session, branch, [row(2, "检修班组的工具柜该由谁来保管呢？"), near, row(4, almost)])
    assert [one.number for one in seen.near] == [3, 4]
    assert "第2行很像" in seen.near[0].why
    assert f"题库里的 {SHIPPED[0].code}很像" in seen.near[1].why
    assert len(seen.added) == 3


def test_near_doubles_are_found_wherever_the_difference_is() -> None:
    stems = [plain(one.stem) for one in SHIPPED if len(plain(one.stem)) > 20]
    for place in (0.0, 0.3, 0.6, 0.99):
        changed = []
        for stem in stems:
            at = int(place * (len(stem) - 1))
            changed.append(stem[:at] + "某" + stem[at + 1 :])
        found = {place for place, _, _ in near_doubles([*stems, *changed], len(stems))}
        assert len(found) >= 0.98 * len(stems)


def test_a_topic_stands_in_one_half_only(database: Database, branch: int) -> None:
    known = SHIPPED[0]
    wrong = "业务" if known.half != "业务" else "党务"
    with database.read() as session:
        seen = looked_at(
            session,
            branch,
            [row(2, STEMS[0], topic=known.topic), row(3, STEMS[1], topic=known.topic, half=wrong)],
        )
    assert [one.question.half for one in seen.added] == [known.half]
    assert f"归入“{known.half}”" in seen.rejected[0].why


def test_another_branchs_code_gives_way_to_an_own_one(database: Database, clock: Clock, branch: int) -> None:
    taken_in(database, clock, branch, [row(2, STEMS[0], code="JX-1")])
    with database.write() as session:
        other = organisation.ensure(session, "运行党支部").id
    taken_in(database, clock, other, [row(2, STEMS[0], code="JX-1")])
    first, second = own(database)
    assert (first.branch_id, second.branch_id) == (branch, other)
    assert first.code == "JX-1" != second.code


# --- accept ----------------------------------------------------------------------------------------------------------


def test_accepting_writes_all_and_says_who_did_it(database: Database, clock: Clock, branch: int) -> None:
    done = taken_in(database, clock, branch)
    assert (done.added, done.changed) == (3, 0)
    assert [one.stem for one in own(database)] == list(STEMS)
    with database.read() as session:
        note = session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert note is not None
        assert (note.act, note.branch_id) == ("导入题目", branch)


def test_a_preview_of_an_older_bank_is_refused_whole(database: Database, clock: Clock, branch: int) -> None:
    taken_in(database, clock, branch, ROWS[:1])
    with database.read() as session:
        adds = looked_at(session, branch)
        changes = looked_at(session, branch, [row(2, STEMS[0], answer=("C",)), row(3, "新的一题是什么？")])
    taken_in(database, clock, branch, [row(2, STEMS[0], answer=("B",)), ROWS[1]])
    before = [(one.stem, one.answer) for one in own(database)]
    for seen in (adds, changes):
        with pytest.raises(BankHasChanged), database.write() as session:
            _accept(session, seen, clock)
    assert [(one.stem, one.answer) for one in own(database)] == before


# --- taking back -----------------------------------------------------------------------------------------------------


def taken_back(database: Database, clock: Clock, import_id: int) -> question_import.TakenBack:
    with database.write() as session:
        return question_import.take_back(session, import_id, now=clock())


def test_taking_back_deletes_what_nobody_met(database: Database, clock: Clock, branch: int) -> None:
    done = taken_in(database, clock, branch)
    back = taken_back(database, clock, done.import_id)
    assert (back.deleted, back.retired, back.restored, back.left) == (3, 0, 0, 0)
    assert own(database) == []


def test_taking_back_restores_what_was_changed_to_the_letter(
    database: Database, clock: Clock, branch: int
) -> None:
    from datetime import date

    taken_in(database, clock, branch, [row(2, STEMS[0], valid_to=date(2027, 1, 1), difficulty=3)])
    columns = [column.key for column in Question.__table__.columns]
    before = [getattr(own(database)[0], key) for key in columns]
    done = taken_in(database, clock, branch, [row(2, STEMS[0], answer=("C",))])
    assert own(database)[0].answer == ["C"]
    assert taken_back(database, clock, done.import_id).restored == 1
    assert [getattr(own(database)[0], key) for key in columns] == before


def test_questions_that_somebody_met_are_retired_instead(
    database: Database, clock: Clock, branch: int
) -> None:
    done = taken_in(database, clock, branch)
    first, second, _ = own(database)
    with database.write() as session:
        member = session.scalars(select(Member.id)).first()
        assert member is not None
        when = {"started_at": clock(), "asked_at": clock()}
        closed = QuizRun(
            member_id=member, kind=QuizKind.MIXED, title="", questions=[first.id], finished_at=clock(), **when
        )
        opened = QuizRun(member_id=member, kind=QuizKind.MIXED, title="", questions=[second.id], **when)
        session.add_all([closed, opened])
        session.flush()
        session.add(
            Attempt(
                run_id=closed.id,
                position=0,
                member_id=member,
                question_id=first.id,
                given="A",
                right=True,
                seconds=3,
                at=clock(),
            )
        )
    back = taken_back(database, clock, done.import_id)
    assert (back.deleted, back.retired) == (1, 2)
    assert [(one.stem, one.state) for one in own(database)] == [
        (stem, QuestionState.RETIRED) for stem in STEMS[:2]
    ]


def test_a_question_on_a_paper_or_in_a_duel_is_not_deleted(
    database: Database, clock: Clock, branch: int
) -> None:
    done = taken_in(database, clock, branch)
    on_paper, in_duel, _ = own(database)
    with database.write() as session:
        one, other, *_ = session.scalars(select(Member.id))
        paper = {"opens_at": clock(), "closes_at": clock(), "minutes": 30, "pass_mark": 60, "attempts": 1}
        session.add(
            Exam(
                branch_id=branch,
                author_id=one,
                topic="",
                questions=[on_paper.id],
                published_at=clock(),
                **paper,
            )
        )
        session.add(Duel(challenger_id=one, opponent_id=other, questions=[in_duel.id], started_at=clock()))
    back = taken_back(database, clock, done.import_id)
    assert (back.deleted, back.retired) == (1, 2)
    assert [one.id for one in own(database)] == [on_paper.id, in_duel.id]


def test_what_a_later_import_changed_is_left_alone(database: Database, clock: Clock, branch: int) -> None:
    first = taken_in(database, clock, branch)
    taken_in(database, clock, branch, [row(2, STEMS[0], answer=("C",))])
    back = taken_back(database, clock, first.import_id)
    assert (back.deleted, back.left) == (2, 1)
    assert [one.answer for one in own(database)] == [["C"]]


def test_an_import_is_taken_back_once(database: Database, clock: Clock, branch: int) -> None:
    done = taken_in(database, clock, branch)
    taken_back(database, clock, done.import_id)
    with pytest.raises(question_import.AlreadyTakenBack):
        taken_back(database, clock, done.import_id)
    with pytest.raises(question_import.NoSuchImport), database.read() as session:
        question_import.latest(session, branch)


def test_a_retired_question_comes_back_with_the_next_import(
    database: Database, clock: Clock, branch: int
) -> None:
    taken_in(database, clock, branch, ROWS[:1])
    with database.write() as session:
        session.get_one(Question, own(database)[0].id).state = QuestionState.RETIRED
    assert taken_in(database, clock, branch, ROWS[:1]).changed == 1
    assert own(database)[0].state is QuestionState.APPROVED


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".xlsx", ".csv", ".gift"])
def test_an_export_comes_back_without_a_change(
    database: Database, clock: Clock, branch: int, tmp_path: Path, ending: str
) -> None:
    taken_in(database, clock, branch)
    path = tmp_path / f"题目{ending}"
    with database.read() as session:
        assert question_file.write(session, branch, path) == len(SHIPPED) + 3
        reading = question_file.read(path)
        seen = question_import.preview(session, reading, branch)
    assert (seen.added, seen.changed, seen.rejected) == ([], [], [])
    assert {one.code for one in SHIPPED} <= {question_of(found).code for found in reading.rows}


def test_an_export_of_the_own_questions_moves_to_another_branch(
    database: Database, clock: Clock, branch: int, tmp_path: Path
) -> None:
    taken_in(database, clock, branch)
    with database.write() as session:
        other = organisation.ensure(session, "运行党支部").id
        assert question_file.write(session, branch, tmp_path / "题目.xlsx", own=True) == 3
    taken_in(database, clock, other, question_file.read(tmp_path / "题目.xlsx").rows)
    assert [one.stem for one in own(database) if one.branch_id == other] == list(STEMS)


@pytest.mark.parametrize(
    ("name", "raw", "why"),
    [
        ("题.xlsm", b"PK", "宏"),
        ("题.xls", b"\xd0\xcf", "另存为 .xlsx"),
        ("题.pdf", b"%PDF", "不认识 .pdf"),
        ("题.xlsx", b"", "空的"),
        ("题.csv", "题干,答案\n".encode(), "没有题目"),
        ("题.txt", b"\n\n", "没有内容"),
        ("没有.csv", None, "打不开"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, name: str, raw: bytes | None, why: str) -> None:
    if raw is not None:
        (tmp_path / name).write_bytes(raw)
    with pytest.raises(Unreadable) as refusal:
        question_file.read(tmp_path / name)
    assert why in str(refusal.value)


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "题.csv"
    with path.open("wb") as file:
        file.truncate(question_file.MOST_BYTES + 1)
    with pytest.raises(Unreadable, match="20MB"):
        question_file.read(path)


def test_a_text_file_may_be_gift_aiken_or_numbered(tmp_path: Path) -> None:
    for number, text in enumerate(
        [
            "哪一端先拆？ {=导体端 ~接地端 ~同时}",
            "哪一端先拆？\nA. 导体端\nB. 接地端\nC. 同时\nANSWER: A",
            "1. 哪一端先拆？\nA. 导体端\nB. 接地端\nC. 同时\n答案：A",
        ]
    ):
        path = tmp_path / f"{number}.txt"
        path.write_text(text, encoding="gbk")
        (one,) = question_file.read(path).rows
        assert question_of(one).options == ("导体端", "接地端", "同时")


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.fixture
def shell(database: Database, branch: int, database_url: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("ZHIBU_DATABASE_URL", database_url)
    monkeypatch.setenv("ZHIBU_SECRET_KEY", "a secret only for tests")
    return CliRunner()


def _file(folder: Path, *bank: Checked) -> str:
    path = folder / "题目.csv"
    path.write_bytes(csv.write(bank))
    return str(path)


def _checked() -> list[Checked]:
    return [question_of(one) for one in ROWS]


def test_the_command_line_imports_after_a_yes_and_takes_back(
    shell: CliRunner, database: Database, tmp_path: Path
) -> None:
    path = _file(tmp_path, *_checked())
    asked = shell.invoke(commands, ["import", path])
    assert (asked.exit_code, own(database)) == (2, [])
    assert "--yes" in asked.output
    done = shell.invoke(commands, ["import", path, "--yes"])
    assert (done.exit_code, len(own(database))) == (0, 3), done.output
    assert "新增 3，修改 0" in done.output
    again = shell.invoke(commands, ["import", path, "--yes"])
    assert (again.exit_code, "重复 3" in again.output) == (0, True)
    back = shell.invoke(commands, ["undo"])
    assert (back.exit_code, own(database)) == (0, [])
    assert "删除 3" in back.output
    assert shell.invoke(commands, ["undo"]).exit_code == 2


def test_the_command_line_names_rejected_lines(shell: CliRunner, database: Database, tmp_path: Path) -> None:
    bad = tmp_path / "坏题.csv"
    bad.write_bytes(csv.write(_checked()).decode("utf-8-sig").replace("甲", "乙", 1).encode())
    done = shell.invoke(commands, ["import", str(bad), "--yes"])
    assert done.exit_code == 2
    assert "第 2 行未收：有两个选项相同" in done.output
    assert len(own(database)) == 2


def test_the_command_line_refuses_with_one_line(shell: CliRunner, database: Database, tmp_path: Path) -> None:
    wrong = shell.invoke(commands, ["import", str(tmp_path / "没有.xlsx")])
    assert (wrong.exit_code, len(wrong.output.strip().splitlines())) == (2, 1)
    with database.write() as session:
        organisation.ensure(session, "运行党支部")
    several = shell.invoke(commands, ["import", _file(tmp_path, *_checked()), "--yes"])
    assert several.exit_code == 2
    assert "several branches" in several.output


def test_the_command_line_exports(shell: CliRunner, tmp_path: Path) -> None:
    done = shell.invoke(commands, ["export", str(tmp_path / "题.xlsx")])
    assert done.exit_code == 0, done.output
    assert len(excel.parse((tmp_path / "题.xlsx").read_bytes()).rows) == len(SHIPPED)
    assert shell.invoke(commands, ["export", str(tmp_path / "题.pdf")]).exit_code == 2
