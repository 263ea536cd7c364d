"""What the conditions of :meth:`bot.chat.Router.waiting` may use: they are asked of many members at once, in one statement that is built once."""

from __future__ import annotations

from sqlalchemy import BindParameter, bindparam

from bot.db import UtcDateTime

NOW = bindparam("now", type_=UtcDateTime())
MEMBERS: BindParameter[int] = bindparam("members", expanding=True)
