"""The people of a branch: finding somebody by name, leaving and coming back, and where somebody belongs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bot.errors import Refusal
from bot.models.identity import Identity
from bot.models.member import Member, RoleName
from bot.models.organisation import Organisation
from bot.services import secondment, sign_up
from bot.services.permission import Action, Actor
from bot.services.role import AlreadySo, end, require_over, roles_of


class NoSuchMember(Refusal):
    text = "本支部没有叫“{name}”的人。请核对姓名，发 名单 可以查看。"


class AccountOutOfUse(Refusal):
    text = "{name}的账号已停用。要重新启用请发：恢复 {name}"


class Namesakes(Refusal):
    """Several people have the name; ``people`` are (full name for a next try, what tells them apart)."""

    text = "有{count}位{name}：\n{lines}\n请写明是哪一位，例如：{first}"

    def __init__(self, name: str, people: Sequence[tuple[str, str]]) -> None:
        self.name, self.people = name, tuple(people)
        super().__init__(name=name, count=len(people), lines=self.lines, first=people[0][0])

    @property
    def question(self) -> str:
        """What is asked when the answer may be a number."""
        return f"有{len(self.people)}位{self.name}，是哪一位？\n{self.lines}\n回复数字即可。"

    def commands(self, word: str, rest: str = "") -> tuple[str, ...]:
        """The same command again for each of them, by full name: what the numbers stand for."""
        return tuple(f"{word} {full} {rest}".strip() for full, _ in self.people)

    @property
    def lines(self) -> str:
        """The people as a numbered list."""
        return "\n".join(f"{n} {full} {where}" for n, (full, where) in enumerate(self.people, 1))


class Erased(Refusal):
    text = "{name}的个人资料已清除，不能恢复。重新加入请用名册导入。"


def names_of(session: Session, members: Iterable[int | None]) -> dict[int, str]:
    """The names of members by id; who is None is left out."""
    wanted = {one for one in members if one is not None}
    rows = session.execute(select(Member.id, Member.name).where(Member.id.in_(wanted)))
    return {number: name for number, name in rows}  # noqa: C416


def find_by_name(session: Session, actor: Actor, action: Action, name: str, *, active: bool = True) -> Member:
    """The one person of that name on whom the actor may do ``action``.

    ``name`` may end in what tells namesakes apart: 李四(D0013), 李四 第二党小组. :class:`NoSuchMember` outside the own scope as well,
    :class:`Namesakes` for several, :class:`AccountOutOfUse` when only someone who left has the name (unless ``active`` is False).
    """
    plain, which = _split(name)
    rows = session.execute(
        select(Member, Organisation.name)
        .join(Organisation, Organisation.id == func.coalesce(Member.group_id, Member.branch_id))
        .where(Member.name == plain, actor.within(action))
        .order_by(Member.id)
    ).all()
    found = [(member, home) for member, home in rows if not which or which in _marks(member, home)]
    if not found:
        raise NoSuchMember(name=plain[:12])
    wanted = [(member, home) for member, home in found if member.active == active] or (
        found if not active else []
    )
    if not wanted:
        raise AccountOutOfUse(name=plain)
    if len(wanted) > 1:
        raise Namesakes(
            plain, [(full_name(m), "，".join(filter(None, (home, m.crew)))) for m, home in wanted]
        )
    return wanted[0][0]


def _split(name: str) -> tuple[str, str]:
    plain, _, which = name.strip().replace("（", "(").replace("）", ")").replace(" ", "(", 1).partition("(")
    return plain.strip(), which.strip(" ()").lower()


def _marks(member: Member, home: str) -> set[str]:
    marks = {member.staff_no, member.account, member.crew, home, f"#{member.id}"}
    return {mark.lower() for mark in marks if mark}


def full_name(member: Member) -> str:
    """A name that :func:`find_by_name` finds although there are namesakes: 李四(D0013)."""
    return f"{member.name}({member.staff_no or member.account or f'#{member.id}'})"


# Leaving and coming back --------------------------------------------------------------------------------------------


def deactivate(session: Session, actor: Actor, member: Member, *, now: datetime) -> list[RoleName]:
    """Somebody leaves: the account is out of use, roles and invitations end at once, the ledger and all records stay. Returns the roles that ended."""
    today = now.date()
    require_over(session, actor, member, "停用", today=today)
    if not member.active:
        raise AlreadySo(name=member.name, state="已经停用")
    sign_up.leave_branch(session, member, now=now)
    member.active = False
    member.binding_code = None
    secondment.finish(session, member, today - timedelta(days=1))
    ended = roles_of(session, member.id, today)
    for role in ended:
        end(session, role, today)
    return [role.name for role in ended]


def reactivate(member: Member) -> None:
    """A returning member is taken up again, with all that was there; roles are granted anew."""
    if member.active:
        raise AlreadySo(name=member.name, state="没有停用")
    if member.erased_at is not None:
        raise Erased(name=member.name)
    member.active = True


# What is stored about somebody ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stored:
    """Where a member belongs: branch, group, roles in force and channels. Rows are counted by :mod:`bot.services.personal_data`."""

    branch: str
    group: str
    roles: tuple[str, ...]
    channels: tuple[str, ...]


def stored(session: Session, member: Member, *, today: date) -> Stored:
    """Where a member belongs."""
    nodes = {
        node.id: node.name
        for node in session.scalars(
            select(Organisation).where(Organisation.id.in_([member.branch_id, member.group_id]))
        )
    }
    channels = session.scalars(
        select(Identity.channel).where(Identity.member_id == member.id).order_by(Identity.id)
    )
    return Stored(
        nodes[member.branch_id],
        nodes.get(member.group_id or 0, ""),
        tuple(role.name.value for role in roles_of(session, member.id, today)),
        tuple(dict.fromkeys(channels)),
    )
