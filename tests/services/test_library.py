"""The library behind 提问: the right entry for what people really ask, nothing for what is no matter of rules, the same on both databases."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from bot import app as composition
from bot.app import App
from bot.db import Database
from bot.models.library import LibraryEntry, LibraryWord
from bot.services.library import entries, search
from bot.services.library.search import Hit
from content import materials, questions, regulations

ASKED = tomllib.loads((Path(__file__).parent.parent / "content" / "questions_asked.toml").read_text("utf-8"))
ANSWERED: list[tuple[str, set[str]]] = [(row[0], set(row[1:])) for row in ASKED["answered"]]
UNANSWERED: list[str] = ASKED["unanswered"]
TUNED, HELD_OUT = slice(0, None, 2), slice(1, None, 2)
HOSTILE = (
    "",
    " ",
    "？！…。，",
    "字" * 2000,
    '" OR NOT * ^ NEAR ( )',
    'NEAR("党员" "大会", 2)',
    "words : 党员",
    "'党员' & !'大会' <-> :*",
    "党员大会'; DROP TABLE library_entry; --",
    "\\' \\\\ %s :asked {0}",
    "😀👍🏽\u200b\u202e",
    "\x00党员\ufffd",
    "AND or Not",
    "Ｐ２Ｐ　ｋＶ",
)


@pytest.fixture
def product(bot: App) -> Database:
    """The database of the product that runs: the words of its commands are known."""
    return bot.database


def found(database: Database, question: str) -> list[Hit]:
    with database.read() as session:
        return search.search(session, question)


def code(hit: Hit) -> str:
    return hit.code.partition("/")[0]


@pytest.mark.parametrize("half", [TUNED, HELD_OUT], ids=["tuned", "held out"])
def test_what_people_ask_is_found(product: Database, half: slice) -> None:
    asked = ANSWERED[half]
    hits = [(found(product, question), good) for question, good in asked]
    first = sum(code(hit) in good for best, good in hits for hit in best[:1])
    among_three = sum(any(code(hit) in good for hit in best) for best, good in hits)
    answered = sum(hit.sure and code(hit) in good for best, good in hits for hit in best[:1])
    misled = sum(hit.sure and code(hit) not in good for best, good in hits for hit in best[:1])
    print(f"{len(asked)} asked: hit@1 {first}, hit@3 {among_three}, answered {answered}, wrongly {misled}")
    assert first >= 0.85 * len(asked)
    assert among_three >= 0.95 * len(asked)
    assert answered >= 0.65 * len(asked)
    assert misled <= 0.04 * len(asked)


def test_what_is_no_matter_of_rules_is_not_answered(product: Database) -> None:
    answered = [question for question in UNANSWERED if any(hit.sure for hit in found(product, question))]
    assert answered == []


def test_the_list_is_long_enough_and_names_entries_that_exist(product: Database) -> None:
    assert len({question for question, _ in ANSWERED}) == len(ANSWERED) >= 120
    assert len(set(UNANSWERED)) >= 20
    with product.read() as session:
        known = {one.partition("/")[0] for one in session.scalars(select(LibraryEntry.code))}
    assert set().union(*(good for _, good in ANSWERED)) <= known


def test_every_clause_and_every_material_is_found_by_its_title(product: Database) -> None:
    titled = [(c.title, c.code) for c in regulations.load()] + [(m.title, m.code) for m in materials.load()]
    missed = [title for title, right in titled if code(found(product, title)[0]) != right]
    assert missed == []


def test_every_way_of_asking_that_is_written_down_leads_to_its_clause(product: Database) -> None:
    asks = [(ask, clause.code) for clause in regulations.load() for ask in clause.asks]
    missed = [(ask, right) for ask, right in asks if right not in {hit.code for hit in found(product, ask)}]
    assert len(missed) <= 0.01 * len(asks), missed


@pytest.fixture
def twin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """The library on SQLite, to compare with."""
    shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "twin.db")
    database = Database(f"sqlite:///{tmp_path / 'twin.db'}")
    yield database
    database.dispose()


def test_both_databases_give_the_same_answer(product: Database, twin: Database) -> None:
    asked = [question for question, _ in ANSWERED] + UNANSWERED
    assert [found(product, question) for question in asked] == [found(twin, question) for question in asked]


@pytest.mark.parametrize("volts", ["10千伏", "35kV", "110千伏", "220kV"])
def test_a_safety_distance_is_never_that_of_another_voltage(product: Database, volts: str) -> None:
    number = volts.rstrip("千伏kV")
    for hit in found(product, f"{volts}设备不停电的安全距离"):
        assert not hit.sure or number in f"{hit.title}{hit.text}"


def test_another_word_for_the_same_thing_finds_the_same(product: Database) -> None:
    assert found(product, "党员大会频次")[0].code == found(product, "支部大会多久开一次")[0].code


@pytest.mark.parametrize("question", HOSTILE)
def test_odd_input_is_searched_or_finds_nothing(product: Database, question: str) -> None:
    assert all(0 <= hit.score <= 1 for hit in found(product, question))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=200))
def test_any_text_is_searched(product: Database, question: str) -> None:
    found(product, question)


def test_traditional_characters_and_full_width_digits_ask_the_same(product: Database) -> None:
    assert found(product, "請問黨員大會多久開一次？") == found(product, "请问党员大会多久开一次?")
    assert found(product, "３５ｋＶ安全距离") == found(product, "35kv安全距离")


def sync(app: App) -> bool:
    with app.database.write() as session:
        return entries.sync(session, regulations.load(), materials.load(), questions.load())


def test_nothing_is_written_when_nothing_changed(bot: App) -> None:
    sync(bot)  # other tests of this process may have taught it words
    assert sync(bot) is False


def test_changed_content_is_found_after_the_next_start_and_what_was_dropped_is_not(bot: App) -> None:
    clauses = [c for c in regulations.load() if c.code != "DZ-flag"]
    new = replace(clauses[0], code="NEW", title="无人机巡检要几个人", asks=("无人机怎么飞", "无人机几个人"))
    with bot.database.write() as session:
        assert entries.sync(session, [*clauses, new], materials.load(), questions.load()) is True
    assert found(bot.database, "无人机要几个人")[0].code == "NEW"
    assert "DZ-flag" not in {hit.code for hit in found(bot.database, "党旗是什么样子")}
    assert sync(bot) is True
    assert found(bot.database, "党旗是什么样子")[0].code == "DZ-flag"
    assert "NEW" not in {hit.code for hit in found(bot.database, "无人机要几个人")}


def test_two_processes_that_start_at_once_fill_it_once(bot: App) -> None:
    with bot.database.write() as session:
        session.execute(text("UPDATE library_entry SET edition = 'old'"))
    other = composition.build(bot.settings, clock=bot.clock)
    with ThreadPoolExecutor(2) as pool:  # both see that it is old before one of them has the lock
        assert sorted(pool.map(sync, [bot, other])) == [False, True]
    other.database.dispose()
    with bot.database.read() as session:
        codes = session.scalars(select(LibraryEntry.code)).all()
        counted = session.scalar(select(LibraryWord.entries).where(LibraryWord.word == "0党员"))
        holding = session.scalar(
            select(func.count()).select_from(LibraryEntry).where(LibraryEntry.words.like("%0党员%"))
        )
    assert len(codes) == len(set(codes)) > 600
    assert counted == holding
