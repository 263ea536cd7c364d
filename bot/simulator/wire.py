"""The two wires between platform and bot: over HTTP for the demo, and without a socket for tests."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests
from requests.adapters import BaseAdapter

from bot.simulator.delivery import LIMIT, Post
from bot.simulator.faults import Answer, Call, Upload
from bot.simulator.platform import Platform
from bot.simulator.world import ChannelName

API_PATHS: dict[ChannelName, str] = {"wecom": "/simulator/api/cgi-bin", "oa": "/simulator/oa-api/cgi-bin"}
"""Where the page mounts the API: what to put behind the base URL in ``wecom_api_base`` and ``oa_api_base``."""


def over_http(base_url: str, limit: float = LIMIT) -> Post:
    """Post to the bot's real webhook; TimeoutError after ``limit`` seconds of silence, as the platform hangs up."""

    def post(path: str, query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        headers = {"Content-Type": "text/xml"}
        with requests.Session() as session:
            session.trust_env = False  # no proxy between two ends on the same machine
            try:
                answer = session.post(
                    base_url + path, params=dict(query), data=body, headers=headers, timeout=limit
                )
            except requests.Timeout as error:
                raise TimeoutError from error
        return answer.status_code, answer.content

    return post


class PlatformAdapter(BaseAdapter):
    """Answers the bot's real HTTP client inside the process: ``session.mount(base, PlatformAdapter(platform, "wecom"))``.

    Silence longer than the client's timeout, or an answer that drips in for longer, is a ReadTimeout and a broken connection a
    ConnectionError, all at once.
    """

    def __init__(self, platform: Platform, channel: ChannelName) -> None:
        super().__init__()
        self.platform, self.channel = platform, channel

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Serve one request."""
        answer = self.platform.call(self.channel, _call(request))
        wait = timeout[1] if isinstance(timeout, tuple) else timeout
        if wait is not None and max(answer.delay, answer.drip) > wait:
            raise requests.ReadTimeout(request=request)
        if answer.cut:
            raise requests.ConnectionError("connection broken", request=request)
        return _response(request, answer)

    def close(self) -> None:
        """Nothing to close."""


def _call(request: requests.PreparedRequest) -> Call:
    parts = urlsplit(request.url or "")
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else bytes(body)
    path = parts.path.rpartition("/cgi-bin/")[2]
    upload = _upload(request.headers.get("Content-Type", ""), content)
    return Call(request.method or "GET", path, dict(parse_qsl(parts.query)), content, upload)


def _upload(content_type: str, body: bytes) -> Upload | None:
    if not content_type.startswith("multipart/form-data"):
        return None
    message = email.message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + body, policy=email.policy.HTTP
    )
    for part in message.iter_parts():
        if part.get_param("name", header="content-disposition") == "media":
            content = part.get_payload(decode=True)
            return Upload(part.get_filename() or "file", part.get_content_type(), bytes(content or b""))
    return None


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code, response.url, response.request = 200, request.url or "", request
    response.headers["Content-Type"] = answer.mimetype
    response._content = answer.body
    response.encoding = requests.utils.get_encoding_from_headers(response.headers)
    return response
