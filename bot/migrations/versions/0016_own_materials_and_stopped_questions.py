"""own materials and stopped questions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import bot.db

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "own_material",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("branch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("words", sa.JSON(), nullable=False),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.Column("removed_at", bot.db.UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["author_id"], ["member.id"], name=op.f("fk_own_material_author_id_member")),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["organisation.id"], name=op.f("fk_own_material_branch_id_organisation")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_material")),
    )
    op.create_index(op.f("ix_own_material_branch_id"), "own_material", ["branch_id"], unique=False)

    op.create_table(
        "stopped_question",
        sa.Column("branch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("question_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", bot.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["branch_id"], ["organisation.id"], name=op.f("fk_stopped_question_branch_id_organisation")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["member.id"], name=op.f("fk_stopped_question_by_id_member")),
        sa.ForeignKeyConstraint(
            ["question_id"], ["question.id"], name=op.f("fk_stopped_question_question_id_question")
        ),
        sa.PrimaryKeyConstraint("branch_id", "question_id", name=op.f("pk_stopped_question")),
    )
