"""Votes: who must be there, what passes, one member one vote, and what somebody with the whole database can find out."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError

from bot import nlu
from bot.clock import Clock
from bot.db import Base, Database
from bot.models.activity import Activity, Attendance, SignUp
from bot.models.ballot import Ballot, Choice, Vote, Voter, VoteState
from bot.models.member import Member, MemberStatus
from bot.models.outbox import Outbox
from bot.services import ballot, ballot_box, decision, motion, organisation, outcome, tally
from bot.services.decision import ADMISSION, COMMITTEE, MEETING
from bot.services.permission import actor_of
from bot.services.tally import Basis, Counts

YES, NO, ABSTAIN = Choice
FULL = ("王建国", "张伟", "古丽", "刘芳", "陈刚", "赵敏", "阿不力孜", "孙磊", "周洁", "马强", "吴霞")
PLAN = "通过本季度工作计划"


def meet(database: Database, now: datetime, present: Sequence[str], *, kind: str = MEETING) -> int:
    """A meeting of the branch of those named, who are checked in; it began ten minutes ago. Its number."""
    with database.write() as session:
        there = session.scalars(select(Member).where(Member.name.in_(present))).all()
        activity = Activity(
            branch_id=there[0].branch_id,
            kind=kind,
            theme="第四季度会议",
            place="三楼会议室",
            starts_at=now - timedelta(minutes=10),
            ends_at=now + timedelta(hours=2),
            signup_closes_at=now - timedelta(minutes=10),
            secret="word maker",
            created_by=there[0].id,
            published_at=now - timedelta(days=3),
        )
        session.add(activity)
        session.flush()
        invited = session.scalars(
            select(Member.id).where(Member.active, Member.branch_id == activity.branch_id)
        )
        session.add_all(SignUp(activity_id=activity.id, member_id=one) for one in invited)
        session.add_all(Attendance(activity_id=activity.id, member_id=one.id, at=now) for one in there)
        return activity.id


def person(database: Database, name: str) -> Member:
    with database.read() as session:
        return session.scalars(select(Member).where(Member.name == name)).one()


def leave(database: Database, *names: str) -> None:
    """These are not on the roster any more."""
    with database.write() as session:
        session.execute(update(Member).where(Member.name.in_(names)).values(active=False))


class Chair:
    """王建国 holds votes; everybody else is named."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.database, self.clock = database, clock

    def opens(self, question: str = PLAN, *, secret: bool = False, who: str = "王建国") -> int:
        with self.database.write() as session:
            chair = session.scalars(select(Member).where(Member.name == who)).one()
            return ballot.open_vote(session, chair, question, secret=secret, now=self.clock()).id

    def votes(self, name: str, choice: Choice, receipt: str = "") -> None:
        with self.database.write() as session:
            member = session.scalars(select(Member).where(Member.name == name)).one()
            ballot.cast(session, member, choice, receipt)

    def closes(self, number: int, *, who: str = "王建国") -> Vote:
        with self.database.write() as session:
            chair = session.scalars(select(Member).where(Member.name == who)).one()
            return ballot.close(session, chair, number, now=self.clock())

    def box(self) -> list[tuple[str, Choice]]:
        """The ballots as they come without an ORDER BY."""
        with self.database.read() as session:
            return [(one, choice) for one, choice in session.execute(select(Ballot.receipt, Ballot.choice))]


@pytest.fixture
def chair(database: Database, clock: Clock) -> Chair:
    return Chair(database, clock)


# Arithmetic -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("due", "yes", "carried"),
    [
        (11, 5, False),
        (11, 6, True),
        (10, 5, False),
        (10, 6, True),
        (1, 0, False),
        (1, 1, True),
        (2, 1, False),
        (50, 25, False),
    ],
)
def test_a_motion_passes_with_more_than_half_of_those_due(due: int, yes: int, carried: bool) -> None:
    assert decision.passes(yes, due) is carried
    assert (yes >= decision.needed_yes(due)) is carried


