"""Voting as it is typed on a phone, and what of it is kept afterwards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from bot.clock import Clock
from bot.db import Base, Database
from bot.models.audit import AuditEntry
from bot.models.ballot import Ballot, Choice, Vote
from bot.models.identity import Conversation, Inbox
from tests.chat import Phone, PhoneBook
from tests.services.test_ballot import BALLOTS, FULL, at_once, meet

QUESTION = "同意发展张三为预备党员"


@pytest.fixture
def meeting(database: Database, clock: Clock) -> int:
    """A 党员大会 with ten of eleven voting members there, and 李明, who is on probation."""
    return meet(database, clock(), [*FULL[:10], "李明"])


def opened(secretary: Phone, how: str) -> None:
    secretary.script((f"表决 {QUESTION}", "表决预览"), (how, "表决开始"))


def test_a_secret_vote_from_the_preview_to_the_published_list(
    secretary: Phone, phone: PhoneBook, meeting: int, clock: Clock
) -> None:
    secretary.script(
        (
            f"表决 {QUESTION}",
            QUESTION,
            "党员大会“第四季度会议”",
            "应到 11 人，已签到 10 人（至少 6 人，够）",
            "赞成至少 6 票才通过（超过应到的半数，不按实到）",
            "《中国共产党支部工作条例（试行）》第十一条",
            "逐个表决",
            "用纸质票",
            "1 无记名 2 记名 3 取消",
        ),
        ("1", "表决开始（无记名）", "应到 11 人，到会 10 人", "正在通知应到的 11 人"),
    )
    for name, choice, receipt in BALLOTS[:10]:
        voter = phone(name)
        call = voter.pushes()[-1]
        assert QUESTION in call
        assert "青山 绿水" in call
        voter.script((f"{choice.value} {receipt}", "已投进票箱", "到会 10 人"))
    secretary.script(
        ("表决结果", "还在表决，已投 10 票"),
        ("结束表决", "到会 10 人，已投 10 票", "1 确认"),
        (
            "1",
            "赞成 4，反对 3，弃权 3",
            "没有通过：要超过应到 11 人的半数，即至少 6 票赞成",
            "应到 11 人，实到 10 人，投票 10 人",
        ),
        ("结束表决", "已在 今天09:00 结束"),
    )
    told = phone("吴霞").pushes()[-1]
    for name, choice, receipt in BALLOTS[:10]:
        line = next(one for one in told.split("\n") if one.startswith(f"{choice.value}："))
        assert receipt in line
        assert phone(name)("表决结果") == told
    assert "王建国" not in told


def test_an_open_vote_is_answered_with_a_word_or_a_button_and_may_be_changed(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    opened(secretary, "记名")
    zhang = phone("张伟")
    assert "赞成、反对 或 弃权" in zhang.pushes()[-1]
    zhang.script(
        ("赞成！", "已记下：赞成", "现已投 1 票，到会 10 人", "可以改"),
        ("投票", "您投的是：赞成", "1 赞成 2 反对 3 弃权"),
        ("2", "已记下：反对（原来是赞成）", "现已投 1 票"),
    )
    secretary.script(("表决结果 #1", "已投 1 票"), ("谁没投票", "已投 1 票", "还没投的 9 人"))
    zhang.script(("赞成不了", "没有投成"), ("投票", "您投的是：反对"))
    phone("古丽").script(("赞成 #1", "已记下：赞成"), ("赞成 #99", "已经结束"))
    secretary.script(
        ("结束表决", "到会还没投的 8 人", "王建国"),
        ("返回", "还在进行"),
        ("结束表决", "要结束"),
        ("确认", "赞成：古丽", "反对：张伟", "没有通过", "正在发给应到的 11 人"),
        ("表决结果", "赞成：古丽"),
    )
    zhang.script(("赞成", "没有正在进行的表决"))


def test_yes_alone_is_a_vote_while_one_by_name_is_open(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    phone("张伟").script(("同意", "需要支部书记或委员"), ("不同意", "需要支部书记或委员"))
    opened(secretary, "记名")
    phone("张伟").script(("同意", "已记下：赞成"), ("不同意", "已记下：反对（原来是赞成）"))
    phone("古丽").script(("同意。", "已记下：赞成"), ("同意 1", "需要支部书记或委员"))
    phone("刘芳").script(("我弃权", "已记下：弃权"))
    phone("李明").script(("同意", "预备党员没有表决权"))
    phone("吴霞").script(("同意", "还没有签到"))
    secretary.script(
        ("同意", "已记下：赞成"), ("结束表决", "已投 4 票"), ("1", "赞成：王建国、古丽", "反对：张伟")
    )
    phone("张伟").script(("同意", "需要支部书记或委员"))


def test_who_also_decides_leave_is_asked_which_is_meant(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:学宪法", "应到 12 人"), ("确认", "已发布"))
    phone("孙磊")("请假 抢修")
    opened(secretary, "记名")
    secretary.script(
        ("同意", f"1 投赞成票（{QUESTION}）", "2 同意 1（孙磊请假）"),
        ("1", "已记下：赞成"),
        ("不同意", "1 投反对票", "2 不同意 1（孙磊请假）"),
        ("2", "不同意孙磊请假（抢修），请发理由"),
        ("退出", "退出"),
        ("同意孙磊", "已同意孙磊请假"),
        ("谁没投票", "已投 1 票"),
    )


def test_in_a_secret_vote_yes_alone_decides_the_leave(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    """A choice would keep with the sender which way the vote was to go."""
    secretary.script(("发布主题党日 12月4日14:30 三楼 主题:学宪法", "应到 12 人"), ("确认", "已发布"))
    phone("孙磊")("请假 抢修")
    opened(secretary, "无记名")
    secretary.script(("同意", "已同意孙磊请假"))


def test_a_dialogue_that_waits_for_yes_is_not_taken_for_a_vote(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    phone("张伟")("申报 师带徒 带出1名持证徒弟")
    opened(secretary, "记名")
    secretary.script(("审核", "张伟", "同意"), ("同意", "同意张伟的申报"), ("谁没投票", "已投 0 票"))


def test_yes_with_a_receipt_is_a_secret_ballot_and_is_never_repeated(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database
) -> None:
    opened(secretary, "无记名")
    for name, said in (("王建国", "同意 青山37"), ("张伟", "不同意绿水15"), ("马强", "同意")):
        answer = phone(name)(said)
        assert ("没有投成" if name == "马强" else "已投进票箱") in answer
    phone("刘芳")("同意 某某58")
    with database.read() as session:
        ballots = {(one.receipt, one.choice) for one in session.scalars(select(Ballot))}
        kept = str(session.scalars(select(Inbox.reply)).all())
    assert ballots == {("青山37", Choice.YES), ("绿水15", Choice.NO)}
    assert not [one for one in ("青山37", "绿水15", "某某58") if one in kept.replace("例如：赞成 某某58", "")]
    secretary("结束表决")
    secretary("1")
    assert "青山" not in secretary("同意 青山37")


def test_six_of_eleven_carry_a_motion_and_five_do_not(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    for yes, outcome in ((5, "没有通过"), (6, "\n通过")):
        opened(secretary, "2")
        for name in FULL[:yes]:
            phone(name).script(("赞成", "已记下"))
        secretary.script(("结束表决", "要结束"), ("确认", outcome))


def test_who_has_no_vote_is_told_why(secretary: Phone, phone: PhoneBook, meeting: int) -> None:
    phone("李明").script(("赞成", "没有正在进行的表决"))
    opened(secretary, "无记名")
    phone("李明").script(
        ("赞成 青山37", "预备党员没有表决权", "《中国共产党章程》第七条"), ("投票", "没有表决权")
    )
    phone("吴霞").script(("赞成 青山37", "还没有签到"))
    phone("张伟").script((f"表决 {QUESTION}", "需要支部书记或委员"), ("结束表决", "需要支部书记或委员"))


def test_without_quorum_the_chair_hears_what_to_do(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    secretary.script(("表决 通过工作计划", "没有正在进行的党员大会", "计票"))
    meet(database, clock(), FULL[:5])
    secretary.script(("表决 通过工作计划", "应到 11 人，已签到 5 人，至少要 6 人", "第十一条", "补签"))


def test_with_few_people_only_an_open_vote_is_offered(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    meet(database, clock(), ["王建国", "刘芳", "陈刚"], kind="支委会")
    secretary.script(
        (
            "表决 通过工作计划",
            "支部委员应到 5 人，已签到 3 人",
            "不能在线无记名",
            "1 记名 2 取消",
            "以上级规定为准",
        ),
        ("无记名", "纸质票"),
        ("2", "没有开始表决"),
        ("表决 通过工作计划", "1 记名"),
        ("1", "表决开始（记名）"),
    )


def test_an_election_is_refused_with_what_can_be_done(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    secretary.script(
        ("表决 选举新一届支部委员会", "选举不在线进行", "计票 选举"),
        ("换届选举", "选举不在线进行"),
        ("表决 通过换届选举工作方案", "表决预览"),
    )


def test_too_few_secret_ballots_are_not_published(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database
) -> None:
    opened(secretary, "无记名")
    for name, choice, receipt in BALLOTS[:4]:
        phone(name).script((f"{choice.value} {receipt}", "已投进"))
    secretary.script(
        ("结束表决", "不足 5 票", "销毁"), ("确认", "不公布票数", "纸质票"), ("表决结果", "表决无效")
    )
    with database.read() as session:
        assert session.scalars(select(Ballot)).all() == []
        assert session.scalars(select(Vote.yes)).all() == [None]


def test_only_opening_and_closing_are_on_record(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database
) -> None:
    opened(secretary, "无记名")
    for name, choice, receipt in BALLOTS[:6]:
        phone(name)(f"{choice.value} {receipt}")
    secretary.script(("结束表决", "要结束"), ("确认", "没有通过"))
    with database.read() as session:
        acts = session.execute(select(AuditEntry.act, AuditEntry.detail).order_by(AuditEntry.id)).all()
    assert [act for act, _ in acts] == ["发起表决", "结束表决"]
    assert not any(receipt in detail for _, detail in acts for *_, receipt in BALLOTS)


# Ways to say it ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    ["赞成 青山37", "赞成青山37", "我赞成，青山37", "赞成票 青山 37", "赞成：清山３７", "投赞成票 青山37"],
)
def test_a_secret_vote_is_understood_as_people_write_it(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database, said: str
) -> None:
    opened(secretary, "无记名")
    phone("张伟").script((said, "已投进票箱"), ("反对 白云12", "只能投一次"))
    with database.read() as session:
        assert session.execute(select(Ballot.receipt, Ballot.choice)).all() == [("青山37", "赞成")]


@pytest.mark.parametrize(
    ("said", "choice"),
    [("1 青山37", "赞成"), ("2青山37", "反对"), ("弃权 青山37", "弃权"), ("不赞成青山37", "反对")],
)
def test_the_slip_takes_a_number_and_waits_no_more(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database, said: str, choice: str
) -> None:
    opened(secretary, "无记名")
    zhang = phone("张伟")
    zhang.script(
        ("投票", "1 赞成 2 反对 3 弃权"), ("1", "没有投成"), (said, "已投进票箱"), ("继续", "没有没做完")
    )
    with database.read() as session:
        assert session.scalars(select(Ballot.choice)).all() == [choice]


def test_a_slip_that_comes_too_late_does_not_wait_on(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    opened(secretary, "无记名")
    zhang = phone("张伟")
    zhang("投票")
    secretary.script(("结束表决", "要结束"), ("确认", "无效"))
    zhang.script(("1 青山37", "没有正在进行的表决"), ("继续", "没有没做完"))


def test_a_taken_receipt_is_refused_and_another_one_works(
    secretary: Phone, phone: PhoneBook, meeting: int
) -> None:
    opened(secretary, "无记名")
    phone("张伟").script(("赞成 青山37", "已投进票箱"))
    phone("古丽").script(("反对 青山37", "已经有人用了"), ("反对 青山38", "已投进票箱"))


def test_an_open_vote_waits_under_the_next_answer(secretary: Phone, phone: PhoneBook, meeting: int) -> None:
    opened(secretary, "记名")
    assert "有一项表决等您投票" in phone("张伟")("积分")
    assert "有一项表决等您投票" not in phone("吴霞")("积分")


# Secrecy ----------------------------------------------------------------------------------------------------------------

MISSPOKEN = (
    "赞成",
    "投青山37赞成",
    "我要投赞成票啊青山37",
    "1 青山37",
    "赞城 青山37",
    "赞成 张伟37",
    "赞成 青山37 谢谢大家",
)


def test_nothing_that_is_kept_says_how_somebody_voted(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database
) -> None:
    """Ballots through the real dispatcher, also misspoken, repeated and by slip; then every cell of every table is read."""
    opened(secretary, "无记名")
    for said in MISSPOKEN:
        answer = phone("马强")(said)
        assert not any(one in answer.split("例如")[0] for one in ("青山37", "张伟37")), said
        phone("马强")("退出")
    for n, (name, choice, receipt) in enumerate(BALLOTS[:9]):
        voter = phone(name)
        if n % 2:
            voter("投票")
        first = voter(f"{choice.value} {receipt}")
        assert "已投进票箱" in first
        assert voter.again() == first
        voter(f"{choice.value} {receipt}")
    receipts = [receipt for *_, receipt in BALLOTS] + ["青山37", "张伟37"]
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table)):
                if table.name != "ballot":
                    assert not [one for one in receipts if one in str(row)], table.name
        replies = session.execute(select(Inbox.identity_id, Inbox.reply).order_by(Inbox.id)).all()
        frames = session.scalars(select(Conversation.frames)).all()
    assert all("没看懂" not in reply["text"] for _, reply in replies)
    assert no_choice_in(frames)
    # What the voters were told is the same for all but the count: no answer depends on the choice.
    done = {reply["text"].split("现已投")[0] for _, reply in replies if "已投进票箱" in reply["text"]}
    assert len(done) == 1


def no_choice_in(frames: list[Any]) -> bool:
    """Nothing but the number of the vote is kept by a dialogue."""
    return all(set(frame["data"]) <= {"vote"} for stack in frames for frame in stack)


def test_members_who_vote_in_a_rush_are_all_counted(
    secretary: Phone, phone: PhoneBook, meeting: int, database: Database
) -> None:
    opened(secretary, "无记名")
    phones = [(phone(name), f"{choice.value} {receipt}") for name, choice, receipt in BALLOTS[:10]]
    assert at_once(*(lambda p=p, said=said: p(said) for p, said in phones)) == []  # type: ignore[misc]
    with database.read() as session:
        box = session.scalars(select(Ballot.receipt)).all()
    assert box == sorted(receipt for *_, receipt in BALLOTS[:10])


# Paper ------------------------------------------------------------------------------------------------------------------


def test_paper_votes_are_reckoned(phone: PhoneBook, clock: Clock) -> None:
    phone("张伟").script(
        (
            "计票 应到 23 实到 20 赞成 15 反对 3 弃权 2",
            "（表决）通过",
            "至少要 12 人，够",
            "应到 23 人的半数，至少 12 票",
            "第十一条",
        ),
        ("计票 应到23人，实到20人，赞成11票", "（表决）没有通过"),
        ("计票 应到 23 实到 11 赞成 11", "无效：到会人数不够"),
        ("计票 接收预备党员 应到 10 实到 5 书面 2 赞成 7", "无效：到会人数不够", "至少要 6 人"),
        ("计票 按实到 应到 23 实到 20 赞成 11", "按应到人数计算，不按实到"),
        ("计票 应到 23 实到 20", "缺少赞成", "例如"),
        ("计票 应到 23 实到 24 赞成 15", "实到 24 人比应到 23 人多"),
    )


def test_an_election_on_paper_is_reckoned_on_the_basis_that_is_named(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    zhang.script(
        (
            "计票 选举 应到 23 实到 20 赞成 11",
            "没有达到当选票数",
            "按应到算（没有设置，用较严的），要超过 23 人的半数",
            "至少 12 票",
            "若按实到算，至少 11 票",
            "以上级选举办法为准",
            "五分之四",
        ),
        (
            "计票 选举 按实到 应到 23 实到 20 赞成 11",
            "达到当选票数",
            "按实到算（您指定），要超过 20 人的半数",
            "若按应到算，至少 12 票",
        ),
        ("计票 选举 应到 23 实到 18 赞成 15", "到会人数不够，选举无效", "至少要 19 人"),
        ("计票 选举 应到 23 实到 20 赞成 15 发出 20 收回 21", "收回多于发出"),
    )


def test_the_basis_of_an_election_is_set_by_the_branch_and_stated_in_the_tally(
    secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    asked, zhang = "计票 选举 应到 23 实到 20 赞成 11", phone("张伟")
    secretary.script(("选举计票", "检修党支部选举计票按应到（没有设置", "以上级批复的选举办法为准"))
    zhang.script((asked, "按应到算（没有设置，用较严的）"), ("选举计票 按实到", "需要支部书记或委员"))
    secretary.script(
        ("选举计票 按票数", "没看懂按什么算"), ("选举计票 按实到", "已改为按实到（原来没有设置）", "撤销")
    )
    zhang.script(
        (asked, "达到当选票数", "按实到算（本支部设置），要超过 20 人的半数"),
        ("计票 选举 按应到 应到 23 实到 20 赞成 11", "没有达到", "按应到算（您指定）"),
        ("计票 应到 23 实到 20 赞成 11", "没有通过", "按应到计算，不按实到"),
    )
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.detail).where(AuditEntry.act == "修改选举计票")).all()
    assert acts == ["未登记 → 实到"]
    secretary.script(("撤销", "已改回没有设置"), (asked, "按应到算（没有设置"))


def test_a_meeting_of_yesterday_is_over(secretary: Phone, meeting: int, clock: Clock) -> None:
    clock.sleep(timedelta(days=1))
    secretary.script(("表决 通过工作计划", "没有正在进行的党员大会"))
