"""The roster: a table of people read line by line into members, their groups and their roles. Importing it again updates and never doubles."""

from __future__ import annotations

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.identity import Conversation, Identity
from bot.models.member import Member, MemberStatus, Role, RoleName
from bot.models.organisation import Organisation, OrganisationKind
from bot.services import organisation, phone

REQUIRED = ("姓名", "党支部", "身份")
COLUMNS = ("姓名", "账号", "工号", "党支部", "党小组", "班组", "身份", "职务", "入党日期", "手机号")
MOST_BYTES = 20 * 1024 * 1024
_ACCOUNT = re.compile(r"[A-Za-z0-9_.@\-]{1,64}")
MOST_CHARACTERS = 120
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_PHONE = re.compile(r"\+?[0-9\-]{7,20}")
_STATUS = {s.value: s for s in MemberStatus} | {
    "党员": MemberStatus.FULL,
    "正式": MemberStatus.FULL,
    "预备": MemberStatus.PROBATIONARY,
    "入党积极分子": MemberStatus.ACTIVIST,
    "团员": MemberStatus.COLLEAGUE,
}


class UnreadableRoster(Refusal):
    text = "读不了这个名册：{why}"


class BadLine(Exception):
    """A line of the roster that cannot be taken; the text says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """One person as the roster has it; ``number`` is the line in the file (the header is line 1)."""

    number: int
    name: str
    account: str | None
    staff_no: str | None
    branch: str
    group: str
    crew: str
    status: MemberStatus
    post: str
    joined_on: date | None
    phone: str | None


@dataclass(slots=True)
class Report:
    """What an import did, line by line."""

    added: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)


def read(path: Path) -> list[tuple[int, dict[str, str]]]:
    """The rows of an .xlsx or .csv file (UTF-8 or GBK) with their line numbers; :class:`UnreadableRoster` when it is no such table."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UnreadableRoster(why="文件超过20MB")
        table = _sheet(path) if path.suffix.lower() in (".xlsx", ".xls") else _csv(path.read_bytes())
    except OSError as error:
        raise UnreadableRoster(why=f"打不开文件 {path}") from error
    if not table:
        raise UnreadableRoster(why="文件是空的")
    header = [cell.strip() for cell in table[0]]
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise UnreadableRoster(why=f"第1行缺少列：{'、'.join(missing)}。需要的列：{'、'.join(COLUMNS)}")
    rows = [(n, dict(zip(header, row, strict=False))) for n, row in enumerate(table[1:], 2)]
    return [(n, row) for n, row in rows if any(cell.strip() for cell in row.values())]


