"""One message, one transaction, one reply: menus, duplicates, order, refusals."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from datetime import timedelta

from sqlalchemy import select

from bot.app import App
from bot.chat import Kind, Message
from bot.clock import Clock
from bot.models.study import StudyRecord
from content.menu import load as load_menu
from tests.chat import Phone, PhoneBook
from tests.conftest import restarted


def test_the_menu_depends_on_the_role(phone: PhoneBook, secretary: Phone) -> None:
    assert "发布主题党日" in secretary("菜单")
    assert "发布主题党日" not in phone("张伟")("菜单")


def test_more_leads_to_what_the_menu_has_no_room_for(phone: PhoneBook, secretary: Phone) -> None:
    for one, word in ((phone("张伟"), "日历"), (secretary, "堡垒指数")):
        assert "更多" in one("菜单")
        answer = one("更多")
        lines = answer.splitlines()
        assert len(lines) == 10
        number = next(line.split()[0] for line in lines if line.endswith(word))
        assert word in one(number)
    zhang = phone("张伟")
    zhang.script(("谢谢", "不客气"), ("你是谁", "1 今日学习"))


def test_every_word_of_the_menus_is_a_command(bot: App) -> None:
    for words in astuple(load_menu()):
        assert {word for word in words if bot.routes.command(word) is None} == set()


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


def test_many_messages_of_one_member_at_once_are_all_handled(bot: App, phone: PhoneBook) -> None:
    zhang = phone("张伟")
    zhang("菜单")
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda n: zhang(f"登记 学习强国 {n}分钟"), range(10, 22)))
    assert all("已登记" in answer for answer in answers), answers
    with bot.database.read() as session:
        minutes = session.scalars(select(StudyRecord.minutes)).all()
    assert sorted(minutes) == list(range(10, 22))


def test_one_message_delivered_many_times_at_once_happens_once(bot: App, phone: PhoneBook) -> None:
    zhang = phone("张伟")
    message = Message(
        "delivered thrice", "wecom", zhang.account, Kind.TEXT, bot.clock(), "登记 学习强国 25分钟"
    )
    with ThreadPoolExecutor(6) as threads:
        answers = {reply.text for reply in threads.map(bot.dispatch, [message] * 6) if reply}
    assert len(answers) == 1
    with bot.database.read() as session:
        assert session.scalars(select(StudyRecord.minutes)).all() == [25]


def test_a_dialogue_goes_on_after_a_restart(bot: App, phone: PhoneBook) -> None:
    zhang = phone("张伟")
    first = zhang("专项 安规")
    bot.database.dispose()
    again = restarted(bot)
    zhang.app = again
    assert zhang("继续") == first
    again.database.dispose()


def test_an_undo_is_taken_once_and_only_within_five_minutes(phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang.script(("登记 学习强国 25分钟", "已登记"), ("撤销", "已撤销"), ("撤销", "没有可以撤销"))
    zhang("登记 学习强国 25分钟")
    clock.sleep(timedelta(minutes=5, seconds=1))
    zhang.script(("撤销", "没有可以撤销"))


def test_what_was_just_asked_for_is_not_pointed_to_once_more(phone: PhoneBook, secretary: Phone) -> None:
    secretary.script(("通知 张伟 明天停电 需回执", "预览"), ("确认", "正在发送"))
    secretary.script(("通知 张伟 后天停电 需回执", "预览"), ("确认", "正在发送"))
    answer = phone("张伟")("收到")
    assert "有 2 条通知等您确认" in answer
    assert "——" not in answer


def test_a_question_for_what_follows_a_word_does_not_outlive_another_command(phone: PhoneBook) -> None:
    zhang = phone("张伟")
    zhang.script(("提问", "请发送问题"), ("积分", "张伟"), ("继续", "没有没做完的事"))
    zhang.script(("提问", "请发送问题"), ("继续", "请发送问题"), ("退出", "已退出提问"))


def test_a_waiting_thing_is_shown_once_a_day(phone: PhoneBook, clock: Clock) -> None:
    zhang = phone("张伟")
    zhang("专项 安规")
    assert "回复 继续" in zhang("积分")
    assert "回复 继续" not in zhang("积分")
    clock.sleep(timedelta(days=1) - timedelta(minutes=1))
    assert "回复 继续" in zhang("积分")
