"""A local stack as `dev.py run` starts it, on free ports and in a folder of its own."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from moderation import function_names, topology
from tools.stack import options
from tools.stack.parts import readiness, services
from tools.stack.settings import settings_file
from tools.stack.system import ports
from tools.terminal import ROOT

PARTS = ("Azurite", "emulator", "host")
PATIENCE = 90.0
NEVER = "0 0 0 1 1 *"
DECLARED = topology.read(topology.FILE).names
SCHEDULES = {function_names.setting(name, "SCHEDULE"): NEVER for name in DECLARED}
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


def until[T](what: str, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """What `look` finds, as soon as it finds something."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.05)  # noqa: TID251  # another process's doing can only be polled
    pytest.fail(f"waited {patience:.0f} s in vain: {what}")


@dataclass
class Answer:
    """An HTTP answer with its body read as JSON where it is JSON."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


@dataclass
class Stack:
    """One supervisor and what it runs."""

    supervisor: subprocess.Popen[bytes]
    console: Path
    data: Path
    app: Path
    host_kind: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def logs(self) -> Path:
        """The folder of the parts' logs."""
        return self.data / "logs"

    @property
    def key(self) -> str:
        """The Event Grid key that the emulator accepts."""
        return settings_file.read(self.app / settings_file.FILE)[settings_file.KEY]

    @property
    def storage(self) -> str:
        """A connection string for Azurite."""
        return services.connection_string(self.port("Azurite"))

    @property
    def emulator(self) -> str:
        """The Event Grid endpoint."""
        return f"http://127.0.0.1:{self.port('emulator')}"

    @property
    def url(self) -> str:
        """The host's address; the page is at /api/."""
        return f"http://127.0.0.1:{self.port('host')}"

    def output(self) -> str:
        """What a person at the terminal has read so far."""
        return self.console.read_text(encoding="utf-8")

    def port(self, part: str) -> int:
        """Where the part answers."""
        return int(self._recorded(part)["port"])

    def pid(self, part: str) -> int:
        """The process that is the part now."""
        return int(self._recorded(part)["pid"])

    def pids(self) -> dict[str, int]:
        """The process of each part."""
        return {part: self.pid(part) for part in PARTS}

    def _recorded(self, part: str) -> dict[str, Any]:
        record = json.loads((self.data / "run.json").read_text(encoding="utf-8"))
        found = record["parts"][part]
        assert isinstance(found, dict)
        return found

    def call(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Ask the host; header names may be written with underscores."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port("host"), timeout=60
        )
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            return Answer(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def kill(self, part: str) -> int:
        """End the part as a crash would; returns the pid it had."""
        pid = self.pid(part)
        os.kill(pid, KILL)
        return pid

    def wait_until_back(self, part: str, after: int) -> int:
        """Wait until another process than `after` serves as the part; its pid."""

        def new_pid() -> int | None:
            back = re.findall(rf"{part} is back \(process (\d+)\)", self.output())
            return next((int(pid) for pid in back[-1:] if int(pid) != after), None)

        return until(f"{part} to be back", new_pid)

    def kill_and_wait(self, part: str) -> int:
        """End the part as a crash would and wait until it serves again; its new pid."""
        return self.wait_until_back(part, self.kill(part))

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Ask the supervisor to stop; its exit code."""
        if self.supervisor.poll() is None:
            if sys.platform == "win32":
                how = signal.CTRL_BREAK_EVENT
            self.supervisor.send_signal(how)
        return self.supervisor.wait(PATIENCE)


type StartStack = Callable[..., Stack]


APP = ("eventgrid_pull", "moderation", "console")


def make_app(folder: Path) -> Path:
    """A copy of the app, so that no test meets the settings of whoever develops here."""
    folder.mkdir(parents=True)
    for file in ("function_app.py", "host.json", settings_file.EXAMPLE):
        shutil.copy(ROOT / file, folder)
    ignored = shutil.ignore_patterns("__pycache__")
    for package in APP:
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    return folder


def environment(settings: dict[str, str]) -> dict[str, str]:
    """The environment without the app's settings, but for those given."""
    example = settings_file.read(ROOT / settings_file.EXAMPLE)
    mine = {k: v for k, v in os.environ.items() if k not in example}
    return {**mine, **SCHEDULES, **settings}


def launch(
    folder: Path,
    *options: str,
    host_kind: str = "stand-in",
    app: Path | None = None,
    settings: dict[str, str] | None = None,
) -> Stack:
    """A supervisor that has just been started; ports are free ones unless given."""
    folder.mkdir(parents=True, exist_ok=True)
    if app is None:
        app = folder / "app"
        app = app if app.exists() else make_app(app)
    console = folder / "console.txt"
    anywhere = ("--http-port=0", "--emulator-port=0", "--storage-port=0")
    where = ("--data", str(folder / "data"), "--app", str(app), "--host", host_kind)
    command = [sys.executable, "-m", "tools.stack", *anywhere, *where, *options]
    with console.open("wb") as output:
        supervisor = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(settings or {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
    return Stack(supervisor, console, folder / "data", app, host_kind, settings or {})


@dataclass
class Host:
    """A host beside a stack: on its emulator and its storage, but not watched."""

    process: subprocess.Popen[bytes]
    kind: str
    port: int
    log_file: Path

    def log(self) -> str:
        """What the app in it has logged so far."""
        return self.log_file.read_text(encoding="utf-8")

    def fire(self, function: str) -> None:
        """Have a timer function run now, as soon as the host can."""
        until("a host to serve", self._serves)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(
            "POST",
            f"/admin/functions/{function}",
            b"{}",
            {"Content-Type": "application/json"},
        )
        assert connection.getresponse().status == 202
        connection.close()

    def _serves(self) -> bool:
        if self.process.poll() is not None:
            pytest.fail(f"a host did not start:\n{self.log()}")
        return readiness.host_answers(self.port)

    def kill(self) -> None:
        """End it as a crash would, and the worker that func would leave behind."""
        if sys.platform == "win32":
            self.process.kill()
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


def launch_host(
    stack: Stack, folder: Path, *, app: Path | None = None, **settings: str
) -> Host:
    """A host of the stack's kind that has just been started; it may not serve yet."""
    folder.mkdir(parents=True)
    log_file = folder / "log.txt"
    given = {
        **SCHEDULES,
        settings_file.ENDPOINT: stack.emulator,
        **dict.fromkeys(settings_file.STORAGE, stack.storage),
        settings_file.KEY: stack.key,
        **settings,
    }
    asked = options.read(["--host", stack.host_kind, "--app", str(app or stack.app)])
    port = ports.choose({"a host": 0})["a host"]
    part = services.host(asked, port, given)
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            part.command,
            cwd=part.folder,
            env={**environment(given), **_only_in(part.environment)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=sys.platform != "win32",
        )
    return Host(process, stack.host_kind, port, log_file)


def _only_in(of_the_part: Mapping[str, str]) -> dict[str, str]:
    """What a part is told beside the settings of the test and of the developer."""
    return {
        name: value
        for name, value in of_the_part.items()
        if os.environ.get(name) != value
    }


def wait_until_it_serves(stack: Stack) -> Stack:
    """The stack once it has told the page's address."""

    def serves() -> bool:
        if stack.supervisor.poll() is not None:
            pytest.fail(f"the stack did not start:\n{stack.output()}")
        return "Ctrl-C stops everything." in stack.output()

    until("the stack to serve", serves)
    return stack


@contextmanager
def running(folder: Path, *options: str, **more: Any) -> Iterator[Stack]:
    """Give a stack that serves, and stop it in the end."""
    started = launch(folder, *options, **more)
    try:
        yield wait_until_it_serves(started)
    finally:
        started.stop()
