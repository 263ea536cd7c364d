"""Plays the story: people write to the dispatcher, the scheduler is looked at when something can be due, pushes land on simulated phones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import partial

from sqlalchemy import func, select

from bot import app as composition
from bot.models.job import JobRun
from bot.models.member import Member, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState
from bot.services import organisation, roster
from scheduler import runner
from tests.chat import Phone
from tests.handlers.test_quiz import the_answer
from tests.stage import Stage
from tests.year import expected, story
from tests.year.story import ADMIN, CHIEF, RECORDER, SHANGHAI, Meeting

HEADER = roster.COLUMNS
LINK = re.compile(r"https?://[^/]+(/m/download/\S+)")
RECEIPTS = ("青山", "绿水")

DAILY = {"study", "reminders", "cadence", "development", "settlement"}

Act = Callable[[], object]


@dataclass
class Year:
    """The branch on a stage. ``files`` are the exported documents; ``caught_up`` the jobs' claims on the morning after the downtime."""

    stage: Stage
    numbers: dict[str, int] = field(default_factory=dict)
    ledgers: dict[int, bytes] = field(default_factory=dict)
    minutes: dict[str, bytes] = field(default_factory=dict)
    sheets: dict[str, bytes] = field(default_factory=dict)
    caught_up: dict[str, list[tuple[datetime, str]]] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)

    def say(self, name: str, *lines: tuple[str, str]) -> str:
        """Say each first string and expect the second in the answer; the last answer."""
        answer = ""
        account = next(one.account for one in story.PEOPLE if one.name == name)
        for text, part in lines:
            answer = Phone(self.stage.bot, account)(text)
            assert part in answer, (
                f"{self.stage.clock():%m-%d %H:%M} {name} said {text!r}, expected {part!r} in:\n{answer}"
            )
        return answer

    def look(self, jobs: Collection[str] = ()) -> None:
        """Run what is due, all or the named jobs, and send what may go."""
        with _only(jobs):
            runner.run_due(self.stage.bot.node, self.stage.clock())
        self.stage.deliver()

    # The year's course

    def play(self) -> None:
        """From the first day to the last."""
        acts: dict[datetime, list[Act]] = defaultdict(list)
        for when, jobs in _looks():
            acts[when] = [partial(self.look, jobs)]
        for when, act in _acts(self):
            acts[when].append(act)
        for when in sorted(acts):
            if not expected.is_down(when):
                self._wait_until(when)
                for act in acts[when]:
                    act()
                self.stage.deliver()

    def _wait_until(self, when: datetime) -> None:
        """Deliver whenever a push becomes due on the way, and at the moment itself."""
        while (due := self._next_push()) is not None and due < when and not expected.is_down(due):
            self.stage.clock.jump(due)
            self.stage.deliver()
        self.stage.clock.jump(when)
        self.stage.deliver()

    def _next_push(self) -> datetime | None:
        now = self.stage.clock()
        waiting = (Outbox.state == OutboxState.WAITING, Outbox.available_at > now)
        with self.stage.bot.database.read() as session:
            return session.scalar(select(func.min(Outbox.available_at)).where(*waiting))

    # What people do

    def publish(self, meeting: Meeting) -> None:
        """One line, a preview, and a yes; sometimes the server is started anew between the two."""
        begins = meeting.moved_from or meeting.begins
        where = f"{meeting.place} {meeting.group}".strip()
        line = f"发布{meeting.kind} {begins.month}月{begins.day}日{begins:%H:%M} {where} 主题:{meeting.theme}"
        due = len(expected.invited(meeting))
        self.say(meeting.leader, (line, f"应到 {due} 人"))
        if meeting.kind == "主题党日" and meeting.begins.month % 3 == 0:
            self.restart()
        answer = self.say(meeting.leader, ("确认", f"正在发给 {due} 人"))
        found = re.search(r"已发布 #(\d+)", answer)
        assert found, answer
        self.numbers[meeting.theme] = int(found[1])

    def answer(self, meeting: Meeting) -> None:
        """Everybody who is not silent answers, and the secretary decides."""
        number = self.numbers[meeting.theme]
        asked = dict(meeting.leave)
        for name in expected.invited(meeting):
            if name in asked:
                self.say(name, (f"请假 #{number} {asked[name].reason}", "请假已提交"))
            elif name not in meeting.silent:
                self.say(name, (f"报名 #{number}", "报名成功"))
        for name, leave in meeting.leave:
            word = f"同意 {name}" if leave.granted else f"不同意 {name} 这次很重要"
            self.say(CHIEF, (word, "已同意" if leave.granted else "没有同意"))
            if not leave.granted:
                self.say(name, (f"报名 #{number}", "报名成功"))

    def move(self, meeting: Meeting) -> None:
        """To another day."""
        line = f"修改活动 #{self.numbers[meeting.theme]} 改到{meeting.begins.month}月{meeting.begins.day}日"
        self.say(meeting.leader, (line, "确认"), ("确认", "已修改"))

    def cancel(self, meeting: Meeting) -> None:
        """Called off."""
        line = f"取消活动 #{self.numbers[meeting.theme]} 抢修任务"
        self.say(meeting.leader, (line, "要取消"), ("确认", "已取消"))

    def staff(self, meeting: Meeting) -> None:
        """Who leads and who writes."""
        number = self.numbers[meeting.theme]
        self.say(
            meeting.leader, (f"主持人 #{number} {CHIEF}", CHIEF), (f"记录员 #{number} {RECORDER}", RECORDER)
        )

    def check_in(self, meeting: Meeting, names: Iterable[str]) -> None:
        """By the word of the minute."""
        shown = self.say(meeting.leader, (f"签到码 {self.numbers[meeting.theme]}", "签到码："))
        word = shown.partition("签到码：")[2].partition("\n")[0]
        for name in names:
            self.say(name, (f"签到 {word}", "签到成功"))

    def write(self, meeting: Meeting) -> None:
        """The record, line by line; one is put right."""
        number = self.numbers[meeting.theme]
        for line in meeting.lines:
            self.say(RECORDER, (f"记 #{number} {line[:-1]}", "已记第"))
        for count, line in enumerate(meeting.lines, 1):
            self.say(RECORDER, (f"改记 #{number} {count} {line}", "已改第"))

    def vote(self, meeting: Meeting) -> None:
        """From the question to the result."""
        ballot = meeting.ballot
        assert ballot is not None
        voters = expected.voters(meeting)
        self.say(
            CHIEF,
            (f"表决 {ballot.question}", "表决预览"),
            ("无记名" if ballot.secret else "记名", "表决开始"),
        )
        for place, name in enumerate(voters):
            word = "反对" if place < ballot.no else "弃权" if place < ballot.no + ballot.abstain else "赞成"
            receipt = f" {RECEIPTS[place % 2]}{place + 11}" if ballot.secret else ""
            self.say(name, (f"{word}{receipt}", "票"))
        self.say(CHIEF, ("结束表决", "要结束"), ("确认", "表决结果"))

    def correct(self, meeting: Meeting) -> None:
        """Those who were there and could not say so."""
        for name, reason in meeting.corrected:
            self.say(CHIEF, (f"补签 #{self.numbers[meeting.theme]} {name} {reason}", "已为"))

    def end(self, meeting: Meeting) -> None:
        """Ended, and what the documents then say."""
        figures = expected.Counts.of(meeting)
        self.say(
            meeting.leader, (f"结束活动 #{self.numbers[meeting.theme]}", "要结束"), ("确认", str(figures))
        )
        if meeting.kind in ("主题党日", "党员大会"):
            self.minutes[meeting.theme] = self.export(f"会议记录 #{self.numbers[meeting.theme]}")
            self.sheets[meeting.theme] = self.export(f"签到表 #{self.numbers[meeting.theme]}")

    def export(self, what: str) -> bytes:
        """The file behind the link."""
        answer = self.say(CHIEF, (f"导出 {what}", "/m/download/"))
        found = LINK.search(answer)
        assert found
        web = composition.create_flask(self.stage.bot).test_client()
        page = web.get(found[1])
        if page.mimetype == "text/html":
            page = web.post(found[1])
        assert page.status_code == 200, page.get_data(as_text=True)
        return page.get_data()

    def ledger(self, month: int) -> None:
        """The month's ledger on its last day."""
        self.ledgers[month] = self.export("本月台账")

    def study(self, name: str) -> None:
        """Today's material, to the end."""
        self.say(name, ("今日学习", "今日学习"), ("学完了", "已记下"))

    def quiz(self, name: str, right: int) -> None:
        """So many right answers in a row, then a wrong one."""
        self.say(name, ("挑战", "第1题"))
        for number in range(right + 1):
            text = the_answer(self.stage.bot.database, right=number < right, name=name)
            self.say(name, (text, "正确" if number < right else "正确答案"))

    def claim(self, one: story.Claim) -> None:
        """A claim."""
        self.say(one.name, (f"申报 {one.what}", "申报已收到"))

    def review(self, one: story.Claim) -> None:
        """The secretary's decision."""
        self.say(CHIEF, ("审核", one.what))
        if one.rule:
            self.say(CHIEF, ("同意", one.called), (one.called, "已同意"))
        else:
            self.say(CHIEF, ("不同意 与台账不符", "已记为不同意"))

    def give(self, one: story.Gift) -> None:
        """Points by hand; the number of the entry is kept for the correction."""
        answer = self.say(CHIEF, (f"加分 {one.name} {one.points} {one.why}", ""))
        if "按哪条规则" in answer:
            answer = self.say(CHIEF, (one.called, "已给"))
        assert f"+{one.points} 分" in answer, answer

    def take_back(self, one: story.Gift) -> None:
        """A correction of the newest entry that one got."""
        found = re.search(r"#(\d+) \+", self.say(one.name, ("积分明细", one.why)))
        assert found
        self.say(CHIEF, (f"更正 {found[1]} 记错了人", "已更正"))

    def settle(self) -> None:
        """The quarter before is made known."""
        self.say(CHIEF, ("结算", "积分结算草稿"), ("确认", "积分开始公示"))

    def leave(self, person: story.Person) -> None:
        """To the other branch with an admin's help, or out of use."""
        if person.name == "孙磊":
            self.say(ADMIN, (f"转出 {person.name} 到 {story.OTHER_BRANCH}", "已转接"))
        else:
            self.say(CHIEF, (f"停用 {person.name}", "要停用"), ("确认", "已停用"))

    def promote(self) -> None:
        """A probationary member becomes a full one."""
        name, _, since = story.PROMOTED
        self.say(CHIEF, (f"身份 {name} 正式党员 {since}", "已登记"))

    def restart(self) -> None:
        """Nothing of the old process is left."""
        self.stage.restart()

    def wake_up(self) -> None:
        """After the downtime: what the first look has claimed."""
        with self.stage.bot.database.read() as session:
            rows = session.scalars(select(JobRun).where(JobRun.claimed_at == self.stage.clock())).all()
        for row in rows:
            self.caught_up.setdefault(row.job, []).append((row.slot.astimezone(SHANGHAI), row.outcome))

    def tell(self) -> None:
        """What each member reads about the own points on the last day."""
        for person in expected.members(story.END):
            self.answers[person.name] = self.say(person.name, ("积分", "2026年第4季度共"))


