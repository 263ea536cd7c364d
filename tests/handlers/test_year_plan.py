"""The year's twelve theme days."""

from __future__ import annotations

from content import theme_days
from tests.chat import Phone, PhoneBook


def test_the_plan_names_all_twelve_with_their_production_tie(phone: PhoneBook) -> None:
    answer = phone("张伟")("年度计划")
    for idea in theme_days.load():
        assert f"{idea.month}月 {idea.theme}（{idea.production[:4]}" in answer
    assert len(answer.split("\n")) == 12
    assert "回复 年度计划 12" in answer


def test_a_month_shows_its_steps_and_leads_to_publishing(secretary: Phone) -> None:
    december = theme_days.load()[11]
    secretary.script(
        ("年度计划 12", december.theme, december.production, *december.steps, "回复 1"),
        ("1", "什么时候"),
        ("12月4日14:30", "哪里"),
        ("三楼", f"主题：{december.theme}", "应到 12 人"),
        ("确认", "已发布"),
    )
    assert f"12月 {december.theme}（" in secretary("年度计划")
    assert secretary("全年计划").count("√") == 2  # the month, and the line that says what it means


def test_chinese_months_and_wrong_ones(phone: PhoneBook) -> None:
    third = theme_days.load()[2]
    phone("张伟").script(
        ("年度计划 三月", third.theme),
        ("年度计划 3月份", third.theme),
        ("年度计划 13", "没看懂是哪个月"),
        ("年度计划 以后", "没看懂是哪个月"),
    )
    assert "回复 1 用这个主题" not in phone("张伟")("年度计划 3")
