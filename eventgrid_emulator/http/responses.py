"""Answers as the service writes them."""

from typing import Any

import msgspec
from aiohttp import web

JSON = "application/json"
JSON_UTF8 = "application/json; charset=utf-8"


def reply(body: bytes, content_type: str, status: int = 200) -> web.Response:
    """Return an answer with this body."""
    return web.Response(
        status=status, body=body, headers={"Content-Type": content_type}
    )


def json_reply(value: Any, status: int = 200) -> web.Response:
    """Return an answer with the value as JSON."""
    return reply(msgspec.json.encode(value), JSON, status)
