"""Results of exams: one's own, the branch's without an order of merit, and what is told after the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.exam import Exam
from bot.models.member import Member
from bot.models.outbox import Urgency
from bot.models.quiz import Attempt
from bot.services import outbox, review
from bot.services.exam import attempts, candidates_of, end, ends_at, latest, title


@dataclass(frozen=True, slots=True)
class Mine:
    """One member and one exam: how often they tried, and the best percentage, None without any try."""

    exam: Exam
    attempts: int
    score: int | None


@dataclass(frozen=True, slots=True)
class Score:
    """The best percentage of one member."""

    member_id: int
    name: str
    percent: int


@dataclass(frozen=True, slots=True)
class Results:
    """A whole exam: what everybody reached who sat it, and who did not, in the order of the roster."""

    exam: Exam
    scores: tuple[Score, ...]
    absent: tuple[str, ...]

    @property
    def failed(self) -> list[str]:
        return [one.name for one in self.scores if one.percent < self.exam.pass_mark]

    @property
    def average(self) -> int:
        return round(sum(one.percent for one in self.scores) / len(self.scores)) if self.scores else 0


def mine(session: Session, member: Member) -> list[Mine]:
    """The newest exams of the member's branch, and what they did in each."""
    found = []
    for exam in latest(session, member.branch_id):
        tries = attempts(session, exam, member.id)
        best = max((run.right for run in tries), default=None)
        found.append(Mine(exam, len(tries), None if best is None else _percent(best, exam)))
    return found


def results(session: Session, exam: Exam) -> Results:
    """Who sat an exam with what; the best try counts, and what was not answered is wrong."""
    best: dict[int, int] = {}
    for run in attempts(session, exam):
        best[run.member_id] = max(best.get(run.member_id, 0), run.right)
    due = set(candidates_of(session, exam.branch_id)) | set(best)
    people = session.execute(
        select(Member.id, Member.name).where(Member.id.in_(due)).order_by(Member.id)
    ).all()
    scores = tuple(Score(key, name, _percent(best[key], exam)) for key, name in people if key in best)
    return Results(exam, scores, tuple(name for key, name in people if key not in best))


def tell(session: Session, exam: Exam, *, now: datetime) -> None:
    """After the end: what was missed comes back for review, each gets their own result, the author the summary; once."""
    missed = _to_review(session, exam, now)
    whole = results(session, exam)
    push = partial(outbox.push, session, now=now, urgency=Urgency.ANSWER)
    for one in whole.scores:
        own = f"{title(exam, now)}成绩：{one.percent} 分，{passed(one.percent, exam)}。"
        if count := missed[one.member_id]:
            own += f"\n答错的 {count} 题已放进错题本，到期回复 错题 复习。"
        push([one.member_id], own, key=f"exam {exam.id} result")
    summary = "\n".join([f"{title(exam, now)}已截止。", *summary_lines(whole)])
    push([exam.author_id], summary, key=f"exam {exam.id} summary")
    exam.told_at = now


def _to_review(session: Session, exam: Exam, now: datetime) -> Counter[int]:
    """End what was left open, and let every question that was answered wrongly come back; how many those are, by member.

    Only after the end: before it they would give the answers away. What was never answered is no mistake.
    """
    tries = attempts(session, exam)
    for run in tries:
        end(session, run, ends_at(exam, run))
    wrong = session.execute(
        select(Attempt.member_id, Attempt.question_id)
        .where(Attempt.run_id.in_([run.id for run in tries]), Attempt.right.is_(False))
        .distinct()
    ).all()
    for member_id, question_id in wrong:
        review.miss(session, member_id, question_id, now=now)
    return Counter(member_id for member_id, _ in wrong)


def summary_lines(whole: Results) -> list[str]:
    """How many sat it and passed; names of those who did not, never an order of merit."""
    count, failed = len(whole.scores), whole.failed
    lines = [
        f"应考 {count + len(whole.absent)} 人，参加 {count} 人，及格 {count - len(failed)} 人，平均 {whole.average} 分。"
    ]
    lines += [f"没及格：{'、'.join(failed)}"] if failed else []
    return lines + ([f"没参加：{'、'.join(whole.absent)}"] if whole.absent else [])


def passed(score: int, exam: Exam) -> str:
    """及格, or 没及格 with the mark."""
    return "及格" if score >= exam.pass_mark else f"没及格（{exam.pass_mark} 分及格）"


def _percent(right: int, exam: Exam) -> int:
    """Rounded down, so that nobody passes by rounding."""
    return 100 * right // len(exam.questions)
