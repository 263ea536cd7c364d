"""The kinds of activity: what ships is whole, and a wrong file is refused with a word on what to mend."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from content import ContentError, activity_kinds
from content.activity_kinds import Attends

GOOD = """
[[kind]]
name = "党课"
aliases = ["上党课"]
attends = "全体党员"
record = "党课记录"
points = "attend"
study = true
cadence = { times = 1, per = "quarter" }
minutes = 60
clause = "ZB-lecture"
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "kinds.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_twelve_kinds_ship() -> None:
    names = [kind.name for kind in activity_kinds.load()]
    assert names == [
        "主题党日", "党员大会", "支委会", "党小组会", "党课", "组织生活会", "民主评议", "谈心谈话",
        "集中学习", "志愿服务", "安全检查", "联建",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "per", "article", "confidence"),
    [
        ("党员大会", "quarter", "第十一条", "high"),
        ("支委会", "month", "第十二条", "high"),
        ("党小组会", "month", "第十三条", "high"),
        ("主题党日", "month", "第十六条", "high"),
        ("党课", "quarter", "第十六条", "medium"),
        ("组织生活会", "year", "第十七条", "high"),
        ("民主评议", "year", "第十八条", "high"),
        ("谈心谈话", "year", "第十九条", "medium"),
    ],
)
def test_each_prescribed_kind_has_its_cadence_and_article(
    name: str, per: str, article: str, confidence: str
) -> None:
    kind = activity_kinds.lookup(name)
    assert kind is not None
    assert kind.cadence is not None
    assert kind.clause is not None
    assert (kind.cadence.times, kind.cadence.per) == (1, per)
    assert kind.clause.document == "《中国共产党支部工作条例（试行）》"
    assert (kind.clause.article, kind.clause.confidence) == (article, confidence)


def test_only_the_lecture_may_be_overridden_by_a_setting() -> None:
    settings = {kind.name: kind.cadence.setting for kind in activity_kinds.load() if kind.cadence}
    assert {name for name, setting in settings.items() if setting} == {"党课"}


def test_votes_need_half_of_those_who_may_vote() -> None:
    quorums = {kind.name: kind.quorum for kind in activity_kinds.load() if kind.quorum}
    assert {name: quorum.share for name, quorum in quorums.items()} == {
        "党员大会": Fraction(1, 2),
        "支委会": Fraction(1, 2),
    }
    assert "正式党员" in quorums["党员大会"].of


def test_a_kind_is_found_by_its_alias() -> None:
    kind = activity_kinds.lookup("支部大会")
    assert kind is not None
    assert kind.name == "党员大会"
    assert activity_kinds.lookup("茶话会") is None


def test_the_longest_name_in_a_text_wins() -> None:
    found = activity_kinds.named_in("民主评议党员 11月12日")
    assert found is not None
    kind, rest = found
    assert (kind.name, rest.strip()) == ("民主评议", "11月12日")
    assert activity_kinds.named_in("11月12日") is None


def test_the_first_name_in_a_text_wins() -> None:
    found = activity_kinds.named_in("党课 11月12日 主题党日怎么开")
    assert found is not None
    assert found[0].name == "党课"


def test_who_attends_differs_by_kind() -> None:
    attends = {kind.name: kind.attends for kind in activity_kinds.load()}
    assert attends["支委会"] is Attends.COMMITTEE
    assert attends["党小组会"] is Attends.GROUP
    assert attends["谈心谈话"] is Attends.PAIR
    assert attends["联建"] is Attends.JOINT


def test_a_talk_earns_no_points_and_no_study_time() -> None:
    talk = activity_kinds.lookup("谈心谈话")
    assert talk is not None
    assert (talk.points, talk.study) == ("", False)


def test_a_good_file_is_read(tmp_path: Path) -> None:
    assert activity_kinds.load(written(tmp_path, GOOD))[0].names == ("党课", "上党课")


@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('clause = "ZB-lecture"', 'clause = "ZB-none"', "ZB-none"),
        ('points = "attend"', 'points = "nothing"', "nothing"),
        ('per = "quarter"', 'per = "week"', "per"),
        ("times = 1", "times = 0", "times"),
        ("minutes = 60", "minutes = 5", "minutes"),
        ('attends = "全体党员"', 'attends = "大家"', "大家"),
        ('clause = "ZB-lecture"', "", "依据"),
        ('aliases = ["上党课"]', 'aliases = ["党课"]', "用了两次"),
        ("study = true", 'study = "yes"', "study"),
        ("study = true", "", "study"),
        ("minutes = 60", "minutes = 60\ncolour = 1", "colour"),
        ("minutes = 60", 'minutes = 60\nquorum = { share = "3/2", of = "党员" }', "quorum"),
    ],
)
def test_a_wrong_kind_says_what_to_mend(tmp_path: Path, good: str, bad: str, complaint: str) -> None:
    with pytest.raises(ContentError, match=complaint):
        activity_kinds.load(written(tmp_path, GOOD.replace(good, bad)))


def test_a_file_without_kinds_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="kind"):
        activity_kinds.load(written(tmp_path, ""))
