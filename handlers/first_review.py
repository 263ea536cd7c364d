"""初审：支部设两级审核时，党小组长先看本小组的申报，写意见，再由书记或委员定。"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from bot import journal
from bot.chat import Answer, Ask, Context, Router, Waiting
from bot.models.member import Member
from bot.services import claim_photo, first_review
from bot.services.permission import HAS_A_ROLE, Action
from bot.times import day, local

router = Router()

WORDS = ("同意", "不同意", "跳过")
_VERDICT = re.compile(r"(?P<word>不同意|同意|跳过)[\s,，:：。]*(?P<rest>.*)", re.DOTALL)


@router.waiting(HAS_A_ROLE)
def claims(ctx: Context) -> Iterator[Waiting]:
    found = first_review.waiting(ctx.session, ctx.actor, on=ctx.now.date())
    if found:
        yield Waiting(f"first review {found[-1][0].id}", f"有 {len(found)} 件申报待初审，回复 初审")


@router.command("初审", "待初审", needs=Action.FIRST_REVIEW)
def review(ctx: Context) -> Answer:
    return _next(ctx, [], "")


def _next(ctx: Context, skipped: list[int], done: str) -> Answer:
    found = [
        one
        for one in first_review.waiting(ctx.session, ctx.actor, on=ctx.now.date())
        if one[0].id not in skipped
    ]
    if not found:
        return (
            f"{done}\n没有其他待初审的了。".strip()
            if done
            else "没有待初审的申报。支部没有设两级审核时不用初审。"
        )
    claim, member = found[0]
    secret, base = ctx.settings.secret_key.get_secret_value(), ctx.settings.base_url
    photo = claim_photo.line(
        ctx.session, claim.id, ctx.member.id, secret_key=secret, base_url=base, now=ctx.now
    )
    text = (
        f"待初审 {len(found)} 件。{member.name} 申报：{claim.text[:200]}\n"
        f"{photo + chr(10) if photo else ''}"
        f"提出：{day(local(claim.at, ctx.now).date(), ctx.now)}。您的意见会交书记或委员决定。\n1 同意\n2 不同意（请写 不同意 理由）\n3 跳过"
    )
    return Ask(
        f"{done}\n\n{text}".strip(),
        step=decide,
        data={"claim": claim.id, "member": member.id, "skipped": skipped},
        title=f"初审还有 {len(found)} 件",
        prompt=text,
        choices=WORDS,
    )


@router.step(words=WORDS)
def decide(ctx: Context, text: str, data: dict[str, Any]) -> Answer:
    found = _VERDICT.fullmatch(text.strip())
    if found is None or (found["word"] == "不同意" and len(found["rest"].strip()) < 2):
        ask = "请回复：同意 / 不同意 理由 / 跳过。例如：不同意 与台账不符"
        return Ask(ask, step=decide, data=data, title="初审", choices=WORDS)
    if found["word"] == "跳过":
        return _next(ctx, [*data["skipped"], data["claim"]], "")
    rest = found["rest"].strip()[:200]
    remark = f"{found['word']}：{rest}" if rest else found["word"]
    claim = first_review.see(ctx.session, ctx.actor, data["claim"], remark, now=ctx.now)
    member = ctx.session.get_one(Member, claim.member_id)
    journal.keep_of(ctx, "初审申报", member, f"第 {claim.id} 件 {remark}")
    return _next(ctx, data["skipped"], f"{member.name}的申报已写上您的意见“{remark}”，交书记或委员决定。")
