"""A branch's own articles and links: added by chat, found in 今日学习, 学习资料 and 提问, read, removed; nobody else sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.library import LibraryEntry
from bot.models.member import Member, MemberStatus
from bot.models.study import OwnMaterial
from bot.services import organisation
from tests.chat import PhoneBook

LINK = "https://mp.weixin.qq.com/s/AbCdEf_GH?x=1"
ADD = f"添加资料 迎峰度夏青年突击队倡议书 {LINK} 8分钟"
TEXT = "添加资料 无人机巡检作业须知\n雨天和五级以上大风不得放飞。\n电池低于三成必须返航。"


def test_a_link_is_added_and_read_and_its_minutes_count(phone: PhoneBook) -> None:
    secretary, zhang = phone("王建国"), phone("张伟")
    before = zhang("学习时长")
    assert "年学习 0分钟" in before
    secretary.script((ADD, "已添加 1《迎峰度夏青年突击队倡议书》", "约 8 分钟", "撤销"))
    zhang.script(
        ("学习资料", "1 迎峰度夏青年突击队倡议书（约 8 分钟）", "回复数字"),
        ("1", LINK, "1 学完了"),
        ("1", "已记下：《迎峰度夏青年突击队倡议书》，学习 8分钟", "+", "学习时长"),
        ("学完资料 1", "已经学过，不重复记"),
        ("学习时长", "年学习 8分钟"),
    )
    assert "已有 1 人学完" in secretary("学习资料 1")


def test_a_new_one_stands_under_todays_study_until_it_is_read(phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    assert "支部资料" not in zhang("今日学习")
    phone("王建国")(ADD)
    zhang.script(("今日学习", "3 支部资料《迎峰度夏青年突击队倡议书》"), ("3", LINK), ("1", "已记下"))
    assert "支部资料" not in zhang("今日学习")
    clock.sleep(timedelta(days=15))
    assert "支部资料" not in phone("古丽")("今日学习")


def test_a_text_is_found_by_a_question_and_names_where_it_is(phone: PhoneBook) -> None:
    question = "提问 无人机电池多少必须返航"
    assert "电池低于三成" not in phone("张伟")(question)
    phone("王建国")(TEXT)
    phone("张伟").script(
        (question, "电池低于三成必须返航", "来自学习材料《无人机巡检作业须知》", "学习资料 1"),
        ("提问 own/1", "无人机巡检作业须知"),
        ("学习资料 1", "雨天和五级以上大风不得放飞。\n电池低于三成必须返航。", "学完了"),
    )


def test_a_long_text_is_read_page_by_page(phone: PhoneBook) -> None:
    phone("王建国")("添加资料 长文\n" + "一二三四五六七八九十" * 60 + "这是最后一句。")
    zhang = phone("张伟")
    assert "这是最后一句" not in zhang("学习资料 1")
    zhang.script(("1", "这是最后一句", "1 学完了"), ("学习资料 1 第9页", "这是最后一句"))


def test_a_removed_one_is_gone_everywhere_and_comes_back(phone: PhoneBook) -> None:
    secretary, zhang = phone("王建国"), phone("张伟")
    secretary(TEXT)
    zhang("学完资料 1")
    secretary.script(("删除资料 1", "已去掉资料《无人机巡检作业须知》", "撤销"))
    zhang.script(("学习资料", "还没有添加学习资料"), ("学习资料 1", "没有找到 1 号资料"))
    assert "电池低于三成" not in zhang("提问 无人机电池多少必须返航")
    assert "电池低于三成" not in zhang("提问 own/1")
    assert "年学习 5分钟" in zhang("学习时长")
    secretary.script(("撤销", "已恢复资料"))
    assert "无人机巡检作业须知" in zhang("学习资料")


def test_adding_is_taken_back(phone: PhoneBook) -> None:
    phone("王建国").script((ADD, "已添加"), ("撤销", "已去掉资料"), ("学习资料", "还没有添加"))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("添加资料 https://www.12371.cn", "还差标题"),
        ("添加资料 只有标题", "还差链接或正文"),
        ("添加资料 标题 https://www.12371.cn 90分钟", "1–60 分钟"),
        ("添加资料 " + "长" * 31 + " https://www.12371.cn", "标题不超过 30 字"),
        ("添加资料 标题 https://www.12371.cn/" + "a" * 500, "链接不超过 500 字"),
        ("删除资料 99", "没有找到 99 号资料"),
        ("学习资料 甲乙", "没有找到 甲乙 号资料"),
    ],
)
def test_what_cannot_be_added_or_found_is_said(
    phone: PhoneBook, database: Database, said: str, answer: str
) -> None:
    phone("王建国").script((said, answer))
    with database.read() as session:
        assert session.scalars(select(OwnMaterial)).all() == []


def test_the_same_title_is_not_added_twice(phone: PhoneBook) -> None:
    phone("王建国").script((ADD, "已添加 1"), (ADD, "已有同名资料 1", "删除资料 1"))


def test_a_member_adds_and_removes_nothing(phone: PhoneBook) -> None:
    phone("王建国")(ADD)
    zhang = phone("张伟")
    zhang.script((TEXT, "请联系"), ("删除资料 1", "请联系"))
    assert "迎峰度夏青年突击队倡议书" in zhang("学习资料")


def test_another_branch_neither_lists_nor_finds_it(
    phone: PhoneBook, database: Database, clock: Clock
) -> None:
    phone("王建国")(TEXT)
    with database.write() as session:
        branch = organisation.ensure_path(session, "别的公司党委/外部党支部")
        session.add(
            Member(
                name="外来人",
                account="wailairen",
                branch_id=branch.id,
                status=MemberStatus.FULL,
                created_at=clock(),
            )
        )
    other = phone("wailairen")
    for said in (
        "学习资料",
        "学习资料 1",
        "学完资料 1",
        "提问 own/1",
        "提问 无人机电池多少必须返航",
        "今日学习",
    ):
        assert "电池低于三成" not in other(said)
        assert "无人机巡检" not in other(said)


def test_words_are_cut_again_with_the_library(phone: PhoneBook, bot: App, database: Database) -> None:
    phone("王建国")(TEXT)
    with database.write() as session:
        session.scalars(select(OwnMaterial)).one().words = [[], ["旧"]]
        session.execute(update(LibraryEntry).values(edition="older"))
    composition.prepare(bot)
    assert "电池低于三成" in phone("张伟")("提问 无人机电池多少必须返航")
