"""导出 题目: who may, what is in the file behind the link, and that it comes back without a change."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.services import permission, question_file, question_import
from bot.services.permission import Action
from bot.web import downloads
from content.questions import load
from tests.chat import Phone, PhoneBook

PASTED = """导入题目
1. 检修班的工具柜由谁保管？
A. 班长  B. 安全员  C. 值班员
答案：B
2. 班前会每天都开。（√）"""


@pytest.fixture
def web(bot: App) -> FlaskClient:
    """The pages below /m/ alone."""
    flask = Flask(__name__)
    flask.register_blueprint(downloads.blueprint(bot.settings, bot.database, bot.clock), url_prefix="/m")
    return flask.test_client()


@pytest.fixture
def own_questions(secretary: Phone) -> None:
    """Two questions of the branch's own."""
    secretary.script((PASTED, "新增 2"), ("确认", "已导入"))


def link_in(answer: str) -> str:
    found = re.search(r"https?://[^/]+(/m/download/\S+)", answer)
    assert found, answer
    return found[1]


@pytest.mark.parametrize(("said", "ending"), [("导出题目", ".xlsx"), ("导出 题库 gift", ".gift")])
def test_the_file_comes_back_without_a_change(
    own_questions: None,
    secretary: Phone,
    web: FlaskClient,
    database: Database,
    tmp_path: Path,
    said: str,
    ending: str,
) -> None:
    answer = secretary(said)
    assert f"题目 {len(load()) + 2} 道，其中本支部 2 道" in answer
    response = web.get(link_in(answer))
    assert response.status_code == 200
    assert f"document{ending}" in response.headers["Content-Disposition"]
    file = tmp_path / f"题目{ending}"
    file.write_bytes(response.data)
    with database.read() as session:
        branch = session.scalars(select(Member.branch_id)).first()
        assert branch is not None
        seen = question_import.preview(session, question_file.read(file), branch)
    assert seen.summary == f"新增 0，修改 0，重复 {len(load()) + 2}，未收 0"


def test_the_own_questions_alone_are_a_choice_when_there_are_any(
    secretary: Phone, web: FlaskClient, tmp_path: Path
) -> None:
    assert "本支部还没有自己的题目" in secretary("导出 本支部题目")
    assert "只要本支部的" not in secretary("导出 题目")
    secretary.script((PASTED, "新增 2"), ("确认", "已导入"), ("导出 题目", "2 只要本支部的，Excel"))
    file = tmp_path / "题目.xlsx"
    file.write_bytes(web.get(link_in(secretary("2"))).data)
    assert len(question_file.read(file).rows) == 2


def test_after_ten_minutes_the_link_says_what_to_send(
    secretary: Phone, web: FlaskClient, clock: Clock
) -> None:
    path = link_in(secretary("导出 题目 gift"))
    clock.sleep(timedelta(minutes=10))
    response = web.get(path)
    assert response.status_code == 410
    assert "导出 GIFT 题目" in response.text
    assert "GIFT 文本" in secretary("导出 GIFT 题目")


def test_members_get_no_answers_and_a_former_secretary_none_any_more(
    phone: PhoneBook, secretary: Phone, web: FlaskClient, database: Database
) -> None:
    assert "需要支部书记或委员" in phone("张伟")("导出题目")
    path = link_in(secretary("导出 题目"))
    with database.write() as session:
        session.execute(
            delete(Role).where(
                Role.member_id == session.scalar(select(Member.id).where(Member.name == "王建国"))
            )
        )
    assert web.get(path).status_code == 403


def test_who_may_see_the_branch_but_not_edit_questions_gets_no_answers(
    secretary: Phone, web: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, ledger = link_in(secretary("导出 题目")), link_in(secretary("导出 本月台账"))
    fewer = permission.RIGHTS[RoleName.SECRETARY] - {Action.EDIT_QUESTIONS}
    monkeypatch.setitem(permission.RIGHTS, RoleName.SECRETARY, fewer)
    assert (web.get(path).status_code, web.get(ledger).status_code) == (403, 200)
    assert "导入题目" in secretary("导出 题目")


def test_the_download_is_on_record(secretary: Phone, web: FlaskClient, database: Database) -> None:
    web.get(link_in(secretary("导出 题目")))
    with database.read() as session:
        notes = session.execute(select(AuditEntry.act, AuditEntry.detail).order_by(AuditEntry.id)).all()
    assert [act for act, _ in notes[-2:]] == ["导出文件", "下载文件"]
    assert "题目" in notes[-1].detail
