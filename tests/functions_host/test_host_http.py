"""What a page and its files need of HTTP is carried through the stand-in unchanged."""

import gzip
import socket
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tests.functions_host.hosting import RunningHost, an_app, running

pytestmark = pytest.mark.contract

APP = """
import gzip
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
PACKED = gzip.compress(b"<!doctype html>" * 1000)
HEADERS = {
    "Content-Encoding": "gzip",
    "ETag": '"v1"',
    "Cache-Control": "no-cache",
    "Content-Security-Policy": "default-src 'self'",
}


@app.route("{*path}", methods=["GET", "HEAD"])
async def web(req: func.HttpRequest) -> func.HttpResponse:
    if req.headers.get("if-none-match") == '"v1"':
        return func.HttpResponse(status_code=304, headers=HEADERS)
    if req.route_params.get("path"):
        return func.HttpResponse("no such file", status_code=404)
    return func.HttpResponse(PACKED, mimetype="text/html", headers=HEADERS)


@app.route("echo", methods=["POST", "PUT", "DELETE"])
async def echo(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(req.get_body(), mimetype="application/octet-stream")


@app.route("later")
async def later(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(status_code=429, headers={"Retry-After": "7"})


@app.route("split")
async def split(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("body")
    response.headers._list.append(("X-Split", "a\\r\\nX-Injected: b"))
    return response
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Run a host with a page, files and an echo."""
    folder: Path = tmp_path_factory.mktemp("http")
    with running(an_app(folder, APP)) as host:
        yield host


@pytest.mark.parametrize("target", ["/api", "/api/", "/api/?x=1"])
def test_a_catch_all_serves_the_page_at_the_prefix(
    host: RunningHost, target: str
) -> None:
    """It is the only way to be served there; what was packed stays packed."""
    answer = host.get(target)

    assert answer.status == 200
    assert gzip.decompress(answer.body).startswith(b"<!doctype html>")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-security-policy"] == "default-src 'self'"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_page_that_has_not_changed_is_not_sent_again(host: RunningHost) -> None:
    """ETag and 304 go through, with no body."""
    answer = host.get("/api/", **{"if-none-match": '"v1"'})

    assert (answer.status, answer.body) == (304, b"")
    assert answer.headers["etag"] == '"v1"'


def test_head_has_the_headers_and_no_body(host: RunningHost) -> None:
    """Browsers and probes may ask so."""
    answer = host.call("HEAD", "/api/")

    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["etag"] == '"v1"'


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_a_body_of_many_megabytes_goes_there_and_back(
    host: RunningHost, method: str
) -> None:
    """Every byte of it."""
    body = bytes(range(256)) * 32_768

    assert host.call(method, "/api/echo", body=body).body == body


def test_a_packed_request_reaches_the_function_packed(host: RunningHost) -> None:
    """The host does not unpack what it was sent."""
    packed = gzip.compress(b"x" * 1000)
    headers = {"content-encoding": "gzip"}

    assert host.call("POST", "/api/echo", headers, packed).body == packed


def test_a_refusal_of_the_function_keeps_its_advice(host: RunningHost) -> None:
    """429 goes through with its Retry-After."""
    answer = host.get("/api/later")

    assert (answer.status, answer.headers["retry-after"]) == (429, "7")


def test_a_header_cannot_smuggle_another(host: RunningHost) -> None:
    """A line break in a header is an error of the function."""
    answer = host.get("/api/split")

    assert (answer.status, answer.body) == (500, b"")
    assert "x-injected" not in answer.headers
    assert "contains what no header may contain" in host.log


def test_a_caller_that_goes_away_leaves_no_trace(host: RunningHost) -> None:
    """Half a body, or one that is no chunks, is nobody's error but the caller's."""
    heads = [
        b"Content-Length: 100\r\n\r\nhalf",
        b"Transfer-Encoding: chunked\r\n\r\nzz",
    ]
    for path, head in product((b"/api/echo", b"/admin/functions/web"), heads):
        with socket.create_connection(("127.0.0.1", host.port)) as connection:
            start = b"POST " + path + b" HTTP/1.1\r\nHost: localhost\r\n"
            connection.sendall(start + b"Content-Type: application/json\r\n" + head)

    for _ in range(3):
        assert host.get("/api/later").status == 429
    assert "Traceback" not in host.log


def test_a_connection_serves_many_requests(host: RunningHost) -> None:
    """Also after a chunked body that no function has read."""
    chunked = {"transfer-encoding": "chunked"}

    for _ in range(3):
        assert host.call("POST", "/api/echo", chunked, b"x" * 100_000).body == b""
        assert host.get("/api/later").status == 429
