"""Being there: the check-in word of the minute, corrections, ending an activity, and what people wrote about it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from bot import nlu
from bot.db import upsert
from bot.errors import Refusal
from bot.models.activity import Activity, ActivityState, Attendance, Reflection, SignUp, SignUpState
from bot.models.member import Member
from bot.models.organisation import Organisation
from bot.models.outbox import Urgency
from bot.models.points import PointEntry
from bot.services import activity as activities
from bot.services import outbox, points, sign_up
from bot.services.permission import Action, Actor, OutsideYourBranch
from bot.times import clock, local, moment
from content import ROOT

GRACE = timedelta(seconds=30)
"""How long the word of the previous minute is still accepted."""
CORRECTABLE = timedelta(days=30)
REFLECTED_WITHIN = timedelta(days=7)


class WrongWord(Refusal):
    text = "口令不对或已过期，请看现场屏幕上的新口令，再发：签到 口令。"


class AlreadyCheckedIn(Refusal):
    text = "您已在 {when} 签到（{what}），不用再签。回复 积分 可以查看得分。"


class NothingToCheckIn(Refusal):
    text = "现在没有可以签到的活动。{next}"


class NotYet(Refusal):
    text = "“{theme}”还没到签到时间，{when} 起可以签到。"


class NoSuchCorrection(Refusal):
    text = "没有找到可以补签的活动（只能补签30天内已经开始的活动）。回复 主题党日 看看有哪些。"


class AlreadyEnded(Refusal):
    text = "“{theme}”已经结束过了：{counts}。漏签的可以发：补签 姓名 原因。"


class NotStarted(Refusal):
    text = "“{theme}”还没开始（{when}），不能结束。不办了请回复 取消活动，改时间请回复 修改活动。"


# The word of the minute -------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def vocabulary() -> tuple[str, ...]:
    """The two-character words that check-in words are made of; no two sound alike."""
    lines = (ROOT / "check_in_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(word for line in lines if not line.startswith("#") for word in line.split())


@dataclass(frozen=True, slots=True)
class Word:
    """Two words and until when they are accepted."""

    text: str
    until: datetime


def word(activity: Activity, now: datetime) -> Word:
    """The word of this minute; it changes every minute and holds 30 seconds longer."""
    minute = _minute(now)
    end = datetime.fromtimestamp((minute + 1) * 60, UTC) + GRACE
    return Word(_word_of(activity.secret, minute), local(end, now))


def matches(activity: Activity, said: str, now: datetime) -> bool:
    """Whether what was said sounds like the word of now, or of the previous minute within its 30 seconds. Constant time."""
    minutes = {_minute(now), _minute(now - GRACE)}
    heard = _sound(said).encode()
    results = [hmac.compare_digest(heard, _sound(_word_of(activity.secret, minute)).encode()) for minute in minutes]
    return any(results)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _word_of(secret: str, minute: int) -> str:
    digest = hmac.new(secret.encode(), str(minute).encode(), hashlib.sha256).digest()
    words = vocabulary()
    rest, first = divmod(int.from_bytes(digest[:8], "big"), len(words))
    second = rest % (len(words) - 1)
    return f"{words[first]} {words[second + (second >= first)]}"


def _sound(text: str) -> str:
    """Homophones, blanks, punctuation and Latin pinyin do not matter: 青松 明月, 清淞名月 and qingsong mingyue sound alike."""
    kept = re.sub(r"[\W_]", "", nlu.clean(text))[:32]
    return nlu.pinyin(kept).replace(" ", "")


def screen_token(secret_key: str, activity_id: int) -> str:
    """The signed right to show the changing word of one activity on a screen: ``/m/screen/<activity id>?k=<token>``.

    It does not expire by itself: the page shows words only while the activity can be checked in to.
    """
    return str(_signer(secret_key).dumps(activity_id))


def may_show_screen(secret_key: str, activity_id: int, token: str) -> bool:
    """Whether a token from :func:`screen_token` is genuine and for this activity."""
    try:
        return bool(_signer(secret_key).loads(token) == activity_id)
    except BadSignature:
        return False


def _signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="check-in screen")


# Checking in ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """A fresh attendance and what it earned; ``before`` is what the member had answered to the invitation."""

    activity: Activity
    at: datetime
    award: points.Award
    before: SignUpState


def is_open(activity: Activity, now: datetime) -> bool:
    """Whether one can check in: from 60 minutes before the start until the activity is ended."""
    return activity.state is ActivityState.PUBLISHED and activities.window_opens(activity) <= now


def open_for(session: Session, member: Member, *, now: datetime) -> Sequence[Activity]:
    """The activities of the member's branch, or with an invitation, to which one can check in now."""
    invited = select(SignUp.activity_id).where(SignUp.member_id == member.id)
    return session.scalars(
        select(Activity)
        .where(
            Activity.state == ActivityState.PUBLISHED,
            Activity.starts_at <= now + activities.CHECK_IN_OPENS,
            or_(Activity.id.in_(invited), Activity.branch_id == member.branch_id),
        )
        .order_by(Activity.starts_at.desc())
    ).all()


