"""Facts made by hand, so that documents can be compared with them without a database."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.models.settlement import SettlementState
from bot.services import decision
from bot.services.attendance import Counts
from bot.services.bulletin import BulletinFacts
from bot.services.bulletin import Row as Result
from bot.services.minutes import Line
from bot.services.record import (
    ActivityFacts,
    ElectionFacts,
    MemberFacts,
    MonthFacts,
    NoticeFacts,
    Person,
    Post,
    Presence,
    ResultFacts,
    VoteFacts,
    YearFacts,
)
from bot.services.record.election import CLAUSES
from bot.services.tally import Basis
from tests.conftest import SHANGHAI

START = datetime(2026, 12, 4, 14, 30, tzinfo=SHANGHAI)
NOW = datetime(2026, 12, 7, 9, 0, tzinfo=SHANGHAI)
BRANCH = "检修党支部"
DIMENSIONS = ("模范作用发挥", "党员教育管理", "自身综合素质提升", "业务职责落实")


def person(
    name: str, group: str, presence: Presence, note: str = "", *, minute: int = 20, corrected: bool = False
) -> Person:
    at = START.replace(hour=14, minute=minute) if presence is Presence.PRESENT else None
    status = "预备党员" if name == "李明" else "正式党员"
    return Person(name, group, status, presence, at, note, corrected)


PEOPLE = (
    person("王建国", "第一党小组", Presence.PRESENT, minute=10),
    person("张伟", "第一党小组", Presence.PRESENT, minute=27),
    person("古丽", "第一党小组", Presence.LEAVE, "下乡巡线"),
    person("刘芳", "第一党小组", Presence.PRESENT, minute=21),
    person("李明", "第二党小组", Presence.PRESENT, minute=22),
    person("陈刚", "第二党小组", Presence.PRESENT, "现场手机没电", corrected=True),
    person("阿不力孜", "第三党小组", Presence.PRESENT, minute=25),
    person("孙磊", "第三党小组", Presence.ABSENT),
)


def line(number: int, text: str, speaker: str = "", *, later: bool = False, photos: int = 0) -> Line:
    at = NOW if later else START + timedelta(minutes=number)
    return Line(number, speaker, text, "刘芳", at, later, photos)


THEME_DAY = ActivityFacts(
    number=12,
    branch=BRANCH,
    group="",
    kind="主题党日",
    record="活动记录",
    theme="宪法宣传进班组",
    place="三楼会议室",
    production="班组依法合规作业",
    starts_at=START,
    ends_at=START + timedelta(minutes=95),
    hour_known=True,
    ended=True,
    kept_later=False,
    signup_closes_at=START - timedelta(hours=21, minutes=30),
    published_at=START - timedelta(days=11),
    hosts=("王建国",),
    recorders=("刘芳",),
    people=PEOPLE,
    counts=Counts(8, 6, 1, 1, 0),
    points=12,
    lines=(
        line(1, "集中学习宪法总纲，结合班组作业讨论依法合规的要求。"),
        line(2, "线路巡视发现三处隐患，已登记缺陷，本周内消除。", "张伟", photos=2),
        line(3, "把今天学的带回抢修班，班前会再讲一遍。", "阿不力孜"),
        line(4, "三处隐患已全部消除。", "张伟", later=True),
    ),
)

HELD_ELSEWHERE = replace(
    THEME_DAY,
    number=13,
    kind="支委会",
    record="会议记录",
    theme="",
    place="",
    production="",
    starts_at=datetime(2026, 12, 2, 0, 0, tzinfo=SHANGHAI),
    ends_at=None,
    hour_known=False,
    kept_later=True,
    published_at=NOW,
    hosts=(),
    recorders=(),
    people=(),
    counts=None,
    points=0,
    lines=(),
)

VOTES = (
    VoteFacts("同意发展李明为预备党员", "无记名", "有表决权的正式党员", 11, 10, (9, 1, 0), True),
    VoteFacts("调整工作计划", "无记名", "有表决权的正式党员", 11, 4, None, False),
)
MEETING = replace(
    THEME_DAY,
    number=14,
    kind="党员大会",
    record="会议记录",
    theme='=HYPERLINK("http://x")',
    production="",
    votes=VOTES,
)

NAMED_VOTE = ResultFacts(
    number=5,
    meeting=MEETING,
    vote=VoteFacts("通过明年工作计划<一>&二", "记名", "有表决权的正式党员", 7, 6, (4, 1, 1), True),
    secret=False,
    needed_present=4,
    needed_yes=4,
    source="《中国共产党支部工作条例（试行）》第十一条",
    closed_at=START + timedelta(minutes=40),
    ballots={"赞成": ("王建国", "张伟", "刘芳", "陈刚"), "反对": ("阿不力孜",), "弃权": ("古丽",)},
)
SECRET_VOTE = replace(
    NAMED_VOTE,
    number=6,
    vote=VOTES[0],
    secret=True,
    ballots={"赞成": tuple(f"青山{n}" for n in range(10, 19)), "反对": ("绿水20",), "弃权": ()},
)
VOID_VOTE = replace(SECRET_VOTE, vote=VOTES[1], ballots={"赞成": (), "反对": (), "弃权": ()})

ELECTION = ElectionFacts(
    branch=BRANCH,
    on=date(2027, 3, 1),
    due=11,
    needed_present=9,
    needed_yes=6,
    basis=Basis.DUE,
    basis_set=False,
    clauses=tuple(decision.clause(code) for code in CLAUSES),
)

DECEMBER = MonthFacts(BRANCH, 2026, 12, NOW, (HELD_ELSEWHERE, THEME_DAY, MEETING))

NOTICE = NoticeFacts(
    BRANCH,
    "明天停电检修，请提前保存资料。\n有事请联系综合室。",
    "王建国",
    NOW - timedelta(days=1),
    True,
    12,
    9,
    None,
)
INVITATION = replace(NOTICE, activity=THEME_DAY, needs_receipt=False)


def member(number: int, one: Person) -> MemberFacts:
    scores = (number, 2 * number, 0, 1)
    return MemberFacts(
        one.name, one.status, one.group, "输电运检班", date(2012, 7, number + 1), 90 * number, 32, scores
    )


YEAR = YearFacts(
    branch=BRANCH,
    year=2026,
    as_of=NOW,
    groups=("第一党小组", "第二党小组", "第三党小组"),
    members=tuple(member(n, one) for n, one in enumerate(PEOPLE)),
    committee=(
        Post("书记", "王建国", date(2024, 3, 15), None),
        Post("组织委员", "刘芳", date(2024, 3, 15), date(2026, 10, 31)),
    ),
    term_started_on=date(2024, 3, 15),
    months=tuple(
        DECEMBER if n == 12 else MonthFacts(BRANCH, 2026, n, NOW, (THEME_DAY,) * (n % 3))
        for n in range(1, 13)
    ),
    dimensions=DIMENSIONS,
    minutes_per_hour=45,
)


BULLETIN = BulletinFacts(
    branch=BRANCH,
    period="2026Q3",
    title="2026年第3季度",
    starts_on=date(2026, 7, 1),
    ends_on=date(2026, 9, 30),
    state=SettlementState.NOTICE,
    published_at=START,
    closes_at=START + timedelta(days=7),
    final_at=None,
    dimensions=DIMENSIONS,
    rows=(
        Result("王建国", "第一党小组", (3, 20, 5, 0), 0, 28),
        Result("古丽", "", (0, 12, 0, 3), -2, 13),
    ),
    contact="王建国",
    appeals=2,
    granted=1,
    waiting=1,
)
"""A settlement in public notice, with an appeal that waits and a member without a group."""
