"""The roster taken in: lines become members, their groups and their roles. Importing it again updates and never doubles."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.identity import Conversation, Identity
from bot.models.member import Member, Role, RoleName, RoleOrigin
from bot.models.organisation import Organisation, OrganisationKind
from bot.services import organisation, phone, roster_change
from bot.services.roster_file import COLUMNS, BadLine, Line, UnreadableRoster, parse, read

__all__ = ["COLUMNS", "BadLine", "Line", "Report", "UnreadableRoster", "import_rows", "parse", "read"]

NO_POST = frozenset({"无", "无职务", "没有"})
"""What the roster writes under 职务 to say that somebody holds no post at all."""


@dataclass(slots=True)
class Report:
    """What an import did, line by line. ``notes`` are for lines that were taken, but of which somebody should know something."""

    added: list[int] = field(default_factory=list)
    updated: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    rejected: list[tuple[int, str]] = field(default_factory=list)
    notes: list[tuple[int, str]] = field(default_factory=list)


def import_rows(
    session: Session, rows: list[tuple[int, dict[str, str]]], *, secret: str, now: datetime
) -> Report:
    """Take the good lines, list the bad ones with number and reason. ``secret`` encrypts phone numbers."""
    report, importer = Report(), _Importer(session, secret, now)
    for number, row in rows:
        try:
            line = parse(number, row)
            outcome = importer.take(line)
        except (BadLine, Refusal) as error:
            report.rejected.append((number, str(error)))
        else:
            getattr(report, outcome).append(number)
    importer.finish()
    report.notes = sorted(importer.notes)
    return report


_OPTIONAL = {"党小组": "group_id", "班组": "crew", "职务": "post", "入党日期": "joined_on"}
"""Columns that a roster may leave out; what they would fill stays as it is then."""


class _Importer:
    """Everything known is read once, so that ten thousand lines do not mean ten thousand queries."""

    def __init__(self, session: Session, secret: str, now: datetime) -> None:
        self.session, self.secret, self.now = session, secret, now
        members = session.scalars(select(Member)).all()
        self.by_account = {m.account: m for m in members if m.account}
        self.by_staff_no = {m.staff_no: m for m in members if m.staff_no}
        self.by_name: dict[tuple[int, str], list[Member]] = defaultdict(list)
        self.namesakes: dict[str, list[Member]] = defaultdict(list)
        for member in members:
            self.by_name[member.branch_id, member.name].append(member)
            self.namesakes[member.name].append(member)
        self.roles: dict[int, list[Role]] = defaultdict(list)
        for role in session.scalars(select(Role)):
            self.roles[role.member_id].append(role)
        self.identities = {
            i.external_id: i for i in session.scalars(select(Identity).where(Identity.channel == "wecom"))
        }
        self.nodes: dict[tuple[str, int | None], Organisation] = {}
        self.seen: dict[Member, int] = {}
        self.new: list[tuple[Member, Line]] = []
        self.notes: list[tuple[int, str]] = []
        self.newest = session.scalar(select(func.max(Organisation.id))) or 0
        self.told: set[int] = set()

    def take(self, line: Line) -> str:
        """Add or update one person; returns added, updated or unchanged."""
        if organisation.kind_of(line.branch) is OrganisationKind.GROUP:
            raise BadLine("党支部一栏写的是党小组")
        branch = self._node(line.branch, None)
        group = self._node(line.group, branch) if line.group else None
        member = self._known(line, branch)
        if member is not None and member in self.seen:
            numbered = line.account or line.staff_no
            hint = "" if numbered else "；同名的另一个人请填账号或工号"
            raise BadLine(f"与第 {self.seen[member]} 行是同一个人{hint}")
        wanted = self._values(line, branch, group, member)
        if member is None:
            member = Member(created_at=self.now, **wanted)
            self.new.append((member, line))
            self._note_namesakes(line, branch)
            outcome = "added"
        else:
            left = {member.branch_id, member.group_id}
            changed = self._change(member, wanted, line)
            changed = self._set_roles(member, line, left) or changed
            self._identify([member])
            outcome = "updated" if changed else "unchanged"
        self._index(member)
        self._note_new_branch(line, branch)
        self.seen[member] = line.number
        return outcome

    def finish(self) -> None:
        """Write the new people with their roles and identities, all at once."""
        self.session.add_all(member for member, _ in self.new)
        self.session.flush()
        for member, line in self.new:
            self._set_roles(member, line, set())
        self._identify(member for member, _ in self.new)
        self.session.flush()

    def _change(self, member: Member, wanted: dict[str, object], line: Line) -> bool:
        changed = [name for name, value in wanted.items() if getattr(member, name) != value]
        if "status" in changed:
            joined_on = line.joined_on or member.joined_on
            note = roster_change.change_status(self.session, member, line.status, joined_on, now=self.now)
            self.notes.append((line.number, note))
        if "branch_id" in changed:
            roster_change.move(self.session, member, int(str(wanted["branch_id"])), now=self.now)
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
        values: dict[str, object] = {
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
        if member is None:
            return values
        silent = {name for column, name in _OPTIONAL.items() if column not in line.columns}
        if branch.id != member.branch_id:
            silent.discard("group_id")
        return {name: value for name, value in values.items() if name not in silent}

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

    def _note_new_branch(self, line: Line, branch: Organisation) -> None:
        """A slip of the pen founds a branch, so each new one is named."""
        if branch.id > self.newest and branch.id not in self.told:
            self.told.add(branch.id)
            self.notes.append(
                (
                    line.number,
                    f"新建了“{organisation.path_of(self.session, branch)}”；如果是写错了，请改正后再导入一次",
                )
            )

    def _set_roles(self, member: Member, line: Line, left: set[int | None]) -> bool:
        """Give the roles that 职务 names, and end those over what the member left, and those that only the roster had given and names no longer.

        What was given in the chat or on the command line stays, unless 职务 says 无. Roles over other nodes (the committee's admin) are left alone.
        """
        wanted = set(_roles_of(line.post, member.branch_id, member.group_id))
        today = self.now.date()
        here = {member.branch_id, member.group_id}
        current = [r for r in self.roles[member.id] if r.ends_on is None or r.ends_on > today]
        have = {(r.name, r.organisation_id) for r in current}
        changed = False
        for role in current:
            key = (role.name, role.organisation_id)
            if key not in wanted and role.organisation_id in here | left:
                changed = self._settle(role, line, gone=role.organisation_id not in here) or changed
        for name, node_id in sorted(wanted - have):
            role = Role(
                member_id=member.id,
                name=name,
                organisation_id=node_id,
                starts_on=today,
                ends_on=None,
                origin=RoleOrigin.ROSTER,
            )
            self.session.add(role)
            self.roles[member.id].append(role)
            changed = True
        return changed

    def _settle(self, role: Role, line: Line, *, gone: bool) -> bool:
        """End a role that the line does not name, or keep it and say so."""
        silent = "职务" not in line.columns
        if gone or line.post in NO_POST or (role.origin is RoleOrigin.ROSTER and not silent):
            role.ends_on = self.now.date()
            return True
        if not silent:
            self.notes.append(
                (
                    line.number,
                    f"{line.name}的{role.name.value}是在{role.origin.value}里任命的，名册没有写，保留；要免去请在职务里写 无",
                )
            )
        return False

    def _note_namesakes(self, line: Line, branch: Organisation) -> None:
        """Without a number somebody who moved looks like somebody new."""
        if line.account or line.staff_no:
            return
        others = [one for one in self.namesakes[line.name] if one.branch_id != branch.id]
        if others:
            where = self.session.get_one(Organisation, others[0].branch_id).name
            self.notes.append(
                (line.number, f"{where}也有一位{line.name}，已作为另一个人新增；是同一个人请填账号或工号")
            )

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


def _roles_of(post: str, branch_id: int, group_id: int | None) -> Iterator[tuple[RoleName, int]]:
    """The roles that 职务 names, each with the node it is over: 党小组长 over the group, all others over the branch."""
    for word in re.split(r"[、,，;；/ ]+", post):
        word = {"支部书记": "书记", "党支部书记": "书记", "小组长": "党小组长", "组长": "党小组长"}.get(
            word, word
        )
        for role in RoleName:
            if word == role.value:
                yield role, (group_id or branch_id) if role is RoleName.GROUP_LEADER else branch_id
