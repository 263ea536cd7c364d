"""The phones in a real browser, over real HTTP, with the echo bot behind them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server

from bot.simulator import Person, Platform
from bot.simulator.cast import PHONES
from bot.simulator.page import Controls, blueprint
from bot.simulator.wire import API_PATHS, over_http
from tests.simulator.conftest import Clock
from tests.simulator.echo import EchoBot, over_requests

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>"


class Demo:
    """Bot, platform and page on one port."""

    def __init__(self, clock: Clock) -> None:
        self.server = make_server(
            "127.0.0.1", 0, lambda environ, start: self.app(environ, start), threaded=True
        )
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        people = (*PHONES[:3], Person(EVIL, "liming", EVIL, (EVIL,)))
        self.platform = Platform(people, over_http(self.base), clock.now, base_url=self.base)
        self.session = requests.Session()
        self.session.trust_env = False
        self.bot = EchoBot(
            self.platform.settings(), over_requests(self.session, self.base + API_PATHS["wecom"])
        )
        self.app = self.bot.app()
        self.app.register_blueprint(blueprint(self.platform, Controls(clock.now, self.jump, lambda: None)))
        self.clock, self.jumped = clock, threading.Event()
        self.platform.wecom.menu = [{"name": "我的", "type": "click", "key": "我的"}]

    def jump(self, to: Any) -> None:
        """Wait until the test has seen the progress line, then be there."""
        self.jumped.wait(10)
        self.clock.at = to
        self.bot.send({"touser": "@all", "msgtype": "text", "text": {"content": "早上好"}})


@pytest.fixture
def demo(clock: Clock) -> Iterator[Demo]:
    demo = Demo(clock)
    thread = threading.Thread(target=demo.server.serve_forever, daemon=True)
    thread.start()
    yield demo
    demo.session.close()
    demo.server.shutdown()
    thread.join()
    demo.server.server_close()


def test_the_whole_way_over_http(demo: Demo) -> None:
    assert demo.platform.say("张伟", "你好").text == "您说：你好"
    demo.bot.send({"touser": "zhangwei", "msgtype": "text", "text": {"content": "通知"}})
    assert demo.platform.phone("张伟")[-1].text == "通知"


def test_nobody_at_the_other_end_is_seen_as_such(demo: Demo) -> None:
    demo.platform.delivery.post = over_http("http://127.0.0.1:9")
    assert demo.platform.say("张伟", "你好").attempts == 4
    assert demo.platform.phone("张伟")[-1].text == "连接不上，平台不再重发"


def test_a_broken_connection_breaks_over_http_too(demo: Demo) -> None:
    demo.platform.close()
    with pytest.raises(requests.exceptions.RequestException):
        demo.bot.send({"touser": "zhangwei", "msgtype": "text", "text": {"content": "通知"}})
    assert demo.platform.phone("张伟") == []


def test_dripping_bytes_arrive_in_the_end(demo: Demo) -> None:
    demo.platform.drip(0.001)
    assert (
        demo.bot.send({"touser": "zhangwei", "msgtype": "text", "text": {"content": "通知"}})["errcode"] == 0
    )


@pytest.fixture
def page(demo: Demo) -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.complaints = []
        page.on("console", lambda line: page.complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("dialog", lambda dialog: page.complaints.append("a script ran"))
        page.goto(f"{demo.base}/simulator/")
        page.locator(".phone").nth(3).wait_for()
        yield page
        assert page.complaints == []
        browser.close()


def say(page: Any, who: str, text: str) -> None:
    page.locator(f"#phone-{who} .keyboard input").fill(text)
    page.keyboard.press("Enter")


def heard(page: Any, who: str, text: str) -> None:
    page.locator(f"#phone-{who} .row.bot", has_text=text).last.wait_for()


def test_a_word_and_a_push_cross_the_phones(page: Any) -> None:
    say(page, "wangjianguo", "通知 明天停电")
    heard(page, "wangjianguo", "您说：通知 明天停电")
    heard(page, "guli", "通知 明天停电")
    page.locator("#phone-guli .menu button").click()
    heard(page, "guli", "收到event")


def test_script_in_a_name_or_a_text_is_shown_as_text(page: Any) -> None:
    assert page.locator("#phone-liming h2").text_content() == EVIL
    say(page, "liming", EVIL)
    heard(page, "liming", EVIL)
    page.locator("#phone-liming .hints button").click()
    page.locator("#phone-liming .row.bot").nth(1).wait_for()
    assert page.locator("#phone-liming .thread img, #phone-liming .thread script").count() == 0


def test_a_vote_is_ticked_submitted_and_changed(page: Any, demo: Demo) -> None:
    say(page, "zhangwei", "投票")
    card = page.locator("#phone-zhangwei .card")
    card.get_by_text("直接挂接地线").click()
    card.get_by_role("button", name="提交").click()
    heard(page, "zhangwei", "收到unknown")
    [bubble] = [one for one in demo.platform.phone("张伟") if one.kind == "card"]
    assert bubble.card["chosen"] == ["B"]
    demo.platform.wecom.change_card(bubble, button="已提交")
    card.get_by_text("已提交").wait_for()
    assert card.get_by_role("button").count() == 0


def test_a_built_in_picture_can_be_sent(page: Any) -> None:
    page.locator("#phone-zhangwei").get_by_label("发送图片").click()
    page.locator("#phone-zhangwei").get_by_text("会议现场").click()
    heard(page, "zhangwei", "收到image")
    page.wait_for_function("document.querySelector('#phone-zhangwei .picture img').naturalWidth === 480")


def test_a_jump_shows_that_it_runs_and_then_the_new_time(page: Any, demo: Demo) -> None:
    page.get_by_role("button", name="下一小时").click()
    page.get_by_text("正在快进到").wait_for()
    demo.jumped.set()
    heard(page, "liming", "早上好")
    page.get_by_text("正在快进到").wait_for(state="hidden")
    page.locator("#clock", has_text="07:26").wait_for()


def test_everything_is_reached_with_the_keyboard(page: Any) -> None:
    order = json.loads(
        page.evaluate(
            """JSON.stringify([...document.querySelectorAll('button, input, [tabindex]')]
            .filter((node) => node.checkVisibility() && !node.disabled && node.tabIndex >= 0)
            .map((node) => node.textContent.trim() || node.ariaLabel || node.className || node.placeholder))"""
        )
    )
    page.locator("body").press("Tab")
    seen = 0
    for _ in range(len(order) + 5):
        outline = page.evaluate(
            "document.activeElement === document.body ? '' : getComputedStyle(document.activeElement).outlineStyle"
        )
        if not outline:
            break
        assert outline == "solid"
        seen += 1
        page.keyboard.press("Tab")
    assert seen >= len(order)


@pytest.mark.parametrize("width", [360, 768, 1080, 1440])
def test_nothing_is_wider_than_the_screen(page: Any, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    say(page, "wangjianguo", "https://example.com/" + "a" * 200)
    heard(page, "wangjianguo", "您说")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    visible = [one.is_visible() for one in page.locator(".phone").all()]
    assert sum(visible) == (4 if width >= 1080 else 1)


def test_on_a_narrow_screen_the_tabs_choose_the_phone_and_count_news(page: Any, demo: Demo) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    demo.platform.say("古丽", "你好")
    badge = page.get_by_role("tab", name="古丽").locator(".badge")
    badge.wait_for()
    assert badge.text_content() == "1"
    page.get_by_role("tab", name="王建国").press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert page.locator("#phone-guli").is_visible()
    assert badge.is_hidden()


def test_the_official_account_has_a_thread_of_its_own(page: Any) -> None:
    say(page, "zhangwei", "企业微信里说")
    heard(page, "zhangwei", "企业微信里说")
    page.get_by_role("switch", name="公众号模式").click()
    page.locator("#phone-zhangwei .sub", has_text="48 小时窗口未开").wait_for()
    assert page.locator("#phone-zhangwei .row").count() == 0
    say(page, "zhangwei", "公众号里说")
    heard(page, "zhangwei", "公众号里说")
    page.locator("#phone-zhangwei .sub", has_text="5 条").wait_for()


def test_the_guide_stays_away_once_closed(page: Any) -> None:
    page.get_by_role("button", name="收起三步上手").click()
    page.reload()
    page.locator(".phone").nth(3).wait_for()
    assert page.locator("#guide").is_hidden()
    page.get_by_role("button", name="怎么玩").click()
    assert page.locator("#guide").is_visible()
