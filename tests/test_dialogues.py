"""The three dialogues of the product, word for word in their facts, through the encrypted webhook and the real API client."""

from __future__ import annotations

from datetime import datetime

from tests.conftest import SHANGHAI
from tests.stage import Stage


def test_the_theme_day_from_publication_to_its_end(stage: Stage) -> None:
    stage.script(
        "王建国",
        (
            "发布主题党日 12月5日14:30 三楼会议室 主题:宪法宣传进班组",
            "宪法宣传进班组",
            "2026年12月5日(周六)14:30",
            "三楼会议室",
            "应到 12 人",
            "周六为休息日",
        ),
        ("改到12月4日", "2026年12月4日(周五)14:30"),
        ("确认", "12 人"),
    )
    assert any("宪法宣传进班组" in text for text in stage.pushes("张伟"))
    stage.script("张伟", ("我参加", "报名成功", "1/12"))
    stage.script("古丽", ("请假 下乡巡线", "等"))
    assert any("同意 1" in text and "下乡巡线" in text for text in stage.pushes("王建国"))
    stage.script("王建国", ("同意 1", "古丽"))
    assert any("同意" in text or "批准" in text for text in stage.pushes("古丽"))

    for name in ("张伟", "古丽", "李明"):
        stage.pushes(name)
    stage.jump(datetime(2026, 12, 3, 17, 0, tzinfo=SHANGHAI))
    assert sum("宪法宣传进班组" in text for text in stage.pushes("张伟")) == 1, (
        "a reminder to those signed up"
    )
    assert sum("宪法宣传进班组" in text for text in stage.pushes("李明")) == 1, "a nudge to the silent"
    assert not [text for text in stage.pushes("古丽") if "宪法宣传进班组" in text]

    stage.jump(datetime(2026, 12, 4, 14, 27, tzinfo=SHANGHAI))
    said = stage.say("王建国", "签到码")
    from bot.models.activity import Activity
    from bot.services import check_in_word

    with stage.bot.database.read() as session:
        activity = session.get_one(Activity, 1)
        word = check_in_word.word(activity, stage.clock()).text
    assert word in said
    stage.script("张伟", (f"签到 {word.replace(' ', '')}", "签到成功", "14:27", "+2 分", "党员教育管理"))
    stage.script("张伟", (f"签到 {word.replace(' ', '')}", "14:27"))
    for name in ("李明",):
        stage.script(name, (f"签到 {word}", "签到成功"))
    stage.jump(datetime(2026, 12, 4, 16, 30, tzinfo=SHANGHAI))
    answer = stage.say("王建国", "结束活动")
    if "应到 12 实到 2 请假 1 缺席 9" not in answer or "已结束" not in answer:
        answer += stage.say("王建国", "确认")
    assert "应到 12 实到 2 请假 1 缺席 9" in answer
    assert any("补学" in text for text in stage.pushes("古丽"))


def test_the_quiz_goes_on_after_points_and_after_a_restart(stage: Stage) -> None:
    first = stage.say("张伟", "专项 安规")
    assert "1/10" in first
    second = stage.say("张伟", "A。" if "A" in first else "对")
    assert "2/10" in second
    stage.script("张伟", ("积分", "2/10", "继续"), ("继续", "2/10"))
    assert "请回复" in stage.say("张伟", "Z")
    stage.restart()
    assert "3/10" in stage.say("张伟", "A" if "A" in stage.say("张伟", "继续") else "对")


def test_an_appeal_ends_in_a_reversal_and_a_new_entry(stage: Stage) -> None:
    stage.script("陈刚", ("加分 张伟 2 抢修现场带队", "按哪条规则"), ("1", "+2 分", "模范作用发挥"))
    stage.script(
        "张伟", ("我有多少分", "模范作用发挥", "党员教育管理", "自身综合素质提升", "业务职责落实", "#1 +2")
    )
    stage.script("张伟", ("申诉 1 那天我在场，是带队", "第 1 件", "王建国"))
    stage.pushes("张伟")
    stage.script("王建国", ("审核", "张伟", "申诉", "#1", "那天我在场"))
    answer = stage.say("王建国", "同意")
    if "分" in answer and "#3" not in answer:
        answer = stage.say("王建国", "3")
    told = "\n".join(stage.pushes("张伟"))
    assert "申诉" in told
    stage.script("张伟", ("积分明细", "#1", "#2", "#3", "-2", "+3"), ("积分", "3/25 模范作用发挥"))
