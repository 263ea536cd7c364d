"""The platforms' HTTP API, over wechatpy's client: a time limit on every call, one retry after a refused token, every failure a SendError.

wechatpy alone retries a refused token until the stack overflows, fetches tokens without a time limit, and raises anything at all on an answer that
is not the expected JSON.
"""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from wechatpy.client.base import BaseWeChatClient
from wechatpy.exceptions import WeChatClientException

from bot.channels.tokens import Fetch, Tokens
from bot.chat import SendError
from bot.db import Database

TIMEOUT_S = 5
MOST_BYTES = 32 * 1024 * 1024
"""Of one answer; what a member can send is smaller."""
RENEW_BELOW = timedelta(minutes=20)

REFUSED = frozenset({40001, 40014, 42001})
"""The access token is wrong or over: fetch another one, once."""

BACK_OFF = {
    -1: timedelta(seconds=30),  # the platform is busy
    45009: timedelta(minutes=10),  # too many calls in a minute, an hour or a day; which one is not said
    45011: timedelta(minutes=1),  # too frequent
    45033: timedelta(minutes=1),  # too many calls at once
}
"""Errcodes that pass by themselves, and how long to wait."""

NOT_THIS_USER = frozenset({40003, 43004, 45015, 45047, 48002, 60111, 81013})
"""Unknown, not following, refuses messages, outside the window of an Official Account."""

NOT_THIS_MESSAGE = frozenset({41016, 42014, 44004, 45002})
"""A card without title, a task id used before, nothing in it, too long."""

PERMANENT = NOT_THIS_USER | NOT_THIS_MESSAGE
"""Errcodes (PLATFORM: WeCom's global error codes, and those of Official Accounts) that a repetition does not heal. What is wrong with the
whole application is not among them: an operator mends it (:data:`bot.services.outbox.CONFIGURATION`), and :data:`REFUSED` twice is of that kind.
"""

Json = Mapping[str, Any]


class _InTime(HTTPAdapter):
    """Reads each answer within the time limit; the limit of requests starts anew with every byte that drips in."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        until = time.monotonic() + TIMEOUT_S
        response = super().send(request, *args, **options)
        body = bytearray()
        while chunk := response.raw.read1(64 * 1024, decode_content=True):
            body += chunk
            if time.monotonic() > until or len(body) > MOST_BYTES:
                response.close()
                raise requests.ReadTimeout(request=request)
        response.raw = io.BytesIO(body)
        return response


class Api:
    """Calls of one application. ``fetch`` gets it a token, through :meth:`ask`."""

    def __init__(self, base: str, application: str, database: Database, fetch: Fetch) -> None:
        self._client = BaseWeChatClient(application, timeout=TIMEOUT_S, auto_retry=False)
        self._client.API_BASE_URL = f"{base}/"
        for scheme in ("http://", "https://"):
            self._client._http.mount(scheme, _InTime())
        self._tokens = Tokens(database, application, fetch)

    def post(self, path: str, data: Json, now: datetime, **params: Any) -> dict[str, Any]:
        """What ``path`` answers to ``data``; :class:`SendError` for every other outcome."""
        return _json(self._authorised("post", path, now, params, data=dict(data)))

    def get(self, path: str, now: datetime, **params: Any) -> dict[str, Any]:
        """What ``path`` answers; :class:`SendError` for every other outcome."""
        return _json(self._authorised("get", path, now, params))

    def content(self, path: str, now: datetime, **params: Any) -> bytes:
        """The file that ``path`` answers with."""
        answer = self._authorised("get", path, now, params)
        if not isinstance(answer, requests.Response):
            raise SendError(0, "the platform answered with JSON where a file was expected")
        return bytes(answer.content)

    def refresh_token(self, now: datetime) -> None:
        """Renew the token when less than 20 minutes are left."""
        self._tokens.get(now, left=RENEW_BELOW)

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """One call as it is, without a token of ours: a dict, or a response that is no JSON."""
        try:
            return getattr(self._client, method)(path, **options)
        except WeChatClientException as error:
            raise _error(error) from None
        except requests.RequestException as error:
            # The text of the exception has the address, and with it the token or the secret.
            raise SendError(0, f"network: {type(error).__name__}") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise SendError(0, f"not an answer of the platform: {type(error).__name__}") from None

    def _authorised(self, method: str, path: str, now: datetime, params: Json, **options: Any) -> Any:
        token = self._tokens.get(now)
        try:
            return self.ask(method, path, params={**params, "access_token": token}, **options)
        except SendError as error:
            if error.code not in REFUSED:
                raise
        token = self._tokens.get(now, refused=token)
        return self.ask(method, path, params={**params, "access_token": token}, **options)


def token_of(answer: Any) -> tuple[str, timedelta]:
    """The token and its lifetime in the answer of a token endpoint."""
    match _json(answer):
        case {"access_token": str(token), "expires_in": int(seconds)} if token:
            return token, timedelta(seconds=seconds)
    raise SendError(0, "no access token in the platform's answer")


def _json(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise SendError(0, "the platform's answer is not a JSON object; is there a proxy between?")
    return answer


def _error(error: WeChatClientException) -> SendError:
    if error.errcode is None:
        return SendError(0, f"HTTP {error.response.status_code}")
    text = str(error.errmsg)[:200]
    return SendError(
        error.errcode, text, permanent=error.errcode in PERMANENT, retry_after=BACK_OFF.get(error.errcode)
    )
