"""申报 and 申诉: asked by a member, decided by somebody else, seen by both."""

from __future__ import annotations

import re
import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.chat import Kind
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.member import Member, Role, RoleName
from bot.models.outbox import Outbox, Urgency
from bot.models.photo import ClaimPhoto
from bot.models.points import Claim, ClaimState, PointEntry
from bot.services import claim as claims
from bot.services import personal_data, point_account, points
from content.holidays import Calendar
from tests.chat import Phone, PhoneBook
from tests.conftest import restarted


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


@pytest.fixture
def deputy(phone: PhoneBook) -> Phone:
    return phone("陈刚")


def give(
    app: App, code: str = "model", amount: int = 1, *, giver: str | None = None, to: str = "张伟"
) -> int:
    """An entry in the ledger; its number."""
    with app.database.write() as session:
        ids = {name: number for number, name in session.execute(select(Member.id, Member.name))}
        done = points.award(
            session, ids[to], code, fact=f"{code} {amount} {giver} {to}", reason="那天的活动", now=app.clock(), points=amount,
            giver_id=ids[giver] if giver else None,
        )  # fmt: skip
    assert done.entry_id is not None
    return done.entry_id


def ledger(database: Database, name: str = "张伟") -> list[int]:
    with database.read() as session:
        rows = (
            select(PointEntry.points)
            .join(Member, Member.id == PointEntry.member_id)
            .where(Member.name == name)
        )
        return list(session.scalars(rows.order_by(PointEntry.id)))


def claim(database: Database) -> Claim:
    with database.read() as session:
        return session.scalars(select(Claim)).one()


def end_roles(database: Database, clock: Clock, *names: str) -> None:
    with database.write() as session:
        ids = select(Member.id).where(Member.name.in_(names))
        session.execute(
            update(Role).where(Role.member_id.in_(ids)).values(ends_on=clock().date() - timedelta(days=1))
        )


def consistent(database: Database) -> bool:
    with database.read() as session:
        return points.verify(session) == []


# The dialogue of an appeal ----------------------------------------------------------------------------------------------


def test_points_dialogue(zhang: Phone, secretary: Phone, bot: App, database: Database) -> None:
    entry = give(bot, amount=1, giver="陈刚")
    zhang.script(
        (
            "我有多少分",
            "共 1 分",
            "模范作用发挥",
            "党员教育管理",
            "自身综合素质提升",
            "业务职责落实",
            f"#{entry} +1",
        ),
        (
            f"申诉 {entry} 那天我在场",
            "申诉已收到（第 1 件）",
            f"第 {entry} 条",
            "由王建国、",
            "11月30日(周一)前答复",
        ),
    )
    secretary.script(
        ("审核", f"张伟 申诉 #{entry}：那天我在场", "同意", "不同意 理由"),
        ("同意", "已同意张伟的申诉", "更正 -1 分", "重记 +3 分", "该季共 3 分"),
    )
    assert ledger(database) == [1, -1, 3]
    (push,) = zhang.pushes()
    assert f"您的申诉（第 {entry} 条）已同意：更正 -1 分" in push
    assert "重记 +3 分" in push
    assert "共 3 分" in zhang("积分")
    assert consistent(database)


# Asking -----------------------------------------------------------------------------------------------------------------


def test_a_claim_is_recorded_with_who_decides_and_until_when(zhang: Phone) -> None:
    zhang.script(
        (
            "申报 师带徒 带出1名持证徒弟",
            "申报已收到（第 1 件）",
            "王建国、陈刚、刘芳等审核",
            "11月30日(周一)前答复",
        ),
        ("我的申报", "申报“师带徒 带出1名持证徒弟”：等待审核", "11月30日"),
    )


def test_a_claim_is_guided_when_only_the_word_is_said(zhang: Phone) -> None:
    zhang.script(("申报", "请发送做了什么事", "例如"), ("师带徒 带出1名持证徒弟", "申报已收到"))


