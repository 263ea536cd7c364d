"""Hazards: reported by anybody, given out with a deadline, put right, checked by somebody else."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.hazard import Hazard, HazardAct, HazardState, HazardStep
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation
from bot.models.outbox import Outbox, OutboxState, Urgency
from bot.models.points import PointEntry
from bot.services import hazard as hazards
from bot.services import hazard_turn, organisation, points
from bot.services.hazard import Overtaken
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import COMMITTEE, appoint

TUESDAY = datetime(2026, 12, 1, 9, tzinfo=SHANGHAI)


@pytest.fixture(autouse=True)
def december(clock: Clock) -> None:
    """From December on the rules of hazards are in force."""
    clock.jump(TUESDAY)


@pytest.fixture
def oil(phone: PhoneBook) -> int:
    """张伟 reported YH1: 2号主变渗油."""
    assert "已记录 YH1" in phone("张伟")("隐患 2号主变渗油")
    return 1


@pytest.fixture
def dispatched(oil: int, secretary: Phone) -> int:
    """YH1 is 李明's until 4 December."""
    secretary.script(("派发 YH1 李明 3天", "李明", "12月4日(周五)前整改"))
    return oil


@pytest.fixture
def fixed(dispatched: int, phone: PhoneBook) -> int:
    """李明 says that YH1 is put right."""
    phone("李明").script(("整改 YH1 已紧固法兰", "已登记 YH1"))
    return dispatched


def state(database: Database, number: int = 1) -> HazardState:
    with database.read() as session:
        return session.get_one(Hazard, number).state


def earned(database: Database) -> list[tuple[str, str, int]]:
    with database.read() as session:
        rows = session.execute(
            select(Member.name, PointEntry.rule, PointEntry.points)
            .join(Member, Member.id == PointEntry.member_id)
            .order_by(PointEntry.id)
        )
        return [tuple(row) for row in rows]


