"""The host's own answers."""

import json
from collections.abc import Mapping

from aiohttp import web

ROOT_PAGE = (
    b"<!doctype html><title>Functions host</title><p>The Functions host is up.</p>"
)


def bare(status: int, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return an answer without a body, as all of the host's refusals are."""
    return web.Response(status=status, headers=headers)


def json_reply(
    document: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return a document of the admin API."""
    return web.Response(
        text=json.dumps(document, separators=(",", ":")),
        status=status,
        headers=headers,
        content_type="application/json",
        charset="utf-8",
    )


def root_page() -> web.Response:
    """Return the host's own page, which is at the root whatever the prefix is."""
    return web.Response(body=ROOT_PAGE, content_type="text/html")
