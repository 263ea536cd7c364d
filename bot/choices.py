"""Answers that several features share: the words for yes and no, a list of names, one feature running another's command, and which activity is meant."""

from __future__ import annotations

from collections.abc import Sequence

from bot import nlu
from bot.chat import Answer, Context, Reply
from bot.models.activity import Activity
from bot.services import activity as activities

YES = ("确认", "确定", "是", "是的", "好", "好的", "可以")
NO = ("取消", "返回", "不", "不发", "算了", "不用")
MOST_NAMES = 20


def says_no(text: str) -> bool:
    """Whether somebody gives up: 算了 is not 算 with padding."""
    return text in NO or nlu.bare(text) in NO


def names_text(names: Sequence[str]) -> str:
    """The names in one line, the first twenty of many."""
    shown = "、".join(names[:MOST_NAMES])
    return shown if len(names) <= MOST_NAMES else f"{shown} 等{len(names)}人"


def run(ctx: Context, word: str, said: str = "") -> Answer:
    """What the command of ``word`` answers to ``said``: features do not import each other, they know each other's words."""
    command = next(one for one in ctx.router.commands if word in one.words)
    if command.needs is not None:
        ctx.actor.require(command.needs)
    return command.handler(ctx, said) if command.takes else command.handler(ctx)


def which(ctx: Context, word: str, found: Sequence[Activity], rest: str = "") -> Reply:
    """Ask which of several activities ``word`` is about; without any say that there is none."""
    text, words = activities.choice(found, word, rest, now=ctx.now)
    return Reply(text, choices=words)
