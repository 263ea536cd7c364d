"""Notices: written, previewed, sent, confirmed, looked after, taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from bot.app import App
from bot.clock import Clock
from bot.models.identity import Identity
from bot.models.member import Member, MemberStatus
from bot.models.notice import Notice, Receipt
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import outbox
from bot.services.outbox import Group, Parcel
from tests.chat import Phone, PhoneBook

ALL = 12


def settle(bot: App, *names: str, state: OutboxState = OutboxState.SENT, code: int = 0) -> None:
    """Say what became of the waiting pushes of people (of all without names)."""
    with bot.database.write() as session:
        people = select(Member.id)
        if names:
            people = people.where(Member.name.in_(names))
        waiting = (Outbox.state == OutboxState.WAITING, Outbox.member_id.in_(people))
        sent = bot.clock() if state is OutboxState.SENT else None
        session.execute(update(Outbox).where(*waiting).values(state=state, code=code, sent_at=sent))


def count(bot: App, table: type) -> int:
    with bot.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def send(secretary: Phone, said: str) -> str:
    """Write and confirm a notice; returns its number as "#5"."""
    secretary(said)
    answer = secretary("确认")
    return "#" + answer.split("#")[1].split(" ")[0]


def test_a_notice_is_previewed_and_then_sent(secretary: Phone, phone: PhoneBook, bot: App) -> None:
    preview = secretary("通知 全体 明天停电检修，请提前保存资料 需回执")
    assert "对象：全体，12 人，12 人可推送" in preview
    assert "内容：明天停电检修，请提前保存资料" in preview
    assert "回执：需要" in preview
    assert phone("张伟").pushes() == []
    answer = secretary("确认")
    assert "正在发送，将发给 12 人" in answer
    assert "已发送" not in answer
    (text,) = phone("张伟").pushes()
    assert text == "【支部通知】明天停电检修，请提前保存资料\n——王建国。请回复 收到。"


def test_the_same_words_again_differ_so_that_the_platform_shows_them(
    secretary: Phone, phone: PhoneBook
) -> None:
    first, again = send(secretary, "通知 全体 明天停电"), send(secretary, "通知 全体 明天停电")
    assert first != again
    texts = phone("张伟").pushes()
    assert texts == ["【支部通知】明天停电\n——王建国", f"【支部通知 {again}】明天停电\n——王建国"]


def test_numbers_answer_the_preview(secretary: Phone, bot: App) -> None:
    secretary("通知 全体 明天停电")
    assert "没有发给任何人" in secretary("3")
    assert count(bot, Notice) == 0
    secretary("通知 全体 明天停电")
    assert "将发给 12 人" in secretary("1")


def test_it_is_guided_when_only_the_word_is_said(secretary: Phone) -> None:
    secretary.script(
        ("通知", "请发送通知内容"),
        ("张伟、古丽 下午到会议室", "对象：张伟、古丽，2 人", "内容：下午到会议室"),
        ("确认", "将发给 2 人"),
    )


def test_every_part_can_be_changed_before_it_is_sent(secretary: Phone, phone: PhoneBook) -> None:
    secretary.script(
        ("通知 明天停电", "对象：全体"),
        ("修改", "要改什么"),
        ("对象 第二党小组", "对象：第二党小组，4 人", "还没有发出"),
        ("需回执", "回执：需要"),
        ("内容 后天停电，不是明天", "内容：后天停电，不是明天"),
        ("加急 检修提前", "加急：检修提前"),
        ("不加急", "加急：否"),
        ("随便说说", "没看懂要改什么"),
        ("对象 第九党小组", "现在没有对应的人"),
        ("确认", "将发给 4 人"),
    )
    assert phone("张伟").pushes() == []
    assert "后天停电" in phone("李明").pushes()[0]


@pytest.mark.parametrize(
    ("said", "to", "people"),
    [
        ("通知 全体 开会", "全体", 12),
        ("通知 全体党员 开会", "全体党员", 12),
        ("通知 预备党员 开会", "预备党员", 1),
        ("通知 第一小组 开会", "第一小组", 5),
        ("通知 输电运检班 开会", "输电运检班", 3),
        ("通知 支委 开会", "支委", 5),
        ("通知 给张伟和古丽 开会", "张伟和古丽", 2),
        ("通知 张伟：开会", "张伟", 1),
        ("通知 周五下午 开会", "全体", 12),
    ],
)
def test_the_audience_is_understood(secretary: Phone, said: str, to: str, people: int) -> None:
    assert f"对象：{to}，{people} 人" in secretary(said)


@pytest.mark.parametrize(
    ("said", "doubt"),
    [
        ("通知 检修九班 明天停电", "没有“检修九班”这个对象，会发给全体"),
        ("通知 第九党小组：明天停电", "没有“第九党小组”这个对象，会发给全体"),
        ("通知 明天停电 请提前保存资料", ""),
        ("通知 全体党员 明天停电", ""),
        ("通知 检修一班明天停电", ""),
    ],
)
def test_an_audience_that_does_not_exist_is_pointed_out(secretary: Phone, said: str, doubt: str) -> None:
    preview = secretary(said)
    assert (doubt or "对象：") in preview
    assert ("这个对象" in preview) == bool(doubt)


def test_bad_notices_are_refused_with_an_example(secretary: Phone, bot: App) -> None:
    secretary.script(
        ("通知 张伟、李四光 开会", "没有找到：李四光", "例如"),
        ("通知 全体", "没有内容", "例如"),
        ("通知 全体 快撤 加急", "要写原因", "例如"),
        (f"通知 全体 {'长' * 501}", "最多 500 字"),
    )
    assert count(bot, Notice) == 0


def test_a_member_may_not_send_or_look(phone: PhoneBook) -> None:
    phone("张伟").script(
        ("通知 全体 放假", "需要支部书记"),
        ("谁没收到", "需要支部书记"),
        ("通知情况", "需要支部书记"),
        ("催回执", "需要支部书记"),
    )


def test_line_breaks_and_punctuation_stay_as_they_were_written(secretary: Phone, phone: PhoneBook) -> None:
    secretary("通知 全体 停电通知：\n一、周五（8点）；\n二、带好工具。")
    secretary("确认")
    assert "停电通知：\n一、周五（8点）；\n二、带好工具。" in phone("张伟").pushes()[0]


def test_an_urgent_notice_passes_everything_and_names_its_reason(
    secretary: Phone, phone: PhoneBook, bot: App
) -> None:
    secretary("通知 全体 撤离一号库房 加急 现场有险情")
    secretary("确认")
    assert phone("张伟").pushes()[0].startswith("【加急通知】（现场有险情）撤离一号库房")
    with bot.database.read() as session:
        assert set(session.scalars(select(Outbox.urgency))) == {Urgency.URGENT}


def test_at_night_it_says_when_it_will_go_out(secretary: Phone, clock: Clock) -> None:
    clock.sleep(timedelta(hours=13))
    assert "将在 明天07:30 发出" in secretary("通知 全体 明天停电")
    assert "将在 明天07:30 发给" in secretary("确认")


def test_who_cannot_be_reached_is_named_before_and_after(secretary: Phone, bot: App) -> None:
    with bot.database.write() as session:
        session.execute(update(Identity).where(Identity.external_id == "liming").values(reachable=False))
    assert "11 人可推送；1 人联系不上：李明" in secretary("通知 全体 明天停电")
    assert "1 人联系不上：李明" in secretary("确认")


def test_received_confirms_the_only_waiting_notice(secretary: Phone, phone: PhoneBook, clock: Clock) -> None:
    number = send(secretary, "通知 全体 明天停电 需回执")
    zhang = phone("张伟")
    clock.sleep(timedelta(minutes=5))
    zhang.script(
        ("收到了，谢谢", "已确认 09:05", number, "没有其他"), (f"收到 {number}", "您已在 今天09:05 确认过")
    )
    assert "没有要您确认的通知" in zhang("收到")


def test_several_waiting_notices_are_a_numbered_list(secretary: Phone, phone: PhoneBook) -> None:
    first = send(secretary, "通知 全体 第一件事 需回执")
    second = send(secretary, "通知 全体 第二件事 需回执")
    send(secretary, "通知 全体 第三件事")
    zhang, guli = phone("张伟"), phone("古丽")
    zhang.script(
        ("收到", "有 2 条通知", f"1 {second}", f"2 {first}", "3 全部确认"),
        ("2", f"已确认 09:00：{first}", "还有 1 条"),
        ("收到", f"已确认 09:00：{second}"),
        ("收到", "第三件事", "不用回执"),
    )
    guli.script(("收到", "3 全部"), ("3", "已确认 2 条"))


def test_nobody_confirms_a_notice_of_others(secretary: Phone, phone: PhoneBook) -> None:
    number = send(secretary, "通知 古丽 单独通知 需回执")
    assert "没有找到要您确认的通知" in phone("张伟")(f"收到 {number}")
    assert "没有找到要您确认的通知" in phone("张伟")("收到 #999")


def test_who_is_missing_is_named_by_group_and_nudged(
    secretary: Phone, phone: PhoneBook, clock: Clock, bot: App
) -> None:
    number = send(secretary, "通知 全体 明天停电 需回执")
    for name in ("古丽", "刘芳", "陈刚", "赵敏", "阿不力孜", "孙磊", "周洁", "马强", "吴霞"):
        phone(name)("收到")
    secretary.script(
        ("谁没收到", f"通知 {number}", "已确认 10/12", "第一党小组 1 人：张伟", "第二党小组 1 人：李明"),
        ("1", "将提醒还没确认的 2 人：张伟、李明"),
        ("催回执", "4 小时内只催一次", "13:00"),
    )
    assert phone("古丽").pushes() == [phone("张伟").pushes()[0]]
    assert "还没有收到您的确认" in phone("李明").pushes()[-1]
    phone("张伟")("收到")
    clock.sleep(timedelta(hours=4))
    assert "1 人：李明" in secretary("催回执")
    phone("李明")("收到")
    secretary.script(("谁没收到", "已确认 12/12", "没有缺的"), ("催回执", "已经全部确认"))


def test_a_group_leader_sees_and_nudges_the_own_group_only(secretary: Phone, phone: PhoneBook) -> None:
    send(secretary, "通知 全体 明天停电 需回执")
    leader = phone("马强")
    answer = leader("谁没收到")
    assert "第二党小组" in answer
    assert "张伟" not in answer
    assert "第一党小组" not in answer
    leader("催回执")
    assert len(phone("李明").pushes()) == 2
    assert len(phone("张伟").pushes()) == 1


def test_how_it_went_counts_what_really_happened(secretary: Phone, phone: PhoneBook, bot: App) -> None:
    send(secretary, "通知 全体 以前的事")
    settle(bot)
    number = send(secretary, "通知 全体 明天停电 需回执")
    settle(bot, "李明", state=OutboxState.UNREACHABLE, code=60111)
    settle(bot, "古丽", state=OutboxState.HELD)
    settle(bot, "孙磊", state=OutboxState.FAILED, code=outbox.NETWORK)
    settle(bot, "周洁", "马强", "吴霞", "刘芳", "陈刚", "赵敏")
    phone("周洁")("收到")
    answer = secretary("通知情况")
    for part in (
        number,
        "共 12 人：已送达 6，等待中 3，未送达 3",
        "已确认 2/12",
        "李明：不在企业微信应用的可见范围",
        "古丽：暂时推送不到",
        "孙磊：网络不通",
        "1 看",
        "以前的事",
    ):
        assert part in answer, answer
    assert answer.count("\n") < 12
    assert "以前的事" in secretary("1").split("\n")[0]


def test_a_push_in_a_digest_counts_as_delivered_and_a_lost_one_does_not(secretary: Phone, bot: App) -> None:
    send(secretary, "通知 张伟、古丽 明天停电")
    settle(bot, "张伟", state=OutboxState.MERGED)
    settle(bot, "古丽", state=OutboxState.EXPIRED)
    answer = secretary("通知情况")
    assert "已送达 1，等待中 0，未送达 1" in answer
    assert "古丽：过了有效时间" in answer


def test_a_notice_not_yet_sent_is_taken_back(secretary: Phone, phone: PhoneBook, bot: App) -> None:
    number = send(secretary, "通知 全体 发错了 需回执")
    assert f"通知 {number} 已撤销，12 人都不会收到" in secretary("撤销")
    assert count(bot, Outbox) == count(bot, Notice) == count(bot, Receipt) == 0
    assert "没有要您确认" in phone("张伟")("收到")


def test_what_was_sent_cannot_be_taken_back(secretary: Phone, bot: App) -> None:
    send(secretary, "通知 全体 发错了")
    settle(bot, "张伟", "古丽")
    assert "已撤回 10 人，还有 2 人已经发出" in secretary("撤销")
    assert count(bot, Outbox) == count(bot, Receipt) == 2
    send(secretary, "通知 全体 又错了")
    settle(bot)
    assert "已发给 12 人，来不及撤销" in secretary("撤销")


def test_a_push_in_a_senders_hands_is_not_promised_back(secretary: Phone, bot: App, clock: Clock) -> None:
    send(secretary, "通知 张伟、古丽 发错了")
    with bot.database.write() as session:
        row = session.scalars(select(Outbox).order_by(Outbox.id)).first()
        assert row is not None
        row.attempts, row.available_at = 1, clock() + timedelta(seconds=60)
        held = Group("wecom", row.body, (Parcel("zhangwei", 1, (row.id,)),))
    assert "已撤回 1 人，还有 1 人已经发出" in secretary("撤销")
    with bot.database.write() as session:
        assert outbox.record_sent(session, held, clock()) == 1
    with bot.database.read() as session:
        assert session.scalars(select(Outbox.state)).all() == [OutboxState.SENT]


def test_taking_back_is_over_after_five_minutes(secretary: Phone, clock: Clock) -> None:
    send(secretary, "通知 全体 发错了")
    clock.sleep(timedelta(minutes=5))
    assert "没有可以撤销" in secretary("撤销")


def test_held_messages_are_shown_in_small_portions(phone: PhoneBook, bot: App, clock: Clock) -> None:
    with bot.database.write() as session:
        zhang = session.scalars(select(Member).where(Member.name == "张伟")).one()
        for number in range(7):
            outbox.push(session, [zhang.id], f"第{number}条", key=f"k{number}", now=clock())
        outbox.push(
            session, [zhang.id], "过期", key="old", now=clock(), expires_at=clock() - timedelta(hours=1)
        )
    settle(bot, state=OutboxState.HELD)
    answer = phone("张伟")("菜单")
    assert answer.endswith("有 7 条没送到的消息，回复 未读")
    first = phone("张伟")("未读")
    assert "第4条" in first
    assert "第5条" not in first
    assert "还有 2 条" in first
    assert "过期" not in first
    phone("张伟").script(("未读", "第6条", "就这些了"), ("未读", "没有未读"))


def test_an_unconfirmed_notice_stands_under_the_next_answer_once_a_day(
    secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    send(secretary, "通知 全体 明天停电 需回执")
    zhang = phone("张伟")
    assert "等您确认，回复 收到" in zhang("菜单")
    clock.sleep(timedelta(hours=1))
    assert "等您确认" not in zhang("菜单")


def test_the_author_need_not_confirm(secretary: Phone) -> None:
    send(secretary, "通知 全体 明天停电 需回执")
    assert "王建国" not in secretary("谁没收到")


def test_people_who_are_no_members_get_what_is_for_everybody(secretary: Phone, bot: App) -> None:
    with bot.database.write() as session:
        session.execute(update(Member).where(Member.name == "李明").values(status=MemberStatus.ACTIVIST))
    assert "全体，12 人" in secretary("通知 全体 开会")
    secretary("取消")
    assert "党员，11 人" in secretary("通知 党员 开会")
