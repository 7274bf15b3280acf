"""Hostile HTTP: no 500, no hang, no growth."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from eventgrid_emulator.auth.credentials import LOCAL_KEY

pytestmark = pytest.mark.contract

ROOT = Path(__file__).parents[2]
# Nothing matches, so that whatever is accepted leaves nothing behind.
TOPOLOGY = {
    "topic": "fuzzed",
    "eventSubscriptions": [
        {"name": "sub-a", "filtersConfiguration": {"includedEventTypes": ["never"]}}
    ],
}
SUBSCRIPTION = "/topics/fuzzed/eventsubscriptions/sub-a"


@dataclass(frozen=True, slots=True)
class Target:
    """An emulator process."""

    port: int
    pid: int

    def ask(self, request: bytes) -> bytes:
        """Return everything that comes back before the connection ends or idles."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=8) as wire:
            wire.sendall(request)
            wire.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while part := wire.recv(65536):
                    answer += part
            except ConnectionError:
                pass
        return answer

    def memory(self) -> int:
        """Return its resident kilobytes."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8")
        [line] = [line for line in status.splitlines() if line.startswith("VmRSS")]
        return int(line.split()[1])


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """Run one emulator for all requests of this module."""
    path = tmp_path_factory.mktemp("fuzz") / "topology.json"
    path.write_text(json.dumps(TOPOLOGY))
    arguments = ("--port", "0", "--topology", str(path))
    process = subprocess.Popen(
        [sys.executable, "-m", "eventgrid_emulator", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    yield Target(int(line.rpartition(":")[2]), process.pid)
    process.kill()
    process.communicate()


PATHS = st.sampled_from(
    [
        "/topics/fuzzed:publish",
        f"{SUBSCRIPTION}:acknowledge",
        f"{SUBSCRIPTION}:release",
        f"{SUBSCRIPTION}:reject",
        f"{SUBSCRIPTION}:renewLock",
        "/topics/%2e%2e/eventsubscriptions/%00:receive",
        "/topics/fuzzed/eventsubscriptions/%ff:acknowledge",
        "/_local/clock",
        "/_local/explain",
        "/_local/subscriptions",
        "/_local/events?id=x&",
        "/_local/../etc/passwd",
        "//evil.example/",
        "*",
        "http://[::1",
    ]
)
NOISE = st.text(
    st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f"),
    max_size=30,
)
QUERIES = st.lists(
    st.tuples(
        st.sampled_from(["api-version", "releaseDelayInSeconds", "aeg-sas-key", "x"]),
        st.sampled_from(["2024-06-01", "0", "10", "-1", "%", "%00", "%ed%a0%80", ""]),
    ).map("=".join),
    max_size=4,
).map("&".join) | st.just("x&" * 150)
KINDS = st.sampled_from(
    [
        "application/cloudevents+json",
        "application/cloudevents-batch+json; charset=utf-8",
        "application/json",
        "text/plain",
        ";;;",
        "\xff",
    ]
)
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("ce-id", "ce-source", "ce-type", "ce-specversion", "ce-time"),
                *("ce-data", "ce-Ünicode", "ce-", "aeg-sas-token", "Expect"),
                *("Origin", "X-Noise", "Content-Encoding", "Authorization"),
            ]
        ),
        NOISE | st.sampled_from(["gzip", "deflate", "100-continue", "http://[x"]),
    ),
    max_size=6,
)
BODIES = st.one_of(
    st.binary(max_size=300),
    st.sampled_from(
        [
            b'{"lockTokens":["x"]}',
            b'{"lockTokens":[null]}',
            b'[{"specversion":"1.0","id":"1","source":"/","type":"t","data":1}]',
            b'{"specversion":"1.0","id":"\\ud800","source":"/","type":"t","data":1}',
            b'{"faults":[{"kind":"error"}]}',
            b'{"advance":1e400}',
            b"[" * 5000,
            b'{"a":' * 5000,
        ]
    ),
)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    method = draw(
        st.sampled_from(["POST", "POST", "POST", "GET", "PUT", "HEAD", "ODD"])
    )
    target = draw(PATHS) + "?api-version=2024-06-01&" + draw(QUERIES)
    body = draw(BODIES)
    hosts = ["127.0.0.1"] * 6 + ["[::1", "", "x:y:z", "\xff", "127.0.0.1:99999999"]
    lines = [f"{method} {target} HTTP/1.1", f"Host: {draw(st.sampled_from(hosts))}"]
    if draw(st.booleans()) or draw(st.booleans()):
        lines.append(f"Authorization: SharedAccessKey {LOCAL_KEY}")
    lines.append(f"Content-Type: {draw(KINDS)}")
    lines += [f"{name}: {value}" for name, value in draw(HEADERS)]
    framing = draw(
        st.sampled_from(["exact", "exact", "exact", "long", "chunked", "odd"])
    )
    match framing:
        case "exact":
            lines.append(f"Content-Length: {len(body)}")
        case "long":
            lines.append(f"Content-Length: {len(body) + 5}")
        case "chunked":
            lines.append("Transfer-Encoding: chunked")
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        case "odd":
            lines.append(f"Content-Length: {draw(NOISE)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(requests())
def test_no_request_breaks_the_emulator(target: Target, request: bytes) -> None:
    """Each is answered or its connection closed, in time, and never with a 500."""
    answer = target.ask(request)

    assert not answer.startswith(b"HTTP/1.1 5"), answer
    assert not answer or answer.startswith((b"HTTP/1.1 ", b"HTTP/1.0 "))


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(st.binary(max_size=500))
def test_no_bytes_break_the_emulator(target: Target, request: bytes) -> None:
    """What is no HTTP at all included."""
    assert not target.ask(request).startswith(b"HTTP/1.1 5")


def test_the_emulator_answers_after_all_that(target: Target) -> None:
    """Whatever came before in this random order."""
    request = b"GET /_local/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert b'{"status":"ok"}' in target.ask(request)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_thousand_hostile_requests_leave_nothing_behind(target: Target) -> None:
    """Distinct topics, types, tokens and paths are not remembered for ever."""

    def storm(start: int) -> None:
        for number in range(start, start + 500):
            event = {
                "specversion": "1.0",
                "id": "1",
                "source": "/",
                "type": f"t{number}",
            }
            body = json.dumps(event | {"data": "x" * 2000}).encode()
            for path in ("/topics/fuzzed", f"/topics/nowhere-{number}-{'x' * 2000}"):
                head = (
                    f"POST {path}:publish?api-version=2024-06-01 HTTP/1.1\r\n"
                    f"Host: localhost\r\nAuthorization: SharedAccessKey {LOCAL_KEY}\r\n"
                    "Content-Type: application/cloudevents+json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                )
                assert target.ask(head.encode() + body).startswith(b"HTTP/1.1 ")

    storm(0)
    storm(500)
    before = target.memory()
    storm(1000)
    storm(1500)
    assert target.memory() - before < 4000
