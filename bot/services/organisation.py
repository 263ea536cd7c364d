"""The organisation tree."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from bot.models.organisation import Organisation, OrganisationKind


def kind_of(name: str) -> OrganisationKind:
    """The level that a name shows: …党委, …党总支, …党小组, otherwise a 党支部."""
    for kind in (OrganisationKind.COMMITTEE, OrganisationKind.GENERAL_BRANCH, OrganisationKind.GROUP):
        if name.endswith(kind.value):
            return kind
    return OrganisationKind.BRANCH


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
    """The branch named by "某公司党委/检修党支部": every missing node is made. A single name finds an existing branch anywhere."""
    names = [name.strip() for name in path.replace("／", "/").split("/") if name.strip()]
    if len(names) == 1:
        known = session.scalars(select(Organisation).where(Organisation.name == names[0])).all()
        if len(known) == 1:
            return known[0]
    node: Organisation | None = None
    for name in names:
        node = ensure(session, name, parent=node)
    if node is None:
        raise ValueError("empty path")
    return node
