"""关键任务: put on the register by those in charge, worked on by the owner, confirmed by somebody else, once."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select, update

from bot.app import App
from bot.clock import Clock
from bot.db import Database
from bot.models.audit import AuditEntry
from bot.models.key_task import KeyTask, KeyTaskStep, TaskState
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.points import PointEntry
from bot.services import key_task_work as work
from bot.services import organisation, points
from bot.services.permission import actor_of
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import COMMITTEE, appoint, at_once

LINE = "新建任务 110kV城西变检修 张伟 12月20日"
DECEMBER = datetime(2026, 12, 7, 9, tzinfo=SHANGHAI)


@pytest.fixture
def zhang(phone: PhoneBook) -> Phone:
    return phone("张伟")


@pytest.fixture
def deputy(phone: PhoneBook) -> Phone:
    return phone("陈刚")


@pytest.fixture
def task(secretary: Phone, zhang: Phone) -> str:
    """张伟's task until 20 December; its owner has read the word of it."""
    secretary.script((LINE, "确认后通知张伟"), ("确认", "已新建 RW1"))
    zhang.pushes()
    return "RW1"


def row(database: Database, number: int = 1) -> KeyTask:
    with database.read() as session:
        return session.get_one(KeyTask, number)


def ledger(database: Database, name: str = "张伟") -> list[tuple[int, str]]:
    with database.read() as session:
        found = (
            select(PointEntry.points, PointEntry.fact)
            .join(Member, Member.id == PointEntry.member_id)
            .where(Member.name == name)
        )
        return [(count, fact) for count, fact in session.execute(found.order_by(PointEntry.id))]


def acts(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AuditEntry.act).order_by(AuditEntry.id)))


# The whole way ------------------------------------------------------------------------------------------------------------


def test_a_task_from_the_list_to_its_points(
    secretary: Phone, zhang: Phone, deputy: Phone, database: Database, clock: Clock
) -> None:
    clock.jump(DECEMBER)
    secretary.script(
        (LINE, "新建任务：110kV城西变检修（设备运维）", "负责人 张伟，期限 12月20日(周日)", "1 确认"),
        ("确认", "已新建 RW1 110kV城西变检修，正在通知张伟"),
    )
    [told] = zhang.pushes()
    assert "王建国请您负责关键任务" in told
    assert "进度 RW1 60% 情况" in told
    zhang.script(
        ("我的任务", "1 RW1 110kV城西变检修：还剩 13 天"),
        ("进度 RW1 60% 完成停电申请", "已记下 RW1 110kV城西变检修 60%：完成停电申请"),
        ("求助 RW1 缺吊车", "王建国、陈刚", "有回复会发给您"),
    )
    assert "张伟在任务 RW1 110kV城西变检修 上求助：缺吊车" in secretary.pushes()[-1]
    secretary.script(
        ("任务", "（求助 1）", "求助｜RW1"),
        ("回复任务 RW1 吊车明天上午到", "正在告诉张伟"),
        ("任务", "正常｜RW1", "60%"),
    )
    assert "王建国回复您的任务 RW1 110kV城西变检修：吊车明天上午到" in zhang.pushes()[-1]
    zhang.script(("完成任务 RW1 已送电", "已报 RW1 110kV城西变检修 完成，等王建国、陈刚等确认"))
    assert "张伟报任务 RW1 110kV城西变检修 已完成：已送电" in secretary.pushes()[-1]
    assert deputy.pushes()[-1].startswith("张伟在任务"), "only the first of them is asked to confirm"
    deputy.script(("确认任务 RW1", "已确认 RW1", "按期，记 +3 分"))
    assert "按期，记 +3 分" in zhang.pushes()[-1]
    assert ledger(database) == [(3, "task 1 done")]
    assert "+3" not in deputy("任务 RW1"), "what somebody earned is not for everybody"
    zhang.script(
        ("任务 RW1", "已完成", "张伟 求助：缺吊车", "王建国 回复：吊车明天上午到", "陈刚 确认：按期"),
        ("我的任务", "没有负责的任务"),
        ("积分依据 1", "关键任务", "按期完成关键任务RW1"),
    )
    secretary.script(("任务 已完成", "RW1 110kV城西变检修 张伟 已完成"))
    assert [act for act in acts(database) if "任务" in act] == ["新建任务", "回复任务", "确认任务"]


