"""Understanding what people type: pure functions from text to plain values.

The pipeline is NFKC → simplified characters → exact words → jieba words → pinyin. Dates are in :mod:`bot.when`.
"""

from __future__ import annotations

import logging
import re
import tempfile
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

_SPACE = re.compile(r"\s+")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\x00-\x08\x0b-\x1f\x7f]")
_EDGE = " \t\n.。,，!！?？~～;；:：、…\"“”'‘’·"
_BEFORE = (
    "请问",
    "请你",
    "请帮我",
    "帮我",
    "麻烦",
    "你好",
    "您好",
    "我想要",
    "我想",
    "我要",
    "我来",
    "给我",
    "请",
)
_AFTER = ("一下吧", "一下", "谢谢", "可以吗", "好吗", "吧", "啊", "呢", "哦", "了", "呀")
_KEPT = ("请假",)
NUMERALS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0, "十": 10}


def clean(text: str) -> str:
    """The text as its reader means it: width and form folded, traditional characters simplified, invisible ones gone."""
    folded = _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    if any("\u4e00" <= c <= "\u9fff" for c in folded):
        folded = _simplified(folded)
    return _SPACE.sub(" ", folded).strip()


def _simplified(text: str) -> str:
    import zhconv

    converted: str = zhconv.convert(text, "zh-hans")
    return converted


def bare(text: str) -> str:
    """A cleaned text without punctuation at its ends and without polite padding: 我想报名一下。 → 报名."""
    said = text.strip(_EDGE)
    while True:
        shorter = _without_padding(said).strip(_EDGE)
        if shorter == said or not shorter:
            return said
        said = shorter


def _without_padding(said: str) -> str:
    if said.startswith(_KEPT):
        return _without_tail(said)
    for head in _BEFORE:
        if said.startswith(head) and len(said) > len(head):
            return said[len(head) :]
    return _without_tail(said)


def _without_tail(said: str) -> str:
    for tail in _AFTER:
        if said.endswith(tail) and len(said) > len(tail):
            return said[: -len(tail)]
    return said


_JOINTS = " ：:，,。、"
"""What stands between a command's word and what follows it."""
_LONGEST_HEAD = 24


def as_written(raw: str, said: str) -> str:
    """What was said with its own punctuation and line breaks, which understanding it has folded: the tail of the message that means the same.

    ``said`` itself when there is none, because the message was changed in some other way.
    """
    raw = raw.strip()
    meant = said.strip(_JOINTS)
    for start in range(min(len(raw), _LONGEST_HEAD)):
        if clean(raw[start:]).strip(_JOINTS) == meant:
            return raw[start:].lstrip(_JOINTS + "\n")
    return said


_CHOICE = re.compile(r"(?:第|选|选择)?\s*([0-9]{1,2}|[一二三四五六七八九十])\s*(?:个|项|条|号)?")


def choice(text: str) -> int | None:
    """The number of a line that was chosen ("2", "第二个", "选3"), or None."""
    found = _CHOICE.fullmatch(text)
    if not found:
        return None
    digits = found[1]
    return int(digits) if digits.isdigit() else NUMERALS[digits]


_own_words: set[str] = set()
_loading = threading.Lock()
_folder: Path | None = None
COMMON = 20


def teach(words: Iterable[str]) -> None:
    """Name words that must not be cut apart (三会一课, 迎峰度夏 …); they count from the next load, or at once after it."""
    new = sorted(set(words) - _own_words)
    _own_words.update(new)
    if _tokenizer.cache_info().currsize:
        for word in new:
            _tokenizer().add_word(word)


def taught() -> frozenset[str]:
    """The words that were named so far: what was cut with other words is to be cut again."""
    return frozenset(_own_words)


@lru_cache(maxsize=1)
def _tokenizer() -> Any:
    """Jieba's tokenizer with our words, and without the rare ones: a third of the memory, a tenth of the time to load."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    folder = _folder or Path(tempfile.gettempdir())
    tokenizer = jieba.Tokenizer(str(_common_words(folder)))
    tokenizer.tmp_dir = str(folder)
    tokenizer.initialize()
    for word in sorted(_own_words):
        tokenizer.add_word(word)
    return tokenizer


def _common_words(folder: Path) -> Path:
    """Jieba's dictionary cut to words seen at least :data:`COMMON` times, made once in ``folder``."""
    import jieba

    file = folder / f"jieba-{jieba.__version__}-common.txt"
    if not file.exists():
        whole = Path(jieba.__file__).with_name("dict.txt").read_text(encoding="utf-8")
        lines = whole.splitlines(keepends=True)
        kept = [line for line in lines if int(line.split(" ")[1]) >= COMMON]
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=folder, delete=False) as draft:
            draft.writelines(kept)
        Path(draft.name).replace(file)
    return file


def keep_in(folder: Path) -> None:
    """The folder that keeps what is derived from the dictionary."""
    global _folder
    folder.mkdir(parents=True, exist_ok=True)
    _folder = folder


def warm() -> None:
    """Load the dictionary so that the first member need not wait."""
    with _loading:
        _tokenizer()


def words(text: str) -> list[str]:
    """The words of a text, in order, without spaces and punctuation."""
    return [word for word in _tokenizer().lcut(text) if word.strip() and word not in _EDGE]


def pieces(text: str) -> list[str]:
    """The words of a text and the shorter words within them: 我的积分 also holds 积分."""
    return [word for word in _tokenizer().lcut_for_search(text) if word.strip() and word not in _EDGE]


@lru_cache(maxsize=4096)
def pinyin(text: str) -> str:
    """Toneless pinyin with blanks between syllables: 签到 → "qian dao"."""
    from pypinyin import lazy_pinyin

    return " ".join(lazy_pinyin(text)).lower()


def homophones(text: str, candidates: Iterable[str]) -> list[str]:
    """The candidates that sound exactly like the text."""
    sound = pinyin(text)
    return [word for word in candidates if pinyin(word) == sound]


def similar(text: str, candidates: Iterable[str], *, most: int = 2, least: float = 70.0) -> list[str]:
    """The candidates whose sound is nearest to the text's, best first; ``least`` is a rapidfuzz ratio (0-100)."""
    from rapidfuzz import fuzz, process

    sounds = {word: pinyin(word) for word in candidates}
    found = process.extract(pinyin(text[:12]), sounds, scorer=fuzz.ratio, limit=most, score_cutoff=least)
    return [word for _, _, word in found]
