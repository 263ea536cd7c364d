"""What is refused before anything reads it: marks of secrecy and identity-card numbers, and what only sounds like them."""

from __future__ import annotations

import pytest
from sqlalchemy import inspect, select, text

from bot import nlu
from bot.chat import Kind, Place
from bot.db import Base, Database
from bot.models.identity import Inbox
from bot.services import privacy
from tests.chat import Phone, PhoneBook

MARKED = (
    "秘密★1年",
    "机密★",
    "机密 10年",
    "绝密★长期 关于某工程的通知",
    "机　密★20年\n某某公司文件",
    "機密★10年",
    "（秘密）★ 3年".replace("（", "").replace("）", ""),
    "关于保电方案的报告 秘密 5年",
    "【机密10年】电网运行方式",
    "绝密：30年",
    "普通商密★5年 投标报价",
    "核心商密▲10年",
    "普通商密 3年",
    "内部资料 不得外传",
    "内部资料，注意保存，严禁外传",
    "【内部文件 请勿转发】今年的人员安排",
    "内部使用，切勿扩散",
    "供电密〔2026〕3号",
    "某公司密发[2025]12号 关于调整的通知",
    "请看 检修密（2026）第7号 文件",
    "申报 起草秘密★1年的方案",
    "感想 见附件：机密★5年",
)
PLAIN = (
    "秘密级的保密期限是多久",
    "什么是绝密",
    "提问 秘密级的保密期限是多久",
    "秘密★1年是什么意思",
    "机密 10年还是20年？",
    "绝密",
    "机密",
    "秘密",
    "绝密、机密、秘密",
    "绝密级三十年",
    "绝密 30年、机密 20年、秘密 10年",
    "国家秘密的密级分为绝密、机密、秘密三级",
    "保守国家秘密是每个公民的义务，国家秘密 10年后也不能随便说",
    "感想 学习保密法后，我知道内部资料不得外传，手机不谈涉密事",
    "内部资料不得外传吗",
    "加分 李秘 3 保密检查带队",
    "签到 密云 青松",
    "绑定 张三 482913",
    "A",
    "保密工作 10年回顾",
    "国发〔2026〕3号",
    "国密局公告〔2026〕3号",
    "注意保密",
    "申报 保密宣传 做了3年",
    "支部内部讨论，请勿迟到",
    "电话 13912345678",
)
CARDS = (
    "110101199003074477",
    "张三 11010519491231002X",
    "身份证号：440308 19990101 0012",
    "11010519491231002x",
)
NO_CARDS = (
    "110101199003074478",
    "123456789012345678",
    "110101199013074477",
    "1101011990030744771",
    "工号 202611230001",
    "11010519491231002",
    "会议号 881 7739 2210",
)


@pytest.mark.parametrize("said", MARKED)
def test_a_mark_is_recognised(said: str) -> None:
    assert privacy.secret_mark(nlu.clean(said)) is not None


@pytest.mark.parametrize("said", PLAIN)
def test_what_only_speaks_of_secrets_passes(said: str) -> None:
    assert privacy.secret_mark(nlu.clean(said)) is None
    assert not privacy.has_identity_card(nlu.clean(said))


@pytest.mark.parametrize("said", CARDS)
def test_an_identity_card_number_is_recognised(said: str) -> None:
    assert privacy.has_identity_card(nlu.clean(said))


@pytest.mark.parametrize("said", NO_CARDS)
def test_another_long_number_is_no_identity_card(said: str) -> None:
    assert not privacy.has_identity_card(nlu.clean(said))


def test_a_question_hides_no_document(phone: PhoneBook) -> None:
    assert privacy.secret_mark("机密★10年 " + "电网运行方式的说明。" * 5 + "还有什么问题？") == "密级标志"


def everything(database: Database) -> str:
    """All that is in the database, as one text."""
    with database.read() as session:
        names = inspect(session.connection()).get_table_names()
        assert {table.name for table in Base.metadata.sorted_tables} <= set(names)
        return "".join(str(session.execute(text(f'SELECT * FROM "{name}"')).all()) for name in names)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("申报 起草某方案 机密★10年 甲乙丙丁", "不能发涉密或内部资料（发现密级标志）"),
        ("感想 我的证号 11010519491231002X 甲乙丙丁", "不能发身份证号"),
    ],
)
def test_what_is_refused_is_not_kept_and_the_sender_is_told_why(
    phone: PhoneBook, database: Database, said: str, why: str
) -> None:
    zhang: Phone = phone("张伟")
    assert why in zhang(said)
    assert why in zhang.again()
    assert "甲乙丙丁" not in everything(database)
    with database.read() as session:
        assert len(session.scalars(select(Inbox)).all()) == 1


def test_captions_places_and_strangers_are_guarded_too(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    for kind in (Kind.IMAGE, Kind.FILE, Kind.LINK, Kind.VOICE):
        assert "发现密级标志" in zhang.send(kind=kind, text="机密★10年.docx", media="m")
    assert "发现密级标志" in zhang.send(kind=Kind.LOCATION, place=Place(1.0, 2.0, "某库 绝密★"))
    assert "发现密级标志" in phone("nobody-knows-me")("绑定 机密★")


def test_an_open_dialogue_waits_while_a_message_is_refused(phone: PhoneBook) -> None:
    chief = phone("王建国")
    chief("加分")
    assert "不能发涉密" in chief("张伟 3 机密★10年的抢修")
    assert "已给张伟 +3 分" in chief("张伟 3 师带徒")
