"""The question of the day, pushed as a card in the branches that want cards, at the time of their study."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from bot.models.organisation import Organisation, OrganisationKind
from bot.services import exam, freeze, outbox, quiz_card, quiz_setting, setting
from bot.services.drawing import NoQuestions
from bot.times import at_time
from scheduler.runner import Jobs, Node

jobs = Jobs()


@jobs.cron("quiz cards", minute="*/5")
def push_cards(node: Node, now: datetime) -> None:
    """Queue today's question once for every branch with cards whose time of study has come, and not any more in the evening."""
    today, ends = now.date(), at_time(now.date(), setting.STUDY_ENDS, now)
    if now >= ends:
        return
    with node.database.write() as session:
        kind = Organisation.kind == OrganisationKind.BRANCH
        branches = session.scalars(select(Organisation.id).where(kind).order_by(Organisation.id)).all()
        frozen = freeze.until(session, branches, now=now)
        for branch, rules in setting.rules_of(session, branches).items():
            due = rules.studies_on(today) and at_time(today, rules.study_time, now) <= now
            if branch in frozen or not due or not quiz_setting.cards(session, branch):
                continue
            try:
                daily = quiz_card.of_branch(session, branch, now)
            except NoQuestions:
                continue
            readers = exam.candidates_of(session, branch)
            key = f"daily question {today}"
            outbox.push(session, readers, daily.text, key=key, now=now, expires_at=ends, card=daily.card)