def to_check_in(session: Session, member: Member, *, now: datetime) -> list[Activity]:
    """What the member can still check in to. :class:`NothingToCheckIn` names the next activity, :class:`AlreadyCheckedIn` the time."""
    opened = open_for(session, member, now=now)
    if not opened:
        raise NothingToCheckIn(next=_next_hint(session, member, now))
    there = {
        row.activity_id: row
        for row in session.scalars(
            select(Attendance).where(
                Attendance.member_id == member.id, Attendance.activity_id.in_([one.id for one in opened])
            )
        )
    }
    left = [one for one in opened if one.id not in there]
    if not left:
        raise _already(opened[0], there[opened[0].id].at, now)
    return left


def _already(activity: Activity, at: datetime, now: datetime) -> AlreadyCheckedIn:
    when = clock(at, now) if local(at, now).date() == now.date() else moment(at, now)
    return AlreadyCheckedIn(when=when, what=activities.short(activity, now))


def _next_hint(session: Session, member: Member, now: datetime) -> str:
    coming = activities.open_activities(session, member_id=member.id, after=now)
    if not coming:
        return "若活动刚结束而您在场，请联系支部书记补签。"
    opens = moment(activities.window_opens(coming[0]), now)
    return f"下一次：{activities.short(coming[0], now)}，{opens} 起可以签到。"


def check_in(session: Session, member: Member, said: str, *, now: datetime) -> CheckedIn:
    """Check the member in by the word that was said, and give the points.

    Leave that was asked or granted is set aside: who is there is there. Raises :class:`NothingToCheckIn`,
    :class:`AlreadyCheckedIn`, :class:`WrongWord` or :class:`~bot.services.sign_up.NotInvited`.
    """
    found = [one for one in to_check_in(session, member, now=now) if matches(one, said, now)]
    if not found:
        raise WrongWord
    return _attend(session, found[0], member, now)


def _attend(
    session: Session, activity: Activity, member: Member, now: datetime, *, corrected_by: int | None = None, reason: str = ""
) -> CheckedIn:
    row = session.get(SignUp, (activity.id, member.id), with_for_update=True, populate_existing=True)
    if row is None:
        raise sign_up.NotInvited(whom=sign_up.in_charge(session, activity.branch_id, on=now.date()))
    values = {"activity_id": activity.id, "member_id": member.id, "at": now, "corrected_by": corrected_by, "reason": reason}
    # The unique constraint decides between two phones; the second one waits here for the first.
    new = session.scalar(
        upsert(session, Attendance)
        .values(values)
        .on_conflict_do_nothing(index_elements=["activity_id", "member_id"])
        .returning(Attendance.id)
    )
    if new is None:
        raise _already(activity, attended_at(session, activity.id, member.id) or now, now)
    _require_not_ended(session, activity, corrected_by)
    before = row.state
    if before is not SignUpState.SIGNED_UP:
        row.state = SignUpState.SIGNED_UP
        row.answered_at = row.answered_at or now
    award = points.award(
        session,
        member.id,
        "attend",
        fact=_fact(session, activity.id, member.id),
        reason=f"参加{activities.short(activity, now)}",
        now=now,
        giver_id=corrected_by,
    )
    return CheckedIn(activity, now, award, before)


def _require_not_ended(session: Session, activity: Activity, corrected_by: int | None) -> None:
    """The activity may have been ended since it was read. The inserted row now holds it, so this answer stays true."""
    state = session.scalar(select(Activity.state).where(Activity.id == activity.id))
    if corrected_by is None and state is not ActivityState.PUBLISHED:
        raise NothingToCheckIn(next="活动刚刚结束。您在场的话，请联系支部书记补签。")


def _fact(session: Session, activity_id: int, member_id: int) -> str:
    """The name of the attendance for the ledger. One that was undone and made again is a new fact."""
    name = f"attendance {activity_id} {member_id}"
    known = session.scalar(
        select(func.count()).where(or_(PointEntry.fact == name, PointEntry.fact.startswith(f"{name} again ")))
    )
    return f"{name} again {known}" if known else name


