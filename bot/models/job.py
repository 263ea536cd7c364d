"""What ran when, and the platform's access tokens."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base


class JobRun(Base):
    """One slot of one job, claimed by one node. A claim without an end is swept and run again."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[datetime] = mapped_column(primary_key=True)
    node: Mapped[str]
    claimed_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(default="")


class PlatformToken(Base):
    """One access token per application, shared by all processes; ``leased_until`` lets one of them renew it."""

    __tablename__ = "platform_token"

    application: Mapped[str] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(Text, default="")
    expires_at: Mapped[datetime | None]
    leased_until: Mapped[datetime | None]
