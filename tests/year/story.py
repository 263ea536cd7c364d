"""The year 2026 of one branch as plain data: who is in it, what is held, who comes, who asks leave, who studies, what goes wrong."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
BRANCH, OTHER_BRANCH = "检修党支部", "运行党支部"
FIRST, SECOND = "第一党小组", "第二党小组"
CHIEF, DEPUTY, RECORDER, ADMIN = "王建国", "陈刚", "刘芳", "阿不力孜"


def at(month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the year, in Shanghai."""
    return datetime(2026, month, day, hour, minute, tzinfo=SHANGHAI)


BEGIN, END = at(1, 1, 8), at(12, 31, 23, 59)


@dataclass(frozen=True)
class Person:
    """A member of the roster: ``left`` is when somebody goes to the other branch or out of use."""

    name: str
    account: str
    group: str
    post: str = ""
    status: str = "正式党员"
    joined: str = "2012-07-01"
    left: datetime | None = None
    branch: str = BRANCH


PEOPLE = (
    Person(CHIEF, "wangjianguo", FIRST, "书记"),
    Person(DEPUTY, "chengang", SECOND, "副书记"),
    Person(RECORDER, "liufang", FIRST, "组织委员"),
    Person("赵敏", "zhaomin", SECOND, "宣传委员"),
    Person("吴霞", "wuxia", FIRST, "党小组长、纪检委员"),
    Person("马强", "maqiang", SECOND, "党小组长"),
    Person("张伟", "zhangwei", FIRST),
    Person("古丽", "guli", SECOND),
    Person("李明", "liming", SECOND, status="预备党员", joined="2025-11-20"),
    Person("孙磊", "sunlei", SECOND, left=at(6, 15, 10)),
    Person("周洁", "zhoujie", FIRST, left=at(8, 17, 10)),
    Person(ADMIN, "abulizi", "", branch=OTHER_BRANCH),
)
COMMITTEE = (CHIEF, DEPUTY, RECORDER, "赵敏", "吴霞")
PROMOTED = ("李明", at(12, 18, 9, 30), date(2026, 11, 20))
"""Who becomes a full member: when it is entered, and since when it holds."""


@dataclass(frozen=True)
class Leave:
    """A request and what became of it; who is refused signs up."""

    reason: str
    granted: bool = True


@dataclass(frozen=True)
class Ballot:
    """A vote: how many say no, and how many abstain; all others who are there and may vote say yes."""

    question: str
    secret: bool
    no: int = 0
    abstain: int = 0


