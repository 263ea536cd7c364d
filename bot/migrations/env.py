"""Run by Alembic: migrations go over the connection that ``bot.migrations.upgrade`` or the tests hand in."""

from alembic import context

import bot.models  # noqa: F401  (completes the metadata)
from bot.db import Base
from bot.migrations import is_modelled

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
    include_name=is_modelled,
)
with context.begin_transaction():
    context.run_migrations()
