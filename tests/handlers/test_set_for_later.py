"""Notices that go out later, and what the line of a notice may say of time, people and attachments."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.models.member import Member, Role, RoleName
from bot.models.notice import Notice
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox
from bot.services import organisation
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.stage import Stage

LATER = "通知 全体 明天下午开会 明天8点发 需回执"


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("said", "moment", "content"),
    [
        ("明天下午开会 明天8点发", "明天08:00", "明天下午开会"),
        ("明天下午开会，明早8点发送。", "明天08:00", "明天下午开会"),
        ("明天下午开会 12月5日 14:30 发出", "12月5日(周六)14:30", "明天下午开会"),
        ("开会 18点定时发", "今天18:00", "开会"),
        ("开会 8点发", "明天08:00", "开会"),
        ("开会 下周五上午9点半再发", "12月4日(周五)09:30", "开会"),
    ],
)
def test_the_time_at_the_end_is_understood(secretary: Phone, said: str, moment: str, content: str) -> None:
    answer = secretary(f"通知 全体 {said}")
    assert f"定时：{moment} 发出" in answer
    assert f"内容：{content}\n" in answer


@pytest.mark.parametrize(
    "said", ["材料请周五发", "明天8点出发", "周五前把总结发", "请在 18:00 前发", "晚上8点集合"]
)
def test_what_is_only_told_is_no_time_to_send(secretary: Phone, said: str) -> None:
    answer = secretary(f"通知 全体 {said}")
    assert f"内容：{said}" in answer
    assert "定时" not in answer


def test_it_goes_out_at_its_time_and_not_before(stage: Stage) -> None:
    stage.script(
        "王建国", (LATER, "定时：明天08:00 发出"), ("确认", "将在 明天08:00 发给 12 人", "撤回通知 #1")
    )
    assert stage.pushes("张伟") == []
    assert "没有要您确认的通知" in stage.say("张伟", "收到")
    stage.jump(at(2026, 11, 24, 7, 59))
    assert not [text for text in stage.pushes("张伟") if "开会" in text]
    stage.jump(at(2026, 11, 24, 8, 1))
    assert [text for text in stage.pushes("张伟") if "明天下午开会" in text]
    assert "已确认" in stage.say("张伟", "收到")


def test_it_can_be_listed_and_called_off_before(secretary: Phone, phone: PhoneBook, bot: App) -> None:
    secretary.script(
        ("定时通知", "现在没有定时通知"),
        (LATER, "定时"),
        ("确认", "将在"),
        ("通知 古丽 单独谈话 后天9点发", "定时"),
        ("确认", "将在"),
        ("定时通知", "2 条", "1 明天08:00 #1“明天下午开会”，12 人", "2 11月25日(周三)09:00 #2"),
        ("通知情况 #1", "还没有发出", "撤回通知 #1"),
        ("催回执 #1", "定在 明天08:00 发，还没有发出"),
        ("定时通知", "2 条"),
        ("1", "要撤回通知 #1", "12 人还没发，不会再发"),
        ("1", "通知 #1 已撤回，12 人都不会收到"),
        ("定时通知", "1 条", "#2"),
    )
    with bot.database.read() as session:
        assert session.scalars(select(Notice.id)).all() == [2]
        assert len(session.scalars(select(Outbox)).all()) == 1


def test_returning_leaves_it_set(secretary: Phone) -> None:
    secretary.script(
        (LATER, "定时"), ("确认", "将在"), ("撤回通知", "要撤回"), ("2", "没有撤回"), ("定时通知", "1 条")
    )


def test_the_time_in_front_is_understood_too(secretary: Phone) -> None:
    secretary.script(
        ("定时通知 明天8点 第一党小组 下午开会", "对象：第一党小组", "内容：下午开会", "定时：明天08:00"),
        ("退出", ""),
        ("定时发送 12月5日 14:30 全体 开会", "定时：12月5日(周六)14:30", "内容：开会"),
        ("退出", ""),
        ("定时通知 全体 开会", "没看懂定时的时间", "定时 明天8点"),
        ("明天8点", "已修改", "定时：明天08:00"),
    )


def test_the_time_can_be_changed_in_the_preview(secretary: Phone) -> None:
    secretary.script(
        ("通知 全体 开会", "内容：开会"),
        ("定时 明天8点", "定时：明天08:00"),
        ("定时改到后天9点", "定时：11月25日(周三)09:00"),
        ("马上发", "已修改"),
        ("确认", "正在发送"),
    )


def test_a_time_that_is_over_or_too_far_is_refused(secretary: Phone, clock: Clock) -> None:
    secretary.script(
        ("通知 全体 开会 今天8点发", "已经过去", "例如"),
        ("通知 全体 开会 2027年3月1日8点发", "最多提前 90 天", "例如"),
        ("通知 全体 开会 今天9点5分发", "定时：今天09:05"),
    )
    clock.sleep(timedelta(minutes=6))
    assert "已经过去" in secretary("确认")


def test_quiet_hours_move_it_unless_it_is_urgent(secretary: Phone) -> None:
    secretary.script(
        ("通知 全体 开会 明天6点发", "明天06:00是免打扰时间，将在 明天07:30 发出"),
        ("加急 抢修", "定时：明天06:00 发出"),
        ("确认", "将在 明天06:00"),
    )


# People -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "people"),
    [
        ("第一党小组、第二党小组", 9),
        ("书记", 1),
        ("第二党小组、张伟", 5),
        ("输电运检班、支委", 7),
    ],
)
def test_several_audiences_are_one_notice(secretary: Phone, to: str, people: int, bot: App) -> None:
    assert f"对象：{to}，{people} 人" in secretary(f"通知 {to} 开会")


def test_who_left_the_office_is_not_addressed_any_more(secretary: Phone, bot: App) -> None:
    assert "对象：支委，5 人" in secretary("通知 支委 开会")
    yesterday = bot.clock().date() - timedelta(days=1)
    with bot.database.write() as session:
        session.execute(update(Role).where(Role.name == RoleName.ORGANISER).values(ends_on=yesterday))
    assert "对象：支委，4 人" in secretary("通知 支委 开会")


def test_leaders_of_groups_are_found_in_their_groups(secretary: Phone, bot: App) -> None:
    with bot.database.read() as session:
        role = Role.name == RoleName.GROUP_LEADER
        names = session.scalars(
            select(Member.name).join(Role, Role.member_id == Member.id).where(role).order_by(Member.id)
        ).all()
    secretary("通知 党小组长 开会")
    assert f"发给 {len(names)} 人" in secretary("确认")


def test_one_unknown_name_among_known_ones_is_named(secretary: Phone) -> None:
    assert "没有找到：李四光" in secretary("通知 第一党小组、李四光 开会")


@pytest.fixture
def company(bot: App) -> None:
    """周洁 is the committee's admin; a second branch has a secretary 钱进 and a member 孙丽."""
    with bot.database.write() as session:
        zhou = session.scalars(select(Member).where(Member.name == "周洁")).one()
        home = session.get_one(Organisation, zhou.branch_id)
        other = organisation.ensure(
            session, "运行党支部", parent=session.get_one(Organisation, home.parent_id)
        )
        for name in ("钱进", "孙丽"):
            session.add(Member(name=name, branch_id=other.id, status=zhou.status, created_at=bot.clock()))
        session.flush()
        qian = session.scalars(select(Member).where(Member.name == "钱进")).one()
        since = date(2026, 1, 1)
        for who, name, node in (
            (zhou.id, RoleName.ADMIN, home.parent_id),
            (qian.id, RoleName.SECRETARY, other.id),
        ):
            session.add(Role(member_id=who, name=name, organisation_id=node, starts_on=since, ends_on=None))


