"""Tags: given, shown, taken away, and addressed by a notice."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from bot.app import App
from bot.models.audit import AuditEntry
from bot.models.member import Member, MemberTag
from bot.services import personal_data
from tests.chat import Phone, PhoneBook


def test_a_tag_is_given_and_addressed(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(
        ("标签 张伟、古丽 带电作业", "已给 2 人加上", "共 2 人：张伟、古丽"),
        ("标签 张伟 带电作业", "本来就有", "共 2 人"),
        ("通知 带电作业 下午到库房领绝缘杆", "对象：带电作业，2 人"),
        ("确认", "将发给 2 人"),
    )
    assert "领绝缘杆" in phone("古丽").pushes()[0]
    assert phone("李明").pushes() == []


def test_tags_are_shown_by_name_by_person_and_all(secretary: Phone) -> None:
    secretary.script(
        ("标签", "还没有标签", "标签 张伟 带电作业"),
        ("标签 张伟 带电作业", "已给 1 人"),
        ("标签 第二党小组 夜校", "已给 4 人"),
        ("标签", "标签 2 个", "夜校 4 人\n带电作业 1 人"),
        ("标签 带电作业", "1 人：张伟"),
        ("标签 张伟", "张伟有标签：带电作业"),
        ("标签 古丽", "古丽还没有标签"),
    )


def test_a_tag_is_taken_away(secretary: Phone) -> None:
    secretary.script(
        ("标签 张伟、古丽 带电作业", "已给 2 人"),
        ("去掉标签 张伟 带电作业", "已去掉 1 人", "还有 1 人"),
        ("去掉标签 张伟 带电作业", "张伟没有标签“带电作业”"),
        ("去掉标签 全体 带电作业", "已去掉 1 人", "还有 0 人"),
        ("通知 带电作业 到库房", "对象：全体"),
    )


@pytest.mark.parametrize("name", ["第一党小组", "全体", "张伟", "输电运检班", "支委", "预备党员"])
def test_a_tag_is_not_called_like_something_else(secretary: Phone, name: str) -> None:
    assert "请换一个标签名" in secretary(f"标签 古丽 {name}")


@pytest.mark.parametrize("name", ["电", "带电作业带电作业带电作业", "a,b"])
def test_a_bad_name_is_refused_with_an_example(secretary: Phone, name: str) -> None:
    assert "例如" in secretary(f"标签 古丽 {name}")


def test_nobody_has_more_than_ten(secretary: Phone) -> None:
    for number in range(10):
        secretary(f"标签 张伟 标签{number}号")
    assert "已有 10 个标签" in secretary("标签 张伟 再来一个")


def test_a_stranger_to_the_branch_is_not_tagged(secretary: Phone) -> None:
    assert "“李四光”现在没有对应的人" in secretary("标签 李四光 带电作业")


def test_only_leaders_tag_and_members_see_nothing(phone: PhoneBook) -> None:
    assert "需要支部书记" in phone("张伟")("标签 古丽 带电作业")
    assert "需要支部书记" in phone("马强")("标签")


def test_tags_are_on_record_and_go_when_somebody_is_erased(secretary: Phone, bot: App) -> None:
    secretary("标签 张伟 带电作业")
    with bot.database.write() as session:
        zhang = session.scalars(select(Member).where(Member.name == "张伟")).one()
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.subject_id == zhang.id)).all()
        assert "加标签" in acts
        zhang.active = False
        personal_data.erase(session, zhang, now=bot.clock())
        assert session.scalars(select(MemberTag)).all() == []
