"""What somebody might try on purpose: replays, cut signatures, other corps, other people's words, old links, guessed codes, poisoned names."""

from __future__ import annotations

import csv
import hashlib
import io
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, inspect, select, text

from bot.db import Database
from bot.models.activity import Activity
from bot.models.identity import Inbox
from bot.models.member import Member
from bot.services import check_in_word, phone
from bot.services.binding import TRIES_PER_CODE
from bot.services.question_formats import csv as csv_format
from bot.simulator.envelope import Envelope
from content import questions
from tests.chat import Phone
from tests.conftest import SECRET
from tests.stage import Stage

OWN_TABLES = {"inbox", "identity", "conversation"}
"""What every message may change: who spoke, where the conversation stands, and the answer."""


def inbox(stage: Stage) -> int:
    with stage.bot.database.read() as session:
        return session.scalar(select(func.count(Inbox.id))) or 0


def facts(database: Database) -> dict[str, str]:
    """A digest of every table that a message does not change by itself."""
    found = {}
    with database.read() as session:
        for name in sorted(set(inspect(session.connection()).get_table_names()) - OWN_TABLES):
            rows = sorted(map(repr, session.execute(text(f'SELECT * FROM "{name}"'))))
            found[name] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


# The envelope -----------------------------------------------------------------------------------------------------------


def test_a_recorded_message_has_its_effect_once_and_is_refused_when_old(stage: Stage) -> None:
    stage.say("张伟", "专项 安规")
    path, query, body = stage.platform.envelope("张伟", "不会")
    answers = {stage._post(path, query, body)[0] for _ in range(5)}
    assert answers == {200}
    with stage.bot.database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM attempt")) == 1
    stage.clock.sleep(timedelta(minutes=6))
    assert stage._post(path, query, body) == (403, b"")
    assert inbox(stage) == 2


def test_a_signature_cut_anew_into_another_time_gives_no_second_effect(stage: Stage) -> None:
    stage.say("张伟", "专项 安规")
    path, query, body = stage.platform.envelope("张伟", "不会")
    stage._post(path, query, body)
    before = inbox(stage)
    stage.clock.sleep(timedelta(minutes=6))
    stamp, nonce = query["timestamp"], query["nonce"]
    joined = stamp + nonce
    for at in range(1, len(joined)):
        cut = {**query, "timestamp": joined[:at], "nonce": joined[at:]}
        assert stage._post(path, cut, body)[0] in (400, 403)
    assert inbox(stage) == before


def test_a_message_for_another_corp_is_refused_although_token_and_key_are_ours(stage: Stage) -> None:
    account, person = stage.platform.wecom, stage.platform.world.person("张伟")
    ours = account.credentials
    before = inbox(stage)
    for foreign in (
        Envelope(ours.envelope.token, ours.envelope.aes_key, "wwsomebodyelse0001"),
        Envelope(ours.envelope.token, stage.platform.oa.credentials.envelope.aes_key, ours.app_id),
        Envelope("another token", ours.envelope.aes_key, ours.app_id),
    ):
        account.credentials = type(ours)(ours.app_id, ours.secret, foreign)
        query, body = account.request(
            person, account.letter(person, {"MsgType": "text", "Content": "我的", "MsgId": 5})
        )
        status, answer = stage._post(account.callback, query, body)
        assert (status in (400, 403), answer) == (True, b"")
    assert inbox(stage) == before


def test_a_message_for_the_other_channel_is_refused(stage: Stage) -> None:
    _, query, body = stage.platform.envelope("张伟", "我的", "wecom")
    assert stage._post(stage.platform.oa.callback, query, body)[0] in (400, 403)


# Other people's words ---------------------------------------------------------------------------------------------------


def test_a_member_who_says_every_word_of_a_secretary_changes_nothing(stage: Stage) -> None:
    stage.script("王建国", ("发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传", "预览"), ("确认", "已发布"))
    stage.script("古丽", ("请假 下乡巡线", "等"))
    stage.say("张伟", "我的")
    before = facts(stage.bot.database)
    for command in stage.bot.routes.router.commands:
        if command.needs is None:
            continue
        for example in command.examples:
            answer = stage.platform.say("张伟", example).text
            assert "来办，请联系他们" in answer, f"{example}: {answer}"
            stage.platform.say("张伟", "退出")
    after = facts(stage.bot.database)
    assert [name for name in before if before[name] != after[name]] == []


def test_a_forged_press_of_a_button_is_no_more_than_the_word_said(stage: Stage) -> None:
    stage.script("王建国", ("发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传", "预览"), ("确认", "已发布"))
    stage.script("王建国", ("通知 古丽 请到会议室 需回执", "预览"), ("确认", "正在发送"))
    stage.script("古丽", ("请假 下乡巡线", "等"))
    stage.say("张伟", "我的")
    before = facts(stage.bot.database)
    for key in (
        "同意 1",
        "收到 #2",
        "确认",
        "结束活动",
        "催一下",
        "handlers.ballot:vote",
        "../../etc/passwd",
    ):
        more: dict[str, Any] = {
            "TaskId": "notice-2@forged",
            "CardType": "button_interaction",
            "ResponseCode": "made up",
        }
        assert stage.platform.event("张伟", "template_card_event", key, **more).status == 200
        stage.clock.sleep(timedelta(seconds=1))
    assert facts(stage.bot.database) == before


