"""The rules of the register: what ships is whole, and a mistake in the file is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from content import ROOT, ContentError, hazards

SHIPPED = (ROOT / "hazards.toml").read_text(encoding="utf-8")


def test_what_ships_is_whole() -> None:
    rules = hazards.load()
    assert [one.name for one in rules.levels] == ["一般", "重大"]
    assert rules.level("重大").advice
    assert "第三条" in rules.source
    assert "本产品自拟" in rules.proposed
    with pytest.raises(KeyError):
        rules.level("较大")


@pytest.mark.parametrize("said", ["2号主变冒烟了", "有人触电", "城南线断线", "电缆沟漏电"])
def test_danger_is_known_by_its_words(said: str) -> None:
    assert hazards.load().is_emergency(said)


@pytest.mark.parametrize(
    "said", ["2号主变渗油", "灭火器过期", "爬梯锈蚀", "仓库有火灾隐患", "电缆沟有漏电的风险"]
)
def test_an_ordinary_hazard_is_no_danger(said: str) -> None:
    assert not hazards.load().is_emergency(said)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("days = 7", "days = 0", "days 要在 1 到 365 之间"),
        ('name = "重大"', 'name = "一般"', "name 不能重复"),
        ('name = "重大"', 'name = ""', "要有 name"),
        ('confidence = "high"', 'confidence = "sure"', "confidence 只能是"),
        ('"冒烟"', '"烟"', "至少两个字"),
        ("escalate_days = 3", "escalate_days = 0", "至少是 1"),
        ("escalate_days = 3", "", "escalate_days"),
        ("days = 15", "weeks = 2", "weeks"),
        ("[[level]]", "[[levels]]", "level"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, old: str, new: str, what: str) -> None:
    path = tmp_path / "hazards.toml"
    path.write_text(SHIPPED.replace(old, new), encoding="utf-8")
    with pytest.raises(ContentError, match=what):
        hazards.load(path)
