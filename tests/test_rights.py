"""The walk over every way in: each command of the chat, each page and each command of the command line stands in a table here, or a test fails.

What the roles may is walked in tests/services/test_permission.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click
import pytest
from sqlalchemy import select

from bot import app as composition
from bot.app import App, discover_router
from bot.cli import main
from bot.clock import Clock
from bot.db import Base, Database
from bot.models.member import Member
from bot.services.permission import Action
from tests.chat import Phone, PhoneBook

EVERYBODY, STRANGERS = (
    "everybody on the roster, for himself or by a rule of its own",
    "also people who are not on the roster",
)
CHAT: dict[str, str] = {
    EVERYBODY: """
        下一页 不同意 不应战 专项 主题党日 今天值班 今日学习 公示结果 删记 匿名提问 反对 取消报名 取消请假 同意 学习小测 学习时长 学完了 对战
        帮助 年度计划 应战 开始考试 弃权 恢复提醒 感想 我的 我的数据 我的申报 投票 报名 挑战 提交 提问 撤销 擂台 支部信息 收到 改记 日历
        暂停提醒 未读 每日一题 活动详情 申报 申诉 登记 看全文 研讨提问 研讨问题 积分 积分依据 积分图 积分明细 积分榜 积分规则 积分上限 答复 答题 签到
        隐患 报隐患 查隐患 险情 整改 复查 更多 谢谢 我的任务 任务 进度 求助 完成任务 学习资料 学完资料 继续 考试 考试成绩 菜单 补记 表决结果 计票 记 记录 请假 赞成 退出 选举 重置日历地址 错题
    """,
    Action.PUBLISH_GROUP: """
        修改活动 停止系列 发布 发布下次 发布党小组会 取消活动 每月安排 每月最后 每月第 签到码 结束活动
    """,
    Action.CORRECT_GROUP_ATTENDANCE: """
        补签
    """,
    Action.SEE_AUDIT: """
        导出操作记录 操作记录
    """,
    Action.PUBLISH: """
        主持人 发布主题党日 发布党员大会 发布党课 发布安全检查 发布志愿服务 发布支委会 发布民主评议 发布组织生活会 发布考试 发布联建 发布集中学习
        发言人 取消考试 添加资料 删除资料 定时通知 成员菜单 撤回通知 更正通知 标签 结束表决 表决 记录员 谁没投票 通知 问题排序
    """,
    STRANGERS: """
        绑定
    """,
    Action.MANAGE_PEOPLE: """
        任命 停用 免去 去掉标签 口令 延长预备期 恢复 换届登记 清除 电话名单 身份
    """,
    Action.SEE_BRANCH: """
        体检 公平检查 堡垒指数 学习情况 导出 导出积分表 支部日历 本月 积分表 积分走势 积分通报 通知情况
    """,
    Action.SEE_GROUP: """
        切换支部 催一下 催回执 名单 补录 谁没报名 谁没收到 谁没签到
    """,
    Action.CHANGE_SETTINGS: """
        保电 党课频次 取消保电 换届时间 推送设置 答题卡片 答题比例 选举计票
    """,
    Action.REVIEW: """
        审核
    """,
    Action.FIRST_REVIEW: """
        初审
    """,
    Action.EDIT_QUESTIONS: """
        导入题目 看题 题目分析
    """,
    Action.DECIDE_GROUP_LEAVE: """
        请假审批
    """,
    Action.APPROVE_QUESTIONS: """
        停用题目 恢复题目 批准题目 撤销导入
    """,
    Action.GIVE_POINTS: """
        加分 更正
    """,
    Action.MANAGE_TASKS: """
        新建任务 改任务 取消任务 回复任务 确认任务 退回任务
    """,
    Action.MOVE_PEOPLE: """
        借调 合并 新建党支部 结束借调 转出
    """,
    Action.HANDLE_HAZARDS: """
        派发 不是隐患
    """,
    Action.SETTLE: """
        积分设置 结算 结算情况
    """,
}
"""What a command asks for before anything else. A new command belongs under the right that it needs."""
PAGES = {
    "/healthz": "nothing about anybody",
    "/readyz": "nothing about anybody",
    "/metrics": "numbers only",
    "/wecom/callback": "signed by the platform",
    "/wechat/callback": "signed by the platform",
    "/m/download/<token>": "signed for one person, ten minutes; the right is asked for again",
    "/m/photo/<token>": "signed for one person, ten minutes; the right is asked for again",
    "/m/hazard-photo/<token>": "signed for one person, ten minutes; the right is asked for again",
    "/m/points/<token>.png": "signed for one person",
    "/m/calendar/<token>.ics": "signed for one person; a new address ends the old one",
    "/m/screen/<int:number>": "signed for one activity",
    "/m/screen/<int:number>/state": "signed for one activity",
    "/m/screen/<int:number>/code.svg": "signed for one activity",
    "/m/static/<path:filename>": "shipped files",
}
COMMAND_LINE = """
    chat / content check / db backup / db restore / db upgrade / demo / deploy print / doctor / documents templates / jobs / members grant /
    members import / members revoke / members sync / menu publish / points explain / points rules / points settle / points verify / questions export /
    questions import / questions undo / serve
