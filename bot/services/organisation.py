"""The organisation tree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from bot.errors import Refusal
from bot.models.organisation import Organisation, OrganisationKind

_ENDINGS = {
    "党小组": OrganisationKind.GROUP,
    "党总支": OrganisationKind.GENERAL_BRANCH,
    "党委": OrganisationKind.COMMITTEE,
    "党工委": OrganisationKind.COMMITTEE,
    "党组": OrganisationKind.COMMITTEE,
    "委员会": OrganisationKind.COMMITTEE,
}
_LEVELS = tuple(OrganisationKind)


class NoName(Refusal):
    text = "党支部没有写名称"


class SeveralOfThatName(Refusal):
    text = "有{count}个“{name}”，请写上级，例如：{example}"


class WrongOrder(Refusal):
    text = "“{upper}”下面不能有“{lower}”，请按 党委/党总支/党支部 的顺序写"


class Cycle(Refusal):
    text = "“{lower}”已经是“{upper}”的上级，不能又是下级"


class MergedAway(Refusal):
    text = "{name}已并入{into}，请改写"


def kind_of(name: str) -> OrganisationKind:
    """The level that a name shows: …党委, …党总支, …党小组, otherwise a 党支部."""
    return next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), OrganisationKind.BRANCH)


def ensure(
    session: Session, name: str, *, parent: Organisation | None = None, kind: OrganisationKind | None = None
) -> Organisation:
    """The node of that name below ``parent``, made when it is missing."""
    found = session.scalar(
        select(Organisation).where(
            Organisation.name == name, Organisation.parent_id == (parent.id if parent else None)
        )
    )
    if found is not None:
        return found
    node = Organisation(
        name=name, kind=kind or kind_of(name), parent_id=parent.id if parent else None, path=""
    )
    session.add(node)
    session.flush()
    node.path = f"{parent.path if parent else '/'}{node.id}/"
    return node


def ensure_path(session: Session, path: str) -> Organisation:
    """The branch named by "某公司党委/检修党支部": every missing node is made. A single name finds an existing branch anywhere.

    :class:`SeveralOfThatName` when it finds more, :class:`WrongOrder` and :class:`Cycle` for a path that no tree can have, :class:`MergedAway` for
    a branch that is no more. Nothing is made then.
    """
    names = [name.strip() for name in path.replace("／", "/").split("/") if name.strip()]
    if not names:
        raise NoName
    if len(names) == 1:
        known = session.scalars(select(Organisation).where(Organisation.name == names[0])).all()
        if len(known) > 1:
            raise SeveralOfThatName(count=len(known), name=names[0], example=path_of(session, known[0]))
        if known:
            return _standing(session, known[0])
    _require_tree(session, names)
    node: Organisation | None = None
    for name in names:
        node = ensure(session, name, parent=node)
    assert node is not None
    return _standing(session, node)


def _standing(session: Session, node: Organisation) -> Organisation:
    if node.merged_into_id is not None:
        raise MergedAway(name=node.name, into=session.get_one(Organisation, node.merged_into_id).name)
    return node


def _require_tree(session: Session, names: Sequence[str]) -> None:
    for upper, lower in pairwise(names):
        above, below = (_LEVELS.index(kind_of(name)) for name in (upper, lower))
        # A group's committee stands over its companies' committees.
        if above > below or (above == below and kind_of(upper) is not OrganisationKind.COMMITTEE):
            raise WrongOrder(upper=upper, lower=lower)
    for number, name in enumerate(names):
        if name in names[:number] or _stands_above(session, name, names[:number]):
            raise Cycle(upper=names[number - 1], lower=name)


def _stands_above(session: Session, name: str, others: Sequence[str]) -> bool:
    """Whether somewhere in the tree a node of that name has one of the others below it."""
    above, below = aliased(Organisation), aliased(Organisation)
    found = (
        select(below.id)
        .join(above, below.path.startswith(above.path))
        .where(above.name == name, below.name.in_(others), below.id != above.id)
    )
    return session.scalar(found.limit(1)) is not None


def path_of(session: Session, node: Organisation) -> str:
    """某公司党委/检修党支部."""
    ids = [int(part) for part in node.path.strip("/").split("/")]
    names = {
        one.id: one.name for one in session.scalars(select(Organisation).where(Organisation.id.in_(ids)))
    }
    return "/".join(names[key] for key in ids)
