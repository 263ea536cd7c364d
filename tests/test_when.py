"""Dates and times as people write them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import nlu, when

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, 9, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("12月5日14:30", (2026, 12, 5, 14, 30)),
        ("１２月５号 下午2点半", (2026, 12, 5, 14, 30)),
        ("十二月二十三日晚上七点", (2026, 12, 23, 19, 0)),
        ("明天14:00", (2026, 11, 24, 14, 0)),
        ("后天上午9点一刻", (2026, 11, 25, 9, 15)),
        ("本周五 9:05", (2026, 11, 27, 9, 5)),
        ("下周一8点", (2026, 11, 30, 8, 0)),
        ("周日中午12点", (2026, 11, 29, 12, 0)),
        ("1月8日9点", (2027, 1, 8, 9, 0)),
        ("2027-02-03 16:40", (2027, 2, 3, 16, 40)),
        ("12/5 14:30", (2026, 12, 5, 14, 30)),
        ("今天中午1点", (2026, 11, 23, 13, 0)),
    ],
)
def test_a_moment_is_understood(text: str, expected: tuple[int, ...]) -> None:
    assert when.moment(nlu.clean(text), MONDAY) == datetime(*expected, tzinfo=ZONE)


@pytest.mark.parametrize("text", ["下下周", "尽快", "2月30日 9点", "13月1日 9点", ""])
def test_what_is_no_date_is_answered_with_an_example(text: str) -> None:
    with pytest.raises(when.WhenNotUnderstood, match=r"12月5日 14:30"):
        when.moment(text, MONDAY)


def test_a_day_without_time_asks_for_the_time() -> None:
    with pytest.raises(when.TimeMissing):
        when.moment("12月5日", MONDAY)


def test_a_change_keeps_what_is_not_said() -> None:
    old = datetime(2026, 12, 5, 14, 30, tzinfo=ZONE)
    assert when.change("改到12月4日", old, MONDAY) == datetime(2026, 12, 4, 14, 30, tzinfo=ZONE)
    assert when.change("改到15点", old, MONDAY) == datetime(2026, 12, 5, 15, 0, tzinfo=ZONE)


def test_the_rest_of_a_line_is_left_over() -> None:
    found = when.find("12月5日14:30 三楼会议室 主题:宪法宣传进班组", MONDAY)
    assert found.rest == "三楼会议室 主题:宪法宣传进班组"


@given(st.text(max_size=40))
def test_any_text_is_understood_or_politely_refused(text: str) -> None:
    with contextlib.suppress(when.WhenNotUnderstood, when.TimeMissing):
        assert when.moment(nlu.clean(text), MONDAY).tzinfo is not None
