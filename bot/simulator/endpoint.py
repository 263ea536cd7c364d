"""The platform's API over real HTTP, with its ordered misbehaviour on the wire."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, request

from bot.simulator.faults import Answer, Call, Upload
from bot.simulator.platform import Platform
from bot.simulator.world import ChannelName

SHORT = 1000
"""How many bytes a broken answer promises and never sends, so that the server must break the connection."""


def mount(pages: Blueprint, platform: Platform) -> None:
    """Serve ``api/cgi-bin/`` (WeCom) and ``oa-api/cgi-bin/`` (Official Account) below the blueprint's own address."""
    for name, channel in (("api", "wecom"), ("oa-api", "oa")):
        pages.add_url_rule(
            f"/{name}/cgi-bin/<path:path>",
            name,
            lambda path, channel=channel: _serve(platform, channel, path),
            methods=["GET", "POST"],
        )


def _serve(platform: Platform, channel: ChannelName, path: str) -> Response:
    file = request.files.get("media")
    upload = Upload(file.filename or "file", file.mimetype, file.read()) if file else None
    body = b"" if upload else request.get_data()
    answer = platform.call(channel, Call(request.method, path, request.args.to_dict(), body, upload))
    platform.delivery.sleep(answer.delay)
    if answer.drip:
        return Response(_drops(platform, answer), content_type=answer.mimetype)
    if not answer.cut:
        return Response(answer.body, content_type=answer.mimetype)
    response = Response(iter([answer.body]), content_type=answer.mimetype)
    response.content_length = len(answer.body) + SHORT
    return response


def _drops(platform: Platform, answer: Answer) -> Iterator[bytes]:
    for byte in answer.body:
        platform.delivery.sleep(answer.drip / len(answer.body))
        yield bytes([byte])
