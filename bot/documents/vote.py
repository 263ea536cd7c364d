"""表决结果: a closed vote as it is published."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from bot.documents.words import clean, moment, or_blank
from bot.services.ballot_box import FEWEST_BALLOTS
from bot.services.record import ResultFacts
from bot.times import local


def fields(facts: ResultFacts, now: datetime) -> dict[str, Any]:
    """The fields of the template ``vote``."""
    meeting, vote = facts.meeting, facts.vote
    yes, no, abstain = vote.counts or ("", "", "")
    return {
        "支部": clean(meeting.branch),
        "编号": str(facts.number),
        "事项": clean(vote.question),
        "会议": f"{meeting.kind}“{clean(meeting.theme)}”" if meeting.theme else meeting.kind,
        "会议日期": f"{local(meeting.starts_at, now):%Y-%m-%d}",
        "地点": or_blank(meeting.place),
        "结束时间": moment(facts.closed_at, now),
        "方式": vote.mode,
        "范围": vote.voters,
        "应到": str(vote.entitled),
        "实到": str(vote.present),
        "到会要求": str(facts.needed_present),
        "赞成要求": str(facts.needed_yes),
        "投票": str(sum(vote.counts)) if vote.counts else "",
        "赞成": str(yes),
        "反对": str(no),
        "弃权": str(abstain),
        "结果": _verdict(facts),
        "依据": facts.source,
        "名单名": "按暗号公布" if facts.secret else "投票名单",
        "名单": list(_lists(facts)),
        "说明": _remark(facts),
        "导出时间": moment(now, now),
    }


def _verdict(facts: ResultFacts) -> str:
    if facts.vote.counts is None:
        return f"无效：投票不足 {FEWEST_BALLOTS} 张，为保密票已销毁，要改用纸质票"
    return "通过" if facts.vote.passed else "没有通过"


def _lists(facts: ResultFacts) -> Iterator[str]:
    """One line for each choice that somebody made, in the order of the published result."""
    for choice, who in facts.ballots.items():
        if who:
            yield f"{choice}（{len(who)}）：{clean('、'.join(who))}"
    if not any(facts.ballots.values()):
        yield "没有票"


def _remark(facts: ResultFacts) -> str:
    if not facts.secret:
        return "记名表决，名单按名册顺序列出。"
    return "无记名表决：没有保存谁投了什么。暗号由投票人自己拟定，只有本人知道，凭它核对自己的票。"
