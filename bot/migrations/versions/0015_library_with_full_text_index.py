"""library with full text index"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# The words are cut by jieba beforehand, so both indexes only part them at blanks. FTS5 is rebuilt when the library is filled.
INDEX = {
    "sqlite": (
        "CREATE VIRTUAL TABLE library_search USING fts5(words, content='library_entry', content_rowid='id',"
        " tokenize='unicode61 remove_diacritics 0')",
    ),
    "postgresql": (
        "ALTER TABLE library_entry ADD COLUMN library_search tsvector"
        " GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED",
        "CREATE INDEX library_search_index ON library_entry USING gin (library_search)",
    ),
}


def upgrade() -> None:
    op.create_table(
        "library_entry",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=255), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("confidence", sa.String(length=255), nullable=False),
        sa.Column("material", sa.Boolean(), nullable=False),
        sa.Column("asks", sa.JSON(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("edition", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_library_entry")),
        sa.UniqueConstraint("code", name=op.f("uq_library_entry_code")),
    )
    op.create_table(
        "library_word",
        sa.Column("word", sa.String(length=255), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_library_word")),
    )
    for statement in INDEX[op.get_bind().dialect.name]:
        op.execute(statement)
