"""Study materials, the year's plan and the theme days: what is shipped is complete, what is wrong is refused by name."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from content import ROOT, ContentError, materials, questions, study_plan, theme_days
from content.materials import Material
from content.study_plan import Week

GOOD: Mapping[str, Any] = {
    "code": "good-one",
    "title": "好材料",
    "digest": "第一句。第二句。",
    "minutes": 1,
    "body": "正文。",
    "source": "《某文件》",
    "topic": "安规",
    "confidence": "high",
    "questions": ["safety-001"],
}
PLAN = ROOT / "study_plan.toml"
DAYS = ROOT / "theme_days.toml"


def written(tables: list[dict[str, Any]], kind: str) -> str:
    """The tables as TOML, for files that a test spoils on purpose."""
    return "\n".join(
        f"[[{kind}]]\n" + "\n".join(f"{key} = {toml(value)}" for key, value in table.items())
        for table in tables
    )


def toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    return '"' + value.replace("\n", "\\n") + '"' if isinstance(value, str) else str(value)


def folder_with(folder: Path, *tables: Mapping[str, Any]) -> Path:
    (folder / "some.toml").write_text(
        written([dict(table) for table in tables], "material"), encoding="utf-8"
    )
    return folder


def spoiled(path: Path, kind: str, folder: Path, spoil: Mapping[str, Any], place: int) -> Path:
    """A copy of a shipped file in which one table is changed."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))[kind]
    tables[place] |= spoil
    copy = folder / path.name
    copy.write_text(written(tables, kind), encoding="utf-8")
    return copy


def test_there_is_a_material_for_every_week_of_a_year() -> None:
    assert len(materials.load()) >= 52


def test_every_question_that_a_material_asks_is_in_the_bank() -> None:
    bank = {question.code for question in questions.load()}
    lost = {item.code: sorted(set(item.questions) - bank) for item in materials.load()}
    assert {code: gone for code, gone in lost.items() if gone} == {}


def test_every_topic_of_a_material_can_be_practised() -> None:
    topics = set(questions.topics(questions.load()))
    assert {item.code: item.topic for item in materials.load() if item.topic not in topics} == {}


def test_a_title_names_one_material() -> None:
    titles = [item.title for item in materials.load()]
    assert len(titles) == len(set(titles))


def test_a_material_fits_one_wecom_text_message() -> None:
    limit = 2048  # bytes of UTF-8 in one WeCom text message
    long = [
        item.code
        for item in materials.load()
        if len(f"{item.title}\n{item.body}\n{item.source}".encode()) > limit
    ]
    assert long == []


def test_every_source_names_a_document_or_a_rule() -> None:
    assert [item.code for item in materials.load() if not re.search(r"《.+?》|规定|规则", item.source)] == []


def test_every_material_ends_with_something_to_do_today() -> None:
    assert [
        item.code for item in materials.load() if "今天可以做的事：" not in item.body.splitlines()[-1]
    ] == []


def test_a_material_without_a_month_is_read_in_any_month(tmp_path: Path) -> None:
    assert materials.load(folder_with(tmp_path, GOOD)) == (
        Material(**{**GOOD, "questions": ("safety-001",)}),
    )


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        ({"title": " "}, "title"),
        ({"title": "长" * 31}, "title"),
        ({"digest": "只有一句。"}, "现为 1 句"),
        ({"digest": "一。二。三。四。"}, "现为 4 句"),
        ({"digest": "字" * 139 + "。好。"}, "现为 142 字"),
        ({"minutes": 0}, "minutes"),
        ({"minutes": 4}, "minutes"),
        ({"body": " "}, "body"),
        ({"body": "字" * 301}, "1 分钟读不完"),
        ({"body": "字" * 901, "minutes": 3}, "3 分钟读不完"),
        ({"source": ""}, "source"),
        ({"topic": ""}, "topic"),
        ({"confidence": "sure"}, "confidence"),
        ({"questions": []}, "questions"),
        ({"questions": ["a", "b", "c", "d"]}, "questions"),
        ({"questions": ["a", "a"]}, "questions"),
        ({"link": "http://www.12371.cn"}, "link"),
        ({"month": 13}, "month"),
        ({"minutes": "两"}, "minutes"),
        ({"month": "五"}, "month"),
        ({"title": 5}, "title: 应是文字"),
        ({"body": 5}, "body: 应是文字"),
        ({"questions": 5}, "int"),
        ({"titel": "拼错的字段"}, "titel"),
    ],
)
def test_a_bad_material_is_refused_by_file_and_code(
    tmp_path: Path, spoil: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ContentError, match=rf"some\.toml: good-one: .*{complaint}"):
        materials.load(folder_with(tmp_path, {**GOOD, **spoil}))


