"""A notice is called back from the outbox and from the phones, and corrected; who cannot be reached is called."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update

from bot.app import App
from bot.models.audit import AuditEntry
from bot.models.identity import Identity, Inbox
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.outbox import Outbox, OutboxState
from bot.services import phone as phones
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.stage import Stage


def send(stage: Stage, said: str = "通知 全体 明天停电 需回执") -> None:
    stage.script("王建国", (said, "预览"), ("确认", "发给"))


def recalled(stage: Stage, name: str) -> list[bool]:
    return [
        bubble.recalled for bubble in stage.platform.phone(name) if bubble.pushed and "停电" in bubble.text
    ]


def states(stage: Stage) -> dict[str, OutboxState]:
    with stage.bot.database.read() as session:
        rows = session.execute(
            select(Member.name, Outbox.state)
            .join(Member, Member.id == Outbox.member_id)
            .where(Outbox.notice_id.is_not(None))
            .order_by(Outbox.id)
        ).all()
    return {name: state for name, state in rows}  # noqa: C416


def test_what_was_sent_is_taken_off_the_phones(stage: Stage) -> None:
    send(stage)
    assert recalled(stage, "张伟") == [False]
    stage.script(
        "王建国",
        ("撤回通知 #1", "12 人已收到，从企业微信收回", "1 确认 2 返回"),
        ("确认", "通知 #1 已撤回", "正在从 12 人的企业微信收回", "回复 1"),
    )
    assert recalled(stage, "张伟") == recalled(stage, "古丽") == [True]
    assert "撤回完成：已从 12 人的企业微信收回" in stage.pushes("王建国")[-1]
    assert "收回 12 人，正在收回 0 人，收不回 0 人" in stage.say("王建国", "通知情况 #1")
    assert "没有要您确认" in stage.say("张伟", "收到")
    stage.script("王建国", ("撤回通知 #1", "已在 今天09:00 撤回过"), ("催回执 #1", "已经撤回"))


def test_nudges_are_taken_back_with_their_notice(stage: Stage) -> None:
    send(stage)
    assert "将提醒" in stage.say("王建国", "催回执")
    assert recalled(stage, "张伟") == [False, False]
    stage.script("王建国", ("撤回通知", "12 人已收到"), ("1", "已撤回"))
    assert recalled(stage, "张伟") == [True, True]
    assert recalled(stage, "古丽") == [True, True]


def test_only_its_own_message_goes_although_another_reads_the_same(stage: Stage) -> None:
    stage.clock.jump(datetime(2026, 11, 23, 22, 0, tzinfo=SHANGHAI))
    send(stage, "通知 张伟 明天停电")
    send(stage, "通知 古丽 明天停电")
    stage.jump(datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI))
    assert recalled(stage, "张伟") == recalled(stage, "古丽") == [False], "both waited for the same morning"
    stage.script("王建国", ("撤回通知 #1", "1 人已收到"), ("1", "已撤回"))
    assert recalled(stage, "张伟") == [True]
    assert recalled(stage, "古丽") == [False]


def test_after_a_day_it_cannot_be_taken_back_and_a_correction_is_offered(stage: Stage) -> None:
    send(stage, "通知 张伟、古丽 明天停电")
    stage.clock.sleep(timedelta(hours=24))
    stage.script(
        "王建国",
        ("撤回通知 #1", "2 人收不回：张伟、古丽"),
        ("1", "2 人收不回：张伟、古丽", "回复 1"),
        ("1", "请发送更正内容", "只发给收到通知 #1"),
        ("改到后天", "对象：收到通知#1的人，2 人", "内容：更正：改到后天"),
        ("确认", "将发给 2 人"),
    )
    assert recalled(stage, "张伟") == [False]
    assert "更正：改到后天" in stage.pushes("张伟")[-1]
    assert not [text for text in stage.pushes("李明") if "更正" in text]


def test_what_is_in_time_by_a_second_is_taken_back(stage: Stage) -> None:
    send(stage, "通知 张伟 明天停电")
    stage.clock.sleep(timedelta(hours=24) - timedelta(seconds=1))
    assert "1 人已收到，从企业微信收回" in stage.say("王建国", "撤回通知 #1")


def test_a_platform_that_refuses_leaves_it_and_says_so(stage: Stage) -> None:
    send(stage, "通知 张伟、古丽 明天停电")
    stage.platform.fail(40058, on="message/recall")
    stage.script("王建国", ("撤回通知 #1", "2 人已收到"), ("1", "已撤回"))
    assert recalled(stage, "张伟") == [False]
    assert "收不回 2 人：张伟、古丽。可发 更正通知 #1" in stage.pushes("王建国")[-1]
    assert "收回 0 人，正在收回 0 人，收不回 2 人" in stage.say("王建国", "通知情况 #1")


def test_a_network_that_fails_is_tried_again(stage: Stage) -> None:
    send(stage, "通知 张伟 明天停电")
    stage.platform.hang(30, on="message/recall")
    stage.script("王建国", ("撤回通知 #1", "1 人已收到"), ("1", "已撤回"))
    assert states(stage) == {"张伟": OutboxState.RECALLING}
    assert "正在收回 1 人" in stage.say("王建国", "通知情况 #1")
    stage.clock.sleep(timedelta(minutes=2))
    stage.deliver()
    assert recalled(stage, "张伟") == [True]
    assert states(stage) == {"张伟": OutboxState.RECALLED}


def test_what_is_unsent_and_what_is_sent_are_told_apart(secretary: Phone, bot: App, phone: PhoneBook) -> None:
    secretary("通知 张伟、古丽、李明 明天停电 需回执")
    secretary("确认")
    with bot.database.write() as session:
        ids = dict(session.execute(select(Member.name, Member.id)).all())
        sent = {"sent_at": bot.clock(), "platform_id": "m1", "state": OutboxState.SENT}
        session.execute(update(Outbox).where(Outbox.member_id == ids["张伟"]).values(**sent, channel="wecom"))
        session.execute(update(Outbox).where(Outbox.member_id == ids["古丽"]).values(**sent, channel="oa"))
    secretary.script(
        ("撤回通知", "1 人还没发", "1 人已收到，从企业微信收回", "1 人收不回：古丽"),
        ("确认", "1 人不会收到", "正在从 1 人", "1 人收不回：古丽"),
    )
    with bot.database.read() as session:
        left = dict(session.execute(select(Outbox.member_id, Outbox.state)).all())
        assert left == {ids["张伟"]: OutboxState.RECALLING, ids["古丽"]: OutboxState.SENT}
        assert set(session.scalars(select(Receipt.member_id))) == {ids["张伟"], ids["古丽"]}
        assert session.get_one(Notice, 1).withdrawn_at == bot.clock()
        assert "撤回通知" in session.scalars(select(AuditEntry.act)).all()
    assert "没有要您确认" in phone("古丽")("收到")


def test_a_digest_is_not_taken_back(secretary: Phone, bot: App) -> None:
    secretary("通知 张伟 明天停电")
    secretary("确认")
    with bot.database.write() as session:
        merged = {
            "state": OutboxState.MERGED,
            "platform_id": "m1",
            "channel": "wecom",
            "sent_at": bot.clock(),
        }
        session.execute(update(Outbox).values(**merged))
    assert "1 人收不回：张伟" in secretary("撤回通知")


def test_another_member_of_the_committee_may_and_a_member_may_not(secretary: Phone, phone: PhoneBook) -> None:
    phone("刘芳").script(("通知 张伟 明天停电", "预览"), ("确认", "将发给 1 人"))
    assert "要撤回" in secretary("撤回通知 #1")
    assert "需要支部书记" in phone("张伟")("撤回通知 #1")


def test_the_notice_of_an_activity_is_not_called_back_alone(theme_day: None, secretary: Phone) -> None:
    assert "请发 取消活动" in secretary("撤回通知 #1")
    assert "没有找到" in secretary("撤回通知 #99")


# Whom to call -----------------------------------------------------------------------------------------------------------


def give_phone(bot: App, name: str, number: str) -> None:
    sealed = phones.seal(number, bot.settings.secret_key.get_secret_value())
    with bot.database.write() as session:
        session.execute(update(Member).where(Member.name == name).values(phone=sealed))


def test_who_was_not_reached_is_listed_with_the_number(secretary: Phone, bot: App) -> None:
    give_phone(bot, "李明", "13900001111")
    secretary("通知 李明、古丽、张伟 明天停电")
    secretary("确认")
    with bot.database.write() as session:
        ids = dict(session.execute(select(Member.name, Member.id)).all())
        for name, state, code in (
            ("李明", "unreachable", 60111),
            ("古丽", "failed", -1),
            ("张伟", "sent", 0),
        ):
            mine = update(Outbox).where(Outbox.member_id == ids[name])
            session.execute(mine.values(state=OutboxState(state), code=code))
    answer = secretary("电话名单")
    assert "要打电话的 2 人" in answer
    assert "李明 13900001111（不在企业微信应用的可见范围）" in answer
    assert "古丽 没有登记手机（网络不通" in answer
    assert "张伟" not in answer
    with bot.database.read() as session:
        assert "13900001111" not in str(session.scalars(select(Inbox.reply)).all())
        assert session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "查看电话")).all() == [
            "通知 #1 2人"
        ]


def test_when_all_were_reached_those_who_did_not_confirm_are_called(
    secretary: Phone, phone: PhoneBook, bot: App
) -> None:
    secretary("通知 李明、古丽 明天停电 需回执")
    secretary("确认")
    with bot.database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.SENT))
    phone("古丽")("收到")
    assert "要打电话的 1 人：\n李明 没有登记手机（没有确认）" in secretary("电话名单")
    phone("李明")("收到")
    assert "都送到了、也都确认了" in secretary("电话名单")


def test_a_long_list_comes_in_pages(secretary: Phone, bot: App) -> None:
    with bot.database.write() as session:
        wang = session.scalars(select(Member).where(Member.name == "王建国")).one()
        for number in range(8):
            session.add(
                Member(
                    name=f"赵{number}", branch_id=wang.branch_id, status=wang.status, created_at=bot.clock()
                )
            )
        session.execute(update(Identity).values(reachable=False))
    secretary("通知 全体 明天停电")
    secretary("确认")
    with bot.database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.UNREACHABLE))
    assert "还有 4 人，发 电话名单 #1 第2页" in secretary("电话名单")
    second = secretary("电话名单 #1 第2页")
    assert "赵7" in second
    assert "王建国" not in second


def test_numbers_are_only_for_those_who_manage_people(secretary: Phone, phone: PhoneBook) -> None:
    secretary("通知 全体 明天停电 需回执")
    secretary("确认")
    assert "需要支部书记" in phone("张伟")("电话名单")
    assert "需要支部书记" in phone("马强")("电话名单")
