"""The only exception whose sentence a user reads."""

from __future__ import annotations


class Refusal(Exception):
    """What was asked cannot be done; ``str(refusal)`` is the polite Chinese sentence that says why and what to do next.

    A subclass states the fact in its name and the sentence in ``text``; keyword arguments fill the sentence's ``{fields}``.
    The dispatcher rolls the transaction back and answers with the sentence.
    """

    text = "暂时办不了，请联系支部书记。"

    def __init__(self, text: str = "", **facts: object) -> None:
        super().__init__(text or self.text.format(**facts))
