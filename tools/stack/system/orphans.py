"""Finds the processes that a supervisor which was killed left behind."""

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tools.stack.system.processes import MARK
from tools.terminal import run_captured


def find(data: Path, recorded: Mapping[int, Sequence[str]]) -> dict[int, str]:
    """
    Return the pid and command of each process started for this data folder.

    Every part carries the folder in its environment, and what it starts inherits
    that, so nothing else is found. Windows does not show a process's environment:
    there, a recorded pid counts if it still runs the recorded command.
    """
    if sys.platform == "win32":
        return _with_recorded_command(recorded)
    mark = f"{MARK}={data}"
    if sys.platform == "linux":
        return dict(_marked_on_linux(mark))
    return dict(_marked_by_ps(mark))


def _marked_on_linux(mark: str) -> Iterable[tuple[int, str]]:
    for environ in Path("/proc").glob("[0-9]*/environ"):
        pid = int(environ.parent.name)
        try:
            carried = environ.read_bytes().split(b"\0")
            command = environ.with_name("cmdline").read_bytes()
        except OSError:
            continue  # it ended while we looked, or is another user's
        if os.fsencode(mark) in carried and pid != os.getpid():
            yield pid, os.fsdecode(command.replace(b"\0", b" ")).strip()


def _marked_by_ps(mark: str) -> Iterable[tuple[int, str]]:
    for line in run_captured(
        ["ps", "-axEww", "-o", "pid=,command="]
    ).stdout.splitlines():
        pid, _, command = line.strip().partition(" ")
        if f" {mark} " in f"{command} " and int(pid) != os.getpid():
            yield int(pid), command[:100]


def _with_recorded_command(
    recorded: Mapping[int, Sequence[str]],
) -> dict[int, str]:
    found = {}
    for pid, command in recorded.items():
        query = f"(Get-CimInstance Win32_Process -Filter 'ProcessId={pid}').CommandLine"
        running = run_captured(["powershell", "-NoProfile", "-Command", query]).stdout
        if command[1:] and all(argument in running for argument in command[1:]):
            found[pid] = running.strip()
    return found
