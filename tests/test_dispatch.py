"""One message, one transaction, one reply: menus, duplicates, order, refusals."""

from __future__ import annotations

from bot.app import App
from bot.chat import Kind
from tests.chat import Phone, PhoneBook


def test_the_menu_depends_on_the_role(phone: PhoneBook, secretary: Phone) -> None:
    assert "发布主题党日" in secretary("菜单")
    assert "发布主题党日" not in phone("张伟")("菜单")


def test_a_repeated_delivery_gets_the_first_answer(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    first = zhang("菜单")
    assert zhang.again() == first


def test_leaving_without_a_dialogue_is_answered(phone: PhoneBook) -> None:
    phone("张伟").script(("退出", "没有进行中"), ("继续", "没有没做完"), ("撤销", "没有可以撤销"))




def test_pictures_and_places_get_a_sensible_answer(phone: PhoneBook) -> None:
    assert "位置" in phone("张伟").send(kind=Kind.LOCATION)


def test_every_example_leads_to_its_own_command(bot: App) -> None:
    from bot import nlu

    for command in bot.routes.router.commands:
        for example in command.examples:
            found = bot.routes.command(nlu.clean(example))
            matches = [found] if found else bot.routes.by_keywords(nlu.clean(example))
            assert [m.command.word for m in matches] == [command.word], example
