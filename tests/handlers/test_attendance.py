"""Checking in, correcting, ending, and reflections."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.app import App
from bot.chat import Kind
from bot.clock import Clock
from bot.db import Database
from bot.models.activity import Activity, ActivityState, Attendance, Reflection, SignUp, SignUpState
from bot.models.audit import AuditEntry
from bot.models.identity import Identity
from bot.models.member import Member
from bot.models.points import PointEntry
from bot.services import check_in_word, points
from tests.chat import Phone, PhoneBook
from tests.conftest import SHANGHAI
from tests.handlers.conftest import at_once

LINE = "发布主题党日 12月4日14:30 三楼会议室 主题:宪法宣传进班组"
BEGINS = datetime(2026, 12, 4, 14, 27, tzinfo=SHANGHAI)


@pytest.fixture
def theme_day(secretary: Phone, clock: Clock) -> None:
    """A theme day that begins in three minutes; nobody has answered the notice."""
    secretary.script((LINE, "发布预览"), ("确认", "正在发给 12 人"))
    clock.jump(BEGINS)


def word(secretary: Phone) -> str:
    """The word of this minute."""
    return secretary("签到码").split("签到码：")[1].split("\n")[0]


def present(database: Database) -> list[str]:
    with database.read() as session:
        rows = select(Member.name).join(Attendance, Attendance.member_id == Member.id).order_by(Attendance.id)
        return list(session.scalars(rows))


# Checking in


def test_the_word_checks_in_and_earns(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    phone("张伟").script(
        (
            f"签到 {word(secretary)}",
            "签到成功 14:27",
            "+2 分（党员教育管理）",
            "本季共 2 分",
            "宪法宣传进班组",
        )
    )
    assert present(database) == ["张伟"]


@pytest.mark.parametrize("how", ["{a}{b}", " {a}  {b} ", "：{a} {b}。", "　{a}{b}！", "{a},{b}"])
def test_the_word_may_be_written_in_many_ways(
    theme_day: None, secretary: Phone, phone: PhoneBook, how: str
) -> None:
    a, b = word(secretary).split(" ")
    phone("张伟").script((f"签到{how.format(a=a, b=b)}", "签到成功"))


def test_homophones_and_pinyin_are_accepted(
    theme_day: None, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    from bot import nlu

    with database.read() as session:
        activity = session.scalars(select(Activity)).one()
    sound = nlu.pinyin(check_in_word.word(activity, clock()).text.replace(" ", ""))
    phone("张伟").script((f"签到 {sound}", "签到成功"))


def test_the_second_time_says_when(
    theme_day: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    zhang, first = phone("张伟"), word(secretary)
    zhang(f"签到 {first}")
    zhang.script((f"签到 {first}", "您已在 14:27 签到"))
    clock.sleep(timedelta(minutes=5))
    zhang.script((f"签到 {first}", "您已在 14:27 签到"), ("签到", "您已在 14:27 签到"))
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 1


def test_a_wrong_word_and_an_old_word_are_refused(
    theme_day: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    old = word(secretary)
    phone("张伟").script(("签到 大风车", "不对或已过期"))
    clock.sleep(timedelta(minutes=2))
    phone("张伟").script((f"签到 {old}", "不对或已过期"))
    assert present(database) == []
    phone("张伟").script((f"签到 {word(secretary)}", "签到成功"))


def test_the_last_minute_s_word_holds_thirty_seconds(
    theme_day: None, secretary: Phone, phone: PhoneBook, clock: Clock
) -> None:
    old = word(secretary)
    assert "14:28:30 前有效" in secretary("签到码")
    clock.sleep(timedelta(seconds=89))
    phone("张伟").script((f"签到 {old}", "签到成功"))
    clock.sleep(timedelta(seconds=1))
    phone("孙磊").script((f"签到 {old}", "不对或已过期"))


def test_the_word_comes_with_a_signed_link_for_the_screen(
    theme_day: None, secretary: Phone, bot: App
) -> None:
    answer = secretary("签到码")
    link = next(part for part in answer.split("\n") if "/m/screen/" in part)
    token = link.split("?k=")[1]
    secret = bot.settings.secret_key.get_secret_value()
    assert f"{bot.settings.base_url}/m/screen/1?k=" in link
    assert check_in_word.may_show_screen(secret, 1, token)
    assert not check_in_word.may_show_screen(secret, 2, token)
    assert not check_in_word.may_show_screen("another key", 1, token)
    assert not check_in_word.may_show_screen(secret, 1, token[:-2])


def test_only_people_in_charge_see_the_word(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("签到码", "需要支部书记或委员"))
    phone("马强").script(("签到码", "需要支部书记或委员"))
    phone("赵敏").script(("签到码", "签到码："))


def test_before_the_window_nobody_checks_in(secretary: Phone, phone: PhoneBook, clock: Clock) -> None:
    phone("张伟").script(("签到 青松明月", "没有可以签到"))
    secretary.script((LINE, "发布预览"), ("确认", "正在发给"))
    clock.jump(datetime(2026, 12, 4, 13, 29, tzinfo=SHANGHAI))
    secretary.script(("签到码", "还没到签到时间", "今天13:30"))
    phone("张伟").script(("签到", "没有可以签到", "今天13:30 起"), ("签到 青松明月", "没有可以签到"))
    clock.sleep(timedelta(minutes=1))
    phone("张伟").script((f"签到 {word(secretary)}", "签到成功 13:30"))


def test_a_menu_click_asks_for_the_word(theme_day: None, secretary: Phone, phone: PhoneBook) -> None:
    zhang = phone("张伟")
    assert "宪法宣传进班组：请发现场屏幕上的四字口令" in zhang.send(kind=Kind.CLICK, text="签到")
    zhang.script(("大风车", "不对或已过期"), (word(secretary), "签到成功 14:27"))


def test_one_who_is_not_invited_is_told_whom_to_ask(
    secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    secretary.script((f"{LINE} 对象:第一小组", "应到 5 人"), ("确认", "正在发给 5 人"))
    clock.jump(BEGINS)
    phone("孙磊").script(
        (f"签到 {word(secretary)}", "名单里没有您", "王建国"), ("签到 大风车", "不对或已过期")
    )
    assert present(database) == []


def test_one_on_leave_who_comes_is_there(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    with database.write() as session:
        row = session.scalars(
            select(SignUp).join(Member, Member.id == SignUp.member_id).where(Member.name == "古丽")
        ).one()
        row.state = SignUpState.LEAVE_GRANTED
    phone("古丽").script((f"签到 {word(secretary)}", "签到成功", "原来请了假，现在按到会登记"))
    secretary.script(("谁没签到", "应到 12 实到 1 请假 0 缺席 11"))


def test_another_branch_s_word_is_worth_nothing_here(
    theme_day: None, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    with database.read() as session:
        activity = session.scalars(select(Activity)).one()
    activity.secret = "another secret"
    phone("张伟").script((f"签到 {check_in_word.word(activity, clock()).text}", "不对或已过期"))


def test_two_phones_at_once_check_in_once(
    theme_day: None, secretary: Phone, phone: PhoneBook, bot: App, database: Database
) -> None:
    with database.write() as session:
        member = session.scalars(select(Member.id).where(Member.name == "张伟")).one()
        session.add(
            Identity(
                channel="oa",
                external_id="o-zhang",
                member_id=member,
                pushed_since=0,
                reachable=True,
                wrong_codes=0,
            )
        )
    with database.write() as session:
        second = session.scalars(select(Identity).where(Identity.external_id == "o-zhang")).one()
        from bot.models.identity import Conversation

        session.add(
            Conversation(identity_id=second.id, frames=[], asking=False, choices=[], hints={}, undo={})
        )
    said, answers = f"签到 {word(secretary)}", []
    phones = (phone("张伟"), Phone(bot, "o-zhang", channel="oa"), phone("张伟"))
    at_once(*(lambda one=one: answers.append(one(said)) for one in phones))
    assert sum("签到成功" in answer for answer in answers) == 1, answers
    assert sum("您已在 14:27 签到" in answer for answer in answers) == 2, answers
    assert present(database) == ["张伟"]
    with database.read() as session:
        assert session.scalars(select(PointEntry.points)).all() == [2]
        assert points.verify(session) == []


def test_a_repeated_delivery_checks_in_once(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    zhang = phone("张伟")
    first = zhang(f"签到 {word(secretary)}")
    assert zhang.again() == first
    assert present(database) == ["张伟"]


def test_the_absent_are_listed_and_nudged(theme_day: None, secretary: Phone, phone: PhoneBook) -> None:
    zhang, sun = phone("张伟"), phone("孙磊")
    zhang(f"签到 {word(secretary)}")
    zhang.pushes()
    sun.pushes()
    secretary.script(
        ("谁没签到", "应到 12 实到 1 请假 0 缺席 11", "没签到 11 人", "第一党小组 4 人"),
        ("催一下", "正在提醒 11 人"),
    )
    assert "您还没签到" in sun.pushes()[0]
    assert zhang.pushes() == []
    answer = phone("马强")("谁没签到")
    assert "第二党小组 4 人" in answer
    assert "第一党小组" not in answer


# Correcting


def test_a_correction_is_visible_to_the_member_and_earns(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    sun = phone("孙磊")
    sun.pushes()
    secretary.script(
        ("补签 孙磊 现场手机没电", "已为孙磊补签", "+2 分", "实到 1"), ("补签 孙磊 又没电", "已在 14:27 签到")
    )
    push = sun.pushes()[0]
    assert "王建国为您补签" in push
    assert "现场手机没电" in push
    with database.read() as session:
        row = session.scalars(select(Attendance)).one()
        assert row.reason == "现场手机没电"
        assert row.corrected_by is not None
        entry = session.scalars(select(PointEntry)).one()
        assert entry.giver_id == row.corrected_by
        assert "补签" in session.scalars(select(AuditEntry.act)).all()


def test_a_correction_without_a_reason_asks_for_it(theme_day: None, secretary: Phone) -> None:
    secretary.script(("补签 孙磊", "为孙磊补签", "请发原因"), ("手机没电", "已为孙磊补签", "原因：手机没电"))


def test_a_correction_can_be_undone_and_made_again(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    sun = phone("孙磊")
    secretary("补签 孙磊 手机没电")
    sun.pushes()
    secretary.script(("撤销", "已撤销孙磊的补签", "实到 0"))
    assert "撤销了" in sun.pushes()[0]
    assert present(database) == []
    sun.script((f"签到 {word(secretary)}", "签到成功", "+2 分", "共 2 分"))
    with database.read() as session:
        assert session.scalars(select(PointEntry.points).order_by(PointEntry.id)).all() == [2, -2, 2]
        assert points.verify(session) == []


def test_after_the_end_a_correction_still_counts(theme_day: None, secretary: Phone) -> None:
    secretary.script(("结束活动", "要结束"), ("确认", "实到 0"), ("补签 孙磊 手机没电", "应到 12 实到 1"))


def test_two_of_one_name_are_a_choice(
    secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    with database.write() as session:
        sun = session.scalars(select(Member).where(Member.name == "孙磊")).one()
        twin = Member(
            name="孙磊",
            branch_id=sun.branch_id,
            group_id=None,
            crew="调度班",
            status=sun.status,
            created_at=clock(),
            account="sunlei2",
        )
        session.add(twin)
    secretary.script((LINE, "应到 13 人"), ("确认", "联系不上 1 人：孙磊"))
    clock.jump(BEGINS)
    secretary.script(
        ("补签 孙磊 手机没电", "有 2 位孙磊", "1 孙磊（第三党小组，配电抢修班，D0009）", "2 孙磊（调度班）"),
        ("2", "已为孙磊补签"),
    )
    with database.read() as session:
        assert session.scalars(select(Attendance.member_id)).all() == [twin.id]


def test_a_stranger_s_name_and_another_branch_are_refused(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    from bot.models.member import MemberStatus
    from bot.services import organisation

    with database.write() as session:
        branch = organisation.ensure_path(session, "示范供电公司党委/营销党支部")
        session.add(
            Member(
                name="钱多", branch_id=branch.id, status=MemberStatus.FULL, created_at=BEGINS, account="qian"
            )
        )
    secretary.script(
        ("补签 钱多 手机没电", "只能处理本支部", "钱多"), ("补签 某某某 手机没电", "没有找到“某某某”")
    )
    phone("张伟").script(("补签 孙磊 手机没电", "需要支部书记或委员"))
    assert present(database) == []


def test_without_an_activity_there_is_nothing_to_correct(secretary: Phone) -> None:
    secretary.script(("补签 孙磊 手机没电", "没有找到可以补签的活动"))


# Ending


def test_the_end_counts_and_sends_make_up_study(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    zhang, gu = phone("张伟"), phone("古丽")
    zhang(f"签到 {word(secretary)}")
    gu("请假 堵在路上")
    zhang.pushes()
    gu.pushes()
    secretary.script(
        ("结束活动", "应到 12 实到 1 请假 0 缺席 11", "1 人请假还没审批"),
        ("返回", "还没结束"),
        ("同意 1", "已同意"),
        ("结束活动", "应到 12 实到 1 请假 1 缺席 10"),
        ("1", "应到 12 实到 1 请假 1 缺席 10", "共给 2 分", "补学正在发给 11 人"),
    )
    assert "补学" in gu.pushes()[-1]
    assert zhang.pushes() == []
    with database.read() as session:
        activity = session.scalars(select(Activity)).one()
        assert activity.state is ActivityState.ENDED
        assert activity.ended_at is not None
        assert "结束活动" in session.scalars(select(AuditEntry.act)).all()


def test_after_the_end_nobody_checks_in_and_it_does_not_end_again(
    theme_day: None, secretary: Phone, phone: PhoneBook
) -> None:
    last = word(secretary)
    secretary.script(
        ("结束活动", "要结束"),
        ("确认", "已结束"),
        ("结束活动", "已经结束过了"),
        ("结束活动 #1", "已经结束过了"),
    )
    phone("张伟").script((f"签到 {last}", "没有可以签到", "补签"), ("签到", "没有可以签到"))
    secretary.script(("签到码", "没有这样的活动"), ("签到码 #1", "已经结束"))


def test_it_does_not_end_before_it_can_begin(secretary: Phone) -> None:
    secretary.script((LINE, "发布预览"), ("确认", "正在发给"), ("结束活动", "还没开始", "取消活动"))


def test_two_who_end_it_at_once_end_it_once(theme_day: None, secretary: Phone, phone: PhoneBook) -> None:
    deputy, sun = phone("陈刚"), phone("孙磊")
    secretary("结束活动")
    deputy("结束活动")
    sun.pushes()
    answers: list[str] = []
    at_once(lambda: answers.append(secretary("确认")), lambda: answers.append(deputy("确认")))
    assert sorted("已经结束过了" in answer for answer in answers) == [False, True], answers
    assert len(sun.pushes()) == 1


def test_a_member_may_not_end(theme_day: None, phone: PhoneBook) -> None:
    phone("张伟").script(("结束活动", "需要支部书记或委员"))


def test_check_in_and_end_at_once_agree_on_the_counts(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    said, answers = f"签到 {word(secretary)}", dict[str, str]()
    secretary("结束活动")
    names = ("张伟", "古丽", "李明", "孙磊", "周洁")
    acts = [lambda name=name: answers.__setitem__(name, phone(name)(said)) for name in names]
    at_once(*acts, lambda: answers.__setitem__("end", secretary("确认")))
    came = sum("签到成功" in answers[name] for name in names)
    assert f"实到 {came} " in answers["end"], answers
    assert len(present(database)) == came


# Reflections


def test_a_reflection_belongs_to_the_activity_just_attended(
    theme_day: None, secretary: Phone, phone: PhoneBook, database: Database
) -> None:
    zhang = phone("张伟")
    zhang(f"签到 {word(secretary)}")
    zhang.script(
        (
            "感想 宪法就在身边，干活先想安全",
            "感想已记下",
            "宪法宣传进班组",
            "+1 分（自身综合素质提升）",
            "共 3 分",
        ),
        ("感想 再补一句", "感想已记下", "不再加分"),
    )
    with database.read() as session:
        kept = session.scalars(select(Reflection).order_by(Reflection.id)).all()
        assert [one.text for one in kept] == ["宪法就在身边,干活先想安全", "再补一句"]
        assert all(one.activity_id for one in kept)


def test_without_an_activity_a_reflection_is_still_kept(
    theme_day: None, secretary: Phone, phone: PhoneBook, clock: Clock, database: Database
) -> None:
    sun, zhang = phone("孙磊"), phone("张伟")
    sun.script(("感想", "请发送您的感想"), ("读书有得", "感想已记下", "不计分"))
    zhang(f"签到 {word(secretary)}")
    clock.sleep(timedelta(days=8))
    zhang.script(("感想 过了一周", "不计分"))
    with database.read() as session:
        assert session.scalars(select(Reflection.activity_id)).all() == [None, None]
        assert session.scalar(select(func.count()).select_from(PointEntry)) == 1