@dataclass(frozen=True)
class Meeting:
    """One activity. All who are invited sign up and come in time, but for those who are named here.

    ``said`` is when it is published; ``moved_from`` the day that it was first published for. ``late`` is in minutes after the start. Who is
    ``absent`` signs up all the same; who is ``silent`` answers nothing and does not come. ``corrected`` are written in by hand, with a reason.
    """

    kind: str
    begins: datetime
    said: datetime
    theme: str
    place: str = "三楼会议室"
    group: str = ""
    leave: tuple[tuple[str, Leave], ...] = ()
    silent: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    late: tuple[tuple[str, int], ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    lines: tuple[str, ...] = ()
    ballot: Ballot | None = None
    moved_from: datetime | None = None
    moved_at: datetime | None = None
    cancelled_at: datetime | None = None
    ended: datetime | None = None

    @property
    def closes(self) -> datetime:
        """When it is ended in the chat."""
        return self.ended or self.begins + timedelta(minutes=90)

    @property
    def leader(self) -> str:
        """Who publishes and ends it."""
        return {"": CHIEF, FIRST: "吴霞", SECOND: "马强"}[self.group]


def theme_day(month: int, day: int, said: datetime, theme: str, **more: object) -> Meeting:
    """A 主题党日 at 14:30."""
    return Meeting("主题党日", at(month, day, 14, 30), said, theme, **more)  # type: ignore[arg-type]


def assembly(month: int, day: int, said: datetime, theme: str, **more: object) -> Meeting:
    """A 党员大会 at 15:00."""
    return Meeting("党员大会", at(month, day, 15), said, theme, **more)  # type: ignore[arg-type]


def committee(month: int, day: int, said: datetime, theme: str, **more: object) -> Meeting:
    """A 支委会 at 16:00."""
    return Meeting("支委会", at(month, day, 16), said, theme, "小会议室", **more)  # type: ignore[arg-type]


def group(name: str, month: int, day: int, said: datetime, theme: str, **more: object) -> Meeting:
    """A 党小组会 at 17:00."""
    return Meeting("党小组会", at(month, day, 17), said, theme, "班组休息室", group=name, **more)  # type: ignore[arg-type]


def lecture(month: int, day: int, said: datetime, theme: str, **more: object) -> Meeting:
    """A 党课 at 10:00."""
    return Meeting("党课", at(month, day, 10), said, theme, **more)  # type: ignore[arg-type]


MEETINGS = (
    # January
    committee(1, 8, at(1, 5, 10), "研究全年计划", lines=("研究了全年组织生活安排", "同意按月开展主题党日")),
    theme_day(
        1, 16, at(1, 12, 10), "党员突击队保供暖",
        leave=(("古丽", Leave("下乡巡线")),), late=(("孙磊", 20),), absent=("周洁",),
        lines=("张伟：圈出最重的三个台区", "陈刚：两人一组现场测温"),
    ),
    group(FIRST, 1, 21, at(1, 19, 10), "学党章第一章"),
    # February: a lecture before the festival, the theme day after it, a committee on a Saturday that is worked
    lecture(2, 6, at(2, 2, 10), "讲党员的权利和义务", leave=(("赵敏", Leave("值班")),)),
    group(FIRST, 2, 11, at(2, 9, 10), "学党章第二章"),
    theme_day(2, 27, at(2, 24, 10), "节后收心安全第一课", silent=("张伟",)),
    committee(2, 28, at(2, 25, 10), "研究节后检修", late=(("赵敏", 16),)),
    # March: the server is down from the 9th to the 16th, with a committee in the middle
    committee(
        3, 11, at(3, 5, 10), "研究春检安排", ended=at(3, 16, 9, 50), silent=("吴霞",),
        corrected=tuple((name, "系统停机，纸质签到") for name in (CHIEF, DEPUTY, RECORDER, "赵敏")),
    ),
    group(FIRST, 3, 18, at(3, 16, 10, 30), "补学春检安排"),
    theme_day(
        3, 20, at(3, 17, 22, 40), "学雷锋进台区",
        leave=(("李明", Leave("参加培训", granted=False)), ("周洁", Leave("体检"))),
        corrected=(("马强", "现场手机没电"),),
    ),
    group(SECOND, 3, 25, at(3, 23, 10), "讨论李明的思想汇报", absent=("孙磊",)),
    assembly(
        3, 26, at(3, 23, 11), "审议第一季度工作", leave=(("吴霞", Leave("出差到30号")),),
        ballot=Ballot("通过第一季度工作报告", secret=False, no=1, abstain=1),
        lines=("王建国：报告第一季度工作", "马强：建议把缺陷清单上墙"),
    ),
    # April: a theme day that is moved
    committee(4, 9, at(4, 7, 10), "研究积分公示"),
    theme_day(
        4, 17, at(4, 7, 11), "国家安全就在主机前",
        moved_from=at(4, 15, 14, 30), moved_at=at(4, 13, 9, 30), silent=("孙磊",), absent=("古丽",),
    ),
    # May
    committee(5, 13, at(5, 11, 10), "研究发展对象"),
    theme_day(
        5, 15, at(5, 11, 11), "民法典讲给现场听",
        leave=(("张伟", Leave("保电值守")),), late=(("古丽", 30), ("李明", 16)),
    ),
    group(FIRST, 5, 20, at(5, 18, 10), "查围栏回头看"),
    lecture(5, 29, at(5, 25, 8, 50), "讲民主集中制", corrected=(("李明", "现场没有信号"),)),
    # June: 孙磊 goes in the middle, with an invitation in hand
    committee(6, 4, at(6, 2, 10), "研究安全生产月"),
    theme_day(6, 12, at(6, 8, 10), "书记带队当啄木鸟", absent=("赵敏",)),
    assembly(
        6, 25, at(6, 11, 10), "审议上半年工作", silent=("马强",),
        ballot=Ballot("通过上半年工作报告", secret=False),
    ),
    # July and August: the freeze lies between the 20th and the 7th, with a committee in it
    theme_day(7, 10, at(7, 6, 10), "亮身份·守高峰", leave=(("周洁", Leave("轮休")),)),
    committee(7, 24, at(7, 16, 10), "研究迎峰度夏", silent=("赵敏",)),
    committee(8, 13, at(8, 11, 10), "研究秋检准备"),
    theme_day(8, 21, at(8, 12, 10), "清凉行动·保人保电", absent=("张伟",)),
    lecture(8, 28, at(8, 25, 10), "讲古田会议", silent=("古丽",)),
    # September: three invitations on one morning, which is more than the budget
    committee(9, 10, at(9, 7, 9, 30), "研究质量月"),
    theme_day(9, 11, at(9, 7, 9, 40), "质量月党员示范岗", late=(("马强", 40),)),
    group(FIRST, 9, 16, at(9, 7, 9, 50), "说说返工的原因"),
    group(SECOND, 9, 16, at(9, 7, 9, 55), "评一个样板接头", absent=("李明",)),
    assembly(
        9, 24, at(9, 21, 10), "审议第三季度工作", leave=(("古丽", Leave("探亲", granted=False)),),
        ballot=Ballot("通过第三季度工作报告", secret=True, no=2, abstain=1),
    ),
    # October, November: a lecture that is called off
    committee(10, 15, at(10, 12, 10), "研究保密检查"),
    theme_day(10, 16, at(10, 12, 11), "保密守在指尖", silent=("马强", "李明")),
    committee(11, 12, at(11, 10, 10), "研究李明转正"),
    theme_day(11, 13, at(11, 9, 10), "消防宣传月·我会用", absent=("古丽",)),
    group(SECOND, 11, 18, at(11, 16, 10), "听李明的转正汇报"),
    lecture(11, 26, at(11, 23, 10), "讲六项纪律", cancelled_at=at(11, 25, 11), silent=("张伟", "古丽")),
    # December
    theme_day(
        12, 4, at(12, 1, 10), "宪法宣传进班组",
        leave=(("陈刚", Leave("省公司开会")),), late=(("吴霞", 18),),
        lines=("吴霞：五班说了三条隐患", "王建国：下月回头看"),
    ),
    committee(12, 10, at(12, 8, 10), "研究年终评议"),
    assembly(
        12, 17, at(12, 14, 10), "讨论李明转正",
        ballot=Ballot("同意李明按期转为正式党员", secret=True, no=1),
        lines=("李明：宣读转正申请", "马强：介绍培养情况"),
    ),
)  # fmt: skip

FREEZE = (date(2026, 7, 20), date(2026, 8, 7), "迎峰度夏保供电")
DOWN, UP = at(3, 9, 1), at(3, 16, 8, 30)
RESTARTS = (at(4, 30, 12), at(9, 29, 12))
QUIET = (time(21, 30), time(7, 30))
BUDGET = 3
PAUSE = ("古丽", at(6, 1, 9, 5), at(6, 4, 9, 5))
"""Who has no reminders, from when until when: 暂停提醒 3天."""

STUDIED: tuple[tuple[str, tuple[date, ...]], ...] = (
    ("张伟", tuple(date(2026, 1, day) for day in (4, 5, 6, 7, 12, 19, 26))),  # seven in a month, five count
    (
        CHIEF,
        tuple(
            date(2026, month, day)
            for month, day in ((1, 5), (1, 12), (1, 19), (1, 26), (2, 2), (2, 9), (2, 24))
        ),
    ),
    ("古丽", tuple(date(2026, month, day) for month, day in ((2, 2), (4, 13), (5, 11), (10, 19)))),
    ("周洁", (date(2026, 3, 2), date(2026, 7, 6), date(2026, 7, 13))),
    ("李明", tuple(date(2026, 11, day) for day in (2, 9, 16, 23, 30))),
)
"""Who has finished the material of which days, at half past twelve."""

QUIZZED: tuple[tuple[str, date, int], ...] = (
    *(("吴霞", date(2026, 11, day), 3) for day in (3, 4, 5, 6, 9, 10, 11, 12, 17)),  # nine days, eight count
    ("张伟", date(2026, 2, 3), 4),
    ("张伟", date(2026, 2, 4), 2),
    ("孙磊", date(2026, 5, 7), 3),
    ("李明", date(2026, 7, 30), 5),
)
"""Who gives how many right answers, and then a wrong one, at a quarter to one."""

REFLECTED: tuple[tuple[str, date], ...] = (
    ("张伟", date(2026, 1, 19)),
    ("李明", date(2026, 5, 18)),
    ("李明", date(2026, 5, 30)),
    ("赵敏", date(2026, 10, 19)),
)
"""Who writes 感想 on which day, within a week of something attended; each about another activity."""


@dataclass(frozen=True)
class Claim:
    """申报: granted by rule (the code and the name of the rule) or refused, on the next morning."""

    name: str
    on: datetime
    what: str
    rule: str = ""
    called: str = ""


CLAIMS = (
    Claim("张伟", at(4, 20, 15), "师带徒 带出1名持证徒弟", "skill", "技能取证、师带徒"),
    Claim("古丽", at(10, 20, 15), "整理了一次工具间"),
    Claim("周洁", at(7, 14, 15), "台风夜里现场抢修带队", "model", "急难险重任务中带头"),
)


@dataclass(frozen=True)
class Gift:
    """加分 by the secretary; ``back`` when it was a mistake and is corrected ten minutes later."""

    name: str
    on: datetime
    points: int
    why: str
    rule: str
    called: str
    back: bool = False


GIFTS = (
    Gift("马强", at(5, 6, 16), 4, "抢修现场带队", "model", "急难险重任务中带头"),
    Gift("孙磊", at(5, 8, 16), 3, "组织志愿服务进社区", "volunteer", "志愿服务、办实事"),
    Gift("陈刚", at(10, 9, 16), 5, "攻下一道返工难题", "duty", "业务攻关、隐患整改"),
    Gift("赵敏", at(10, 9, 16, 20), 2, "记错了人的一笔", "duty", "业务攻关、隐患整改", back=True),
)

SETTLED = (at(4, 3, 10), at(7, 3, 10), at(10, 9, 10))
"""When the secretary settles the quarter before; made known for five working days, final on the last of them at 18:00."""
