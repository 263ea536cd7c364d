"""``zhibu members import|grant|revoke|sync``: the roster, roles, and the platform's directory beside it."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bot.command import BadInput, member_named, opened

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from bot.models.organisation import Organisation
    from bot.services.directory import Plan
    from bot.services.roster import Report

ROLES = ("书记", "副书记", "组织委员", "宣传委员", "纪检委员", "党小组长", "党委管理员")
MOST_SHOWN = 20
DAY = click.DateTime(["%Y-%m-%d"])
WHY_REFUSED = {
    48002: "this application may not read the directory; open 通讯录 for it in the admin console, or go on with the roster file",
    60011: "these departments are outside the application's visible range (可见范围); widen it in the admin console",
    60020: "the address of this machine is not among the application's trusted ones (企业可信IP)",
}


@click.group()
def members() -> None:
    """The roster."""


@members.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only say what would change; nothing is written.")
def import_file(file: Path, dry_run: bool) -> None:
    """Take a roster (.xlsx or .csv); good lines are kept, bad ones listed with their number."""
    from bot.services import audit, roster

    with opened() as app:
        rows = roster.read(file)
        secret = app.settings.secret_key.get_secret_value()
        with app.database.write() as session:
            report = roster.import_rows(session, rows, secret=secret, now=app.clock())
            summary = f"新增 {len(report.added)}，更新 {len(report.updated)}，未变 {len(report.unchanged)}，未导入 {len(report.rejected)}"
            if dry_run:
                session.rollback()
            else:
                audit.record(
                    session, actor=None, act="导入名册", now=app.clock(), channel="cli", detail=summary
                )
    _tell(report, rows)
    click.echo(f"没有写入。导入后将是：{summary}" if dry_run else summary)
    sys.exit(2 if report.rejected else 0)


def _tell(report: Report, rows: list[tuple[int, dict[str, str]]]) -> None:
    """Bad lines, what to look at, and who is new or changed."""
    for number, why in report.rejected:
        click.echo(f"第 {number} 行未导入：{why}", err=True)
    for number, what in report.notes:
        click.echo(f"第 {number} 行：{what}", err=True)
    names = {number: row.get("姓名", "") for number, row in rows}
    _list("新增", [f"第 {number} 行 {names[number]}" for number in report.added])
    _list("更新", [f"第 {number} 行 {names[number]}" for number in report.updated])


@members.command()
@click.argument("member")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--over", default="", help="Branch, group or committee; by default the member's own.")
@click.option("--from", "first", type=DAY, help="First day, 2026-12-01; by default today.")
@click.option("--until", "last", type=DAY, help="Last day; by default open.")
def grant(member: str, role: str, over: str, first: datetime | None, last: datetime | None) -> None:
    """Give MEMBER (name, account, staff number or #id) a ROLE. In the chat only somebody above may; here the operator gives every role."""
    from bot.models.member import RoleName
    from bot.services import audit
    from bot.services import role as roles

    with opened() as app, app.database.write() as session:
        who = member_named(session, member)
        node = _node(session, over) if over else None
        done = roles.grant(
            session,
            None,
            who,
            RoleName(role),
            today=app.clock().date(),
            node=node,
            starts_on=_day(first),
            ends_on=_day(last),
        )
        span = f"{done.role.starts_on} 至 {done.role.ends_on or '以后'}"
        audit.record(
            session,
            actor=None,
            act="任命",
            now=app.clock(),
            channel="cli",
            subject_id=who.id,
            branch_id=who.branch_id,
            detail=f"{role}（{done.node.name}），{span}",
        )
        click.echo(f"{who.name}任{done.node.name}{role}，{span}")
        if done.others:
            click.echo(f"同时还有：{'、'.join(done.others)}")


@members.command()
@click.argument("member")
@click.argument("role", type=click.Choice(ROLES))
@click.option("--last", type=DAY, help="Last day in the role; by default yesterday, so that it ends now.")
def revoke(member: str, role: str, last: datetime | None) -> None:
    """Take a ROLE from MEMBER; what was held stays as history."""
    from bot.models.member import RoleName
    from bot.services import audit
    from bot.services import role as roles

    with opened() as app, app.database.write() as session:
        who = member_named(session, member)
        today = app.clock().date()
        roles.revoke(session, None, who, RoleName(role), today=today, last_day=_day(last))
        detail = f"{role}{f'，任到 {_day(last)}' if last else ''}"
        audit.record(
            session,
            actor=None,
            act="免去",
            now=app.clock(),
            channel="cli",
            subject_id=who.id,
            branch_id=who.branch_id,
            detail=detail,
        )
        click.echo(f"{who.name}不再担任{detail}")


def _day(said: datetime | None) -> date | None:
    return said.date() if said else None


def _node(session: Session, name: str) -> Organisation:
    """The one node of that name; bad input otherwise."""
    from sqlalchemy import select

    from bot.models.organisation import Organisation

    found = session.scalars(
        select(Organisation).where(Organisation.name == name, Organisation.merged_into_id.is_(None))
    ).all()
    if len(found) != 1:
        raise BadInput(f"--over {name}: {'several nodes have' if found else 'no node has'} this name")
    return found[0]


@members.command()
@click.option("--apply", is_flag=True, help="Fill in the accounts, after a yes.")
@click.option("--yes", is_flag=True, help="With --apply: without asking.")
def sync(apply: bool, yes: bool) -> None:
    """Compare the roster with WeCom's directory; nothing is written without --apply.

    The directory does not say who is a Party member: only missing accounts of people on the roster are filled in, all else is listed.
    """
    from bot.channels.wecom import WeCom
    from bot.chat import SendError
    from bot.services import audit, directory

    with opened() as app:
        channel = app.channels.get("wecom")
        if not isinstance(channel, WeCom):
            raise BadInput("ZHIBU_WECOM_CORP_ID: set up WeCom first")
        try:
            colleagues = channel.colleagues(app.clock())
        except SendError as error:
            raise BadInput(WHY_REFUSED.get(error.code, f"{error}; run `zhibu doctor`")) from None
        with app.database.read() as session:
            plan = directory.compare(session, colleagues)
        _show(plan)
        if not plan.fills:
            return
        if not apply:
            click.echo(f"没有写入。要补上这 {len(plan.fills)} 个账号请加 --apply")
            return
        if not yes and not (sys.stdin.isatty() and click.confirm("补上这些账号吗？")):
            raise BadInput("nothing written; add --yes to fill in the accounts")
        with app.database.write() as session:
            done = directory.fill(session, directory.compare(session, colleagues))
            audit.record(
                session,
                actor=None,
                act="同步通讯录",
                now=app.clock(),
                channel="cli",
                detail=f"补账号 {done} 个",
            )
        click.echo(f"已补账号 {done} 个")


def _show(plan: Plan) -> None:
    _list("补账号", [f"{name} {account}" for _, name, account in plan.fills])
    _list(
        "姓名不一致", [f"名册 {here}，通讯录 {there}（{account}）" for here, there, account in plan.renamed]
    )
    _list("通讯录里没有", [f"{name}（{account}）" for name, account in plan.gone])
    _list("重名，请在名册里填账号", list(plan.unclear))
    hidden = f"，其中 {plan.hidden} 人平台不给姓名，只能按账号核对" if plan.hidden else ""
    click.echo(f"账号一致 {plan.known} 人；不在名册的 {plan.others} 人（不会加进来）{hidden}")


def _list(what: str, lines: list[str]) -> None:
    for line in lines[:MOST_SHOWN]:
        click.echo(f"{what}：{line}")
    if len(lines) > MOST_SHOWN:
        click.echo(f"……{what}共 {len(lines)} 项")
