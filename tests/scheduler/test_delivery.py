"""From the outbox to the platform's edge and back into the record."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from bot.chat import SendError
from bot.clock import Clock
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import identity as identities
from bot.services import outbox
from scheduler.delivery import deliver
from scheduler.runner import Node
from tests.chat import PhoneBook
from tests.scheduler.conftest import FakeChannel

ALL = 12


def push(node: Node, *names: str, text: str = "明天停电检修", **more: object) -> None:
    """Queue a text for people by name, for everybody without names."""
    with node.database.write() as session:
        query = select(Member.id).order_by(Member.id)
        members = session.scalars(query.where(Member.name.in_(names)) if names else query).all()
        now = node.clock()
        outbox.push(session, members, text, **{"key": f"{text} {now.isoformat()}", "now": now, **more})  # type: ignore[arg-type]


def rows(node: Node) -> list[Outbox]:
    with node.database.read() as session:
        return list(session.scalars(select(Outbox).order_by(Outbox.id)))


def states(node: Node) -> set[OutboxState]:
    return {row.state for row in rows(node)}


def test_equal_texts_go_out_in_one_call(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    push(node)
    assert deliver(node, clock()) == ALL
    assert [len(users) for users, _ in wecom.calls] == [ALL]
    assert states(node) == {OutboxState.SENT}
    assert {(row.platform_id, row.sent_at, row.attempts) for row in rows(node)} == {("msg-1", clock(), 1)}
    assert deliver(node, clock()) == 0


def test_a_call_takes_no_more_users_than_the_channel_does(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    wecom.users_per_call = 5
    push(node)
    assert deliver(node, clock()) == ALL
    assert sorted(len(users) for users, _ in wecom.calls) == [2, 5, 5]


def test_different_texts_all_go_out_whatever_their_number(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    for number in range(120):
        push(node, "张伟", text=f"第 {number} 条", urgency=Urgency.URGENT)
        if number % 25 == 24:
            clock.sleep(timedelta(minutes=1))
            deliver(node, clock())
    clock.sleep(timedelta(minutes=1))
    deliver(node, clock())
    assert len(wecom.texts("zhangwei")) == 120


def test_two_senders_at_once_send_everything_once(
    make_node: Callable[..., Node], clock: Clock, wecom: FakeChannel
) -> None:
    nodes = [make_node(name=f"node {n}") for n in range(4)]
    for number in range(30):
        push(nodes[0], text=f"第 {number} 条", urgency=Urgency.URGENT, at=clock())
    clock.sleep(timedelta(minutes=1))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda node: deliver(node, clock()), nodes))
    assert len(wecom.texts("zhangwei")) == len(set(wecom.texts("zhangwei")))
    assert {row.attempts for row in rows(nodes[0]) if row.state is OutboxState.SENT} == {1}


def test_a_sender_killed_before_recording_repeats_only_its_own_call(
    node: Node, clock: Clock, wecom: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(node, "张伟")

    def killed(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "record_sent", killed)
        with pytest.raises(KeyboardInterrupt):
            deliver(node, clock())
    assert states(node) == {OutboxState.WAITING}
    assert deliver(node, clock()) == 0, "the lease keeps it from others"
    clock.sleep(timedelta(seconds=61))
    assert deliver(node, clock()) == 1
    clock.sleep(timedelta(hours=2))
    assert deliver(node, clock()) == 0
    assert len(wecom.calls) == 2
    assert wecom.calls[0] == wecom.calls[1], "the platform's duplicate check must see the same call"


def test_a_failed_push_is_not_recorded_as_sent_and_backs_off(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    push(node, "张伟")
    wecom.errors = [SendError(-1, "busy"), SendError(0, "timeout")]
    assert deliver(node, clock()) == 0
    (row,) = rows(node)
    assert (row.state, row.sent_at, row.code, row.attempts) == (OutboxState.WAITING, None, -1, 1)
    assert timedelta(seconds=30) <= row.available_at - clock() <= timedelta(seconds=90)
    clock.sleep(timedelta(seconds=91))
    assert deliver(node, clock()) == 0
    (row,) = rows(node)
    assert timedelta(minutes=1) <= row.available_at - clock() <= timedelta(minutes=3)
    clock.sleep(timedelta(minutes=3, seconds=1))
    assert deliver(node, clock()) == 1
    assert states(node) == {OutboxState.SENT}


def test_what_the_platform_refuses_is_given_up_after_eight_attempts(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    push(node, "张伟", urgency=Urgency.URGENT)
    wecom.errors = [SendError(40058, "a parameter that it does not like") for _ in range(20)]
    for _ in range(12):
        deliver(node, clock())
        clock.sleep(timedelta(hours=4))
    (row,) = rows(node)
    assert (row.state, row.attempts, row.sent_at) == (OutboxState.FAILED, 8, None)
    assert len(wecom.errors) == 12


@pytest.mark.parametrize("code", [0, -1])
def test_nothing_is_lost_while_the_platform_is_not_there(
    node: Node, clock: Clock, wecom: FakeChannel, code: int
) -> None:
    push(node, "张伟", urgency=Urgency.URGENT)
    wecom.errors = [SendError(code, "not there") for _ in range(100)]
    for _ in range(100):
        assert deliver(node, clock()) == 0
        (row,) = rows(node)
        assert row.state is OutboxState.WAITING
        assert row.available_at - clock() <= timedelta(minutes=48)
        clock.jump(row.available_at + timedelta(seconds=1))
    assert deliver(node, clock()) == 1
    assert states(node) == {OutboxState.SENT}


def test_a_sender_that_dies_each_time_gives_up(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    push(node, "张伟", urgency=Urgency.URGENT)
    wecom.errors = [SendError(-1, "busy") for _ in range(20)]
    for _ in range(20):
        deliver(node, clock())
        clock.sleep(timedelta(hours=1))
    wecom.errors = [RuntimeError("a row that breaks its sender") for _ in range(20)]  # type: ignore[misc]
    for _ in range(6):
        deliver(node, clock())
        clock.sleep(timedelta(hours=1))
    (row,) = rows(node)
    assert row.state is OutboxState.FAILED


def test_a_permanent_failure_stops_at_once(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    push(node, "张伟")
    wecom.errors = [SendError(42014, "task id used before", permanent=True)]
    deliver(node, clock())
    (row,) = rows(node)
    assert (row.state, row.code, row.sent_at) == (OutboxState.FAILED, 42014, None)


def test_people_whom_the_platform_does_not_know_are_unreachable(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    push(node)
    wecom.unreached = {"liming": 60111}
    assert deliver(node, clock()) == ALL - 1
    missed = [row for row in rows(node) if row.state is OutboxState.UNREACHABLE]
    assert [(row.code, row.sent_at, row.platform_id) for row in missed] == [(60111, None, "")]


def test_nobody_valid_means_unreachable_not_failed(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    push(node, "李明")
    wecom.errors = [SendError(81013, "no valid receiver", permanent=True)]
    deliver(node, clock())
    assert states(node) == {OutboxState.UNREACHABLE}


def test_without_an_account_nobody_is_reached(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    with node.database.write() as session:
        for identity in session.scalars(select(Identity).where(Identity.external_id == "liming")):
            identity.reachable = False
    push(node, "李明")
    assert deliver(node, clock()) == 0
    assert states(node) == {OutboxState.UNREACHABLE}
    assert wecom.calls == []


def test_too_many_calls_rest_the_whole_channel_and_count_no_attempt(
    node: Node, clock: Clock, wecom: FakeChannel
) -> None:
    push(node, "张伟", text="一")
    push(node, "古丽", text="二")
    wecom.errors = [SendError(45009, "limit", retry_after=timedelta(minutes=10))]
    assert deliver(node, clock()) == 0
    assert {(row.state, row.attempts) for row in rows(node)} == {(OutboxState.WAITING, 0)}
    clock.sleep(timedelta(minutes=9))
    assert deliver(node, clock()) == 0
    assert wecom.calls == []
    clock.sleep(timedelta(minutes=1))
    assert deliver(node, clock()) == 2


@pytest.mark.parametrize("code", [40001, 40014, 60020])
def test_what_an_operator_must_mend_costs_no_row_and_is_said_once(
    node: Node, clock: Clock, wecom: FakeChannel, caplog: pytest.LogCaptureFixture, code: int
) -> None:
    push(node, "张伟", text="一")
    push(node, "古丽", text="二")
    wecom.errors = [SendError(code, "secret rotated")]
    assert deliver(node, clock()) == 0
    push(node, "李明", text="三")
    assert deliver(node, clock()) == 0, "what is written meanwhile rests too"
    assert {(row.state, row.attempts) for row in rows(node)} == {(OutboxState.WAITING, 0)}
    assert caplog.text.count("zhibu doctor") == 1
    clock.sleep(timedelta(minutes=10))
    assert deliver(node, clock()) == 3


def test_who_has_another_account_is_reached_through_it_while_a_channel_rests(
    make_node: Callable[..., Node], clock: Clock, wecom: FakeChannel, oa: FakeChannel
) -> None:
    node = make_node(wecom, oa)
    with node.database.write() as session:
        guli = session.scalars(select(Member).where(Member.name == "古丽")).one()
        _, bound = identities.open_identity(session, "oa", "oa-guli")
        bound.member_id, bound.heard_at = guli.id, clock()
    push(node, "张伟", text="一")
    push(node, "古丽", text="二")
    wecom.errors = [SendError(60020, "ip not trusted")]
    assert deliver(node, clock()) == 1
    assert oa.texts("oa-guli") == ["二"]
    clock.sleep(timedelta(minutes=10))
    assert deliver(node, clock()) == 1
    assert wecom.texts("guli") == []


def test_a_bug_in_a_channel_keeps_nothing_else_from_being_sent(
    node: Node, clock: Clock, wecom: FakeChannel, caplog: pytest.LogCaptureFixture
) -> None:
    push(node, "张伟", text="一")
    push(node, "古丽", text="二")
    wecom.errors = [ZeroDivisionError("bug")]
    assert deliver(node, clock()) == 1
    assert "bug" in caplog.text
    clock.sleep(timedelta(seconds=61))
    assert deliver(node, clock()) == 1


def test_what_is_expired_is_not_sent(node: Node, clock: Clock, wecom: FakeChannel) -> None:
    push(node, expires_at=clock() + timedelta(hours=1))
    clock.sleep(timedelta(hours=2))
    assert deliver(node, clock()) == 0
    assert states(node) == {OutboxState.EXPIRED}


def test_a_claim_that_lasted_too_long_is_given_back(
    node: Node, clock: Clock, wecom: FakeChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(node, "张伟", text="一")
    push(node, "古丽", text="二")
    send = wecom.send

    def slow(*args: object) -> object:
        clock.sleep(timedelta(seconds=50))
        return send(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(wecom, "send", slow)
    assert deliver(node, clock()) == 2
    assert [row.attempts for row in rows(node)] == [1, 1]
    assert len(wecom.calls) == 2


def on_oa_only(node: Node, name: str, heard: datetime | None) -> None:
    """Somebody who uses the Official Account alone."""
    with node.database.write() as session:
        member = session.scalars(select(Member).where(Member.name == name)).one()
        for identity in session.scalars(select(Identity).where(Identity.member_id == member.id)):
            identity.reachable = False
        _, bound = identities.open_identity(session, "oa", f"oa-{member.account}")
        bound.member_id, bound.heard_at = member.id, heard


def test_pushes_of_an_official_account_are_counted(
    make_node: Callable[..., Node], clock: Clock, wecom: FakeChannel, oa: FakeChannel
) -> None:
    node = make_node(wecom, oa)
    on_oa_only(node, "古丽", clock())
    push(node, "古丽", "张伟")
    assert deliver(node, clock()) == 2
    assert oa.texts("oa-guli") == ["明天停电检修"]
    assert wecom.texts("zhangwei") == ["明天停电检修"]
    with node.database.read() as session:
        assert session.scalar(select(Identity.pushed_since).where(Identity.external_id == "oa-guli")) == 1


def test_a_closed_window_keeps_the_message_for_the_next_visit(
    make_node: Callable[..., Node], clock: Clock, oa: FakeChannel, wecom: FakeChannel, phone: PhoneBook
) -> None:
    node = make_node(wecom, oa)
    on_oa_only(node, "古丽", None)
    oa.open = False
    push(node, "古丽", text="一\n二")
    push(node, "古丽", text="三")
    assert deliver(node, clock()) == 0
    assert states(node) == {OutboxState.HELD}
    guli = phone("古丽")
    assert "有 2 条没送到的消息，回复 未读" in guli("菜单")
    shown = guli("未读")
    assert "一\n二" in shown
    assert "三" in shown
    assert states(node) == {OutboxState.SHOWN}
    assert {row.sent_at for row in rows(node)} == {None}
    assert "没有未读" in guli("未读")


def test_a_window_that_closed_meanwhile_holds_too(
    make_node: Callable[..., Node], clock: Clock, oa: FakeChannel
) -> None:
    node = make_node(oa)
    on_oa_only(node, "古丽", clock())
    push(node, "古丽")
    oa.errors = [SendError(45015, "out of window", permanent=True)]
    deliver(node, clock())
    assert states(node) == {OutboxState.HELD}