@pytest.mark.parametrize(
    ("to", "people"),
    [
        ("运行党支部", 2),
        ("各支部", 14),
        ("全部支部", 14),
        ("各支部书记", 2),
        ("全公司", 14),
        ("运行党支部书记", 1),
        ("检修党支部", 12),
        ("全体", 12),
        ("孙丽", 0),
    ],
)
def test_an_admin_addresses_branches(company: None, phone: PhoneBook, to: str, people: int) -> None:
    answer = phone("周洁")(f"通知 {to} 开会")
    assert f"对象：{to}，{people} 人" in answer if people else "对象：全体，12 人" in answer


def test_a_notice_to_all_branches_is_looked_after_by_the_admin(
    company: None, secretary: Phone, phone: PhoneBook
) -> None:
    phone("周洁").script(
        ("通知 各支部 明天停电 需回执", "对象：各支部，14 人"),
        ("确认", "将发给 14 人"),
        ("谁没收到", "还差 13 人", "检修党支部 11 人：", "运行党支部 2 人：钱进、孙丽"),
        ("更正通知 #1 后天停电", "还没有人收到通知 #1，不用更正"),
    )
    assert "没有找到您能查看的通知" in secretary("通知情况 #1")
    assert "明天停电" in phone("张伟").pushes()[0]
    assert "已确认" in phone("张伟")("收到")
    assert "要撤回" in phone("周洁")("撤回通知 #1")


