"""a transfer or a change of status may come from a roster, which nobody in the bot entered"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("status_change", "transfer"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("by_id", existing_type=sa.INTEGER(), nullable=True)


def downgrade() -> None:
    for table in ("transfer", "status_change"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column("by_id", existing_type=sa.INTEGER(), nullable=False)
