"""The organisation tree: 党委 → 党总支 → 党支部 → 党小组."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class OrganisationKind(StrEnum):
    """A level of the tree."""

    COMMITTEE = "党委"
    GENERAL_BRANCH = "党总支"
    BRANCH = "党支部"
    GROUP = "党小组"


class Organisation(Base):
    """One node. ``path`` ("/1/3/") names all nodes above, so that one comparison scopes a query to a subtree.

    A merged node stays for its records and says where its people went.
    """

    __tablename__ = "organisation"
    __table_args__ = (UniqueConstraint("parent_id", "name"),)

    id: Mapped[Key]
    name: Mapped[str]
    kind: Mapped[OrganisationKind]
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    path: Mapped[str] = mapped_column(index=True, default="")
    merged_into_id: Mapped[int | None]


class BranchSetting(Base):
    """How a branch wants to be reminded; a branch without a row has the defaults of :mod:`bot.services.setting`."""

    __tablename__ = "branch_setting"

    branch_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"), primary_key=True)
    values: Mapped[dict[str, Any]] = mapped_column(default=dict)