# New tasks ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "name", "owner", "due"),
    [
        ("110kV城西变检修 张伟 12月20日", "110kV城西变检修", "张伟", "12月20日"),
        ("12月20日 张伟 110kV城西变检修", "110kV城西变检修", "张伟", "12月20日"),
        ("10.5kV开关柜 更换，古丽，2026-12-20", "10.5kV开关柜 更换", "古丽", "12月20日"),
        ("城西变检修 负责人:张伟 期限:12月20日前", "城西变检修", "张伟", "12月20日"),
        ("负责人张伟，期限12月20日，城西变检修", "城西变检修", "张伟", "12月20日"),
        ("城西变检修 张伟 12月底", "城西变检修", "张伟", "12月31日"),
        ("城西变检修 张伟 年底", "城西变检修", "张伟", "12月31日"),
        ("城西变检修 张伟 12月20日前完成", "城西变检修", "张伟", "12月20日"),
        ("12月20日前完成城西变检修 张伟", "城西变检修", "张伟", "12月20日"),
        ("线损率压降到3.5% 李明 下周五", "线损率压降到3.5%", "李明", "12月4日"),
        ("城西变消缺 张伟 12.20", "城西变消缺", "张伟", "12月20日"),
        ("消缺 交给张伟 12月20日", "消缺", "张伟", "12月20日"),
        ("消缺 张伟负责 12月20日", "消缺", "张伟", "12月20日"),
        ("请组织全站消防检查 张伟(D0002) 12月20日", "请组织全站消防检查", "张伟", "12月20日"),
    ],
)
def test_a_task_is_understood_in_any_order(
    secretary: Phone, database: Database, said: str, name: str, owner: str, due: str
) -> None:
    secretary.script((f"新建任务 {said}", name, f"负责人 {owner}，期限 {due}"), ("确认", "已新建 RW1"))
    assert row(database).name == name


@pytest.mark.parametrize(
    ("name", "category"),
    [
        ("城西变检修", "设备运维"),
        ("更换避雷器", "技改项目"),
        ("线损率压降", "生产指标"),
        ("冬季防火隐患排查", "安全环保"),
        ("写年度总结", ""),
    ],
)
def test_a_category_is_guessed(secretary: Phone, database: Database, name: str, category: str) -> None:
    secretary(f"新建任务 {name} 张伟 12月20日")
    secretary("确认")
    assert row(database).category == category


def test_only_what_is_missing_is_asked_for(secretary: Phone, database: Database) -> None:
    secretary.script(
        ("新建任务", "请发送任务、负责人和期限"),
        ("城西变检修", "任务：城西变检修。谁负责？"),
        ("张三", "没有叫“张三”的人"),
        ("张伟", "哪天前完成？"),
        ("很快", "没看懂期限“很快”"),
        ("11月1日", "已经过去了"),
        ("12月20日", "负责人 张伟，期限 12月20日"),
        ("期限 12月25日", "期限 12月25日"),
        ("负责人 古丽", "负责人 古丽"),
        ("类别 生产指标", "（生产指标）"),
        ("名称 城西变大修", "新建任务：城西变大修"),
        ("随便", "1 确认"),
        ("1", "已新建 RW1 城西变大修，正在通知古丽"),
    )
    one = row(database)
    assert (one.name, one.due_on, one.category) == ("城西变大修", date(2026, 12, 25), "生产指标")
    secretary.script(("新建任务 张伟 12月20日", "任务叫什么？"), ("算了", "没有新建"))
    secretary.script((LINE, "1 确认"), ("2", "没有新建"), ("任务", "本支部任务 1 项"))


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("新建任务 检修 张伟 古丽 12月20日", "只定一位负责人，您写了张伟、古丽"),
        ("新建任务 检修 张伟、古丽 12月20日", "只定一位负责人"),
        ("新建任务 检修 张伟 11月1日", "期限 11月1日(周日) 已经过去了"),
        ("新建任务 检修 张伟 2030-01-01", "太远了"),
        ("新建任务 检修 负责人 张三 12月20日", "没有叫“张三”的人"),
        (f"新建任务 {'长' * 61} 张伟 12月20日", "任务名称太长了"),
        ("新建任务 检修 张伟 类别 跳舞", "没有“跳舞”这个类别"),
    ],
)
def test_what_cannot_be_a_task_is_refused(secretary: Phone, said: str, answer: str) -> None:
    assert answer in secretary(said)


