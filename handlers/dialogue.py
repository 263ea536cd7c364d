"""对话：菜单、更多、帮助、退出、继续、撤销，以及图片、位置这类消息的回答。"""

from __future__ import annotations

from functools import lru_cache

from bot import nlu
from bot.chat import Answer, Command, Context, Kind, Reply, Router
from bot.services.permission import Action
from content.menu import load

router = Router()

menu = lru_cache(maxsize=1)(load)

GREETING = "您好，这里是支部通。"
MORE = "回复数字或文字即可。其他功能请发：更多"


@router.command(
    "菜单",
    "?",
    "功能",
    "主菜单",
    "目录",
    "你好",
    "您好",
    "在吗",
    "你是谁",
    "你能做什么",
    examples=("菜单", "？"),
)
def show_menu(ctx: Context) -> Reply:
    words = menu()
    return numbered(GREETING, words.secretary if ctx.actor.may(Action.PUBLISH) else words.member, MORE)


@router.command("更多", "更多功能", "其他功能", "还有什么", "还能做什么")
def show_more(ctx: Context) -> Reply:
    words = menu()
    more = words.more_secretary if ctx.actor.may(Action.PUBLISH) else words.more_member
    return numbered("还可以用：", more, "回复数字或文字即可；怎么用请发，例如：帮助 " + more[-1])


@router.command("谢谢", "多谢", "谢谢您", "谢谢你", "辛苦", "再见", examples=("谢谢",))
def welcome_thanks(ctx: Context) -> str:
    return "不客气。需要时回复 菜单 看看能做什么。"


@router.command("成员菜单", needs=Action.PUBLISH)
def show_member_menu(ctx: Context) -> Reply:
    return numbered("成员能用的功能：", menu().member)


@router.command(
    "帮助", "使用说明", "怎么用", "help", takes="功能名", optional=True, examples=("帮助", "帮助 请假")
)
def help_with(ctx: Context, word: str = "") -> Reply:
    if not word:
        return show_menu(ctx)
    command = next((c for c in ctx.router.commands if nlu.bare(word) in c.words), None)
    if command is None:
        near = nlu.similar(word, [w for c in ctx.router.commands for w in c.words])
        return numbered(f"没有“{word[:10]}”这个功能。", (*tuple(near), "菜单"))
    return Reply(explain(command))


def explain(command: Command) -> str:
    """What a command is called, also called, takes, and an example of it."""
    lines = [f"{command.word}{' + ' + command.takes if command.takes else ''}"]
    if command.also:
        lines.append(f"也可以说：{'、'.join(command.also[:6])}")
    lines.append(f"例如：{'；'.join(command.examples[:3])}")
    if command.needs:
        lines.append(f"需要权限：{command.needs.value}")
    return "\n".join(lines)


@router.command("退出", "结束对话", "不做了")
def leave(ctx: Context) -> str:
    frame = ctx.talk.leave()
    if frame is None:
        return "现在没有进行中的对话。回复 菜单 看看能做什么。"
    more = "，还有一项没做完，回复 继续" if ctx.talk.suspended else "。回复 菜单 看看能做什么"
    return f"已退出{frame['title'].split('进行到')[0]}{more}。"


@router.command("继续", "接着来")
def resume(ctx: Context) -> Answer:
    return ctx.talk.resume() or "没有没做完的事。回复 菜单 看看能做什么。"


@router.command("撤销", "撤回", "取消刚才的")
def take_back(ctx: Context) -> str:
    undo = ctx.talk.take_undo()
    if undo is None:
        return "没有可以撤销的操作（只能撤销5分钟内的上一步）。"
    name, data = undo
    return ctx.router.undos[name](ctx, **data)


@router.on(Kind.SUBSCRIBE)
def welcome(ctx: Context) -> Reply:
    return show_menu(ctx)


@router.on(Kind.ENTER)
@router.on(Kind.UNSUBSCRIBE)
def silence(ctx: Context) -> str:
    return ""


@router.on(Kind.VOICE)
def voice(ctx: Context) -> str:
    return "没听清这段语音。请再说一遍，或者打字。回复 菜单 看看能做什么。"


@router.on(Kind.VIDEO)
@router.on(Kind.FILE)
@router.on(Kind.OTHER)
def unread(ctx: Context) -> str:
    return "这类消息我还看不懂，请用文字说。回复 菜单 看看能做什么。"


@router.on(Kind.LOCATION)
def location(ctx: Context) -> str:
    return "收到位置。签到不需要位置，请发：签到 现场口令。"


@router.on(Kind.LINK)
def link(ctx: Context) -> str:
    return "收到链接。若是学习了它，可发：登记 学习强国 25分钟。"


def numbered(head: str, words: tuple[str, ...], foot: str = "回复数字或文字即可。") -> Reply:
    """A numbered list whose numbers can be answered."""
    lines = "\n".join(f"{n} {word}" for n, word in enumerate(words, 1))
    return Reply(f"{head}\n{lines}\n{foot}", choices=words)
