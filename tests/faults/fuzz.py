"""Hypothesis against the webhook and the dispatcher: whatever comes, no 5xx, no exception in the log, no effect without a valid signature."""

from __future__ import annotations

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from bot.clock import Clock
from bot.models.identity import Inbox
from bot.simulator.envelope import Garbled, to_xml
from tests.faults.rig import MORNING, SECRET, SHANGHAI, fill, sqlite
from tests.stage import Stage

PEOPLE = ("王建国", "张伟", "古丽", "李明", "刘芳", "孙磊")
APOLOGY = "系统刚才出错了"
ENCRYPT = re.compile(rb"<Encrypt>(?:<!\[CDATA\[)?([A-Za-z0-9+/=]+)(?:\]\]>)?</Encrypt>")
ODD = [
    "",
    " ",
    "\x00",
    "\u202e",
    "]]>",
    "<xml>",
    "&amp;",
    "{}",
    "%s",
    "' OR 1=1 --",
    "😀",
    "1" * 400,
    "啊" * 3000,
    "-1",
    "９９",
    "#",
    "#99999999999999999999",
]


class Ear(logging.Handler):
    """Every error that is logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(
            f"{record.getMessage()} {record.exc_info[1]!r}" if record.exc_info else record.getMessage()
        )


@contextmanager
def listening() -> Iterator[Ear]:
    """Hear all errors while something is done."""
    ear = Ear()
    logging.getLogger().addHandler(ear)
    try:
        yield ear
    finally:
        logging.getLogger().removeHandler(ear)


@contextmanager
def staged(database_url: str) -> Iterator[Stage]:
    """The product on a fresh database with an activity, a notice and a quiz under way."""
    clock = Clock(SHANGHAI, start=MORNING)
    fill(database_url, clock)
    stage = Stage(database_url, clock, secret=SECRET)
    for who, text in (
        ("王建国", "发布主题党日 11月23日9:30 三楼会议室 主题:宪法宣传"),
        ("王建国", "确认"),
        ("王建国", "通知 全体 明天停电检修 需回执"),
        ("王建国", "确认"),
        ("张伟", "专项 安规"),
    ):
        stage.say(who, text)
    yield stage
    stage.close()


def _test(count: int, number: int, one: Callable[[Any], None], strategy: st.SearchStrategy[Any]) -> None:
    """Run ``one`` on so many examples; Hypothesis shrinks what fails."""
    quiet = settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    seed(number)(quiet(given(strategy)(one)))()


# Chat text --------------------------------------------------------------------------------------------------------------


def texts(stage: Stage) -> st.SearchStrategy[str]:
    """Words that mean something, with odd things in front, behind and between."""
    commands = stage.bot.routes.router.commands
    words = st.sampled_from([word for command in commands for word in command.words])
    examples = st.sampled_from([example for command in commands for example in command.examples])
    answers = st.sampled_from(
        [
            "1",
            "2",
            "3",
            "A",
            "ABCD",
            "对",
            "确认",
            "取消",
            "修改",
            "继续",
            "退出",
            "撤销",
            "不会",
            "同意",
            "全部",
        ]
    )
    odd = st.one_of(st.sampled_from(ODD), st.text(max_size=30), st.integers().map(str), st.dates().map(str))
    said = st.one_of(words, examples, answers, odd)
    return st.one_of(
        said,
        st.lists(said, min_size=2, max_size=4).map(" ".join),
        st.lists(said, min_size=2, max_size=3).map("".join),
    )


def chat(stage: Stage, count: int, number: int) -> int:
    """So many texts by members through the encrypted webhook and the dispatcher; returns how many were answered."""
    answered = 0

    def one(spoken: tuple[str, str]) -> None:
        nonlocal answered
        name, text = spoken
        stage.clock.sleep(timedelta(seconds=1))
        done = stage.platform.say(name, text)
        assert (done.status, done.attempts) == (200, 1), text
        assert APOLOGY not in done.text, text
        assert done.text.strip(), f"silence to {text!r}"
        answered += 1

    with listening() as ear:
        _test(count, number, one, st.tuples(st.sampled_from(PEOPLE), texts(stage)))
        assert ear.lines == []
    assert not stage.platform.problems
    return answered


# The webhook ------------------------------------------------------------------------------------------------------------


def inbox(stage: Stage) -> int:
    """How many messages had an effect."""
    with stage.bot.database.read() as session:
        return session.scalar(select(func.count(Inbox.id))) or 0


def _authentic(stage: Stage, query: dict[str, str], body: bytes) -> bool:
    """By the platform's own reading: some element is signed as it stands. (The age is the product's own rule.)"""
    found = ENCRYPT.search(body)
    try:
        stamp, nonce = query["timestamp"], query["nonce"]
        stage.platform.wecom.credentials.envelope.check(
            query["msg_signature"], stamp, nonce, (found or [b"", b""])[1].decode()
        )
    except (Garbled, KeyError, UnicodeError):
        return False
    return found is not None


def _bent() -> st.SearchStrategy[Callable[[dict[str, str], bytearray], None]]:
    """One change of a request."""
    names = st.sampled_from(["msg_signature", "timestamp", "nonce"])
    where = st.floats(0, 0.999)

    def change(name: str, value: str) -> Callable[[dict[str, str], bytearray], None]:
        return lambda query, body: query.__setitem__(name, value)

    def remove(name: str) -> Callable[[dict[str, str], bytearray], None]:
        def act(query: dict[str, str], body: bytearray) -> None:
            query.pop(name, None)

        return act

    def flip(place: float, byte: int) -> Callable[[dict[str, str], bytearray], None]:
        return lambda query, body: body.__setitem__(int(place * len(body)), byte) if body else None

    def insert(place: float, piece: bytes) -> Callable[[dict[str, str], bytearray], None]:
        def act(query: dict[str, str], body: bytearray) -> None:
            body[int(place * len(body)) : int(place * len(body))] = piece

        return act

    def cut(place: float) -> Callable[[dict[str, str], bytearray], None]:
        def act(query: dict[str, str], body: bytearray) -> None:
            del body[int(place * len(body)) :]

        return act

    pieces = st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"<Encrypt>", b"</xml>", b"]]>", b"<!DOCTYPE x>", b"&", b"\x00"]),
    )
    return st.one_of(
        st.builds(change, names, st.one_of(st.text(max_size=40), st.integers().map(str))),
        st.builds(remove, names),
        st.builds(flip, where, st.integers(0, 255)),
        st.builds(insert, where, pieces),
        st.builds(cut, where),
    )


def envelopes(stage: Stage, count: int, number: int) -> int:
    """So many requests bent once or twice; returns how many were refused."""
    refused = 0

    def one(bends: list[Callable[[dict[str, str], bytearray], None]]) -> None:
        nonlocal refused
        path, query, sealed = stage.platform.envelope("张伟", "我的")
        body = bytearray(sealed)
        for bend in bends:
            bend(query, body)
        before = inbox(stage)
        status, _ = stage._post(path, query, bytes(body))
        assert status == 200 or 400 <= status < 500, status
        if not _authentic(stage, query, bytes(body)):
            assert 400 <= status < 500, "not refused"
            assert inbox(stage) == before, "an effect without a valid signature"
            refused += 1

    with listening() as ear:
        _test(count, number, one, st.lists(_bent(), min_size=1, max_size=2))
        assert ear.lines == []
    return refused


def inner(stage: Stage, count: int, number: int) -> int:
    """So many odd messages that the platform has really signed; the answer is always 200, or 403 to what is too old."""
    fields = st.dictionaries(
        st.sampled_from(
            [
                "ToUserName",
                "FromUserName",
                "CreateTime",
                "MsgType",
                "Content",
                "MsgId",
                "Event",
                "EventKey",
                "TaskId",
                "MediaId",
                "Location_X",
                "AgentID",
            ]
        ),
        st.one_of(
            st.sampled_from(
                [
                    *ODD,
                    "text",
                    "event",
                    "image",
                    "location",
                    "template_card_event",
                    "click",
                    "zhangwei",
                    "ZhangWei",
                    str(2**70),
                ]
            ),
            st.text(max_size=50),
            st.integers(),
            st.floats().map(str),
        ),
        max_size=12,
    )
    known = {
        "ToUserName": "x",
        "FromUserName": "zhangwei",
        "CreateTime": int(stage.clock().timestamp()),
        "MsgType": "text",
        "Content": "我的",
    }
    alone = st.one_of(st.text(max_size=300), st.sampled_from(BOMBS))
    built = st.one_of(fields, fields.map(lambda more: {**known, **more})).map(
        lambda tree: to_xml("xml", tree)
    )
    seen = 0

    def one(xml: str) -> None:
        nonlocal seen
        account = stage.platform.wecom
        query, body = account.request(stage.platform.world.person("张伟"), xml)
        status, _ = stage._post(account.callback, query, body)
        assert status in (200, 403), f"{status} to {xml!r}"
        seen += 1

    with listening() as ear:
        _test(count, number, one, st.one_of(built, alone))
        assert ear.lines == []
    return seen


BOMBS = [
    "<xml>" + "<a>" * 20_000,
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><xml><Content>&c;</Content></xml>',
    '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><Content>&f;</Content></xml>',
    "<xml><MsgType>text</MsgType><MsgType>event</MsgType></xml>",
    "<xml><FromUserName><b>1</b></FromUserName></xml>",
    "<?xml version='1.0' encoding='utf-16'?><xml/>",
    "<xml " + " ".join(f"a{n}='1'" for n in range(5000)) + "/>",
]


def main(arguments: list[str]) -> None:
    """``fuzz [COUNT [SEED]]``: so many chat texts, a quarter as many of each kind of request."""
    count = int(arguments[0]) if arguments else 20_000
    number = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    print(f"fuzz: {count} texts, seed {number}")
    began = time.monotonic()
    with sqlite() as (_, url), staged(url) as stage:
        print(f"  {chat(stage, count, number)} texts answered")
        print(f"  {envelopes(stage, count // 4, number)} bent requests refused")
        print(f"  {inner(stage, count // 4, number)} signed oddities survived")
    print(f"  {time.monotonic() - began:.0f} s")


def database_in(folder: Path) -> str:
    """The address of a fresh SQLite file."""
    return f"sqlite:///{folder}/zhibu.db"
