"""How a question and its verdict read on a phone: the same words in practice, exams, duels and the arena."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.errors import Refusal
from bot.models.quiz import QuestionKind
from bot.services import quiz
from bot.services.quiz import Answered
from bot.services.run import Asked, Place


class AnswerFirst(Refusal):
    text = "请先答这一题；不会做就回复 不会，可以看答案。"


_KINDS = {
    QuestionKind.SINGLE: ("单选", "请回复一个字母。"),
    QuestionKind.MULTIPLE: ("多选", "可多选，例如 AB。"),
    QuestionKind.JUDGE: ("判断", "请回复 对 或 错。"),
    QuestionKind.BLANK: ("填空", "请回复要填的内容。"),
}


def shown(asked: Asked, head: str = "") -> str:
    """The question after ``head`` (2/10 without any), with its kind and options as this member sees them."""
    item = asked.item
    kind, how = _KINDS[item.kind]
    lines = [f"{head or f'{asked.number}/{asked.total}'} 〔{kind}〕{item.background or item.stem}"]
    if item.background:
        lines.append(f"问：{item.stem}")
    lines += [f"{letter} {option}" for letter, option in item.shown(asked.run.order)]
    return "\n".join([*lines, how])


def verdict(done: Answered, right_options: Sequence[str] = ()) -> str:
    """Right or not, why, by which source, and the points if it earned some. ``right_options`` stand for the letters where none were shown."""
    asked = done.question
    doubt = "（请以文件原文为准）" if asked.confidence == "check" else ""
    correct = f" {done.correct}" if done.correct.isascii() else f"是“{done.correct}”"
    if right_options:
        correct = f"：{'、'.join(right_options)}"
    lines = ["正确。" if done.right else f"不对，正确答案{correct}。"]
    if done.explained:
        lines += [asked.explanation, f"出处：{asked.source}{doubt}"]
    if done.retired:
        lines.append("这道错题两天都答对了，已移出错题本。")
    if award := done.award:
        lines.append(
            f"今天答对{quiz.ENOUGH_RIGHT}题，+{award.points} 分（{award.rule.dimension}），本季共 {award.total} 分。"
        )
    return "\n".join(lines)


def to_data(place: Place) -> dict[str, Any]:
    """A place as a dialogue keeps it."""
    return {"run": place.run, "position": place.position, "questions": list(place.questions)}


def from_data(data: Mapping[str, Any]) -> Place:
    """The place that :func:`to_data` wrote."""
    return Place(data["run"], data["position"], tuple(data["questions"]))
