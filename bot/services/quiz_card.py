"""The question of the day as a card to tick on WeCom. The text with it always says how to answer without a card."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from bot.cards import Card
from bot.errors import Refusal
from bot.models.member import Member
from bot.models.quiz import QuestionKind
from bot.services import answer as answers
from bot.services import drawing, practice, quiz
from bot.services import run as runs
from bot.services.answer import LETTERS
from bot.services.quiz import Answered
from bot.services.run import Posed

VERDICTS = ("对", "错")
_TASK = re.compile(r"daily-(\d{8})-(\d+)-(\d+)-([0-9a-f]{8})")


class NotACard(Refusal):
    text = "没有看到选了什么。请在卡片上勾选后再提交，或直接回复 每日一题 作答。"


class CardOfAnotherBranch(Refusal):
    text = "这张卡片是发给另一个支部的，不能在这里作答。您的题请回复 每日一题。"


class OldCard(Refusal):
    text = "这张卡片上的题已经过期或刚更新过。今天的题请回复 每日一题。"


@dataclass(frozen=True, slots=True)
class Daily:
    """What is pushed to a whole branch: the text twin, and the card where the question can be ticked."""

    text: str
    card: Card | None


def of_branch(session: Session, branch_id: int, now: datetime) -> Daily:
    """The day's question of a branch. A blank has nothing to tick, so it comes as text."""
    question = runs.posed(session, practice.of_day(session, branch_id, now))
    options = _options(question, branch_id, now)
    letters = (
        [f"{LETTERS[place]} {option}" for place, option in enumerate(options)] if question.options else []
    )
    text = "\n".join([f"每日一题：{question.stem}", *letters, "回复 每日一题 作答（选项顺序每人不同）。"])
    if not options:
        return Daily(text, None)
    task = f"daily-{now:%Y%m%d}-{branch_id}-{question.id}-{question.digest[:8]}"
    many = question.kind is QuestionKind.MULTIPLE
    return Daily(text, Card(task, "每日一题", question.stem, options=tuple(options), many=many))


def answer(
    session: Session, member: Member, task: str, chosen: tuple[str, ...], *, now: datetime
) -> Answered:
    """Judge what was ticked by the order in which this card showed the options.

    :class:`OldCard` for another day's, or a changed question; :class:`CardOfAnotherBranch` for one that shows other options than the member's own.
    """
    found = _TASK.fullmatch(task)
    if found is None or not chosen or not all(one.isascii() and one.isdigit() for one in chosen):
        raise NotACard
    day, branch, *which = found.groups()
    if branch != str(member.branch_id):
        raise CardOfAnotherBranch
    asked = practice.daily(session, member, now=now)
    question = runs.posed(session, asked.run.open_question)
    if (day, *which) != (f"{now:%Y%m%d}", str(question.id), question.digest[:8]):
        raise OldCard
    places = sorted({int(one) - 1 for one in chosen})
    if not 0 <= places[0] <= places[-1] < len(_options(question, member.branch_id, now)):
        raise NotACard
    asked.run.order = _order(question, member.branch_id, now)
    runs.save(session, asked.run)
    said = "".join(LETTERS[place] for place in places) if question.options else VERDICTS[places[0]]
    done = quiz.answer(session, member, asked.place, said, now=now)
    if not isinstance(done, Answered):
        raise OldCard
    return done


def _order(question: Posed, branch_id: int, now: datetime) -> list[int]:
    """How a branch's card of the day shows the options: in an order of its own that can be told again when the answer comes."""
    item = answers.item_of(question, 0)
    # Not for secrecy: whoever gets the card sees the order.
    return drawing.shuffled(item.options, random.Random(f"{branch_id} {now:%Y%m%d} {question.id}"))  # noqa: S311


def _options(question: Posed, branch_id: int, now: datetime) -> list[str]:
    if question.kind is QuestionKind.JUDGE:
        return list(VERDICTS)
    return [question.options[index] for index in _order(question, branch_id, now)]


def right_options(done: Answered) -> list[str]:
    """The right options in words: a card shows no letters."""
    question = done.question
    if not question.options:
        return list(question.answer)
    return [question.options[LETTERS.index(letter)] for letter in question.answer]