# When what happens --------------------------------------------------------------------------------------------------------


def _acts(year: Year) -> Iterator[tuple[datetime, Act]]:
    for meeting in story.MEETINGS:
        yield from _of_meeting(year, meeting)
    for name, days in story.STUDIED:
        yield from ((_at(day, 12, 30), partial(year.study, name)) for day in days)
    for name, day, right in story.QUIZZED:
        yield _at(day, 12, 45), partial(year.quiz, name, right)
    for name, day in story.REFLECTED:
        yield _at(day, 12, 50), partial(year.say, name, ("感想 学得很实在，回去就改。", "感想已记下"))
    for claim in story.CLAIMS:
        yield claim.on, partial(year.claim, claim)
        yield claim.on + timedelta(hours=18), partial(year.review, claim)
    for gift in story.GIFTS:
        yield gift.on, partial(year.give, gift)
        if gift.back:
            yield gift.on + timedelta(minutes=10), partial(year.take_back, gift)
    yield from ((when, year.settle) for when in story.SETTLED)
    yield from ((one.left, partial(year.leave, one)) for one in story.PEOPLE if one.left)
    yield from ((when, year.restart) for when in story.RESTARTS)
    for month in range(1, 13):
        last = date(2026 + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        yield _at(last, 18, 40), partial(year.ledger, month)
    name, since, _ = story.PAUSE
    yield since, partial(year.say, name, ("暂停提醒 3天", "暂停"))
    yield story.PROMOTED[1], year.promote
    yield story.UP, year.wake_up
    yield _at(story.END.date(), 19), year.tell


def _of_meeting(year: Year, meeting: Meeting) -> Iterator[tuple[datetime, Act]]:
    begins = meeting.begins
    yield meeting.said, partial(year.publish, meeting)
    yield expected.answered_at(meeting), partial(year.answer, meeting)
    if meeting.moved_at:
        yield meeting.moved_at, partial(year.move, meeting)
    if meeting.cancelled_at:
        yield meeting.cancelled_at, partial(year.cancel, meeting)
        return
    on_time = expected.in_time(meeting)
    if meeting.lines:
        yield begins - _minutes(10), partial(year.staff, meeting)
        yield begins + _minutes(10), partial(year.write, meeting)
    if on_time:
        yield begins - _minutes(5), partial(year.check_in, meeting, on_time)
    for name, after in meeting.late:
        yield begins + _minutes(after), partial(year.check_in, meeting, [name])
    if meeting.ballot:
        yield begins + _minutes(45), partial(year.vote, meeting)
    if meeting.corrected:
        yield meeting.closes - _minutes(5), partial(year.correct, meeting)
    yield meeting.closes, partial(year.end, meeting)


def _looks() -> Iterator[tuple[datetime, Collection[str]]]:
    """When which jobs can have something to do: in the mornings, before each meeting, and when a settlement becomes final.

    Jobs that have no part in the story run on Mondays only, and ordinary weekends, which are all alike, are looked at in January.
    """
    for meeting in story.MEETINGS:
        yield _at(meeting.begins.date() - timedelta(days=1), 17), {"reminders"}
        yield meeting.begins - timedelta(hours=1), {"reminders"}
    for when in story.SETTLED:
        yield expected.notice_ends(when.date()) + timedelta(minutes=11), {"settlement"}
    for day in expected.days():
        if expected.is_workday(day) or expected.is_special(day) or day.month == 1:
            yield _at(day, 8, 41), () if day.weekday() == 0 else DAILY
    yield story.UP, ()


@contextmanager
def _only(jobs: Collection[str]) -> Iterator[None]:
    """The scheduler knows these jobs alone; without names it knows all."""
    discover = runner.discover
    runner.discover = lambda: (job for job in discover() if not jobs or job.name in jobs)
    try:
        yield
    finally:
        runner.discover = discover


def _minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


def _at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), SHANGHAI)


# The branch on its first day ----------------------------------------------------------------------------------------------


def fill(stage: Stage) -> None:
    """The roster, and an admin of the committee above both branches, whom nobody can appoint by chat."""
    with stage.bot.database.write() as session:
        rows = [(n, dict(zip(HEADER, _row(n, one), strict=True))) for n, one in enumerate(story.PEOPLE, 2)]
        report = roster.import_rows(session, rows, secret="a secret only for tests", now=stage.clock())
        assert len(report.added) == len(story.PEOPLE), report
        top = session.scalars(select(Organisation).where(Organisation.parent_id.is_(None))).one()
        organisation.ensure_path(session, f"{top.name}/{story.OTHER_BRANCH}")
        admin = session.scalars(select(Member).where(Member.name == ADMIN)).one()
        role = Role(
            member_id=admin.id, name=RoleName.ADMIN, organisation_id=top.id, starts_on=stage.clock().date()
        )
        session.add(role)


def _row(number: int, one: story.Person) -> tuple[str, ...]:
    branch = f"示范供电公司党委/{one.branch}"
    return (
        one.name,
        one.account,
        f"D{number:04}",
        branch,
        one.group,
        "检修班",
        one.status,
        one.post,
        one.joined,
        "",
    )
