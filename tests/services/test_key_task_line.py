"""How a day, a name and a number are read from what people write about tasks."""

from __future__ import annotations

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.clock import Clock
from bot.errors import Refusal
from bot.services import key_task_line
from bot.services.key_task_line import Draft, People
from bot.services.key_task_work import progress_in
from tests.conftest import MONDAY_MORNING


@pytest.mark.parametrize(
    ("said", "on"),
    [
        ("12月20日", date(2026, 12, 20)),
        ("12月20日前", date(2026, 12, 20)),
        ("12月20号之前完成", date(2026, 12, 20)),
        ("2027-3-5", date(2027, 3, 5)),
        ("2027年3月5日", date(2027, 3, 5)),
        ("下周五", date(2026, 12, 4)),
        ("月底", date(2026, 11, 30)),
        ("本月底", date(2026, 11, 30)),
        ("下月底", date(2026, 12, 31)),
        ("12月底", date(2026, 12, 31)),
        ("20号", date(2026, 12, 20)),
        ("31日前", date(2026, 12, 31)),
        ("32号", None),
        ("2月底", date(2027, 2, 28)),
        ("明年6月底前", date(2027, 6, 30)),
        ("2028年2月末", date(2028, 2, 29)),
        ("一季度末", date(2027, 3, 31)),
        ("四季度末", date(2026, 12, 31)),
        ("本季度末", date(2026, 12, 31)),
        ("季末", date(2026, 12, 31)),
        ("明年二季度底", date(2027, 6, 30)),
        ("年底", date(2026, 12, 31)),
        ("明年底", date(2027, 12, 31)),
        ("明年年底", date(2027, 12, 31)),
        ("2027年底", date(2027, 12, 31)),
        ("底", None),
        ("3月", None),
        ("2月30日", None),
        ("2027-13-40", None),
        ("12月20日停电", None),
        ("110kV", None),
        ("3-5号杆塔", None),
        ("14:30", None),
    ],
)
def test_a_day_is_understood_as_a_whole_or_not_at_all(said: str, on: date | None) -> None:
    assert key_task_line.whole_day(said, MONDAY_MORNING) == on


@pytest.mark.parametrize(
    ("said", "number", "rest"),
    [
        ("RW12 60%", 12, "60%"),
        ("rw 12，60%", 12, "60%"),
        ("RW-12", 12, ""),
        ("缺吊车 RW12", 12, "缺吊车"),
        ("12 缺吊车", 12, "缺吊车"),
        ("#12", 12, ""),
        ("第12号 缺吊车", 12, "缺吊车"),
        ("1 天气不好", 1, "天气不好"),
        ("60%", None, "60%"),
        ("60 %", None, "60 %"),
        ("3号塔缺吊车", None, "3号塔缺吊车"),
        ("12月20日", None, "12月20日"),
        ("2台吊车", None, "2台吊车"),
        ("10.5kV", None, "10.5kV"),
        ("", None, ""),
    ],
)
def test_the_number_of_a_task_is_told_from_other_figures(said: str, number: int | None, rest: str) -> None:
    assert key_task_line.number_in(said) == (number, rest)


@pytest.mark.parametrize(
    ("said", "percent", "text"),
    [
        ("60% 完成停电申请", 60, "完成停电申请"),
        ("停电申请批了，完成60%", 60, "停电申请批了"),
        ("已完成80%了", 80, ""),
        ("干到一半 50％", None, "干到一半 50％"),
        ("合格率98%", None, "合格率98%"),
        ("线损降到3.5%", None, "线损降到3.5%"),
        ("0", 0, ""),
    ],
)
def test_how_far_it_is_is_no_other_figure(said: str, percent: int | None, text: str) -> None:
    found = progress_in(said, "RW1")
    assert (found.percent, found.text) == (percent, text)


@given(st.text(alphabet="负责人期限名称类别张伟12月0日前底年季度RW:，。;（）()%.- kV\n", max_size=40))
def test_whatever_is_written_is_a_draft_or_refused(said: str) -> None:
    people = People(())
    for read in (
        lambda: key_task_line.read(said, people, MONDAY_MORNING),
        lambda: key_task_line.changes(said, people, MONDAY_MORNING),
        lambda: key_task_line.day_of(said, MONDAY_MORNING),
        lambda: key_task_line.number_in(said),
    ):
        with suppress(Refusal):
            read()


def test_a_draft_survives_the_question(clock: Clock) -> None:
    draft = Draft("城西变检修", 3, date(2026, 12, 20), "设备运维")
    assert key_task_line.from_data(key_task_line.to_data(draft)) == draft
    assert key_task_line.from_data(key_task_line.to_data(Draft())) == Draft()