def attended_at(session: Session, activity_id: int, member_id: int) -> datetime | None:
    """When the member checked in; None if not."""
    return session.scalar(
        select(Attendance.at).where(Attendance.activity_id == activity_id, Attendance.member_id == member_id)
    )


# Correcting -------------------------------------------------------------------------------------------------------------


def namesakes(session: Session, actor: Actor, text: str) -> list[Member]:
    """The active people of the actor's branch whose name the text begins with; the longest name wins.

    :class:`OutsideYourBranch` when there is none.
    """
    people = session.scalars(
        select(Member)
        .join(Organisation, Organisation.id == Member.branch_id)
        .where(
            Member.active, Member.branch_id == actor.member.branch_id, actor.within(Action.CORRECT_ATTENDANCE)
        )
        .order_by(Member.id)
    )
    found = [one for one in people if text.startswith(one.name)]
    if not found:
        raise OutsideYourBranch(what=f"“{text.split(' ')[0][:10]}”")
    longest = max(len(one.name) for one in found)
    return [one for one in found if len(one.name) == longest]


def correctable(session: Session, actor: Actor, number: int | None, *, now: datetime) -> Activity:
    """Activity ``number``, or the branch's newest that has begun within 30 days, ended or not."""
    query = select(Activity).where(
        activities.seen_by(actor, Action.CORRECT_ATTENDANCE),
        Activity.branch_id == actor.member.branch_id,
        Activity.state != ActivityState.CANCELLED,
        Activity.starts_at <= now + activities.CHECK_IN_OPENS,
        Activity.starts_at > now - CORRECTABLE,
    )
    if number is not None:
        query = query.where(Activity.id == number)
    found = session.scalar(query.order_by(Activity.starts_at.desc()).limit(1))
    if found is None:
        raise NoSuchCorrection
    return found


def correct(
    session: Session, actor: Actor, activity: Activity, member: Member, reason: str, *, now: datetime
) -> CheckedIn:
    """Check somebody in by hand, with the reason, which the member is told."""
    actor.require(Action.CORRECT_ATTENDANCE)
    done = _attend(session, activity, member, now, corrected_by=actor.member.id, reason=reason)
    what = activities.short(activity, now)
    text = f"{actor.member.name}为您补签了{what}，原因：{reason}。+{done.award.points} 分，本季共 {done.award.total} 分。有不对请联系{actor.member.name}。"
    key = f"correction {activity.id} {now.isoformat()}"
    outbox.push(session, [member.id], text, key=key, now=now, urgency=Urgency.ANSWER)
    return done


def undo_correction(session: Session, actor: Actor, activity: Activity, member_id: int, before: SignUpState, *, now: datetime) -> None:
    """Take the actor's own correction back: the attendance goes, its points are reversed, the answer is what it was."""
    attendance = session.scalars(
        select(Attendance).where(
            Attendance.activity_id == activity.id,
            Attendance.member_id == member_id,
            Attendance.corrected_by == actor.member.id,
        )
    ).one_or_none()
    if attendance is None:
        raise NoSuchCorrection
    session.delete(attendance)
    entry = _standing_entry(session, activity.id, member_id)
    if entry is not None:
        points.reverse(session, entry, reason="撤销补签", giver_id=actor.member.id, now=now)
    row = session.get_one(SignUp, (activity.id, member_id))
    row.state = before
    text = f"{actor.member.name}撤销了刚才为您补的签到（{activities.short(activity, now)}）。"
    key = f"correction {activity.id} undone {now.isoformat()}"
    outbox.push(session, [member_id], text, key=key, now=now, urgency=Urgency.ANSWER)


def _standing_entry(session: Session, activity_id: int, member_id: int) -> PointEntry | None:
    name = f"attendance {activity_id} {member_id}"
    reversed_ids = select(PointEntry.reverses_id).where(PointEntry.reverses_id.is_not(None))
    return session.scalars(
        select(PointEntry).where(
            or_(PointEntry.fact == name, PointEntry.fact.startswith(f"{name} again ")),
            PointEntry.id.not_in(reversed_ids),
        )
    ).one_or_none()


# Ending -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """应到, 实到, 请假 (granted and not there) and 缺席; ``asked`` of the absent wait for a decision on their leave."""

    invited: int
    present: int
    leave: int
    absent: int
    asked: int

    def __str__(self) -> str:
        return f"应到 {self.invited} 实到 {self.present} 请假 {self.leave} 缺席 {self.absent}"


