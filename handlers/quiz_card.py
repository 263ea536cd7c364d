"""答题卡片：在企业微信的卡片上勾选每日一题，提交后看对错。"""

from __future__ import annotations

from bot.chat import Context, Reply, Router
from bot.models.outbox import Urgency
from bot.services import outbox, question_text, quiz_card
from bot.times import local

router = Router()


@router.command("提交")
def submit(ctx: Context) -> Reply:
    """The button of the card: it turns into the verdict, and the explanation follows, since a changed button leaves no room for text."""
    card = ctx.message.card
    if card is None:
        raise quiz_card.NotACard
    done = quiz_card.answer(
        ctx.session, ctx.member, card.task_id, card.chosen, now=local(ctx.message.at, ctx.now)
    )
    text = question_text.verdict(done, quiz_card.right_options(done))
    key = f"daily card {done.run.id}"
    outbox.push(ctx.session, [ctx.member.id], text, key=key, now=ctx.now, urgency=Urgency.ANSWER)
    return Reply(text, button="正确" if done.right else "不对")
