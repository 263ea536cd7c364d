"""会议记录: one activity as its record, from what was written down in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from bot.documents.words import BLANK, LONG_BLANK, clean, moment, names, or_blank, people_count, span
from bot.services.minute_photo import Picture
from bot.services.minutes import Line
from bot.services.record import ActivityFacts, Person, Presence, VoteFacts, full_members
from bot.services.seminar_question import Asked
from content import activity_kinds


def fields(facts: ActivityFacts, pictures: Sequence[Picture], now: datetime) -> dict[str, Any]:
    """The fields of the template ``minutes``; its photos stand after the text."""
    during = [line for line in facts.lines if not line.later]
    later = [line for line in facts.lines if line.later]
    return {
        "支部": clean(facts.branch),
        "记录名": facts.record,
        "内容名": facts.record.replace("记录", "内容"),
        "类别": f"{facts.kind}（{clean(facts.group)}）" if facts.group else facts.kind,
        "编号": f"{facts.number}",
        "主题": or_blank(facts.theme),
        "时间": span(facts, now),
        "地点": or_blank(facts.place),
        "主持人": or_blank("、".join(facts.hosts)),
        "记录人": or_blank("、".join(facts.recorders)),
        **_attendance(facts),
        "列席人员": BLANK,
        "结合生产": clean(facts.production),
        "内容": [f"{n}．{text}" for n, text in enumerate(_content(facts, during, now), 1)]
        or [LONG_BLANK] * 6,
        "补记": [f"（{moment(line.at, now)}，{line.author}补记）{_said(line)}" for line in later],
        "议定事项": [*(_vote(n, vote) for n, vote in enumerate(facts.votes, 1)), *[LONG_BLANK] * 2],
        "照片": [_photo(one, _place(one, during), now) for one in pictures],
        "导出时间": moment(now, now),
    }


def _place(picture: Picture, during: Sequence[Line]) -> str:
    """第 2 条, as the lines are numbered here; the chat's own numbers have gaps where a line was removed."""
    place = next((n for n, line in enumerate(during, 1) if line.number == picture.line), None)
    return f"第 {place} 条" if place else "补记"


def _photo(picture: Picture, place: str, now: datetime) -> dict[str, Any]:
    """What the template shows of a photo; where there is none to show, why."""
    why = "" if picture.body else f"（{picture.trouble or '还在接收，过几分钟再导出'}）"
    return {"图": picture.body, "说明": f"{place}，{moment(picture.at, now)}{why}"}


def _content(facts: ActivityFacts, lines: Iterable[Line], now: datetime) -> Iterator[str]:
    """What was said, then the speakers and the questions of a seminar; one that nobody answered has a blank for it."""
    yield from (_said(line) for line in lines)
    if facts.speakers:
        yield f"研讨发言人：{'、'.join(facts.speakers)}"
    for asked in facts.questions:
        yield f"研讨问题（{asked.who}）：{clean(asked.text)}\n答复{_when(facts, asked, now)}：{clean(asked.reply) or BLANK}"


def _when(facts: ActivityFacts, asked: Asked, now: datetime) -> str:
    """（12月5日会后）, where the answer came after the end."""
    if facts.ends_at is None or asked.answered_at is None or asked.answered_at <= facts.ends_at:
        return ""
    return f"（{moment(asked.answered_at, now)}会后）"


def _attendance(facts: ActivityFacts) -> dict[str, str]:
    """Counts and names. Without an audience nobody knows who should have come; before the end nobody is absent yet."""
    counts = facts.counts
    there = facts.named(Presence.PRESENT)
    return {
        "应到": _expected(facts),
        "实到": people_count(len(there) if counts or there else None),
        "请假": people_count(counts.leave if counts else None),
        "缺席": people_count(counts.absent if counts and facts.ended else None),
        "到会人员": or_blank(names(there)),
        "请假人员": _none_or(
            "、".join(_with_reason(one) for one in facts.named(Presence.LEAVE)), known=counts is not None
        ),
        "缺席人员": _none_or(names(facts.named(Presence.ABSENT)), known=counts is not None and facts.ended),
    }


def _expected(facts: ActivityFacts) -> str:
    """应到; where a vote may be taken also those with a vote, by the roster of today, which is all that is known."""
    kind = activity_kinds.lookup(facts.kind)
    text = people_count(facts.counts.invited if facts.counts else None)
    if (
        facts.counts is None
        or kind is None
        or kind.quorum is None
        or kind.attends is not activity_kinds.Attends.MEMBERS
    ):
        return text
    return f"{text}（按现名册正式党员 {full_members(facts.people)} 人）"


def _none_or(text: str, *, known: bool) -> str:
    """The names; 无 where it is known that there is nobody; else a blank."""
    return clean(text) or ("无" if known else BLANK)


def _with_reason(one: Person) -> str:
    return f"{one.name}（{clean(one.note)}）" if one.note else one.name


def _vote(number: int, vote: VoteFacts) -> str:
    """1．无记名表决“同意发展…”：应到有表决权 11 人，实到 10 人；赞成 9 票，反对 1 票，弃权 0 票；通过。"""
    head = f"{number}．{vote.mode}表决“{clean(vote.question)}”：{vote.voters}应到 {vote.entitled} 人，实到 {vote.present} 人"
    if vote.counts is None:
        return f"{head}；票数不足，表决无效。"
    yes, no, abstain = vote.counts
    verdict = "通过" if vote.passed else "没有通过"
    return f"{head}；赞成 {yes} 票，反对 {no} 票，弃权 {abstain} 票；{verdict}。"


def _said(line: Line) -> str:
    photos = f"（附照片 {line.photos} 张）" if line.photos else ""
    return f"{clean(str(line))}{photos}"
