"""标签：给人加标签，按标签发通知。"""

from __future__ import annotations

from bot.chat import Answer, Context, Router
from bot.choices import names_text
from bot.services import tag as tags
from bot.services.permission import Action

router = Router()
HINT = "加标签：标签 张伟 带电作业；按标签发：通知 带电作业 内容"


@router.command(
    "标签",
    "加标签",
    "打标签",
    "标签名单",
    takes="姓名和标签",
    optional=True,
    needs=Action.PUBLISH,
    examples=("标签 张伟 带电作业", "标签 带电作业", "标签"),
)
def tag(ctx: Context, said: str = "") -> Answer:
    """Names and a tag: give it; a tag or a name alone: show it; nothing: all tags of the branch."""
    who, _, name = said.strip().rpartition(" ")
    if not said:
        return _all(ctx)
    if not who:
        return _show(ctx, said)
    members = tags.people_meant(ctx.session, ctx.actor, who, now=ctx.now)
    new = tags.add(ctx.session, ctx.actor, members, name, now=ctx.now, channel=ctx.message.channel)
    all_of_it = tags.bearers(ctx.session, ctx.actor.branch_id, name)
    what = f"已给 {new} 人加上标签“{name}”" if new else f"他们本来就有标签“{name}”"
    return (
        f"{what}，现在共 {len(all_of_it)} 人：{names_text(all_of_it)}。\n"
        f"可发：通知 {name} 内容；去掉标签 {names_text([one.name for one in members])} {name}"
    )


@router.command(
    "去掉标签",
    "删除标签",
    "取消标签",
    takes="姓名和标签",
    needs=Action.MANAGE_PEOPLE,
    examples=("去掉标签 张伟 带电作业",),
)
def untag(ctx: Context, said: str) -> Answer:
    who, _, name = said.strip().rpartition(" ")
    if not who:
        return f"请写明去掉谁的标签。例如：去掉标签 张伟 {name[:10]}；全部去掉：去掉标签 全体 {name[:10]}"
    members = tags.people_meant(ctx.session, ctx.actor, who, now=ctx.now)
    gone = tags.remove(ctx.session, ctx.actor, members, name, now=ctx.now, channel=ctx.message.channel)
    left = tags.bearers(ctx.session, ctx.actor.branch_id, name)
    return f"已去掉 {gone} 人的标签“{name}”，还有 {len(left)} 人有这个标签。发 标签 看全部。"


def _all(ctx: Context) -> str:
    found = tags.of_branch(ctx.session, ctx.actor.branch_id)
    if not found:
        return f"本支部还没有标签。{HINT}"
    shown = "\n".join(f"{name} {count} 人" for name, count in found[:9])
    more = f"\n还有 {len(found) - 9} 个标签" if len(found) > 9 else ""
    return f"本支部的标签 {len(found)} 个：\n{shown}{more}\n发 标签 加名称看是谁。{HINT}"


def _show(ctx: Context, said: str) -> str:
    names = tags.bearers(ctx.session, ctx.actor.branch_id, said)
    if names:
        return f"标签“{said}”{len(names)} 人：{names_text(names)}。\n可发：通知 {said} 内容；去掉标签 {names[0]} {said}"
    (member, *_) = tags.people_meant(ctx.session, ctx.actor, said, now=ctx.now)
    mine = tags.of_member(ctx.session, member.id)
    has = f"有标签：{'、'.join(mine)}" if mine else "还没有标签"
    return f"{member.name}{has}。\n{HINT}"
