"""What waits for a member, each with the word that does it: one line of 我的."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from bot.models.activity import SignUpState
from bot.services import hazard, hazard_check, key_task, receipt, sign_up, verdict
from bot.services.permission import Action, Actor


def of(session: Session, actor: Actor, now: datetime) -> list[str]:
    """What a member has not done yet, of the own things first, then of what others wait for."""
    member, today = actor.member, now.date()
    unanswered = [
        activity
        for activity, row in sign_up.to_answer(session, member, now=now)
        if row.state is SignUpState.INVITED and activity.signup_closes_at > now
    ]
    counted = [
        (len(receipt.to_confirm(session, member, now=now)), "条通知没确认（收到）"),
        (len(unanswered), "个活动没回复（报名）"),
        (len(hazard.to_fix(session, member.id, today=today)), "处隐患要整改（整改）"),
        (len(key_task.mine(session, member, today=today)), "项任务（我的任务）"),
    ]
    if actor.may(Action.REVIEW):
        counted.append((len(verdict.waiting(session, actor, on=today)), "件待审核（审核）"))
    if actor.may_in(session, Action.HANDLE_HAZARDS, actor.branch_id):
        reported = hazard.to_dispatch(session, actor, today=today)
        counted.append((len(reported), "处隐患待派发（派发）"))
        checks = hazard_check.to_check(session, actor, actor.branch_id, on=today)
        counted.append((len(checks), "处隐患待复查（复查）"))
    if actor.may(Action.MANAGE_TASKS):
        counted.append((len(key_task.to_confirm(session, actor, today=today)), "项任务待确认（确认任务）"))
    return [f"{count} {what}" for count, what in counted if count]
