"""The stand-in answers raw requests as Microsoft's own host was recorded to answer."""

import http.client
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.functions_host.hosting import RunningHost, an_app, running

pytestmark = pytest.mark.contract

RECORDED = json.loads(
    (Path(__file__).parent / "raw-requests.json").read_text(encoding="utf-8")
)
# Routes of the recorded app, as far as the recorded requests reach it.
APP = """
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route("me", methods=["GET"])
async def me(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("me")


@app.route("events/check", methods=["POST"])
async def check(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("checked")


@app.route("{*path}", methods=["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"])
async def web(req: func.HttpRequest) -> func.HttpResponse:
    known = not req.route_params.get("path")
    return func.HttpResponse("page", status_code=200 if known else 404)


@app.timer_trigger("timer", "0 0 0 1 1 *", use_monitor=False)
async def pull_flagged(timer: func.TimerRequest) -> None:
    return None
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    """Run a host that answers for the names in the recorded requests."""
    folder = an_app(tmp_path_factory.mktemp("raw"), APP)
    with running(folder, "--name", "a", "--name", "EVIL.example.") as host:
        yield host


@pytest.mark.parametrize(
    "case", [pytest.param(case, id=case["case"]) for case in RECORDED["cases"]]
)
def test_a_raw_request_is_answered_as_recorded(
    host: RunningHost, case: dict[str, Any]
) -> None:
    """The status always; type, framing and body where the answer is the host's own."""
    answer = ask(host.port, case["request"])

    assert {name: answer[name] for name in answer.keys() & case.keys()} == {
        name: case[name] for name in answer.keys() & case.keys()
    }


def ask(port: int, request: str) -> dict[str, Any]:
    """Return what comes back, in the words of the record."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(request.encode("latin-1"))
        method = request.partition(" ")[0]
        with http.client.HTTPResponse(connection, method=method) as answer:
            answer.begin()
            framing = "len" if answer.getheader("Content-Length") else "none"
            return {
                "status": answer.status,
                "content-type": answer.getheader("Content-Type", ""),
                "framing": "chunked" if answer.chunked else framing,
                "has body": bool(answer.read()),
            }


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:80", 200),
        ("localhost.", 200),
        ("app.localhost", 200),
        ("127.0.0.1:7071", 200),
        ("127.9.9.9", 200),
        ("[::1]:7071", 200),
        ("a:1", 200),
        ("evil.example", 200),
        ("evil.test", 403),
        ("evil.test:7071", 403),
        ("localhost.evil.test", 403),
        ("127.0.0.1.evil.test", 403),
        ("notlocalhost", 403),
        ("0.0.0.0", 403),
        ("10.0.0.1", 403),
        ("[fe80::1]", 403),
        ("128.0.0.1", 403),
        ("localhost:" + "9" * 5000, 500),
    ],
)
@pytest.mark.parametrize("path", ["/api/me", "/admin/host/status"])
def test_the_host_answers_for_its_names_only(
    host: RunningHost, path: str, sent: str, status: int
) -> None:
    """A website that leads its own name to this machine learns that, and no more."""
    answer = host.call("GET", path, {"Host": sent})

    assert answer.status == status
    assert "Traceback" not in host.log
    if status == 403:
        assert f"does not answer for {sent}:" in answer.body.decode()
        assert "--name" in answer.body.decode()