@pytest.mark.parametrize(
    "field", ["title", "digest", "minutes", "body", "source", "topic", "confidence", "questions"]
)
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    with pytest.raises(ContentError, match=rf"good-one: .*{field}"):
        materials.load(folder_with(tmp_path, {key: value for key, value in GOOD.items() if key != field}))


@pytest.mark.parametrize("code", ["", "Good One", "1-good", "好"])
def test_a_code_is_written_in_small_letters_digits_and_hyphens(tmp_path: Path, code: str) -> None:
    with pytest.raises(ContentError, match="code"):
        materials.load(folder_with(tmp_path, {**GOOD, "code": code}))


def test_a_code_used_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="good-one: 编号重复"):
        materials.load(folder_with(tmp_path, GOOD, GOOD))


def test_the_plan_has_each_week_once_and_in_order() -> None:
    assert [week.week for week in study_plan.load()] == list(range(1, 53))


def test_more_than_a_third_of_the_weeks_serve_production() -> None:
    tied = [week for week in study_plan.load() if week.production]
    assert 3 * len(tied) > 52


def test_a_week_and_its_material_name_the_same_production() -> None:
    tie = {item.code: item.production for item in materials.load()}
    assert {week.week for week in study_plan.load() if week.production != tie[week.material]} == set()


def test_a_material_of_a_month_is_planned_for_that_month() -> None:
    month = {item.code: item.month for item in materials.load()}
    for week in study_plan.load():
        days = [date.fromisocalendar(2026, week.week, weekday) for weekday in range(1, 8)]
        wanted = month[week.material]
        assert wanted is None or wanted in {day.month for day in days}, week


@pytest.mark.parametrize(
    ("day", "week"),
    [
        (date(2026, 1, 1), 1),
        (date(2026, 12, 4), 49),
        (date(2026, 12, 31), 52),  # the 53rd week of 2026 repeats the last one
        (date(2027, 1, 3), 52),  # still 2026's last week
        (date(2027, 1, 4), 1),
    ],
)
def test_a_day_finds_its_week(day: date, week: int) -> None:
    assert study_plan.week_of(study_plan.load(), day).week == week


def test_constitution_day_is_in_constitution_week() -> None:
    assert study_plan.week_of(study_plan.load(), date(2026, 12, 4)).material == "constitution-day"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        ({"week": 1}, r"缺少第 \[2\] 周"),
        ({"week": 53}, "week 53"),
        ({"week": "二"}, "week 二"),
        ({"material": "nobody-wrote-it"}, "nobody-wrote-it"),
        ({"material": "meetings-of-the-year"}, "排了两次.*meetings-of-the-year"),
        ({"theme": ""}, "week 2.*theme"),
        ({"topic": "多出的字段"}, "week 2.*topic"),
    ],
)
def test_a_bad_week_is_refused_by_name(tmp_path: Path, spoil: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContentError, match=rf"study_plan\.toml: .*{complaint}"):
        study_plan.load(spoiled(PLAN, "week", tmp_path, spoil, place=1))


def test_a_week_planned_twice_is_named() -> None:
    plan = study_plan.load()
    twice = Week(week=3, material="zunyi-meeting", theme="重复")
    codes = {item.code for item in materials.load()}
    assert study_plan.complaints((*plan, twice), codes) == ["周次重复：[3]"]


def test_a_plan_far_from_production_is_refused(tmp_path: Path) -> None:
    far = re.sub(r'production = ".+"', 'production = ""', PLAN.read_text(encoding="utf-8"))
    (tmp_path / "far.toml").write_text(far, encoding="utf-8")
    with pytest.raises(ContentError, match="结合生产的只有 0 周"):
        study_plan.load(tmp_path / "far.toml")


def test_every_month_has_its_theme_day() -> None:
    assert [day.month for day in theme_days.load()] == list(range(1, 13))


def test_no_two_theme_days_serve_the_same_problem() -> None:
    assert len({day.production for day in theme_days.load()}) == 12


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        ({"month": 1}, "共 12 条"),
        ({"month": 13}, "month 13"),
        ({"theme": ""}, "month 2.*theme"),
        ({"production": " "}, "month 2.*production"),
        ({"steps": ["一", "二"]}, "month 2.*steps"),
        ({"steps": ["一", "二", "三" * 41]}, "month 2.*steps"),
        ({"why": ""}, "month 2.*why"),
        ({"place": "三楼"}, "month 2.*place"),
    ],
)
def test_a_bad_theme_day_is_refused_by_month(tmp_path: Path, spoil: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ContentError, match=rf"theme_days\.toml: .*{complaint}"):
        theme_days.load(spoiled(DAYS, "theme_day", tmp_path, spoil, place=1))
