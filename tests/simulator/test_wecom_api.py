"""WeCom's API as the bot's client meets it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.simulator import Platform
from tests.simulator.conftest import BASE, Api, Clock
from tests.simulator.echo import CARD, VOTE


def texts(platform: Platform, who: str) -> list[str]:
    return [bubble.text for bubble in platform.phone(who)]


def test_a_push_lands_on_the_phones_it_names(platform: Platform, api: Api) -> None:
    answer = api.send("ZhangWei|guli", "明天停电检修")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "")
    assert answer["msgid"]
    assert texts(platform, "张伟") == texts(platform, "古丽") == ["明天停电检修"]
    assert texts(platform, "李明") == []
    assert platform.phone("张伟")[0].pushed


def test_everybody_can_be_named_at_once(platform: Platform, api: Api) -> None:
    api.send("@all", "通知")
    assert all(texts(platform, person.name) == ["通知"] for person in platform.world.people)


def test_unknown_people_are_named_in_lower_case_and_the_others_get_it(platform: Platform, api: Api) -> None:
    answer = api.send("zhangwei|Nobody|GHOST", "通知")
    assert (answer["errcode"], answer["invaliduser"]) == (0, "nobody|ghost")
    assert texts(platform, "张伟") == ["通知"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"touser": "nobody|ghost"}, 81013),
        ({"touser": ""}, 82001),
        ({"agentid": 1}, 40056),
        ({"msgtype": "poem"}, 40008),
        ({"text": {"content": ""}}, 44004),
        ({"msgtype": "news"}, 40058),
        ({"msgtype": "news", "news": {"articles": [{"title": ""}]}}, 41016),
        ({"msgtype": "image", "image": {"media_id": "nothing"}}, 40007),
        ({"touser": "|".join(f"u{number}" for number in range(1001))}, 40058),
    ],
)
def test_a_wrong_send_is_refused(platform: Platform, api: Api, order: dict[str, Any], code: int) -> None:
    right = {"touser": "zhangwei", "agentid": 1000002, "msgtype": "text", "text": {"content": "甲"}}
    assert api.post("message/send", right | order)["errcode"] == code
    assert texts(platform, "张伟") == []


def test_what_is_no_json_is_refused(api: Api) -> None:
    url = f"{BASE}/message/send"
    answer = api.sessions["wecom"].post(url, params={"access_token": api.token()}, data=b"<xml/>", timeout=5)
    assert answer.json()["errcode"] == 47001


def test_the_token_stays_the_same_until_it_expires(api: Api, clock: Clock) -> None:
    first = api.token()
    clock.jump(hours=1)
    assert api.token() == first
    clock.jump(hours=1)
    assert api.token() != first
    order = {"touser": "zhangwei", "agentid": 1000002, "msgtype": "text", "text": {"content": "甲"}}
    assert api.post("message/send", order, token=first)["errcode"] == 42001


def test_tokens_can_be_expired_and_revoked_at_will(platform: Platform, api: Api) -> None:
    token = api.token()
    platform.wecom.expire_tokens()
    assert api.get("agent/get", access_token=token, agentid="1000002")["errcode"] == 42001
    token = api.token()
    assert api.get("agent/get", access_token=token, agentid="1000002")["errcode"] == 0
    platform.wecom.revoke_tokens()
    assert api.get("agent/get", access_token=token, agentid="1000002")["errcode"] == 40014
    assert api.get("agent/get", agentid="1000002")["errcode"] == 41001


def test_a_wrong_secret_gets_no_token(platform: Platform, api: Api) -> None:
    corp = platform.settings()["wecom_corp_id"]
    assert api.get("gettoken", corpid=corp, corpsecret="guess")["errcode"] == 40001
    assert api.get("gettoken", corpid="ww0", corpsecret="guess")["errcode"] == 40013


def test_the_same_message_is_not_delivered_twice_while_checked(
    platform: Platform, api: Api, clock: Clock
) -> None:
    first = api.send(text="甲", enable_duplicate_check=1)
    assert api.send(text="甲", enable_duplicate_check=1) == first
    assert texts(platform, "张伟") == ["甲"]
    clock.jump(seconds=1801)
    api.send(text="甲", enable_duplicate_check=1)
    assert texts(platform, "张伟") == ["甲", "甲"]


def test_without_the_check_the_same_message_is_delivered_again(platform: Platform, api: Api) -> None:
    api.send(text="甲")
    api.send(text="甲")
    assert texts(platform, "张伟") == ["甲", "甲"]


def test_a_refused_message_is_not_taken_for_a_repeat(platform: Platform, api: Api) -> None:
    platform.fail(-1)
    assert api.send(text="甲", enable_duplicate_check=1)["errcode"] == -1
    assert api.send(text="甲", enable_duplicate_check=1)["errcode"] == 0
    assert texts(platform, "张伟") == ["甲"]


def test_more_than_thirty_a_minute_disappear_silently(platform: Platform, api: Api, clock: Clock) -> None:
    answers = [api.send(text=f"第 {number} 条") for number in range(31)]
    assert {answer["errcode"] for answer in answers} == {0}
    assert [one.side for one in platform.phone("张伟")].count("bot") == 30
    clock.jump(seconds=61)
    api.send(text="再来")
    assert texts(platform, "张伟")[-1] == "再来"


def test_a_text_over_the_limit_is_cut_on_a_border(platform: Platform, api: Api) -> None:
    api.send(text="党" * 700)
    assert texts(platform, "张伟")[-1] == "党" * 682


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"task_id": ""}, 42014),
        ({"task_id": "有汉字"}, 42014),
        ({"task_id": "x" * 129}, 42014),
        ({"main_title": {}}, 41016),
        ({"button_list": []}, 40058),
        ({"button_list": [{"text": "甲", "key": str(number)} for number in range(7)]}, 40058),
        ({"button_list": [{"text": "甲", "key": "同"}, {"text": "乙", "key": "同"}]}, 40058),
        ({"card_type": "text_notice"}, 40058),
        ({"horizontal_content_list": [{"keyname": "甲", "value": "乙"}] * 7}, 40058),
    ],
)
def test_a_card_of_a_wrong_shape_is_refused(api: Api, change: dict[str, Any], code: int) -> None:
    assert api.card({**CARD, "task_id": "t1", **change})["errcode"] == code


def test_a_vote_needs_options_and_a_submit_button(api: Api) -> None:
    assert (
        api.card({**VOTE, "task_id": "t1", "checkbox": {"question_key": "q", "option_list": []}})["errcode"]
        == 40058
    )
    assert api.card({**VOTE, "task_id": "t1", "submit_button": {}})["errcode"] == 40058
    assert api.card({**VOTE, "task_id": "t1"})["errcode"] == 0


def test_a_task_id_is_used_once(api: Api) -> None:
    assert api.card({**CARD, "task_id": "t1"})["errcode"] == 0
    assert api.card({**CARD, "task_id": "t1"})["errcode"] == 42014


def test_a_card_is_changed_for_those_named_and_the_code_works_once(platform: Platform, api: Api) -> None:
    code = api.card({**CARD, "task_id": "t1"}, "zhangwei|guli")["response_code"]
    order = {
        "userids": ["zhangwei"],
        "agentid": 1000002,
        "response_code": code,
        "button": {"replace_name": "已报名"},
    }
    assert api.post("message/update_template_card", order)["errcode"] == 0
    assert platform.phone("张伟")[-1].card["replaced"] == "已报名"
    assert "replaced" not in platform.phone("古丽")[-1].card
    assert api.post("message/update_template_card", order)["errcode"] != 0


def test_a_code_is_too_old_after_three_days(api: Api, clock: Clock) -> None:
    code = api.card({**CARD, "task_id": "t1"})["response_code"]
    clock.jump(hours=73)
    order = {"userids": ["zhangwei"], "response_code": code, "button": {"replace_name": "已报名"}}
    assert api.post("message/update_template_card", order)["errcode"] != 0


def test_a_card_may_become_another_card(platform: Platform, api: Api) -> None:
    code = api.card({**VOTE, "task_id": "t1"})["response_code"]
    new = {**CARD, "task_id": "t1", "main_title": {"title": "正确"}}
    order = {"userids": ["zhangwei"], "response_code": code, "template_card": new}
    assert api.post("message/update_template_card", order)["errcode"] == 0
    assert platform.phone("张伟")[-1].card["card_type"] == "button_interaction"
    assert texts(platform, "张伟")[-1].startswith("正确")


def test_a_message_can_be_recalled_within_a_day(platform: Platform, api: Api, clock: Clock) -> None:
    first = api.send("zhangwei|guli", "发错了")["msgid"]
    assert api.post("message/recall", {"msgid": first})["errcode"] == 0
    assert platform.phone("张伟")[-1].recalled
    assert platform.phone("古丽")[-1].recalled
    second = api.send(text="又错了")["msgid"]
    clock.jump(hours=25)
    assert api.post("message/recall", {"msgid": second})["errcode"] != 0
    assert not platform.phone("张伟")[-1].recalled


MENU = [
    {"type": "click", "name": "今日学习", "key": "今日学习"},
    {"name": "主题党日", "sub_button": [{"type": "click", "name": "报名", "key": "报名"}]},
]


def test_a_menu_can_be_made_read_tapped_and_taken_away(platform: Platform, api: Api) -> None:
    assert api.post("menu/create", {"button": MENU})["errcode"] == 0
    assert api.get("menu/get", access_token=api.token())["button"] == MENU
    platform.click("张伟", "报名")
    assert texts(platform, "张伟")[0] == "点了菜单「报名」"
    assert api.get("menu/delete", access_token=api.token())["errcode"] == 0
    assert platform.wecom.menu == []


@pytest.mark.parametrize(
    ("buttons", "code"),
    [
        ([], 40016),
        ([MENU[0]] * 4, 40016),
        ([{"name": "一二三四五六", "type": "click", "key": "k"}], 40018),
        ([{"name": "甲", "sub_button": [MENU[0]] * 6}], 40023),
        ([{"name": "甲", "type": "click"}], 40019),
        ([{"name": "甲", "type": "view"}], 40020),
        ([{"name": "甲"}], 40017),
    ],
)
def test_a_menu_over_the_limits_is_refused(api: Api, buttons: list[Any], code: int) -> None:
    assert api.post("menu/create", {"button": buttons})["errcode"] == code


def test_a_picture_sent_by_a_member_can_be_fetched_for_three_days(
    platform: Platform, api: Api, bot: Any, clock: Clock
) -> None:
    platform.send_image("张伟", b"\x89PNG picture")
    query = {"access_token": api.token(), "media_id": bot.heard[-1].media_id}
    answer = api.sessions["wecom"].get(f"{BASE}/media/get", params=query, timeout=5)
    assert (answer.content, answer.headers["Content-Type"]) == (b"\x89PNG picture", "image/png")
    clock.jump(days=3)
    assert api.get("media/get", access_token=api.token(), media_id=query["media_id"])["errcode"] == 40007


def test_an_uploaded_picture_can_be_sent(platform: Platform, api: Api) -> None:
    query = {"access_token": api.token(), "type": "image"}
    files = {"media": ("积分.png", b"\x89PNG picture", "image/png")}
    answer = api.sessions["wecom"].post(f"{BASE}/media/upload", params=query, files=files, timeout=5).json()
    api.send(msgtype="image", image={"media_id": answer["media_id"]})
    stored = platform.world.media(platform.phone("张伟")[-1].media)
    assert stored is not None
    assert (stored.content, stored.mimetype) == (b"\x89PNG picture", "image/png")


def test_an_unknown_call_is_an_error_that_names_it(api: Api) -> None:
    assert "user/list" in api.post("user/list", {})["errmsg"]