@pytest.mark.parametrize(
    ("rule", "due", "needed"),
    [
        (MEETING, 10, 5),
        (MEETING, 11, 6),
        (COMMITTEE, 5, 3),
        (COMMITTEE, 4, 2),
        (ADMISSION, 10, 6),
        (ADMISSION, 11, 6),
    ],
)
def test_half_must_be_there_and_more_than_half_for_an_admission(rule: str, due: int, needed: int) -> None:
    assert decision.rule(rule).needed_present(due) == needed


def test_the_rules_are_cited_from_the_clause_library() -> None:
    assert decision.rule(MEETING).source == "《中国共产党支部工作条例（试行）》第十一条"
    assert decision.rule(COMMITTEE).source == "《中国共产党支部工作条例（试行）》第十二条"
    assert "发展党员工作细则" in decision.rule(ADMISSION).source


@pytest.mark.parametrize(
    "question", ["同意发展李明为预备党员", "同意李明按期转正", "接收张三同志入党", "延长李明预备期半年"]
)
def test_questions_of_admission_have_the_stricter_rule(question: str) -> None:
    assert decision.rule_for(MEETING, question).name == ADMISSION


@pytest.mark.parametrize("question", [PLAN, "同意张三列为发展对象", "推荐王强为先进个人"])
def test_other_questions_have_the_rule_of_the_meeting(question: str) -> None:
    assert decision.rule_for(MEETING, question).name == MEETING
    assert decision.rule_for(COMMITTEE, question).name == COMMITTEE


@pytest.mark.parametrize("question", ["选举新一届支委会", "换届", "补选张伟为宣传委员", "选张伟当书记"])
def test_an_election_is_known_by_its_words(question: str) -> None:
    assert decision.is_election(question)


@pytest.mark.parametrize("question", ["通过换届选举工作方案", "通过选举办法", PLAN, "评选先进个人"])
def test_what_only_prepares_an_election_is_none(question: str) -> None:
    assert not decision.is_election(question)


# Opening ----------------------------------------------------------------------------------------------------------------


def test_probationary_members_are_not_counted(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), [*FULL, "李明"])
    number = chair.opens()
    with database.read() as session:
        assert session.get_one(Vote, number).entitled == 11
        assert person(database, "李明").id not in session.scalars(select(Voter.member_id)).all()
    with pytest.raises(ballot.NoVoteOnProbation, match="第七条"):
        chair.votes("李明", YES)


@pytest.mark.parametrize(("question", "enough"), [(PLAN, 5), ("同意发展张三为预备党员", 6)])
def test_the_quorum_is_half_of_those_due(
    chair: Chair, database: Database, clock: Clock, question: str, enough: int
) -> None:
    leave(database, "吴霞")  # ten are due
    number = meet(database, clock(), FULL[: enough - 1])
    with pytest.raises(motion.NoQuorum, match=f"应到 10 人，已签到 {enough - 1} 人，至少要 {enough} 人"):
        chair.opens(question)
    with database.write() as session:
        late = session.scalars(select(Member.id).where(Member.name == FULL[enough - 1])).one()
        session.add(Attendance(activity_id=number, member_id=late, at=clock()))
    assert chair.opens(question)


def test_a_probationary_member_does_not_make_the_quorum(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), [*FULL[:5], "李明"])
    with pytest.raises(motion.NoQuorum, match="已签到 5 人"):
        chair.opens()


def test_in_the_committee_only_its_members_vote(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), ["王建国", "刘芳", "陈刚", "张伟"], kind=COMMITTEE)
    number = chair.opens()
    with database.read() as session:
        assert session.get_one(Vote, number).entitled == 5
    with pytest.raises(ballot.NotOnTheRegister, match="支部委员"):
        chair.votes("张伟", YES)
    for name in ("王建国", "刘芳", "陈刚"):
        chair.votes(name, YES)
    assert outcome.passed(chair.closes(number))