def test_the_whole_way_of_a_hazard(
    phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    zhang, li = phone("张伟"), phone("李明")
    zhang.script(
        ("隐患 2号主变渗油 地点东郊变", "已记录 YH1：2号主变渗油（地点：东郊变）", "王建国派人整改", "撤销")
    )
    assert any("张伟报告隐患 YH1" in text and "派发 YH1" in text for text in secretary.pushes())
    secretary.script(
        ("隐患", "没办完的隐患 1 处", "1 YH1 2号主变渗油：待派发"),
        ("1", "张伟报告", "1 派发", "2 不是隐患"),
        ("1", "派给谁"),
        ("李明 3天", "已把 YH1（2号主变渗油，一般）派给李明", "12月4日(周五)前"),
    )
    assert any("YH1 请您整改" in text and "12月4日(周五)" in text for text in li.pushes())
    li.script(
        ("整改", "1 YH1 2号主变渗油：12月4日(周五)前"),
        ("1", "做了什么"),
        ("已紧固法兰", "已登记 YH1", "王建国"),
    )
    assert any("李明已整改隐患 YH1" in text and "已紧固法兰" in text for text in secretary.pushes())
    secretary.script(("复查", "李明整改：已紧固法兰", "1 通过"), ("1", "复查通过，已销号"))
    assert any("复查通过、销号。发现 +1 分" in text for text in zhang.pushes())
    assert any("复查通过、销号。整改 +2 分" in text for text in li.pushes())
    story = zhang("YH1")
    assert [
        part in story
        for part in ("张伟报告", "王建国派给李明", "李明整改：已紧固法兰", "王建国复查通过", "已销号")
    ] == [True] * 5
    assert earned(database) == [("张伟", "hazard_found", 1), ("李明", "hazard_fixed", 2)]
    zhang.script(("隐患", "您没有没办完的隐患"), ("隐患 全部", "YH1 2号主变渗油：已销号"))
    with database.read() as session:
        acts = session.scalars(select(AuditEntry.act).where(AuditEntry.act.like("%隐患%"))).all()
        assert points.verify(session) == []
    assert acts == ["派发隐患", "复查隐患"]


# Reporting --------------------------------------------------------------------------------------------------------------


def test_who_only_says_that_there_is_one_is_asked_what(phone: PhoneBook) -> None:
    phone("张伟").script(("报隐患", "请发送在哪里、是什么"), ("2号主变渗油", "已记录 YH1：2号主变渗油"))


@pytest.mark.parametrize("said", ["隐患 漏油", "报隐患 裂了"])
def test_too_little_is_asked_for_once(phone: PhoneBook, said: str, database: Database) -> None:
    zhang = phone("张伟")
    zhang.script((said, "在哪里"), ("东郊变2号主变", f"已记录 YH1：东郊变2号主变 {said[-2:]}"))


def test_danger_is_answered_with_what_to_do_first_and_told_to_all_in_charge_at_once(
    phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    clock.jump(TUESDAY.replace(hour=23))
    answer = phone("张伟")("隐患 冒烟")
    assert answer.startswith("请先离开危险区域")
    assert "119" in answer.splitlines()[0]
    assert "120" in answer.splitlines()[0]
    assert "YH1" in answer
    with database.read() as session:
        rows = session.execute(
            select(Member.name, Outbox.urgency)
            .join(Member, Member.id == Outbox.member_id)
            .order_by(Member.id)
        ).all()
    assert {name for name, _ in rows} == {"王建国", "刘芳", "陈刚", "赵敏", "吴霞"}
    assert {urgency for _, urgency in rows} == {Urgency.URGENT}


@pytest.mark.parametrize("said", ["2号主变冒烟了", "有人触电了！", "城南线断线了"])
def test_who_only_writes_what_happens_reads_first_what_to_do(
    phone: PhoneBook, said: str, secretary: Phone
) -> None:
    zhang = phone("张伟")
    answer = zhang(said)
    assert answer.startswith("请先离开危险区域")
    assert "1 登记" in answer
    zhang.script(
        ("2", "没有登记"),
        (said, "1 登记"),
        ("1", "请先离开危险区域", f"已记录 YH1：{said[:5]}", "正在通知王建国"),
    )
    assert any("【紧急】" in text for text in secretary.pushes())


@pytest.mark.parametrize("said", ["触电怎么急救", "变压器着火了怎么办", "触电急救"])
def test_a_question_about_danger_is_a_question(phone: PhoneBook, said: str) -> None:
    answer = phone("张伟")(said)
    assert "离开危险区域" not in answer
    assert "依据" in answer or "来自" in answer


def test_said_by_name_it_is_taken_at_once(phone: PhoneBook) -> None:
    phone("张伟").script(("险情 主变声音异常", "请先离开危险区域", "已记录 YH1"))
    phone("孙磊").script(
        ("险情", "请先离开危险区域", "哪里出了什么事"),
        ("2号主变异响", "请先离开危险区域", "已记录 YH2：2号主变异响"),
    )
    phone("古丽").script(("险情", "哪里"), ("不用", "没有登记"))


def test_danger_names_the_duty_phone_of_the_branch(phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(
        ("推送设置 值班电话 不知道", "没看懂电话号码"),
        ("推送设置 值班电话 0906-2123456", "值班电话已改为 0906-2123456（原来 没有设）"),
    )
    first = phone("张伟")("隐患 10千伏城南线断线落地").splitlines()[0]
    assert first.startswith("请先离开危险区域")
    assert "0906-2123456" in first
    secretary.script(("撤销", "值班电话已改回 没有设"))


def test_a_report_can_be_taken_back_until_somebody_deals_with_it(
    phone: PhoneBook, secretary: Phone, database: Database, oil: int
) -> None:
    zhang = phone("张伟")
    zhang.script(("撤销", "已撤回 YH1"))
    assert secretary.pushes() == [], "what was not sent yet is not sent"
    assert state(database) is HazardState.WITHDRAWN
    secretary.script(("派发 YH1 李明", "YH1 已由报告人撤销，不用派发"), ("隐患", "没有没办完的隐患"))
    zhang.script(("隐患 2号主变渗油", "已记录 YH2"))
    secretary("派发 YH2 李明")
    zhang.script(("撤销", "YH2 后来又有了变化（已由王建国派发），不能撤销"))


def test_the_same_is_not_taken_twice_and_what_is_alike_is_named(phone: PhoneBook, oil: int) -> None:
    phone("张伟").script(("隐患 2号主变渗油", "已经报过（YH1）"))
    phone("古丽").script(
        ("隐患 2号主变又渗油了", "已记录 YH2", "和 YH1（2号主变渗油）很像", "撤销"),
    )
    assert "很像" not in phone("孙磊")("隐患 3号主变渗油")
    assert "很像" not in phone("周洁")("隐患 仓库灭火器过期")


def test_who_is_in_charge_alone_is_told_how_to_go_on(
    secretary: Phone, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        chief = session.scalars(select(Member.id).where(Member.name == "王建国")).one()
        for role in session.scalars(select(Role).where(Role.member_id != chief)):
            role.ends_on = clock().date() - timedelta(days=1)
    secretary.script(("隐患 2号主变渗油", "派人整改请发：派发 YH1"))


# Giving it out ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("派发 YH1 李明", "派给李明，12月8日(周二)前整改"),
        ("派发 YH1 李明 一周", "12月8日(周二)前"),
        ("派发yh1给李明3天内整改", "派给李明，12月4日(周五)前"),
        ("派发 1 李明 12月5日", "12月5日(周六)前"),
        ("派发 YH1 李明 12月5日前完成", "派给李明，12月5日(周六)前"),
        ("派发 YH1 李明 2026-12-20", "12月20日(周日)前"),
        ("派发 YH1 李明 明天", "12月2日(周三)前"),
        ("派发 YH1 李明 15号", "派给李明，12月15日(周二)前"),
        ("派发 YH1 李明 15号前", "12月15日(周二)前"),
        ("派发 YH1 李明 31日", "12月31日(周四)前"),
        ("派发 YH1 李明 40号", "没有叫"),
        ("派发 YH1 李明 周五", "12月4日(周五)前"),
        ("派发 YH1 重大 李明", "2号主变渗油，重大）派给李明，12月16日(周三)前"),
        ("派发 李明 3天", "派给李明，12月4日(周五)前"),
        ("派发 YH1 王建国 今天", "派给王建国，12月1日(周二)前整改。"),
        ("派发 YH1 李明 11月20日", "整改期限要在今天到一年之内"),
        ("派发 YH1 李明 400天", "整改期限要在今天到一年之内"),
        ("派发 YH1 某某某 3天", "没有叫“某某某”的人"),
        ("派发 YH1 3天", "派给谁"),
        ("派发 YH1 李明 较大", "级别只有一般、重大"),
        ("派发 YH1", "派给谁、几天内整改"),
        ("派发 YH9 李明", "没有找到您能看的 YH9"),
        ("派发 YH999999999 李明", "没有找到"),
    ],
)
def test_a_dispatch_is_understood_as_people_write_it(
    secretary: Phone, oil: int, said: str, answer: str
) -> None:
    assert answer in secretary(said)


def test_a_major_one_says_what_the_law_wants_besides(secretary: Phone, oil: int) -> None:
    secretary.script(("派发 YH1 李明 重大", "《安全生产法》第四十一条"), ("隐患", "[重大]2号主变渗油：李明"))


def test_it_can_be_given_to_somebody_else_and_both_are_told(
    secretary: Phone, phone: PhoneBook, dispatched: int
) -> None:
    secretary.script(("派发 YH1 古丽 5天", "改派给古丽"))
    assert any("改派给古丽" in text for text in phone("李明").pushes())
    assert any("请您整改" in text for text in phone("古丽").pushes())
    phone("李明").script(("整改 YH1 弄好了", "派给了古丽，不用您整改"))


def test_a_dispatch_can_be_taken_back(
    secretary: Phone, phone: PhoneBook, database: Database, dispatched: int
) -> None:
    assert len(phone("李明").pushes()) == 1
    secretary.script(("撤销", "已撤销，YH1 现在还没有派发"))
    with database.read() as session:
        one = session.get_one(Hazard, 1)
        assert (one.owner_id, one.due_on, one.state) == (None, None, HazardState.REPORTED)
    secretary("派发 YH1 李明 5天")
    phone("李明")("整改 YH1 已紧固法兰")
    secretary.script(("撤销", "YH1 后来又有了变化（已由李明报告整改，等待复查），不能撤销"))


def test_several_that_wait_are_chosen_by_number(secretary: Phone, phone: PhoneBook, oil: int) -> None:
    phone("古丽")("隐患 仓库灭火器过期")
    secretary.script(
        ("派发", "待派发 2 处", "1 YH1 2号主变渗油", "2 YH2 仓库灭火器过期"),
        ("2", "派给谁"),
        ("古丽 5天", "仓库灭火器过期，一般）派给古丽"),
        ("派发", "YH1", "派给谁"),
        ("退出", "已退出"),
        ("派发 YH1 李明", "派给李明"),
        ("派发", "没有等待派发的隐患"),
    )


@pytest.mark.parametrize("said", ["派发 YH1 李明", "不是隐患 YH1 正常"])
def test_who_is_not_in_charge_gives_nothing_out(phone: PhoneBook, oil: int, said: str) -> None:
    for name in ("张伟", "马强"):
        assert "需要支部书记或委员来办" in phone(name)(said)


# Putting it right -------------------------------------------------------------------------------------------------------


def test_without_a_number_the_only_one_is_meant(
    phone: PhoneBook, dispatched: int, database: Database
) -> None:
    phone("李明").script(
        ("整改 12号杆塔拉线已紧固", "已登记 YH1（2号主变渗油）整改：12号杆塔拉线已紧固"),
        ("撤销", "现在正在整改"),
    )
    assert state(database) is HazardState.DISPATCHED


def test_of_several_the_one_is_asked_for(phone: PhoneBook, secretary: Phone, dispatched: int) -> None:
    li = phone("李明")
    li("隐患 仓库灭火器过期")
    secretary("派发 YH2 李明 1天")
    li.script(
        ("整改 已换新", "整改的是哪一处", "1 YH2 仓库灭火器过期", "2 YH1"),
        ("1", "已登记 YH2（仓库灭火器过期）整改：已换新"),
    )


@pytest.mark.parametrize("said", ["整改不了，要停电", "整改 YH1 还没修好", "整改 YH1 正在处理"])
def test_what_is_not_done_is_not_taken_as_done(
    phone: PhoneBook, dispatched: int, said: str, database: Database
) -> None:
    assert "没有登记" in phone("李明")(said)
    assert state(database) is HazardState.DISPATCHED


def test_who_has_nothing_is_told_so(phone: PhoneBook, dispatched: int, secretary: Phone) -> None:
    phone("孙磊").script(
        ("整改", "没有要您整改的隐患"),
        ("整改 YH1 弄好了", "没有找到您能看的 YH1"),
        ("复查 YH1 通过", "没有找到您能看的 YH1"),
        ("复查", "没有等您复查的隐患"),
        ("隐患", "您没有没办完的隐患"),
        ("隐患 全部", "还没有隐患记录"),
        ("YH1", "没有找到您能看的 YH1"),
    )
    phone("张伟").script(("整改 YH1 弄好了", "派给了李明，不用您整改"))
    secretary.script(("复查 YH1 通过", "已由王建国派发，现在不用复查"), ("复查", "没有等您复查的隐患"))


# Checking ---------------------------------------------------------------------------------------------------------------


def test_who_fixed_it_never_checks_it(
    phone: PhoneBook, secretary: Phone, oil: int, database: Database
) -> None:
    chief = phone("陈刚")
    secretary("派发 YH1 陈刚 3天")
    chief.script(
        ("整改 YH1 已紧固", "已登记"),
        ("复查", "没有等您复查的隐患"),
        ("复查 YH1 通过", "YH1 是您整改的，要由别人复查。可以复查的有：王建国"),
    )
    assert state(database) is HazardState.FIXED
    phone("张伟").script(("复查 YH1 通过", "复查通过，已销号"))


def test_who_reported_and_fixed_it_does_not_check_it(phone: PhoneBook, secretary: Phone, oil: int) -> None:
    secretary("派发 YH1 张伟 3天")
    phone("张伟").script(("整改 YH1 已紧固", "已登记"), ("复查 YH1 通过", "要由别人复查"))


def test_where_nobody_else_may_check_it_says_so(
    secretary: Phone, oil: int, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        chief = session.scalars(select(Member.id).where(Member.name == "王建国")).one()
        for role in session.scalars(select(Role).where(Role.member_id != chief)):
            role.ends_on = clock().date() - timedelta(days=1)
    secretary.script(("隐患 仓库灭火器过期", "YH2"), ("派发 YH2 王建国", "派给王建国"))
    secretary.script(
        ("整改 YH2 已更换", "没有其他人可以复查，请联系上级党委"), ("复查 YH2 通过", "请联系上级党委")
    )


def test_it_is_sent_back_with_a_reason_and_done_again(
    phone: PhoneBook, secretary: Phone, fixed: int, database: Database
) -> None:
    li = phone("李明")
    li.pushes()
    secretary.script(
        ("复查 YH1 退回", "写一句退回的原因"), ("法兰下沿还在渗油", "已退回 YH1", "李明", "派发 YH1 李明 3天")
    )
    assert any("没有通过：法兰下沿还在渗油（王建国）" in text for text in li.pushes())
    li.script(("整改 YH1 已换密封垫", "已登记"))
    secretary.script(("复查 YH1 不通过 没清理油污", "已退回"))
    li.script(("整改 YH1 已清理", "已登记"))
    secretary.script(("复查", "2 退回"), ("2 灯还闪", "已退回 YH1", "原因：灯还闪"), ("撤销", "等待复查"))
    phone("陈刚").script(
        ("YH1", "王建国复查退回：法兰下沿还在渗油", "李明整改：已换密封垫", "1 复查通过"), ("1", "已销号")
    )
    assert len(earned(database)) == 2


def test_of_two_who_check_at_once_one_decides(phone: PhoneBook, secretary: Phone, fixed: int) -> None:
    chen = phone("陈刚")
    chen.script(("复查 YH1", "1 通过"))
    secretary.script(("复查 YH1 通过", "已销号"))
    chen.script(("1", "YH1 已由王建国复查通过，现在不用复查"), ("复查 YH1 退回 不行", "已由王建国复查通过"))


def test_of_two_in_the_same_moment_one_decides(
    phone: PhoneBook, secretary: Phone, fixed: int, database: Database
) -> None:
    heard: dict[str, str] = {}
    gate = threading.Barrier(2)

    def check(name: str, said: str) -> None:
        one = phone(name)
        gate.wait()
        heard[name] = one(said)

    threads = [
        threading.Thread(target=check, args=one)
        for one in (("陈刚", "复查 YH1 通过"), ("赵敏", "复查 YH1 退回 还在渗油"))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    decided = [answer for answer in heard.values() if "撤销" in answer]
    told = [answer for answer in heard.values() if "现在不用复查" in answer or "不用再复查" in answer]
    assert (len(decided), len(told)) == (1, 1), heard
    with database.read() as session:
        steps = session.scalars(select(HazardStep).order_by(HazardStep.id)).all()
        assert session.get_one(Hazard, 1).turn == 3
    assert len(steps) == 4


def test_what_is_seen_too_late_is_not_overwritten(
    phone: PhoneBook, secretary: Phone, fixed: int, database: Database, clock: Clock
) -> None:
    """Between somebody's looking and deciding another decides."""
    with database.read() as session:
        seen = session.get_one(Hazard, 1)
        session.expunge(seen)
    secretary("复查 YH1 退回 还在渗油")
    phone("李明")("整改 YH1 又紧了一遍")
    with database.write() as session:
        who = session.scalars(select(Member).where(Member.name == "陈刚")).one()
        session.add(seen)
        step = HazardStep(act=HazardAct.ACCEPT, by_id=who.id, at=clock())
        with pytest.raises(Overtaken, match="已由李明报告整改，等待复查"):
            hazard_turn.act(session, seen, step, (HazardState.FIXED,), "", state=HazardState.CLOSED)
        session.rollback()
    assert state(database) is HazardState.FIXED


def test_a_check_taken_back_takes_the_points_back_and_earns_again_once(
    phone: PhoneBook, secretary: Phone, fixed: int, database: Database
) -> None:
    secretary.script(("复查 YH1 通过", "已销号"), ("撤销", "YH1 现在已整改，等待复查"))
    assert [one[2] for one in earned(database)] == [1, 2, -1, -2]
    assert phone("张伟").pushes() == [], "what was not sent yet is not sent"
    secretary.script(("复查 YH1 通过", "已销号"), ("撤销", "等待复查"), ("复查 YH1 通过", "已销号"))
    with database.read() as session:
        assert points.verify(session) == []
        who = session.scalars(select(Member.id).where(Member.name == "李明")).one()
        assert points.total(session, who, "2026Q4") == 2
        one = session.get_one(Hazard, 1)
        assert (one.state, one.closed_on) == (HazardState.CLOSED, TUESDAY.date())
    secretary.script(("撤销", "等待复查"))
    with database.read() as session:
        one = session.get_one(Hazard, 1)
        assert (one.closed_at, one.closed_on) == (None, None)


# No hazard --------------------------------------------------------------------------------------------------------------


def test_what_is_none_is_closed_with_a_reason_and_without_points(
    phone: PhoneBook, secretary: Phone, oil: int, database: Database
) -> None:
    secretary.script(
        ("不是隐患 渗油", "请写编号和原因"),
        ("不是隐患 YH1", "为什么不是隐患"),
        ("属正常呼吸现象", "会把原因告诉报告人：属正常呼吸现象"),
        ("不是隐患 YH1 再来一次", "已由王建国确认不是隐患，不用再处理"),
    )
    assert any("不作为隐患处理：属正常呼吸现象" in text for text in phone("张伟").pushes())
    with database.write() as session:
        session.execute(update(Outbox).values(state=OutboxState.SENT))
    secretary.script(("撤销", "YH1 现在还没有派发"), ("派发 YH1 李明", "派给李明"))
    assert any("王建国已撤销刚才的操作" in text for text in phone("张伟").pushes())
    assert earned(database) == []


# Looking ----------------------------------------------------------------------------------------------------------------


def test_lists_are_paged_by_number_and_overdue_comes_first(
    phone: PhoneBook, secretary: Phone, clock: Clock
) -> None:
    zhang = phone("张伟")
    for n in range(1, 11):
        zhang(f"隐患 {n}号杆塔有鸟窝")
    secretary("派发 YH10 李明 1天")
    secretary("派发 YH9 李明 20天")
    clock.jump(TUESDAY + timedelta(days=3))
    answer = secretary("隐患")
    lines = answer.splitlines()
    assert lines[0] == "本支部没办完的隐患 10 处，其中超期 1 处"
    assert lines[1] == "1 YH10 10号杆塔有鸟窝：超期2天，李明"
    assert "9 下一页" in answer
    secretary.script(("9", "YH9 9号杆塔有鸟窝：李明，12月21日(周一)前"), ("隐患 第3页", "没有这一页"))
    secretary.script(("隐患 全部", "1 YH10"), ("下一页", "YH2", "YH1"))
    phone("李明").script(("隐患", "您报告的和要您整改的，没办完 2 处", "1 YH10"), ("2", "YH9", "1 我已整改"))
    zhang.script(("隐患", "没办完 10 处"), ("我的隐患", "10 处"))


@pytest.mark.parametrize(
    "said", ["YH1", "yh1", "查 YH1", "查YH1", "查隐患 1", "隐患 YH1", "隐患 1", "ＹＨ１"]
)
def test_one_is_looked_up_as_people_write_it(phone: PhoneBook, oil: int, said: str) -> None:
    assert "YH1 2号主变渗油：待派发" in phone("张伟")(said)


def test_a_number_that_is_none(phone: PhoneBook) -> None:
    phone("张伟").script(
        ("查隐患 主变", "请写编号"), ("YH99999999999", "请写编号"), ("YH5", "没有找到您能看的 YH5")
    )


def test_short_ways_lead_to_the_right_thing(phone: PhoneBook, dispatched: int) -> None:
    phone("李明").script(
        ("隐患整改", "要您整改的隐患 1 处"),
        ("隐患 待整改", "要您整改的隐患 1 处"),
        ("隐患复查", "没有等您复查"),
    )


# Other branches ---------------------------------------------------------------------------------------------------------


def test_another_branch_sees_and_does_nothing(
    outsider: Phone, fixed: int, database: Database, phone: PhoneBook
) -> None:
    for said in ("派发 YH1 外来人", "整改 YH1 好了", "复查 YH1 通过", "不是隐患 YH1 没有", "YH1"):
        assert "没有找到您能看的 YH1" in outsider(said), said
    outsider.script(
        ("隐患", "本支部没有没办完的隐患"),
        ("隐患 全部", "还没有隐患记录"),
        ("复查", "没有等您复查"),
        ("隐患 2号主变渗油", "已记录 YH2"),
        ("派发 YH2 张伟", "没有叫“张伟”的人"),
    )
    assert state(database) is HazardState.FIXED
    assert "很像" not in outsider("YH2")


def test_what_is_open_goes_along_when_branches_merge(
    phone: PhoneBook, oil: int, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        here = session.scalars(select(Organisation.id).where(Organisation.name == "检修党支部")).one()
        hazards.move_open(session, here, other.id)
        assert session.scalars(select(Hazard.branch_id)).all() == [other.id]


def test_somebody_above_acts_for_the_branch_of_the_hazard(
    phone: PhoneBook, oil: int, database: Database, clock: Clock
) -> None:
    appoint(database, clock, "孙磊", RoleName.ADMIN, COMMITTEE)
    phone("孙磊").script(("派发 YH1 李明", "派给李明"))


def test_too_many_words_are_refused(phone: PhoneBook, secretary: Phone, fixed: int) -> None:
    phone("张伟").script((f"隐患 主变渗油{'很' * 300}", "请写短一些"))
    secretary.script(
        (f"复查 YH1 退回 {'很' * 301}", "请写短一些"), (f"不是隐患 YH1 {'很' * 301}", "请写短一些")
    )


def test_a_colleague_who_is_no_member_reports_too(phone: PhoneBook, database: Database, bot: App) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "周洁")).one().status = MemberStatus.COLLEAGUE
    phone("周洁").script(("隐患 仓库灭火器过期", "已记录 YH1"))


def test_a_dialogue_is_left_without_doing_anything(
    phone: PhoneBook, secretary: Phone, oil: int, database: Database
) -> None:
    phone("孙磊").script(("隐患 漏油", "在哪里"), ("取消", "没有登记"))
    secretary.script(
        ("派发 YH1", "派给谁"),
        ("取消", "没有派发"),
        ("不是隐患 YH1", "为什么"),
        ("算了", "没有改动"),
        ("派发 YH1", "派给谁"),
        ("某某某 3天", "没有叫“某某某”的人"),
        ("李明 3天", "派给李明"),
    )
    phone("李明").script(("整改 YH1", "做了什么"), ("取消", "没有改动"), ("整改 YH1 已紧固", "已登记"))
    secretary.script(
        ("复查 YH1", "1 通过"), ("取消", "没有改动"), ("复查 YH1 退回", "原因"), ("不", "没有改动")
    )
    assert state(database) is HazardState.FIXED


def test_what_waits_is_said_under_other_answers(
    phone: PhoneBook, secretary: Phone, oil: int, clock: Clock
) -> None:
    clock.sleep(timedelta(minutes=11))
    assert "有 1 处隐患待派发，回复 派发" in secretary("积分")
    secretary("派发 YH1 李明")
    clock.sleep(timedelta(minutes=11))
    assert "有 1 处隐患要您整改，回复 整改" in phone("李明")("积分")
    phone("李明")("整改 YH1 已紧固")
    clock.sleep(timedelta(minutes=11))
    assert "有 1 处隐患待您复查，回复 复查" in secretary("积分")
    assert "隐患" not in phone("马强")("积分")


def test_a_name_keeps_its_letters(secretary: Phone, phone: PhoneBook, oil: int, database: Database) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "李明")).one().name = "于前进"
    secretary.script(
        ("派发 YH1 由于前进负责 12月5日前完成", "派给于前进"),
        ("派发 YH1 给于前进 12月5日前完成", "派给于前进"),
    )


def test_namesakes_are_chosen_by_number(secretary: Phone, oil: int, database: Database) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "古丽")).one().name = "李明"
    secretary.script(("派发 YH1 李明 5天 重大", "有2位李明"), ("2", "重大）派给李明，12月6日(周日)前"))
