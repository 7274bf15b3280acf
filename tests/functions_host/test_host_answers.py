"""The stand-in answers as Microsoft's own host was recorded to answer."""

import json
import re
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.functions_host.hosting import Answer, RunningHost, running

HERE = Path(__file__).parent
RECORDED: dict[str, Any] = json.loads(
    (HERE / "host-answers.json").read_text(encoding="utf-8")
)
KEYS = next(name for name in RECORDED if name.startswith("keys"))
ADMIN = next(name for name in RECORDED if name.startswith("admin ("))
# Left out of the record: whoever serves decides them.
UNRECORDED = {"date", "server", "transfer-encoding"}


def cases(group: str) -> list[Any]:
    """Return the group's cases, named as they are in the record."""
    return [pytest.param(case, id=case["case"]) for case in RECORDED[group]]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the app that was recorded."""
    folder = tmp_path_factory.mktemp("recorded")
    shutil.copy(HERE / "host_app.py", folder / "function_app.py")
    (folder / "host.json").write_text('{"version": "2.0"}', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def host(app: Path) -> Iterator[RunningHost]:
    """Run a host that lets every caller in."""
    with running(app) as host:
        yield host


@pytest.fixture(scope="module")
def guarded(app: Path) -> Iterator[RunningHost]:
    """Run a host that asks for keys."""
    with running(app, "--enable-auth", "--secrets", "keys.json") as host:
        yield host


@pytest.mark.parametrize("case", cases("http"))
def test_http_is_answered_as_recorded(host: RunningHost, case: dict[str, Any]) -> None:
    """Routes, methods, queries, headers and bodies reach functions and come back alike."""
    check(case, host)


@pytest.mark.parametrize("case", cases(KEYS))
def test_keys_open_what_they_were_recorded_to_open(
    guarded: RunningHost, app: Path, case: dict[str, Any]
) -> None:
    """Each key opens its function, the host's default every one, the master key all."""
    keys = json.loads((app / "keys.json").read_text())
    check(
        case,
        guarded,
        {
            "{master}": keys["master"]["_master"],
            "{host-default}": keys["host"]["default"],
            "{function-default}": keys["function:fkey"]["default"],
        },
    )


@pytest.mark.parametrize("case", cases(ADMIN))
def test_the_admin_api_answers_as_recorded(
    host: RunningHost, app: Path, tmp_path: Path, case: dict[str, Any]
) -> None:
    """What tools ask of a host, they can ask of this one."""
    if case["request"]["method"] != "PUT":
        check(case, host)
        return
    with running(shutil.copytree(app, tmp_path / "app")) as own:
        check(case, own)


@pytest.mark.parametrize("case", cases("admin_timer_runs"))
def test_a_timer_can_be_run_by_hand(host: RunningHost, case: dict[str, Any]) -> None:
    """A JSON object is accepted at once, anything else is refused."""
    check(case, host)


def get(target: bytes, *headers: bytes) -> bytes:
    """Return a request as bytes."""
    return b"\r\n".join([b"GET " + target + b" HTTP/1.1", *headers, b"", b""])


HOST = b"Host: localhost"
# To what it could not read at all, the server answers in the oldest version.
STATUS_LINE = re.compile(rb"HTTP/1\.[01] \d{3} ")
RAW: dict[str, tuple[bytes, int]] = {
    "no Host header": (get(b"/api/hello"), 0),
    "two Host headers": (get(b"/api/hello", HOST, HOST), 0),
    "broken request line": (b"GET\r\n\r\n", 0),
    "space in a header name": (get(b"/api/hello", HOST, b"x y: z"), 0),
    "Content-Length not a number": (get(b"/api/dump", HOST, b"Content-Length: x"), 0),
    "header of 40 kB": (get(b"/api/hello", HOST, b"x: " + b"y" * 40_000), 0),
    "target of 9 kB": (get(b"/api/hello?" + b"y" * 9_000, HOST), 0),
    "two pipelined requests": (get(b"/api/hello", HOST) * 2, 0),
    "bytes above 127 in the path": (get("/api/sect/é".encode(), HOST), 0),
    "body of 101 MiB by Content-Length (limit 104857600)": (
        get(b"/api/dump", HOST, b"Content-Length: 105906176"),
        0,
    ),
    "body of 99 MB": (get(b"/api/dump", HOST, b"Content-Length: 99000000"), 99_000_000),
}