"""
"""For who can read the settings of the installation: the operator. What changes people, roles or questions is written into the log of acts."""


def test_every_command_of_the_chat_has_an_entry() -> None:
    table = {word: needs for needs, words in CHAT.items() for word in words.split()}
    known = {
        one.word: STRANGERS if one.strangers else one.needs or EVERYBODY for one in discover_router().commands
    }
    assert known == table


def test_every_action_is_needed_by_something() -> None:
    """A right that nothing asks for is a right nobody checks; those without a command are asked for by services."""
    unused = set(Action) - {one.needs for one in discover_router().commands}
    assert unused <= BY_SERVICES


BY_SERVICES = {Action.FIRST_REVIEW, Action.CORRECT_ATTENDANCE, Action.DECIDE_LEAVE}


def test_every_page_has_an_entry(bot: App) -> None:
    rules = {rule.rule for rule in composition.create_flask(bot).url_map.iter_rules()}
    assert rules - set(PAGES) == set()
    without_channels = {"/wecom/callback", "/wechat/callback"}
    assert set(PAGES) - rules <= without_channels


@pytest.mark.parametrize("rule", [rule for rule, guard in PAGES.items() if guard.startswith("signed for")])
@pytest.mark.parametrize("token", ["x", "WzEsMSwxXQ.bad", "../../etc/passwd", "%00", "你好"])
def test_no_page_opens_to_a_guess(bot: App, rule: str, token: str) -> None:
    address = rule.replace("<token>", token).replace("<int:number>", "1")
    for path in (address, f"{address}?k={token}"):
        assert composition.create_flask(bot).test_client().get(path).status_code in (403, 404, 410)


def leaves(group: click.Group, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def test_every_command_of_the_command_line_has_an_entry() -> None:
    assert set(leaves(main)) == {" ".join(one.split()) for one in COMMAND_LINE.split("/")}


# Another branch ---------------------------------------------------------------------------------------------------------

PASSING = {"inbox", "identity", "conversation", "job_run", "outbox", "access_token", "member"}
"""Tables that are about talking itself; what is sent to whom is looked at by itself."""


def rows(database: Database) -> set[tuple[str, str]]:
    """Every row of every table but the passing ones, as text."""
    with database.read() as session:
        return {
            (table.name, repr(sorted((name, str(value)) for name, value in row.items())))
            for table in Base.metadata.sorted_tables
            if table.name not in PASSING
            for row in session.execute(select(table)).mappings()
        }


def about(database: Database, ours: set[int]) -> set[tuple[str, str]]:
    """The rows that name one of our people."""
    found: set[tuple[str, str]] = set()
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            mine = [c for c in table.c if any(key.column.table.name == "member" for key in c.foreign_keys)]
            if table.name in PASSING - {"outbox"} or not mine:
                continue
            for row in session.execute(select(table)).mappings():
                if any(row[column.name] in ours for column in mine):
                    found.add((table.name, repr({key: str(value) for key, value in row.items()})))
    return found


def test_who_is_in_charge_elsewhere_changes_and_learns_nothing_here(
    outsider: Phone, phone: PhoneBook, database: Database, clock: Clock
) -> None:
    """Every word and example of every command, each with a yes after it, said by somebody with all rights over another committee."""
    chief, zhang = phone("王建国"), phone("张伟")
    with database.write() as session:
        # Examples in answers name 张伟 and others, who must not be taken for our people.
        renamed = {
            one.name: f"{one.name}某" for one in session.scalars(select(Member)) if one.name != "外来人"
        }
        for one in session.scalars(select(Member).where(Member.name.in_(renamed))):
            one.name = renamed[one.name]
    for said in (
        "发布主题党日 12月5日14:30 三楼会议室 主题:红岩精神进班组",
        "确认",
        "通知 全体 甲乙丙站停电检修 需回执",
        "确认",
        "口令 古丽某",
    ):
        chief(said)
    for said in ("申报 师带徒 带出徒弟丁戊己", "请假 去庚辛壬出差", "专项 安规", "A", "积分"):
        zhang(said)
    with database.read() as session:
        people: dict[int, str] = {
            key: name for key, name in session.execute(select(Member.id, Member.name)) if name != "外来人"
        }
        state = session.execute(
            select(Member.__table__).where(Member.id.in_(people)).order_by(Member.id)
        ).all()
    before, named = rows(database), about(database, set(people))
    ours = [*people.values(), "红岩精神", "甲乙丙站", "丁戊己", "庚辛壬"]
    told: list[tuple[str, str]] = []
    heard = ""
    for command in discover_router().commands:
        for words in (*command.words, *command.examples):
            said = words
            for plain, name in renamed.items():
                said = said.replace(plain, name)
            for text in (said, "确认", "退出"):
                clock.sleep(timedelta(seconds=20))
                answer, heard = outsider(text), f"{heard} {text}"
                told += [(said, mark) for mark in ours if mark in answer and mark not in heard]
                assert "系统刚才出错" not in answer, said
    assert told == []
    assert before - rows(database) == set()
    assert about(database, set(people)) - named == set()
    with database.read() as session:
        query = select(Member.__table__).where(Member.id.in_(people)).order_by(Member.id)
        assert session.execute(query).all() == state
