"""README's tables and its week, made from the code: ``python -m tests.readme`` rewrites them, and a test checks that they are current."""

from __future__ import annotations

import importlib
from pathlib import Path

from bot.app import modules
from bot.chat import Command, Router
from bot.config import PREFIX, Settings

README = Path(__file__).parent.parent / "README.md"

MEANINGS = {
    "database_url": "`sqlite:///path` or `postgresql://…`",
    "database_pooled": "`true` when a pooler in transaction mode (PgBouncer) stands before PostgreSQL",
    "secret_key": "at least 16 random characters; signs links and encrypts phone numbers",
    "base_url": "where the platform and members' phones reach this server",
    "timezone": "in which times are shown and understood",
    "holidays": "a `.toml` or `.xlsx` file with your own holidays and make-up days, over those shipped",
    "wecom_corp_id": "企业ID; setting it switches WeCom on",
    "wecom_agent_id": "the application's AgentId",
    "wecom_secret": "the application's Secret",
    "wecom_token": "Token of the callback",
    "wecom_aes_key": "EncodingAESKey of the callback (43 characters)",
    "wecom_api_base": "for private deployments",
    "oa_app_id": "AppID; setting it switches the Official Account on",
    "oa_secret": "AppSecret",
    "oa_token": "Token of the callback",
    "oa_aes_key": "EncodingAESKey of the callback (43 characters)",
    "oa_api_base": "for a proxy",
}


def settings_table() -> str:
    """Every setting with its default and meaning."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        secret = "SecretStr" in str(field.annotation)
        default = "(secret)" if secret else f"`{field.default}`" if field.default else ""
        lines.append(f"| `{PREFIX}{name.upper()}` | {default} | {MEANINGS[name]} |")
    return "\n".join(lines)


def commands_table() -> str:
    """Every command by feature, with an example and who may."""
    import handlers

    lines = ["| feature | say | for |", "|---|---|---|"]
    for module in modules(handlers):
        router = getattr(importlib.import_module(module.__name__), "router", None)
        if isinstance(router, Router) and router.commands:
            title = (module.__doc__ or "").split("：")[0].split("。")[0].strip()
            for needs in sorted({c.needs for c in router.commands}, key=str):
                commands = [c for c in router.commands if c.needs == needs]
                lines.append(
                    f"| {title} | {'；'.join(_said(c) for c in commands)} | {needs.value if needs else '所有人'} |"
                )
    return "\n".join(lines)


def _said(command: Command) -> str:
    example = command.examples[0]
    return f"`{example}`"


def render(text: str) -> str:
    """README with its tables made anew."""
    for name, table in (("settings", settings_table()), ("commands", commands_table())):
        text = _between(name, table, text)
    return text


def with_week(text: str, transcript: str) -> str:
    """README with a member's week (tests/week.py) as it was played."""
    return _between("week", f"```text\n{transcript}\n```", text)


def _between(name: str, new: str, text: str) -> str:
    head, _, rest = text.partition(f"<!-- {name} -->")
    tail = rest.partition(f"<!-- /{name} -->")[2]
    return f"{head}<!-- {name} -->\n{new}\n<!-- /{name} -->{tail}"


if __name__ == "__main__":
    from tests import week

    whole = with_week(render(README.read_text(encoding="utf-8")), week.played_alone())
    README.write_text(whole, encoding="utf-8")