def test_codes_cannot_be_guessed_from_many_accounts(stage: Stage) -> None:
    told = stage.say("王建国", "口令 李明")
    code = told.partition("绑定口令：")[2][:6]
    assert code.isdigit()
    wrong = (number for number in range(10**6) if f"{number:06d}" != code)
    tries = 0
    for number in range(2 * TRIES_PER_CODE):
        guesser = Phone(stage.bot, f"stranger-{number}", channel="oa")
        for _ in range(10):
            tries += 1
            assert "绑定成功" not in guesser(f"绑定 李明 {next(wrong):06d}")
        assert "暂停绑定" in guesser("绑定 李明 000001")
    assert tries == 200
    assert "绑定成功" not in Phone(stage.bot, "somebody", channel="oa")(f"绑定 李明 {code}"), (
        "the code is void after ten tries"
    )


# Pages ------------------------------------------------------------------------------------------------------------------


def test_the_link_of_a_screen_opens_this_screen_only_and_shows_no_word_afterwards(stage: Stage) -> None:
    stage.script("王建国", ("发布主题党日 11月23日9:30 三楼会议室 主题:甲", "预览"), ("确认", "已发布"))
    stage.script("王建国", ("发布主题党日 11月23日9:40 二楼会议室 主题:乙", "预览"), ("确认", "已发布"))
    token = check_in_word.screen_token(SECRET, 1)
    get: Callable[..., Any] = stage._client.get
    assert get(f"/m/screen/1/state?k={token}").json["word"]
    for path in (
        "/m/screen/2",
        "/m/screen/2/state",
        "/m/screen/2/code.svg",
        "/m/screen/99",
        "/m/screen/1/../2",
    ):
        assert get(f"{path}?k={token}").status_code in (403, 404), path
    assert get("/m/screen/1").status_code == 403
    assert get(f"/m/screen/1/state?k={token[:-1]}").status_code == 403
    assert get(f"/m/screen/1/state?k={check_in_word.screen_token('another secret', 1)}").status_code == 403
    stage.clock.sleep(timedelta(hours=1))
    stage.say("王建国", "结束活动 #1")
    stage.say("王建国", "确认")
    assert get(f"/m/screen/1/state?k={token}").json["word"] == ""


@pytest.mark.parametrize(
    "path",
    [
        "/m/../metrics/..",
        "/m/screen/%2e%2e/1",
        "/m/static/..%2f..%2fconfig.py",
        "/m/download/%00",
        "/m/screen/1%27",
        "/m/screen/-1",
    ],
)
def test_no_path_leads_out_or_to_an_error(stage: Stage, path: str) -> None:
    answer = stage._client.get(
        path, headers={"Host": "evil.example", "X-Forwarded-For": "127.0.0.1", "X-Original-URL": "/metrics"}
    )
    assert 400 <= answer.status_code < 500
    assert b"evil.example" not in answer.data


def test_a_script_in_a_name_or_theme_is_shown_as_text(stage: Stage) -> None:
    evil = "<script>alert(1)</script>"
    stage.script("王建国", ("发布主题党日 11月23日9:30 三楼会议室 主题:甲", "预览"), ("确认", "已发布"))
    with stage.bot.database.write() as session:
        session.get_one(Activity, 1).theme = evil
        session.get_one(Activity, 1).place = f'"><img src=x onerror=alert(1)>{evil}'
    page = stage._client.get(f"/m/screen/1?k={check_in_word.screen_token(SECRET, 1)}")
    assert page.status_code == 200
    assert evil not in page.text
    assert "<img src=x" not in page.text
    assert "&lt;script&gt;" in page.text
    assert (
        "script-src" in page.headers["Content-Security-Policy"]
        or "default-src 'self'" in page.headers["Content-Security-Policy"]
    )


@pytest.mark.parametrize("stem", ["=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)"])
def test_a_question_that_is_a_formula_is_text_in_an_exported_table(stem: str) -> None:
    one = next(iter(questions.load()))
    raw = csv_format.write([replace(one, stem=stem)])
    cells = [cell for row in csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


# Secrets ----------------------------------------------------------------------------------------------------------------


def test_no_secret_no_number_and_nothing_that_was_said_is_in_the_log(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    number = "13800001234"
    with stage.bot.database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().phone = phone.seal(number, SECRET)
    said: list[str] = []
    with caplog.at_level(logging.DEBUG, "zhibu"), caplog.at_level(logging.DEBUG, "bot"):
        for name, words in (
            ("王建国", "发布主题党日 11月23日9:30 三楼会议室 主题:宪法宣传进班组"),
            ("王建国", "确认"),
            ("张伟", "报名"),
            ("古丽", "请假 下乡巡线"),
            ("王建国", "同意 1"),
            ("王建国", "口令 李明"),
            ("张伟", f"感想 我的电话是{number}，今天学得很实在"),
            ("张伟", "专项 安规"),
            ("张伟", "不会"),
            ("王建国", "通知 全体 明天停电检修 需回执"),
            ("王建国", "确认"),
        ):
            said += [words, stage.say(name, words)]
        stage.platform.fail(-1, times=2)
        stage.platform.fail(60020, times=2)
        stage.platform.html()
        stage.say("王建国", "催回执")
        stage._client.post(
            "/wecom/callback?msg_signature=x&timestamp=1&nonce=1", data=b"<xml><Encrypt>AAAA</Encrypt></xml>"
        )
        stage.jump(stage.clock() + timedelta(hours=6))
    logged = caplog.text
    assert "answered message=" in logged
    secrets = [
        SECRET,
        number,
        *stage.platform.settings().values(),
        *stage.platform.wecom._tokens,
        *stage.platform.oa._tokens,
    ]
    named = {stage.settings.wecom_corp_id, str(stage.settings.wecom_agent_id), stage.settings.oa_app_id}
    for secret in secrets:
        assert secret in named or secret not in logged
    for one in said:
        for line in one.splitlines():
            assert len(line) < 6 or line not in logged
    for person in stage.platform.world.people:
        assert person.name not in logged
        assert person.userid not in logged
