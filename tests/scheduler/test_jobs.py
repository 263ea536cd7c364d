"""The product's jobs: study in the morning, reminders before activities, tokens, cleaning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from bot.chat import SendError
from bot.clock import Clock
from bot.models.activity import Activity, ActivityState, SignUp, SignUpState
from bot.models.identity import Identity, Inbox
from bot.models.job import JobRun
from bot.models.member import Member, MemberStatus
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.services import setting
from content.holidays import Calendar, Freeze
from scheduler import runner
from scheduler.delivery import deliver
from scheduler.housekeeping import clean
from scheduler.runner import Job, Node, run_due
from scheduler.tokens import refresh
from tests.chat import PhoneBook
from tests.scheduler.conftest import FakeChannel

OURS = {"study", "reminders"}
TICKS = (time(0, 5), time(8, 0), time(8, 5), time(12), time(16, 55), time(17), time(20), time(23, 55))


@pytest.fixture(autouse=True)
def only_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Study and reminders alone, so that a count is a count of theirs."""
    found: list[Job] = [job for job in runner.discover() if job.name in OURS]
    monkeypatch.setattr(runner, "discover", lambda: iter(found))


@pytest.fixture
def play(node: Node, clock: Clock) -> Callable[[datetime], None]:
    """Live until a moment as a running node does, with a tick at some times of each day."""
    run_due(node, clock())

    def until(moment: datetime) -> None:
        days = [(clock() + timedelta(days=day)).date() for day in range((moment - clock()).days + 2)]
        ticks = [datetime.combine(day, tick, tzinfo=moment.tzinfo) for day in days for tick in TICKS]
        for tick in [*(tick for tick in ticks if clock() < tick < moment), moment]:
            clock.jump(tick)
            run_due(node, clock())
            deliver(node, clock())

    return until


def at(clock: Clock, day: int, hour: int, minute: int = 0) -> datetime:
    return clock().replace(day=day, hour=hour, minute=minute)


def studies(wecom: FakeChannel, user: str = "zhangwei") -> int:
    return sum(text.startswith("今日学习") for text in wecom.texts(user))


# Study ------------------------------------------------------------------------------------------------------------------


def test_study_comes_at_five_past_eight_once(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 24, 8))
    assert studies(wecom) == 0
    play(at(clock, 24, 8, 5))
    assert studies(wecom) == 1
    play(at(clock, 24, 23))
    assert studies(wecom) == 1
    play(at(clock, 25, 9))
    assert studies(wecom) == 2


def test_study_comes_on_working_days_and_make_up_days_only(
    node: Node,
    clock: Clock,
    wecom: FakeChannel,
    monkeypatch: pytest.MonkeyPatch,
    play: Callable[[datetime], None],
) -> None:
    calendar = Calendar(
        off=frozenset({date(2026, 11, 24)}), work=frozenset({date(2026, 11, 28)}), years=frozenset({2026})
    )
    monkeypatch.setattr(setting, "calendar", lambda: calendar)
    play(at(clock, 24, 21))
    assert studies(wecom) == 0, "a holiday"
    play(at(clock, 27, 21))
    assert studies(wecom) == 3
    play(at(clock, 28, 21))
    assert studies(wecom) == 4, "a make-up Saturday"
    play(at(clock, 29, 21))
    assert studies(wecom) == 4, "a Sunday"


def test_study_follows_the_branchs_own_time_and_days(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    with node.database.write() as session:
        branch = session.scalars(select(Organisation).where(Organisation.name == "检修党支部")).one()
        setting.change(session, branch, actor=None, now=clock(), study_time=time(10, 30), study_days=(1, 3))
    play(at(clock, 24, 10, 25))
    assert studies(wecom) == 0
    play(at(clock, 24, 10, 30))
    assert studies(wecom) == 1
    play(at(clock, 27, 23))
    assert studies(wecom) == 2


def test_after_downtime_in_the_morning_study_is_caught_up(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 24, 7))
    clock.jump(at(clock, 24, 11))
    run_due(node, clock())
    deliver(node, clock())
    assert studies(wecom) == 1


def test_study_missed_all_day_is_not_sent_at_midnight(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 24, 7))
    clock.jump(at(clock, 24, 20, 1))
    play(at(clock, 25, 8))
    assert studies(wecom) == 0
    with node.database.read() as session:
        assert session.scalar(select(func.count(Outbox.id))) == 0
    play(at(clock, 25, 9))
    assert studies(wecom) == 1


