"""What a trigger answers: JSON, or a problem that says what to do next (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec

from eventgrid_pull.events.cloudevents import Problem

JSON = "application/json"
PROBLEM = "application/problem+json"
TRY_AGAIN = "try again in a minute; GET /api/health says what is not well"
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}


class Request(msgspec.Struct, frozen=True):
    """What a trigger was asked; names of headers are in lower case.

    `path` is the rest of the route that a catch-all took, `url` the whole address.
    """

    method: str
    headers: Mapping[str, str]
    params: Mapping[str, str]
    path: str = ""
    url: str = ""
    body: bytes = b""


class Reply(msgspec.Struct, frozen=True):
    """Status, body and headers of an answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: HEADERS)


def json(content: object, status: int = 200) -> Reply:
    """Return an answer with anything that msgspec can encode."""
    return Reply(status, msgspec.json.encode(content))


def status_of(content: object) -> int:
    """Return the status of an answer, or of its type: its STATUS, or 200."""
    return int(getattr(content, "STATUS", 200))


def problem(
    status: int,
    detail: str,
    *,
    next: str,
    problems: Sequence[Problem] = (),
    headers: Mapping[str, str] | None = None,
    **more: object,
) -> Reply:
    """Return what went wrong, where, and what to do next."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "next": next,
        "problems": problems,
        **more,
    }
    body = msgspec.json.encode(content)
    return Reply(status, body, PROBLEM, HEADERS | dict(headers or {}))