def test_a_secretary_addresses_no_other_branch(company: None, secretary: Phone) -> None:
    assert "对象：全体，12 人" in secretary("通知 运行党支部 开会")
    assert "对象：全体，12 人" in secretary("通知 各支部 开会")
    assert "对象：检修党支部，12 人" in secretary("通知 检修党支部 开会")


# Attachments --------------------------------------------------------------------------------------------------------------


def test_an_address_becomes_a_link_with_a_name(secretary: Phone, bot: App) -> None:
    secretary.script(
        (
            "通知 张伟 检修方案请看https://files.example.org/a/%E6%96%B9%E6%A1%88.pdf，周五前看完",
            "附件：方案.pdf",
        ),
        ("确认", "将发给 1 人"),
    )
    with bot.database.read() as session:
        (body,) = session.scalars(select(Outbox.body)).all()
    assert body["text"] == "【支部通知】检修方案请看方案.pdf，周五前看完\n——王建国"
    assert body["article"]["title"] == "附件：方案.pdf"
    assert body["article"]["url"] == "https://files.example.org/a/%E6%96%B9%E6%A1%88.pdf"


def test_several_addresses_stay_in_the_text(secretary: Phone, phone: PhoneBook) -> None:
    text = "请看 https://a.example/1.pdf 和 https://b.example/2.pdf"
    secretary(f"通知 张伟 {text}")
    secretary("确认")
    assert text in phone("张伟").pushes()[0]


def test_on_the_card_the_attachment_is_a_line_to_press(stage: Stage) -> None:
    stage.script(
        "王建国",
        ("通知 张伟 方案请看 https://files.example.org/plan.pdf 需回执", "附件：plan.pdf"),
        ("确认", "将发给 1 人"),
    )
    (card,) = [bubble.card for bubble in stage.platform.phone("张伟") if bubble.card]
    (line,) = card["horizontal_content_list"]
    assert (line["type"], line["url"]) == (1, "https://files.example.org/plan.pdf")


def test_the_card_shows_the_choice_after_the_click(stage: Stage) -> None:
    stage.script("王建国", ("通知 张伟 明天停电 需回执", "预览"), ("确认", "将发给 1 人"))
    (bubble,) = [bubble for bubble in stage.platform.phone("张伟") if bubble.card]
    stage.platform.press("张伟", bubble.id, "收到 #1")
    (after,) = [bubble for bubble in stage.platform.phone("张伟") if bubble.card]
    assert after.card["replaced"] == "已确认"
    assert "已确认 1/1" in stage.say("王建国", "谁没收到")


def test_what_could_not_be_pushed_is_shown_with_its_address(
    secretary: Phone, phone: PhoneBook, bot: App
) -> None:
    from bot.models.outbox import OutboxState

    secretary("通知 张伟 方案请看 https://files.example.org/plan.pdf")
    secretary("确认")
    with bot.database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.HELD))
    assert "https://files.example.org/plan.pdf" in phone("张伟")("未读")
