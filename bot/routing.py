"""Who is asked first: COMMAND, then STEP, then KEYWORDS, then SUGGESTION. The kind of trigger decides, never a number."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bot import nlu
from bot.chat import Answer, Ask, Command, Context, Kind, Reply, Router, Step
from bot.errors import Refusal
from bot.services import privacy
from bot.talk import Frame
from bot.waiting import Lookout

SPOKEN = (Kind.TEXT, Kind.VOICE, Kind.CLICK, Kind.SCAN, Kind.CARD)
_SEPARATORS = " ：:，,。、"
_HOW = ("怎么", "怎样", "如何", "咋")


class NothingSaid(Refusal):
    text = "没有收到文字。回复 菜单 看看能做什么。"


@dataclass(frozen=True, slots=True)
class Match:
    """A command and what followed its word."""

    command: Command
    argument: str = ""


class Routes:
    """A complete router with the indexes that routing needs."""

    def __init__(self, router: Router) -> None:
        self.router = router
        router.step()(supply)
        self.by_word: dict[str, Command] = {}
        for command in router.commands:
            for word in command.words:
                if self.by_word.setdefault(word, command) is not command:
                    raise ValueError(f"two commands for the word {word}")
        self.takers: dict[str, list[str]] = {}
        for word in sorted((w for w, c in self.by_word.items() if c.takes), key=len, reverse=True):
            self.takers.setdefault(word[0], []).append(word)
        self.lookout = Lookout(router.waitings)
        nlu.teach(self.vocabulary)

    @cached_property
    def vocabulary(self) -> set[str]:
        """All words that mean something to some command."""
        about = {word for c in self.router.commands for group in c.about for word in group}
        return set(self.by_word) | about

    def command(self, text: str, *, glued: bool = True) -> Match | None:
        """The command whose word is the whole text, or its beginning. ``glued`` allows 签到红船 without a blank."""
        bare = nlu.bare(text)
        for said in (text, bare, bare.replace(" ", "")):
            if said in self.by_word:
                return Match(self.by_word[said])
        for said in (text, bare):
            for word in self.takers.get(said[:1], ()):
                rest = said[len(word) :]
                if said.startswith(word) and rest and (glued or rest[0] in _SEPARATORS):
                    return Match(self.by_word[word], rest.strip(_SEPARATORS))
        return None

    def by_keywords(self, text: str) -> list[Match]:
        """The commands that have a word of every one of their sets in the text: those with most sets, usually one."""
        said = set(nlu.pieces(text))
        fits = [c for c in self.router.commands if c.about and all(group & said for group in c.about)]
        most = max((len(c.about) for c in fits), default=0)
        return [Match(c, text if c.whole else "") for c in fits if len(c.about) == most]

    def allowed_words(self, ctx: Context) -> Iterable[str]:
        """The first words of all commands the sender may use."""
        return [c.word for c in self.router.commands if c.needs is None or ctx.actor.may(c.needs)]


def route(routes: Routes, ctx: Context) -> tuple[Answer, bool]:
    """The answer, and whether a step of an open dialogue gave it."""
    text = nlu.clean(ctx.message.text)
    privacy.guard(text)
    if ctx.message.place is not None:
        privacy.guard(nlu.clean(ctx.message.place.label))
    if ctx.identity.member is None or not ctx.identity.member.active:
        return _for_stranger(routes, ctx, text), False
    if ctx.message.kind not in SPOKEN or not text:
        return _unspoken(routes, ctx), False
    return _spoken(routes, ctx, text)


def _for_stranger(routes: Routes, ctx: Context, text: str) -> Answer:
    found = routes.command(text) if text else None
    if found is not None and found.command.strangers:
        return _run(ctx, found)
    assert routes.router.for_strangers is not None
    answer: Answer = routes.router.for_strangers(ctx)
    return answer


def _unspoken(routes: Routes, ctx: Context) -> Answer:
    handler = routes.router.events.get(ctx.message.kind)
    if handler is None:
        raise NothingSaid
    return handler(ctx)


def _spoken(routes: Routes, ctx: Context, text: str) -> tuple[Answer, bool]:
    frame = ctx.talk.open
    step = routes.router.steps.get(frame["step"]) if frame else None
    said = nlu.bare(text)
    number = nlu.choice(said)
    picked = ctx.talk.chosen(number) if number and (frame is None or frame["choices"]) else None
    if frame and step and (picked or _wants(step, said)):
        return _step(ctx, step, picked or said, frame), True
    text = picked or text
    found = routes.command(text, glued=step is None)
    if found is not None:
        ctx.talk.suspend()
        return _run(ctx, found), False
    if frame and step:
        return _step(ctx, step, text, frame), True
    return _without_command(routes, ctx, text)


def _step(ctx: Context, step: Step, text: str, frame: Frame) -> Answer:
    """A dialogue goes on for the branch for which it was begun."""
    ctx.talk.acts_for = frame.get("acts_for")
    answer: Answer = step.handler(ctx, text, frame["data"])
    return answer


def _wants(step: Step, said: str) -> bool:
    """Whether an answer is, or begins with, a word that the step wants although it is a command: 不同意 那天没有到会."""
    return any(said == w or (said.startswith(w) and said[len(w)] in _SEPARATORS) for w in step.words)


def _without_command(routes: Routes, ctx: Context, text: str) -> tuple[Answer, bool]:
    frame = ctx.talk.suspended
    step = routes.router.steps.get(frame["step"]) if frame else None
    if frame and step and step.resumes and step.resumes(text):
        ctx.talk.resume()
        return _step(ctx, step, text, frame), True
    matches = routes.by_keywords(text)
    if not matches and len(text) <= 6:
        matches = [Match(routes.by_word[w]) for w in nlu.homophones(nlu.bare(text), routes.by_word)][:1]
    if len(matches) == 1:
        return _run(ctx, matches[0]), False
    if matches:
        return _which([m.command.word for m in matches[:4]]), False
    return _suggest(routes, ctx, text), False


def _run(ctx: Context, found: Match) -> Answer:
    command = found.command
    if command.needs is not None:
        ctx.actor.require(command.needs)
    if not command.takes:
        return command.handler(ctx)
    if not found.argument and not command.optional:
        example = command.examples[0]
        ask = f"请发送{command.takes}。例如：{example}"
        return Ask(ask, step=supply, data={"word": command.word}, title=command.word)
    return command.handler(ctx, found.argument)


def supply(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    """The answer to "请发送…": what the command takes, with or without its word in front."""
    command = next(c for c in ctx.router.commands if c.word == data["word"])
    if command.needs is not None:
        ctx.actor.require(command.needs)
    return command.handler(ctx, text)


def _named_in(routes: Routes, text: str, allowed: list[str]) -> list[str]:
    """The commands whose words stand in the text, which may only be talking of them: 怎么请假, 我不想报名."""
    named = [
        routes.by_word[word].word for word in nlu.words(text) if len(word) > 1 and word in routes.by_word
    ]
    return [word for word in dict.fromkeys(named) if word in allowed][:2]


def _which(words: list[str]) -> Reply:
    lines = "\n".join(f"{n} {word}" for n, word in enumerate(words, 1))
    return Reply(f"您是想：\n{lines}\n回复数字即可。", choices=tuple(words))


def _suggest(routes: Routes, ctx: Context, text: str) -> Answer:
    allowed = list(routes.allowed_words(ctx))
    named = _named_in(routes, text, allowed)
    if named and any(word in text for word in _HOW):
        return _run(ctx, Match(routes.by_word["帮助"], named[0]))
    near = named or nlu.similar(nlu.bare(text), allowed)
    shown = text if len(text) <= 12 else text[:12] + "…"
    if not near:
        return Reply(f"没看懂“{shown}”。回复 菜单 看看能做什么，或发 提问 加您的问题。", choices=("菜单",))
    words = [*near, "菜单"]
    lines = "\n".join(f"{n} {word}" for n, word in enumerate(words, 1))
    return Reply(f"没看懂“{shown}”。您是不是想找：\n{lines}\n回复数字即可。", choices=tuple(words))


__all__ = ["SPOKEN", "Frame", "Match", "Routes", "Step", "route", "supply"]
