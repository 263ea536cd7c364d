"""Calendars to subscribe to: asked for by chat, read by phones, called back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import icalendar
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from bot import app as composition
from bot.app import App
from bot.clock import Clock
from bot.models.audit import AuditEntry
from bot.models.exam import Exam
from bot.models.identity import Inbox
from bot.models.member import Member, Role, RoleName
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI

THEME_DAY = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"


@pytest.fixture
def web(bot: App) -> FlaskClient:
    return composition.create_flask(bot).test_client()


def address(phone: Phone, word: str = "日历") -> str:
    """The path of the address in the answer."""
    (line,) = [line for line in phone(word).splitlines() if "/m/calendar/" in line]
    return urlsplit(line).path


def parsed(web: FlaskClient, path: str) -> icalendar.Calendar:
    answer = web.get(path)
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    whole = icalendar.Calendar.from_ical(answer.data)
    assert isinstance(whole, icalendar.Calendar)
    return whole


def events(web: FlaskClient, path: str) -> list[Any]:
    return list(parsed(web, path).walk("VEVENT"))


def test_an_activity_stands_in_the_calendar_of_everybody_invited(
    secretary: Phone, phone: PhoneBook, web: FlaskClient
) -> None:
    secretary.script((THEME_DAY, "预览"), ("确认", "正在"))
    (event,) = events(web, address(phone("张伟")))
    assert event["SUMMARY"] == "主题党日：宪法宣传进班组"
    assert event["LOCATION"] == "三楼会议室"
    assert event.start == datetime(2026, 12, 4, 14, 30, tzinfo=SHANGHAI)
    assert event.end == datetime(2026, 12, 4, 16, 30, tzinfo=SHANGHAI)
    assert event["STATUS"] == "CONFIRMED"
    assert event["SEQUENCE"] == 0
    assert "您还没回复" in event["DESCRIPTION"]


def test_a_change_keeps_the_uid_and_raises_the_sequence_and_a_cancellation_says_so(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, clock: Clock
) -> None:
    secretary.script((THEME_DAY, "预览"), ("确认", "正在"))
    mine = address(phone("张伟"))
    (first,) = events(web, mine)
    clock.sleep(timedelta(minutes=3))
    secretary.script(("修改活动", "宪法"), ("改到12月3日", "12月3日"), ("确认", "已"))
    (moved,) = events(web, mine)
    assert moved["UID"] == first["UID"]
    assert moved["SEQUENCE"] == 1
    assert moved.start == datetime(2026, 12, 3, 14, 30, tzinfo=SHANGHAI)
    assert moved["LAST-MODIFIED"].dt > first["LAST-MODIFIED"].dt
    secretary.script(("取消活动", "要取消"), ("确认", "已取消"))
    (gone,) = events(web, mine)
    assert (gone["UID"], gone["SEQUENCE"], gone["STATUS"]) == (first["UID"], 2, "CANCELLED")
    assert gone["SUMMARY"].startswith("已取消")


def test_times_are_in_shanghai_whatever_the_phone_thinks(
    secretary: Phone, phone: PhoneBook, web: FlaskClient
) -> None:
    secretary.script((THEME_DAY, "预览"), ("确认", "正在"))
    raw = web.get(address(phone("张伟"))).text
    assert "DTSTART;TZID=Asia/Shanghai:20261204T143000" in raw
    assert "BEGIN:VTIMEZONE\r\nTZID:Asia/Shanghai" in raw


def test_a_calendar_without_anything_is_still_a_calendar(phone: PhoneBook, web: FlaskClient) -> None:
    whole = parsed(web, address(phone("张伟")))
    assert whole["PRODID"]
    assert not whole.walk("VEVENT")
    assert len(whole.walk("VTIMEZONE")) == 1


def test_the_own_answer_stands_in_it_and_no_other_name(
    secretary: Phone, phone: PhoneBook, web: FlaskClient
) -> None:
    secretary.script((THEME_DAY, "预览"), ("确认", "正在"))
    phone("张伟")("报名")
    phone("古丽")("请假 下乡巡线")
    secretary("同意 1")
    signed = web.get(address(phone("张伟"))).text
    assert "您已报名" in signed
    leave = web.get(address(phone("古丽"))).text
    assert "TRANSP:TRANSPARENT" in leave
    whole = web.get(address(secretary, "日历 支部")).text
    for text in (signed, leave, whole):
        assert not [name for name in ("张伟", "古丽", "王建国", "下乡巡线") if name in text]


def test_who_is_not_invited_does_not_see_it(secretary: Phone, phone: PhoneBook, web: FlaskClient) -> None:
    secretary.script(("发布支委会 12月2日10:00 书记办公室 主题:研究发展对象", "预览"), ("确认", "正在"))
    assert events(web, address(phone("张伟"))) == []
    assert len(events(web, address(secretary))) == 1
    assert len(events(web, address(secretary, "日历 支部"))) == 1


def test_an_exam_stands_in_it_until_it_is_cancelled(
    bot: App, phone: PhoneBook, web: FlaskClient, clock: Clock
) -> None:
    with bot.database.write() as session:
        author = session.scalars(select(Member).where(Member.name == "王建国")).one()
        session.add(
            Exam(
                branch_id=author.branch_id,
                author_id=author.id,
                topic="安规",
                questions=[1, 2, 3],
                opens_at=clock(),
                closes_at=clock() + timedelta(days=3),
                minutes=30,
                pass_mark=80,
                attempts=1,
                published_at=clock(),
            )
        )
    mine = address(phone("张伟"))
    (event,) = events(web, mine)
    assert event["SUMMARY"] == "考试截止：安规"
    assert event.end - event.start == timedelta(minutes=30)
    with bot.database.write() as session:
        session.execute(update(Exam).values(cancelled_at=clock()))
    (event,) = events(web, mine)
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)


def test_the_address_is_the_same_until_it_is_called_back(phone: PhoneBook, web: FlaskClient) -> None:
    zhang = phone("张伟")
    old = address(zhang)
    assert address(zhang, "订阅日历") == old
    zhang.script(("重置日历地址", "都已作废", "发 日历"))
    assert web.get(old).status_code == 404
    new = address(zhang)
    assert new != old
    assert web.get(new).status_code == 200


def test_the_address_stops_with_the_member(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, bot: App
) -> None:
    mine = address(phone("张伟"))
    secretary.script(("停用 张伟", "停用"), ("确认", "张伟"))
    with bot.database.read() as session:
        assert not session.scalars(select(Member).where(Member.name == "张伟")).one().active
    assert web.get(mine).status_code == 404


def test_the_branch_calendar_stops_with_the_office(secretary: Phone, web: FlaskClient, bot: App) -> None:
    whole = address(secretary, "日历 支部")
    assert web.get(whole).status_code == 200
    with bot.database.write() as session:
        session.execute(
            update(Role)
            .where(Role.name == RoleName.SECRETARY)
            .values(ends_on=bot.clock().date() - timedelta(1))
        )
    assert web.get(whole).status_code == 404


def test_a_member_may_not_ask_for_the_branch(phone: PhoneBook) -> None:
    assert "需要支部书记" in phone("张伟")("日历 支部")


@pytest.mark.parametrize("token", ["x", "", "WyJvd24iLDEsMF0.AAAA", "%00", "a" * 4000, "..%2f..%2fetc"])
def test_a_wrong_address_is_answered_like_a_page_that_is_not_there(web: FlaskClient, token: str) -> None:
    wrong = web.get(f"/m/calendar/{token}.ics")
    nowhere = web.get("/m/nothing-here")
    assert (wrong.status_code, wrong.data) == (nowhere.status_code, nowhere.data) == (404, nowhere.data)


def test_a_signature_of_another_page_does_not_open_a_calendar(bot: App, web: FlaskClient) -> None:
    from bot.services import check_in_word

    token = check_in_word.screen_token(bot.settings.secret_key.get_secret_value(), 1)
    assert web.get(f"/m/calendar/{token}.ics").status_code == 404


def test_a_phone_that_has_it_already_gets_nothing_new(
    secretary: Phone, phone: PhoneBook, web: FlaskClient, clock: Clock
) -> None:
    secretary.script((THEME_DAY, "预览"), ("确认", "正在"))
    mine = address(phone("张伟"))
    first = web.get(mine)
    same = web.get(mine, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    since = web.get(mine, headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert since.status_code == 304
    clock.sleep(timedelta(minutes=1))
    phone("张伟")("报名")
    assert web.get(mine, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
    assert web.get(mine, headers={"If-Modified-Since": first.headers["Last-Modified"]}).status_code == 200


def test_the_address_is_not_kept_and_the_reset_is_on_record(phone: PhoneBook, bot: App) -> None:
    zhang = phone("张伟")
    path = address(zhang)
    zhang("重置日历地址")
    with bot.database.read() as session:
        assert path not in str(session.scalars(select(Inbox.reply)).all())
        assert "重置日历地址" in session.scalars(select(AuditEntry.act)).all()


def test_the_answer_says_how_to_add_it(phone: PhoneBook) -> None:
    answer = phone("张伟")("订阅日历")
    assert "苹果手机" in answer
    assert "不要转发" in answer
    assert answer.count("\n") < 7
