"""Photos that belong to claims: fetched from the platform, made small and clean, kept until the member is erased."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class ClaimPhoto(Base):
    """The photo of a claim or an appeal. ``media`` is the platform's id on ``channel``, where it lies for three days.

    ``body`` is the JPEG that is kept, without what a camera writes into it (place, device, time), and ``digest`` its SHA-256; both are None until
    it was fetched. ``trouble`` says why it could not be, and then nothing more is tried.
    """

    __tablename__ = "claim_photo"

    id: Mapped[Key]
    claim_id: Mapped[int] = mapped_column(ForeignKey("claim.id"), unique=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("member.id"), index=True)
    channel: Mapped[str]
    media: Mapped[str]
    at: Mapped[datetime]
    body: Mapped[bytes | None] = mapped_column(deferred=True)
    digest: Mapped[str | None] = mapped_column(index=True)
    trouble: Mapped[str] = mapped_column(default="")
