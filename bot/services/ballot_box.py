"""The box of a secret vote, and the receipts by which voters find their own ballot in the published list.

Secrecy: against whom, and how
------------------------------
Somebody who afterwards reads the whole database, as its administrator may, must not be able to tell how a member voted.

* The register (``voter``: who has a vote, who used it) and the box (``ballot``) share only the number of the vote. A ballot has no number of its
  own and no time. Its key is the receipt.
* Neither does the place where a ballot lies tell anything. The order in which members voted is known (``inbox.answered_at``, the platform), so
  the order of ballots must not be. At every vote the box is emptied and written again, sorted by receipt, in the same transaction: what lies on
  disk depends on *which* ballots there are, never on how they came (shuffling would do, sorting can be checked). On SQLite the table is WITHOUT
  ROWID and ``secure_delete`` overwrites what was removed. On PostgreSQL ``DELETE`` would leave the old rows with their transaction numbers to be
  read until a vacuum, each generation one ballot larger than the last; ``TRUNCATE`` gives the table a new file instead, so all rows carry the
  same ``ctid`` sequence and the same ``xmin``. That locks the table against other votes and against a running ``pg_dump`` until the commit.
  To keep it small, closing moves the ballots out: the published list is sorted by receipt in ``vote.ballots``.
* The receipt is never given by us, because every reply is stored with its addressee (``inbox.reply``, for repeated deliveries) and every push is
  too (``outbox.body``). Even five random words on a slip would join a voter to a ballot: only one of the published receipts would be among the
  five. So the voter makes the receipt up: any word of one list that is the same for everybody, and two digits. The digits matter: with words
  alone many would take the first free one, and the place in the list would tell who came first. No two are equal: a second one is refused.
* No reply to a secret vote repeats what was sent, neither when it succeeds nor when it is refused; a dialogue keeps only the number of the vote;
  the audit log knows opening and closing; an error in the log does not quote parameters (``hide_parameters`` of the engine).
* Fewer than five ballots are not published but destroyed, and while a vote is open nothing is counted for anybody.

What this cannot do
-------------------
* Who watches the box *while* people vote sees what each vote adds; so do the write-ahead log, a file system snapshot or a backup from that
  time (SQLite's WAL until its next truncation, PostgreSQL's archive as long as it is kept), and a database that logs its statements.
* WeCom or WeChat carries the message, and a company may archive chats: they can know. The chair is told so before opening a secret vote.
* Unanimity is no secret, and a voter can show the own receipt to somebody. Where that matters: paper, and the tally of :mod:`bot.services.decision`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sqlalchemy import delete, insert, select, text
from sqlalchemy.orm import Session

from bot import nlu
from bot.errors import Refusal
from bot.models.ballot import Ballot, Choice
from content import ROOT

FEWEST_BALLOTS = 5


class ReceiptNotUnderstood(Refusal):
    # Says nothing of what was sent: this sentence is stored with the sender.
    text = "没有投成：选择后面要有暗号，就是一个词加两位数。发 投票 看有哪些词，再把选择和暗号一起发。"


class ReceiptTaken(Refusal):
    text = "没有投成：这个暗号已经有人用了，请换一个词或换两位数，再和选择一起发。"


@lru_cache(maxsize=1)
def words() -> tuple[str, ...]:
    """The words that receipts begin with; no two sound alike."""
    lines = (ROOT / "receipt_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


_RECEIPT = re.compile(r"(?P<word>\D{2})(?P<digits>[0-9零〇一二三四五六七八九]{2})")


def receipt(said: str) -> str:
    """The receipt that was meant, e.g. 青山37: blanks, homophones and Chinese digits do not matter. :class:`ReceiptNotUnderstood`."""
    found = _RECEIPT.fullmatch(re.sub(r"[\W_]", "", said))
    word = found and next((one for one in words() if nlu.pinyin(one) == nlu.pinyin(found["word"])), None)
    if not found or not word:
        raise ReceiptNotUnderstood
    digits = (one if one.isascii() else str(nlu.NUMERALS[one]) for one in found["digits"])
    return word + "".join(digits)


BoxRow = tuple[int, str, Choice]


def drop(session: Session, vote_id: int, receipt: str, choice: Choice) -> None:
    """Put a ballot into the box without a trace of when."""

    def with_it(box: list[BoxRow]) -> list[BoxRow]:
        if any(row[:2] == (vote_id, receipt) for row in box):
            raise ReceiptTaken
        return [*box, (vote_id, receipt, choice)]

    _rewrite(session, with_it)


def take_out(session: Session, vote_id: int) -> list[tuple[str, Choice]]:
    """Empty the box of one vote: its receipts and choices, in order of receipt."""
    taken: list[tuple[str, Choice]] = []

    def without_them(box: list[BoxRow]) -> list[BoxRow]:
        taken.extend((receipt, choice) for vote, receipt, choice in box if vote == vote_id)
        return [row for row in box if row[0] != vote_id]

    _rewrite(session, without_them)
    return sorted(taken)


def _rewrite(session: Session, change: Callable[[list[BoxRow]], list[BoxRow]]) -> None:
    """Read the whole box, empty it, and write it again in order of receipt: see the head of this module."""
    postgresql = session.get_bind().dialect.name == "postgresql"
    if postgresql:
        session.execute(text("LOCK TABLE ballot IN ACCESS EXCLUSIVE MODE"))
    rows = session.execute(select(Ballot.vote_id, Ballot.receipt, Ballot.choice)).all()
    after = sorted(change([(vote, receipt, choice) for vote, receipt, choice in rows]))
    if postgresql:
        session.execute(text("TRUNCATE TABLE ballot"))
    else:
        session.execute(text("PRAGMA secure_delete = ON")).all()
        session.execute(delete(Ballot))
    if after:
        table = Ballot.__table__
        values = [{"vote_id": vote, "receipt": receipt, "choice": choice} for vote, receipt, choice in after]
        session.execute(insert(table), values)  # type: ignore[arg-type]  # the table: no objects that outlive this
