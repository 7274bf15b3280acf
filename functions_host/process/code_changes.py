"""Notices that the app's code was edited: every `.py` below its folder, and host.json.

Those are what `func start` watches. Looking at the times of files needs no library and
sees what any editor does, also one that replaces files.
"""

import os
import threading
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path

from functions_host import settings
from functions_host.settings import BadSettings

PERIOD = 0.15
# Not the app's code, and large.
OTHERS = {"__pycache__", "node_modules"}

type Snapshot = dict[str, tuple[int, int, int]]
# Takes what changed since the host began and what prevents a restart; returns whether
# the host restarts.
type OnEdit = Callable[[str, str | None], bool]


class Watcher(threading.Thread):
    """Calls `on_edit` after each edit, once nothing changes any more."""

    def __init__(self, app_dir: Path, on_edit: OnEdit) -> None:
        super().__init__(name="edits", daemon=True)
        self._app_dir = app_dir
        self._on_edit = on_edit
        self._seen = snapshot(app_dir)
        self._never = threading.Event()

    def run(self) -> None:
        """Watch until an edit restarts the host."""
        pending: set[str] = set()
        while True:
            now = self._look(self._seen)
            if now == self._seen:
                continue
            settled = self._settled(now)
            pending |= changed(self._seen, settled)
            self._seen = settled
            names = _names(self._app_dir, pending)
            if self._on_edit(names, problem(self._app_dir, pending)):
                return

    def _settled(self, last: Snapshot) -> Snapshot:
        while (now := self._look(last)) != last:
            last = now
        return now

    def _look(self, last: Snapshot) -> Snapshot:
        """Return what is there after a pause; what was, if nothing can be seen."""
        self._never.wait(PERIOD)
        try:
            return snapshot(self._app_dir)
        except OSError:
            return last


def snapshot(app_dir: Path) -> Snapshot:
    """Return what is known of each file that the app may consist of, or OSError."""
    files: Snapshot = {}
    host_json = str(app_dir / "host.json")
    folders = [str(app_dir)]
    while folders:
        entries = _entries(folders.pop(), app_dir)
        if any(entry.name == "pyvenv.cfg" for entry in entries):
            continue
        for entry in entries:
            if entry.name.startswith(".") or entry.name in OTHERS:
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif entry.name.endswith(".py") or entry.path == host_json:
                _note(entry, files)
    return files


def changed(before: Snapshot, after: Snapshot) -> set[str]:
    """Return the paths of what was edited, added or removed."""
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path)}


def problem(app_dir: Path, paths: Iterable[str]) -> str | None:
    """Return why the app could not begin with these files, with file and line."""
    for path in sorted(paths):
        if path.endswith(".py") and (error := _syntax_error(app_dir, Path(path))):
            return error
    try:
        settings.apply_local_settings(app_dir, {})
    except BadSettings as error:
        return str(error)
    return None


def _names(app_dir: Path, paths: Iterable[str]) -> str:
    names = sorted(str(Path(path).relative_to(app_dir)) for path in paths)
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


def _entries(folder: str, app_dir: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except (FileNotFoundError, PermissionError):
        # It has just gone, or is somebody else's.
        if folder == str(app_dir):
            raise
        return []


def _note(entry: os.DirEntry[str], files: Snapshot) -> None:
    try:
        status = entry.stat()
    except OSError:
        return  # it went away meanwhile
    files[entry.path] = (status.st_mtime_ns, status.st_size, status.st_ino)


def _syntax_error(app_dir: Path, path: Path) -> str | None:
    try:
        source = path.read_bytes()
    except OSError:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):
            compile(source, str(path), "exec", dont_inherit=True)
    except SyntaxError as error:
        place = f"{path.relative_to(app_dir)}, line {error.lineno or 1}"
        return f"{place}: {type(error).__name__}: {error.msg}"
    return None