def test_several_lines_are_several_tasks(secretary: Phone, zhang: Phone, database: Database) -> None:
    lines = "新建任务\n1. 城西变检修 张伟 12月20日\n2、10.5kV开关柜更换，张伟，12月25日\n线损压降 古丽 年底"
    secretary.script(
        (lines, "新建 3 项任务", "· 城西变检修 张伟 12月20日(周日)", "确认后通知张伟、古丽"),
        ("确认", "已新建 3 项任务（RW1–RW3）"),
    )
    [told] = zhang.pushes()
    assert "负责 2 项关键任务" in told
    assert row(database, 2).name == "10.5kV开关柜更换"
    assert "第 2 行还差期限" in secretary("新建任务 城西变检修 张伟 12月20日\n消缺 张伟")
    assert "一次最多新建 10 项" in secretary("新建任务" + "\n消缺 张伟 12月20日" * 11)
    assert "已有同名的任务 RW1" in secretary("新建任务 城西变检修 古丽 12月20日")


def test_an_owner_who_is_no_party_member_is_pointed_out(secretary: Phone, database: Database) -> None:
    assert "不是党员" not in secretary(LINE)
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().status = MemberStatus.ACTIVIST
    assert "注意：张伟不是党员，关键任务一般由骨干党员负责。" in secretary(LINE)


def test_a_new_task_can_be_taken_back(secretary: Phone, zhang: Phone, database: Database) -> None:
    secretary.script((LINE, "1 确认"), ("确认", "撤销"), ("撤销", "已撤销新建：RW1"))
    assert zhang.pushes() == [], "the word of it had not been sent"
    assert row(database).state is TaskState.CANCELLED
    secretary.script(("任务", "还没有正在做的关键任务"), ("撤销", "没有可以撤销的操作"))


# Changing -----------------------------------------------------------------------------------------------------------------


def test_a_change_is_confirmed_and_told(
    task: str, secretary: Phone, zhang: Phone, phone: PhoneBook, database: Database
) -> None:
    secretary.script(
        ("改任务 RW1 期限 12月25日", "期限 12月20日(周日) → 12月25日(周五)", "确认后通知张伟"),
        ("确认", "已改 RW1"),
    )
    assert "期限 12月20日(周日) → 12月25日(周五)" in zhang.pushes()[-1]
    secretary.script(("改任务 RW1 负责人 古丽", "负责人 张伟 → 古丽", "确认后通知张伟、古丽"), ("1", "已改"))
    assert "已改由古丽负责" in zhang.pushes()[-1]
    assert "请您接手关键任务 RW1" in phone("古丽").pushes()[-1]
    secretary.script(
        ("改任务 RW1", "要改什么？"),
        ("名称 城西变大修", "名称 110kV城西变检修 → 城西变大修"),
        ("取消", "没有改动"),
    )
    secretary.script(
        ("改任务 rw1 延到12月31日", "→ 12月31日"), ("2", "没有改动"),
        ("改任务 RW1 期限 12月25日", "本来就是这样"),
        ("改任务 RW1 好好干", "没看懂要改什么"),
        ("改任务 期限 12月25日", "请写任务编号"),
        ("改任务 RW9 期限 12月25日", "没有找到任务 RW9"),
        ("改任务 RW1 期限 11月1日", "已经过去了"),
    )  # fmt: skip
    assert [act for act in acts(database) if "任务" in act] == ["新建任务", "修改任务", "修改任务"]


