"""Who did what to whom, when, from which channel. Rows are added, never edited."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class AuditEntry(Base):
    """One act of somebody in charge, or by the operator on the command line (no actor)."""

    __tablename__ = "audit_entry"

    id: Mapped[Key]
    at: Mapped[datetime] = mapped_column(index=True)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    subject_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    branch_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    channel: Mapped[str]
    act: Mapped[str]
    detail: Mapped[str] = mapped_column(Text, default="")
