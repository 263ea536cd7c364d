"""Which questions are drawn and in which order they and their options stand: plain functions with the chance handed in."""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.quiz import Attempt
from bot.services.question import Candidate

MIX = {"党务": 5, "业务": 4, "综合": 1}
"""How often each half of the bank is drawn by 答题."""
RECENT = 100
"""So many of the last answers are not asked again while there are others."""
_LAST_OPTION = re.compile(r"(?:以上|上述)(?:[都均全皆各]|[二三四五]|选项|说法|做法|答案|内容)")


class NoQuestions(Refusal):
    text = "这个主题现在没有可以练的题。回复 专项 看看有哪些主题。"


def one_of_the_mix(
    candidates: Sequence[Candidate], seen: set[int], rng: random.Random, mix: Mapping[str, int] = MIX
) -> Candidate:
    """One question, its half of the bank by the ratio of ``mix`` (0: never while there are others), not one of those seen while there are others."""
    fresh = [one for one in candidates if one.id not in seen] or candidates
    halves = sorted({one.half for one in fresh})
    if not halves:
        raise NoQuestions
    weights = [mix.get(name, 1) for name in halves]
    half = rng.choices(halves, weights if any(weights) else None)[0]
    return rng.choice([one for one in fresh if one.half == half])


def shuffled(options: Sequence[str], rng: random.Random) -> list[int]:
    """The indexes of the options in the order shown; 以上都对 and its like stay last, where they make sense."""
    last = [index for index, option in enumerate(options) if _LAST_OPTION.match(option)]
    order = [index for index in range(len(options)) if index not in last]
    rng.shuffle(order)
    return order + last


def recent(session: Session, member_id: int) -> set[int]:
    """What a member was asked lately."""
    last = (
        select(Attempt.question_id)
        .where(Attempt.member_id == member_id)
        .order_by(Attempt.at.desc())
        .limit(RECENT)
    )
    return set(session.scalars(last))


def unseen_first(candidates: Iterable[Candidate], seen: set[int], rng: random.Random) -> list[Candidate]:
    """In random order, those not seen lately first."""
    order = list(candidates)
    rng.shuffle(order)
    return sorted(order, key=lambda one: one.id in seen)


def up_to(candidates: Iterable[Candidate], places: int) -> list[Candidate]:
    """As many whole questions as fit into so many places."""
    chosen: list[Candidate] = []
    for one in candidates:
        if sum(c.places for c in chosen) + one.places <= places:
            chosen.append(one)
    return chosen


def exactly(candidates: Sequence[Candidate], places: int) -> list[Candidate]:
    """Whole questions that fill exactly so many places, those in front preferred; none when no choice of them does."""
    sums = [1]  # of the last 0, 1, 2 … candidates: bit n says whether some of them fill n places
    for one in reversed(candidates):
        sums.append((sums[-1] | sums[-1] << one.places) & ((2 << places) - 1))
    if not sums[-1] >> places & 1:
        return []
    chosen: list[Candidate] = []
    for one, later in zip(candidates, reversed(sums[:-1]), strict=True):
        if places >= one.places and later >> (places - one.places) & 1:
            chosen.append(one)
            places -= one.places
    return chosen


def of_day(candidates: Sequence[Candidate], branch_id: int, day: date) -> Candidate:
    """A branch goes through the whole bank in an order of its own before a question comes again."""
    if not candidates:
        raise NoQuestions
    order = sorted(candidates, key=lambda one: hashlib.sha256(f"{branch_id} {one.code}".encode()).digest())
    return order[day.toordinal() % len(order)]