def test_the_same_claim_twice_is_noticed(zhang: Phone, database: Database) -> None:
    zhang("申报 师带徒")
    assert "已经申报过了（第 1 件" in zhang("申报 师带徒")
    assert claim(database).text == "师带徒"


@pytest.mark.parametrize("said", ["申报 x", "申报 " + "长" * 501, "申报 下周去师带徒"])
def test_a_claim_that_says_nothing_too_much_or_the_future_is_refused(
    zhang: Phone, database: Database, said: str
) -> None:
    answer = zhang(said)
    assert "请写清楚" in answer or "还没有到" in answer
    with database.read() as session:
        assert session.scalars(select(Claim)).all() == []


def test_a_photo_within_ten_minutes_belongs_to_the_claim(
    zhang: Phone, clock: Clock, database: Database
) -> None:
    assert "没有可附的申报" in zhang.send(kind=Kind.IMAGE, media="early")
    zhang("申报 师带徒")
    clock.sleep(timedelta(minutes=9))
    assert "照片已附上" in zhang.send(kind=Kind.IMAGE, media="media-1")
    assert "换成这一张" in zhang.send(kind=Kind.IMAGE, media="media-2")
    clock.sleep(timedelta(minutes=2))
    assert "没有可附的申报" in zhang.send(kind=Kind.IMAGE, media="late")
    with database.read() as session:
        assert [one.media for one in session.scalars(select(ClaimPhoto))] == ["media-2"]
    assert "有照片" in zhang("我的申报")


@pytest.mark.parametrize(
    ("said", "number", "text"),
    [
        ("申诉 {n} 那天我在场", True, "那天我在场"),
        ("申诉{n} 那天我在场", True, "那天我在场"),
        ("申诉 第{n}条，那天我在场", True, "那天我在场"),
        ("申诉 #{n}：那天我在场", True, "那天我在场"),
        ("申诉 {n}那天我在场", True, "那天我在场"),
        ("申诉 11月20日主题党日我在场，没有记分", False, "11月20日主题党日我在场,没有记分"),
        ("申诉 20号主题党日没有记分", False, "20号主题党日没有记分"),
        ("申诉 14:30 的活动没有记分", False, "14:30 的活动没有记分"),
    ],
)
def test_a_number_of_an_entry_is_told_from_a_date(
    zhang: Phone, bot: App, database: Database, said: str, number: bool, text: str
) -> None:
    entry = give(bot)
    assert "申诉已收到" in zhang(said.format(n=entry))
    made = claim(database)
    assert (made.entry_id, made.text) == (entry if number else None, text)


def test_an_appeal_without_a_reason_asks_for_it(zhang: Phone, bot: App, database: Database) -> None:
    entry = give(bot)
    zhang.script((f"申诉 {entry}", f"请写第 {entry} 条为什么不对"), ("那天我在场", "申诉已收到"))
    assert claim(database).text == "那天我在场"


def test_only_own_entries_within_thirty_days_and_one_appeal_at_a_time(
    phone: PhoneBook, zhang: Phone, bot: App, clock: Clock
) -> None:
    entry = give(bot)
    for number in (entry, 9_999_999_999):
        assert f"没有找到您的第 {number} 条" in phone("古丽")(f"申诉 {number} 那天我在场")
    clock.sleep(timedelta(days=30))
    assert "申诉已收到" in zhang(f"申诉 {entry} 那天我在场")
    assert "已经申诉过了" in zhang(f"申诉 {entry} 再说一遍")
    late = give(bot, amount=2)
    clock.sleep(timedelta(days=30, minutes=1))
    assert "30 天内提出" in zhang(f"申诉 {late} 那天我在场")


