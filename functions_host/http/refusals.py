"""Requests that are refused before routing, with the host's own statuses."""

import re

from aiohttp import HttpVersion11, web
from aiohttp.http_exceptions import BadHttpMethod, InvalidURLError

from functions_host.http.host_names import HostNames
from functions_host.http.responses import bare, root_page

# Limits of a request, as in the Functions host: bytes, and the number of fields.
MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024
MAX_FIELDS = 100
MAX_BODY = 104_857_600
# How the parser quotes the line that begins a request.
REQUEST_LINE = re.compile(
    r"b'(?P<method>[!#$%&*+.^_`|~0-9A-Za-z-]+) (?P<path>/[^ ?]*)[^ ]* HTTP/1\.[01]'"
)


def of_request(request: web.BaseRequest, names: HostNames) -> web.Response | None:
    """Return the refusal of a request that could be read, None if it may go on."""
    if status := _status(request):
        return closing(status)
    problem = names.problem(request.headers["Host"])
    return closing(*problem) if problem else None


def of_invalid_http(error: BaseException | None, status: int) -> web.Response:
    """Return the answer to bytes that the parser gave up on, with that status."""
    text = str(error)
    if isinstance(error, BadHttpMethod) and (line := REQUEST_LINE.search(text)):
        # A method that the parser does not know; no function has a route for it.
        return _unknown_method(line["path"])
    if isinstance(error, InvalidURLError) and text.endswith("\n  *"):
        return closing(405, headers={"Allow": "OPTIONS"})
    if "Invalid HTTP version" in text:
        return closing(505)
    if "Too many headers" in text:
        return closing(431)
    if "more than" in text:
        return closing(414 if f"more than {MAX_TARGET}" in text else 431)
    return closing(status)


def closing(
    status: int, sentence: str = "", headers: dict[str, str] | None = None
) -> web.Response:
    """Return an answer after which the connection is closed."""
    response = bare(status, headers)
    if sentence:
        response.text = sentence
    response.force_close()
    return response


def _status(request: web.BaseRequest) -> int | None:
    if (major := request._version.major) != 1:
        request._version = HttpVersion11  # in which it is answered
        return 505 if major else 400
    if not all(_is_text(value) for _, value in request.raw_headers):
        return 400
    if len(request.headers.getall("Host", ())) != 1:
        return 400
    if len(request.raw_path) > MAX_TARGET:
        return 414
    size = sum(len(name) + len(value) + 4 for name, value in request.raw_headers)
    if size > MAX_HEADERS:
        return 431
    return 500 if (request.content_length or 0) > MAX_BODY else None


def _is_text(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _unknown_method(path: str) -> web.Response:
    response = root_page() if path == "/" else bare(404)
    response.force_close()
    return response
