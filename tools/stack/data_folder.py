"""The folder in which one supervisor at a time keeps the state of the local stack."""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from tools.stack.system import file_lock, orphans, processes
from tools.terminal import CannotGoOn, say

ROOM = 256 * 1024  # less than this, and the parts would only die of it


class _Part(msgspec.Struct):
    pid: int
    command: list[str]


class DataFolder:
    """Blobs, queues and logs; held for as long as a `with` lasts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blobs = path / "azurite"
        earlier = path / "broker"  # as it was called; what is queued there is not lost
        self.queues = earlier if earlier.exists() else path / "emulator"
        self.logs = path / "logs"
        self._record = path / "run.json"
        self._record_failed = False

    def __enter__(self) -> Self:
        """Take the folder; CannotGoOn says who has it already."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = file_lock.take(self.path / "run.lock")
        except file_lock.HeldByAnother as error:
            raise CannotGoOn(
                f"The local stack runs already with {self.path} (process "
                f"{self.recorded().get('supervisor', 'unknown')}). Stop that one, or "
                "choose another folder with --data and other ports."
            ) from error
        except OSError as error:
            raise CannotGoOn(
                f"{self.path} cannot be used: {error}. Choose another folder with --data."
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let the folder go."""
        self._lock.close()

    def end_orphans(self) -> list[str]:
        """End what an earlier supervisor left behind; return a sentence for each."""
        recorded = self._recorded_processes()
        found = orphans.find(self.path, recorded)
        for pid in found:
            processes.end(pid)
        deadline = time.monotonic() + 10
        while orphans.find(self.path, recorded) and time.monotonic() < deadline:
            time.sleep(0.05)  # noqa: TID251  # nobody's child can be awaited
        return [
            f"Ended process {pid}, left behind by an earlier run: {command[:100]}"
            for pid, command in found.items()
        ]

    def forget(self) -> None:
        """Delete every blob, event and log."""
        for folder in (self.blobs, self.queues, self.logs):
            if folder.exists():
                shutil.rmtree(folder)

    def make(self) -> None:
        """Make the folders of the parts. Raises CannotGoOn when there is no room."""
        trial = self.path / "trial.tmp"
        try:
            for folder in (self.blobs, self.queues, self.logs):
                folder.mkdir(exist_ok=True)
            trial.write_bytes(bytes(ROOM))
            trial.unlink()
        except OSError as error:
            with suppress(OSError):
                trial.unlink()
            raise CannotGoOn(
                f"{self.path} cannot be written: {error.strerror}. Make room, or choose "
                "another folder with --data."
            ) from error

    def recorded(self) -> dict[str, Any]:
        """Return what the last supervisor wrote down; empty if nothing can be read."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return record if isinstance(record, dict) else {}

    def _recorded_processes(self) -> dict[int, list[str]]:
        """Return pid and command of each part, as far as the record makes sense."""
        try:
            parts = msgspec.convert(self.recorded().get("parts"), dict[str, _Part])
        except msgspec.ValidationError:
            return {}
        return {part.pid: part.command for part in parts.values() if part.command}

    def record(self, running: Mapping[str, tuple[int, int, Sequence[str]]]) -> None:
        """Write down the pid, port and command of each part that runs.

        Reports a full disk or a file of another user once.
        """
        parts = {
            name: {"pid": pid, "port": port, "command": list(command)}
            for name, (pid, port, command) in running.items()
        }
        content = {"supervisor": os.getpid(), "parts": parts}
        unfinished = self._record.with_suffix(".tmp")
        try:
            unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
            unfinished.replace(self._record)
        except OSError as error:
            if not self._record_failed:
                say(f"{self._record} cannot be written: {error}. The parts go on.")
            self._record_failed = True
        else:
            self._record_failed = False