def test_a_task_is_called_off_with_a_reason(task: str, secretary: Phone, zhang: Phone) -> None:
    secretary.script(
        ("取消任务 RW1", "为什么取消"),
        ("停电计划调整", "要取消 RW1", "原因：停电计划调整"),
        ("返回", "没有取消"),
    )
    secretary.script(("取消任务 RW1 停电计划调整", "会通知张伟"), ("确认", "已取消 RW1"))
    assert "取消了您负责的任务 RW1 110kV城西变检修：停电计划调整" in zhang.pushes()[-1]
    secretary.script(
        ("取消任务 RW1 再来", "已取消，不能再改"), ("改任务 RW1 期限 12月25日", "已取消，不能再改"),
        ("确认任务 RW1", "已取消"), ("退回任务 RW1 缺报告", "已取消"), ("回复任务 RW1 好的", "已取消"),
        ("任务 RW1", "王建国 取消：停电计划调整"), ("任务", "还没有正在做的"), ("任务 已完成", "RW1", "已取消"),
    )  # fmt: skip
    zhang.script(("进度 RW1 60%", "已取消"), ("完成任务 RW1", "已取消"), ("进度 60%", "没有正在做的任务"))


# The owner ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "percent", "text"),
    [
        ("进度 RW1 60% 完成停电申请", 60, "60% 完成停电申请"),
        ("进度 RW1 60％，完成停电申请", 60, "60% 完成停电申请"),
        ("进度 60%", 60, "60%"),
        ("进度 60", 60, "60%"),
        ("进度 1 60", 60, "60%"),
        ("进度 停电申请批下来了", 0, "停电申请批下来了"),
        ("报进度 rw1 完成了80%", 80, "80%"),
        ("进度 RW1 100%", 100, "100%"),
        ("RW1 45%", 45, "45%"),
        ("rw1 45% 缆沟已清", 45, "45% 缆沟已清"),
        ("任务 1 完成45%", 45, "45%"),
        ("任务 RW1 进度 2台断路器已检修", 0, "2台断路器已检修"),
    ],
)
def test_progress_is_a_figure_or_words_or_both(
    task: str, zhang: Phone, database: Database, said: str, percent: int, text: str
) -> None:
    assert "已记下 RW1" in zhang(said)
    assert row(database).progress == percent
    with database.read() as session:
        assert session.scalars(select(KeyTaskStep.text).order_by(KeyTaskStep.id.desc())).first() == text


def test_progress_asks_for_what_is_missing(task: str, secretary: Phone, zhang: Phone) -> None:
    zhang.script(
        ("进度", "RW1 110kV城西变检修 现在 0%", "做到哪了？"),
        ("150%", "进度最多 100%"),
        ("40%", "已记下 RW1 110kV城西变检修 40%"),
        ("进度怎么样", "您负责的任务 1 项"),
        ("进度 RW1 怎么样", "进度 40%"),
        ("进度 RW7 40%", "没有找到任务 RW7"),
    )
    secretary.script(("新建任务 线损压降 张伟 年底", "1 确认"), ("1", "已新建 RW2"))
    zhang.script(("进度 60%", "是哪一项？", "2 RW2 线损压降"), ("2", "已记下 RW2 线损压降 60%"))
    zhang.script(
        ("完成", "是哪一项？"), ("求助 缺人", "是哪一项？"), ("1", "已记下 RW1 110kV城西变检修 求助：缺人")
    )


def test_the_number_or_the_word_task_may_come_first(
    task: str, secretary: Phone, zhang: Phone, phone: PhoneBook
) -> None:
    zhang.script(
        ("任务完成了", "要报任务 RW1"), ("2", "没有报完成"), ("我的任务完成了", "要报任务 RW1"), ("2", "没有报完成"),
        ("任务进度 50%", "已记下 RW1 110kV城西变检修 50%"), ("任务求助 缺吊车", "在任务 RW1"), ("2", "没有求助"),
        ("RW1 停电申请已批", "已记下 RW1 110kV城西变检修 50%：停电申请已批"), ("RW1 求助 缺吊车", "已记下"), ("RW1 完成 合格率98%", "已报 RW1"), ("RW1 什么时候到期？", "等待确认"),
        ("任务怎么报", "报进度：进度 RW12"), ("rw1", "等待确认"),
    )  # fmt: skip
    secretary.script(("RW1 退回 缺报告", "已退回 RW1"), ("任务 求助", "没有“求助”的任务"))
    phone("古丽").script(
        ("RW1 确认", "来办"),
        ("RW1 60%", "由张伟负责"),
        ("RW1 天气很好", "没看懂“天气很好”"),
        ("任务完成", "还没有做完"),
    )


