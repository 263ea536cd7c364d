"""Kills the server at random while people write, and then holds what the phones saw against what the database has.

The platform is the simulator over real HTTP: encrypted posts, five seconds of patience, up to three repetitions with the same MsgId.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from bot.channels.outbound import shown_as_text
from bot.models.activity import Activity, Attendance
from bot.models.identity import Inbox
from bot.models.member import Member
from bot.models.notice import Notice, Receipt
from bot.models.outbox import Outbox, OutboxState
from bot.models.points import PointEntry
from bot.models.quiz import Attempt
from bot.services import check_in_word, points
from scheduler.delivery import deliver
from tests.faults import phones
from tests.faults.rig import DATABASES, Process, Rig, rig

SECRETARY = "王建国"
WRITERS = ("张伟", "古丽", "李明", "刘芳", "陈刚", "赵敏", "阿不力孜")
VERDICT = re.compile(r"(正确。|不对，正确答案)")
CHECKED_IN, PUBLISHED, SENT_NOTICE = (
    "签到成功",
    re.compile(r"已发布 #(\d+)"),
    re.compile(r"通知 #(\d+) (?:正在发送|将在)"),
)
CONFIRMED = re.compile(r"已确认 \d\d:\d\d：#(\d+)")
LONG_ANSWERS = 100
"""How many answers the long run waits for at most between two kills."""
PATIENCE_S = 20
LEASES_END = timedelta(minutes=11)


@dataclass
class Said:
    """One message and what its sender saw: ``shown`` is None when the platform gave up."""

    name: str
    text: str
    shown: str | None


@dataclass
class Diary:
    """Everything that was said, by MsgId."""

    messages: dict[str, Said] = field(default_factory=dict)
    repeated: int = 0
    answered: int = 0

    def note(self, name: str, text: str, number: str, attempts: int, shown: str | None) -> None:
        """One exchange that is over."""
        self.messages[number] = Said(name, text, shown)
        self.repeated += attempts - 1
        self.answered += shown is not None


@dataclass(frozen=True)
class Figures:
    """What one run came to."""

    kills: int
    messages: int
    acknowledged: int
    repeated: int
    effects: int
    pushes: int
    seconds: float


class Life:
    """The people, each in a thread of their own, until told to stop."""

    def __init__(self, whole: Rig, seed: int) -> None:
        self.whole, self.seed = whole, seed
        self.diary = Diary()
        self.enough = threading.Event()
        self.trouble: list[BaseException] = []
        acts = [(SECRETARY, self._leads), *((name, self._takes_part) for name in WRITERS)]
        self.threads = [threading.Thread(target=self._lives, args=one, daemon=True) for one in acts]

    def begin(self) -> None:
        """Everybody starts to write."""
        for thread in self.threads:
            thread.start()

    def wait_for(self, answers: int) -> None:
        """Until so many more messages were answered."""
        wanted, until = self.diary.answered + answers, time.monotonic() + PATIENCE_S
        while self.diary.answered < wanted and time.monotonic() < until and not self.trouble:
            time.sleep(0.005)

    def end(self) -> None:
        """Everybody finishes the message in hand."""
        self.enough.set()
        for thread in self.threads:
            thread.join()
        if self.trouble:
            raise self.trouble[0]

    def _lives(self, name: str, acts: Callable[[str, random.Random, int], None]) -> None:
        chance = random.Random(f"{self.seed} {name}")
        turn = 0
        try:
            while not self.enough.is_set():
                turn += 1
                acts(name, chance, turn)
                self.enough.wait(chance.uniform(0.0, 0.1))
        except BaseException as error:
            self.trouble.append(error)

    def _say(self, name: str, text: str) -> str:
        done = self.whole.platform.say(name, text)
        answered = done.status == 200
        self.diary.note(name, text, done.msg_id, done.attempts, done.text if answered else None)
        return done.text if answered else ""

    def _leads(self, name: str, chance: random.Random, turn: int) -> None:
        if turn % 3 == 0:
            asked = self._say(name, f"发布主题党日 11月23日9:30 三楼会议室 主题:第{turn}次学习")
        else:
            asked = self._say(name, f"通知 全体 第{turn}号通知请查收 需回执 加急 演练")
        if "预览" in asked:
            self._say(name, "确认")
        self.enough.wait(chance.uniform(0.5, 1.5))

    def _takes_part(self, name: str, chance: random.Random, turn: int) -> None:
        what = chance.random()
        if what < 0.6:
            if VERDICT.search(said := self._say(name, "不会")) is None and "没看懂" in said:
                self._say(name, "专项 安规")
        elif what < 0.8:
            self._checks_in(name)
        else:
            self._confirms(name)

    def _checks_in(self, name: str) -> None:
        with self.whole.app.database.read() as session:
            there = (
                select(Attendance.activity_id)
                .join(Member, Member.id == Attendance.member_id)
                .where(Member.name == name)
            )
            activity = session.scalars(select(Activity).where(Activity.id.not_in(there)).limit(1)).first()
        if activity is not None:
            self._say(name, f"签到 {check_in_word.word(activity, self.whole.clock()).text}")

    def _confirms(self, name: str) -> None:
        with self.whole.app.database.read() as session:
            mine = (Member.name == name, Receipt.confirmed_at.is_(None))
            number = session.scalar(
                select(Receipt.notice_id).join(Member, Member.id == Receipt.member_id).where(*mine).limit(1)
            )
        if number is not None:
            self._say(name, f"收到 #{number}")


def run(
    database: str,
    kills: int,
    seed: int,
    *,
    web: int = 1,
    jobs: int = 0,
    answers: int = 20,
    say: Callable[[str], object] = print,
) -> Figures:
    """One run; raises AssertionError with what is wrong. With ``jobs`` the web processes do no jobs themselves."""
    say(f"{database}: {kills} kills, {web} web and {jobs} job processes, seed {seed}")
    chance = random.Random(seed)
    with DATABASES[database]() as (folder, url), rig(folder, url, random.Random(seed + 1)) as whole:
        processes = [whole.add("web" if jobs else "all") for _ in range(web)] + [
            whole.add("jobs") for _ in range(jobs)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.wait()
        life = Life(whole, seed)
        life.begin()
        for number in range(kills):
            _kill_one(life, processes, chance, answers)
            if (number + 1) % 20 == 0:
                say(f"  {number + 1} kills, {len(life.diary.messages)} messages")
        life.end()
        _settle(whole, processes)
        figures = _examine(whole, life.diary, kills)
        say(f"  {figures}")
        return figures


def _kill_one(life: Life, processes: list[Process], chance: random.Random, most: int) -> None:
    """After some answers, or (one kill in eight) while it is still starting."""
    process = chance.choice(processes)
    if chance.random() > 1 / 8:
        process.wait()
        life.wait_for(chance.randint(1, most))
        time.sleep(chance.uniform(0.0, 0.3))
    process.kill()
    process.start()


def _settle(whole: Rig, processes: Iterable[Process]) -> None:
    """All processes end; ten minutes later, when every lease has ended, what is due is sent to the last row."""
    for process in processes:
        process.kill()
    for _ in range(40):
        whole.later(LEASES_END)
        deliver(whole.app.node, whole.clock())
        with whole.app.database.read() as session:
            failed = (Outbox.state == OutboxState.WAITING, Outbox.attempts > 0)
            if not session.scalar(select(func.count()).where(*failed)):
                return
    raise AssertionError("pushes are left that never end")


def _examine(whole: Rig, diary: Diary, kills: int) -> Figures:
    with whole.app.database.read() as session:
        inbox = _inbox(session)
        _compare_answers(diary, inbox)
        effects = _compare_effects(session, diary, inbox)
        assert points.verify(session) == []
        pushes = _compare_pushes(session, whole)
    _nothing_unexpected(whole.logs())
    acknowledged = sum(said.shown is not None for said in diary.messages.values())
    seconds = time.monotonic() - whole.started
    return Figures(
        kills, len(diary.messages), acknowledged, diary.repeated, effects, pushes, round(seconds, 1)
    )


def _inbox(session: Session) -> dict[str, str]:
    """The stored answer to each message."""
    rows = session.execute(select(Inbox.message_id, Inbox.reply)).all()
    assert len({row.message_id for row in rows}) == len(rows)
    return {row.message_id: row.reply["text"] for row in rows}


def _compare_answers(diary: Diary, inbox: dict[str, str]) -> None:
    for number, said in diary.messages.items():
        if said.shown is not None:
            kept = shown_as_text(inbox.get(number, ""))
            assert kept == said.shown, f"{said.name} saw {said.shown!r}, kept is {kept!r}"
    assert inbox.keys() <= diary.messages.keys(), "an answer to a message that nobody sent"


def _compare_effects(session: Session, diary: Diary, inbox: dict[str, str]) -> int:
    """Each effect with the one message that made it, and each such message with its effect."""
    by_answer: Counter[tuple[str, str]] = Counter()
    for number, answer in inbox.items():
        said = diary.messages[number]
        for what in _claimed(said, answer):
            by_answer[what] += 1
    in_tables = Counter(_effects(session))
    assert by_answer == in_tables, f"only said: {by_answer - in_tables}; only there: {in_tables - by_answer}"
    capped = select(func.count()).where(PointEntry.rule == "attend")
    assert (session.scalar(capped) or 0) <= (session.scalar(select(func.count(Attendance.id))) or 0)
    return sum(in_tables.values())


def _claimed(said: Said, answer: str) -> Iterable[tuple[str, str]]:
    """The effects that an answer says its message had."""
    if said.text == "不会" and VERDICT.match(answer):
        yield "attempt", said.name
    if answer.startswith(CHECKED_IN):
        yield "attendance", said.name
    for pattern, what in (
        (PUBLISHED, "activity"),
        (SENT_NOTICE, "notice"),
        (CONFIRMED, f"receipt of {said.name}"),
    ):
        if found := pattern.match(answer):
            yield what, found[1]


def _effects(session: Session) -> Iterable[tuple[str, str]]:
    for model in (Attempt, Attendance):
        for name in session.scalars(select(Member.name).join(model, model.member_id == Member.id)):
            yield model.__tablename__, name
    yield from (("activity", str(number)) for number in session.scalars(select(Activity.id)))
    # The notice of an activity is written with it, by the same message.
    own: ColumnElement[bool] = Notice.activity_id.is_(None)
    yield from (("notice", str(number)) for number in session.scalars(select(Notice.id).where(own)))
    # Who writes a notice has read it.
    confirmed = (
        select(Receipt.notice_id, Member.name)
        .join(Member, Member.id == Receipt.member_id)
        .join(Notice, Notice.id == Receipt.notice_id)
        .where(Receipt.confirmed_at.is_not(None), Notice.author_id != Member.id)
    )
    yield from ((f"receipt of {name}", str(number)) for number, name in session.execute(confirmed))


def _compare_pushes(session: Session, whole: Rig) -> int:
    """Every row sent is on the phone once, nothing is there that was not sent, and every row has an end or waits."""
    states = set(session.scalars(select(Outbox.state).distinct()))
    assert states <= {OutboxState.SENT, OutboxState.WAITING, OutboxState.EXPIRED, OutboxState.MERGED}
    recorded, shown = phones.sent(session), phones.seen(whole.platform)
    assert shown == recorded, f"only on phones: {shown - recorded}; only recorded: {recorded - shown}"
    return sum(recorded.values())


def _nothing_unexpected(logs: str) -> None:
    bad = [line for line in logs.splitlines() if " ERROR " in line or "Traceback" in line]
    assert not bad, f"{len(bad)} unexpected lines, the first: {bad[0]}"


def main(arguments: list[str]) -> None:
    """``kill [KILLS [SEED]]``: on SQLite one process, on PostgreSQL two web and two job processes."""
    kills = int(arguments[0]) if arguments else 100
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    run("sqlite", kills, seed, answers=LONG_ANSWERS)
    run("postgresql", kills, seed, web=2, jobs=2, answers=LONG_ANSWERS)
