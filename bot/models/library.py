"""What 提问 searches: clauses and passages of the study materials, with their words cut beforehand."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Text
from sqlalchemy.orm import Mapped, mapped_column

from bot.db import Base, Key


class LibraryEntry(Base):
    """One clause or passage as it is quoted.

    ``words`` are all its words with blanks between; over them the migration keeps an index that the models do not show: an FTS5 table on
    SQLite, a tsvector with GIN on PostgreSQL. ``asks`` are the ways of asking for it, each as a list of words. ``edition`` is the digest of
    the whole content that the row was made from.
    """

    __tablename__ = "library_entry"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    confidence: Mapped[str]
    material: Mapped[bool]
    asks: Mapped[list[Any]]
    words: Mapped[str] = mapped_column(Text)
    edition: Mapped[str]


class LibraryWord(Base):
    """A word of the library: in how many entries it stands, and how much it tells (rare words more)."""

    __tablename__ = "library_word"

    word: Mapped[str] = mapped_column(primary_key=True)
    entries: Mapped[int]
    weight: Mapped[float]
