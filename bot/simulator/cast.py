"""The four people of the demo, with words that a newcomer may try."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.simulator.world import Person

THEME_DAY = "{活动日}"
SECRETARY = (
    f"发布主题党日 {THEME_DAY}14:30 三楼会议室 主题:宪法宣传进班组",
    "确认",
    "谁没报名",
    "催一下",
    "签到码",
    "结束活动",
)
MEMBER = ("报名", "请假 ", "签到 ", "今日学习", "答题", "积分", "隐患 2号主变渗油", "我的")

PHONES = (
    Person("王建国", "wangjianguo", "支部书记", SECRETARY),
    Person("张伟", "zhangwei", "党员", MEMBER),
    Person("古丽", "guli", "党员", MEMBER),
    Person("李明", "liming", "党员", MEMBER),
)


def hints(person: Person, now: datetime) -> Iterator[str]:
    """The words offered on this phone, with a date that is still to come: the first Friday at least a week ahead."""
    day = now + timedelta(days=7)
    day += timedelta(days=(4 - day.weekday()) % 7)
    return (hint.replace(THEME_DAY, f"{day.month}月{day.day}日") for hint in person.hints)
