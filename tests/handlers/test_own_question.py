"""看题 and 停用题目: what a secretary does about a question that turns out to be wrong."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot import app as composition
from bot.app import App
from bot.models.audit import AuditEntry
from bot.models.member import Member
from bot.models.quiz import Question, QuestionState
from bot.services import organisation, question
from tests.chat import Phone, PhoneBook

PASTED = """导入题目
1. 检修班的工具柜由谁保管？
A. 班长  B. 安全员  C. 值班员
答案：B
主题：班组规矩
截止日：2027-01-31"""


@pytest.fixture
def code(bot: App, secretary: Phone) -> str:
    """The code of a question of the branch's own."""
    secretary.script((PASTED, "新增 1"), ("确认", "已导入"))
    return the_question(bot).code


def the_question(bot: App) -> Question:
    with bot.database.read() as session:
        return session.scalars(select(Question).where(Question.branch_id.is_not(None))).one()


def test_a_question_is_shown_as_it_may_be_pasted_again(bot: App, secretary: Phone, code: str) -> None:
    before = the_question(bot)
    shown = secretary(f"看题 {code.lower()}")
    assert "本支部的题，在用" in shown
    text = shown.partition("\n——")[0]
    secretary.script((f"导入题目\n{text}", "重复 1", "没有可以导入的题"))
    mended = text.replace("答案：B", "答案：A").replace("由谁保管", "归谁保管")
    secretary.script((f"导入题目\n{mended}", "修改 1"), ("确认", "修改 1 题"))
    after = the_question(bot)
    assert (after.id, after.answer, after.stem) == (before.id, ["A"], "检修班的工具柜归谁保管？")
    assert after.valid_to == before.valid_to is not None


def test_a_wrong_question_is_stopped_at_once_and_comes_back(
    bot: App, secretary: Phone, phone: PhoneBook, code: str
) -> None:
    secretary.script((f"停用题目 {code}", "已停用", "撤销"))
    assert the_question(bot).state is QuestionState.RETIRED
    assert "没有“班组规矩”这个主题" in phone("张伟")("专项 班组规矩")
    secretary.script((f"停用题目 {code}", "已经停用了"), (f"看题 {code}", "已停用"))
    secretary.script(("撤销", "已恢复", "在用"))
    assert the_question(bot).state is QuestionState.APPROVED
    with bot.database.read() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts[-2:] == ["停用题目", "恢复题目"]


def asked_in(bot: App, branch: int, code: str) -> bool:
    with bot.database.read() as session:
        return code in {one.code for one in question.approved(session, branch, bot.clock().date())}


def test_a_shared_question_is_stopped_for_one_branch_and_asked_again(secretary: Phone, bot: App) -> None:
    code = "branch-work-001"
    with bot.database.write() as session:
        mine = session.scalars(select(Member.branch_id).where(Member.name == "王建国")).one()
        other = organisation.ensure_path(session, "别的公司党委/外部党支部").id
    secretary.script(
        (f"看题 {code}", f"编号：{code}", "公共题库", f"停用题目 {code}"),
        (f"停用题目 {code}", f"已停用 {code}", "本支部不会再出", f"恢复题目 {code}"),
        (f"停用题目 {code}", "已经停用了"),
        (f"看题 {code}", "本支部已停用", f"恢复题目 {code}"),
        ("看题 none-1", "没有编号为 none-1 的题"),
    )
    assert not asked_in(bot, mine, code)
    assert asked_in(bot, other, code)
    composition.prepare(bot)  # a new start brings the shipped bank up to date, not back
    assert not asked_in(bot, mine, code)
    secretary.script((f"恢复题目 {code}", "已恢复", "在用"), (f"恢复题目 {code}", "没有被本支部停用"))
    assert asked_in(bot, mine, code)


def test_stopping_a_shared_question_is_taken_back(secretary: Phone) -> None:
    secretary.script(
        ("停用题目 branch-work-001", "已停用"),
        ("撤销", "已恢复", "在用"),
        ("看题 branch-work-001", "停用题目 branch-work-001"),
    )


def test_members_see_no_answers(phone: PhoneBook, code: str) -> None:
    phone("张伟").script((f"看题 {code}", "书记或委员"), (f"停用题目 {code}", "支部书记"))