def test_study_that_could_not_be_sent_all_day_is_not_sent_at_midnight_either(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 24, 8))
    wecom.errors = [SendError(-1, "busy") for _ in range(3)]
    clock.jump(at(clock, 24, 8, 5))
    run_due(node, clock())
    deliver(node, clock())
    clock.jump(at(clock, 24, 23, 55))
    assert deliver(node, clock()) == 0
    with node.database.read() as session:
        assert set(session.scalars(select(Outbox.state))) == {OutboxState.EXPIRED}


def test_colleagues_outside_the_party_and_those_who_left_get_no_study(
    node: Node, clock: Clock, wecom: FakeChannel, play: Callable[[datetime], None]
) -> None:
    with node.database.write() as session:
        people = {m.name: m for m in session.scalars(select(Member))}
        people["李明"].status, people["古丽"].active = MemberStatus.COLLEAGUE, False
    play(at(clock, 24, 9))
    assert studies(wecom) == 1
    assert studies(wecom, "liming") == studies(wecom, "guli") == 0


def test_a_member_on_duty_gets_no_study_but_sees_it_when_writing(
    node: Node, clock: Clock, wecom: FakeChannel, phone: PhoneBook, play: Callable[[datetime], None]
) -> None:
    phone("张伟")("暂停提醒 3天")
    play(at(clock, 24, 9))
    assert studies(wecom) == 0
    assert studies(wecom, "guli") == 1
    assert "有 1 条没送到的消息" in phone("张伟")("菜单")


def test_no_study_in_a_freeze_period(
    node: Node,
    clock: Clock,
    wecom: FakeChannel,
    monkeypatch: pytest.MonkeyPatch,
    play: Callable[[datetime], None],
) -> None:
    freeze = Freeze(date(2026, 11, 24), date(2026, 11, 25), "保电")
    frozen = Calendar(frozenset(), frozenset(), frozenset(), (freeze,))
    monkeypatch.setattr(setting, "calendar", lambda: frozen)
    play(at(clock, 25, 21))
    assert studies(wecom) == 0
    play(at(clock, 26, 21))
    assert studies(wecom) == 1


# Reminders --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def activity(node: Node, clock: Clock) -> int:
    """A theme day on Friday 27th at 14:30: 张伟 signed up, 古丽 on leave, 李明 asked leave, the others silent."""
    with node.database.write() as session:
        people = {m.name: m for m in session.scalars(select(Member))}
        wang = people["王建国"]
        starts = at(clock, 27, 14, 30)
        row = Activity(
            branch_id=wang.branch_id,
            kind="主题党日",
            theme="宪法宣传进班组",
            place="三楼会议室",
            starts_at=starts,
            ends_at=starts + timedelta(hours=2),
            signup_closes_at=at(clock, 26, 17),
            secret="s",
            created_by=wang.id,
            published_at=clock(),
        )
        session.add(row)
        session.flush()
        answers = {
            "张伟": SignUpState.SIGNED_UP,
            "古丽": SignUpState.LEAVE_GRANTED,
            "李明": SignUpState.LEAVE_ASKED,
        }
        for name, member in people.items():
            state = answers.get(name, SignUpState.INVITED)
            answered = None if state is SignUpState.INVITED else clock()
            session.add(SignUp(activity_id=row.id, member_id=member.id, state=state, answered_at=answered))
        return row.id


def about(wecom: FakeChannel, user: str) -> list[str]:
    """The first words of what somebody got about the activity."""
    return [text[:2] if text.startswith("提醒") else "催" for text in wecom.texts(user) if "宪法" in text]


def test_reminders_go_to_those_signed_up_and_one_nudge_to_the_silent(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 16, 55))
    assert about(wecom, "zhangwei") == about(wecom, "sunlei") == []
    play(at(clock, 26, 17))
    assert about(wecom, "zhangwei") == ["提醒"]
    assert about(wecom, "sunlei") == ["催"]
    play(at(clock, 27, 13, 25))
    assert about(wecom, "zhangwei") == ["提醒"]
    play(at(clock, 27, 13, 30))
    assert about(wecom, "zhangwei") == ["提醒", "提醒"]
    play(at(clock, 27, 18))
    assert about(wecom, "zhangwei") == ["提醒", "提醒"]
    assert about(wecom, "sunlei") == ["催"]
    assert about(wecom, "guli") == about(wecom, "liming") == []


def test_a_reminder_says_what_is_true_whenever_it_is_read(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 17))
    (reminder,) = (text for text in wecom.texts("zhangwei") if "宪法" in text)
    assert "2026年11月27日(周五)14:30" in reminder
    assert "三楼会议室" in reminder
    assert "明天" not in reminder


def test_after_a_day_of_downtime_only_what_is_still_of_use_comes(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 12))
    clock.jump(at(clock, 27, 13, 40))
    play(at(clock, 27, 13, 45))
    assert about(wecom, "zhangwei") == ["提醒"]
    assert about(wecom, "sunlei") == []


