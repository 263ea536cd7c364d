"""导出 学习情况: what stands in the file behind the link, who may have it, and that nobody is ranked. Both databases."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from flask.testing import FlaskClient
from openpyxl import load_workbook
from sqlalchemy import select, update

from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, MemberStatus
from bot.models.organisation import BranchSetting
from bot.models.quiz import Question
from tests.chat import Phone, PhoneBook
from tests.handlers.test_document import link_in, web
from tests.handlers.test_learning import answered, cast_of

__all__ = ["web"]

Table = list[tuple[Any, ...]]


def opened(web: FlaskClient, answer: str) -> dict[str, Table]:
    """The sheets of the file behind the link in an answer, by title."""
    response = web.get(link_in(answer))
    assert response.status_code == 200
    assert "%E5%AD%A6%E4%B9%A0%E6%83%85%E5%86%B5" in response.headers["Content-Disposition"]
    book = load_workbook(io.BytesIO(response.data))
    assert not [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]
    return {sheet.title: [tuple(row) for row in sheet.values] for sheet in book}


def test_the_file_says_who_studied_how_long_and_what_is_hard(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, database: Database, clock: Clock
) -> None:
    phone("张伟")("登记 学习强国 90分钟")
    clock.sleep(timedelta(days=1))
    phone("张伟")("学完了")
    answered(database, clock, [("古丽", 0, False)] * 4 + [("李明", 0, True), ("李明", 1, True)])
    answer = secretary("导出 学习情况")
    assert "09:10 前有效" in answer
    assert "不排名次" in answer
    sheets = opened(web, answer)
    head, *rows = sheets["学习情况"]
    people = {row[1]: dict(zip(head, row, strict=True)) for row in rows if isinstance(row[0], int)}
    zhang = people["张伟"]
    assert (zhang["本周学习天数"], zhang["自己登记（学时）"], zhang["要求（学时）"]) == (2, 1.5, 32)
    assert zhang["今年合计（学时）"] >= 1.5
    assert zhang["还差（学时）"] == 32 - zhang["今年合计（学时）"]
    assert (people["古丽"]["本周学习天数"], people["王建国"]["本周学习天数"]) == (1, 0)
    assert people["王建国"]["要求（学时）"] == 56
    assert people["刘芳"]["要求（学时）"] == 56
    notes = "".join(row[0] for row in rows if isinstance(row[0], str))
    assert "主题党日、党课、集中学习" in notes
    assert "60 分钟算 1 学时" in notes
    with database.read() as session:
        hardest = session.scalars(select(Question).order_by(Question.code)).first()
    assert hardest is not None
    assert sheets["最难的题"][1] == (hardest.stem, 5, 1, "20%")
    assert hardest.topic in [row[0] for row in sheets["各主题正确率"]]


def test_the_people_stand_in_the_order_of_the_roster_whatever_they_did(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, database: Database
) -> None:
    phone("吴霞")("登记 学习强国 480分钟")
    rows = opened(web, secretary("导出 学习情况"))["学习情况"][1:]
    assert [row[1] for row in rows if isinstance(row[0], int)] == cast_of(database, 12)


def test_hours_are_asked_of_party_members_only_and_as_the_branch_chose(
    secretary: Phone, web: FlaskClient, database: Database
) -> None:
    with database.write() as session:
        session.execute(update(Member).where(Member.name == "孙磊").values(status=MemberStatus.APPLICANT))
        session.execute(update(Member).where(Member.name == "周洁").values(status=MemberStatus.COLLEAGUE))
        branch = session.scalars(select(Member.branch_id).where(Member.name == "张伟")).one()
        session.add(BranchSetting(branch_id=branch, values={"study_hours_member": 40}))
    rows = opened(web, secretary("导出 学习情况"))["学习情况"][1:]
    asked = {row[1]: row[9] for row in rows if isinstance(row[0], int)}
    assert (asked["张伟"], asked["孙磊"]) == (40, None)
    assert "周洁" not in asked


def test_a_question_that_looks_like_a_formula_stays_a_text(
    secretary: Phone, web: FlaskClient, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        first = session.scalars(select(Question).order_by(Question.code)).first()
        assert first is not None
        first.stem = "=1+1"
    answered(database, clock, [("古丽", 0, False)] * 5)
    assert opened(web, secretary("导出 学习情况"))["最难的题"][1][0] == "=1+1"


def test_members_get_no_link_and_an_old_one_is_dead(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, database: Database, clock: Clock
) -> None:
    assert "书记或委员" in phone("张伟")("导出 学习情况")
    path = link_in(secretary("导出学习情况"))
    clock.sleep(timedelta(minutes=10))
    response = web.get(path)
    assert response.status_code == 410
    assert "导出 学习情况" in response.text
    with database.read() as session:
        assert session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "导出文件")).all() == [
            "学习情况 #2026"
        ]
