"""绑定: the only thing a stranger can do, with a code that is told once, kept as an HMAC, and cannot be guessed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.identity import Identity, Inbox
from bot.models.member import Member
from tests.chat import Phone

Stranger = Callable[..., Phone]


@pytest.fixture
def stranger(bot: App) -> Stranger:
    """Somebody on the Official Account whom nobody knows yet."""
    return lambda openid="openid-1": Phone(bot, openid, channel="oa")


def code_for(secretary: Phone, name: str) -> str:
    found = re.search(rf"绑定 {name} (\d{{6}})", secretary(f"口令 {name}"))
    assert found
    return found[1]


def other(code: str, n: int = 1) -> str:
    return f"{(int(code) + n) % 1_000_000:06d}"


def test_a_stranger_is_told_the_way_in_whatever_is_said(stranger: Stranger) -> None:
    who = stranger()
    for said in ("积分", "你好", "主题党日", "加分 张伟 3 师带徒", "1", "绑定"):
        answer = who(said)
        assert "绑定 张三 482913" in answer
        assert len(answer.splitlines()) <= 4


def test_name_and_code_bind_and_open_everything(
    stranger: Stranger, secretary: Phone, database: Database
) -> None:
    code, who = code_for(secretary, "张伟"), stranger()
    who.script(
        (f"绑定 张伟 {code}", "绑定成功：张伟，检修党支部"),
        ("积分", "张伟"),
        (f"绑定 张伟 {code}", "您已绑定为张伟"),
    )
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)).all()
    assert acts == ["发放绑定口令", "绑定"]


def test_the_words_may_run_together_and_the_command_may_be_left_out(
    stranger: Stranger, secretary: Phone
) -> None:
    code = code_for(secretary, "张伟")
    assert "绑定成功" in stranger("a")(f"绑定张伟{code}")
    code = code_for(secretary, "古丽")
    assert "绑定成功：古丽" in stranger("b")(f"古丽，{code}")


def test_the_code_is_nowhere_in_database_or_audit_and_goes_with_the_first_use(
    stranger: Stranger, secretary: Phone, database: Database
) -> None:
    code = code_for(secretary, "张伟")
    with database.read() as session:
        kept = session.scalars(select(Member.binding_code).where(Member.name == "张伟")).one()
        details = session.scalars(select(AuditEntry.detail)).all()
    assert kept is not None
    assert code not in kept
    assert len(kept) == 64
    assert not any(code in detail for detail in details)
    assert "绑定成功" in stranger("first")(f"绑定 张伟 {code}")
    assert "不对" in stranger("second")(f"绑定 张伟 {code}")


def test_a_code_is_good_for_seven_days_and_a_new_one_voids_the_old(
    stranger: Stranger, secretary: Phone, clock: Clock
) -> None:
    old = code_for(secretary, "张伟")
    new = code_for(secretary, "张伟")
    who = stranger()
    if old != new:
        assert "不对" in who(f"绑定 张伟 {old}")
    clock.sleep(timedelta(days=7))
    assert "已过期" in who(f"绑定 张伟 {new}")


def test_five_wrong_tries_lock_for_an_hour_and_the_count_outlives_each_answer(
    stranger: Stranger, secretary: Phone, clock: Clock
) -> None:
    code, who = code_for(secretary, "张伟"), stranger()
    for left in (4, 3, 2, 1):
        assert f"还可以试 {left} 次" in who(f"绑定 张伟 {other(code)}")
    assert "10:00 后可以再试" in who(f"绑定 张伟 {other(code)}")
    assert "暂停绑定" in who(f"绑定 张伟 {code}")
    clock.sleep(timedelta(hours=1))
    assert "绑定成功" in who(f"绑定 张伟 {code}")


def test_a_name_that_does_not_exist_is_answered_like_a_wrong_code(
    stranger: Stranger, secretary: Phone
) -> None:
    code = code_for(secretary, "张伟")
    answers = {
        stranger("a")(f"绑定 张伟 {other(code)}"),
        stranger("b")("绑定 无此人 482913"),
        stranger("c")("绑定 古丽 482913"),
    }
    assert len(answers) == 1


def test_many_identities_cannot_guess_one_code(stranger: Stranger, secretary: Phone) -> None:
    code = code_for(secretary, "张伟")
    for n in range(10):
        assert "不对" in stranger(f"guesser-{n}")(f"绑定 张伟 {other(code, n + 1)}")
    assert "不对" in stranger("late")(f"绑定 张伟 {code}")
    assert "绑定成功" in stranger("late")(f"绑定 张伟 {code_for(secretary, '张伟')}")


def test_a_new_binding_replaces_the_old_one_on_the_same_channel(
    stranger: Stranger, secretary: Phone, database: Database
) -> None:
    lost, found = stranger("lost-phone"), stranger("new-phone")
    lost(f"绑定 张伟 {code_for(secretary, '张伟')}")
    found(f"绑定 张伟 {code_for(secretary, '张伟')}")
    assert "还没有绑定" in lost("积分")
    assert "张伟" in found("积分")
    with database.read() as session:
        channels = session.scalars(select(Identity.channel).join(Member).where(Member.name == "张伟")).all()
    assert sorted(channels) == ["oa", "wecom"]


def test_who_left_is_told_that_the_account_is_out_of_use(
    stranger: Stranger, secretary: Phone, database: Database
) -> None:
    code, who = code_for(secretary, "张伟"), stranger()
    who(f"绑定 张伟 {code}")
    unused = code_for(secretary, "古丽")
    with database.write() as session:
        session.execute(update(Member).where(Member.name.in_(("张伟", "古丽"))).values(active=False))
    assert "账号已停用" in who("积分")
    assert "不对" in stranger("late")(f"绑定 古丽 {unused}")


def test_a_deputy_cannot_take_over_the_secretarys_account(
    phone: Callable[[str], Phone], secretary: Phone
) -> None:
    assert "要由上级（党委管理员）来办" in phone("陈刚")("口令 王建国")
    assert "绑定口令" in secretary("口令 陈刚")
    assert "绑定口令" in secretary("口令 王建国")


def test_a_code_for_somebody_of_another_branch_is_refused(secretary: Phone) -> None:
    assert "没有叫“外人”的人" in secretary("口令 外人")


def test_a_code_is_shown_once_and_kept_nowhere(secretary: Phone, database: Database) -> None:
    shown = secretary("口令 张伟")
    code = re.search(r"\d{6}", shown)
    assert code is not None
    repeated = secretary.again()
    assert "只显示一次" in repeated
    with database.read() as session:
        kept = [str(reply) for reply in session.scalars(select(Inbox.reply))]
    assert kept
    assert not [one for one in kept if code[0] in one]
