"""The peer: WeRoBot with its own SQLite session storage answers the same quiz on an Official Account in safe mode.

It keeps where a member stands and how many were right; attempts, review, points and repeated deliveries, which the product has to write, it does not.
"""

from __future__ import annotations

import random
from typing import Any

import werobot
from werobot.session.sqlitestorage import SQLiteStorage

from content import questions

LENGTH = 10


def create(token: str, aes_key: str, app_id: str, file: str) -> Any:
    """The WSGI application; ``file`` holds its sessions."""
    bank = [one for one in questions.load() if one.kind is questions.Kind.SINGLE]
    robot = werobot.WeRoBot(token=token, enable_session=True, session_storage=SQLiteStorage(file))
    robot.config["APP_ID"], robot.config["ENCODING_AES_KEY"] = app_id, aes_key

    @robot.text
    def answer(message: Any, session: dict[str, Any]) -> str:
        verdict = "答题开始。"
        if "question" in session:
            asked = bank[session["question"]]
            right = questions.LETTERS[session["order"][int(message.content) - 1]] in asked.answer
            session["right"] += right
            verdict = f"{'正确' if right else '不对'}。\n{asked.explanation}\n出处：{asked.source}"
        session.setdefault("right", 0)
        session["position"] = session.get("position", 0) % LENGTH + 1
        session["question"] = random.randrange(len(bank))
        following = bank[session["question"]]
        session["order"] = random.sample(range(len(following.options)), len(following.options))
        shown = "\n".join(
            f"{letter} {following.options[n]}"
            for letter, n in zip(questions.LETTERS, session["order"], strict=False)
        )
        return f"{verdict}\n——\n{session['position']}/{LENGTH} {following.stem}\n{shown}"

    return robot.wsgi
