"""What members want answered in a seminar (集中学习专题研讨), and what was answered."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class SeminarQuestion(Base):
    """One question for one activity. ``number`` counts from 1 in each activity and stays; ``place`` is where it stands in the order of talk.

    ``asker_id`` is kept for an anonymous question too, because the answer goes back to its asker; whoever was erased leaves it empty.
    """

    __tablename__ = "seminar_question"
    __table_args__ = (UniqueConstraint("activity_id", "number"),)

    id: Mapped[Key]
    activity_id: Mapped[int] = mapped_column(ForeignKey("activity.id"))
    number: Mapped[int]
    place: Mapped[int]
    asker_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"), index=True)
    anonymous: Mapped[bool] = mapped_column(default=False)
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    answer: Mapped[str] = mapped_column(Text, default="")
    speaker_id: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    answered_by: Mapped[int | None] = mapped_column(ForeignKey("member.id"))
    answered_at: Mapped[datetime | None]
