"""A member's week, Monday to Sunday, through the encrypted webhook and the real API client; what the phone shows stands in README."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from unittest.mock import patch
from zoneinfo import ZoneInfo

from bot.clock import Clock
from bot.services import run
from content import questions
from content.questions import Kind, Part, Question
from tests.stage import Stage

NAME = "张伟"
WEEKDAYS = "一二三四五六日"
SUNDAY_EVENING = datetime(2026, 11, 29, 20, tzinfo=ZoneInfo("Asia/Shanghai"))
WIDEST = 60
"""So many characters of a line are shown."""


class Week:
    """The stage, and what was seen on the phone so far, line by line."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.lines: list[str] = []

    def comes(self, day: int, hour: int = 8, minute: int = 5) -> None:
        """The clock moves to that time of the week's day (1 to 7); what was pushed on the way is shown by its first line."""
        self.stage.jump((SUNDAY_EVENING + timedelta(days=day)).replace(hour=hour, minute=minute))
        pushed = [f"（推送）{text.splitlines()[0]}" for text in self.stage.pushes(NAME)]
        self._show(" ".join([f"周{WEEKDAYS[day - 1]} {hour:02}:{minute:02}", *pushed]))

    def says(self, text: str, *having: str) -> str:
        """What the member types, and of the answer the lines with these words; each must be there. Returns the whole answer."""
        answer = self.stage.say(NAME, text)
        self.lines.append(f"{NAME}：{text}")
        for word in having:
            line = next((one for one in answer.splitlines() if word in one), None)
            assert line, f"{NAME} said {text!r}, expected {word!r} in:\n{answer}"
            self._show(f"　　　{line}")
        return answer

    def answers(self, asked: str, *having: str, right: bool = True) -> str:
        """The answer to the question on the phone, right or wrong."""
        return self.says(reply_to(asked, right=right), *having)

    def restart(self) -> None:
        """The server's process ends, another begins on the same database."""
        self.stage.restart()
        self.lines.append("（服务器重启）")

    def _show(self, line: str) -> None:
        self.lines.append(f"{line[:WIDEST]}…" if len(line) > WIDEST else line)


def play(stage: Stage) -> str:
    """The week as a transcript. Every step states what it must show, so this is a test as well."""
    week = Week(stage)
    week.comes(1)
    week.says("今日学习", "今日学习：")
    asked = week.says("学完了", "已记下", "+1 分", "1/")
    week.answers(asked, "正确。")
    week.comes(2)
    asked = week.says("每日一题", "每日一题")
    week.answers(asked, "不对，正确答案", right=False)
    week.comes(3, 7, 30)
    week.says("今天值班", "已暂停提醒")
    week.comes(4)
    asked = week.says("错题", "1/1")
    week.restart()
    week.answers(asked, "正确。")
    week.says("登记 学习强国 25分钟", "已登记")
    week.says("学习时长", "学习周：")
    week.comes(5)
    week.says("提问 预备期要多少时间", "预备期为一年", "依据：")
    week.comes(6)
    asked = week.says("答题", "〔")
    week.answers(asked, "正确。")
    week.comes(7, 20, 0)
    week.says("积分", "全年", "党员教育管理")
    return "\n".join(week.lines)


def reply_to(asked: str, *, right: bool) -> str:
    """What to type to a question as it is shown, found in the bank by its stem."""
    part = next(one for one in _parts() if one.stem.splitlines()[0] in asked)
    if part.kind is Kind.JUDGE:
        return part.answer[0] if right else {"对": "错", "错": "对"}[part.answer[0]]
    if part.kind is Kind.BLANK:
        return part.answer[0] if right else "不知道"
    texts = {
        line[2:].strip(): line[0] for line in asked.splitlines() if line[1:2] == " " and line[0].isupper()
    }
    good = {texts[part.options[ord(letter) - ord("A")]] for letter in part.answer}
    chosen = good if right else {next(letter for letter in texts.values() if letter not in good)}
    return "".join(sorted(chosen))


def _parts() -> Iterator[Part | Question]:
    bank = questions.load()
    return chain(*(question.parts or (question,) for question in bank))


@contextmanager
def same_draw() -> Iterator[None]:
    """The same questions in the same order of options in every run, else README could not be compared."""
    chance = random.Random("a week")
    with (
        patch.object(run.SECURE, "getrandbits", chance.getrandbits),
        patch.object(run.SECURE, "random", chance.random),
    ):
        yield


def played_alone() -> str:
    """The week on a fresh SQLite file with the demo branch, for README."""
    from tests import conftest

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'week.db'}"
        conftest._fill(url)
        stage = Stage(url, Clock(conftest.SHANGHAI, start=SUNDAY_EVENING), secret=conftest.SECRET)
        with same_draw():
            transcript = play(stage)
        stage.close()
    return transcript