@pytest.mark.parametrize("case", cases("http_raw"))
def test_what_is_hardly_http_is_answered_as_recorded(
    host: RunningHost, case: dict[str, Any]
) -> None:
    """Malformed, oversized and pipelined requests get the recorded status."""
    head, body_size = RAW[case["case"]]
    expected = case["status"]
    statuses = expected if isinstance(expected, list) else [expected]

    received = exchange(host.port, head, body_size, len(statuses))

    assert [int(line[9:12]) for line in STATUS_LINE.findall(received)] == statuses
    if "connection" in case:
        assert b"connection: close" in received.lower()


def exchange(port: int, head: bytes, body_size: int, answers: int) -> bytes:
    """Return what comes back until that many answers have begun."""
    chunk = b"x" * 1_000_000
    received = b""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(head)
        for _ in range(body_size // len(chunk)):
            connection.sendall(chunk)
        while (
            len(STATUS_LINE.findall(received)) < answers or b"\r\n\r\n" not in received
        ):
            if not (piece := connection.recv(65536)):
                break
            received += piece
    return received


def check(
    case: dict[str, Any], host: RunningHost, keys: Mapping[str, str] | None = None
) -> None:
    """Check that the host answers as recorded."""
    request = case["request"]
    headers = {n: filled(v, keys or {}) for n, v in request.get("headers", {}).items()}
    body = request["body"].encode() if "body" in request else None
    target = filled(request["target"], keys or {})

    answer = host.call(request["method"], target, headers, body)

    assert not differences(case, answer, host.port)


def filled(value: Any, keys: Mapping[str, str]) -> Any:
    """Return the value with real keys in the place of their names."""
    if isinstance(value, str):
        for name, key in keys.items():
            value = value.replace(name, key)
    return value


def differences(case: dict[str, Any], answer: Answer, port: int) -> list[str]:
    """Return where the answer is not what was recorded."""
    recorded = json.loads(json.dumps(case).replace(":7071", f":{port}"))
    found = []
    if answer.status != recorded["status"]:
        found.append(f"status {answer.status}")
    if "headers" in recorded:
        seen = {n: v for n, v in answer.headers.items() if n not in UNRECORDED}
        expected = recorded["headers"]
        if expected.get("content-length") not in {None, "0", "999"}:
            # The length of a document with the host's own id, keys and port in it.
            seen["content-length"] = expected["content-length"]
        if seen != expected:
            found.append(f"headers {seen}")
    return found + body_differences(recorded, answer)


def body_differences(recorded: dict[str, Any], answer: Answer) -> list[str]:
    """Return where the body is not what was recorded."""
    if "body_hex" in recorded and answer.body.hex() != recorded["body_hex"]:
        return [f"body {answer.body.hex()}"]
    if "json" in recorded and not alike(answer.json, recorded["json"]):
        return [f"json {answer.json}"]
    if "body" not in recorded:
        return []
    if is_document(recorded["body"]):
        # The order of a function's own dictionaries varies from run to run.
        same = answer.json == json.loads(recorded["body"])
    else:
        same = answer.body.decode() == recorded["body"]
    return [] if same else [f"body {answer.body!r}"]


def is_document(text: str) -> bool:
    """Return whether the text is a JSON object on one line."""
    return text.startswith("{") and "\n" not in text


def alike(value: Any, recorded: Any) -> bool:
    """Return whether the documents are equal; `<key>` stands for any key."""
    match recorded:
        case "<key>":
            return isinstance(value, str) and len(value) > 30
        case dict():
            return value.keys() == recorded.keys() and all(
                alike(value[name], recorded[name]) for name in recorded
            )
        case list():
            return len(value) == len(recorded) and all(map(alike, value, recorded))
        case _:
            return bool(value == recorded)
