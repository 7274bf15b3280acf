"""The folder in which one supervisor at a time keeps the state of the local stack."""

import json
import os
import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local import leftovers, onlyone, processes
from local.terminal import CannotGoOn


class DataFolder:
    """Blobs, queues and logs; held for as long as a `with` lasts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.blobs = path / "azurite"
        self.queues = path / "broker"
        self.logs = path / "logs"
        self._record = path / "run.json"

    def __enter__(self) -> Self:
        """Take the folder; a second supervisor is told who has it."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = onlyone.take(self.path / "run.lock")
        except onlyone.HeldByAnother as error:
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

    def end_leftovers(self) -> list[str]:
        """End what an earlier supervisor left behind; a sentence for each."""
        parts = self.recorded().get("parts", {}).values()
        recorded = {int(part["pid"]): part["command"] for part in parts}
        found = leftovers.of(self.path, recorded)
        for pid in found:
            processes.end(pid)
        deadline = time.monotonic() + 10
        while leftovers.of(self.path, recorded) and time.monotonic() < deadline:
            time.sleep(0.05)  # noqa: TID251  # nobody's child can be awaited
        return [
            f"Ended process {pid}, left behind by an earlier run: {command[:100]}"
            for pid, command in found.items()
        ]

    def forget(self) -> None:
        """Leave no blob, no event and no log."""
        for folder in (self.blobs, self.queues, self.logs):
            if folder.exists():
                shutil.rmtree(folder)

    def make(self) -> None:
        """Make the folders of the parts."""
        for folder in (self.blobs, self.queues, self.logs):
            folder.mkdir(exist_ok=True)

    def recorded(self) -> dict[str, Any]:
        """What the last supervisor wrote down; empty if nothing can be read."""
        try:
            record = json.loads(self._record.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    def record(self, running: Mapping[str, tuple[int, int, Sequence[str]]]) -> None:
        """Write down the pid, port and command of each part that runs."""
        parts = {
            name: {"pid": pid, "port": port, "command": list(command)}
            for name, (pid, port, command) in running.items()
        }
        content = {"supervisor": os.getpid(), "parts": parts}
        unfinished = self._record.with_suffix(".tmp")
        unfinished.write_text(json.dumps(content, indent=2), encoding="utf-8")
        unfinished.replace(self._record)
