"""Starts stand-in hosts for tests, and speaks plain HTTP to them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.stack.parts import azurite, services

ROOT = Path(__file__).parents[2]
# Settings of whoever runs the tests that a host would act on.
FOREIGN = ("AzureWebJobsStorage", "PYTHON_ENABLE_DEBUG_LOGGING", "PYTHONUNBUFFERED")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, header names in lower case; a repeated header is a list."""

    status: int
    headers: Mapping[str, str | list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        """Return the body as a document."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RunningHost:
    """A host in a process of its own."""

    process: subprocess.Popen[str]
    port: int
    log_file: Path

    @property
    def log(self) -> str:
        """Return what it has logged so far."""
        return self.log_file.read_text(encoding="utf-8")

    def get(self, target: str, **headers: str) -> Answer:
        """Return the answer to a GET."""
        return self.call("GET", target, headers)

    def call(
        self,
        method: str,
        target: str,
        headers: Mapping[str, Any] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Send a request with no headers but Host, those given and a length."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            _send(connection, method, target, headers or {}, body)
            return _received(connection.getresponse())
        finally:
            connection.close()

    def stop(self) -> int:
        """Ask it to stop and wait until it has; the exit code."""
        self.ask_to_stop()
        return self.process.wait(timeout=20)

    def ask_to_stop(self) -> None:
        """Ask it to stop, in the way of the operating system."""
        if sys.platform == "win32":
            self.process.send_signal(signal.CTRL_BREAK_EVENT)
        else:
            self.process.terminate()


@contextmanager
def running(
    app: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    python: Path | None = None,
    cwd: Path = ROOT,
) -> Iterator[RunningHost]:
    """Run a host that serves the app in that folder, and end it with the block.

    With a `python` of its own it has that environment alone.
    """
    log_file = app / f"log-{time.monotonic_ns()}.txt"
    clean = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    with log_file.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [
                *(str(python or sys.executable), "-m", "functions_host"),
                *("--port", "0", "--app", str(app), *options),
            ],
            cwd=cwd,
            env={**({} if python else clean), **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    try:
        yield RunningHost(process, _port(process, log_file), log_file)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(true: Callable[[], Any], seconds: float = 20.0) -> Any:
    """Return what `true` gives as soon as it gives something; fail when time is up."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come true in time"
        threading.Event().wait(0.02)
    return found


def an_app(folder: Path, code: str, **host_json: Any) -> Path:
    """Return the folder with that function app in it."""
    folder.mkdir(exist_ok=True)
    (folder / "function_app.py").write_text(code, encoding="utf-8")
    document = {"version": "2.0", **host_json}
    (folder / "host.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def _port(process: subprocess.Popen[str], log_file: Path) -> int:
    assert process.stdout
    deadline = threading.Timer(20, process.kill)
    deadline.start()
    line = process.stdout.readline()
    deadline.cancel()
    assert line.startswith("Functions host on http://127.0.0.1:"), log_file.read_text()
    return int(line.rpartition(":")[2])


def _send(
    connection: http.client.HTTPConnection,
    method: str,
    target: str,
    headers: Mapping[str, Any],
    body: bytes | None,
) -> None:
    chunked = "transfer-encoding" in headers
    own_host = any(name.lower() == "host" for name in headers)
    connection.putrequest(method, target, skip_host=own_host, skip_accept_encoding=True)
    for name, value in headers.items():
        for part in value if isinstance(value, list) else [value]:
            connection.putheader(name, part)
    if body is not None and not chunked:
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body, encode_chunked=chunked)


def _received(response: http.client.HTTPResponse) -> Answer:
    headers: dict[str, str | list[str]] = {}
    for name in {name.lower() for name, _ in response.getheaders()}:
        values = response.headers.get_all(name, [])
        headers[name] = values[0] if len(values) == 1 else values
    try:
        body = response.read()
    except http.client.IncompleteRead as cut:
        body = cut.partial
    return Answer(response.status, headers, body)


@contextmanager
def blob_storage(folder: Path, port: int = 0) -> Iterator[str]:
    """Run an Azurite with its blobs in the folder; give its connection string."""
    azurite.install()
    process = subprocess.Popen(
        [
            *(azurite.node(), str(azurite.blob_service())),
            *("--blobPort", str(port), "--location", str(folder)),
            *("--silent", "--skipApiVersionCheck", "--disableTelemetry"),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        ready = next(line for line in process.stdout if "successfully listen" in line)
        yield services.connection_string(int(ready.strip().rpartition(":")[2]))
    finally:
        process.terminate()
        process.communicate()


def a_free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
