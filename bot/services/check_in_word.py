"""The check-in word of the minute, and the signed right to show it on a screen."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

from bot import nlu
from bot.models.activity import Activity
from bot.times import local
from content import ROOT

GRACE = timedelta(seconds=30)
"""How long the word of the previous minute is still accepted."""


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """The two-character words that check-in words are made of; no two sound alike."""
    lines = (ROOT / "check_in_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


@dataclass(frozen=True, slots=True)
class Word:
    """Two words and until when they are accepted."""

    text: str
    until: datetime


def word(activity: Activity, now: datetime) -> Word:
    """The word of this minute; it changes every minute and holds 30 seconds longer."""
    minute = _minute(now)
    end = datetime.fromtimestamp((minute + 1) * 60, UTC) + GRACE
    return Word(_word_of(activity.secret, minute), local(end, now))


def matches(activity: Activity, said: str, now: datetime) -> bool:
    """Whether what was said sounds like the word of now, or of the previous minute within its 30 seconds. Constant time."""
    minutes = {_minute(now), _minute(now - GRACE)}
    heard = _sound(said).encode()
    results = [
        hmac.compare_digest(heard, _sound(_word_of(activity.secret, minute)).encode()) for minute in minutes
    ]
    return any(results)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _word_of(secret: str, minute: int) -> str:
    digest = hmac.new(secret.encode(), str(minute).encode(), hashlib.sha256).digest()
    words = vocabulary()
    rest, first = divmod(int.from_bytes(digest[:8], "big"), len(words))
    second = rest % (len(words) - 1)
    return f"{words[first]} {words[second + (second >= first)]}"


def _sound(text: str) -> str:
    """Homophones, blanks, punctuation and Latin pinyin do not matter: 青松 明月, 清淞名月 and qingsong mingyue sound alike."""
    kept = re.sub(r"[\W_]", "", nlu.clean(text))[:32]
    return nlu.pinyin(kept).replace(" ", "")


def screen_token(secret_key: str, activity_id: int) -> str:
    """The signed right to show the changing word of one activity on a screen: ``/m/screen/<activity id>?k=<token>``.

    It does not expire by itself: the page shows words only while the activity can be checked in to.
    """
    return str(_signer(secret_key).dumps(activity_id))


def may_show_screen(secret_key: str, activity_id: int, token: str) -> bool:
    """Whether a token from :func:`screen_token` is genuine and for this activity."""
    try:
        return bool(_signer(secret_key).loads(token) == activity_id)
    except BadSignature:
        return False


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="check-in screen")