@dataclass(frozen=True, slots=True)
class Ended:
    """The counts at the end, the points given in all, and how many get make-up study."""

    counts: Counts
    points: int
    make_up: int


def counts(session: Session, activity_id: int) -> Counts:
    """Count an activity from its facts, at any time."""
    rows = session.execute(
        select(SignUp.state, Attendance.id)
        .outerjoin(
            Attendance, (Attendance.activity_id == SignUp.activity_id) & (Attendance.member_id == SignUp.member_id)
        )
        .where(SignUp.activity_id == activity_id)
    ).all()
    away = [state for state, attendance in rows if attendance is None]
    leave = away.count(SignUpState.LEAVE_GRANTED)
    return Counts(len(rows), len(rows) - len(away), leave, len(away) - leave, away.count(SignUpState.LEAVE_ASKED))


def require_endable(session: Session, activity: Activity, *, now: datetime) -> None:
    """:class:`AlreadyEnded`, :class:`NotStarted`, or :class:`NotOpenAnyMore` for a cancelled one."""
    if activity.state is ActivityState.ENDED:
        raise AlreadyEnded(theme=activity.theme, counts=counts(session, activity.id))
    activities.require_published(activity, "结束")
    if now < activities.window_opens(activity):
        raise NotStarted(theme=activity.theme, when=moment(activity.starts_at, now))


def refuse_ended(session: Session, branch_id: int, *, now: datetime) -> None:
    """:class:`AlreadyEnded` when the branch's last activity of today was ended: somebody says 结束活动 a second time."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    last = session.scalar(
        select(Activity)
        .where(Activity.branch_id == branch_id, Activity.state == ActivityState.ENDED, Activity.ended_at >= midnight)
        .order_by(Activity.ended_at.desc())
        .limit(1)
    )
    if last is not None:
        raise AlreadyEnded(theme=last.theme, counts=counts(session, last.id))


def end(session: Session, activity: Activity, *, now: datetime) -> Ended:
    """Close check-in, count, and queue make-up study for the active members who were not there."""
    activities.lock(session, activity)
    require_endable(session, activity, now=now)
    activity.state, activity.ended_at = ActivityState.ENDED, now
    session.flush()
    away = absent_members(session, activity.id)
    text = f"补学：您没有参加{activities.short(activity, now)}。请回复 今日学习，学完后回复 学完了。"
    outbox.push(session, away, text, key=f"activity {activity.id} make-up", now=now)
    return Ended(counts(session, activity.id), points_given(session, activity.id), len(away))


def absent_members(session: Session, activity_id: int) -> list[int]:
    """The ids of the active invited who were not there, on leave or not: whom make-up study is for."""
    there = select(Attendance.member_id).where(Attendance.activity_id == activity_id)
    return list(
        session.scalars(
            select(SignUp.member_id)
            .join(Member, Member.id == SignUp.member_id)
            .where(SignUp.activity_id == activity_id, SignUp.member_id.not_in(there), Member.active)
            .order_by(SignUp.member_id)
        )
    )


def points_given(session: Session, activity_id: int) -> int:
    """The sum of the points of an activity's attendance, without what was reversed."""
    reversed_ids = select(PointEntry.reverses_id).where(PointEntry.reverses_id.is_not(None))
    given = session.scalar(
        select(func.sum(PointEntry.points)).where(
            PointEntry.fact.startswith(f"attendance {activity_id} "), PointEntry.id.not_in(reversed_ids)
        )
    )
    return given or 0


# Reflections ------------------------------------------------------------------------------------------------------------


def reflect(session: Session, member: Member, text: str, *, now: datetime) -> tuple[Activity | None, points.Award | None]:
    """Keep what the member wrote, for the activity attended last within seven days, which earns; without one it is kept freely."""
    activity = session.scalar(
        select(Activity)
        .join(Attendance, Attendance.activity_id == Activity.id)
        .where(Attendance.member_id == member.id, Attendance.at > now - REFLECTED_WITHIN)
        .order_by(Attendance.at.desc())
        .limit(1)
    )
    session.add(Reflection(activity_id=activity.id if activity else None, member_id=member.id, text=text, at=now))
    if activity is None:
        return None, None
    fact = f"reflection {activity.id} {member.id}"
    reason = f"{activities.short(activity, now)}的感想"
    return activity, points.award(session, member.id, "reflection", fact=fact, reason=reason, now=now)