def test_five_working_days_go_around_weekends_and_holidays(
    zhang: Phone, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From Thursday 26 November: Friday, a worked Saturday, then not Monday, a holiday, but Tuesday to Thursday."""
    year = Calendar(frozenset({date(2026, 11, 30)}), frozenset({date(2026, 11, 28)}), frozenset({2026}))
    monkeypatch.setattr(claims, "calendar", lambda: year)
    clock.jump(clock() + timedelta(days=3))
    assert "12月3日(周四)前答复" in zhang("申报 师带徒")
    by = claim(database).decide_by.astimezone(clock.zone)
    assert (by.month, by.day, by.hour) == (12, 3, 18)


# Deciding ---------------------------------------------------------------------------------------------------------------


def test_what_waits_is_told_to_reviewers_once(zhang: Phone, secretary: Phone, phone: PhoneBook) -> None:
    zhang("申报 师带徒")
    assert "有 1 件待审核，回复 审核" in secretary("支部信息")
    assert "待审核" not in secretary("支部信息")
    assert "待审核" not in phone("孙磊")("支部信息")
    (push,) = secretary.pushes()
    assert "回复 审核" in push
    zhang("申报 技能取证")
    assert secretary.pushes() == []


def test_a_claim_is_granted_by_a_chosen_rule(zhang: Phone, secretary: Phone, database: Database) -> None:
    zhang("申报 师带徒 带出1名持证徒弟")
    secretary.script(
        ("审核", "待审核 1 件", "张伟 申报：师带徒"),
        ("1", "按哪条规则", "1 技能取证、师带徒", "2 急难险重"),
        ("1", "已同意", "+3 分", "自身综合素质提升", "没有其他待审核"),
    )
    assert ledger(database) == [3]
    made = claim(database)
    assert (made.state, made.decision) == (ClaimState.GRANTED, "技能取证、师带徒 +3 分")
    assert "已同意，技能取证、师带徒 +3 分（王建国" in zhang("我的申报")
    with database.read() as session:
        assert session.scalars(select(AuditEntry.act)).all() == ["审核申报"]


@pytest.mark.parametrize(
    ("first", "second", "amount"),
    [("同意", "1 5分", 5), ("同意 4分", "1", 4), ("同意，2分", "师带徒", 2), ("同意", "师带徒 1分", 1)],
)
def test_the_reviewer_may_change_the_amount(
    zhang: Phone, secretary: Phone, database: Database, first: str, second: str, amount: int
) -> None:
    zhang("申报 师带徒")
    secretary("审核")
    secretary(first)
    assert f"+{amount} 分" in secretary(second)
    assert ledger(database) == [amount]


def test_too_much_is_refused_and_the_question_stays(
    zhang: Phone, secretary: Phone, database: Database
) -> None:
    zhang("申报 师带徒")
    secretary.script(
        ("审核", "师带徒"),
        ("同意", "哪条规则"),
        ("1 9分", "每次可给 1–5 分"),
        ("7", "请回复规则前的数字"),
        ("1", "已同意"),
    )
    assert ledger(database) == [3]


def test_a_refusal_needs_a_reason_that_the_member_sees(
    zhang: Phone, secretary: Phone, database: Database
) -> None:
    zhang("申报 师带徒")
    zhang("申报 技能取证")
    secretary.script(
        ("审核", "待审核 2 件"),
        ("不同意", "请写一句不同意的理由"),
        ("与台账不符", "已记为不同意", "理由：与台账不符", "待审核 1 件", "技能取证"),
        ("不同意，没有证书复印件", "已记为不同意", "没有其他待审核"),
    )
    pushes = zhang.pushes()
    assert ["与台账不符" in pushes[0], "没有证书复印件" in pushes[1]] == [True, True]
    assert "不同意，与台账不符（王建国" in zhang("我的申报")
    assert ledger(database) == []


def test_skipping_shows_the_next_and_ends(zhang: Phone, secretary: Phone) -> None:
    zhang("申报 师带徒")
    zhang("申报 技能取证")
    secretary.script(("审核", "师带徒"), ("跳过", "技能取证"), ("3", "跳过的 2 件还在"), ("审核", "师带徒"))


def test_an_answer_for_leave_is_not_taken_for_a_verdict(
    zhang: Phone, secretary: Phone, database: Database
) -> None:
    """ "同意 1" means a request for leave; it must not grant one point by chance."""
    zhang("申报 师带徒")
    secretary.script(
        ("审核", "师带徒"), ("同意 1", "这里正在审核"), ("随便说说", "请回复：同意 / 不同意 理由 / 跳过")
    )
    assert claim(database).state is ClaimState.WAITING


def test_a_review_survives_a_restart(zhang: Phone, secretary: Phone, bot: App, database: Database) -> None:
    zhang("申报 师带徒")
    secretary("审核")
    app = restarted(bot)
    Phone(app, "wangjianguo").script(("同意", "哪条规则"), ("1", "已同意"))
    app.database.dispose()
    assert ledger(database) == [3]


def test_a_command_between_leaves_the_review_open(zhang: Phone, secretary: Phone) -> None:
    zhang("申报 师带徒")
    secretary.script(
        ("审核", "师带徒"),
        ("积分", "王建国", "审核还有 1 件，回复 继续"),
        ("继续", "师带徒"),
        ("同意", "哪条规则"),
    )


def test_an_appeal_on_a_reversal_restores_what_was_taken(
    zhang: Phone, secretary: Phone, deputy: Phone, bot: App, database: Database
) -> None:
    entry = give(bot, "attend", 2)
    secretary(f"更正 {entry} 没有到会")
    taken = max(_numbers(zhang("积分")))
    zhang(f"申诉 {taken} 那天我在场")
    deputy.script(("审核", f"申诉 #{taken}", "现计 0 分，按规则 2 分"), ("同意", "重记 +2 分", "该季共 2 分"))
    assert ledger(database) == [2, -2, 2]
    assert consistent(database)


def _numbers(answer: str) -> list[int]:
    return [int(number) for number in re.findall(r"#(\d+)", answer)]


def test_the_right_amount_is_asked_for_when_nothing_would_change(
    zhang: Phone, secretary: Phone, bot: App, database: Database
) -> None:
    entry = give(bot, amount=3)
    zhang(f"申诉 {entry} 少记了")
    secretary.script(
        ("审核", "现计 3 分"),
        ("同意", "现在就是 3 分", "同意 4分"),
        ("同意 5 分", "更正 -3 分", "重记 +5 分", "该季共 5 分"),
    )
    assert ledger(database) == [3, -3, 5]


def test_a_missing_entry_is_appealed_without_a_number(
    zhang: Phone, secretary: Phone, database: Database
) -> None:
    zhang("申诉 11月20日主题党日我在场，没有记分")
    secretary.script(
        ("审核", "张伟 申诉：11月20日主题党日"),
        ("同意", "参加组织生活"),
        ("参加组织生活", "记 +2 分", "党员教育管理"),
    )
    assert ledger(database) == [2]


def test_an_appeal_is_decided_by_somebody_else_than_the_giver(
    zhang: Phone, secretary: Phone, deputy: Phone, bot: App, database: Database
) -> None:
    entry = give(bot, amount=1, giver="王建国")
    assert "由陈刚、刘芳、赵敏等审核" in zhang(f"申诉 {entry} 少记了")
    assert "没有待审核" in secretary("审核")
    deputy.script(("审核", f"申诉 #{entry}"), ("同意", "已同意"))
    assert ledger(database) == [1, -1, 3]


def test_the_giver_decides_only_when_nobody_else_may_and_says_so(
    zhang: Phone, secretary: Phone, bot: App, database: Database, clock: Clock
) -> None:
    end_roles(database, clock, "陈刚", "刘芳", "赵敏", "吴霞")
    entry = give(bot, amount=1, giver="王建国")
    assert "由王建国审核（本支部没有其他人有权审核）" in zhang(f"申诉 {entry} 少记了")
    secretary.script(("审核", "这一条是您给的分"), ("同意", "已同意", "已注明由加分人本人审核"))
    assert "加分人本人审核" in claim(database).decision


def test_nobody_decides_about_the_own_claim(
    secretary: Phone, deputy: Phone, database: Database, clock: Clock
) -> None:
    assert "由陈刚、刘芳、赵敏等审核" in secretary("申报 师带徒")
    assert "没有待审核" in secretary("审核")
    end_roles(database, clock, "陈刚", "刘芳", "赵敏", "吴霞")
    assert "需要支部书记或委员来办" in deputy("审核")
    assert "没有待审核" in secretary("审核")
    assert "由上级党委审核" in secretary("我的申报")


def test_reviewers_see_only_their_branch(
    zhang: Phone, phone: PhoneBook, secretary: Phone, database: Database
) -> None:
    zhang("申报 师带徒")
    with database.write() as session:
        branch = session.scalars(select(Member).where(Member.name == "王建国")).one()
        other = session.scalars(
            select(Role).where(Role.member_id == branch.id, Role.name == RoleName.SECRETARY)
        ).one()
        leader = session.scalars(select(Role).join(Member).where(Member.name == "马强")).one()
        other.organisation_id = leader.organisation_id
    assert "没有待审核" in secretary("审核")


def test_the_second_of_two_reviewers_is_told_it_is_decided(
    zhang: Phone, secretary: Phone, deputy: Phone, database: Database
) -> None:
    zhang("申报 师带徒")
    zhang("申报 技能取证")
    secretary("审核")
    deputy("审核")
    secretary("不同意 与台账不符")
    deputy.script(("同意", "刚才已经由王建国处理：不同意", "技能取证"), ("同意", "哪条规则"), ("1", "已同意"))
    assert ledger(database) == [3]


def test_two_reviewers_in_the_same_moment_give_once(
    zhang: Phone, secretary: Phone, deputy: Phone, database: Database
) -> None:
    zhang("申报 师带徒")
    for one in (secretary, deputy):
        one("审核")
        one("同意")
    answers: dict[str, str] = {}
    gate = threading.Barrier(2)

    def answer(one: Phone) -> None:
        gate.wait()
        answers[one.account] = one("1")

    threads = [threading.Thread(target=answer, args=(one,)) for one in (secretary, deputy)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ledger(database) == [3]
    assert len(zhang.pushes()) == 1
    assert sorted("已经由" in text for text in answers.values()) == [False, True]


def test_the_answer_to_a_member_passes_the_budget(zhang: Phone, secretary: Phone, database: Database) -> None:
    zhang("申报 师带徒")
    secretary("审核")
    secretary("不同意 与台账不符")
    with database.read() as session:
        row = session.scalars(
            select(Outbox).join(Member, Member.id == Outbox.member_id).where(Member.name == "张伟")
        ).one()
    assert row.urgency is Urgency.ANSWER


def test_the_sealed_ledger_names_a_claim_and_its_words_can_be_erased(
    zhang: Phone, secretary: Phone, database: Database, clock: Clock
) -> None:
    zhang("申报 师带徒 带出1名持证徒弟")
    secretary.script(("审核", "师带徒"), ("同意", "技能取证"), ("1", "已同意"))
    assert "#1 +3 师带徒 带出1名持证徒弟" in zhang("积分")
    assert "事由：师带徒 带出1名持证徒弟" in zhang("积分依据 1")
    with database.write() as session:
        assert "徒弟" not in session.scalars(select(PointEntry.reason)).one()
        who = session.scalars(select(Member).where(Member.name == "张伟")).one()
        who.active = False
        personal_data.erase(session, who, now=clock())
        session.expire_all()
        [entry] = point_account.last_entries(session, who.id)
    assert entry.reason == personal_data.ERASED
