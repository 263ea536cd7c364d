"""photos of minutes are kept here, not only on the platform"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("minute_photo", schema=None) as batch_op:
        batch_op.add_column(sa.Column("body", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("digest", sa.String(length=255), nullable=True))
        batch_op.add_column(sa.Column("trouble", sa.String(length=255), nullable=False, server_default=""))
        batch_op.create_index(batch_op.f("ix_minute_photo_digest"), ["digest"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("minute_photo", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_minute_photo_digest"))
        for name in ("trouble", "digest", "body"):
            batch_op.drop_column(name)