def test_after_the_start_nobody_is_reminded(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 12))
    clock.jump(at(clock, 27, 14, 30))
    play(at(clock, 27, 15))
    assert about(wecom, "zhangwei") == []


def test_a_cancelled_activity_reminds_nobody(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    with node.database.write() as session:
        session.get_one(Activity, activity).state = ActivityState.CANCELLED
    play(at(clock, 27, 15))
    assert about(wecom, "zhangwei") == about(wecom, "sunlei") == []


def test_a_moved_activity_is_reminded_of_again(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 18))
    with node.database.write() as session:
        row = session.get_one(Activity, activity)
        row.starts_at, row.ends_at = at(clock, 28, 14, 30), at(clock, 28, 16, 30)
    play(at(clock, 27, 18))
    assert about(wecom, "zhangwei") == ["提醒", "提醒"]


def test_who_signs_up_after_the_reminder_is_not_reminded_at_once(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 17, 30))
    with node.database.write() as session:
        sun = session.scalars(select(Member.id).where(Member.name == "孙磊")).one()
        row = session.get_one(SignUp, (activity, sun))
        row.state, row.answered_at = SignUpState.SIGNED_UP, clock()
    play(at(clock, 26, 20))
    assert about(wecom, "sunlei") == ["催"]
    play(at(clock, 27, 13, 30))
    assert about(wecom, "sunlei") == ["催", "提醒"]


def test_somebody_nudged_by_the_secretary_lately_is_left_alone(
    node: Node, clock: Clock, wecom: FakeChannel, activity: int, play: Callable[[datetime], None]
) -> None:
    play(at(clock, 26, 15))
    with node.database.write() as session:
        sun = session.scalars(select(Member.id).where(Member.name == "孙磊")).one()
        session.get_one(SignUp, (activity, sun)).nudged_at = clock()
    play(at(clock, 27, 12))
    assert about(wecom, "sunlei") == []
    assert about(wecom, "zhoujie") == ["催"]


# Tokens and cleaning ----------------------------------------------------------------------------------------------------


def test_one_channel_without_a_token_does_not_keep_others_from_theirs(
    make_node: Callable[..., Node],
    clock: Clock,
    wecom: FakeChannel,
    oa: FakeChannel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(now: datetime) -> None:
        raise SendError(40001, "invalid secret", permanent=True)

    monkeypatch.setattr(wecom, "refresh_token", refused)
    refresh(make_node(wecom, oa), clock())
    assert oa.refreshed == [clock()]


def test_cleaning_forgets_what_is_old_and_keeps_the_rest(node: Node, clock: Clock) -> None:
    now = clock()
    with node.database.write() as session:
        identity = session.scalars(select(Identity)).first()
        member = session.scalars(select(Member)).first()
        assert identity is not None
        assert member is not None
        for number in range(1200):
            session.add(_answer(identity.id, f"old {number}", now - timedelta(days=31)))
        session.add(_answer(identity.id, "new", now - timedelta(days=29)))
        for key, days, state in (
            ("old sent", 401, OutboxState.SENT),
            ("old waiting", 401, OutboxState.WAITING),
            ("new sent", 399, OutboxState.SENT),
        ):
            session.add(_push(member.id, key, state, now - timedelta(days=days)))
        held = _push(member.id, "held", OutboxState.HELD, now)
        held.expires_at = now - timedelta(minutes=1)
        session.add(held)
        for job, days in (("daily", 90), ("daily", 61), ("daily", 1), ("yearly", 200)):
            slot = now - timedelta(days=days)
            session.add(
                JobRun(job=job, slot=slot, node="n", claimed_at=slot, finished_at=slot, outcome="done")
            )
    clean(node, now)
    with node.database.read() as session:
        assert session.scalars(select(Inbox.message_id)).all() == ["new"]
        kept = dict(session.execute(select(Outbox.key, Outbox.state)).all())
        assert kept == {
            "old waiting": OutboxState.WAITING,
            "new sent": OutboxState.SENT,
            "held": OutboxState.EXPIRED,
        }
        counts = select(JobRun.job, func.count()).group_by(JobRun.job)
        assert dict(session.execute(counts).all()) == {"daily": 1, "yearly": 1}


def _answer(identity_id: int, message_id: str, at: datetime) -> Inbox:
    return Inbox(
        channel="wecom", message_id=message_id, identity_id=identity_id, kind="text", answered_at=at, reply={}
    )


def _push(member_id: int, key: str, state: OutboxState, at: datetime) -> Outbox:
    return Outbox(
        key=key,
        member_id=member_id,
        urgency=Urgency.ROUTINE,
        body={"text": key},
        digest=key,
        state=state,
        available_at=at,
        created_at=at,
    )
