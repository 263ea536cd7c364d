"""Several waiting messages in one commit."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from bot.app import App
from bot.batch import MOST, Batch
from bot.chat import Kind, Message
from tests.chat import PhoneBook
from tests.conftest import phones_of


def test_what_waits_is_done_together_and_in_order() -> None:
    batches: list[list[int]] = []
    first, go = threading.Event(), threading.Event()

    def work(tasks: list[int]) -> list[int]:
        batches.append(tasks)
        first.set()
        go.wait(5)
        return [task * 10 for task in tasks]

    batch: Batch[int, int] = Batch(work)
    with ThreadPoolExecutor(MOST * 2) as threads:
        results = [threads.submit(batch, 0)]
        first.wait(5)
        for task in range(1, MOST + 3):
            results.append(threads.submit(batch, task))
            while len(batch._queue) < task:
                pass
        go.set()
        assert [result.result(5) for result in results] == [task * 10 for task in range(MOST + 3)]
    assert batches == [[0], list(range(1, MOST + 1)), [MOST + 1, MOST + 2]]


def test_one_refusal_among_many_harms_nobody(bot: App, phone: PhoneBook) -> None:
    names = ("张伟", "古丽", "李明", "刘芳", "陈刚")
    texts = ("菜单", "签到 不对", "积分", "撤销", "菜单")
    messages = [
        Message(f"together {n}", "wecom", phone(name).account, Kind.TEXT, bot.clock(), text)
        for n, (name, text) in enumerate(zip(names, texts, strict=True))
    ]
    together = bot.dispatch._together(messages)
    again = [bot.dispatch(message) for message in messages]
    assert [reply and reply.text for reply in together] == [reply and reply.text for reply in again]
    assert together[0]
    assert "今日学习" in together[0].text


def test_the_same_message_twice_in_one_batch_is_answered_once(bot: App) -> None:
    message = Message("twin", "wecom", "zhangwei", Kind.TEXT, bot.clock(), "菜单")
    first, second = bot.dispatch._together([message, message])
    assert first
    assert second
    assert first.text == second.text


def test_many_at_once_lose_nothing(bot: App) -> None:
    phones = phones_of(bot)
    names = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "孙磊", "周洁")
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: phones(names[n % 8])("菜单"), range(64)))
    assert all("今日学习" in answer or "发布" in answer for answer in answers)
