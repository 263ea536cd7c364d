"""Several waiting messages in one commit."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from bot.app import App
from bot.batch import MOST, Batch, gather
from bot.chat import Context, Kind, Message, Reply
from bot.db import Database
from bot.errors import Refusal
from bot.models.identity import Conversation, Identity
from bot.models.member import Member
from bot.models.study import StudyRecord
from tests.chat import PhoneBook
from tests.conftest import phones_of


class Work:
    """Notes what was done together and what alone."""

    def __init__(self) -> None:
        self.batches: list[Sequence[int]] = []
        self.alone: list[int] = []

    def together(self, tasks: Sequence[int]) -> list[int]:
        self.batches.append(tasks)
        return [task * 10 for task in tasks]

    def one(self, task: int) -> int:
        self.alone.append(task)
        return task * 10


def test_calls_that_come_to_a_batch_are_done_together_and_go_on_in_order() -> None:
    work, results = Work(), list[int]()
    batch = Batch(work.together, work.one)
    gather([lambda task=task: results.append(batch(task)) for task in range(5)])
    assert results == [0, 10, 20, 30, 40]
    assert work.batches == [[0, 1, 2, 3, 4]]
    assert not work.alone


def test_a_batch_has_an_end() -> None:
    work, results = Work(), list[int]()
    batch = Batch(work.together, work.one)
    gather([lambda task=task: results.append(batch(task)) for task in range(MOST + 1)])
    assert results == [task * 10 for task in range(MOST + 1)]
    assert [len(tasks) for tasks in work.batches] == [MOST]
    assert work.alone == [MOST]


def test_a_call_may_come_to_no_batch_or_to_several() -> None:
    one, two, results = Work(), Work(), list[int]()
    first, second = Batch(one.together, one.one), Batch(two.together, two.one)
    gather(
        [
            lambda: results.append(first(second(1))),
            lambda: results.append(0),
            lambda: results.append(second(2)),
        ]
    )
    assert results == [0, 20, 100]
    assert two.batches == [[1, 2]]
    assert one.alone == [10]


def test_what_a_batch_raises_every_caller_gets() -> None:
    def broken(tasks: Sequence[int]) -> list[int]:
        raise LookupError

    said: list[str] = []
    batch = Batch(broken, lambda task: task)

    def call() -> None:
        try:
            batch(1)
        except LookupError:
            said.append("so it is")

    gather([call, call])
    assert said == ["so it is"] * 2


def test_who_is_not_in_a_gathering_is_done_alone() -> None:
    work = Work()
    assert Batch(work.together, work.one)(4) == 40
    assert work.alone == [4]


def _messages(bot: App, phone: PhoneBook, *said: tuple[str, str], number: int = 0) -> list[Message]:
    return [
        Message(f"together {n}", "wecom", phone(name).account, Kind.TEXT, bot.clock(), text)
        for n, (name, text) in enumerate(said, number)
    ]


def _alone_only(bot: App, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing may be answered in a transaction of its own."""
    monkeypatch.setattr(
        bot.dispatch, "_alone", lambda message: pytest.fail(f"{message.text} was answered alone")
    )


def test_answers_given_together_are_those_given_alone(bot: App, phone: PhoneBook) -> None:
    messages = _messages(bot, phone, ("张伟", "菜单"), ("古丽", "主题党日"), ("李明", "积分"))
    together = bot.dispatch._together(messages)
    again = [bot.dispatch(message) for message in messages]
    assert [reply and reply.text for reply in together] == [reply and reply.text for reply in again]
    assert together[0]
    assert "今日学习" in together[0].text


def test_one_refusal_among_many_undoes_that_message_only(
    bot: App, phone: PhoneBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone("王建国")("发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组")
    phone("王建国")("确认")
    said = (("张伟", "菜单"), ("古丽", "签到 不对"), ("李明", "报名"))
    with monkeypatch.context() as patch:
        _alone_only(bot, patch)
        menu, refused, signed_up = bot.dispatch._together(_messages(bot, phone, *said))
    assert menu
    assert "今日学习" in menu.text
    assert refused
    assert "没有可以签到的活动" in refused.text
    assert signed_up
    assert "报名成功" in signed_up.text
    assert "已报名" in phone("李明")("主题党日")


def test_what_a_refused_message_did_is_undone(
    bot: App, phone: PhoneBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    routed = bot.dispatch._routed

    def refused_at_the_end(ctx: Context) -> Reply:
        reply = routed(ctx)
        if ctx.message.sender == phone("古丽").account:
            raise Refusal("nothing of this")
        return reply

    said = (("张伟", "登记 学习强国 25分钟"), ("古丽", "登记 学习强国 25分钟"), ("李明", "专项 安规"))
    with monkeypatch.context() as patch:
        _alone_only(bot, patch)
        patch.setattr(bot.dispatch, "_routed", refused_at_the_end)
        kept, undone, begun = bot.dispatch._together(_messages(bot, phone, *said))
        again = bot.dispatch._together(_messages(bot, phone, ("古丽", "专项 安规"), ("李明", "1"), number=9))
    assert kept
    assert "25 分钟" in kept.text
    assert undone
    assert undone.text == "nothing of this"
    assert begun
    assert again[1]
    assert "2/10" in again[1].text
    with bot.database.read() as session:
        accounts = session.scalars(select(Member.account).join(StudyRecord)).all()
    assert accounts == [phone("张伟").account]
    assert "没有进行中" in phone("古丽")("退出")


def test_the_second_message_of_a_sender_reads_what_the_first_one_wrote(bot: App, phone: PhoneBook) -> None:
    messages = _messages(bot, phone, ("张伟", "专项 安规"), ("古丽", "菜单"), ("张伟", "E"))
    begun, menu, answered = bot.dispatch._together(messages)
    assert begun
    assert "1/10" in begun.text
    assert menu
    assert answered
    assert "请回复" in answered.text


def test_a_second_delivery_in_the_same_batch_gets_the_first_answer(bot: App, phone: PhoneBook) -> None:
    first = Message("twin", "wecom", phone("张伟").account, Kind.TEXT, bot.clock(), "专项 安规")
    other = Message("other", "wecom", phone("古丽").account, Kind.TEXT, bot.clock(), "菜单")
    one, _, two = bot.dispatch._together([first, other, first])
    assert one
    assert two
    assert one.text == two.text


def test_many_do_not_wait_behind_one_who_is_locked(bot: App, phone: PhoneBook, database: Database) -> None:
    if database.sqlite:
        pytest.skip("SQLite locks the whole database, not a member")
    phone("张伟")("菜单")
    messages = _messages(bot, phone, ("张伟", "积分"), ("古丽", "积分"))
    held = (
        select(Conversation)
        .join(Identity, Identity.id == Conversation.identity_id)
        .where(Identity.external_id == phone("张伟").account)
        .with_for_update(of=Conversation)
    )
    with database.write() as session:
        session.execute(held).all()
        with pytest.raises(OperationalError, match="lock timeout"):
            bot.dispatch._in_one(messages, bot.dispatch._routed)
        answer = bot.dispatch(messages[1])
    assert answer
    assert "积分" in answer.text
    assert bot.dispatch(messages[0])


def test_many_at_once_lose_nothing(bot: App) -> None:
    phones = phones_of(bot)
    names = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: phones(names[n % 8])("菜单"), range(64)))
    assert all("今日学习" in answer or "发布" in answer for answer in answers)
