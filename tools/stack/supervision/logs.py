"""The log file of each part: kept for a few runs, and read for what a person must see."""

import os
import re
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from tools.terminal import last_lines

KEPT = 3
END = 64 * 1024
LARGEST = 32 * 1024 * 1024
NOTEWORTHY = re.compile(
    r"\b(WARNING|ERROR|CRITICAL)\b|^\s*(warn|fail|crit):"
    # Edited code was taken up, or could not be: the stand-in's words and func's.
    r"|INFO Reloaded: |^Exception: \w+Error: .*\.py, line \d+"
)
INDEXING_FAILED = re.compile(r"Traceback \(most recent call last\)|Result: Failure")


def rotate(path: Path) -> None:
    """Make room for a new log; the logs of the last runs end in .1 to .3."""
    _make_older(path)
    if path.exists():
        path.replace(path.with_name(f"{path.name}.1"))


def _make_older(path: Path) -> None:
    for age in range(KEPT - 1, 0, -1):
        older = path.with_name(f"{path.name}.{age}")
        if older.exists():
            older.replace(path.with_name(f"{path.name}.{age + 1}"))


def cut(path: Path) -> None:
    """Truncate a log that has become too large; its part goes on writing to its end."""
    if size(path) <= LARGEST or sys.platform == "win32":
        return
    with suppress(OSError):  # on a full disk the old lines are what makes room
        _make_older(path)
        shutil.copyfile(path, path.with_name(f"{path.name}.1"))
    with suppress(OSError):
        os.truncate(path, 0)


def size(path: Path) -> int:
    """Return how much is in a log so far."""
    with suppress(OSError):
        return path.stat().st_size
    return 0


def end_of(path: Path, since: int = 0) -> str:
    """Return the last part of what was logged since then."""
    now = size(path)
    with suppress(OSError), path.open("rb") as file:
        file.seek(max(since if since <= now else 0, now - END))
        return file.read(END).decode("utf-8", "replace")
    return ""


def why_not_indexed(log: str) -> str:
    """Return the traceback of why the app was not indexed, or the log's end."""
    found = INDEXING_FAILED.search(log)
    if found is None:
        return last_lines(log)
    start = log.rfind("\n", 0, found.start()) + 1
    return last_lines("\n".join(log[start:].splitlines()[:40]), 40)


def is_noteworthy(line: str) -> bool:
    """Return whether the line is a warning or an error of the app."""
    return NOTEWORTHY.search(line) is not None


class Follower:
    """What was added to a log since the last look, in whole lines."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = size(path)

    def new_lines(self) -> list[str]:
        """Return the lines finished since the last call; half a line waits."""
        added = b""
        if size(self._path) < self._read:  # it was truncated
            self._read = 0
        with suppress(OSError), self._path.open("rb") as file:
            file.seek(self._read)
            added = file.read(END)
        whole = added[: added.rfind(b"\n") + 1]
        if len(added) == END:  # a line that is longer comes in pieces
            whole = whole or added
        self._read += len(whole)
        return whole.decode("utf-8", "replace").splitlines()
