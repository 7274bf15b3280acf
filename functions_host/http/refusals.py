"""What is refused before a function is looked for, with the host's own statuses."""

from aiohttp import web

from functions_host.http.host_names import Names
from functions_host.http.responses import bare

# What a request may have, as in the Functions host: bytes, but for the fields.
MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024
MAX_FIELDS = 100
MAX_BODY = 104_857_600


def of_request(request: web.BaseRequest, names: Names) -> web.Response | None:
    """Return the refusal of a request that could be read, None if it may go on."""
    if status := _status(request):
        return closing(status)
    problem = names.problem(request.headers["Host"])
    return closing(*problem) if problem else None


def of_what_is_no_http(error: BaseException | None, status: int) -> web.Response:
    """Return the answer to bytes that the parser gave up on, with that status."""
    text = str(error)
    if "Too many headers" in text:
        return closing(431)
    if "more than" in text:
        return closing(414 if f"more than {MAX_TARGET}" in text else 431)
    return closing(status)


def closing(status: int, sentence: str = "") -> web.Response:
    """Return an answer after which the connection is closed."""
    response = bare(status)
    if sentence:
        response.text = sentence
    response.force_close()
    return response


def _status(request: web.BaseRequest) -> int | None:
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
