"""A text as the library compares it: jieba's words, synonyms as one, and pairs of characters, which forgive a different cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from bot import nlu
from content import regulations

PAIR = "0"
"""What a pair of characters begins with: both databases take 0党员 for a word of its own."""
_CHINESE = re.compile(r"[\u4e00-\u9fff]+")
_WORD = re.compile(r"[0-9a-z]+|[\u4e00-\u9fff]+")
_VOLTAGE = re.compile(r"(\d+)\s*(?:千伏|kv)")
_IDLE = frozenset(
    "的了吗呢啊吧嘛呀么是在有和与要会能可想问开我你您他咱这那就才还都也再得该把被让给跟对从去来个不没行搞弄拿啥咋"
)
_PADDING = (
    "请问 问问 想问 知道 我们 你们 咱们 大家 自己 到底 究竟 一下 需不需要 用不用 要不要 能不能 会不会 可不可以 有没有 是不是 行不行 算不算 够不够 "
    "该不该 需要 可以 应该 应当 能够 必须 能否 是否 现在 平时 合适吗 合规吗 行吗 好吗 事情 东西 有啥 时候 有规定 规定 按规定"
)
"""What people say around a question; it counts nothing."""
_FORMS = (
    "什么时候 啥时候 几月几号 多长时间 多久 多长 多大 多少 几个月 几个人 几年 几天 几次 几回 几个 几人 几名 怎么样 怎么办 怎么 怎样 如何 什么是 "
    "是什么 是啥 什么 干什么 干啥 咋办 哪些 哪个 哪里 哪儿 哪几种 哪几 为什么 为啥 谁"
)
"""Words that say how is asked, not about what: they count little."""


def _any_of(known: Iterable[str]) -> re.Pattern[str]:
    """Any of these words, the longest that fits."""
    return re.compile("|".join(map(re.escape, sorted(known, key=lambda word: (-len(word), word)))))


_FORM_WORDS, _PADDED = _any_of(_FORMS.split()), _any_of(_PADDING.split())


def words(text: str) -> frozenset[str]:
    """The words of a text and its pairs of characters, each of letters, digits or Chinese characters only."""
    said = _PADDED.sub(" ", nlu.clean(text).lower())
    same = _same()
    cut = (same.get(word, word) for word in _cut(said) if word not in _IDLE)
    runs = _CHINESE.findall(_FORM_WORDS.sub(" ", said))
    pairs = {f"{PAIR}{run[at : at + 2]}" for run in runs for at in range(len(run) - 1)}
    return frozenset(cut) | pairs


def is_form(word: str) -> bool:
    """Whether a word only says how is asked (多久, 什么)."""
    return word in _forms()


def voltages(text: str) -> frozenset[str]:
    """The kilovolts that a text names."""
    return frozenset(_VOLTAGE.findall(text.lower()))


def _cut(said: str) -> Iterator[str]:
    """The words of a text; those of the library's own groups are never cut apart."""
    for place, piece in enumerate(_whole().split(said)):
        if place % 2:
            yield piece
        else:
            yield from (word for cut in nlu.words(piece) for word in _WORD.findall(cut))


@lru_cache(maxsize=1)
def _same() -> dict[str, str]:
    """The word that stands for each word of a group of synonyms."""
    groups = [sorted(word.lower() for word in group) for group in regulations.synonyms()]
    return {word: group[0] for group in groups for word in group}


@lru_cache(maxsize=1)
def _whole() -> re.Pattern[str]:
    # Cut out first: teaching them to the tokenizer would change what other commands understand.
    return re.compile(f"({_any_of({*_same(), *_FORMS.split()}).pattern})")


@lru_cache(maxsize=1)
def _forms() -> frozenset[str]:
    return frozenset(_same().get(word, word) for word in _FORMS.split())
