"""Several waiting messages in one commit."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from bot.app import App
from bot.batch import MOST, Batch
from bot.chat import Kind, Message
from bot.db import Database
from bot.models.identity import Conversation, Identity
from tests.chat import PhoneBook
from tests.conftest import phones_of


class Work:
    """Notes what was done together and what alone; the task 0 waits until it may go on."""

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.batches: list[Sequence[int]] = []
        self.alone: list[int] = []
        self.began, self.go = threading.Event(), threading.Event()

    def together(self, tasks: Sequence[int]) -> list[int] | None:
        self.batches.append(tasks)
        return None if self.refuses else [task * 10 for task in tasks]

    def one(self, task: int) -> int:
        self.alone.append(task)
        if task == 0:
            self.began.set()
            assert self.go.wait(5)
        return task * 10


def _waiting(batch: Batch[int, int], count: int) -> None:
    while len(batch._queue) < count:
        pass


def test_what_waits_is_done_together_and_in_order() -> None:
    work = Work()
    batch = Batch(work.together, work.one, patience_s=5)
    with ThreadPoolExecutor(MOST * 2) as threads:
        results = [threads.submit(batch, 0)]
        work.began.wait(5)
        for task in range(1, MOST + 3):
            results.append(threads.submit(batch, task))
            _waiting(batch, task)
        work.go.set()
        assert [result.result(5) for result in results] == [task * 10 for task in range(MOST + 3)]
    assert work.batches == [list(range(1, MOST + 1)), [MOST + 1, MOST + 2]]
    assert work.alone == [0]


def test_what_cannot_be_done_together_is_done_by_each_alone() -> None:
    work = Work(refuses=True)
    batch = Batch(work.together, work.one, patience_s=5)
    with ThreadPoolExecutor(8) as threads:
        results = [threads.submit(batch, 0)]
        work.began.wait(5)
        results += [threads.submit(batch, task) for task in (1, 2, 3)]
        _waiting(batch, 3)
        work.go.set()
        assert [result.result(5) for result in results] == [0, 10, 20, 30]
    assert sorted(work.alone) == [0, 1, 2, 3]
    assert batch(4) == 40  # the lane is free again


def test_nobody_waits_for_a_lane_that_is_held_for_long() -> None:
    work = Work()
    batch = Batch(work.together, work.one, patience_s=0.01)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(batch, 0)
        work.began.wait(5)
        assert threads.submit(batch, 1).result(5) == 10
        work.go.set()
        assert slow.result(5) == 0


def test_two_lanes_work_side_by_side() -> None:
    work = Work()
    batch = Batch(work.together, work.one, lanes=2, patience_s=60)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(batch, 0)
        work.began.wait(5)
        assert threads.submit(batch, 1).result(5) == 10
        work.go.set()
        assert slow.result(5) == 0


def _messages(bot: App, phone: PhoneBook, *said: tuple[str, str]) -> list[Message]:
    return [
        Message(f"together {n}", "wecom", phone(name).account, Kind.TEXT, bot.clock(), text)
        for n, (name, text) in enumerate(said)
    ]


def test_answers_given_together_are_those_given_alone(bot: App, phone: PhoneBook) -> None:
    messages = _messages(bot, phone, ("张伟", "菜单"), ("古丽", "主题党日"), ("李明", "积分"))
    together = bot.dispatch._together(messages)
    assert together is not None
    again = [bot.dispatch(message) for message in messages]
    assert [reply and reply.text for reply in together] == [reply and reply.text for reply in again]
    assert together[0]
    assert "今日学习" in together[0].text


def test_one_refusal_among_many_undoes_all_and_each_is_answered_alone(
    bot: App, phone: PhoneBook, database: Database
) -> None:
    said = (("张伟", "菜单"), ("古丽", "签到 不对"), ("李明", "积分"))
    messages = _messages(bot, phone, *said)
    assert bot.dispatch._together(messages) is None
    with ThreadPoolExecutor(3) as threads:
        answers = list(threads.map(bot.dispatch, messages))
    assert all(answers)
    assert answers[0]
    assert "今日学习" in answers[0].text


def test_the_same_sender_twice_is_not_answered_together(bot: App) -> None:
    message = Message("twin", "wecom", "zhangwei", Kind.TEXT, bot.clock(), "菜单")
    assert bot.dispatch._together([message, message]) is None
    first, second = bot.dispatch(message), bot.dispatch(message)
    assert first
    assert second
    assert first.text == second.text


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
        assert bot.dispatch._together(messages) is None
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
