"""导入题目 in chat: pasted, looked at, confirmed, taken back, approved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select

from bot.app import App
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.quiz import Attempt, Question, QuestionState
from tests.chat import Phone, PhoneBook

PASTED = """1. 检修班出工前，工作负责人先做哪一件事？（ ）
A. 清点工具  B. 交代安全措施  C. 填写总结
答案：B
解析：先交代安全措施和危险点，大家签字确认。
出处：《检修班安全手册》
2. 我们班每周一开班前会。（√）
3. 工具柜的钥匙在哪里？
A. 班长处
B. 值班室
C. 仓库
答案：D"""


def own(bot: App) -> Sequence[Question]:
    with bot.database.read() as session:
        return session.scalars(
            select(Question).where(Question.branch_id.is_not(None)).order_by(Question.id)
        ).all()


def test_questions_are_pasted_looked_at_and_confirmed(bot: App, secretary: Phone) -> None:
    secretary.script(
        ("导入题目", "请把题目粘贴过来", "答案：B"),
        (PASTED, "新增 2", "未收 1", "第7行", "答案 D 没有对应的选项", "确认"),
    )
    assert own(bot) == []
    secretary.script(("确认", "已导入：新增 2 题", "撤销"))
    first, second = own(bot)
    assert (first.stem, first.options, first.answer) == (
        "检修班出工前，工作负责人先做哪一件事？（ ）",
        ["清点工具", "交代安全措施", "填写总结"],
        ["B"],
    )
    assert (second.stem, second.answer) == ("我们班每周一开班前会。（ ）", ["对"])
    assert {first.state, second.state} == {QuestionState.APPROVED}


def test_one_message_with_the_word_and_the_questions_is_enough(bot: App, secretary: Phone) -> None:
    secretary.script((f"导入题目\n{PASTED}", "新增 2"), ("1", "已导入"))
    assert len(own(bot)) == 2


def test_answers_may_stand_at_the_end_and_are_shown_before_they_count(bot: App, secretary: Phone) -> None:
    first, second = (PASTED.split("\n")[at] for at in (0, 5))
    paper = f"{first}\nA. 清点工具 B. 交代安全措施 C. 填写总结\n{second.replace('（√）', '（ ）')}\n参考答案：1.B 2.√"
    secretary.script((f"导入题目\n{paper}", "＋第1行", "答案B", "＋第3行", "答案对"), ("确认", "新增 2 题"))
    assert [one.answer for one in own(bot)] == [["B"], ["对"]]


def test_cancelling_writes_nothing(bot: App, secretary: Phone) -> None:
    secretary.script((f"导入题目\n{PASTED}", "新增 2"), ("取消", "没有导入"))
    assert own(bot) == []


def test_pasting_again_replaces_what_was_looked_at(bot: App, secretary: Phone) -> None:
    secretary.script(
        (f"导入题目\n{PASTED}", "未收 1"),
        (PASTED.replace("答案：D", "答案：C"), "新增 3", "未收 0"),
        ("确认", "新增 3"),
    )
    assert len(own(bot)) == 3


def test_taking_back_leaves_no_trace_in_the_bank(bot: App, secretary: Phone) -> None:
    secretary.script(
        (f"导入题目\n{PASTED}", "新增 2"), ("确认", "已导入"), ("撤销", "删除 2 题"), ("撤销", "没有可以撤销")
    )
    assert own(bot) == []


def test_taking_back_what_somebody_has_begun_leaves_answers_and_the_run(
    bot: App, phone: PhoneBook, secretary: Phone
) -> None:
    asked = PASTED.replace("答案：D", "答案：C").replace("答案：", "主题：班组规矩\n答案：")
    asked = asked.replace("（√）", "（√）\n主题：班组规矩")
    secretary.script((f"导入题目\n{asked}", "新增 3"), ("确认", "已导入"))
    zhang = phone("张伟")
    zhang.script(("专项 班组规矩", "1/3"), ("不会", "不对", "2/3"))
    secretary.script(("撤销", "删除 0 题", "停用 3 题（已有人遇到）"))
    assert {one.state for one in own(bot)} == {QuestionState.RETIRED}
    zhang.script(("不会", "不对", "3/3"), ("不会", "专项 班组规矩 完成：3 题答对 0 题"))
    with bot.database.read() as session:
        assert len(session.scalars(select(Attempt)).all()) == 3
    zhang.script(("专项 班组规矩", "没有“班组规矩”这个主题"), ("错题", "没有要复习的错题"))
    secretary.script((f"导入题目\n{asked}", "修改 3"), ("确认", "修改 3 题"))
    assert "1/3" in zhang("专项 班组规矩")


def test_after_five_minutes_nothing_is_taken_back(bot: App, secretary: Phone) -> None:
    secretary.script((f"导入题目\n{PASTED}", "新增 2"), ("确认", "已导入"))
    bot.clock.sleep(timedelta(minutes=6))  # type: ignore[attr-defined]
    assert "没有可以撤销" in secretary("撤销")
    assert len(own(bot)) == 2


def test_the_latest_import_is_taken_back_later_after_a_yes(
    bot: App, secretary: Phone, phone: PhoneBook
) -> None:
    assert "没有找到" in secretary("撤销导入")
    secretary.script((f"导入题目\n{PASTED}", "新增 2"), ("确认", "已导入"))
    bot.clock.sleep(timedelta(days=1))  # type: ignore[attr-defined]
    secretary.script(("撤销导入", "11月23日 09:00 的 2 题", "确认"), ("取消", "没有收回"))
    assert len(own(bot)) == 2
    secretary.script(("撤销导入", "要收回吗"), ("确认", "删除 2 题"), ("撤销导入", "没有找到"))
    assert own(bot) == []
    assert "书记" in phone(_committee_member(bot))("撤销导入")


def test_the_same_text_again_changes_nothing(secretary: Phone) -> None:
    secretary.script(
        (f"导入题目\n{PASTED}", "新增 2"),
        ("确认", "已导入"),
        (f"导入题目\n{PASTED}", "新增 0", "重复 2", "没有可以导入的题"),
    )


def test_a_bank_that_changed_since_the_preview_is_shown_again(
    bot: App, phone: PhoneBook, secretary: Phone
) -> None:
    other = phone(_committee_member(bot))
    secretary.script((f"导入题目\n{PASTED}", "新增 2"))
    other.script((f"导入题目\n{PASTED}", "新增 2"), ("确认", "已导入"))
    assert secretary("确认").startswith("看到的题：新增 0，修改 0，重复 2")


def test_members_may_not_import(phone: PhoneBook) -> None:
    assert "需要支部书记或委员" in phone("张伟")("导入题目")


def test_nonsense_is_refused_with_its_line(secretary: Phone) -> None:
    secretary.script(("导入题目", "粘贴"), ("今天天气不错", "第1行", "不像题目"))


def test_markup_is_refused(bot: App, secretary: Phone) -> None:
    secretary.script(
        (f"导入题目\n{PASTED.replace('清点工具', '<script>x</script>')}", "第1行", "选项里有网页代码")
    )


def test_questions_of_others_wait_for_the_secretary(bot: App, phone: PhoneBook, secretary: Phone) -> None:
    name = _committee_member(bot)
    phone(name).script((f"导入题目\n{PASTED}", "等支部书记批准"), ("确认", "将请王建国"))
    assert {one.state for one in own(bot)} == {QuestionState.DRAFT}
    asked = secretary.pushes()
    assert [push for push in asked if f"{name}导入了 2 道题" in push]
    secretary.script(("批准题目", "已批准 2 题"), ("批准题目", "没有等待批准"))
    assert {one.state for one in own(bot)} == {QuestionState.APPROVED}


def test_the_committee_may_not_approve(bot: App, phone: PhoneBook) -> None:
    assert "这项操作（批准题目）需要" in phone(_committee_member(bot))("批准题目")


def test_importing_and_taking_back_are_on_record(bot: App, secretary: Phone) -> None:
    secretary.script((f"导入题目\n{PASTED}", "新增 2"), ("确认", "已导入"), ("撤销", "删除 2 题"))
    with bot.database.read() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts[-2:] == ["导入题目", "撤销导入题目"]


def _committee_member(bot: App) -> str:
    """Somebody of the committee who does not lead it."""
    roles = (RoleName.ORGANISER, RoleName.PUBLICITY, RoleName.DISCIPLINE)
    with bot.database.read() as session:
        name = session.scalar(select(Member.name).join(Role).where(Role.name.in_(roles)).order_by(Member.id))
    assert name is not None
    return name
