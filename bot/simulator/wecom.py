"""WeCom: letters with AgentID, and the API to send, change and recall application messages."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.simulator.account import Account, Credentials
from bot.simulator.cards import ResponseCodes, card_title, check_card
from bot.simulator.envelope import random_letters, to_xml
from bot.simulator.faults import Answer, ApiError, Call, json_answer
from bot.simulator.world import Bubble, Person, World

MAX_USERS = 1000
RECALL = timedelta(hours=24)
DEPARTMENT = 2
KINDS = ("text", "image", "news", "template_card")


class WeCom(Account):
    """A corp's own application. The two limits are those of one member: what is over them disappears without an error."""

    channel = "wecom"
    callback = "/wecom/callback"
    per_minute = 30
    per_hour = 1000

    def __init__(self, world: World, credentials: Credentials, agent_id: int) -> None:
        super().__init__(world, credentials)
        self.agent_id, self.own_name = agent_id, credentials.app_id
        self.names_hidden = False
        self.codes = ResponseCodes(world.now)
        self._task_ids: set[str] = set()
        self._sent_at: dict[str, list[datetime]] = defaultdict(list)
        self._sent: dict[str, datetime] = {}
        self._repeats: dict[str, tuple[datetime, Answer]] = {}
        self.open_routes[("GET", "gettoken")] = self._gettoken
        self.routes |= {
            ("POST", "message/send"): self._send,
            ("POST", "message/update_template_card"): self._update_card,
            ("POST", "message/recall"): self._recall,
            ("GET", "agent/get"): self._agent,
            ("GET", "department/simplelist"): self._departments,
            ("GET", "user/simplelist"): self._colleagues,
        }

    # the bot's webhook

    def letter(self, person: Person, fields: Mapping[str, Any]) -> str:
        """As on an Official Account, with the application's number at the end."""
        head = {"ToUserName": self.own_name, "FromUserName": person.userid}
        at = int(self.world.now().timestamp())
        return to_xml("xml", {**head, "CreateTime": at, **fields, "AgentID": self.agent_id})

    def url_check(self) -> tuple[dict[str, str], str]:
        """The echostr is encrypted and must come back in the clear."""
        word = random_letters(20)
        sealed = self.credentials.envelope.seal(word)
        return {**self._stamp(None, sealed), "echostr": sealed}, word

    def _outer(self, sealed: str) -> dict[str, Any]:
        return {"ToUserName": self.credentials.app_id, "AgentID": str(self.agent_id), "Encrypt": sealed}

    # cards

    def change_card(self, bubble: Bubble, *, card: dict[str, Any] | None = None, button: str = "") -> None:
        """Put another card in place of this one, or a grey dead ``button`` in place of its buttons."""
        if card is not None:
            self.world.phones.change(bubble, card=card, text=card_title(card))
        else:
            self.world.phones.change(bubble, card={**bubble.card, "replaced": button or "已处理"})

    # the API

    def _gettoken(self, call: Call) -> Answer:
        self._check_secret(call.query.get("corpid"), call.query.get("corpsecret"))
        return self._give_token()

    def _agent(self, call: Call) -> Answer:
        if call.query.get("agentid") != str(self.agent_id):
            raise ApiError(40056, "invalid agentid")
        return json_answer(agentid=self.agent_id, name="支部通", close=0)

    def _departments(self, call: Call) -> Answer:
        """The company and one department in it, both within the application's range."""
        tree = [{"id": 1, "parentid": 0, "order": 1}, {"id": DEPARTMENT, "parentid": 1, "order": 1}]
        return json_answer(department_id=tree)

    def _colleagues(self, call: Call) -> Answer:
        """Everybody is in the department; names are what ``names_hidden`` takes away, as the platform does for some applications."""
        number = call.query.get("department_id")
        if number not in ("1", str(DEPARTMENT)):
            raise ApiError(60003, "department not found")
        people = self.world.people if number == str(DEPARTMENT) else ()
        users = [
            {
                "userid": one.userid,
                "name": one.userid if self.names_hidden else one.name,
                "department": [DEPARTMENT],
            }
            for one in people
        ]
        return json_answer(userlist=users)

    def _send(self, call: Call) -> Answer:
        message = call.json()
        same = json.dumps(message, sort_keys=True)
        now = self.world.now()
        if message.get("enable_duplicate_check") and same in self._repeats:
            until, answer = self._repeats[same]
            if until > now:
                return answer
        answer = self._deliver(message)
        if message.get("enable_duplicate_check"):
            interval = min(int(message.get("duplicate_check_interval") or 1800), 4 * 3600)
            self._repeats[same] = (now + timedelta(seconds=interval), answer)
        return answer

    def _deliver(self, message: dict[str, Any]) -> Answer:
        if str(message.get("agentid")) != str(self.agent_id):
            raise ApiError(40056, "invalid agentid")
        kind, content = self._content(message)
        people, strangers, more = self._recipients(message)
        msgid = f"m{self.world.next_number()}"
        if kind == "template_card":
            self._task_ids.add(str(content.get("task_id", "")))
            more["response_code"] = self.codes.issue(msgid)
        for person in people:
            self._put(person, kind, content, msgid)
        self._sent[msgid] = self.world.now()
        return json_answer(invaliduser="|".join(strangers), msgid=msgid, **more)

    def _content(self, message: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        kind = str(message.get("msgtype"))
        content = message.get(kind)
        if kind not in KINDS:
            raise ApiError(40008, "invalid message type")
        if not isinstance(content, dict):
            raise ApiError(40058, f"{kind} missing")
        if kind == "text" and not content.get("content"):
            raise ApiError(44004, "text content is empty")
        if kind == "image" and self.world.media(str(content.get("media_id"))) is None:
            raise ApiError(40007, "invalid media_id")
        if kind == "news" and not 1 <= len(content.get("articles") or ()) <= 8:
            raise ApiError(40058, "1 to 8 articles expected")
        if kind == "template_card":
            check_card(content, self._task_ids)
        return kind, content

    def _recipients(self, message: dict[str, Any]) -> tuple[list[Person], list[str], dict[str, Any]]:
        """Known people, unknown userids in lower case as the platform returns them, and what else to answer."""
        users = [name for name in str(message.get("touser") or "").split("|") if name]
        groups = {f"invalid{kind}": str(message.get(f"to{kind}") or "") for kind in ("party", "tag")}
        if users == ["@all"]:
            return list(self.world.people), [], {}
        if len(users) > MAX_USERS:
            raise ApiError(40058, "more than 1000 users")
        if not users and not any(groups.values()):
            raise ApiError(82001, "no recipient")
        found = {name.lower(): self.world.at_address(name, "wecom") for name in users}
        people = [person for person in found.values() if person]
        if not people:
            raise ApiError(81013, "user & party & tag all invalid")
        return people, [name for name, person in found.items() if person is None], dict(groups)

    def _put(self, person: Person, kind: str, content: dict[str, Any], msgid: str) -> None:
        if self._too_many(person):
            self.world.phones.add(person, "wecom", "note", "发给此人的消息过多，平台不报错，丢弃一条")
            return
        if kind == "template_card":
            more = {"kind": "card", "card": content, "pushed": True, "msgid": msgid}
            self.world.phones.add(person, "wecom", "bot", card_title(content), **more)
            return
        if kind == "text":
            content = {"content": self.cut(person, str(content["content"]))}
        self.show(person, kind, content, pushed=True, msgid=msgid)

    def _too_many(self, person: Person) -> bool:
        now, times = self.world.now(), self._sent_at[person.userid]
        times[:] = [at for at in times if at > now - timedelta(hours=1)]
        if (
            len(times) >= self.per_hour
            or sum(at > now - timedelta(minutes=1) for at in times) >= self.per_minute
        ):
            return True
        times.append(now)
        return False

    def _update_card(self, call: Call) -> Answer:
        order = call.json()
        card, button = order.get("template_card"), order.get("button") or {}
        if card is not None:
            check_card(card, ())
        elif not button.get("replace_name"):
            raise ApiError(40058, "button or template_card missing")
        wanted = {str(user).lower() for user in order.get("userids") or ()}
        known = {person.userid.lower() for person in self.world.people}
        msgid = self.codes.spend(str(order.get("response_code", "")))
        everybody = bool(order.get("atall"))
        for bubble in self.world.phones.find(lambda one: one.msgid == msgid):
            if everybody or bubble.userid.lower() in wanted:
                self.change_card(bubble, card=card, button=str(button.get("replace_name", "")))
        return json_answer(invaliduser=sorted(wanted - known))

    def _recall(self, call: Call) -> Answer:
        msgid = str(call.json().get("msgid", ""))
        at = self._sent.get(msgid)
        if at is None or at < self.world.now() - RECALL:
            raise ApiError(40058, "msgid unknown or older than 24 hours")
        for bubble in self.world.phones.find(lambda one: one.msgid == msgid):
            self.world.phones.change(bubble, recalled=True)
        return json_answer()
