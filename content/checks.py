"""What is wrong with a bank as a whole although each question is sound: doubles, give-aways, old items; and who asks for what it has not.

A finding is advice to an author, not an error: the bank still loads. The limits are our own rules of thumb.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, combinations

from rapidfuzz import fuzz

from content.questions import LETTERS, Kind, Question, plain

# Ratio of 0..100 between two stems without punctuation, from which they read as the same question.
NEAR_DOUBLE = 90.0
# A right option longer than this many times every other option gives itself away …
GIVE_AWAY = 2.0
# … which is a habit when it happens in more than this share of at least so many single questions of a topic.
GIVE_AWAY_SHARE, GIVE_AWAY_FEWEST = 0.2, 5
# One letter, or one verdict, right in more than this share of at least so many questions of a topic can be guessed.
LETTER_SHARE, VERDICT_SHARE, ANSWERS_FEWEST = 0.45, 0.75, 12


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to mend: the question's code, or the topic when it concerns all of it, and a sentence."""

    code: str
    what: str


def bank_findings(questions: Iterable[Question], today: date) -> list[Finding]:
    """Everything worth an author's look, item by item and then topic by topic; empty when all is well."""
    bank = tuple(questions)
    items = chain.from_iterable(_item_findings(question, today) for question in bank)
    groups = chain.from_iterable(_topic_findings(topic, group) for topic, group in _by_topic(bank).items())
    return [*items, *_near_doubles(bank), *groups]


def reference_findings(
    asked: Mapping[str, Sequence[str]], topics: Mapping[str, str], bank: Iterable[Question], today: date
) -> list[Finding]:
    """What a text asks for in vain: ``asked`` are the codes of its questions, ``topics`` what it says to practise, each by the text's code."""
    known = {question.code: question for question in bank}
    practised = {question.topic for question in known.values()}
    found = []
    for text, codes in asked.items():
        missing = [code for code in codes if code not in known]
        old = [code for code in codes if code in known and not known[code].is_valid_on(today)]
        found += [Finding(text, f"题库里没有这道题：{code}。") for code in missing]
        found += [Finding(text, f"所问的题 {code} 今天不在有效期内。") for code in old]
    return found + [
        Finding(text, f"题库里没有“{topic}”这个主题。")
        for text, topic in topics.items()
        if topic not in practised
    ]


def _by_topic(bank: Iterable[Question]) -> dict[str, list[Question]]:
    groups: defaultdict[str, list[Question]] = defaultdict(list)
    for question in bank:
        groups[question.topic].append(question)
    return groups


def _item_findings(question: Question, today: date) -> Iterator[Finding]:
    if "《" not in question.source or "》" not in question.source:
        yield Finding(question.code, f"出处“{question.source}”没有写明文件名，请用《》标出。")
    if question.valid_to is not None and question.valid_to < today:
        yield Finding(question.code, f"已于 {question.valid_to:%Y-%m-%d} 过期，请更新或停用。")


def _topic_findings(topic: str, group: Sequence[Question]) -> Iterator[Finding]:
    singles = [question for question in group if question.kind is Kind.SINGLE]
    yield from _give_aways(topic, singles)
    yield from _skewed(topic, "单选题", [question.answer[0] for question in singles], LETTER_SHARE)
    verdicts = [question.answer[0] for question in group if question.kind is Kind.JUDGE]
    yield from _skewed(topic, "判断题", verdicts, VERDICT_SHARE)


def _near_doubles(bank: Sequence[Question]) -> Iterator[Finding]:
    stems = [(question.code, plain(question.stem)) for question in bank]
    for (first, one), (second, other) in combinations(stems, 2):
        if ratio := fuzz.ratio(one, other, score_cutoff=NEAR_DOUBLE):
            yield Finding(second, f"题干与 {first} 几乎相同（相似度 {ratio:.0f}%），请改写或删去一题。")


def _give_aways(topic: str, singles: Sequence[Question]) -> Iterator[Finding]:
    codes = [question.code for question in singles if _gives_itself_away(question)]
    if len(singles) >= GIVE_AWAY_FEWEST and len(codes) > GIVE_AWAY_SHARE * len(singles):
        what = f"{len(singles)} 道单选题中有 {len(codes)} 道的正确选项比其他选项长一倍以上"
        yield Finding(topic, f"{what}，容易被猜中：{'、'.join(codes)}。")


def _gives_itself_away(question: Question) -> bool:
    right = LETTERS.index(question.answer[0])
    others = [len(option) for place, option in enumerate(question.options) if place != right]
    return len(question.options[right]) > GIVE_AWAY * max(others)


def _skewed(topic: str, kind: str, answers: Sequence[str], share: float) -> Iterator[Finding]:
    """The right answer that can be guessed, because it is right in more than this share."""
    if len(answers) < ANSWERS_FEWEST:
        return
    answer, count = Counter(answers).most_common(1)[0]
    if count > share * len(answers):
        mend = "请把正确选项的位置打散" if kind == "单选题" else "请改写几道"
        yield Finding(topic, f"{len(answers)} 道{kind}中有 {count} 道的答案是 {answer}，{mend}。")
