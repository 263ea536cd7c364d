"""Whether a meeting can vote on a question: which meeting, by which rule, who has a vote and who of them is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, exists, func, or_, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance
from bot.models.ballot import Vote, VoteState
from bot.models.member import Member, MemberStatus, Role
from bot.services import decision
from bot.services.ballot_box import FEWEST_BALLOTS
from bot.services.cadence.facts import COMMITTEE_ROLES
from bot.services.decision import COMMITTEE, TALLY_HINT, Rule
from content import activity_kinds
from content.activity_kinds import Attends

MOST_QUESTION = 100


class ElectionsAreNotHeldOnline(Refusal):
    text = (
        "选举不在线进行：换届、补选要到会、无记名、用纸质选票（{source}）。\n"
        "现场清点后可以发：计票 选举 应到 23 实到 20 赞成 15，由系统核算；选票和计票单请发：导出 选举用表。选举办法、工作方案可以照常 表决。"
    )


class QuestionTooLong(Refusal):
    text = "表决事项太长了（最多{most}个字），请写短一些。例如：表决 同意发展李明为预备党员"


class NoMeeting(Refusal):
    text = f"现在没有正在进行的党员大会或支委会，不能表决。请先发布会议，开始后请大家 签到，再发 表决 事项。\n现场举手或纸质投票可以发：{TALLY_HINT}"


class NobodyMayVote(Refusal):
    text = "名册里没有{of}，不能表决。请先核对名册和职务（发 名单 看看）。"


class NoQuorum(Refusal):
    text = (
        "到会人数不够，不能表决：{of}应到 {due} 人，已签到 {present} 人，至少要 {needed} 人（{source}）。\n"
        "在场没签到的请发 签到 口令，或由您 补签 姓名 原因，再发 表决。人确实不够请改期。"
    )


class AlreadyVoting(Refusal):
    text = "“{question}”还在表决。请先发 结束表决，再开始下一项。"


@dataclass(frozen=True, slots=True)
class Plan:
    """What the chair should know before opening: the meeting, the rule, who has a vote and who of them is there."""

    activity: Activity
    rule: Rule
    question: str
    entitled: tuple[int, ...]
    present: int

    @property
    def may_be_secret(self) -> bool:
        return self.present >= FEWEST_BALLOTS


def plan(session: Session, branch_id: int, question: str, *, now: datetime) -> Plan:
    """Check that the branch can vote on a question now.

    Raises :class:`ElectionsAreNotHeldOnline`, :class:`QuestionTooLong`, :class:`AlreadyVoting`, :class:`NoMeeting`, :class:`NobodyMayVote` or
    :class:`NoQuorum`.
    """
    if decision.is_election(question):
        raise ElectionsAreNotHeldOnline(source=decision.cite("XJ-secret"))
    if len(question) > MOST_QUESTION:
        raise QuestionTooLong(most=MOST_QUESTION)
    under_way = running(session, branch_id)
    if under_way is not None:
        raise AlreadyVoting(question=under_way.question)
    activity = meeting(session, branch_id, now)
    rule = decision.rule_for(activity.kind, question)
    entitled = entitled_members(session, activity, now)
    if not entitled:
        raise NobodyMayVote(of=rule.of)
    present = there(session, activity.id, entitled)
    if present < rule.needed_present(len(entitled)):
        needed = rule.needed_present(len(entitled))
        raise NoQuorum(of=rule.of, due=len(entitled), present=present, needed=needed, source=rule.source)
    return Plan(activity, rule, question, entitled, present)


def meeting(session: Session, branch_id: int, now: datetime) -> Activity:
    """The branch's meeting that runs now: 党员大会 or 支委会, the newest first, else another activity of all members (a vote on a theme day)."""
    running = session.scalars(
        select(Activity)
        .where(
            Activity.branch_id == branch_id,
            Activity.group_id.is_(None),
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at <= now,
            Activity.starts_at > now - timedelta(days=1),
        )
        .order_by(Activity.starts_at.desc(), Activity.id.desc())
    ).all()
    kinds = {kind.name: kind for kind in activity_kinds.kinds()}
    voting = [one for one in running if one.kind in kinds and kinds[one.kind].quorum]
    others = [one for one in running if one.kind in kinds and kinds[one.kind].attends is Attends.MEMBERS]
    found = next(iter([*voting, *others]), None)
    if found is None:
        raise NoMeeting
    return found


def entitled_members(session: Session, activity: Activity, now: datetime) -> tuple[int, ...]:
    """应到会有表决权: all full members of the branch, invited or not (党章第七条: none on probation); for a 支委会 its committee."""
    query = select(Member.id).where(
        Member.active, Member.branch_id == activity.branch_id, Member.status == MemberStatus.FULL
    )
    if activity.kind == COMMITTEE:
        today = now.date()
        posts = select(Role.member_id).where(
            Role.organisation_id == activity.branch_id,
            Role.name.in_(COMMITTEE_ROLES),
            Role.starts_on <= today,
            or_(Role.ends_on.is_(None), Role.ends_on >= today),
        )
        query = query.where(Member.id.in_(posts))
    return tuple(session.scalars(query.order_by(Member.id)))


def there(session: Session, activity_id: int, members: Sequence[int]) -> int:
    there = select(func.count()).where(
        Attendance.activity_id == activity_id, Attendance.member_id.in_(members)
    )
    return session.scalar(there) or 0


IS_RUNNING = exists().where(Vote.branch_id == Member.branch_id, Vote.state == VoteState.OPEN)
"""Whether a member's branch votes on something."""
# Built once: it is asked under most answers, and putting it together costs more than running it.
_RUNNING = select(Vote).where(Vote.branch_id == bindparam("branch"), Vote.state == VoteState.OPEN)


def running(session: Session, branch_id: int, *, lock: bool = False) -> Vote | None:
    query = _RUNNING
    if lock:
        # Not against readers of the key: another branch's ballot puts those of this vote back too, and would wait for us while we wait for the box.
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.scalar(query, {"branch": branch_id})