def test_nobody_reports_for_another(task: str, secretary: Phone, phone: PhoneBook) -> None:
    for who in (secretary, phone("古丽")):
        who.script(
            ("进度 RW1 60%", "由张伟负责"), ("完成任务 RW1", "由张伟负责"), ("求助 RW1 缺吊车", "由张伟负责"),
            ("完成", "没有正在做的任务"), ("求助", "没有正在做的任务"), ("进度", "没有正在做的任务"),
        )  # fmt: skip


def test_without_a_number_what_others_are_told_of_is_asked_for_once_more(
    task: str, secretary: Phone, zhang: Phone, database: Database
) -> None:
    secretary.pushes()
    zhang.script(("完成今日学习", "要报任务 RW1 110kV城西变检修 已完成吗？"), ("2", "没有报完成"))
    zhang.script(
        ("求助 怎么报名", "在任务 RW1"), ("取消", "没有求助"), ("求助", "需要什么帮助"), ("缺吊车", "已记下")
    )
    assert len(secretary.pushes()) == 1
    assert row(database).state is TaskState.OPEN
    zhang.script(("完成了", "要报任务 RW1"), ("确认", "已报 RW1"))
    assert row(database).state is TaskState.REPORTED


def test_a_report_can_be_taken_back_until_it_is_decided(
    task: str, secretary: Phone, zhang: Phone, clock: Clock
) -> None:
    zhang.script(
        ("完成任务 RW1", "已报"), ("撤销", "已撤销，RW1"), ("完成任务 RW1", "已报"),
        ("完成任务 RW1", "正在等王建国"), ("进度 RW1 80%", "正在等"),
    )  # fmt: skip
    secretary.script(("改任务 RW1 期限 12月25日", "正在等确认。请先发"), ("确认任务 RW1", "已确认"))
    zhang.script(("撤销", "已经处理过，不能撤销"))


# Deciding -----------------------------------------------------------------------------------------------------------------


def test_what_was_done_may_be_said_instead_of_yes(
    task: str, secretary: Phone, zhang: Phone, database: Database
) -> None:
    secretary.pushes()
    zhang.script(
        ("完成今日学习", "要报任务 RW1"), ("我说的是学习", "没有报完成"),
        ("完成任务", "也可以直接写一句做了什么"), ("送电正常，记录已归档", "已报 RW1 110kV城西变检修 完成"),
    )  # fmt: skip
    assert any("送电正常" in told for told in secretary.pushes())


def test_it_is_returned_with_a_reason_and_done_again(
    task: str, secretary: Phone, zhang: Phone, database: Database
) -> None:
    secretary.script(("确认任务 RW1", "还没有报完成"), ("退回任务 RW1 缺报告", "还没有报完成"))
    zhang("完成任务 RW1")
    secretary.script(("退回任务 RW1", "请写一句退回的原因"), ("退回任务 RW1 缺试验报告", "会告诉张伟"))
    assert "退回了您的任务 RW1 110kV城西变检修：缺试验报告" in zhang.pushes()[-1]
    zhang.script(("完成任务 RW1 报告已补", "已报"))
    secretary.script(("确认任务", "RW1 110kV城西变检修", "回复 1 确认"), ("1", "已确认 RW1"))
    secretary.script(("确认任务 RW1", "刚才已经由王建国处理：已完成"), ("确认任务", "没有等您确认的任务"))


def test_what_is_late_earns_nothing(secretary: Phone, zhang: Phone, database: Database, clock: Clock) -> None:
    clock.jump(DECEMBER)
    secretary.script((LINE, "1 确认"), ("确认", "RW1"))
    clock.jump(datetime(2026, 12, 21, 9, tzinfo=SHANGHAI))
    secretary.script(("任务", "（逾期 1）", "逾期1天｜RW1"))
    zhang.script(("我的任务", "逾期 1 天"), ("完成任务 RW1", "（超过期限 1 天）"))
    secretary.script(("确认任务 RW1", "超过期限，不记积分"), ("任务 已完成", "已完成（超期）"))
    assert ledger(database) == []


def test_the_day_of_the_report_counts_and_not_that_of_the_confirmation(
    secretary: Phone, zhang: Phone, database: Database, clock: Clock
) -> None:
    clock.jump(DECEMBER)
    secretary.script((LINE, "1 确认"), ("确认", "RW1"))
    clock.jump(datetime(2026, 12, 20, 23, 30, tzinfo=SHANGHAI))
    zhang("完成任务 RW1")
    clock.jump(datetime(2026, 12, 23, 9, tzinfo=SHANGHAI))
    secretary.script(("确认任务 RW1", "按期，记 +3 分"))


