"""For gunicorn, granian and the like: ``bot.wsgi:application``. Run the jobs beside it with ``zhibu jobs``."""

from __future__ import annotations

from bot.app import build, create_flask, prepare, warm
from bot.config import Settings

_settings = Settings.from_env()
_settings.require_real_secret()
_app = build(_settings)
if _app.database.sqlite:
    prepare(_app)
warm(_app)
application = create_flask(_app)
