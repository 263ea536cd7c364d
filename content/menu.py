"""The menus: which words are offered to whom."""

from __future__ import annotations

from dataclasses import dataclass

from content import ROOT, ContentError, read_toml

MOST = 8


@dataclass(frozen=True, slots=True)
class Menu:
    """The words offered to members, to people in charge, and by the platform's own menu."""

    member: tuple[str, ...]
    secretary: tuple[str, ...]
    platform: tuple[str, ...]


def load() -> Menu:
    """The shipped menus."""
    raw = read_toml(ROOT / "menu.toml")
    menu = Menu(tuple(raw["member"]), tuple(raw["secretary"]), tuple(raw["platform"]))
    if max(len(menu.member), len(menu.secretary)) > MOST:
        raise ContentError("menu.toml", f"菜单最多 {MOST} 行")
    return menu