def test_before_the_rule_begins_nothing_is_given(
    task: str, secretary: Phone, zhang: Phone, database: Database
) -> None:
    zhang("完成任务 RW1")
    answer = secretary("确认任务 RW1")
    assert "（按期）" in answer
    assert ledger(database) == []


def test_an_undone_confirmation_takes_the_points_back_and_a_new_one_gives_them_again(
    secretary: Phone, zhang: Phone, database: Database, clock: Clock
) -> None:
    clock.jump(DECEMBER)
    secretary.script((LINE, "1 确认"), ("确认", "RW1"))
    zhang("完成任务 RW1")
    secretary.script(("确认任务 RW1", "+3 分"), ("撤销", "又在等确认"))
    assert [count for count, _ in ledger(database)] == [3, -3]
    assert "撤销了对任务 RW1 110kV城西变检修 的确认，记的分已更正" in zhang.pushes()[-1]
    secretary.script(("确认任务 RW1", "+3 分"))
    assert [count for count, _ in ledger(database)] == [3, -3, 3]
    secretary("撤销")
    assert sum(count for count, _ in ledger(database)) == 0
    secretary.script(("退回任务 RW1 换人", "已退回"), ("改任务 RW1 负责人 古丽", "1 确认"), ("1", "已改"))
    with database.read() as session:
        assert points.verify(session) == []


