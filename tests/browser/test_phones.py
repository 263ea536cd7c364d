"""The demo in a real browser: one phone publishes, another signs up and checks in, and the pushes are seen. It also makes README's picture."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bot import demo
from tests.conftest import SHANGHAI

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-background-networking"]
PICTURE = Path(__file__).with_name("phones.png")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A running demo whose clock stands at Monday 2026-11-23 09:00."""
    with demo.running(tmp_path, start=datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)) as running:
        yield running.app.settings.base_url
    assert running.platform.problems == []


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    """The page with the four phones; an error on its console fails the test."""
    if not CHROMIUM.exists():
        pytest.skip("no Chromium on this machine")
    driver = pytest.importorskip("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        context = browser.new_context(
            viewport={"width": 1440, "height": 900}, locale="zh-CN", timezone_id="Asia/Shanghai"
        )
        page = context.new_page()
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(f"{address}/simulator/")
        page.locator(".phone").nth(3).wait_for()
        yield page
        browser.close()
    assert errors == []


def say(page: Any, who: str, text: str, *expected: str) -> str:
    """Type into somebody's phone, press Enter, and wait for an answer with all the expected parts."""
    rows = page.locator(f"#phone-{who} .row.bot")
    before = rows.count()
    page.locator(f"#phone-{who} .keyboard input").fill(text)
    page.keyboard.press("Enter")
    rows.nth(before).wait_for()
    for part in expected:
        page.locator(f"#phone-{who} .row.bot", has_text=part).last.wait_for()
    answers: list[str] = rows.all_inner_texts()
    return "\n".join(answers[before:])


def test_a_theme_day_crosses_the_phones(page: Any) -> None:
    say(page, "wangjianguo", "发布主题党日 11月23日11:00 三楼会议室 主题:消防安全进班组", "应到 12 人")
    say(page, "wangjianguo", "确认", "12 人")
    for who in ("zhangwei", "guli", "liming"):
        page.locator(f"#phone-{who} .card", has_text="消防安全进班组").wait_for()
    page.locator("#phone-zhangwei .card button", has_text="报名").first.click()
    page.locator("#phone-zhangwei .card", has_text="已报名").wait_for()
    say(page, "guli", "请假 下乡巡线", "审批")
    page.locator("#phone-wangjianguo .row.bot", has_text="下乡巡线").wait_for()
    say(page, "wangjianguo", "同意 1", "古丽")
    page.locator("#phone-guli .row.bot", has_text="批准").wait_for()

    page.locator("[data-jump=hour]").click()
    page.locator("#clock", has_text="10:00").wait_for()
    page.locator("#phone-zhangwei .row.bot", has_text="11:00").last.wait_for()
    told = say(page, "wangjianguo", "签到码", "口令")
    word = re.search(r"[\u4e00-\u9fff]{2} [\u4e00-\u9fff]{2}", told)
    assert word, told
    say(page, "zhangwei", f"签到 {word[0]}", "签到成功 10:00", "+2 分")
    say(page, "liming", "专项 安规", "1/10")
    say(page, "zhangwei", "积分", "2/25 党员教育管理")
    page.wait_for_timeout(800)
    taken = page.screenshot()
    if "UPDATE_PICTURES" in os.environ:
        PICTURE.write_bytes(taken)


def test_the_page_fits_a_small_phone(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.reload()
    page.locator(".phone:visible").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator("#tabs button", has_text="张伟").click()
    say(page, "zhangwei", "菜单", "今日学习")


def test_the_screen_shows_the_word_of_the_minute(page: Any, address: str) -> None:
    say(page, "wangjianguo", "发布主题党日 11月23日9:30 三楼会议室 主题:消防安全进班组", "应到 12 人")
    say(page, "wangjianguo", "确认", "12 人")
    told = say(page, "wangjianguo", "签到码", "口令")
    link = re.search(rf"{address}/m/screen/\S+", told)
    assert link, told
    screen = page.context.new_page()
    screen.goto(link[0])
    word = re.search(r"[\u4e00-\u9fff]{2} [\u4e00-\u9fff]{2}", told)
    assert word
    screen.locator("#word", has_text=word[0]).wait_for()
    assert screen.locator("#invited").inner_text() == "12"
    screen.locator("#code").wait_for()
    assert screen.goto(link[0].replace("?k=", "?k=x")).status == 403
    screen.close()
