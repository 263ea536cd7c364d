"""The clause library: what ships is complete and cited, what is wrong is refused with its code."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from content import ContentError, regulations
from content.regulations import Regulation

GOOD: dict[str, Any] = {
    "code": "T-1",
    "topic": "组织生活",
    "title": "党员大会多久开一次",
    "text": "一般每季度召开1次。",
    "document": "《中国共产党支部工作条例（试行）》",
    "article": "第十一条",
    "issued": "2018年",
    "confidence": "high",
    "asks": ["党员大会多久开一次", "党员大会几个月一次"],
}

BRANCH = "《中国共产党支部工作条例（试行）》"
ELECTION = "《中国共产党基层组织选举工作条例》"
# One line for each rule of the cadence table: clause, document, article, confidence, and the figures that must stand in the text.
CADENCE = (
    ("ZB-meeting", BRANCH, "第十一条", "high", ("每季度召开1次",)),
    ("ZB-vote", BRANCH, "第十一条", "high", ("半数以上", "超过应到会有表决权党员的半数（1/2）", "不按实到")),
    ("ZB-committee", BRANCH, "第十二条", "high", ("每月召开1次",)),
    ("ZB-committee-quorum", BRANCH, "第十二条", "high", ("半数（1/2）以上委员到会",)),
    ("ZB-group", BRANCH, "第十三条", "high", ("每月召开1次",)),
    ("ZB-theme-day", BRANCH, "第十六条", "high", ("每月相对固定1天", "集中学习", "民主议事", "志愿服务")),
    ("ZB-theme-day-plan", BRANCH, "第十六条", "high", ("开展前", "开展后", "组织落实")),
    ("ZB-lecture", BRANCH, "第十六条", "medium", ("书记每年至少讲1次", "没有规定每季度一次")),
    ("ZB-life-meeting", BRANCH, "第十七条", "high", ("每年至少召开1次", "第四季度")),
    ("ZB-review", BRANCH, "第十八条", "high", ("每年开展1次", "个人自评、党员互评、民主测评、组织评定")),
    (
        "ZB-review-grades",
        BRANCH,
        "第十八条",
        "high",
        ("优秀、合格、基本合格、不合格", "三分之一（1/3）", "只取整数"),
    ),
    ("ZB-review-probation", BRANCH, "第十八条", "high", ("参加民主评议", "不评定等次")),
    ("ZB-talk", BRANCH, "第十九条", "medium", ("每年谈心谈话一般不少于1次",)),
    (
        "ZB-committee-size",
        BRANCH,
        "第二十条",
        "high",
        ("7人以上", "3至5人", "不超过7人", "不足7人的，设1名书记"),
    ),
    ("ZB-term", BRANCH, "第二十一条", "high", ("任期3年", "5年")),
    ("ZB-form", BRANCH, "第四条", "medium", ("3人以上", "不超过50人")),
    ("ZB-project", BRANCH, "第五条", "medium", ("6个月以上",)),
    ("XJ-attendance", ELECTION, "", "medium", ("不少于应到会人数的五分之四（4/5）",)),
    ("XJ-secret", ELECTION, "", "medium", ("无记名投票", "不能委托他人代为投票")),
    ("XJ-rights", ELECTION, "第五条", "high", ("预备党员没有这三项权利",)),
    ("DZ-lapse", "《中国共产党章程》", "第九条", "check", ("连续六个月", "支部大会决定", "只作提醒")),
    ("JY-hours", "《全国党员教育培训工作规划（2024—2028年）》", "", "medium", ("32学时",)),
    ("JY-hours-leader", "《全国党员教育培训工作规划（2024—2028年）》", "", "medium", ("56学时",)),
    (
        "DF-rate",
        "《关于中国共产党党费收缴、使用和管理的规定》（中组发〔2008〕3号）",
        "",
        "high",
        (
            "3000元以下（含）交0.5%",
            "5000元（含）交1%",
            "10000元（含）交1.5%",
            "10000元以上交2%",
        ),
    ),
)
# Safety figures by which somebody stands near a live part: a wrong one here is worse than none.
DISTANCES = (
    ("AG-distance-10", "10千伏", "0.7米"),
    ("AG-distance-35", "35千伏", "1.0米"),
    ("AG-distance-110", "110千伏", "1.5米"),
    ("AG-distance-220", "220千伏", "3.0米"),
)


@pytest.fixture(scope="module")
def library() -> dict[str, Regulation]:
    return {clause.code: clause for clause in regulations.load()}


def write(folder: Path, **changes: Any) -> str:
    """A folder with one clause, ``GOOD`` with changes; ``None`` leaves the key out. Returns the folder for load()."""
    table = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
    lines = [f"{key} = {_toml(value)}" for key, value in table.items()]
    (folder / "one.toml").write_text("\n".join(["[[regulation]]", *lines]), encoding="utf-8")
    return str(folder)


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def test_the_library_is_large_enough_and_codes_are_unique(library: dict[str, Regulation]) -> None:
    assert len(library) == len(regulations.load()) >= 130


@pytest.mark.parametrize("row", CADENCE, ids=lambda row: row[0])
def test_every_cadence_rule_is_quoted_with_its_figure(
    library: dict[str, Regulation], row: tuple[str, str, str, str, tuple[str, ...]]
) -> None:
    code, document, article, confidence, figures = row
    clause = library[code]
    assert (clause.document, clause.article, clause.confidence) == (document, article, confidence)
    assert [figure for figure in figures if figure not in clause.text] == []


@pytest.mark.parametrize(("code", "voltage", "distance"), DISTANCES)
def test_safe_distances_agree_in_both_clauses(
    library: dict[str, Regulation], code: str, voltage: str, distance: str
) -> None:
    assert voltage in library[code].text
    assert distance in library[code].text
    assert re.search(f"{voltage}(及以下)?{re.escape(distance)}", library["AG-distance"].text)


def test_required_documents_are_covered(library: dict[str, Regulation]) -> None:
    documents = " ".join({clause.document for clause in library.values()})
    needed = (
        *("支部工作条例", "国有企业基层组织工作条例", "基层组织选举工作条例", "中国共产党章程"),
        *("发展党员工作细则", "党员教育管理工作条例", "党费收缴", "党员教育培训工作规划", "纪律处分条例"),
        *(
            "廉洁自律准则",
            "保守国家秘密法",
            "安全生产法",
            "消防法",
            "电力法",
            "GB 26860—2011",
            "GB 26859—2011",
        ),
        *("为基层减负若干规定", "工会法", "青年团章程"),
    )
    assert [name for name in needed if name not in documents] == []


def test_admission_clauses_have_no_unchecked_article(library: dict[str, Regulation]) -> None:
    """The detailed rules were revised in 2026; the new numbering has not been compared with the text."""
    clauses = [clause for clause in library.values() if "发展党员工作细则" in clause.document]
    assert {(clause.article, clause.confidence) for clause in clauses} == {("", "medium")}


def test_no_two_clauses_claim_the_same_question(library: dict[str, Regulation]) -> None:
    counts = Counter(ask for clause in library.values() for ask in clause.asks)
    assert [ask for ask, count in counts.items() if count > 1] == []


def test_a_good_clause_loads(tmp_path: Path) -> None:
    (clause,) = regulations.load(write(tmp_path))
    assert clause == Regulation(**{**GOOD, "asks": tuple(GOOD["asks"])})


def test_an_article_may_be_left_out(tmp_path: Path) -> None:
    (clause,) = regulations.load(write(tmp_path, article=None))
    assert clause.article == ""


def test_a_file_names_document_date_and_topic_once(tmp_path: Path) -> None:
    shared = {key: GOOD[key] for key in regulations.SHARED}
    own = {key: value for key, value in GOOD.items() if key not in regulations.SHARED}
    lines = [f"{key} = {_toml(value)}" for key, value in shared.items()]
    lines += ["[[regulation]]", *(f"{key} = {_toml(value)}" for key, value in own.items())]
    (tmp_path / "one.toml").write_text("\n".join(lines), encoding="utf-8")
    (clause,) = regulations.load(str(tmp_path))
    assert clause.document == GOOD["document"]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"topic": " "}, "topic"),
        ({"title": "长" * 25}, "title"),
        ({"text": ""}, "text"),
        ({"text": "长" * 220 + "。"}, "text"),
        ({"text": "没有句号"}, "text"),
        ({"document": "支部工作条例"}, "document"),
        ({"article": "11"}, "article"),
        ({"article": "第11条"}, "article"),
        ({"issued": "去年"}, "issued"),
        ({"issued": 2018}, "issued"),
        ({"confidence": "sure"}, "confidence"),
        ({"asks": ["只有一种"]}, "asks"),
        ({"asks": ["一样", "一样"]}, "asks"),
        ({"asks": ["一", "二", "三", "四", "五", "六", "七"]}, "asks"),
        ({"asks": ["问" * 31, "短问"]}, "asks"),
        ({"asks": "不是列表"}, "asks"),
        ({"asks": None}, "asks"),
        ({"confidence": None}, "confidence"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_clause_is_refused_with_its_code(
    tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ContentError, match=rf"one\.toml 第1条 T-1.*{complaint}"):
        regulations.load(write(tmp_path, **changes))


@pytest.mark.parametrize("code", ["", "有中文", "A B", "A" * 33])
def test_a_bad_code_is_refused_with_its_place(tmp_path: Path, code: str) -> None:
    with pytest.raises(ContentError, match=r"one\.toml 第1条.*code"):
        regulations.load(write(tmp_path, code=code))


def test_a_code_used_twice_is_refused(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "two.toml").write_text((tmp_path / "one.toml").read_text("utf-8"), encoding="utf-8")
    with pytest.raises(ContentError, match=r"T-1.*编号重复"):
        regulations.load(str(tmp_path))


def test_an_unknown_key_of_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text('regulations = "x"', encoding="utf-8")
    with pytest.raises(ContentError, match="regulations"):
        regulations.load(str(tmp_path))


def test_regulations_not_written_as_tables_are_refused(tmp_path: Path) -> None:
    (tmp_path / "one.toml").write_text("regulation = [1]", encoding="utf-8")
    with pytest.raises(ContentError, match=r"one\.toml.*\[\[regulation\]\]"):
        regulations.load(str(tmp_path))


def test_synonyms_know_the_words_for_how_often() -> None:
    (group,) = [group for group in regulations.synonyms() if "多久" in group]
    assert {"多长时间", "几个月一次", "频次", "多久一次"} <= group


@pytest.mark.parametrize(
    "content",
    [
        'group = [{words = ["一个"]}]',
        'group = [{words = ["一样", "一样"]}]',
        'group = [{words = ["甲", "乙"]}, {words = ["乙", "丙"]}]',
        'group = [{words = "甲乙"}]',
        'group = [{words = ["甲 乙", "丙*"]}]',
        "group = [{}]",
        "group = 5",
    ],
)
def test_bad_synonyms_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "synonyms.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ContentError, match=r"synonyms\.toml"):
        regulations.synonyms(path)
