"""Ports of this machine: which are free, which are taken, and by whom."""

import os
import re
import shutil
import socket
import sys
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tools.terminal import CannotGoOn, run_captured

LOOPBACK = "127.0.0.1"
LISTENING = "0A"


def choose(wanted: Mapping[str, int]) -> dict[str, int]:
    """Return the ports as wanted, with a different free one for each 0."""
    chosen = {}
    try:
        with ExitStack() as held:
            for option, port in wanted.items():
                listener = held.enter_context(socket.socket())
                listener.bind((LOOPBACK, 0))
                chosen[option] = port or listener.getsockname()[1]
    except OSError as error:
        raise CannotGoOn(
            f"no port of {LOOPBACK} can be used: {error.strerror}. Is the loopback "
            "interface up?"
        ) from error
    return chosen


def is_taken(port: int) -> bool:
    """Return whether someone on this machine listens there already."""
    with socket.socket() as caller:
        caller.settimeout(1)
        if caller.connect_ex((LOOPBACK, port)) == 0:
            return True
    with socket.socket() as listener:
        if sys.platform != "win32":  # there, reuse would share the port with its holder
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, port))
        except OSError:
            return True
    return False


def holder(port: int) -> str:
    """Return who listens there, as far as this machine tells."""
    if sys.platform == "linux":
        return _named(_linux_pids(port))
    if sys.platform == "win32":
        return _windows_holder(port)
    return _lsof_holder(port)


def _named(pids: Iterable[int]) -> str:
    for pid in pids:
        with suppress(OSError):  # it may have ended since
            command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
            return f"process {pid} ({os.fsdecode(command).strip()[:100]})"
    return "another program"


def _linux_pids(port: int) -> Iterable[int]:
    sockets = {f"socket:[{inode}]" for inode in _linux_inodes(port)}
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if str(link.readlink()) in sockets:
                yield int(link.parts[2])
        except OSError:
            continue  # it ended while we looked, or is another user's


def _linux_inodes(port: int) -> Iterable[str]:
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            fields = line.split()
            if fields[3] == LISTENING and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _lsof_holder(port: int) -> str:
    lsof = shutil.which("lsof") or "/usr/sbin/lsof"
    if not Path(lsof).exists():
        return "another program"
    found = run_captured([lsof, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]).stdout
    pid, name = re.search(r"^p(\d+)", found, re.M), re.search(r"^c(.+)", found, re.M)
    return f"process {pid[1]} ({name[1]})" if pid and name else "another program"


def _windows_holder(port: int) -> str:
    table = run_captured(["netstat", "-ano", "-p", "tcp"]).stdout
    found = re.search(rf":{port}\s+\S+:0\s+\S+\s+(\d+)", table)
    return f"process {found[1]}" if found else "another program"
