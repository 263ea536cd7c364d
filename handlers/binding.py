"""绑定：用支部书记给的六位口令，把微信绑定到本人。"""

from __future__ import annotations

import re

from bot import journal, nlu
from bot.chat import Answer, Context, Reply, Router
from bot.models.organisation import Organisation
from bot.services import audit, binding, role
from bot.services import member as people
from bot.services.binding import Outcome, Try
from bot.services.permission import Action
from bot.times import clock, moment

router = Router()

_NAME_AND_CODE = re.compile(r"(?P<name>[^\d\s,，:：]{1,50})[\s,，:：]*(?P<code>\d{6})")
GUIDE = "请向支部书记要六位口令，然后发：\n绑定 张三 482913\n（换成您的姓名和口令）"


@router.stranger
def explain(ctx: Context) -> str:
    """All that somebody who is not on the roster can do: a name and a code are taken without the word 绑定 as well."""
    text = nlu.bare(nlu.clean(ctx.message.text))
    if _NAME_AND_CODE.fullmatch(text):
        return bind(ctx, text)
    known = ctx.identity.member
    if known is not None and not known.active:
        return "您的账号已停用。如有疑问请联系支部书记；已回到支部的，请书记恢复后再用。"
    return f"您还没有绑定。{GUIDE}"


@router.command("绑定", takes="姓名和口令", optional=True, examples=("绑定 张三 482913",), strangers=True)
def bind(ctx: Context, text: str = "") -> str:
    known = ctx.identity.member
    if known is not None and known.active:
        return f"您已绑定为{known.name}，不用再绑定。发 菜单 看看能做什么。"
    found = _NAME_AND_CODE.fullmatch(text.strip())
    if found is None:
        return f"请把姓名和六位口令一起发。{GUIDE}"
    tried = binding.bind(
        ctx.session,
        ctx.identity,
        found["name"],
        found["code"],
        secret=ctx.settings.secret_key.get_secret_value(),
        now=ctx.now,
    )
    return _bound(ctx, tried) if tried.outcome is Outcome.BOUND else _not_bound(ctx, tried)


def _bound(ctx: Context, tried: Try) -> str:
    member = tried.member
    assert member is not None
    audit.record(
        ctx.session,
        actor=member,
        act="绑定",
        now=ctx.now,
        channel=ctx.message.channel,
        subject_id=member.id,
        branch_id=member.branch_id,
    )
    branch = ctx.session.get_one(Organisation, member.branch_id)
    return f"绑定成功：{member.name}，{branch.name}。口令已失效。发 菜单 看看能做什么。"


def _not_bound(ctx: Context, tried: Try) -> str:
    if tried.outcome is Outcome.LOCKED:
        assert tried.until is not None
        return f"输错次数太多，已暂停绑定，{clock(tried.until, ctx.now)} 后可以再试。请向支部书记核对口令。"
    return f"姓名或口令不对，或口令已过期。还可以试 {tried.left} 次。\n请向支部书记核对，再发：绑定 姓名 六位口令"


@router.command("口令", "绑定口令", takes="姓名", examples=("口令 张三",), needs=Action.MANAGE_PEOPLE)
def make_code(ctx: Context, name: str) -> Answer:
    try:
        member = people.find_by_name(ctx.session, ctx.actor, Action.MANAGE_PEOPLE, name)
    except people.Namesakes as several:
        return Reply(several.question, choices=several.commands("口令"))
    today = ctx.now.date()
    role.require_over(ctx.session, ctx.actor, member, "发口令给", today=today, oneself=True)
    code = binding.make_code(member, secret=ctx.settings.secret_key.get_secret_value(), now=ctx.now)
    journal.keep_of(ctx, "发放绑定口令", member)
    until = moment(ctx.now + binding.CODE_LASTS, ctx.now)
    text = (
        f"{member.name}的绑定口令：{code}\n{until}前有效，用一次即失效；以前的口令作废。\n"
        f"请当面或打电话告诉本人，请本人发：\n绑定 {member.name} {code}"
    )
    return Reply(text, once=True)