def test_another_owner_after_an_undone_confirmation_earns_for_himself(
    secretary: Phone, zhang: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    clock.jump(DECEMBER)
    secretary.script((LINE, "1 确认"), ("确认", "RW1"))
    zhang("完成任务 RW1")
    secretary.script(("确认任务 RW1", "+3 分"), ("撤销", "又在等确认"), ("退回任务 RW1 换人", "已退回"))
    secretary.script(("改任务 RW1 负责人 古丽", "1 确认"), ("1", "已改"))
    phone("古丽")("完成任务 RW1")
    secretary.script(("确认任务 RW1", "+3 分"))
    assert sum(count for count, _ in ledger(database)) == 0
    assert [count for count, _ in ledger(database, "古丽")] == [3]


def test_the_owner_does_not_confirm_an_own_task(secretary: Phone, deputy: Phone, database: Database) -> None:
    secretary.script(("新建任务 年度总结 王建国 12月20日", "1 确认"), ("确认", "已新建 RW1 年度总结。"))
    assert secretary.pushes() == []
    secretary.script(
        ("完成任务 RW1", "等陈刚、刘芳等确认"), ("确认任务 RW1", "要由别人确认：陈刚、刘芳等"),
        ("退回任务 RW1 再想想", "要由别人确认"), ("确认任务", "没有等您确认的任务"), ("任务 RW1", "等支部确认"),
    )  # fmt: skip
    assert "王建国报任务 RW1" in deputy.pushes()[-1]
    deputy.script(("我的任务", "——\n有 1 项任务等您确认，回复 确认任务"), ("确认任务 RW1", "已确认"))


def test_nobody_puts_off_an_own_task(secretary: Phone, deputy: Phone, database: Database) -> None:
    secretary.script(("新建任务 年度总结 王建国 12月20日", "1 确认"), ("确认", "已新建 RW1"))
    secretary.script(
        ("改任务 RW1 期限 12月31日", "推迟期限请其他负责人来改：陈刚、刘芳"), ("改任务 RW1 期限 12月15日", "1 确认"), ("1", "已改"),
        ("改任务 RW1 名称 年度党建总结", "1 确认"), ("1", "已改"),
    )  # fmt: skip
    deputy.script(("改任务 RW1 期限 12月31日", "确认后通知王建国"), ("1", "已改"))
    assert row(database).due_on == date(2026, 12, 31)


def test_somebody_above_confirms_where_the_owner_is_alone_in_charge(
    secretary: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        chief = select(Member.id).where(Member.name == "王建国").scalar_subquery()
        yesterday = clock().date() - timedelta(days=1)
        session.execute(update(Role).where(Role.member_id != chief).values(ends_on=yesterday))
        branch = organisation.ensure_path(session, "示范供电公司党委/机关党支部")
        who = session.scalars(select(Member).where(Member.name == "孙磊")).one()
        who.branch_id, who.group_id = branch.id, None
    appoint(database, clock, "孙磊", RoleName.ADMIN, COMMITTEE)
    secretary.script(
        ("新建任务 年度总结 王建国 12月20日", "1 确认"), ("确认", "RW1"), ("完成任务 RW1", "等孙磊确认")
    )
    admin = phone("孙磊")
    assert "王建国报任务 RW1" in admin.pushes()[-1]
    admin.script(("确认任务 RW1", "已确认 RW1"))


def test_of_two_at_once_one_decides(
    task: str, secretary: Phone, zhang: Phone, deputy: Phone, database: Database
) -> None:
    zhang("完成任务 RW1")
    answers: list[str] = []
    at_once(
        lambda: answers.append(secretary("确认任务 RW1")),
        lambda: answers.append(deputy("退回任务 RW1 缺试验报告")),
    )
    done = [answer for answer in answers if "已确认" in answer or "已退回" in answer]
    assert len(done) == 1, answers
    with database.read() as session:
        kinds = session.scalars(select(KeyTaskStep.kind)).all()
    assert len([one for one in kinds if one.value in ("确认", "退回")]) == 1


def test_what_was_decided_since_it_was_read_is_not_decided_again(
    task: str, zhang: Phone, database: Database, clock: Clock
) -> None:
    """Another transaction confirms between the look at the task and the change of it."""
    zhang("完成任务 RW1")
    with database.write() as session:
        people = {one.name: one for one in session.scalars(select(Member))}
        actor = actor_of(session, people["陈刚"], on=clock().date())
        seen = session.get_one(KeyTask, 1)
        session.execute(
            update(KeyTask).values(state=TaskState.DONE, decided_by=people["王建国"].id),
            execution_options={"synchronize_session": False},
        )
        assert seen.state is TaskState.REPORTED, "this transaction does not know it yet"
        with pytest.raises(work.DecidedAlready, match="已经由王建国处理：已完成"):
            work.return_(session, actor, 1, "缺试验报告", now=clock())
    assert row(database).state is TaskState.DONE
    assert len(ledger(database)) == 0


# Looking ------------------------------------------------------------------------------------------------------------------


def test_lists_are_short_and_paged(secretary: Phone, zhang: Phone, clock: Clock) -> None:
    for part in (range(10), range(10, 12)):
        secretary("新建任务\n" + "\n".join(f"任务{n}号线路 张伟 12月{n + 5}日" for n in part))
        secretary("确认")
    answer = secretary("任务")
    assert answer.splitlines()[0] == "本支部任务 12 项"
    assert "9 还有 4 项" in answer
    secretary.script(
        ("9", "1 正常｜RW9", "4 正常｜RW12"), ("4", "RW12 任务11号线路"), ("任务 第3页", "没有第 3 页")
    )
    zhang.script(
        ("我的任务", "您负责的任务 12 项", "9 还有 4 项"),
        ("9", "4 RW12"),
        ("任务", "1 RW1 任务0号线路 张伟 12月5日"),
    )
    clock.jump(datetime(2026, 12, 7, 9, tzinfo=SHANGHAI))
    secretary.script(
        ("任务", "（逾期 2）", "1 逾期2天｜RW1"),
        ("任务 逾期", "“逾期”的任务 2 项"), ("任务 求助", "没有“求助”的任务"), ("任务 临近", "RW3"),
        ("任务 张伟", "“张伟”的任务 12 项", "9 还有"), ("9", "RW9"), ("任务 跳舞", "没看懂“跳舞”"),
        ("任务 已完成", "还没有做完的关键任务"), ("任务 RW99", "没有找到任务 RW99"),
    )  # fmt: skip


def test_others_see_the_branch_s_tasks_and_no_other_branch_does(
    task: str, bot: App, phone: PhoneBook, secretary: Phone, database: Database, clock: Clock
) -> None:
    phone("古丽").script(
        ("任务", "RW1 110kV城西变检修 张伟 12月20日"), ("1", "负责人 张伟"), ("我的任务", "没有负责")
    )
    phone("马强").script((LINE, "来办"), ("取消任务 RW1 不做了", "来办"), ("确认任务 RW1", "来办"))
    with database.write() as session:
        branch = organisation.ensure_path(session, "别的公司党委/外部党支部")
        who = session.scalars(select(Member).where(Member.name == "刘芳")).one()
        who.branch_id, who.group_id = branch.id, None
        for role in session.scalars(select(Role).where(Role.member_id == who.id)):
            role.organisation_id = branch.id
    phone("刘芳").script(
        ("任务", "还没有正在做的"), ("任务 RW1", "没有找到任务 RW1"), ("取消任务 RW1 不做了", "没有找到任务 RW1"),
        ("新建任务 检修 张伟 12月20日", "谁负责？"),
    )  # fmt: skip


def test_an_owner_who_left_is_seen(task: str, secretary: Phone, database: Database) -> None:
    with database.write() as session:
        session.scalars(select(Member).where(Member.name == "张伟")).one().active = False
    secretary.script(("任务", "张伟（已离开）"), ("任务 RW1", "负责人 张伟（已离开）"))
    secretary.script(("改任务 RW1 负责人 古丽", "张伟 → 古丽"), ("确认", "已改"))


def test_tasks_go_along_when_branches_are_merged(
    task: str, secretary: Phone, zhang: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    with database.write() as session:
        other = organisation.ensure_path(session, "示范供电公司党委/运行党支部")
        chief = session.scalars(select(Member).where(Member.name == "王建国")).one()
        for name, node in ((RoleName.ADMIN, other.parent_id), (RoleName.SECRETARY, other.id)):
            session.add(Role(member_id=chief.id, name=name, organisation_id=node, starts_on=clock().date()))
        number = other.id
    secretary.script(("合并 检修党支部 到 运行党支部", "1 确认"), ("确认", "运行党支部"))
    assert row(database).branch_id == number
    zhang.script(("任务", "RW1 110kV城西变检修"), ("完成任务 RW1", "已报 RW1"))
    secretary.script(("任务", "待确认｜RW1"), ("确认任务 RW1", "已确认"))


def test_secrets_are_not_taken_in(task: str, zhang: Phone, database: Database) -> None:
    assert "不能发涉密" in zhang("进度 RW1 机密★10年 图纸")
    with database.read() as session:
        assert len(session.scalars(select(KeyTaskStep)).all()) == 1


# Party work -----------------------------------------------------------------------------------------------------------------


def test_an_activity_serves_a_task(task: str, secretary: Phone, zhang: Phone, database: Database) -> None:
    secretary.script(
        ("发布主题党日 12月4日14:30 三楼会议室 主题:检修攻坚 服务任务 RW1", "主题：检修攻坚\n", "地点：三楼会议室\n", "服务任务：RW1 110kV城西变检修"),
        ("确认", "正在发给 12 人"),
    )  # fmt: skip
    zhang.script(
        ("主题党日", "服务任务：RW1 110kV城西变检修"), ("任务 RW1", "12-4 主题党日“检修攻坚”服务本任务")
    )
    secretary.script(
        ("修改活动 不服务任务", "主题：检修攻坚"), ("确认", "已修改"), ("任务 RW1", "王建国 新建"),
        ("修改活动 服务任务RW1", "服务任务：RW1"), ("地点改为二楼", "服务任务：RW1", "地点：二楼"), ("确认", "已修改"),
    )  # fmt: skip
    assert "服务本任务" in secretary("任务 RW1")
    secretary.script(("取消活动", "1 确认"), ("确认", "已取消"))
    assert "服务本任务" not in secretary("任务 RW1")


def test_an_activity_serves_only_a_live_task_of_the_branch(task: str, secretary: Phone) -> None:
    line = "发布主题党日 12月4日14:30 三楼会议室 主题:检修攻坚"
    secretary.script(
        (f"{line} 任务 RW7", "没有正在做的任务 RW7"), ("取消任务 RW1 不做了", "1 确认"),
        ("确认", "已取消"), (f"{line} 任务 RW1", "没有正在做的任务 RW1"), (line, "发布预览"), ("服务任务 RW1", "没有正在做的任务 RW1"),
        ("确认", "正在发给 12 人"),
    )  # fmt: skip