def _sheet(path: Path) -> list[list[str]]:
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
        return [[_cell(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    except (CalamineError, IndexError, ValueError) as error:
        raise UnreadableRoster(why="不是完好的 Excel 文件（.xlsx）") from error


def _cell(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    return str(value)


def _csv(raw: bytes) -> list[list[str]]:
    for encoding in ("utf-8-sig", "gbk"):
        try:
            return list(csv.reader(io.StringIO(raw.decode(encoding)), strict=True))
        except UnicodeDecodeError:
            continue
        except csv.Error as error:
            raise UnreadableRoster(why=f"CSV 格式有错：{error}") from error
    raise UnreadableRoster(why="文字编码不是 UTF-8 或 GBK")


def parse(number: int, row: Mapping[str, str]) -> Line:
    """One line checked; :class:`BadLine` says what is wrong with it."""
    cell = {name: (row.get(name) or "").strip() for name in COLUMNS}
    for name in REQUIRED:
        if not cell[name]:
            raise BadLine(f"{name}没有填")
    for name, text in cell.items():
        if len(text) > MOST_CHARACTERS or _UNPRINTABLE.search(text):
            raise BadLine(f"{name}太长或有不能用的字符")
    if len(cell["姓名"]) > 50 or re.search(r"[<>\x00-\x1f=]", cell["姓名"]):
        raise BadLine("姓名里有不能用的字符或太长")
    if cell["账号"] and not _ACCOUNT.fullmatch(cell["账号"]):
        raise BadLine(f"账号“{cell['账号'][:20]}”不是企业微信账号的样子")
    if cell["身份"] not in _STATUS:
        raise BadLine(f"身份“{cell['身份'][:10]}”不认识，可填：{'、'.join(s.value for s in MemberStatus)}")
    if cell["手机号"] and not _PHONE.fullmatch(cell["手机号"]):
        raise BadLine("手机号不对")
    return Line(
        number,
        cell["姓名"],
        cell["账号"].lower() or None,
        cell["工号"] or None,
        cell["党支部"],
        cell["党小组"],
        cell["班组"],
        _STATUS[cell["身份"]],
        cell["职务"],
        _date(cell["入党日期"]),
        cell["手机号"] or None,
    )


def _date(text: str) -> date | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d{4})[-/.年]?(\d{1,2})[-/.月]?(\d{1,2})日?", text.split(" ")[0])
    try:
        if found:
            return date(*(int(part) for part in found.groups()))
    except ValueError:
        pass
    raise BadLine(f"入党日期“{text[:12]}”看不懂，请写成 2012-07-01")


def import_rows(
    session: Session, rows: list[tuple[int, dict[str, str]]], *, secret: str, now: datetime
) -> Report:
    """Take the good lines, list the bad ones with number and reason. ``secret`` encrypts phone numbers."""
    report, importer = Report(), _Importer(session, secret, now)
    for number, row in rows:
        try:
            line = parse(number, row)
            outcome = importer.take(line)
        except BadLine as error:
            report.rejected.append((number, str(error)))
        else:
            getattr(report, outcome).append(number)
    importer.finish()
    return report


class _Importer:
    """Everything known is read once, so that ten thousand lines do not mean ten thousand queries."""

    def __init__(self, session: Session, secret: str, now: datetime) -> None:
        self.session, self.secret, self.now = session, secret, now
        members = session.scalars(select(Member)).all()
        self.by_account = {m.account: m for m in members if m.account}
        self.by_staff_no = {m.staff_no: m for m in members if m.staff_no}
        self.by_name: dict[tuple[int, str], list[Member]] = defaultdict(list)
        for member in members:
            self.by_name[member.branch_id, member.name].append(member)
        self.roles: dict[int, list[Role]] = defaultdict(list)
        for role in session.scalars(select(Role)):
            self.roles[role.member_id].append(role)
        self.identities = {
            i.external_id: i for i in session.scalars(select(Identity).where(Identity.channel == "wecom"))
        }
        self.nodes: dict[tuple[str, int | None], Organisation] = {}
        self.seen: dict[Member, int] = {}
        self.new: list[tuple[Member, str, Organisation, Organisation | None]] = []

    def take(self, line: Line) -> str:
        """Add or update one person; returns added, updated or unchanged."""
        if organisation.kind_of(line.branch) is OrganisationKind.GROUP:
            raise BadLine("党支部一栏写的是党小组")
        branch = self._node(line.branch, None)
        group = self._node(line.group, branch) if line.group else None
        member = self._known(line, branch)
        if member is not None and member in self.seen:
            raise BadLine(f"与第 {self.seen[member]} 行是同一个人")
        wanted = self._values(line, branch, group, member)
        if member is None:
            member = Member(created_at=self.now, **wanted)
            self.new.append((member, line.post, branch, group))
            outcome = "added"
        else:
            left = {member.branch_id, member.group_id}
            changed = self._change(member, wanted)
            changed = self._set_roles(member, line.post, branch, group, left) or changed
            self._identify([member])
            outcome = "updated" if changed else "unchanged"
        self._index(member)
        self.seen[member] = line.number
        return outcome

    def finish(self) -> None:
        """Write the new people with their roles and identities, all at once."""
        self.session.add_all(member for member, _, _, _ in self.new)
        self.session.flush()
        for member, post, branch, group in self.new:
            self._set_roles(member, post, branch, group, set())
        self._identify(member for member, _, _, _ in self.new)
        self.session.flush()

    def _change(self, member: Member, wanted: dict[str, object]) -> bool:
        changed = [name for name, value in wanted.items() if getattr(member, name) != value]
        if "account" in changed and member.account in self.identities:
            # The old account may belong to somebody else tomorrow.
            self.identities[member.account].member_id = None
        if {"account", "staff_no", "name", "branch_id"} & set(changed):
            self._forget(member)
        for name in changed:
            setattr(member, name, wanted[name])
        return bool(changed)

    def _forget(self, member: Member) -> None:
        """Take a member out of the indexes before what they are indexed by changes."""
        self.by_account.pop(member.account or "", None)
        self.by_staff_no.pop(member.staff_no or "", None)
        self.by_name[member.branch_id, member.name].remove(member)

    def _known(self, line: Line, branch: Organisation) -> Member | None:
        by_account = self.by_account.get(line.account) if line.account else None
        by_staff_no = self.by_staff_no.get(line.staff_no) if line.staff_no else None
        if by_account and by_staff_no and by_account is not by_staff_no:
            raise BadLine(f"账号属于{by_account.name}，工号属于{by_staff_no.name}，请核对")
        found = by_account or by_staff_no
        if found is not None:
            if found in self.seen and found.name != line.name:
                raise BadLine(f"账号或工号与第 {self.seen[found]} 行重复")
            return found
        namesakes = self.by_name[branch.id, line.name]
        if len(namesakes) > 1:
            raise BadLine(f"本支部有{len(namesakes)}位{line.name}，请填账号或工号")
        if namesakes and self._somebody_else(namesakes[0], line):
            return None
        return namesakes[0] if namesakes else None

    def _somebody_else(self, member: Member, line: Line) -> bool:
        """A namesake with another account or staff number is another person."""
        return bool(
            (line.account and member.account and line.account != member.account)
            or (line.staff_no and member.staff_no and line.staff_no != member.staff_no)
        )

    def _values(
        self, line: Line, branch: Organisation, group: Organisation | None, member: Member | None
    ) -> dict[str, object]:
        old = member.phone if member else None
        return {
            "name": line.name,
            "account": line.account or (member.account if member else None),
            "staff_no": line.staff_no or (member.staff_no if member else None),
            "branch_id": branch.id,
            "group_id": group.id if group else None,
            "crew": line.crew,
            "status": line.status,
            "post": line.post,
            "joined_on": line.joined_on,
            "phone": phone.same(old, line.phone, self.secret) if line.phone else old,
            "active": True,
            "erased_at": None,
        }

    def _index(self, member: Member) -> None:
        if member.account:
            self.by_account[member.account] = member
        if member.staff_no:
            self.by_staff_no[member.staff_no] = member
        namesakes = self.by_name[member.branch_id, member.name]
        if member not in namesakes:
            namesakes.append(member)

    def _node(self, name: str, parent: Organisation | None) -> Organisation:
        key = (name, parent.id if parent else None)
        if key not in self.nodes:
            self.nodes[key] = (
                organisation.ensure(self.session, name, parent=parent, kind=OrganisationKind.GROUP)
                if parent
                else organisation.ensure_path(self.session, name)
            )
        return self.nodes[key]

    def _set_roles(
        self,
        member: Member,
        post: str,
        branch: Organisation,
        group: Organisation | None,
        left: set[int | None],
    ) -> bool:
        """Give the roles that 职务 names and end those it no longer names, also over the branch and group that the member left.

        Roles over other nodes (the committee's admin) are left alone.
        """
        wanted = {(role, node.id) for role, node in _roles_of(post, branch, group)}
        today = self.now.date()
        own = left | {branch.id} | ({group.id} if group else set())
        current = [r for r in self.roles[member.id] if r.organisation_id in own and r.ends_on is None]
        have = {(r.name, r.organisation_id) for r in current}
        for role in current:
            if (role.name, role.organisation_id) not in wanted:
                role.ends_on = today
        for name, node_id in wanted - have:
            role = Role(
                member_id=member.id, name=name, organisation_id=node_id, starts_on=today, ends_on=None
            )
            self.session.add(role)
            self.roles[member.id].append(role)
        return wanted != have

    def _identify(self, members: Iterable[Member]) -> None:
        """On WeCom the userid is known from the roster, so pushes reach people who never wrote."""
        made = []
        for member in members:
            identity = self.identities.get(member.account) if member.account else None
            if identity is not None and identity.member_id != member.id:
                identity.member_id = member.id
            elif identity is None and member.account:
                identity = self.identities[member.account] = self._identity(member)
                made.append(identity)
        if made:
            self.session.flush()
        for identity in made:
            self.session.add(
                Conversation(identity_id=identity.id, frames=[], asking=False, choices=[], hints={}, undo={})
            )

    def _identity(self, member: Member) -> Identity:
        identity = Identity(
            channel="wecom",
            external_id=member.account,
            member_id=member.id,
            pushed_since=0,
            reachable=True,
            wrong_codes=0,
        )
        self.session.add(identity)
        return identity


def _roles_of(
    post: str, branch: Organisation, group: Organisation | None
) -> Iterator[tuple[RoleName, Organisation]]:
    for word in re.split(r"[、,，;；/ ]+", post):
        word = {"支部书记": "书记", "党支部书记": "书记", "小组长": "党小组长", "组长": "党小组长"}.get(
            word, word
        )
        for role in RoleName:
            if word == role.value:
                yield role, (group or branch) if role is RoleName.GROUP_LEADER else branch
