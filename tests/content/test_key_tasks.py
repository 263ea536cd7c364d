"""The shipped register of key tasks, and what its loader refuses."""

from __future__ import annotations

from typing import Any

import pytest

from content import ContentError, key_tasks

CATEGORY = {"name": "技改项目", "words": ["技改"]}
GOOD: dict[str, Any] = {"near_days": 3, "escalate_days": 7, "source": "本产品自拟", "category": [CATEGORY]}


def test_the_shipped_register_has_the_four_categories_of_the_paper() -> None:
    register = key_tasks.load()
    assert {one.name for one in register.categories} == {"技改项目", "生产指标", "设备运维", "安全环保"}
    assert key_tasks.parse(GOOD).guess("城西变技改") == "技改项目"


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"near_days": 0}, "near_days"),
        ({"escalate_days": 91}, "escalate_days"),
        ({"source": ""}, "source"),
        ({"category": []}, "category"),
        ({"category": [CATEGORY, CATEGORY]}, "不能相同"),
        ({"category": [{"name": "技改项目"}]}, "words"),
        ({"category": [{"name": "技改项目", "words": ["改"]}]}, "两个字"),
        ({"category": [{**CATEGORY, "colour": "red"}]}, "colour"),
        ({"unknown": 1}, "unknown"),
    ],
)
def test_a_mistake_is_named(change: dict[str, Any], what: str) -> None:
    with pytest.raises(ContentError, match=what):
        key_tasks.parse({**GOOD, **change})


def test_what_is_missing_is_named() -> None:
    with pytest.raises(ContentError, match="near_days"):
        key_tasks.parse({name: value for name, value in GOOD.items() if name != "near_days"})
    with pytest.raises(ContentError, match="category"):
        key_tasks.parse({name: value for name, value in GOOD.items() if name != "category"})
