"""The menus: which words are offered to whom."""

from __future__ import annotations

from dataclasses import dataclass

from content import ROOT, ContentError, read_toml

MOST = 8


@dataclass(frozen=True, slots=True)
class Menu:
    """The words offered to members, to people in charge, and by the platform's own menu; ``more_…`` is what 更多 shows."""

    member: tuple[str, ...]
    secretary: tuple[str, ...]
    platform: tuple[str, ...]
    more_member: tuple[str, ...]
    more_secretary: tuple[str, ...]


def load() -> Menu:
    """The shipped menus."""
    raw = read_toml(ROOT / "menu.toml")
    menu = Menu(**{name: tuple(words) for name, words in raw.items()})
    if max(map(len, raw.values())) > MOST:
        raise ContentError("menu.toml", f"菜单最多 {MOST} 行")
    return menu
