"""The check-in word: distinct in sound, changing every minute, short-lived."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations

import pytest

from bot import nlu
from bot.models.activity import Activity
from bot.services import check_in_word
from tests.conftest import SHANGHAI

NOON = datetime(2026, 12, 4, 12, 0, tzinfo=SHANGHAI)


@pytest.fixture
def activity() -> Activity:
    """An activity that is in no database."""
    return Activity(secret="0123456789abcdef")


def sound(word: str) -> str:
    return nlu.pinyin(word).replace(" ", "")


def test_there_are_at_least_sixty_four_words_of_two_characters() -> None:
    words = check_in_word.vocabulary()
    assert len(words) >= 64
    assert {len(word) for word in words} == {2}


def test_no_two_words_sound_alike() -> None:
    words = check_in_word.vocabulary()
    assert len({sound(word) for word in words}) == len(words)


def test_no_two_pairs_sound_alike_and_pairs_sound_like_their_parts() -> None:
    from pypinyin import lazy_pinyin

    pairs = list(permutations(check_in_word.vocabulary(), 2))
    sounds = ["".join(lazy_pinyin(a + b)) for a, b in pairs]
    assert len(set(sounds)) == len(pairs)
    assert sounds == [sound(a) + sound(b) for a, b in pairs]


def test_the_word_is_two_different_words_and_changes_every_minute(activity: Activity) -> None:
    words = [check_in_word.word(activity, NOON + timedelta(minutes=m)).text for m in range(60)]
    assert all(len(set(word.split(" "))) == 2 for word in words)
    assert len(set(words)) >= 58
    assert check_in_word.word(activity, NOON + timedelta(seconds=59)).text == words[0]


def test_the_word_says_until_when_it_holds(activity: Activity) -> None:
    assert check_in_word.word(activity, NOON + timedelta(seconds=12)).until == NOON + timedelta(seconds=90)


@pytest.mark.parametrize(
    ("after", "accepted"), [(0, True), (59, True), (60, True), (89, True), (90, False), (3600, False)]
)
def test_a_word_holds_its_minute_and_thirty_seconds(activity: Activity, after: int, accepted: bool) -> None:
    word = check_in_word.word(activity, NOON).text
    assert check_in_word.matches(activity, word, NOON + timedelta(seconds=after)) is accepted


def test_a_word_of_the_future_is_refused(activity: Activity) -> None:
    assert not check_in_word.matches(
        activity, check_in_word.word(activity, NOON).text, NOON - timedelta(seconds=1)
    )


@pytest.mark.parametrize("said", ["", "。", "青松", "青松明月青松明月", "x" * 5000])
def test_what_is_not_the_word_is_refused(activity: Activity, said: str) -> None:
    assert not check_in_word.matches(activity, said, NOON)


def test_another_activity_has_another_word(activity: Activity) -> None:
    assert (
        check_in_word.word(activity, NOON).text != check_in_word.word(Activity(secret="another"), NOON).text
    )
