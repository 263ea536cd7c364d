"""When a push may go: quiet hours, pauses, freeze periods, the budget and its digest."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import select

from bot.app import App
from bot.clock import Clock
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import delivery, outbox, setting
from bot.services.setting import BranchRules
from content.holidays import Calendar, Freeze

ROUTINE, ANSWER, URGENT = Urgency.ROUTINE, Urgency.ANSWER, Urgency.URGENT


@dataclass
class Desk:
    """A tiny sender: what it would send is recorded as sent at once."""

    bot: App
    users_per_call: int = 1000
    sent: list[str] = field(default_factory=list)

    def can_push(self, identity: Identity, now: datetime) -> bool:
        return True

    def push(self, text: str, urgency: Urgency = ROUTINE, *, lasts: timedelta | None = None) -> None:
        now = self.bot.clock()
        with self.bot.database.write() as session:
            member = session.scalars(select(Member).where(Member.name == "张伟")).one()
            ends = now + lasts if lasts else None
            outbox.push(session, [member.id], text, key=text, now=now, urgency=urgency, expires_at=ends)

    def work(self) -> list[str]:
        """The texts that went out now."""
        now = self.bot.clock()
        texts: list[str] = []
        while True:
            with self.bot.database.write() as session:
                batch = delivery.claim(session, now, {"wecom": self})
                if not batch.looked_at:
                    return texts
                for group in batch.groups:
                    texts.append(group.body["text"])
                    outbox.record_sent(session, group, now)

    def state(self, text: str) -> OutboxState:
        with self.bot.database.read() as session:
            return session.scalars(select(Outbox.state).where(Outbox.key.startswith(f"{text} "))).one()

    def member(self, **changes: object) -> None:
        with self.bot.database.write() as session:
            member = session.scalars(select(Member).where(Member.name == "张伟")).one()
            for name, value in changes.items():
                setattr(member, name, value)

    def rules(self, **values: object) -> None:
        with self.bot.database.write() as session:
            branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
            setting.change(session, branch, actor=None, now=self.bot.clock(), **values)


@pytest.fixture
def desk(bot: App) -> Desk:
    return Desk(bot)


def at(clock: Clock, hour: int, minute: int = 0, days: int = 0) -> None:
    clock.jump((clock() + timedelta(days=days)).replace(hour=hour, minute=minute))


def test_at_night_only_what_is_urgent_goes_out(desk: Desk, clock: Clock) -> None:
    at(clock, 23)
    desk.push("routine")
    desk.push("answer", ANSWER)
    desk.push("urgent", URGENT)
    assert desk.work() == ["urgent"]
    at(clock, 7, 29, days=1)
    assert desk.work() == []
    at(clock, 7, 30)
    assert sorted(desk.work()) == ["answer", "routine"]


def test_an_answer_may_come_half_an_hour_into_the_quiet_hours(desk: Desk, clock: Clock) -> None:
    at(clock, 21, 59)
    desk.push("routine")
    desk.push("answer", ANSWER)
    assert desk.work() == ["answer"]
    at(clock, 22)
    desk.push("late", ANSWER)
    assert desk.work() == []


def test_quiet_hours_are_the_branchs_own(desk: Desk, clock: Clock) -> None:
    desk.rules(quiet_from=time(8), quiet_to=time(12))
    desk.push("routine")
    assert desk.work() == []
    at(clock, 12)
    assert desk.work() == ["routine"]


def test_what_would_come_too_late_after_the_quiet_hours_is_kept_for_the_next_visit(
    desk: Desk, clock: Clock
) -> None:
    at(clock, 22)
    desk.push("reminder", lasts=timedelta(hours=3))
    assert desk.work() == []
    assert desk.state("reminder") is OutboxState.HELD


def test_a_pause_holds_routine_only(desk: Desk, clock: Clock) -> None:
    desk.member(paused_until=clock() + timedelta(days=2))
    for urgency in (ROUTINE, ANSWER, URGENT):
        desk.push(urgency.value, urgency)
    assert sorted(desk.work()) == ["answer", "urgent"]
    clock.sleep(timedelta(days=2))
    assert desk.work() == ["routine"]


def test_a_freeze_period_holds_routine_until_its_end(
    desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    freeze = Freeze(date(2026, 11, 20), date(2026, 11, 25), "保电")
    frozen = Calendar(frozenset(), frozenset(), frozenset(), (freeze,))
    monkeypatch.setattr(setting, "calendar", lambda: frozen)
    desk.push("routine")
    desk.push("urgent", URGENT)
    assert desk.work() == ["urgent"]
    at(clock, 9, days=2)
    assert desk.work() == []
    at(clock, 7, 30, days=1)
    assert desk.work() == ["routine"]


def test_over_budget_comes_as_one_digest_in_the_evening(desk: Desk, clock: Clock) -> None:
    for number in range(1, 6):
        desk.push(f"第{number}条")
    desk.push("答复", ANSWER)
    assert set(desk.work()) == {"答复", "第1条", "第2条", "第3条"}
    at(clock, 18, 9)
    assert desk.work() == []
    at(clock, 18, 10)
    assert desk.work() == ["今天还有 2 条：\n1 第4条\n2 第5条"]
    assert desk.state("第4条") is OutboxState.MERGED
    desk.push("第6条")
    assert desk.work() == [], "one digest a day"
    at(clock, 7, 30, days=1)
    assert desk.work() == ["第6条"]


def test_the_budget_is_the_branchs_own_and_new_every_day(desk: Desk, clock: Clock) -> None:
    desk.rules(budget=1)
    desk.push("一")
    desk.push("二")
    assert desk.work() == ["一"]
    at(clock, 9, days=1)
    assert desk.work() == ["二"]


def test_what_cannot_wait_for_the_digest_goes_over_budget(desk: Desk, clock: Clock) -> None:
    desk.rules(budget=1)
    desk.push("一")
    desk.push("一小时后开始", lasts=timedelta(hours=1))
    assert sorted(desk.work()) == ["一", "一小时后开始"]


def test_a_digest_has_whole_texts_and_leaves_the_rest_for_tomorrow(desk: Desk, clock: Clock) -> None:
    desk.rules(budget=1)
    desk.push("一")
    desk.work()
    long = {n: f"{n}" * 250 for n in "甲乙丙"}
    for text in long.values():
        desk.push(text)
    desk.work()
    at(clock, 18, 10)
    (digest,) = desk.work()
    assert long["甲"] in digest
    assert long["乙"] in digest
    assert len(digest.encode()) <= 2048
    at(clock, 7, 30, days=1)
    assert desk.work() == [long["丙"]]


def test_no_more_than_thirty_a_minute_for_one_member(desk: Desk, clock: Clock) -> None:
    for number in range(35):
        desk.push(f"{number}", URGENT)
    assert len(desk.work()) == 30
    clock.sleep(timedelta(minutes=1))
    assert len(desk.work()) == 5


def test_what_another_sender_has_in_hand_counts_too(bot: App, desk: Desk, clock: Clock) -> None:
    for number in range(35):
        desk.push(f"{number}", URGENT)
    counts = []
    for _ in range(2):
        with bot.database.write() as session:
            counts.append(len(delivery.claim(session, clock(), {"wecom": desk}, most=20).groups))
    assert counts == [20, 10]


def test_somebody_who_left_the_branch_gets_nothing(desk: Desk) -> None:
    desk.push("routine")
    desk.member(active=False)
    assert desk.work() == []
    assert desk.state("routine") is OutboxState.FAILED


def test_what_is_urgent_goes_first(desk: Desk) -> None:
    for number in range(60):
        desk.push(f"{number}", ANSWER)
    desk.push("urgent", URGENT)
    assert desk.work()[0] == "urgent"


@pytest.mark.parametrize(
    ("clock_time", "ends"),
    [
        ("21:29", None),
        ("21:30", "2026-11-24 07:30"),
        ("00:10", "2026-11-23 07:30"),
        ("07:29", "2026-11-23 07:30"),
        ("07:30", None),
    ],
)
def test_quiet_hours_over_midnight(clock: Clock, clock_time: str, ends: str | None) -> None:
    hour, minute = map(int, clock_time.split(":"))
    until = BranchRules().quiet_until(clock().replace(hour=hour, minute=minute))
    assert (f"{until:%Y-%m-%d %H:%M}" if until else None) == ends