def test_without_a_meeting_there_is_no_vote(chair: Chair, database: Database, clock: Clock) -> None:
    with pytest.raises(motion.NoMeeting, match="计票"):
        chair.opens()
    meet(database, clock() + timedelta(hours=1), FULL)
    with pytest.raises(motion.NoMeeting):
        chair.opens()
    clock.sleep(timedelta(hours=1))
    assert chair.opens()


def test_a_meeting_comes_before_a_theme_day_and_a_talk_is_no_meeting(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL, kind="谈心谈话")
    with pytest.raises(motion.NoMeeting):
        chair.opens()
    meeting = meet(database, clock() - timedelta(minutes=30), FULL)
    meet(database, clock(), FULL, kind="主题党日")
    with database.read() as session:
        assert session.get_one(Vote, chair.opens()).activity_id == meeting


def test_one_vote_at_a_time_even_for_two_chairs_at_once(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    refused = at_once(lambda: chair.opens("甲"), lambda: chair.opens("乙", who="陈刚"))
    assert len(refused) == 1
    with database.read() as session:
        assert len(session.scalars(select(Vote)).all()) == 1
    with pytest.raises(motion.AlreadyVoting):
        chair.opens("丙")


def test_an_election_is_not_held_online(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    with pytest.raises(motion.ElectionsAreNotHeldOnline, match="选举不在线进行"):
        chair.opens("换届选举支部书记")


def test_a_secret_vote_needs_five_people(chair: Chair, database: Database, clock: Clock) -> None:
    leave(database, *FULL[8:])
    number = meet(database, clock(), FULL[:4])
    with pytest.raises(ballot.TooFewForSecret, match="纸质票"):
        chair.opens(secret=True)
    with database.write() as session:
        session.add(Attendance(activity_id=number, member_id=person(database, FULL[4]).id, at=clock()))
    assert chair.opens(secret=True)


# Voting and closing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("yes", "carried"), [(5, False), (6, True)])
def test_half_of_those_due_is_not_enough_however_few_are_there(
    chair: Chair, database: Database, clock: Clock, yes: int, carried: bool
) -> None:
    """Mistake 1 of other systems: with six of ten there, five yes are most of those present and still not enough."""
    leave(database, "吴霞")
    meet(database, clock(), FULL[:6])
    number = chair.opens()
    for name in FULL[:yes]:
        chair.votes(name, YES)
    vote = chair.closes(number)
    assert (vote.yes, vote.no, vote.abstain, vote.present, vote.entitled) == (yes, 0, 0, 6, 10)
    assert outcome.passed(vote) is carried


def test_an_open_vote_may_be_changed_until_it_is_closed(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    number = chair.opens()
    chair.votes("张伟", YES)
    chair.votes("张伟", NO)
    vote = chair.closes(number)
    assert (vote.yes, vote.no) == (0, 1)
    with pytest.raises(ballot.NothingToVoteOn):
        chair.votes("张伟", YES)


def test_who_is_not_there_cannot_vote_and_may_when_checked_in_late(
    chair: Chair, database: Database, clock: Clock
) -> None:
    number = meet(database, clock(), FULL[:8])
    chair.opens()
    with pytest.raises(ballot.NotThere, match="签到"):
        chair.votes("吴霞", YES)
    with database.write() as session:
        session.add(Attendance(activity_id=number, member_id=person(database, "吴霞").id, at=clock()))
    chair.votes("吴霞", YES)


def test_a_secret_vote_cannot_be_cast_twice(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    chair.votes("张伟", YES, "青山37")
    with pytest.raises(ballot.AlreadyVoted):
        chair.votes("张伟", NO, "白云12")
    assert chair.box() == [("青山37", YES)]


def test_one_member_has_one_vote_on_two_phones_at_once(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    refused = at_once(lambda: chair.votes("张伟", YES, "青山37"), lambda: chair.votes("张伟", NO, "白云12"))
    assert [type(one) for one in refused] == [ballot.AlreadyVoted]
    assert len(chair.box()) == 1


def test_receipts_are_distinct_and_everybody_is_counted_in_a_rush(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    number = chair.opens(secret=True)
    refused = at_once(*(lambda name=name: chair.votes(name, YES, "青山37") for name in FULL))  # type: ignore[misc]
    assert [type(one) for one in refused] == [ballot_box.ReceiptTaken] * 10
    receipts = [f"{word}11" for word in ballot_box.words()]
    with database.read() as session:
        rest = session.scalars(select(Member.name).join(Voter).where(Voter.voted.is_(False))).all()
    assert len(rest) == 10
    tries = zip(rest, receipts, strict=False)
    assert not at_once(*(lambda n=name, r=one: chair.votes(n, NO, r) for name, one in tries))  # type: ignore[misc]
    vote = chair.closes(number)
    assert (vote.yes, vote.no) == (1, 10)
    assert len({receipt for receipt, _ in vote.ballots}) == 11


def test_the_same_receipt_may_be_used_in_the_next_vote(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    for _ in range(2):
        number = chair.opens(secret=True)
        for name, word in zip(FULL[:6], ballot_box.words(), strict=False):
            chair.votes(name, YES, f"{word}37")
        assert outcome.passed(chair.closes(number))
    assert chair.box() == []


def test_closing_twice_is_refused(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    number = chair.opens()
    assert len(at_once(lambda: chair.closes(number), lambda: chair.closes(number, who="陈刚"))) == 1
    with pytest.raises(ballot.AlreadyClosed, match="表决结果"):
        chair.closes(number)


OTHERS = tuple(f"营销{n}" for n in range(6))


@pytest.fixture
def other_branch(database: Database, clock: Clock) -> None:
    """A second branch of six full members, OTHERS, all in a meeting of their own."""
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        values = {"branch_id": other.id, "status": MemberStatus.FULL, "created_at": clock()}
        session.execute(insert(Member), [values | {"name": name} for name in OTHERS])
    meet(database, clock(), OTHERS)


@pytest.mark.usefixtures("other_branch")
def test_two_branches_vote_at_the_same_time(chair: Chair, database: Database, clock: Clock) -> None:
    """They share the box: neither may lose a ballot, nor wait for the other forever."""
    meet(database, clock(), FULL)
    ours, theirs = chair.opens(secret=True), chair.opens(secret=True, who=OTHERS[0])
    pairs = itertools.chain(
        zip(OTHERS, ballot_box.words(), strict=False), zip(FULL[:6], ballot_box.words(), strict=False)
    )
    assert not at_once(*(lambda n=name, w=word: chair.votes(n, YES, f"{w}10") for name, word in pairs))  # type: ignore[misc]
    assert len(chair.box()) == 12
    assert chair.closes(ours).yes == 6
    assert len(chair.box()) == 6
    assert chair.closes(theirs, who=OTHERS[0]).yes == 6


@pytest.mark.usefixtures("other_branch")
def test_who_writes_the_box_keeps_others_from_reading_it(
    chair: Chair, database: Database, clock: Clock
) -> None:
    """The other branch votes exactly between our reading the box and our emptying it: it must wait."""
    if database.sqlite:
        pytest.skip("SQLite has one writer at a time")
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    chair.opens(secret=True, who=OTHERS[0])
    failed: list[Exception] = []
    other = threading.Thread(
        target=lambda: failed.extend(at_once(lambda: chair.votes(OTHERS[0], NO, "白云22")))
    )

    @event.listens_for(database.engine, "before_cursor_execute")
    def meanwhile(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("TRUNCATE") and other.ident is None:
            other.start()
            while other.is_alive() and not somebody_waits(database):
                pass

    chair.votes("张伟", YES, "青山37")
    other.join()
    assert failed == []
    assert chair.box() == [("青山37", YES), ("白云22", NO)]


def somebody_waits(database: Database) -> bool:
    """Whether a transaction of PostgreSQL waits for a lock."""
    with database.read() as session:
        return bool(session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


def at_once(*acts: Callable[[], object]) -> list[Exception]:
    """Run all acts in threads that start together; what was refused, or failed."""
    barrier, failed = threading.Barrier(len(acts)), []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failed


# Receipts ---------------------------------------------------------------------------------------------------------------


def test_the_words_of_receipts_sound_different_and_have_two_characters() -> None:
    assert len(ballot_box.words()) == 24
    assert {len(word) for word in ballot_box.words()} == {2}
    assert len({nlu.pinyin(word) for word in ballot_box.words()}) == 24


@pytest.mark.parametrize("said", ["青山37", " 青山 37", "青山，37。", "清山37", "青山三七"])
def test_a_receipt_is_understood_as_people_write_it(said: str) -> None:
    assert ballot_box.receipt(said) == "青山37"


@pytest.mark.parametrize(
    "said", ["", "青山", "37", "青山3", "青山377", "张伟37", "某某58", "青山37白云", "#3"]
)
def test_what_is_no_receipt_is_refused_without_quoting_it(said: str) -> None:
    with pytest.raises(ballot_box.ReceiptNotUnderstood) as refusal:
        ballot_box.receipt(said)
    assert str(refusal.value) == ballot_box.ReceiptNotUnderstood.text


# Secrecy ----------------------------------------------------------------------------------------------------------------

BALLOTS = [
    (name, list(Choice)[n % 3], f"{word}{10 + n * 7 % 90}")
    for n, (name, word) in enumerate(zip(FULL, ballot_box.words(), strict=False))
]


def physical_order(database: Database) -> list[tuple[object, ...]]:
    """The ballots where they lie on disk, with everything the database itself notes about a row."""
    with database.read() as session:
        if database.sqlite:
            return [
                tuple(row) for row in session.execute(text("SELECT receipt, choice FROM ballot NOT INDEXED"))
            ]
        rows = session.execute(
            text("SELECT ctid, cmin, cmax, xmax, receipt, choice FROM ballot ORDER BY ctid")
        ).all()
        return [(str(ctid), *rest[-2:]) for ctid, *rest in rows]


def test_the_order_of_voting_leaves_no_trace_where_ballots_lie(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    seen = []
    for order in (BALLOTS, BALLOTS[::-1], BALLOTS[4:] + BALLOTS[:4]):
        number = chair.opens(secret=True)
        for name, choice, receipt in order:
            chair.votes(name, choice, receipt)
        seen.append((chair.box(), physical_order(database)))
        assert [receipt for receipt, _ in chair.box()] == sorted(receipt for *_, receipt in BALLOTS)
        vote = chair.closes(number)
        assert vote.ballots == sorted(vote.ballots)
    assert seen[0] == seen[1] == seen[2]


def test_no_row_of_the_box_is_older_than_another(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    for name, choice, receipt in BALLOTS:
        chair.votes(name, choice, receipt)
    with database.read() as session:
        if database.sqlite:
            with pytest.raises(Exception, match="no such column: rowid"):
                session.execute(text("SELECT rowid FROM ballot"))
            return
        assert len(session.scalars(text("SELECT DISTINCT xmin::text FROM ballot")).all()) == 1
        # No dead rows of earlier generations lie between the ballots: the last one's line pointer is their number.
        assert session.scalar(text("SELECT max((ctid::text::point)[1]) FROM ballot")) == len(BALLOTS)


def test_no_table_can_be_joined_to_the_ballots(chair: Chair, database: Database, clock: Clock) -> None:
    """Walk all columns of all tables: none but the number of the vote has a value or an order in common with the box."""
    meet(database, clock(), FULL)
    number = chair.opens(secret=True)
    for name, choice, receipt in BALLOTS:
        chair.votes(name, choice, receipt)
    with database.read() as session:
        box = session.execute(select(Ballot.receipt, Ballot.choice)).all()
        receipts = {receipt for receipt, _ in box}
        for table in Base.metadata.sorted_tables:
            if table.name == "ballot":
                continue
            for column in table.columns:
                values = session.scalars(select(column)).all()
                assert not [one for one in values if any(receipt in str(one) for receipt in receipts)], column
        voters = session.execute(select(Voter).where(Voter.vote_id == number)).scalars().all()
        assert {voter.choice for voter in voters} == {None}
        assert {voter.voted for voter in voters} == {True}
        # The order of members, of the register and of voting (all the same here) is not the order of the box.
        by_voters = [receipt for *_, receipt in BALLOTS]
        assert [receipt for receipt, _ in box] != by_voters
        assert [receipt for receipt, _ in box] == sorted(by_voters)


def test_a_ballot_has_no_column_for_a_number_a_time_or_a_person(database: Database) -> None:
    with database.read() as session:
        look = inspect(session.connection())
        assert {one["name"] for one in look.get_columns("ballot")} == {"vote_id", "receipt", "choice"}
        assert [one["referred_table"] for one in look.get_foreign_keys("ballot")] == ["vote"]
        assert not [
            table.name
            for table in Base.metadata.tables.values()
            for key in table.foreign_keys
            if key.column.table.name == "ballot"
        ]
    assert [one.name for one in Ballot.__table__.primary_key] == ["vote_id", "receipt"]


def test_what_is_pushed_is_the_same_for_everybody(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    number = chair.opens(secret=True)
    for name, choice, receipt in BALLOTS:
        chair.votes(name, choice, receipt)
    chair.closes(number)
    with database.read() as session:
        bodies = [
            str(body)
            for body in session.scalars(select(Outbox.body).where(Outbox.key.startswith(f"vote {number} ")))
        ]
    assert len(bodies) == 22
    assert len(set(bodies)) == 2
    assert not any("buttons" in body and "赞成 #" in body for body in bodies)


def test_the_call_to_an_open_vote_has_buttons(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    number = chair.opens()
    with database.read() as session:
        body = session.scalars(select(Outbox.body).where(Outbox.key.startswith(f"vote {number} "))).first()
    assert body is not None
    assert [one["key"] for one in body["card"]["buttons"]] == [
        f"赞成 #{number}",
        f"反对 #{number}",
        f"弃权 #{number}",
    ]


def test_fewer_than_five_ballots_are_destroyed_and_not_counted(
    chair: Chair, database: Database, clock: Clock
) -> None:
    meet(database, clock(), FULL)
    number = chair.opens(secret=True)
    for name, choice, receipt in BALLOTS[:4]:
        chair.votes(name, choice, receipt)
    vote = chair.closes(number)
    assert vote.state is VoteState.VOID
    assert (vote.yes, vote.no, vote.abstain, vote.ballots) == (None, None, None, [])
    assert chair.box() == []
    with database.read() as session:
        said = outcome.result(session, session.get_one(Vote, number))
    assert "纸质票" in said
    assert not any(receipt in said for *_, receipt in BALLOTS)


def test_destroyed_ballots_are_not_left_in_the_sqlite_file(
    chair: Chair, database: Database, clock: Clock
) -> None:
    if not database.sqlite:
        pytest.skip("PostgreSQL gets a new file by TRUNCATE")
    meet(database, clock(), FULL)
    number = chair.opens(secret=True)
    for name, choice, receipt in BALLOTS[:4]:
        chair.votes(name, choice, receipt)
    assert BALLOTS[0][2].encode() in checkpointed(database)
    chair.closes(number)
    kept = checkpointed(database)
    assert not [receipt for *_, receipt in BALLOTS if receipt.encode() in kept]


def checkpointed(database: Database) -> bytes:
    """All bytes of the SQLite file, the write-ahead log written back into it."""
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        name = str(database.engine.url.database)
    with open(name, "rb") as file:
        return file.read()


def test_an_error_at_the_box_does_not_quote_the_ballot(
    chair: Chair, database: Database, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    with database.write() as session:
        for statement in BROKEN[database.sqlite]:
            session.execute(text(statement))
    name, choice, receipt = BALLOTS[0]
    try:
        chair.votes(name, choice, receipt)
    except DBAPIError:
        logging.getLogger("test").exception("message 1 failed")
    assert "the box is stuck" in caplog.text
    assert receipt not in caplog.text
    assert choice not in caplog.text


BROKEN = {
    True: (
        "CREATE TRIGGER stuck BEFORE INSERT ON ballot BEGIN SELECT RAISE(ABORT, 'the box is stuck'); END",
    ),
    False: (
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the box is stuck''; END'",
        "CREATE TRIGGER stuck BEFORE INSERT ON ballot FOR EACH ROW EXECUTE FUNCTION stuck()",
    ),
}


# The result -------------------------------------------------------------------------------------------------------------


def test_a_result_is_for_the_members_of_the_meeting(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), [*FULL[:6], "吴霞"], kind=COMMITTEE)
    number = chair.opens()
    chair.closes(number)
    with database.read() as session:
        for name, sees in (("王建国", True), ("吴霞", True), ("张伟", False), ("李明", False)):
            actor = actor_of(session, person(database, name), on=clock().date())
            if sees:
                assert outcome.latest(session, actor).id == number
            else:
                with pytest.raises(outcome.NoResultYet):
                    outcome.latest(session, actor)


def test_an_open_vote_has_no_result_yet(chair: Chair, database: Database, clock: Clock) -> None:
    meet(database, clock(), FULL)
    chair.opens(secret=True)
    chair.votes("张伟", YES, "青山37")
    with database.read() as session:
        actor = actor_of(session, person(database, "王建国"), on=clock().date())
        with pytest.raises(outcome.StillOpen, match="已投 1 票"):
            outcome.latest(session, actor)


# Paper ------------------------------------------------------------------------------------------------------------------


def test_a_paper_vote_is_counted_on_those_due() -> None:
    assert not tally.tally_decision(Counts(due=23, present=20, yes=11, no=3)).passed
    assert tally.tally_decision(Counts(due=23, present=20, yes=12, no=3)).passed
    assert not tally.tally_decision(Counts(due=24, present=20, yes=12)).passed
    assert not tally.tally_decision(Counts(due=23, present=11, yes=11)).attended


def test_written_opinions_count_as_votes_but_not_as_presence() -> None:
    done = tally.tally_decision(Counts(due=10, present=5, written=2, yes=7), admission=True)
    assert done.enough
    assert not done.attended


@pytest.mark.parametrize(("present", "valid"), [(18, False), (19, True), (23, True)])
def test_an_election_needs_four_fifths(present: int, valid: bool) -> None:
    assert tally.tally_election(Counts(due=23, present=present, yes=12)).attended is valid


def test_four_fifths_of_twenty_is_exactly_sixteen() -> None:
    assert tally.tally_election(Counts(due=20, present=16, yes=11)).passed
    assert not tally.tally_election(Counts(due=20, present=16, yes=10)).passed
    assert tally.tally_election(Counts(due=20, present=16, yes=9), Basis.PRESENT).passed
    assert not tally.tally_election(Counts(due=20, present=16, yes=8), Basis.PRESENT).passed


def test_more_papers_back_than_given_out_make_an_election_invalid() -> None:
    assert not tally.tally_election(Counts(due=20, present=18, yes=15, issued=17, returned=18)).passed
    assert tally.tally_election(Counts(due=20, present=18, yes=15, issued=18, returned=17)).passed


@pytest.mark.parametrize(
    "counts",
    [
        {"due": 0, "present": 0, "yes": 0},
        {"due": 10, "present": 11, "yes": 5},
        {"due": 10, "present": 5, "yes": 6},
        {"due": 10, "present": 9, "yes": 5, "written": 2},
        {"due": 10, "present": 9, "yes": 5, "no": 5},
        {"due": 10, "present": 9, "yes": 5, "issued": 10, "returned": 9},
    ],
)
def test_counts_that_cannot_be_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(tally.BadCounts, match="例如"):
        Counts(**counts)
