"""The real compiler, kept running: a call then takes half a second instead of two."""

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, Self

from tools import bicep
from tools.terminal import ROOT

PATIENCE = 120
NOWHERE = {
    "tenantId": bicep.NOWHERE["tenant-id"],
    "subscriptionId": bicep.NOWHERE["subscription-id"],
    "resourceGroup": bicep.NOWHERE["resource-group"],
    "location": bicep.NOWHERE["location"],
    "deploymentName": None,
}


class Change(NamedTuple):
    """A passage of a file, and what replaces it."""

    file: str
    old: str
    new: str


class Refused(Exception):
    """The compiler, or the template's own checks, would not have it."""


class Bicep:
    """`bicep jsonrpc`: compile, format and evaluate without starting it each time."""

    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen(
            [str(program), "jsonrpc", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Compiled once and well: it answers two hundred calls.
            env={**bicep.environment(os.environ), "DOTNET_TieredCompilation": "0"},
        )
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._count = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def snapshot(self, parameters: Path) -> dict[str, Any]:
        """What the deployment of a .bicepparam file would be."""
        given = {"path": str(parameters), "metadata": NOWHERE, "externalInputs": None}
        try:
            text = self._call("bicep/getSnapshot", given)["snapshot"]
        except Refused as refused:
            if "Compilation failed" not in str(refused):
                raise
            raise Refused(self._why(parameters)) from None
        plan: dict[str, Any] = json.loads(text)
        return plan

    def _why(self, parameters: Path) -> str:
        given = {"path": str(parameters), "parameterOverrides": {}}
        answer = self._call("bicep/compileParams", given)
        return json.dumps(answer["diagnostics"], indent=1)

    def compile(self, file: Path) -> dict[str, Any]:
        """The ARM template of a .bicep file. Raises Refused for any diagnostic."""
        answer = self._call("bicep/compile", {"path": str(file)})
        if answer["diagnostics"] or not answer["success"]:
            raise Refused(json.dumps(answer["diagnostics"], indent=1))
        template: dict[str, Any] = json.loads(answer["contents"])
        return template

    def format(self, file: Path) -> str:
        """The file's text as the formatter would have it."""
        return str(self._call("bicep/format", {"path": str(file)})["contents"])

    def _call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._count += 1
        request = {"jsonrpc": "2.0", "id": self._count, "method": method}
        body = json.dumps({**request, "params": [params]}).encode()
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self._process.stdin.flush()
        answer = self._answers.get(timeout=PATIENCE)
        if answer is None:
            raise RuntimeError(f"the compiler ended during {method}: too old for it?")
        if "error" in answer:
            raise Refused(str(answer["error"]["message"]))
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while True:
            length = 0
            while line := stream.readline().strip():
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if length == 0:
                self._answers.put(None)
                return
            self._answers.put(json.loads(stream.read(length)))


class Compilers:
    """Several of them side by side: one for each core, each with one call at a time."""

    def __init__(self, program: Path, count: int) -> None:
        self._all = [Bicep(program) for _ in range(count)]
        self._idle: queue.Queue[Bicep] = queue.Queue()
        for compiler in self._all:
            self._idle.put(compiler)
        self._threads = ThreadPoolExecutor(count)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for compiler in self._all:
            compiler.__exit__()

    def submit[T](self, work: Callable[[Bicep], T]) -> Future[T]:
        """Begin it as soon as a compiler is idle."""
        return self._threads.submit(self._run, work)

    def snapshot(self, parameters: Path) -> dict[str, Any]:
        """As of one of them, waited for."""
        return self.submit(lambda compiler: compiler.snapshot(parameters)).result()

    def compile(self, file: Path) -> dict[str, Any]:
        """As of one of them, waited for."""
        return self.submit(lambda compiler: compiler.compile(file)).result()

    def format(self, file: Path) -> str:
        """As of one of them, waited for."""
        return self.submit(lambda compiler: compiler.format(file)).result()

    def _run[T](self, work: Callable[[Bicep], T]) -> T:
        one = self._idle.get()
        try:
            return work(one)
        finally:
            self._idle.put(one)


def copied(to: Path, *changes: Change) -> Path:
    """A copy of everything that a deployment reads, changed; gives its infra folder.

    The compiler keeps what it has read, so each change needs a folder of its own.
    """
    shutil.copytree(bicep.INFRA, to / "infra")
    (to / "moderation").mkdir()
    for name in ("moderation/topology.json", "host.json"):
        shutil.copyfile(ROOT / name, to / name)
    for change in changes:
        file = to / change.file
        text = file.read_text(encoding="utf-8")
        assert change.old in text, f"{change.file} does not hold {change.old!r}"
        file.write_text(text.replace(change.old, change.new, 1), encoding="utf-8")
    return to / "infra"
