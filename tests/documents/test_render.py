"""The documents as LibreOffice shows them. Without it these are skipped; ``python -m tests.documents.render FOLDER`` makes pictures to look at."""

from __future__ import annotations

import re

import pytest

from tests.documents import render

pytestmark = pytest.mark.skipif(render.MISSING is not None, reason=str(render.MISSING))

EXPECTED = {
    "minutes": (
        "检修党支部活动记录",
        "宪法宣传进班组",
        "14:30至16:05",
        "1人",
        "古丽（下乡巡线）",
        "张伟：线路巡视发现三处隐患",
        "刘芳补记",
    ),
    "sheet": ("主题党日签到表", "应到8实到6请假1缺席1", "14:27", "补签：现场手机", "签名"),
    "notice-invitation": (
        "关于开展主题党日的通知",
        "一、主题：宪法宣传进班组",
        "2026年12月3日17:00前",
        "检修党支部",
    ),
    "handbook": (
        "检修党支部工作手册",
        "（2026年度）",
        "目录",
        "一、支部与党员",
        "五、党员积分汇总",
        "阿不力孜",
        "本月没有记录的活动",
    ),
    "bulletin": (
        "检修党支部2026年第3季度党员积分公示",
        "共2人",
        "收到申诉2件，同意1件，正在处理1件",
        "定稿时间：＿＿＿＿",
        "王建国",
        "不排名次",
    ),
    "election": (
        "至少9人",
        "超过应到11人的半数，至少6票",
        "没有设置，用较严的",
        "以上级要求为准",
        "计票单",
        "另选他人",
    ),
    "vote": ("检修党支部表决结果", "至少4票", "反对（1）：阿不力孜", "监票人"),
    "ledger": ("台账（2026年12月）", "宪法宣传进班组", "补录", '=HYPERLINK("http://x")', "本月共3次"),
}
USUAL = {
    name: {"handbook": 6, "election": 3}.get(name, 1) for name in render.FILES if not name.endswith("-long")
}
"""How many pages a document has as it usually is."""
HEADINGS = (
    "一、支部与党员",
    "二、支部委员会",
    "三、全年组织生活",
    *(f"{n}月" for n in range(1, 13)),
    "四、党员学习学时",
    "五、党员积分汇总",
)
FOOT = re.compile(r"(?:按支部通里|签名一栏|名册和职务|发送对象|记名表决，|选举到会进行|无记名表决：).*")


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The words of each page of each document."""
    made = render.render(tmp_path_factory.mktemp("documents"))
    return {name: render.pages(pdf) for name, pdf in made.items()}


@pytest.mark.parametrize("name", EXPECTED)
def test_the_facts_are_shown(shown: dict[str, list[str]], name: str) -> None:
    for fact in EXPECTED[name]:
        assert fact in "".join(shown[name]), f"{name}: {fact}"


def test_usual_documents_need_no_second_page(shown: dict[str, list[str]]) -> None:
    assert {name: len(shown[name]) for name in USUAL} == USUAL


@pytest.mark.parametrize("name", render.FILES)
def test_no_page_is_nearly_empty(shown: dict[str, list[str]], name: str) -> None:
    cover = 1 if name.startswith("handbook") else 0
    for number, page in enumerate(shown[name][cover:], cover + 1):
        assert len(FOOT.sub("", page)) > 40, f"page {number} of {name}: {page}"


@pytest.mark.parametrize(
    "name", [name for name in render.FILES if name not in ("ledger", "ledger-long", "bulletin-sheet")]
)
def test_every_page_has_its_number_but_a_cover(shown: dict[str, list[str]], name: str) -> None:
    for number, page in enumerate(shown[name], 1):
        assert page.endswith(f"—{number}—") is not (name.startswith("handbook") and number == 1)


@pytest.mark.parametrize("name", ["handbook", "handbook-long"])
def test_the_contents_tell_the_page_of_every_heading(shown: dict[str, list[str]], name: str) -> None:
    pages = shown[name]
    found = re.search("".join(rf"{heading}[.…]+(\d+)" for heading in HEADINGS), pages[1])
    assert found, pages[1]
    numbers = [int(one) for one in found.groups()]
    for heading, number in zip(HEADINGS, numbers, strict=True):
        assert heading in pages[number - 1], heading
    assert numbers == sorted(numbers)
    assert numbers[0] == 3


def test_the_signatures_stand_under_the_record_and_the_ledger_repeats_its_heads(
    shown: dict[str, list[str]],
) -> None:
    assert "议定事项" in shown["minutes-long"][-1]
    assert "主持人签字" in shown["minutes-long"][-1]
    assert len(shown["ledger-long"]) > 1
    assert all("序号日期类别主题" in page for page in shown["ledger-long"])
