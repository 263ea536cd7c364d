"""The platform misbehaves in every way it knows; everybody who can be reached gets every message once, and the others are named."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from bot.clock import Clock
from bot.simulator import world
from bot.simulator.platform import Platform
from tests.faults import phones
from tests.faults.rig import DATABASES, MORNING, SECRET, SHANGHAI, fill
from tests.stage import Stage

Trouble = Callable[[Platform, int], None]
TROUBLES: dict[str, Trouble] = {
    "-1 busy": lambda platform, times: platform.fail(-1, times=times),
    "45009 too many calls": lambda platform, times: platform.fail(45009, times=times),
    "40014 token forgotten": lambda platform, times: platform.wecom.revoke_tokens(),
    "42001 token over": lambda platform, times: platform.wecom.expire_tokens(),
    "42001 every token": lambda platform, times: platform.fail(42001, times=2 * times),
    "60020 address not trusted": lambda platform, times: platform.fail(60020, times=times),
    "40001 no token": lambda platform, times: platform.fail(40001, times=times, on="gettoken"),
    "accepted, then silence": lambda platform, times: platform.accept_then_timeout(times=min(times, 3)),
    "silence": lambda platform, times: platform.hang(times=times),
    "connection broken": lambda platform, times: platform.close(times=times),
    "a proxy's page": lambda platform, times: platform.html(times=times),
    "drop by drop": lambda platform, times: platform.drip(times=min(times, 3)),
}
"""What is ordered for the next calls; what was accepted and not said is repeated within the half hour of the platform's duplicate check."""

ACCEPTED_IN_SILENCE = ("accepted, then silence", "drop by drop")
MINUTE = timedelta(minutes=1)
LONGEST_REST = timedelta(minutes=11)


@dataclass(frozen=True)
class Figures:
    """What the rounds came to."""

    rounds: int
    notices: int
    shown_twice: int
    pushes: int
    calls: int
    seconds: float


def notify(stage: Stage, text: str, to: str = "全体") -> str:
    """The secretary sends an urgent notice; the answer to 确认."""
    stage.say("王建国", f"通知 {to} {text} 需回执 加急 演练")
    return stage.say("王建国", "确认")


def wait(stage: Stage, times: int) -> None:
    """So many rests of a channel pass, with a look every minute."""
    for _ in range(times * int(LONGEST_REST / MINUTE)):
        stage.clock.sleep(MINUTE)
        stage.deliver()


def everybody(stage: Stage) -> set[str]:
    """The userids of all who can be reached."""
    return {person.userid for person in stage.platform.world.people}


def got(stage: Stage, text: str) -> dict[str, int]:
    """How often each phone shows a push with these words."""
    counts = dict.fromkeys(everybody(stage), 0)
    for (user, shown), number in phones.seen(stage.platform).items():
        counts[user] += number if text in shown else 0
    return counts


def run(database: str, rounds: int, seed: int, say: Callable[[str], object] = print) -> Figures:
    """So many troubles in random order, one notice in each; AssertionError when somebody did not get one, or got one twice without cause.

    The cause there is: what the platform accepted in silence is repeated, and when other troubles delay that for longer than the half hour of
    its duplicate check, it is shown again.
    """
    say(f"{database}: {rounds} rounds, seed {seed}")
    began, chance = time.monotonic(), random.Random(seed)
    world.KEPT = 10**6
    clock = Clock(SHANGHAI, start=MORNING)
    with DATABASES[database]() as (_, url):
        fill(url, clock)
        stage = Stage(url, clock, secret=SECRET)
        stage.platform.calls = type(stage.platform.calls)()
        texts = [f"第{number}号通知请查收" for number in range(1000, 1000 + rounds)]
        silences = 0
        for text in texts:
            name = chance.choice(list(TROUBLES))
            silences += name in ACCEPTED_IN_SILENCE
            TROUBLES[name](stage.platform, chance.randint(1, 4))
            answer = notify(stage, text)
            assert "通知 #" in answer, f"{name}: {answer}"
            for _ in range(chance.randint(1, 20)):
                clock.sleep(MINUTE)
                stage.deliver()
        stage.platform.behave()
        wait(stage, 40)
        counts = [got(stage, text) for text in texts]
        assert all(number >= 1 for count in counts for number in count.values()), (
            "somebody did not get a notice"
        )
        twice = [text for text, count in zip(texts, counts, strict=True) if max(count.values()) > 1]
        assert len(twice) <= silences, twice
        with stage.bot.database.read() as session:
            assert not phones.sent(session) - phones.seen(stage.platform), "recorded as sent, and on no phone"
        figures = Figures(
            rounds,
            len(texts),
            len(twice),
            sum(phones.seen(stage.platform).values()),
            len(stage.platform.calls),
            round(time.monotonic() - began, 1),
        )
        stage.close()
    say(f"  {figures}")
    return figures


def main(arguments: list[str]) -> None:
    """``platform [ROUNDS [SEED]]`` on both databases."""
    logging.disable(logging.ERROR)  # every trouble is logged, as it should be
    rounds = int(arguments[0]) if arguments else 300
    seed = int(arguments[1]) if len(arguments) > 1 else random.randrange(10**6)
    for database in DATABASES:
        run(database, rounds, seed)
